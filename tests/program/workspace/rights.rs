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

/// Gives the primary's catalog these external locations, each with what drsync may do there.
fn locations(site: &Site, all: &[(&str, &str, &[&str])]) {
    let file = site.path("world/east/lakehouse.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut catalog: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = all.iter().map(|(name, inside, rights)| {
        let url = site.path(inside).display().to_string();
        serde_json::json!({"name": name, "url": url, "grants": {"dr-sync@example.com": rights}})
    });
    catalog["external_locations"] = all.collect();
    std::fs::write(&file, catalog.to_string()).unwrap();
}

const BOTH: &[&str] = &["READ FILES", "WRITE FILES"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_location_that_nothing_covers_is_told_with_the_statement_that_makes_one() {
    let site = Site::new().await;
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    locations(&site, &[("p", "world/east/sync", BOTH), ("t", "world/east/tables", BOTH)]);
    let said = site.run(&["validate"], &variables(&site)).await;
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    let statement = "\nCREATE EXTERNAL LOCATION IF NOT EXISTS `drsync_west` URL 'WORLD/west/sync' WITH (STORAGE CREDENTIAL `…`)\n";
    assert!(said.stdout.contains(statement), "{}", said.stdout);
    assert!(words(&said).contains("in place of …"), "{}", said.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_may_not_be_written_is_one_warning_for_all_groups() {
    let site = Site::new().await;
    let variables = variables(&site);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    // One group is synchronized before, so that the metadata tables are there.
    let first = ["apply", "--auto-approve", "--only", "reference_data"];
    let applied = site.run(&first, &variables).await;
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    locations(&site, &[("p", "world/east/sync", &["READ FILES"]), ("s", "world/west/sync", BOTH)]);
    let planned = site.run(&["plan"], &variables).await;
    assert_eq!(words(&planned).matches("primary_not_writable").count(), 1, "{}", planned.stdout);
    let applied = site.run(&["apply", "--auto-approve"], &variables).await;
    assert_eq!(applied.code, 4, "{}{}", applied.stdout, applied.stderr);
    let told = words(&Said { stderr: String::new(), ..applied });
    let of_all = "no status of any group is recorded in the primary: ";
    assert_eq!(told.matches(of_all).count(), 1, "{told}");
    assert_eq!(told.matches("no cut is in the primary's log yet: ").count(), 1, "{told}");
    assert!(!told.contains("the status of orders"), "{told}");
}
