//! Rights that are missing: each is told with the statement that gives it.

use std::collections::BTreeMap;

use super::site::{Said, Site};

/// Everything that was said, on one line.
fn words(said: &Said) -> String {
    let all = format!("{} {}", said.stdout, said.stderr);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn variables(site: &Site) -> BTreeMap<String, String> {
    let token = site.running.primary.token.clone();
    BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_after_the_plan_is_told_with_its_grant() {
    let site = Site::new().await;
    let variables = variables(&site);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let planned = site.run(&["plan", "--out", "plan.json"], &variables).await;
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let file = site.path("world/east/lakehouse.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut catalog: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tables = catalog["tables"].as_array_mut().unwrap();
    let countries = tables.iter_mut();
    let mut countries = countries.filter(|table| table["full_name"] == "main.ref.countries");
    countries.next().unwrap()["grants"] = serde_json::json!({"others": ["SELECT"]});
    std::fs::write(&file, catalog.to_string()).unwrap();

    let grant = "GRANT SELECT ON TABLE main.ref.countries TO `dr-sync@example.com`";
    for command in [&["check", "plan.json"][..], &["apply", "plan.json", "--auto-approve"]] {
        let said = site.run(command, &variables).await;
        assert!(words(&said).contains(grant), "{}{}", said.stdout, said.stderr);
        assert_eq!(said.code, 4, "{command:?}");
    }
    let record = site.run(&["status", "--json"], &variables).await;
    assert!(record.stdout.contains(grant), "{}", record.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_locations_that_may_not_be_read_are_told_with_one_grant_to_paste() {
    let site = Site::new().await;
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let file = site.path("world/east/lakehouse.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut catalog: serde_json::Value = serde_json::from_str(&text).unwrap();
    let location = |name: &str, inside: &str| {
        let url = site.path(inside).display().to_string();
        serde_json::json!({"name": name, "url": url, "grants": {"others": ["READ FILES"]}})
    };
    catalog["external_locations"] =
        [location("p", "world/east/sync"), location("s", "world/west/sync")].into();
    std::fs::write(&file, catalog.to_string()).unwrap();
    for command in ["validate", "plan", "apply", "status"] {
        let said = site.run(&[command], &variables(&site)).await;
        assert_eq!((said.code, said.stdout.as_str()), (77, ""), "{command}");
        let grant =
            "\nGRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION p TO `dr-sync@example.com`\n";
        assert!(said.stderr.contains(grant), "{}", said.stderr);
    }
}
