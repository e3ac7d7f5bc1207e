//! A deadline: work is begun in time or not at all, and the next apply goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::site::Site;

fn variables(site: &Site) -> BTreeMap<String, String> {
    let token = site.running.primary.token.clone();
    BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_ends_at_its_deadline_and_the_next_goes_on() {
    let site = Site::new().await;
    let variables = variables(&site);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    // The clones of two tables end long after it.
    site.fault("SQL *DEEP*CLONE* 2-3 delay=45s");
    let begun = Instant::now();
    let stopped =
        site.run(&["apply", "--auto-approve", "--json", "--deadline", "20s"], &variables).await;
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(stopped.code, 9, "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stderr.ends_with("drsync: deadline reached (exit 9)\n"), "{}", stopped.stderr);
    let record: serde_json::Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!(record["exit"], serde_json::json!({"code": 9, "name": "deadline reached"}));
    let groups = record["groups"].as_array().unwrap();
    assert!(groups.iter().any(|it| it["ending"]["kind"] == "interrupted"), "{record}");

    let goes_on = site.run(&["apply", "--auto-approve"], &variables).await;
    assert!([0, 4].contains(&goes_on.code), "{}{}", goes_on.stdout, goes_on.stderr);
    let status = site.run(&["status", "--json"], &variables).await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    for group in status["workspaces"][0]["groups"].as_array().unwrap() {
        let synchronized = group["status"] == "success";
        assert!(synchronized || group["name"] == "customer_360", "{group}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_comes_while_regions_are_looked_at_applies_nothing() {
    let site = Site::new().await;
    let variables = variables(&site);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    site.fault("GET /api/2.1/unity-catalog/* every delay=30s");
    let stopped = site.run(&["apply", "--auto-approve", "--deadline", "3s"], &variables).await;
    assert_eq!(stopped.code, 9, "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stderr.contains("nothing was applied"), "{}", stopped.stderr);
    // What is done in time is an apply like any other.
    let site = Site::new().await;
    let variables = self::variables(&site);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let done = site.run(&["apply", "--auto-approve", "--deadline", "1h30m"], &variables).await;
    assert!([0, 4].contains(&done.code), "{}{}", done.stdout, done.stderr);
    let wrong = site.run(&["apply", "--deadline", "30"], &variables).await;
    assert_eq!(wrong.code, 64);
    assert!(wrong.stderr.contains("write it with its unit, as in 45m"), "{}", wrong.stderr);
}
