//! A region that answers with a refusal, or with what cannot be read, is not told as one that is away.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::site::{Said, Site};

async fn site() -> (Site, BTreeMap<String, String>) {
    let site = Site::new().await;
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let token = site.running.primary.token.clone();
    let variables = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)]);
    (site, variables)
}

/// Lets only others read a region's sync location.
fn deny(site: &Site, inside: &str) {
    let file = site.path("world/east/lakehouse.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut catalog: Value = serde_json::from_str(&text).unwrap();
    let url = site.path(inside).display().to_string();
    catalog["external_locations"] =
        json!([{"name": "theirs", "url": url, "grants": {"others": ["READ FILES"]}}]);
    std::fs::write(&file, catalog.to_string()).unwrap();
}

/// Everything that was said, on one line; nothing of it calls a region away.
fn words(said: &Said) -> String {
    let all = format!("{} {}", said.stdout, said.stderr);
    for wrong in ["not available", "not_available", "does not answer", "no answer"] {
        assert!(!all.contains(wrong), "{wrong}: {all}");
    }
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secondary_that_may_not_be_read_is_not_away() {
    let (site, variables) = site().await;
    deny(&site, "world/west/sync");
    for (command, code) in [
        (&["plan"][..], 0),
        (&["plan", "--detailed-exitcode"], 3),
        (&["plan", "--format", "markdown"], 0),
        (&["plan", "--format", "html"], 0),
        (&["plan", "--json"], 0),
        (&["validate"], 3),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["history"], 0),
        (&["apply", "--auto-approve"], 1),
    ] {
        let said = site.run(command, &variables).await;
        let told = words(&said);
        assert_eq!(said.code, code, "{command:?}: {told}");
        let shown = if command.contains(&"--json") {
            "\"refused\": \"denied\""
        } else {
            "econdary region cannot be read"
        };
        let history = command[0] == "history" && told.contains("the secondary cannot be read: ");
        assert!(history || told.contains(shown), "{command:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_may_not_be_read_is_not_away_and_the_secondary_tells_what_it_knows() {
    let (site, variables) = site().await;
    deny(&site, "world/east/sync");
    for command in ["plan", "validate", "status"] {
        let said = site.run(&[command], &variables).await;
        let told = words(&said);
        assert_eq!(said.code, 77, "{command}: {told}");
        assert!(told.contains("Primary region cannot be read"), "{told}");
        let grant = "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION theirs";
        assert!(told.contains(grant), "{told}");
    }
    let status = site.run(&["status"], &variables).await;
    assert!(words(&status).contains("can be brought to a cut right now"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_whose_metadata_tables_cannot_be_read_is_not_away() {
    let (site, variables) = site().await;
    site.fault("SQL *east/sync/_drsync* every fail=DELTA_UNSUPPORTED_FEATURES_FOR_READ");
    for command in ["plan", "validate", "status"] {
        let said = site.run(&[command], &variables).await;
        let told = words(&said);
        assert_eq!(said.code, 1, "{command}: {told}");
        assert!(told.contains("Primary region cannot be read"), "{told}");
    }
}
