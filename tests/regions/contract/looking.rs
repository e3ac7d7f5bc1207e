//! Questions: what is there, and how a region refuses.

use drsync::config::WorkflowRef;
use drsync::region::{EstimateBasis, RegionErrorKind, RunState, Unclonable, WriteAccess};
use serde_json::json;

use crate::contract::world::{ORDERS, PRINCIPAL, World, at, name};

pub(crate) async fn a_region_is_there_and_says_who_asks(world: World) {
    let there = world.regions.primary.presence().await.unwrap();
    assert_eq!(there.principal.as_deref(), Some(PRINCIPAL));
    assert_eq!(there.default_catalog.as_deref(), Some("main"));
    assert_eq!(there.workspace_unseen, None);
    world.regions.secondary.presence().await.unwrap();
}

pub(crate) async fn a_region_without_its_root_is_away_and_the_root_is_not_made(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    std::fs::remove_dir(world.path("west/sync")).unwrap();
    let away = world.regions.secondary.presence().await.unwrap_err();
    assert_eq!(away.kind, RegionErrorKind::Unavailable, "{away:?}");
    let region = world.secondary();
    region.deep_clone(&order, &Default::default()).await.unwrap_err();
    region.create_ledger("east").await.unwrap_err();
    region.keep_evidence("plan.json", b"{}").await.unwrap_err();
    assert!(!world.path("west/sync").exists());
    world.regions.primary.presence().await.unwrap();
}

pub(crate) async fn a_workflow_is_found_by_name_or_id_with_its_runs_newest_first(world: World) {
    world
        .east
        .add_run(7, 88, at(1), Some(at(2) + chrono::TimeDelta::milliseconds(123)), "SUCCESS")
        .unwrap();
    world.east.add_run(7, 89, at(3), Some(at(4)), "FAILED").unwrap();
    world.east.add_run(7, 90, at(5), None, "").unwrap();
    let asked = [WorkflowRef::Name("orders_job".into()), WorkflowRef::Id(7)];
    let found = world.workspace().workflows(&asked, None).await.unwrap();
    assert_eq!(found[0], found[1]);
    let workflow = found[0].as_ref().unwrap();
    let runs: Vec<_> = workflow.runs.iter().map(|run| (run.run_id, run.state)).collect();
    assert_eq!(runs, [(90, RunState::Active), (89, RunState::Failed), (88, RunState::Succeeded)]);
    assert_eq!(workflow.runs[0].ended_at, None);
    assert_eq!(workflow.runs[2].ended_at.unwrap().timestamp_subsec_millis(), 123);
    let since = world.workspace().workflows(&asked[..1], Some(at(9))).await.unwrap();
    let runs: Vec<_> = since[0].as_ref().unwrap().runs.iter().map(|run| run.run_id).collect();
    assert_eq!(
        runs,
        [90, 89, 88],
        "the newest ended run and the newest success are told in any case"
    );
}

pub(crate) async fn a_run_that_began_days_ago_and_ended_lately_is_among_its_workflow_s_runs(
    world: World,
) {
    let hour = |number: i64| at(60 * number);
    // Of a hundred hourly runs the first was repaired at the end of all.
    world.east.add_run(7, 1, hour(0), Some(hour(99)), "SUCCESS").unwrap();
    for number in 1..100 {
        let ended = Some(hour(number) + chrono::TimeDelta::minutes(10));
        world.east.add_run(7, number + 1, hour(number), ended, "SUCCESS").unwrap();
    }
    let asked = [WorkflowRef::Id(7)];
    for since in [None, Some(hour(97))] {
        let found = world.workspace().workflows(&asked, since).await.unwrap();
        let workflow = found[0].as_ref().unwrap();
        assert!(workflow.runs.iter().any(|run| run.run_id == 1), "{workflow:?}");
        assert_eq!(workflow.seen_from, None);
    }
}

pub(crate) async fn what_is_running_is_listed_whatever_its_job(world: World) {
    world.east.add_job(7, "orders_job").unwrap();
    let ended = Some(at(4));
    world.east.add_run(7, 89, at(3), ended, "FAILED").unwrap();
    world.east.add_run(7, 90, at(5), None, "").unwrap();
    let active = world.workspace().active_runs().await.unwrap();
    let told: Vec<_> =
        active.iter().map(|run| (run.job_id, run.name.as_str(), run.run_id)).collect();
    assert_eq!(told, [(7, "orders_job", 90)]);
}

pub(crate) async fn a_workflow_that_is_not_there_is_refused_with_the_nearest_name(world: World) {
    let asked = [WorkflowRef::Name("order_job".into()), WorkflowRef::Id(7)];
    let found = world.workspace().workflows(&asked, None).await.unwrap();
    let refused = found[0].as_ref().unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
    assert!(refused.detail.to_string().contains("orders_job"), "{refused}");
    assert!(found[1].is_ok());
}

pub(crate) async fn a_workflow_name_that_two_jobs_have_is_a_conflict_that_names_their_ids(
    world: World,
) {
    world.east.add_job(8, "orders_job").unwrap();
    let asked = [WorkflowRef::Name("orders_job".into())];
    let refused = world.workspace().workflows(&asked, None).await.unwrap().remove(0).unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert!(
        refused.detail.to_string().contains('7') && refused.detail.to_string().contains('8'),
        "{refused}"
    );
}

pub(crate) async fn a_table_is_found_whatever_its_case_and_spelled_as_in_the_catalog(world: World) {
    let found =
        world.workspace().tables(&[name("MAIN.Shop.orders")]).await.unwrap().remove(0).unwrap();
    assert_eq!(found.name.to_string(), ORDERS);
    assert_eq!((found.unsupported, found.denied), (None, None));
}

pub(crate) async fn a_table_that_is_not_there_is_refused_and_the_others_are_answered(world: World) {
    let found = world.workspace().tables(&[name("main.shop.order"), name(ORDERS)]).await.unwrap();
    let refused = found[0].as_ref().unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
    assert!(refused.to_string().contains(ORDERS), "{refused}");
    assert!(found[1].is_ok());
}

pub(crate) async fn a_secret_is_read_by_its_scope_and_key(world: World) {
    use secrecy::ExposeSecret as _;
    let secrets = json!({"dr": {"smtp": "a-password-for-mail"}});
    world.east.edit_catalog(|catalog| catalog["secrets"] = secrets).unwrap();
    let read = async |scope: &str, key: &str| {
        let secret = world.workspace().secret(scope, key).await.unwrap();
        secret.map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(read("dr", "smtp").await.as_deref(), Some("a-password-for-mail"));
    assert_eq!(read("dr", "nothing").await, None);
    assert_eq!(read("elsewhere", "smtp").await, None);
    // From then on nothing says it.
    assert!(drsync::secrets::holds("signed in with a-password-for-mail"));
}

pub(crate) async fn a_view_is_unsupported(world: World) {
    world.east.add_entry(json!({"full_name": "main.shop.v", "table_type": "VIEW"})).unwrap();
    let view = world.workspace().tables(&[name("main.shop.v")]).await.unwrap().remove(0).unwrap();
    assert_eq!(view.unsupported, Some(Unclonable::View));
}

pub(crate) async fn a_table_without_select_is_denied_with_the_grant_that_repairs_it(world: World) {
    world.east.grant(ORDERS, "someone@example.com", &["SELECT"]).unwrap();
    let denied =
        world.workspace().tables(&[name(ORDERS)]).await.unwrap().remove(0).unwrap().denied.unwrap();
    let remedy = "GRANT SELECT ON TABLE main.shop.orders TO `dr-sync@example.com`";
    assert_eq!(denied.remedy.unwrap().to_string(), remedy);
    world.east.grant(ORDERS, PRINCIPAL, &["SELECT"]).unwrap();
    let table = world.workspace().tables(&[name(ORDERS)]).await.unwrap().remove(0).unwrap();
    assert_eq!(table.denied, None);
}

pub(crate) async fn a_history_begins_where_it_was_asked_to_and_ends_at_the_head(world: World) {
    let all = world.source(ORDERS, None).await.unwrap();
    let seen: Vec<_> =
        all.commits.iter().map(|it| (it.version, it.committed_at, it.changes())).collect();
    assert_eq!(seen, [(0, at(0), true), (1, at(1), true), (2, at(2), true)]);
    assert_eq!(all.commits[2].operation, "WRITE");
    assert_eq!(all.commits[2].user.as_deref(), Some("owner@example.com"));
    assert_eq!(all.oldest_version, 0);
    let some = world.source(ORDERS, Some(2)).await.unwrap();
    assert_eq!(some.commits, all.commits[2..]);
    assert_eq!(some.commits[0].table_id.as_deref().unwrap_or(&some.table_id), some.table_id);
}

pub(crate) async fn maintenance_changes_nothing(world: World) {
    let table = world.table(ORDERS);
    table.when(at(3)).optimize().await.unwrap();
    table.when(at(4)).other("VACUUM START", vec![]).await.unwrap();
    table.when(at(5)).delete(|row| row["id"] == 3).await.unwrap();
    let commits = world.source(ORDERS, Some(3)).await.unwrap().commits;
    let seen: Vec<_> = commits.iter().map(|it| (it.operation.as_str(), it.changes())).collect();
    assert_eq!(seen, [("OPTIMIZE", false), ("VACUUM START", false), ("DELETE", true)]);
}

/// A file of the table as a commit adds it without `dataChange`, under another name.
fn rewritten(world: &World, version: u64, path: &str) -> serde_json::Value {
    let mut add = world.actions(ORDERS, version, "add").remove(0);
    add["add"]["path"] = json!(path);
    add["add"]["dataChange"] = json!(false);
    add
}

pub(crate) async fn what_only_calls_itself_maintenance_is_a_change(world: World) {
    let metrics = json!({"numAddedFiles": "1", "numRemovedFiles": "0", "numOutputRows": "10"});
    let info = json!({"operation": "OPTIMIZE", "operationMetrics": metrics});
    let appended = rewritten(&world, 1, "day=monday/appended.parquet");
    world.commit(ORDERS, 3, at(3), info, &[appended]);
    let deletes = json!({"operation": "REORG", "operationMetrics": {"numDeletedRows": "4"}});
    let mut removed = world.actions(ORDERS, 2, "add").remove(0)["add"].take();
    removed["deletionTimestamp"] = json!(0);
    removed["dataChange"] = json!(false);
    world.commit(ORDERS, 4, at(4), deletes, &[json!({"remove": removed})]);
    let commits = world.source(ORDERS, Some(3)).await.unwrap().commits;
    let seen: Vec<bool> = commits.iter().map(|commit| commit.changes()).collect();
    assert_eq!(seen, [true, true], "{commits:?}");
}

pub(crate) async fn a_write_is_a_change_whatever_it_says_and_even_if_it_writes_nothing(
    world: World,
) {
    let nothing = json!({"numFiles": "0", "numOutputRows": "0", "numOutputBytes": "0"});
    let write =
        |metrics: &serde_json::Value| json!({"operation": "WRITE", "operationMetrics": metrics});
    world.commit(ORDERS, 3, at(3), write(&nothing), &[]);
    let info = write(&json!({"numFiles": "1", "numOutputRows": "10"}));
    let quiet = rewritten(&world, 1, "day=monday/quiet.parquet");
    world.commit(ORDERS, 4, at(4), info, &[quiet]);
    let others = ["STREAMING UPDATE", "MERGE", "DELETE", "SET TBLPROPERTIES", "NOT KNOWN"];
    for (version, operation) in (5..).zip(others) {
        let info = json!({"operation": operation, "operationMetrics": nothing});
        world.commit(ORDERS, version, at(version as i64), info, &[]);
    }
    let commits = world.source(ORDERS, Some(3)).await.unwrap().commits;
    assert_eq!(commits.len(), 2 + others.len());
    assert!(commits.iter().all(|commit| commit.changes()), "{commits:?}");
}

pub(crate) async fn a_commit_is_known_by_what_it_says_and_not_by_its_time(world: World) {
    let digests = async || {
        let commits = world.source(ORDERS, None).await.unwrap().commits;
        commits.into_iter().map(|it| it.sha256.unwrap()).collect::<Vec<_>>()
    };
    let before = digests().await;
    assert_eq!(before, digests().await, "asked again");
    for version in 0..=2_i64 {
        let log = format!("east/tables/{ORDERS}/_delta_log/{version:020}.json");
        let file = std::fs::File::options().write(true).open(world.path(&log));
        file.unwrap().set_modified(at(version + 30).into()).unwrap();
    }
    let moved = world.source(ORDERS, None).await.unwrap();
    assert_eq!(moved.commits[2].committed_at, at(32));
    assert_eq!(before, digests().await, "times prove nothing");
    let add = world.actions(ORDERS, 1, "add");
    let info = json!({
        "operation": "WRITE", "userName": "owner@example.com",
        "operationMetrics": {"numFiles": "1", "numOutputRows": "11"}
    });
    world.commit(ORDERS, 2, at(32), info, &add);
    let after = digests().await;
    assert_eq!(before[..2], after[..2]);
    assert_ne!(before[2], after[2], "a commit was written again");
}

pub(crate) async fn runs_are_told_with_when_they_began_and_ended(world: World) {
    // The first began before the others and ended after the second: a cut at 5 would lie in the middle of it.
    let run = |id, began, ended, state| world.east.add_run(7, id, at(began), ended, state).unwrap();
    run(1, 1, Some(at(9)), "SUCCESS");
    run(2, 3, Some(at(5)), "SUCCESS");
    run(3, 9, Some(at(12)), "FAILED");
    run(4, 11, None, "");
    let asked = [WorkflowRef::Id(7)];
    let found = world.workspace().workflows(&asked, None).await.unwrap();
    let runs = found[0].as_ref().unwrap().runs.iter();
    let told: Vec<_> =
        runs.map(|run| (run.run_id, run.started_at, run.ended_at, run.state)).collect();
    assert_eq!(
        told,
        [
            (4, at(11), None, RunState::Active),
            (3, at(9), Some(at(12)), RunState::Failed),
            (2, at(3), Some(at(5)), RunState::Succeeded),
            (1, at(1), Some(at(9)), RunState::Succeeded),
        ]
    );
}

pub(crate) async fn a_table_that_was_replaced_goes_on_under_another_id(world: World) {
    let before = world.source(ORDERS, None).await.unwrap();
    world.table(ORDERS).when(at(3)).replace().await.unwrap();
    let after = world.source(ORDERS, Some(2)).await.unwrap();
    assert_eq!(after.commits.len(), 2);
    assert_eq!(after.commits[0].committed_at, at(2));
    // The id of the version that a cut may name is still the one it had.
    assert_eq!(after.commits[0].table_id, before.commits[2].table_id);
}

pub(crate) async fn a_table_that_was_made_again_shows_its_whole_history(world: World) {
    let before = world.source(ORDERS, None).await.unwrap();
    std::fs::remove_dir_all(world.path(&format!("east/tables/{ORDERS}"))).unwrap();
    let columns = drsync::lakehouse::write::columns(&[("id", "bigint")]).unwrap();
    world.table(ORDERS).when(at(5)).create(columns, &[], &[]).await.unwrap();
    let after = world.source(ORDERS, Some(2)).await.unwrap();
    assert_eq!(after.commits.len(), 1);
    assert_ne!(after.table_id, before.table_id);
}

pub(crate) async fn a_table_whose_files_are_gone_is_not_found(world: World) {
    std::fs::remove_dir_all(world.path(&format!("east/tables/{ORDERS}"))).unwrap();
    let refused = world.source(ORDERS, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
    assert!(refused.to_string().contains(ORDERS), "{refused}");
}

pub(crate) async fn a_pin_counts_live_files_bytes_and_rows(world: World) {
    let pin = world.pin(ORDERS, 2, None).await.unwrap();
    let size = pin.size.unwrap();
    assert_eq!((pin.version, size.files, pin.rows), (2, 2, Some(20)));
    let older = world.pin(ORDERS, 1, None).await.unwrap();
    assert_eq!(older.rows, Some(10));
    assert!(older.size.is_none_or(|older| older.files == 1 && older.bytes < size.bytes));
    assert_eq!(pin.column_mapping, "none");
    let table = world.table(ORDERS);
    table
        .set_properties(&[("delta.deletedFileRetentionDuration", "interval 2 days")])
        .await
        .unwrap();
    let pin = world.pin(ORDERS, 3, None).await.unwrap();
    assert_eq!(pin.deleted_file_retention.as_deref(), Some("interval 2 days"));
    let retention = world.source(ORDERS, None).await.unwrap().retention;
    assert_eq!(retention, Some(std::time::Duration::from_secs(2 * 24 * 3600)));
}

pub(crate) async fn a_pin_says_what_the_replica_lacks(world: World) {
    let first = world.pin(ORDERS, 2, None).await.unwrap().estimate.unwrap();
    assert_eq!(first.copy_files, 2);
    let replica = world.clone_table(ORDERS, 1, None).await.unwrap().replica_version;
    let next = world.pin(ORDERS, 2, Some(replica)).await.unwrap().estimate.unwrap();
    assert_eq!(next.copy_files, 1);
    assert!(next.copy_bytes < first.copy_bytes);
}

pub(crate) async fn an_estimate_is_the_difference_of_live_files(world: World) {
    let estimate = world.pin(ORDERS, 2, None).await.unwrap().estimate.unwrap();
    assert_eq!(estimate.basis, EstimateBasis::LiveFiles);
}

pub(crate) async fn a_pin_counts_live_files_of_an_older_version(world: World) {
    let newest = world.pin(ORDERS, 2, None).await.unwrap().size.unwrap();
    let older = world.pin(ORDERS, 1, None).await.unwrap().size.unwrap();
    assert_eq!((older.files, newest.files), (1, 2));
    assert!(older.bytes < newest.bytes);
}

pub(crate) async fn a_version_that_is_not_there_cannot_be_pinned(world: World) {
    let refused = world.pin(ORDERS, 9, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
}

pub(crate) async fn a_location_that_no_external_location_covers_is_not_found(world: World) {
    let west = world.regions.secondary.presence().await.unwrap().location;
    let elsewhere = json!([{"name": "other", "url": "file:///elsewhere", "read_only": false}]);
    world.east.edit_catalog(|catalog| catalog["external_locations"] = elsewhere).unwrap();
    let refused = world.workspace().write_access(&west).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
}

pub(crate) async fn a_read_only_location_is_refused(world: World) {
    let west = world.regions.secondary.presence().await.unwrap().location;
    let locations = json!([{"name": "dr_west", "url": west.clone(), "read_only": true}]);
    world.east.edit_catalog(|catalog| catalog["external_locations"] = locations).unwrap();
    let WriteAccess::Refused(denied) = world.workspace().write_access(&west).await.unwrap() else {
        panic!()
    };
    assert!(denied.message.to_string().contains("read-only"), "{denied:?}");
    assert!(denied.remedy.is_some());
}

pub(crate) async fn a_location_without_write_files_is_refused_with_the_grant_that_repairs_it(
    world: World,
) {
    let west = world.regions.secondary.presence().await.unwrap().location;
    let grants = |privileges: &[&str]| json!([{"name": "dr_west", "url": west.clone(), "grants": {PRINCIPAL: privileges}}]);
    let poor = grants(&["READ_FILES"]);
    world.east.edit_catalog(|catalog| catalog["external_locations"] = poor).unwrap();
    let WriteAccess::Refused(denied) = world.workspace().write_access(&west).await.unwrap() else {
        panic!()
    };
    let remedy =
        "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION dr_west TO `dr-sync@example.com`";
    assert_eq!(denied.remedy.unwrap().to_string(), remedy);
    let blind = grants(&["WRITE_FILES"]);
    world.east.edit_catalog(|catalog| catalog["external_locations"] = blind).unwrap();
    let WriteAccess::Refused(denied) = world.workspace().write_access(&west).await.unwrap() else {
        panic!()
    };
    assert!(denied.message.to_string().contains("no READ FILES on"), "{denied:?}");
    assert_eq!(denied.remedy.unwrap().to_string(), remedy);
    let rich = grants(&["READ_FILES", "WRITE_FILES"]);
    world.east.edit_catalog(|catalog| catalog["external_locations"] = rich).unwrap();
    assert!(!matches!(
        world.workspace().write_access(&west).await.unwrap(),
        WriteAccess::Refused(_)
    ));
}
