//! A configuration that lies in the workspace or in a volume.

use crate::workspace::site::{Site, without_ids};

const FILE: &str = "workspace/Shared/dr/drsync.json";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_in_the_workspace_is_planned_and_applied() {
    let site = Site::new().await;
    site.put(FILE, &site.running.configuration);
    let source = "workspace:/Shared/dr/drsync.json";
    let variables = site.signed_in();
    let valid = site.run(&["validate", "--offline", "-c", source], &variables).await;
    assert_eq!(valid.code, 0, "{}", valid.stderr);
    let planned = site.run(&["plan", "--json", "-c", source], &variables).await;
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let plan: serde_json::Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(plan["config"]["source"], source);
    assert_eq!(plan["summary"]["groups_sync"], 2, "{plan}");
    let applied = site.run(&["apply", "--auto-approve", "-c", source], &variables).await;
    assert_eq!(applied.code, 4, "{}{}", applied.stdout, applied.stderr);
    // drsync's own files lie where it was run.
    assert!(site.path("here/.drsync/runs").is_dir());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_and_a_volume_are_read_with_all_their_files() {
    let site = Site::new().await;
    let mut other: serde_json::Value = serde_json::from_str(&site.running.configuration).unwrap();
    other["workspaces"][0]["workspace_name"] = "second".into();
    other["workspaces"][0]["sync_location_primary"] = "/elsewhere/one".into();
    other["workspaces"][0]["sync_location_secondary"] = "/elsewhere/two".into();
    for folder in ["workspace/Shared/dr", "volumes/main/dr/config/drsync"] {
        site.put(&format!("{folder}/a.json"), &site.running.configuration);
        site.put(&format!("{folder}/b.json"), &other.to_string());
        site.put(&format!("{folder}/notes.txt"), "not for drsync");
    }
    for source in [
        "workspace:/Shared/dr",
        "workspace:/Workspace/Shared/dr",
        "volume:/Volumes/main/dr/config/drsync",
    ] {
        let args = ["validate", "--offline", "--json", "-c", source];
        let read = site.run(&args, &site.signed_in()).await;
        assert_eq!(read.code, 0, "{source}: {}{}", read.stdout, read.stderr);
        let text = ["validate", "--offline", "-c", source];
        let text = site.run(&text, &site.signed_in()).await.stdout;
        assert!(text.contains("2 workspaces"), "{source}: {text}");
    }
    let file = "volume:/Volumes/main/dr/config/drsync/a.json";
    let read = site.run(&["validate", "--offline", "-c", file], &site.signed_in()).await;
    assert_eq!(read.code, 0, "{}", read.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_there_is_said_with_what_would_help() {
    let site = Site::new().await;
    site.put("workspace/Shared/dr/bad.json", "{\n  \"secret_scope\": \"\",\n  oops\n}\n");
    let ends = async |source: &str, code: i32| {
        let said = site.run(&["plan", "-c", source], &site.signed_in()).await;
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{}", said.stderr);
        without_ids(&said.stderr)
    };
    let told = async |source: &str| ends(source, 78).await;
    assert_eq!(
        told("workspace:/Shared/dr/none.json").await,
        "drsync: failed to read workspace:/Shared/dr/none.json in HOST: Path (/Shared/dr/none.json) doesn't exist. [RESOURCE_DOES_NOT_EXIST (404)]\n  \
         what is not shared with whoever is signed in is not found either\n\
         drsync: configuration (exit 78)\n"
    );
    let bad = told("workspace:/Shared/dr/bad.json").await;
    assert!(bad.contains("workspace:/Shared/dr/bad.json"), "{bad}");
    assert!(bad.contains("line 3") || bad.contains("line  3"), "{bad}");
    site.fault("GET /api/2.0/workspace/* every 403");
    site.fault("GET /api/2.0/fs/* every 403");
    assert_eq!(
        ends("workspace:/Shared/dr/bad.json", 77).await,
        "drsync: failed to read workspace:/Shared/dr/bad.json in HOST: The sandbox was told to say so. [PERMISSION_DENIED (403)]\n  \
         whoever is signed in needs CAN READ on it\n\
         drsync: authentication (exit 77)\n"
    );
    assert_eq!(
        ends("volume:/Volumes/main/dr/config/drsync.json", 77).await,
        "drsync: failed to read volume:/Volumes/main/dr/config/drsync.json in HOST: The sandbox was told to say so. [PERMISSION_DENIED (403)]\n  \
         whoever is signed in needs READ VOLUME on main.dr.config, and USE on its parents\n\
         drsync: authentication (exit 77)\n"
    );
    assert_eq!(
        told("volume:/main/dr").await,
        "drsync: failed to read volume:/main/dr: write workspace:/path or volume:/Volumes/catalog/schema/volume/path\n\
         drsync: configuration (exit 78)\n"
    );
    let nowhere = site.run(&["plan", "-c", "workspace:/x.json"], &Default::default()).await;
    assert_eq!(
        nowhere.stderr,
        "drsync: failed to read workspace:/x.json: no workspace is named: set DATABRICKS_HOST, or a host in profile DEFAULT\n\
         drsync: configuration (exit 78)\n"
    );
}
