//! What others watch drsync by: exit statuses that were asked for, and metrics.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::program::{code, drsync, drsync_at, stderr, stdout, world};
use crate::support::metrics::understood;

#[test]
fn a_status_fails_on_what_was_asked_for_and_on_nothing_else() {
    let world = world();
    let folder = world.path();
    let failed = |now: &str, states: &str| {
        let output = drsync_at(now, folder, &["status", "--fail-on", states]);
        (code(&output), stderr(&output))
    };
    let now = "2026-11-22T11:00:00Z";
    let (exit, said) = failed(now, "blocked,breached");
    assert_eq!(exit, 3, "{said}");
    let blocked = "drsync: customer_360 is blocked\n";
    assert_eq!(said, format!("{blocked}drsync: not in order (exit 3)\n"));
    assert_eq!(failed(now, "breached,lost"), (0, String::new()));
    let (exit, said) = failed(now, "unprotected");
    assert!(exit == 3 && said.contains("customer_360 is unprotected"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
    // Four days on commits wait that no cut holds.
    let (exit, said) = failed("2026-11-26T11:00:00Z", "breached");
    assert!(exit == 3 && said.contains("orders is breached"), "{said}");

    // A replica that is gone is lost, and its group is not protected any more.
    fs::remove_dir_all(folder.join("west/sync/main/ref")).expect("removed");
    let (exit, said) = failed(now, "lost,unprotected");
    assert_eq!(exit, 3, "{said}");
    assert!(said.contains("is lost, unprotected"), "{said}");

    let wrong = drsync(folder, &["status", "--fail-on", "late"]);
    assert_eq!(code(&wrong), 64, "{}", stderr(&wrong));
    for region in ["west", "east"] {
        fs::rename(folder.join(region), folder.join("gone")).expect("moved");
        let away = drsync(folder, &["status", "--fail-on", "lost"]);
        assert_eq!(code(&away), 8, "{region}: {}", stderr(&away));
        fs::rename(folder.join("gone"), folder.join(region)).expect("moved");
    }
}

fn metrics(folder: &Path) -> String {
    let output = drsync(folder, &["metrics"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[test]
fn metrics_are_read_by_prometheus_and_say_what_status_says() {
    let world = world();
    let folder = world.path();
    let text = metrics(folder);
    let Some(samples) = understood(&text) else { return };
    let value = |name: &str, labels: Value| {
        let mut same = samples.iter().filter(|it| it[0] == name && it[1] == labels);
        let value = same.next().and_then(|it| it[2].as_f64());
        assert!(same.next().is_none(), "{name} {labels} twice");
        value
    };
    let of = |group: &str| json!({"workspace": "east", "group": group});
    let with = |group: &str, key: &str, more: &str| {
        let mut labels = of(group);
        labels[key] = more.into();
        labels
    };
    let status = drsync(folder, &["status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    for group in status["workspaces"][0]["groups"].as_array().expect("groups") {
        let name = group["name"].as_str().expect("a name");
        assert!(group["owner_emails"][0].as_str().is_some_and(|it| it.contains('@')), "{group}");
        let lag = value("drsync_group_lag_seconds", of(name));
        assert_eq!(lag, group["lag_seconds"].as_f64(), "{name}");
        let objective = value("drsync_group_objective_seconds", of(name));
        assert_eq!(objective, group["rpo_seconds"].as_f64(), "{name}");
        let protected = value("drsync_group_protected", of(name));
        let so = f64::from(u8::from(group["protected"] == true));
        assert_eq!(protected, Some(so), "{name}");
        let cut = value("drsync_group_cut_timestamp_seconds", of(name));
        assert_eq!(cut.is_some(), group["last_cut"].is_object(), "{name}");
        assert_eq!(value("drsync_group_active", with(name, "side", "east")), Some(1.0));
    }
    assert_eq!(value("drsync_group_state", with("customer_360", "state", "failing")), Some(1.0));
    assert_eq!(value("drsync_group_state", with("orders", "state", "failing")), Some(0.0));
    assert!(value("drsync_round_end_timestamp_seconds", json!({})).is_some());
    let up = |samples: &[Value]| -> Vec<f64> {
        let up = samples.iter().filter(|it| it[0] == "drsync_region_up");
        up.filter_map(|it| it[2].as_f64()).collect()
    };
    assert_eq!(up(&samples), [1.0, 1.0]);

    // A region that is away is a metric and no failure, and what nobody knows is absent.
    fs::rename(folder.join("east"), folder.join("gone")).expect("moved");
    let samples = understood(&metrics(folder)).expect("as before");
    assert_eq!(up(&samples), [0.0, 1.0]);
    assert!(!samples.iter().any(|it| it[0] == "drsync_group_lag_seconds"), "{samples:?}");
}

#[test]
fn beside_a_document_nothing_is_said_but_what_went_wrong() {
    let world = world();
    let applied = drsync(world.path(), &["apply", "--auto-approve", "--json"]);
    assert_eq!(stderr(&applied), "drsync: partial (exit 4)\n");
    serde_json::from_slice::<Value>(&applied.stdout).expect("a document");
    let planned = drsync(world.path(), &["plan", "--json"]);
    assert_eq!((code(&planned), stderr(&planned)), (0, String::new()));
    let refused = drsync(world.path(), &["apply", "--json", "--expect-effect", &"0".repeat(64)]);
    assert_eq!(code(&refused), 10, "{}", stderr(&refused));
    assert!(stderr(&refused).lines().count() > 1, "{}", stderr(&refused));
}
