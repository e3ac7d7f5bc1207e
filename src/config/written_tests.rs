use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::{Configuration, read_text};

/// One that uses every kind of value.
fn full() -> Value {
    json!({
        "secret_scope": "dr",
        "// why": "a comment",
        "notifications": {
            "smtp": {"host": "smtp.example.com", "security": "tls", "from": "dr@example.com", "auth": "plain", "user": "dr",
                "password_secret": "smtp-password"},
            "webhooks": [{"kind": "slack", "url_secret": "slack-dr"},
                {"kind": "pagerduty", "secret_key": "pagerduty", "events": ["failing"]}],
            "heartbeat": {"url_secret": "heartbeat"}, "success": "daily", "reminder_hours": 12,
        },
        "workspaces": [{
            "workspace_name": "east", "workspace_instance_url": "https://adb-1.test", "workspace_pat_key": "east-pat",
            "warehouse_id": "w1", "secondary_workspace_name": "west",
            "secondary_workspace_instance_url": "https://adb-2.test", "secondary_workspace_pat_key": "west-pat",
            "sync_location_primary": "abfss://dr@east.dfs.core.windows.net/sync",
            "sync_location_secondary": "abfss://dr@west.dfs.core.windows.net/sync",
            "sync_failure_notification": "ops@example.com, more@example.com", "sync_success_notification": "ops@example.com",
            "sync_default_schedule": "0 */12 * * *", "sync_max_retries": "3", "sync_timezone": "Europe/Vienna",
            "default_catalog": "main", "failover_when": "away for an hour", "failover_approvers": "cto@example.com",
            "sync_groups": [
                {"group_name": "core \u{1F600} `x`", "group_owner_email": "core@example.com", "workflow": ["core_job", "id:7"],
                    "tables": ["a.b", "c", "`o'dd`.`t.x`"], "sync_max_lag_minutes": 0, "sync_shrink_percent": 0,
                    "unprotected_tables": {"a.b": "too big"}},
                {"group_name": "yearly", "group_owner_email": "core@example.com", "workflow": "id:9", "tables": ["d"],
                    "sync_schedule": "0 0 29 2 *", "paused": "moving", "paused_until": "2026-12-15T10:00:00Z",
                    "sync_max_retries": 0, "sync_receipt_minutes": 15},
            ],
        }],
    })
}

fn read(text: &str) -> Configuration {
    read_text("drsync.json", text.as_bytes(), Path::new("/srv/dr"))
}

fn written(configuration: &Configuration) -> String {
    let [workspace] = configuration.workspaces.as_slice() else {
        panic!("{:?}", configuration.mistakes);
    };
    workspace.written(&WrittenKeys::default(), configuration.incomplete)
}

#[test]
fn what_is_written_reads_as_the_same_configuration() {
    let of_file = |text: &str| {
        let given = read(text);
        assert!(given.mistakes.is_empty(), "{:?}", given.mistakes);
        let text = written(&given);
        let again = read_text("elsewhere.json", text.as_bytes(), Path::new("/nowhere"));
        assert!(again.mistakes.is_empty(), "{text}\n{:?}", again.mistakes);
        assert_eq!(again.effective(), given.effective());
        assert_eq!(again.effective_sha256, given.effective_sha256);
        // Written again it is the same text: who keeps it sees whether it changed.
        assert_eq!(written(&again), text);
    };
    of_file(&full().to_string());
    let mut lakehouse = full();
    let workspace = &mut lakehouse["workspaces"][0];
    for (key, value) in [
        ("workspace_instance_url", "east"),
        ("secondary_workspace_instance_url", "../west"),
        ("sync_location_primary", "./east/sync"),
        ("sync_location_secondary", "file:///worlds/a%20b"),
    ] {
        workspace[key] = value.into();
    }
    lakehouse["notifications"]["smtp"] = json!({"host": "smtp.example.com", "auth": "xoauth2", "user": "dr",
        "oauth": {"tenant": "example.com", "client_id": "c", "client_secret_key": "mail-app"}});
    of_file(&lakehouse.to_string());
    let mut small = full();
    small.as_object_mut().unwrap().remove("notifications");
    small["secret_scope"] = "".into();
    for key in ["workspace_pat_key", "secondary_workspace_pat_key"] {
        small["workspaces"][0][key] = "".into();
    }
    of_file(&small.to_string());
}

#[test]
fn what_could_not_be_understood_is_not_understood_again() {
    let mut file = full();
    let groups = file["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
    groups[0]["sync_shrink_percent"] = "many".into();
    groups.push(json!({"tables": ["x"]}));
    file["workspaces"].as_array_mut().unwrap().push(json!({"workspace_name": "north"}));
    let given = read(&file.to_string());
    let again = read(&written(&given));
    assert_eq!(again.effective(), given.effective());
    assert!(again.incomplete && again.workspaces[0].incomplete);
    let names: Vec<_> = again.workspaces[0].groups.iter().map(GroupEntry::name).collect();
    assert_eq!(names, [Some("core \u{1F600} `x`"), Some("yearly"), None]);
}

#[test]
fn keys_are_written_and_no_file_of_them() {
    let mut file = full();
    file["require_signature"] = "keys/reviewers.pub".into();
    let given = read(&file.to_string());
    let keys = WrittenKeys { plans: vec!["K1".to_owned(), "K2".to_owned()], records: Vec::new() };
    let again = read(&given.workspaces[0].written(&keys, false));
    assert_eq!(again.require_signature, ["K1, K2"]);
    assert!(again.require_signed_records.is_empty());
}

#[test]
fn no_secret_is_written_wherever_it_stood() {
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    let mut file = full();
    file["// note"] = token.as_str().into();
    file["workspaces"][0]["failover_when"] = format!("use {token}").into();
    let given = read(&file.to_string());
    assert!(!given.secrets.is_empty());
    for workspace in &given.workspaces {
        assert!(!workspace.written(&WrittenKeys::default(), true).contains(&token));
    }
}
