//! Who is active of a group, as cuts say that people wrote by hand.

use drsync::ledger::{Cut, CutKind};
use drsync::plan::status::status;
use std::collections::BTreeMap;

use drsync::plan::{
    CutsTold, Decision, FindingCode, GivenUp, GroupPlan, LossReceipt, ReceiptTold, RoleTold,
    Witnessed, standing_of,
};
use drsync::region::{ReplicaCommit, ReplicaStanding, RunState};

use super::world::{COUNTRIES, World, at, replica_commit};

/// The next cut of a group, with what it says of roles.
fn next(world: &mut World, group: &str, kind: &str, active: Option<&str>, epoch: u64) -> Cut {
    let last = world.workspace().ledger.cuts.newest(group).cloned().unwrap();
    Cut {
        cut_number: last.cut_number + 1,
        kind: Some(CutKind::from(kind.to_owned())),
        active: active.map(str::to_owned),
        epoch,
        run_id: "by hand".to_owned(),
        committed_by: "anna@example.com".to_owned(),
        committed_at: at("2026-11-22T10:20:12Z"),
        previous_sha256: Some(last.sha256()),
        ..last
    }
}

/// Puts a cut into the secondary's log, as whoever follows a runbook there.
fn append(world: &mut World, cut: Cut) {
    let log = world.workspace().secondary.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
    log.cuts.push(cut);
    world.merge();
}

/// What blocks a group: each finding with what is said of it.
fn blocking(plan: &GroupPlan) -> Vec<(FindingCode, String)> {
    let findings = plan.findings.iter().filter(|finding| finding.blocks());
    findings.map(|finding| (finding.code, finding.message.to_string())).collect()
}

fn codes(plan: &GroupPlan) -> Vec<FindingCode> {
    blocking(plan).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_group_that_was_failed_over_by_hand_is_blocked_whatever_else_is_wrong_with_it() {
    let mut world = World::new();
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, cut);
    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.replica(COUNTRIES).epoch = Some(1);
    world.replica(COUNTRIES).mark = None;
    world.request.take_as_due.push("reference".to_owned());
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Blocked);
    let [(code, text)] = &blocking(&plan)[..] else {
        panic!("{plan:#?}");
    };
    assert_eq!(*code, FindingCode::FailedOver);
    assert_eq!(
        text,
        "east-secondary is active since 2026-11-22T10:20:12.000Z, by anna@example.com (cut 8, epoch 1); nothing is written to its tables"
    );
    assert_eq!(world.plan_of("orders").decision, Decision::Waiting);
    let told = status(&world.observed, &world.plan());
    let group = told.workspaces[0].groups.iter().find(|it| it.name == "reference").unwrap();
    let over = group.failed_over.as_ref().unwrap();
    assert_eq!((over.active.as_str(), over.cut, over.epoch), ("east-secondary", 8, 1));
    assert!(!group.protected);
}

#[test]
fn a_paused_group_says_that_it_was_failed_over() {
    let mut world = World::with(|text| {
        text["workspaces"][0]["sync_groups"][1]["paused"] = "a migration".into();
        text["workspaces"][0]["secondary_workspace_name"] = "west".into();
        text["workspaces"][0]["secondary_workspace_instance_url"] = "/world/west".into();
    });
    let cut = next(&mut world, "reference", "role", Some("west"), 1);
    append(&mut world, cut);
    assert_eq!(codes(&world.plan_of("reference")), [FindingCode::FailedOver]);
}

#[test]
fn a_change_of_role_back_home_ends_it() {
    let mut world = World::new();
    for (active, epoch) in [("east-secondary", 1), ("east", 2)] {
        let cut = next(&mut world, "reference", "role", Some(active), epoch);
        append(&mut world, cut);
    }
    assert_eq!(codes(&world.plan_of("reference")), []);
    // The mark of the time in between is as old as the log says.
    world.replica(COUNTRIES).epoch = Some(1);
    assert_eq!(codes(&world.plan_of("reference")), []);
}

#[test]
fn a_change_of_role_that_does_not_hold_is_told_with_both_rows() {
    for (active, epoch, why) in [
        (Some("north"), 1, "it makes north active, and the sides are east and east-secondary"),
        (Some("east-secondary"), 0, "it changes roles, and its epoch stays 0"),
        (None, 1, "it changes roles and names no side"),
    ] {
        let mut world = World::new();
        let cut = next(&mut world, "reference", "role", active, epoch);
        append(&mut world, cut);
        let plan = world.plan_of("reference");
        let [(FindingCode::LedgerDiverged, text)] = &blocking(&plan)[..] else {
            panic!("{plan:#?}");
        };
        assert!(text.starts_with("cut 8 (role, active "), "{text}");
        assert!(text.contains(why), "{text}");
        assert!(text.contains("it stands after cut 7 (sync, active home, epoch 0, by "), "{text}");
    }
    let mut world = World::new();
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, Cut { previous_sha256: None, ..cut });
    let plan = world.plan_of("reference");
    assert!(blocking(&plan)[0].1.contains("it does not name the cut before it"), "{plan:#?}");
}

#[test]
fn a_kind_of_cut_that_only_a_later_version_knows_blocks_and_asks_for_it() {
    let mut world = World::new();
    let cut = next(&mut world, "reference", "drill", None, 0);
    append(&mut world, cut);
    let plan = world.plan_of("reference");
    let [(FindingCode::LedgerNewer, text)] = &blocking(&plan)[..] else {
        panic!("{plan:#?}");
    };
    let ours = format!("drsync {} does not know", env!("CARGO_PKG_VERSION"));
    assert!(text.contains("of the kind drill") && text.contains(&ours), "{text}");
}

#[test]
fn a_replica_with_a_mark_of_a_change_of_role_that_no_log_has_blocks() {
    let mut world = World::new();
    world.replica(COUNTRIES).epoch = Some(1);
    let plan = world.plan_of("reference");
    assert_eq!(codes(&plan), [FindingCode::LedgerBehind]);
    assert!(blocking(&plan)[0].1.contains("marked with epoch 1, and the cut log knows 0"));
    assert_eq!(codes(&world.plan_of("orders")), []);
}

/// A run record that tells of a change of role of `reference`.
fn told(roles: &BTreeMap<String, RoleTold>) -> Witnessed {
    let mut witnessed = Witnessed::default();
    let numbers = roles.iter().map(|(group, role)| (group.as_str(), Some(role.cut)));
    witnessed.take_in(&CutsTold {
        run_id: "01JDA2C7000000000000000000",
        groups: numbers.collect(),
        newest: None,
        roles: Some(roles),
        whole_look: None,
    });
    witnessed
}

fn render_of(world: &World) -> String {
    super::screen_of(&world.plan())
}

fn role(cut: u64, epoch: u64) -> BTreeMap<String, RoleTold> {
    let active = Some("east-secondary".to_owned());
    BTreeMap::from([("reference".to_owned(), RoleTold { cut, epoch, active })])
}

#[test]
fn beside_a_log_that_was_put_back_nothing_is_offered_that_undoes_the_other_sides_work() {
    let mut world = World::new();
    world.workspace().witnessed = told(&role(8, 1));
    world.replica(COUNTRIES).epoch = Some(1);
    let replica = world.replica(COUNTRIES);
    replica.version = 3;
    replica.commits = vec![replica_commit(3, "UPDATE")];
    assert!(render_of(&world).contains("ledger_behind"));
    world.accept("ledger_behind", "reference");
    world.accept("ledger_lost", "reference");
    world.accept("replica_changed", COUNTRIES);
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Blocked);
    assert_eq!(codes(&plan), [FindingCode::LedgerBehind]);
    assert_eq!(plan.findings.len(), 1, "{:#?}", plan.findings);
    world.request.accepted.clear();
    let page = render_of(&world);
    assert!(!page.contains("RESTORE") && !page.contains("--accept"), "{page}");
    // Without the mark and the record it would be what anybody may repair.
    world.workspace().witnessed = Witnessed::default();
    world.replica(COUNTRIES).epoch = None;
    assert!(render_of(&world).contains("RESTORE"));
}

#[test]
fn a_change_of_role_that_a_record_tells_of_and_no_log_has_blocks_though_no_mark_is_left() {
    let mut world = World::new();
    world.workspace().witnessed = told(&role(8, 1));
    let plan = world.plan_of("reference");
    assert_eq!(codes(&plan), [FindingCode::LedgerBehind]);
    let (_, text) = &blocking(&plan)[0];
    assert!(
        text.contains(
            "recorded that east-secondary is active (cut 8, epoch 1), and the cut log knows 0"
        ),
        "{text}"
    );
    assert_eq!(codes(&world.plan_of("orders")), []);
    // The log has it, and a way home after it.
    for (active, epoch) in [("east-secondary", 1), ("east", 2)] {
        let cut = next(&mut world, "reference", "role", Some(active), epoch);
        append(&mut world, cut);
    }
    assert_eq!(codes(&world.plan_of("reference")), []);
    // No log could have said that.
    let mut world = World::new();
    world.workspace().witnessed = told(&role(7, 7));
    assert_eq!(codes(&world.plan_of("reference")), []);
}

#[test]
fn that_another_side_is_active_is_told_though_the_primary_is_away() {
    let mut world = World::new();
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, cut);
    let away = drsync::region::RegionError::new(
        drsync::region::RegionErrorKind::Unavailable,
        "look at the region",
        "no answer",
    );
    world.workspace().primary.presence = Err(away.clone());
    world.workspace().primary.ledger = Err(away);
    assert_eq!(codes(&world.plan_of("reference")), [FindingCode::FailedOver]);
    assert_eq!(codes(&world.plan_of("orders")), [FindingCode::PrimaryNotAvailable]);
}

/// Puts a mark of a change of role on the replica of `reference`, as a runbook does.
fn mark(world: &mut World, version: u64, epoch: u64) {
    let replica = world.replica(COUNTRIES);
    replica.version = version;
    replica.epoch = Some(epoch);
    replica.commits.push(ReplicaCommit {
        marked_epoch: Some(epoch),
        ..replica_commit(version, "SET TBLPROPERTIES")
    });
}

#[test]
fn the_mark_of_a_change_of_role_is_no_drift_and_what_the_active_side_writes_is_none_either() {
    let mut world = World::new();
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, cut);
    mark(&mut world, 3, 1);
    let over = |world: &World| {
        let plan = world.plan_of("reference");
        assert_eq!((codes(&plan), plan.drift.len()), (vec![FindingCode::FailedOver], 0));
        let status = status(&world.observed, &world.plan());
        let group = status.workspaces[0].groups.iter().find(|it| it.name == "reference").unwrap();
        let holds = group.tables[0].holds_source_version;
        (group.failed_over.as_ref().unwrap().written, holds)
    };
    assert_eq!(over(&world), (Some(0), Some(4)));
    let replica = world.replica(COUNTRIES);
    replica.version = 4;
    let at = at("2026-11-22T10:30:00Z");
    replica.commits.push(ReplicaCommit { committed_at: at, ..replica_commit(4, "WRITE") });
    assert_eq!(over(&world), (Some(1), None));
    world.table(COUNTRIES).replica = None;
    assert_eq!(over(&world).0, None, "nobody looked");
}

#[test]
fn a_group_that_came_home_and_was_only_marked_meanwhile_needs_nobody() {
    let mut world = World::new();
    for (active, epoch) in [("east-secondary", 1), ("east", 2)] {
        let cut = next(&mut world, "reference", "role", Some(active), epoch);
        append(&mut world, cut);
    }
    mark(&mut world, 3, 1);
    let plan = world.plan_of("reference");
    assert_eq!((codes(&plan), plan.drift.len()), (vec![], 0));
    // A mark that no change of role explains is a log that was put back, as ever.
    mark(&mut world, 4, 3);
    assert_eq!(codes(&world.plan_of("reference")), [FindingCode::LedgerBehind]);
}

#[test]
fn an_apply_that_finds_a_mark_which_its_plan_had_not_seen_clones_nothing() {
    let mut world = World::new();
    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    world.request.take_as_due.push("reference".to_owned());
    let plan = world.plan_of("reference");
    let step = &plan.steps[0];
    let standing = |world: &mut World| {
        let cut = world.workspace().ledger.cuts.newest("reference").cloned().unwrap();
        standing_of(step, Some(world.replica(COUNTRIES)), Some(&cut.tables[0]))
    };
    assert_eq!(standing(&mut world), ReplicaStanding::AsLookedAt(Some(2)));
    mark(&mut world, 3, 1);
    let ReplicaStanding::Changed(why) = standing(&mut world) else {
        panic!("a change of role was made meanwhile");
    };
    assert!(why.to_string().starts_with("v3 marks it with epoch 1"), "{why}");
}

#[test]
fn what_was_lost_with_a_change_of_role_stays_with_it() {
    let mut world = World::new();
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, cut);
    let loss = LossReceipt {
        at: at("2026-11-22T10:10:00Z"),
        commits: 3,
        since: Some(at("2026-11-22T10:01:00Z")),
        runs: vec![89],
        tables: vec![],
        unknown: vec![],
    };
    let told =
        |cut| BTreeMap::from([("reference".to_owned(), ReceiptTold { cut, loss: loss.clone() })]);
    world.workspace().lost_with = told(8);
    let plan = world.plan_of("reference");
    let over = plan.failed_over.as_ref().unwrap();
    assert_eq!((over.lost.as_ref(), over.given_up, plan.lag_seconds), (Some(&loss), None, None));
    let (_, text) = &blocking(&plan)[0];
    assert!(
        text.ends_with("; lost with it: 3 commits since 2026-11-22T10:01:00.000Z, repeat run 89, as of 2026-11-22T10:10:00.000Z"),
        "{text}"
    );
    // Of an earlier change it is none of this one's.
    world.workspace().lost_with = told(6);
    assert_eq!(world.plan_of("reference").failed_over.unwrap().lost, None);
}

#[test]
fn an_older_cut_that_was_brought_back_gives_up_those_after_it() {
    let mut world = World::new();
    let older = world.workspace().ledger.cuts.newest("reference").cloned().unwrap();
    let last = Cut {
        cut_number: 8,
        recovery_point: at("2026-11-22T08:00:00Z"),
        previous_sha256: Some(older.sha256()),
        ..older.clone()
    };
    append(&mut world, last);
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    let cut = Cut { tables: older.tables, recovery_point: older.recovery_point, ..cut };
    append(&mut world, cut);
    let plan = world.plan_of("reference");
    let given_up = plan.failed_over.as_ref().unwrap().given_up;
    assert_eq!(given_up, Some(GivenUp { first: 8, last: 8 }));
    assert!(blocking(&plan)[0].1.ends_with("; cut 8 was given up"), "{plan:#?}");
}

#[test]
fn a_group_of_another_name_over_tables_that_another_side_is_active_of_is_blocked() {
    let mut world = World::with(|text| {
        text["workspaces"][0]["sync_groups"][1]["group_name"] = "countries".into();
    });
    let cut = next(&mut world, "reference", "role", Some("east-secondary"), 1);
    append(&mut world, cut);
    let plan = world.plan_of("countries");
    let [(FindingCode::FailedOver, text)] = &blocking(&plan)[..] else {
        panic!("{plan:#?}");
    };
    assert!(text.starts_with("main.shop.countries is of the group reference in the cut log"));
    let cut = next(&mut world, "reference", "role", Some("east"), 2);
    append(&mut world, cut);
    assert_eq!(codes(&world.plan_of("countries")), []);
}

#[test]
fn what_ended_before_a_group_came_home_is_not_what_its_replicas_are_brought_to() {
    let home = "2026-11-22T10:20:12Z";
    let came_home = |workflow: bool| {
        let mut world = World::new();
        let group = if workflow { "orders" } else { "reference" };
        for (active, epoch) in [("east-secondary", 1), ("east", 2)] {
            let cut = next(&mut world, group, "role", Some(active), epoch);
            append(&mut world, cut);
        }
        world
    };
    // A run that ended after the cut, and before the way home.
    let mut world = came_home(true);
    world.run(89, "2026-11-22T09:50:00Z", Some("2026-11-22T10:00:00Z"), RunState::Succeeded);
    world.commit("main.shop.orders", 5, "2026-11-22T09:55:00Z", "MERGE");
    world.commit(
        "main.shop.orders",
        6,
        "2026-11-22T10:10:00Z",
        "CREATE OR REPLACE TABLE AS SELECT",
    );
    world.pinned_at("main.shop.orders", 6);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Sync, "{plan:#?}");
    assert_eq!(plan.recovery_point, Some(world.observed.now));
    assert!(plan.reason.message.to_string().contains("since when east is active again"));
    assert!(plan.recovery_point > Some(at(home)));
    // One that is at work is waited for.
    world.run(90, "2026-11-22T10:40:00Z", None, RunState::Active);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Waiting, "{plan:#?}");
    // One that ends after it is the moment as ever.
    world.group("orders").workflows[0].as_mut().unwrap().runs.remove(0);
    world.run(90, "2026-11-22T10:40:00Z", Some("2026-11-22T10:50:00Z"), RunState::Succeeded);
    assert_eq!(world.plan_of("orders").recovery_point, Some(at("2026-11-22T10:50:00Z")));
    // What the west wrote is accepted to be lost: its replicas go on, and not back to the cut of before.
    let mut world = came_home(false);
    let replica = world.replica(COUNTRIES);
    replica.version = 3;
    replica.commits.push(replica_commit(3, "WRITE"));
    world.commit(COUNTRIES, 5, "2026-11-22T10:10:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    world.accept("replica_changed", COUNTRIES);
    let plan = world.plan_of("reference");
    assert_eq!((plan.decision, plan.recovery_point), (Decision::Sync, Some(world.observed.now)));
}
