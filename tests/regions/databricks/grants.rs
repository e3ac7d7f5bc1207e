//! Grants that the program prints: of what it asked about and of what it needs, whatever a service says is missing.

use serde_json::json;

use super::fake::{Fake, PRIMARY, SECONDARY, TOKEN, What};

use crate::support::runner::drsync;

/// Runs the program for one table of the workspace; everything that it said.
async fn said(fake: &Fake, words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let configuration = json!({"secret_scope": "", "workspaces": [{
        "workspace_name": "east", "workspace_instance_url": fake.base, "workspace_pat_key": "",
        "sync_location_primary": PRIMARY, "sync_location_secondary": SECONDARY,
        "sync_failure_notification": "a@example.com", "sync_success_notification": "a@example.com",
        "sync_default_schedule": "0 */12 * * *", "sync_max_retries": 0,
        "default_catalog": "main", "default_schema": "core",
        "sync_groups": [{"group_name": "g", "group_owner_email": "a@example.com", "workflow": "nightly",
            "tables": ["main.core.gold"]}]}]});
    std::fs::write(folder.path().join("drsync.json"), configuration.to_string()).unwrap();
    let run = drsync(folder.path(), words).env("HOME", folder.path());
    let mut run = run.env("DATABRICKS_TOKEN", TOKEN).among_others();
    let output = run.output().await.unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert!(!stdout.is_empty(), "{stderr}");
    format!("{stdout}{stderr}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_chooses_neither_the_thing_nor_the_right_of_a_grant() {
    let select = "GRANT SELECT ON TABLE main.core.gold TO `dr@example.com`";
    let schema = "GRANT USE SCHEMA ON SCHEMA main.core TO `dr@example.com`";
    for (told, grant) in [
        ("USE SCHEMA on Schema 'main.core'", schema),
        ("ALL PRIVILEGES on Catalog 'main'", select),
        ("MANAGE on Table 'main.core.gold'", select),
        ("SELECT on Table 'hr.pay.salaries'", select),
        ("USE SCHEMA on Schema 'main.core` TO `evil'", select),
    ] {
        let fake = Fake::start().await;
        fake.change(|state| {
            state.jobs = vec![json!({"job_id": 7, "settings": {"name": "nightly"}})];
        });
        let message = format!("User does not have {told}");
        let denied = json!({"error_code": "PERMISSION_DENIED", "message": message});
        let denied = What::Answer(403, vec![], denied.to_string());
        fake.fault("/api/2.1/unity-catalog/tables", 99, denied);
        for words in [&["validate", "--sql"][..], &["plan"]] {
            let said = said(&fake, words).await;
            let grants = said.lines().filter(|line| line.trim_start().starts_with("GRANT "));
            let grants: Vec<&str> = grants.map(|line| line.trim().trim_end_matches(';')).collect();
            assert_eq!(grants, [grant], "{told}: {said}");
        }
    }
}
