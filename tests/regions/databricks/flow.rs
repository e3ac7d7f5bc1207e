//! The whole flow over Databricks: observe, plan, apply, and what the next plan sees.

use std::path::Path;

use drsync::apply::{ApplyOptions, apply};
use drsync::config::read_text;
use drsync::observe::observe;
use drsync::plan::{Decision, FindingCode, Plan, Request, plan};
use drsync::region::Regions;
use serde_json::json;

use super::fake::{DeltaTable, Fake, PRIMARY, SECONDARY};

async fn planned(fake: &Fake, regions: &Regions) -> Plan {
    let configuration = json!({
        "secret_scope": "dr",
        "workspaces": [{
            "workspace_name": "east",
            "workspace_instance_url": fake.base,
            "workspace_pat_key": "",
            "sync_location_primary": PRIMARY,
            "sync_location_secondary": SECONDARY,
            "sync_failure_notification": "ops@example.com",
            "sync_success_notification": "ops@example.com",
            "sync_default_schedule": "0 */12 * * *",
            "sync_max_retries": 3,
            "sync_groups": [{"group_name": "core", "group_owner_email": "core@example.com", "tables": ["core.gold", "core.silver"]}]
        }]
    });
    let read = read_text("drsync.json", configuration.to_string().as_bytes(), Path::new("/"));
    assert_eq!(read.mistakes, []);
    let request = Request { plan_id: "01JDPLAN".to_owned(), full: true, ..Request::default() };
    let now = "2026-11-22T09:50:00Z".parse().unwrap();
    let seen = observe(&read, std::slice::from_ref(regions), &request, now, false).await;
    plan(&seen, &request)
}

async fn applied(plan: &Plan, regions: &Regions) -> drsync::apply::RunRecord {
    let options = ApplyOptions::new(
        "01JDA2C7000000000000000001".to_owned(),
        drsync::plan::Provenance::of_actor("dr@example.com"),
        || "2026-11-22T09:51:00Z".parse().unwrap(),
    );
    apply(&plan.stored(), std::slice::from_ref(regions), &options, &|_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_synchronized_once_and_a_foreign_write_is_found() {
    let fake = Fake::start().await;
    fake.change(|state| {
        for table in ["gold", "silver"] {
            let info = json!({"name": table, "catalog_name": "main", "schema_name": "core", "table_id": format!("uc-{table}"), "table_type": "MANAGED", "data_source_format": "DELTA"});
            state.catalog.insert(format!("main.core.{table}"), info);
            state.tables.insert(format!("main.core.{table}"), DeltaTable::with_writes(3));
        }
        state.privileges = vec!["READ_FILES", "WRITE_FILES"];
    });
    let regions = fake.connect().await.regions();
    let first = planned(&fake, &regions).await;
    let group = &first.workspaces[0].groups[0];
    assert_eq!(group.findings, []);
    assert_eq!((group.decision, group.steps.len()), (Decision::Sync, 2));
    assert_eq!(group.steps[0].source.version, 2);
    let record = applied(&first, &regions).await;
    assert_eq!((record.exit.code, record.warnings.as_slice()), (0, [].as_slice()), "{record:?}");
    let writes = fake.asked("CREATE OR REPLACE").len();
    assert_eq!(writes, 2);

    let second = planned(&fake, &regions).await;
    let group = &second.workspaces[0].groups[0];
    assert_eq!(group.findings, []);
    assert_eq!(group.decision, Decision::Waiting, "{:?}", group.reason);
    assert_eq!(group.last_cut.as_ref().map(|cut| cut.number), Some(1));
    let again = applied(&first, &regions).await;
    assert_eq!(again.exit.code, 0, "{again:?}");
    assert_eq!(fake.asked("CREATE OR REPLACE").len(), writes, "it was overtaken by itself");

    fake.change(|state| {
        state.tables.get_mut(&format!("{SECONDARY}/main/core/gold")).unwrap().commit("UPDATE")
    });
    let third = planned(&fake, &regions).await;
    let group = &third.workspaces[0].groups[0];
    assert_eq!(group.decision, Decision::Blocked);
    assert!(
        group.findings.iter().any(|finding| finding.code == FindingCode::ReplicaChanged),
        "{:?}",
        group.findings
    );
}
