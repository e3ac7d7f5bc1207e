//! No configuration, no runner, the east gone: by somebody who has the address of the west, and nothing else.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::below::files;
use crate::runbook::follow::{drsync, ends, steps};
use crate::runbook::workspace::{ODD, West};

/// A lakehouse after two applies, of which only the west is left; and an empty folder to work in.
struct Left {
    folder: tempfile::TempDir,
    /// What the runbook was while everything was there.
    page: String,
}

impl Left {
    fn new() -> Left {
        let folder = tempfile::tempdir().unwrap();
        ends(&drsync(folder.path(), &[], &["demo", "--dir", "."]), 0);
        ends(&drsync(folder.path(), &[], &["apply", "--auto-approve"]), 4);
        let page = ends(&drsync(folder.path(), &[], &["runbook"]), 0);
        for gone in ["east", ".drsync"] {
            fs::remove_dir_all(folder.path().join(gone)).unwrap();
        }
        fs::remove_file(folder.path().join("drsync.json")).unwrap();
        fs::create_dir(folder.path().join("here")).unwrap();
        Left { folder, page }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn evidence(&self) -> PathBuf {
        self.path("west/sync/_drsync/evidence")
    }

    /// The documents with an ending, the oldest first.
    fn documents(&self, ending: &str) -> Vec<PathBuf> {
        let all = files(&self.evidence()).into_iter().map(|(path, _)| path);
        all.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        drsync(&self.path("here"), &[], arguments)
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The statements of a page.
fn texts(page: &str, language: &str) -> Vec<String> {
    steps(page, language).into_iter().map(|step| step.text).collect()
}

#[test]
fn whoever_has_the_folder_of_the_west_comes_to_the_runbook() {
    let left = Left::new();
    // The world has not changed since the first apply: one document, in both of them and of the same name.
    let [document] = left.documents(".config.json").try_into().unwrap();
    for source in ["../west", "../west/sync"] {
        let told = ends(&left.run(&["init", "--from", source]), 0);
        assert!(told.starts_with("Wrote drsync.json: as run "), "{told}");
        assert!(told.ends_with("\nNext\ndrsync status\n"), "{told}");
        let written = left.path("here/drsync.json");
        assert_eq!(fs::read(&written).unwrap(), fs::read(&document).unwrap());
        let status = ends(&left.run(&["status"]), 8);
        assert!(status.ends_with("\ndrsync runbook\n"), "{status}");
        let page = ends(&left.run(&["runbook"]), 0);
        assert_eq!(texts(&page, "python"), texts(&left.page, "python"));
        // One that is there stays.
        let again = left.run(&["init", "--from", source]);
        assert_eq!(again.status.code(), Some(7));
        assert_eq!(
            ends(&left.run(&["init", "--from", source, "--stdout"]), 0).as_bytes(),
            fs::read(&written).unwrap()
        );
        fs::remove_file(written).unwrap();
    }
}

#[test]
fn a_sync_location_is_a_configuration_to_look_with_and_not_to_apply() {
    let left = Left::new();
    let from = ["--config", "../west/sync"];
    let status = left.run(&[&["status"], &from[..]].concat());
    assert_eq!(status.status.code(), Some(8), "{}", said(&status));
    assert!(said(&status).contains("whoever may write there may change it"), "{}", said(&status));
    let page = ends(&left.run(&[&["runbook"], &from[..]].concat()), 0);
    assert_eq!(texts(&page, "python"), texts(&left.page, "python"));
    let before = files(&left.path("west"));
    for arguments in [&["apply", "--auto-approve"][..], &["notify", "test"]] {
        let refused = left.run(&[arguments, &from[..]].concat());
        assert_eq!(refused.status.code(), Some(7), "{}", said(&refused));
        assert!(said(&refused).contains("drsync init --from "), "{}", said(&refused));
    }
    assert_eq!(files(&left.path("west")), before);
    assert!(!left.path("west/sync/.drsync").exists());
}

#[test]
fn what_somebody_laid_there_is_not_taken_for_it() {
    let left = Left::new();
    let [document] = left.documents(".config.json").try_into().unwrap();
    let whole = fs::read(&document).unwrap();
    let refused = || {
        let output = left.run(&["init", "--from", "../west/sync"]);
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(!left.path("here/drsync.json").exists());
        said(&output)
    };
    // Another one under its name: no record names these bytes, and without records nobody says that it was kept.
    let mut other: Value = serde_json::from_slice(&whole).unwrap();
    other["workspaces"][0]["workspace_instance_url"] = "https://evil.test".into();
    fs::write(&document, other.to_string()).unwrap();
    let told = ends(&left.run(&["init", "--from", "../west/sync"]), 0);
    assert!(told.contains("which no run record names any more"), "{told}");
    assert!(told.contains("https://evil.test"), "{told}");
    fs::remove_file(left.path("here/drsync.json")).unwrap();
    // One that says that it is of other places.
    other["workspaces"][0]["sync_location_secondary"] = "/elsewhere".into();
    other["workspaces"][0]["sync_location_primary"] = "/elsewhere2".into();
    fs::write(&document, other.to_string()).unwrap();
    let told = refused();
    assert!(told.contains("it is not taken from another place"), "{told}");
    // One with what looks like a secret.
    let mut secret: Value = serde_json::from_slice(&whole).unwrap();
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    secret["workspaces"][0]["failover_when"] = token.as_str().into();
    fs::write(&document, secret.to_string()).unwrap();
    let told = refused();
    assert!(told.contains("looks like a secret") && !told.contains(&token), "{told}");
    // A link to one that would do, a pipe, and what is larger than any configuration.
    fs::write(left.path("aside.json"), &whole).unwrap();
    fs::remove_file(&document).unwrap();
    std::os::unix::fs::symlink(left.path("aside.json"), &document).unwrap();
    refused();
    fs::remove_file(&document).unwrap();
    fs::File::create(&document).unwrap().set_len(65 << 20).unwrap();
    refused();
    // What is no JSON, or has no workspace.
    for odd in ["", "{", "[]", r#"{"secret_scope": "", "workspaces": []}"#] {
        fs::write(&document, odd).unwrap();
        refused();
    }
    fs::write(&document, &whole).unwrap();
    ends(&left.run(&["init", "--from", "../west/sync"]), 0);
}

#[test]
fn a_newer_record_of_nobody_hides_no_configuration() {
    let left = Left::new();
    let records = left.documents(".run.json");
    let newest = records.last().unwrap();
    let mut forged: Value = serde_json::from_slice(&fs::read(newest).unwrap()).unwrap();
    for (id, document) in [
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "../../../../drsync.json"),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZY", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ.config.json"),
    ] {
        forged["run_id"] = id.into();
        forged["configurations"]["east"]["document"] = document.into();
        let name = format!("{id}.run.json");
        fs::write(newest.with_file_name(name), forged.to_string()).unwrap();
    }
    let told = ends(&left.run(&["init", "--from", "../west/sync"]), 0);
    assert!(told.starts_with("Wrote drsync.json: as run "), "{told}");
}

#[test]
fn where_a_runner_signs_only_what_it_signed_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| drsync(folder.path(), &[], arguments);
    ends(&here(&["demo", "--dir", "."]), 0);
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let (public, key) = (pair.pk.to_base64(), folder.path().join("runner.key"));
    fs::write(&key, pair.sk.to_box(None).unwrap().into_string()).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let other = minisign::KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    let file = folder.path().join("drsync.json");
    let mut configuration: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    configuration["require_signed_records"] = "keys.pub".into();
    fs::write(folder.path().join("keys.pub"), format!("{public}\n{other}\n")).unwrap();
    fs::write(&file, configuration.to_string()).unwrap();
    ends(&here(&["apply", "--auto-approve", "--sign-record-with", "runner.key"]), 4);
    fs::remove_file(&file).unwrap();
    let told = ends(&here(&["init", "--from", "west"]), 0);
    assert!(told.contains(&format!("signed   by {public}")), "{told}");
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["require_signed_records"], format!("{public}, {other}"));
    ends(&here(&["status"]), 0);
    fs::remove_file(&file).unwrap();
    ends(&here(&["init", "--from", "west", "--signed-by", &public]), 0);
    fs::remove_file(&file).unwrap();
    let refused = here(&["init", "--from", "west", "--signed-by", &other]);
    assert_eq!(refused.status.code(), Some(78), "{}", said(&refused));
    // Without the signature of the record nothing says that a runner kept what asks for one.
    let evidence = folder.path().join("west/sync/_drsync/evidence");
    for (path, _) in files(&evidence) {
        if path.to_string_lossy().ends_with(".run.json.minisig") {
            fs::remove_file(path).unwrap();
        }
    }
    let plain = ends(&here(&["init", "--from", "west", "--stdout"]), 0);
    assert!(!plain.contains("require_signed_records"), "the one that was kept before");
}

#[test]
fn nothing_relative_and_no_secret_is_kept_and_a_change_is() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "s3cr3t-of-the-pipeline";
    let variables = [("DRSYNC_TOKEN_EAST".to_owned(), secret.to_owned())];
    let here = |arguments: &[&str]| drsync(folder.path(), &variables, arguments);
    ends(&here(&["demo", "--dir", "."]), 0);
    let apply = || {
        let output = here(&["apply", "--auto-approve"]);
        assert!(matches!(output.status.code(), Some(1 | 4)), "{}", said(&output));
        said(&output)
    };
    let kept = || -> Vec<(PathBuf, String)> {
        let sides =
            ["east", "west"].map(|side| folder.path().join(side).join("sync/_drsync/evidence"));
        let [east, west] = sides.map(|evidence| {
            let all = files(&evidence).into_iter().map(|(path, _)| path);
            let all = all.filter(|path| path.to_string_lossy().ends_with(".config.json"));
            let named = all.map(|path| {
                let name = path.strip_prefix(&evidence).unwrap().to_path_buf();
                (name, fs::read_to_string(&path).unwrap())
            });
            named.collect::<Vec<_>>()
        });
        assert_eq!(east, west, "both sides have the same");
        west
    };
    let first = kept();
    assert_eq!(first.len(), 1);
    let written: Value = serde_json::from_str(&first[0].1).unwrap();
    let location = written["workspaces"][0]["sync_location_secondary"].as_str().unwrap();
    assert!(location.starts_with('/') || location.starts_with("file:///"), "{location}");
    // Rounds with nothing to do, and those with the same configuration, keep no other.
    apply();
    apply();
    assert_eq!(kept(), first);
    // A change is kept by any round.
    let file = folder.path().join("drsync.json");
    let mut configuration: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    configuration["workspaces"][0]["failover_when"] = "away for an hour".into();
    configuration["// note"] = secret.into();
    fs::write(&file, configuration.to_string()).unwrap();
    apply();
    let second = kept();
    assert_eq!(second.len(), 2);
    assert!(second[1].1.contains("away for an hour"));
    assert!(second.iter().all(|(_, text)| !text.contains(secret)));
    // With a secret in it the one before stays.
    configuration["workspaces"][0]["failover_when"] = format!("as {secret}").into();
    fs::write(&file, configuration.to_string()).unwrap();
    let told = apply();
    assert!(told.contains("the configuration of east is not kept"), "{told}");
    assert!(!told.contains(secret), "{told}");
    assert_eq!(kept(), second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_the_address_of_the_west_and_a_token_of_it_comes_to_the_runbook() {
    let west = West::new().await;
    let (before, _) = west.runbook().await;
    west.running.stop_primary();
    let served = &west.running.secondary;
    let own = [
        ("DATABRICKS_HOST".to_owned(), served.url.clone()),
        ("DATABRICKS_TOKEN".to_owned(), served.token.clone()),
    ];
    fs::create_dir(west.path("here")).unwrap();
    let told = west.drsync_as(&own, "here", &["init", "--from", &served.url], 0).await;
    assert!(told.contains("tables of the workspace lie"), "{told}");
    assert!(told.contains(&served.url) && told.contains(&west.running.primary.url), "{told}");
    let status = west.drsync_as(&own, "here", &["status"], 8).await;
    assert!(status.contains(ODD) && status.ends_with("\ndrsync runbook\n"), "{status}");
    let page = west.drsync_as(&own, "here", &["runbook"], 0).await;
    assert_eq!(texts(&page, "sql"), texts(&before, "sql"));
    // Where no table is registered there, it is looked for in the external locations.
    let catalog = west.path("west/lakehouse.json");
    let registered = fs::read(&catalog).unwrap();
    let mut bare: Value = serde_json::from_slice(&registered).unwrap();
    bare["tables"] = Value::Array(Vec::new());
    fs::write(&catalog, bare.to_string()).unwrap();
    let printed = ["init", "--from", &served.url, "--stdout"];
    let found = west.drsync_as(&own, "here", &printed, 0).await;
    assert_eq!(found.as_bytes(), fs::read(west.path("here/drsync.json")).unwrap());
    fs::write(&catalog, registered).unwrap();
    // Without a file, by the sync location, and by the address.
    let location = west.path("west/sync").display().to_string();
    fs::create_dir(west.path("bare")).unwrap();
    let page = west.drsync_as(&own, "bare", &["runbook", "--config", &served.url], 0).await;
    assert_eq!(texts(&page, "sql"), texts(&before, "sql"));
    // What is in a folder of this machine is read as a folder, where a workspace keeps a table.
    west.drsync_as(&own, "bare", &["init", "--from", &location], 78).await;
    // Nobody is signed in to anything.
    west.drsync_as(&[], "bare", &["init", "--from", &served.url], 77).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_east_that_lets_nobody_in_hides_neither_the_runbook_nor_what_the_west_knows() {
    let west = West::new().await;
    let (before, _) = west.runbook().await;
    let served = &west.running.secondary;
    let own = (served.token_variable.clone(), served.token.clone());
    let east = &west.running.primary.token_variable;
    // No token of the east, and one that it refuses.
    let wrong = vec![own.clone(), (east.clone(), "dapi-of-somebody-else".to_owned())];
    for variables in [vec![own], wrong] {
        let told = west.drsync_as(&variables, "", &["runbook", "--config", "served.json"], 0).await;
        assert_eq!(texts(&told, "sql"), texts(&before, "sql"));
        let told = west.drsync_as(&variables, "", &["status", "--config", "served.json"], 77).await;
        assert!(told.starts_with("Primary region cannot be read; 2 of 3 groups"), "{told}");
        assert!(
            told.contains(ODD) && told.ends_with("\ndrsync runbook --config served.json\n"),
            "{told}"
        );
        let told = west.drsync_as(&variables, "", &["history", "--config", "served.json"], 0).await;
        let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains("this is what the other region knows"), "{told}");
        assert!(told.contains("Cuts of") || told.contains("workflow"), "{told}");
        let told = west.drsync_as(&variables, "", &["plan", "--config", "served.json"], 77).await;
        assert_eq!(told, "");
    }
    // Somebody has to be let in somewhere.
    for command in ["runbook", "status"] {
        let told = west.drsync_as(&[], "", &[command, "--config", "served.json"], 77).await;
        assert_eq!(told, "", "{command}");
    }
}

#[test]
fn a_lakehouse_leads_to_its_sync_location_as_a_configuration() {
    let left = Left::new();
    let west = left.path("west").display().to_string();
    let by_place = left.path("west/sync").display().to_string();
    let [one, other] =
        [west, by_place].map(|place| ends(&left.run(&["runbook", "--config", &place]), 0));
    assert_eq!(texts(&one, "python"), texts(&other, "python"));
    assert!(!texts(&one, "python").is_empty(), "{one}");
    std::fs::create_dir(left.path("bare")).unwrap();
    std::fs::write(left.path("bare/lakehouse.json"), "{}").unwrap();
    let bare = left.path("bare").display().to_string();
    let refused = left.run(&["status", "--config", &bare]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(78), "{told}");
    assert!(told.contains("that is a lakehouse: name its sync location"), "{told}");
}
