//! What `status` is asked of, and what it tells of that alone.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::program::{code, drsync, stderr, stdout, world};

#[test]
fn a_status_is_of_the_groups_and_tables_that_are_named() {
    let world = world();
    let status = |asked: &[&str]| {
        let output = drsync(world.path(), &[&["status"], asked].concat());
        assert_eq!(code(&output), 0, "{asked:?}: {}", stderr(&output));
        stdout(&output)
    };
    let group = status(&["orders"]);
    assert!(group.starts_with("1 group protected; "), "{group}");
    for table in ["main.shop.orders ", "main.shop.order_lines ", "main.shop.daily_totals "] {
        assert!(group.contains(table), "{group}");
    }
    assert!(!group.contains("customer_360") && !group.contains("reference_data"), "{group}");
    let table = status(&["order_lines"]);
    assert!(table.contains("main.shop.order_lines ") && !table.contains("daily_totals"), "{table}");
    let both = status(&["order_lines", "reference_data"]);
    assert!(both.starts_with("2 groups protected; "), "{both}");
    assert!(both.contains("main.ref.currencies ") && !both.contains("daily_totals"), "{both}");
    let json = status(&["orders", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["workspaces"][0]["groups"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_no_group_and_no_table_is_a_mistake_that_names_the_nearest() {
    let world = world();
    for (asked, near) in [
        ("ordes", "orders"),
        ("refernce_data", "reference_data"),
        ("shop.order_line", "shop.order_lines"),
    ] {
        let output = drsync(world.path(), &["status", asked]);
        assert_eq!(code(&output), 64, "{asked}: {}", stdout(&output));
        let said =
            format!("drsync: {asked}: no such group, and no table of any; nearest: {near}\n");
        assert!(stderr(&output).starts_with(&said), "{}", stderr(&output));
    }
    let output = drsync(world.path(), &["status", "orders", "--exclude", "orders"]);
    assert_eq!(code(&output), 64, "{}", stdout(&output));
}

#[test]
fn groups_that_left_the_configuration_stand_in_a_line_of_their_own() {
    let world = world();
    let file = world.path().join("drsync.json");
    let text = fs::read_to_string(&file).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let groups = configuration["workspaces"][0]["sync_groups"].as_array_mut().expect("groups");
    groups.retain(|group| group["group_name"] != "reference_data");
    fs::write(&file, configuration.to_string()).expect("written");

    let line = |shown: &str| {
        let at = shown.find("\nretired ").unwrap_or_else(|| panic!("{shown}"));
        shown[at..].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let before = line(&stdout(&drsync(world.path(), &["status"])));
    let left =
        "retired reference_data (cut 1 of 2026-11-22 11:00:00Z): no longer in the configuration";
    assert_eq!(before, format!("{left}: the next apply retires them, replicas stay"));
    let applied = drsync(world.path(), &["apply", "--auto-approve"]);
    assert_eq!(code(&applied), 4, "{}", stderr(&applied));
    let after = line(&stdout(&drsync(world.path(), &["status"])));
    assert_eq!(after, format!("{left}; their replicas stay as they are"));
    // Who asks for one group asks for no other.
    assert!(!stdout(&drsync(world.path(), &["status", "orders"])).contains("retired"));
}

/// Deletes a file of a table as somebody else would.
fn written_by_somebody_else(table: &Path) {
    let log = table.join("_delta_log");
    let first = fs::read_to_string(log.join("00000000000000000000.json")).expect("read");
    let actions = first.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let path =
        actions.filter_map(|action| action["add"]["path"].as_str().map(str::to_owned)).next();
    let remove = json!({"remove": {
        "path": path.expect("a file"), "dataChange": true, "deletionTimestamp": 1_763_809_200_000_u64,
    }});
    let info = json!({"commitInfo": {
        "timestamp": 1_763_809_200_000_u64, "operation": "DELETE", "operationParameters": {},
        "userName": "bob@example.com", "operationMetrics": {"numDeletedRows": "17"},
    }});
    fs::write(log.join("00000000000000000001.json"), format!("{info}\n{remove}\n"))
        .expect("written");
}

#[test]
fn what_others_wrote_to_a_replica_is_drift_and_the_version_to_go_back_to_is_told() {
    let world = world();
    written_by_somebody_else(&world.path().join("west/sync/main/shop/order_lines"));
    let told = "drift    orders  main.shop.order_lines: v1 DELETE of 17 rows by bob@example.com,";
    let shown = stdout(&drsync(world.path(), &["status"]));
    assert!(shown.contains(told) && shown.contains("cut 1 is its v0"), "{shown}");
    let json = stdout(&drsync(world.path(), &["status", "order_lines", "--json"]));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let table = &json["workspaces"][0]["groups"][0]["tables"][0];
    assert_eq!(table["cut_replica_version"], 0);
    assert_eq!(table["off_cut"]["kind"], "drift");
    assert_eq!(table["off_cut"]["commits"][0]["user"], "bob@example.com");

    fs::rename(world.path().join("east"), world.path().join("gone")).expect("moved");
    let shown = stdout(&drsync(world.path(), &["status"]));
    assert!(shown.contains(told) && shown.contains("2 of 3 at the cut, 1 with drift"), "{shown}");
}

#[test]
fn with_the_primary_away_what_failed_before_is_folded() {
    let world = world();
    fs::rename(world.path().join("east"), world.path().join("gone")).expect("moved");
    let shown = stdout(&drsync(world.path(), &["status"]));
    let folded = "failed   customer_360  in the last round before: drsync status -v\n";
    assert!(shown.contains(folded) && !shown.contains("table_not_readable"), "{shown}");
    let all = stdout(&drsync(world.path(), &["status", "-v"]));
    assert!(all.contains("table_not_readable") && !all.contains("in the last round"), "{all}");
}
