//! The passive side is watched: a workflow that is at work there stops its group, whenever it started.

use std::process::Stdio;
use std::time::{Duration, Instant};

use drsync::lakehouse::write::WorkspaceFolder;

use super::site::{Said, Site};

/// The job of the group `orders` in the west's workspace.
const JOB: i64 = 2016;

fn west(site: &Site) -> WorkspaceFolder {
    WorkspaceFolder::at(site.path("world/west"))
}

fn minutes_ago(minutes: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() - chrono::TimeDelta::minutes(minutes)
}

/// How the apply that ended last says that a group ended.
fn ending(said: &Said, group: &str) -> serde_json::Value {
    let record: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let groups = record["groups"].as_array().unwrap();
    let of = groups.iter().find(|it| it["name"] == group);
    of.unwrap_or_else(|| panic!("{record}"))["ending"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_started_there_after_the_plan_stops_its_group_and_no_other() {
    let site = Site::new().await;
    let mut variables = site.signed_in();
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    variables.insert("DRSYNC_TOKEN_EAST".to_owned(), site.running.primary.token.clone());
    let planned = site.run(&["plan", "--out", "plan.json"], &variables).await;
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    std::fs::copy(site.path("world/west/jobs.json"), site.path("here/jobs.json")).unwrap();
    west(&site).add_run(JOB, 99, minutes_ago(1), None, "").unwrap();
    let apply = ["apply", "plan.json", "--auto-approve", "--json"];
    let said = site.run(&apply, &variables).await;
    assert_eq!(said.code, 4, "{}{}", said.stdout, said.stderr);
    let orders = ending(&said, "orders");
    assert_eq!(orders["kind"], "failed", "{orders}");
    assert!(orders.to_string().contains("workflow_active_in_secondary"), "{orders}");
    assert_eq!(ending(&said, "reference_data")["kind"], "synchronized");
    assert!(!site.path("world/west/sync/main/shop/orders").exists(), "nothing was cloned");
    // Somebody stopped it, and removed it from the history.
    std::fs::copy(site.path("here/jobs.json"), site.path("world/west/jobs.json")).unwrap();
    let said = site.run(&["apply", "--auto-approve", "--json"], &variables).await;
    assert_eq!(ending(&said, "orders")["kind"], "synchronized", "{}", said.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_starts_there_while_tables_are_cloned_keeps_the_cut_out() {
    let site = Site::new().await;
    let mut variables = site.signed_in();
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    variables.insert("DRSYNC_TOKEN_EAST".to_owned(), site.running.primary.token.clone());
    site.fault("SQL *DEEP CLONE* every delay=2s");
    let arguments = ["apply", "--auto-approve", "--only", "orders", "--events", "events", "--json"];
    let apply = site.drsync(&arguments, &variables).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = apply.among_others().spawn().unwrap();
    let (events, begun) = (site.path("here/events"), Instant::now());
    while !std::fs::read_to_string(&events).is_ok_and(|it| it.contains("\"table")) {
        assert!(begun.elapsed() < Duration::from_secs(120), "no clone began");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    west(&site).add_run(JOB, 99, minutes_ago(0), None, "").unwrap();
    let said = site.said(child.wait_with_output().await.unwrap());
    let orders = ending(&said, "orders");
    assert!(orders.to_string().contains("workflow_active_in_secondary"), "{orders}");
    let status = site.run(&["history", "--json"], &variables).await;
    assert!(!status.stdout.contains("\"cut\": 1,"), "{}", status.stdout);
}
