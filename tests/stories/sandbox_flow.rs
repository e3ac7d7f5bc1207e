//! The whole flow over the sandbox: the demo, with the configuration that the sandbox gives, planned and applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use drsync::apply::{ApplyOptions, RunWarningCode, apply};
use drsync::config::{Configuration, read_text};
use drsync::databricks::{ConnectOptions, Environment, connect};
use drsync::lakehouse::delta::{self, SnapshotDetail, TableStore};
use drsync::lakehouse::demo;
use drsync::observe::observe;
use drsync::plan::{Decision, Plan, Request, Role, WarningCode, plan};
use drsync::region::{PauseStatus, Regions};
use drsync::sandbox::{self, Running, World};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::runner::drsync;

struct Flow {
    folder: TempDir,
    running: Running,
    configuration: Configuration,
    regions: Regions,
}

impl Flow {
    async fn new() -> Flow {
        Flow::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut sandbox::SandboxOptions)) -> Flow {
        let folder = tempfile::tempdir().unwrap();
        demo::build(folder.path(), Utc::now()).await.unwrap();
        let world = World::find(folder.path()).unwrap();
        let mut served = sandbox::SandboxOptions::new(world);
        change(&mut served);
        let running = sandbox::serve(served).await.unwrap();
        let text = running.configuration.as_bytes();
        let configuration = read_text("drsync.json", text, folder.path());
        let variables = [&running.primary, &running.secondary]
            .map(|served| (served.token_variable.clone(), served.token.clone()));
        let environment = Environment::new(BTreeMap::from(variables), None);
        let options = ConnectOptions::of(&configuration.workspaces[0], environment).unwrap();
        let regions = connect(&options).await.unwrap().regions();
        Flow { folder, running, configuration, regions }
    }

    async fn plan(&self) -> Plan {
        let request = Request { plan_id: "01JDPLAN".to_owned(), full: true, ..Request::default() };
        let regions = std::slice::from_ref(&self.regions);
        let seen = observe(&self.configuration, regions, &request, Utc::now(), false).await;
        plan(&seen, &request)
    }

    async fn apply(&self, plan: &Plan) -> drsync::apply::RunRecord {
        let options = ApplyOptions::new(
            "01JDA2C7000000000000000001".to_owned(),
            drsync::plan::Provenance::of_actor("tester"),
            Utc::now,
        );
        let regions = std::slice::from_ref(&self.regions);
        apply(&plan.stored(), regions, &options, &|_| {}).await
    }
}

fn decisions(plan: &Plan) -> Vec<(&str, Decision)> {
    plan.groups().map(|(_, group)| (group.name.as_str(), group.decision)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_is_planned_applied_and_then_up_to_date() {
    let flow = Flow::new().await;
    let first = flow.plan().await;
    let expected = [
        ("orders", Decision::Sync),
        ("reference_data", Decision::Sync),
        ("customer_360", Decision::Blocked),
    ];
    assert_eq!(decisions(&first), expected, "{first:?}");
    let record = flow.apply(&first).await;
    // One group is blocked.
    assert_eq!(record.exit.code, 4, "{record:?}");
    let second = flow.plan().await;
    let synced = decisions(&second).into_iter().filter(|(_, it)| *it == Decision::Sync);
    assert_eq!(synced.count(), 0, "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_use_tables_at_both_sides_is_read_and_kept_and_what_differs_is_told() {
    let flow = Flow::new().await;
    flow.apply(&flow.plan().await).await;
    let west = drsync::lakehouse::write::WorkspaceFolder::at(flow.folder.path().join("west"));
    let catalog = |side: &str| -> Value {
        let file = flow.folder.path().join(side).join("lakehouse.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    };
    let before = (catalog("east"), catalog("west"));
    let plan = flow.plan().await;
    let (_, orders) = plan.groups().find(|(_, group)| group.name == "orders").unwrap();
    // Of the registered replicas nothing is said about grants: everybody may use them.
    let differing = orders.grants.as_ref().unwrap().differing();
    assert!(differing.iter().all(|right| right.at == Role::Secondary), "{differing:?}");
    assert!(differing.iter().any(|right| right.principal == "account users"), "{differing:?}");
    assert!(plan.warnings.iter().any(|it| it.code == WarningCode::GrantsDiffer));
    assert!(!plan.warnings.iter().any(|it| it.code == WarningCode::NoComputeInSecondary));
    let table = orders.grants.as_ref().unwrap().tables[0].tables[0].to_string();
    assert_eq!((catalog("east"), catalog("west")), before, "nothing is changed");
    west.edit_table(&table, |entry| entry["grants"] = serde_json::json!({})).unwrap();
    let plan = flow.plan().await;
    let (_, orders) = plan.groups().find(|(_, group)| group.name == "orders").unwrap();
    let differing = orders.grants.as_ref().unwrap().differing();
    assert!(differing.iter().all(|right| right.table.to_string() != table), "{differing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_tells_the_jobs_of_both_sides_with_whether_they_start_by_themselves() {
    let flow = Flow::new().await;
    let record = flow.apply(&flow.plan().await).await;
    let orders = record.groups.iter().find(|group| group.name == "orders").unwrap();
    let told = orders.jobs.iter().map(|job| (job.side, job.name.as_str(), job.pause_status));
    let expected = [
        (Role::Primary, "orders_job", Some(PauseStatus::Unpaused)),
        (Role::Secondary, "orders_job", Some(PauseStatus::Paused)),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(orders.jobs.iter().all(|job| job.job_id.is_some()), "{:?}", orders.jobs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_and_record_have_the_files_of_the_pinned_versions_not_of_the_newest() {
    let flow = Flow::new().await;
    let record = flow.apply(&flow.plan().await).await;
    let cuts = flow.regions.secondary.location.ledger().await.unwrap().all_cuts();
    let mut behind = 0;
    for entry in cuts.iter().flat_map(|cut| &cut.tables) {
        let asked = std::slice::from_ref(&entry.table);
        let listed =
            flow.regions.primary.workspace.as_ref().unwrap().tables(asked).await.unwrap().remove(0);
        let store = TableStore::local(listed.unwrap().location.unwrap());
        let totals = async |version| {
            let snapshot = delta::snapshot(&store, version, SnapshotDetail::Summary).await;
            snapshot.unwrap().totals()
        };
        let (pinned, newest) = (totals(Some(entry.source_version)).await, totals(None).await);
        assert_eq!((entry.files, entry.bytes), (pinned.files, pinned.bytes));
        behind += usize::from(pinned.files != newest.files);
        let mut tables = record.groups.iter().flat_map(|group| &group.tables);
        let told = tables.find(|table| table.table == entry.table).unwrap();
        assert_eq!(told.source_files, Some(pinned.files));
        assert_eq!(told.source_bytes, Some(pinned.bytes));
    }
    assert!(behind > 0, "no source has gone on since");
}

/// Runs `drsync apply` as a process over what is served; the run record, and what it said beside it.
async fn apply_as_process(flow: &Flow, arguments: &[&str]) -> (Value, String) {
    let folder = flow.folder.path();
    std::fs::write(folder.join("served.json"), &flow.running.configuration).unwrap();
    let served = [&flow.running.primary, &flow.running.secondary];
    let apply = drsync(folder, &["apply", "--auto-approve", "--json", "--config", "served.json"])
        .args(arguments)
        .envs(served.map(|it| (&it.token_variable, &it.token)));
    let output = apply.among_others().output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).expect(&said), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_counted_on_both_sides_where_verify_rows_asks_for_it() {
    for (arguments, level) in [(&[] as &[&str], "metrics"), (&["--verify", "rows"], "rows")] {
        let flow = Flow::new().await;
        let (record, said) = apply_as_process(&flow, arguments).await;
        let groups = record["groups"].as_array().unwrap();
        let tables: Vec<&Value> = groups
            .iter()
            .filter(|group| group["outcome"] == "synchronized")
            .flat_map(|group| group["tables"].as_array().unwrap())
            .collect();
        assert_eq!(tables.len(), 5, "{said}");
        for table in tables {
            let verified = &table["verified"];
            assert_eq!(verified["level"], level, "{table}");
            assert_eq!(verified["source_rows"], verified["replica_rows"]);
            assert_eq!(verified["source_rows"].is_u64(), level == "rows", "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_clock_is_behind_bounds_recovery_points_and_is_warned_of() {
    let behind = TimeDelta::minutes(5);
    let clock = Arc::new(move || Utc::now() - behind);
    let flow = Flow::with(|options| options.clock = clock).await;
    let before = Utc::now();
    let plan = flow.plan().await;
    let (_, group) = plan.groups().find(|(_, group)| group.name == "reference_data").unwrap();
    let point = group.recovery_point.unwrap();
    // Its Date has whole seconds.
    let apart = before - behind - point;
    assert!(apart.abs() < TimeDelta::seconds(30), "{apart}");
    let codes: Vec<WarningCode> = plan.warnings.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&WarningCode::ClockSkew), "{codes:?}");
    let even = Flow::new().await.plan().await;
    let warned = even.warnings.iter();
    assert!(!warned.map(|it| it.code).any(|code| code == WarningCode::ClockSkew));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_clone_copies_nothing_twice() {
    let flow = Flow::new().await;
    let plan = flow.plan().await;
    let fault = "SQL *DEEP CLONE*orders` VERSION* 1 fail-after=TEMPORARILY_UNAVAILABLE";
    flow.running.inject(fault.parse().unwrap());
    let record = flow.apply(&plan).await;
    assert_eq!(record.exit.code, 4, "{record:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_could_not_be_registered_is_told_and_registered_by_the_next_apply() {
    let flow = Flow::new().await;
    let fault = "SQL *CREATE TABLE IF NOT EXISTS `main`* every fail=PERMISSION_DENIED";
    flow.running.inject(fault.parse().unwrap());
    let record = flow.apply(&flow.plan().await).await;
    assert_eq!(record.summary.synchronized, 2, "{record:?}");
    let told = &record.warnings;
    // Groups that end at once are registered together.
    assert!(!told.is_empty() && told.len() <= 2, "{told:?}");
    for warning in told {
        assert_eq!(warning.code, RunWarningCode::NotRegistered);
        assert_eq!(warning.side, Some(Role::Secondary));
        let text = warning.message.to_string();
        let head = "not registered in the secondary's catalog: main.";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with("; the next apply tries again"), "{text}");
    }
    let registered = || {
        let catalog = std::fs::read(flow.folder.path().join("west/lakehouse.json")).unwrap();
        let catalog: Value = serde_json::from_slice(&catalog).unwrap();
        catalog["tables"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(registered(), 0);

    // Nothing is due, and yet it is mended.
    flow.running.behave();
    let next = flow.plan().await;
    assert_eq!(next.summary.groups_sync, 0);
    let record = flow.apply(&next).await;
    assert_eq!(record.warnings, []);
    assert_eq!((registered(), record.registered.len()), (5, 5));
}
