//! Tables that come from another group, replicas that were made again or replaced, times that go back.

use drsync::config::TableName;
use drsync::ledger::CutTableEntry;
use drsync::plan::{Action, Decision, FindingCode, Plan};
use drsync::region::{PauseStatus, RegionError, RegionErrorKind, RunState, Workflow, WorkflowRun};
use serde_json::json;

use super::world::{COUNTRIES, World, at, now, replica_commit};

const LINES: &str = "main.shop.lines";

/// `lines` has moved from `orders`, whose last cut holds its v5, to `reference`, whose last cut is older than that version.
fn moved() -> World {
    let mut world = World::with(|config| {
        let groups = &mut config["workspaces"][0]["sync_groups"];
        groups[0]["tables"] = json!(["main.shop.orders"]);
        groups[1]["tables"] = json!([COUNTRIES, LINES]);
    });
    world.commit(LINES, 5, "2026-11-22T09:30:00Z", "WRITE");
    world.pinned_at(LINES, 5);
    entry(&mut world, "orders", LINES, |entry| {
        entry.source_version = 5;
        entry.source_committed_at = at("2026-11-22T09:30:00Z");
    });
    world.replica(LINES).mark.as_mut().unwrap().source_version = 5;
    world
}

/// Changes what a group's newest cut says of a table, in both copies.
pub(crate) fn entry(
    world: &mut World,
    group: &str,
    table: &str,
    change: impl Fn(&mut CutTableEntry),
) {
    let workspace = world.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
        let cut = cuts.cuts.iter_mut().rfind(|cut| cut.group_name == group);
        let mut tables = cut.unwrap().tables.iter_mut();
        change(tables.find(|entry| entry.table.to_string() == table).unwrap());
    }
    world.merge();
}

fn blocking(plan: &Plan, group: &str) -> Vec<FindingCode> {
    let found = plan.groups().find(|(_, planned)| planned.name == group);
    let findings = found.unwrap().1.findings.iter();
    let blocking = findings.filter(|finding| finding.blocks());
    blocking.map(|finding| finding.code).collect()
}

#[test]
fn a_table_from_a_group_that_is_further_is_not_brought_back_behind_its_cut() {
    let world = moved();
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync);
    assert_eq!(plan.recovery_point, Some(now()));
    let steps = plan.steps.iter();
    let steps: Vec<_> =
        steps.map(|step| (step.table.to_string(), step.source.version, step.action)).collect();
    assert_eq!(
        steps,
        [(COUNTRIES.to_owned(), 4, Action::NoOp), (LINES.to_owned(), 5, Action::NoOp)]
    );
}

#[test]
fn a_group_whose_only_point_would_bring_a_table_back_waits_while_its_workflow_runs() {
    let mut world = moved();
    world.group("reference").workflows = vec![Ok(Workflow {
        job_id: 8,
        name: "countries_job".to_owned(),
        pause_status: PauseStatus::Unscheduled,
        deployment: None,
        runs: vec![WorkflowRun {
            run_id: 5,
            started_at: at("2026-11-22T10:50:00Z"),
            ended_at: None,
            state: RunState::Active,
        }],
        seen_from: None,
    })];
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Waiting, "{:?}", plan.reason);
    assert!(
        plan.reason
            .message
            .to_string()
            .contains("a cut of another group holds a later version of main.shop.lines"),
        "{}",
        plan.reason.message
    );
}

#[test]
fn of_two_cuts_that_name_a_replica_the_later_counts_although_the_replica_was_made_again() {
    let mut world = moved();
    let workspace = world.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
        let newest = |group: &str| cuts.cuts.iter().rposition(|cut| cut.group_name == group);
        let (orders, reference) = (newest("orders").unwrap(), newest("reference").unwrap());
        let again = cuts.cuts[orders].tables[1].clone();
        assert_eq!(again.table.to_string(), LINES);
        // What the group that had it says is older, and of a replica that had come to more versions.
        cuts.cuts[orders].tables[1].replica_version = 9;
        cuts.cuts[reference].tables.push(again);
        cuts.cuts[reference].committed_at = at("2026-11-22T10:00:00Z");
    }
    world.merge();
    let lines = TableName::parse(LINES).unwrap();
    let cuts = &world.workspace().ledger.cuts;
    let there =
        |entry: &CutTableEntry| entry.replica_location == "/world/west/sync/main/shop/lines";
    assert_eq!(cuts.newest_entry(None, &lines, there).unwrap().replica_version, 2);
}

#[test]
fn a_table_that_somebody_put_in_the_replicas_place_is_not_ours_whatever_its_versions() {
    let mut world = World::new();
    let replica = world.replica(COUNTRIES);
    replica.version = 3;
    replica.mark = None;
    replica.commits = vec![replica_commit(3, "OPTIMIZE")];
    assert_eq!(blocking(&world.plan(), "reference"), [FindingCode::ReplicaNotOurs]);
}

#[test]
fn a_replica_whose_log_lost_its_beginning_is_ours_though_its_location_moved() {
    let mut world = World::new();
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.replica_location = "/world/before/sync/main/shop/countries".to_owned();
    });
    let clone = |mark: &drsync::region::Mark, version, source_version| {
        let mut commit = replica_commit(version, "CLONE");
        commit.source_version = Some(source_version);
        commit.mark = Some(drsync::region::Mark { source_version, ..mark.clone() });
        commit
    };
    let mark = world.replica(COUNTRIES).mark.clone().unwrap();
    let replica = world.replica(COUNTRIES);
    replica.version = 12;
    replica.commits = vec![
        replica_commit(9, "OPTIMIZE"),
        clone(&mark, 10, mark.source_version - 1),
        clone(&mark, 11, mark.source_version),
        replica_commit(12, "OPTIMIZE"),
    ];
    world.request.take_as_due = vec!["reference".to_owned()];
    assert_eq!(blocking(&world.plan(), "reference"), []);
    // What was written since is told.
    let replica = world.replica(COUNTRIES);
    replica.version = 13;
    replica.commits.push(replica_commit(13, "DELETE"));
    assert_eq!(blocking(&world.plan(), "reference"), [FindingCode::ReplicaChanged]);
    // Of a log that has no clone of ours nothing is known.
    let replica = world.replica(COUNTRIES);
    replica.version = 12;
    replica.commits = vec![replica_commit(9, "OPTIMIZE"), replica_commit(12, "OPTIMIZE")];
    assert_ne!(blocking(&world.plan(), "reference"), []);
}

#[test]
fn a_source_that_was_made_again_is_found_where_the_sync_location_changed_too() {
    let mut world = World::with(|config| {
        config["workspaces"][0]["sync_location_secondary"] = json!("/world/north/sync");
    });
    world.table(COUNTRIES).replica = Some(Ok(None));
    let source = world.source(COUNTRIES);
    source.commits[0].version = 0;
    source.commits[0].committed_at = at("2026-11-22T05:30:00Z");
    source.table_id = "another".to_owned();
    world.pin(COUNTRIES).version = 0;
    assert!(blocking(&world.plan(), "reference").contains(&FindingCode::SourceRecreated));
}

#[test]
fn a_version_that_the_replica_holds_need_not_be_retained() {
    let mut world = World::new();
    world.commit("main.shop.orders", 5, "2026-11-22T10:05:00Z", "WRITE");
    world.pinned_at("main.shop.orders", 5);
    // Written after the run's end: v4 of lines is pinned, and long past what its table keeps.
    world.commit(LINES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:12:00Z"), RunState::Succeeded);
    world.source(LINES).retention = Some(std::time::Duration::from_secs(60));
    assert_eq!(blocking(&world.plan(), "orders"), []);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Sync);
    assert_eq!(
        plan.steps.iter().map(|step| step.action).collect::<Vec<_>>(),
        [Action::Update, Action::NoOp]
    );
}

#[test]
fn a_version_is_found_after_times_that_go_back() {
    let mut world = World::new();
    world.source(COUNTRIES).commits[0].committed_at = at("2026-11-22T05:00:00Z");
    // Log files that were copied have the times of the copy; in-commit timestamps begin with v6.
    world.commit(COUNTRIES, 5, "2026-11-23T00:00:00Z", "WRITE");
    world.commit(COUNTRIES, 6, "2026-11-22T10:00:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 6);
    world.request.take_as_due = vec!["reference".to_owned()];
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.findings);
    assert_eq!(plan.steps[0].source.version, 6);
}

#[test]
fn a_table_of_a_group_that_is_left_out_is_a_duplicate_all_the_same() {
    let mut world = World::new();
    let name = TableName::parse(COUNTRIES).unwrap();
    world.group("orders").names.push(name);
    world.group("orders").tables.clear();
    assert!(blocking(&world.plan(), "reference").contains(&FindingCode::DuplicateTarget));
}

#[test]
fn a_source_in_the_replicas_place_blocks_and_cannot_be_accepted() {
    let mut world = World::new();
    for place in ["/world/west/sync/main/shop/countries", "/world/west/sync", "/world/west"] {
        world.table(COUNTRIES).listed.as_mut().unwrap().location = Some(place.to_owned());
        assert_eq!(blocking(&world.plan(), "reference"), [FindingCode::DuplicateTarget], "{place}");
    }
    world.accept("duplicate_target", COUNTRIES);
    world.accept("replica_not_ours", COUNTRIES);
    assert!(blocking(&world.plan(), "reference").contains(&FindingCode::DuplicateTarget));
}

#[test]
fn a_scope_may_begin_with_its_workspace() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 3;
    world.replica(COUNTRIES).commits = vec![replica_commit(3, "DELETE")];
    world.accept("replica_changed", "north/reference");
    assert_eq!(blocking(&world.plan(), "reference"), [FindingCode::ReplicaChanged]);
    world.accept("replica_changed", "east/reference");
    assert_eq!(blocking(&world.plan(), "reference"), []);
}

#[test]
fn nothing_that_a_replica_says_of_its_files_is_believed_of_a_table_that_was_put_back() {
    let mut world = World::new();
    // The same table and number, with other content: put back from an older copy, and gone on differently.
    for commit in &mut world.source(COUNTRIES).commits {
        commit.sha256 = Some("another".to_owned());
    }
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.source_commit_sha256 = Some("what it was".to_owned());
    });
    assert!(blocking(&world.plan(), "reference").contains(&FindingCode::SourceRecreated));
    world.accept("source_recreated", COUNTRIES);
    world.request.take_as_due = vec!["reference".to_owned()];
    let plan = world.plan_of("reference");
    let step = &plan.steps[0];
    assert_eq!((step.action, step.replica.doubted), (Action::Update, true), "{plan:?}");
}

#[test]
fn whoever_may_not_read_a_replica_is_not_told_to_move_it_away() {
    let mut world = World::new();
    let denied = RegionError::new(RegionErrorKind::Denied, "look at the replica", "no right");
    world.table(COUNTRIES).replica = Some(Err(denied));
    let plan = world.plan_of("reference");
    let found = plan.findings.iter().find(|finding| finding.blocks()).unwrap();
    let told = serde_json::to_string(found).unwrap();
    assert!(told.contains("may not be read") && !told.contains("move"), "{told}");
}

#[test]
fn nothing_that_a_replica_says_of_its_files_is_believed_where_others_wrote_to_it() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 3;
    world.replica(COUNTRIES).commits = vec![replica_commit(3, "DELETE")];
    world.accept("replica_changed", COUNTRIES);
    world.request.take_as_due = vec!["reference".to_owned()];
    let plan = world.plan_of("reference");
    assert!(plan.steps[0].replica.doubted, "{plan:?}");
}
