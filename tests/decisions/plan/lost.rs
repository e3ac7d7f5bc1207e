//! What would be lost if the primary were gone, as far as somebody looked.

use drsync::plan::Decision;
use drsync::region::RunState;

use super::world::{COUNTRIES, World, at};

#[test]
fn commits_that_no_cut_holds_are_told_with_versions_times_and_runs_to_repeat() {
    let mut world = World::new();
    assert_eq!(world.plan_of("orders").loss.map(|loss| loss.commits), Some(0));
    world.commit("main.shop.orders", 5, "2026-11-22T10:00:00Z", "WRITE");
    world.commit("main.shop.orders", 6, "2026-11-22T10:10:00Z", "OPTIMIZE");
    world.commit("main.shop.orders", 7, "2026-11-22T10:20:00Z", "MERGE");
    world.run(89, "2026-11-22T09:55:00Z", None, RunState::Active);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Waiting);
    let loss = plan.loss.unwrap();
    assert_eq!(
        (loss.commits, loss.since, loss.runs),
        (2, Some(at("2026-11-22T10:00:00Z")), vec![89])
    );
    let [table] = &loss.tables[..] else {
        panic!("{:?}", loss.tables);
    };
    assert_eq!((table.first_version, table.last_version, table.commits), (5, 7, 2));
}

#[test]
fn of_a_group_that_is_synchronized_what_stays_out_of_its_cut_is_told() {
    let mut world = World::new();
    world.commit(COUNTRIES, 5, "2026-11-22T10:00:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    world.request.take_as_due.push("reference".to_owned());
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.findings);
    assert_eq!(plan.loss.map(|loss| loss.commits), Some(0));
}

#[test]
fn where_a_history_was_not_read_what_would_be_lost_is_not_known() {
    let mut world = World::new();
    world.table(COUNTRIES).source = None;
    assert_eq!(world.plan_of("reference").loss, None);
}
