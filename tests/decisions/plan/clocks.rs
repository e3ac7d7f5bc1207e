//! What a wrong clock wrote: commits and cuts of moments that are yet to come.

use drsync::plan::status::status;
use drsync::plan::{Decision, Plan, TriggerKind, WarningCode};

use super::world::{COUNTRIES, World, at};

fn warned(plan: &Plan, code: WarningCode) -> Option<String> {
    let mut all = plan.warnings.iter();
    let warning = all.find(|warning| warning.code == code)?;
    Some(warning.message.to_string())
}

#[test]
fn commits_behind_one_of_the_future_are_pending_and_told() {
    let mut world = World::new();
    world.commit(COUNTRIES, 5, "2036-01-01T00:00:00Z", "WRITE");
    world.commit(COUNTRIES, 6, "2036-01-01T00:00:00.001Z", "WRITE");
    let plan = world.plan();
    let said = warned(&plan, WarningCode::CommitInFuture).unwrap();
    assert!(said.starts_with("v5 has the time 2036-01-01"), "{said}");
    let group = world.plan_of("reference");
    assert_eq!((group.pending_commits, group.lag_seconds), (Some(2), Some(0)));
    let told = status(&world.observed, &plan);
    let groups = &told.workspaces[0].groups;
    let reference = groups.iter().find(|group| group.name == "reference");
    assert_eq!(reference.unwrap().tables[0].pending_commits, Some(2));
}

/// Moves the last cut of `reference` to a moment.
fn moved_to(world: &mut World, point: &str) {
    let point = at(point);
    for region in ["primary", "secondary"] {
        let workspace = world.workspace();
        let region = match region {
            "primary" => &mut workspace.primary,
            _ => &mut workspace.secondary,
        };
        let copy = region.ledger.as_mut().unwrap();
        for cut in &mut copy.cuts.as_mut().unwrap().cuts {
            if cut.group_name == "reference" && cut.cut_number == 7 {
                cut.recovery_point = point;
                cut.planned_at = point;
                cut.committed_at = point;
            }
        }
    }
    world.merge();
}

#[test]
fn a_cut_of_the_future_is_followed_at_once_and_by_nothing_older_than_it_holds() {
    let mut world = World::new();
    moved_to(&mut world, "2030-01-01T00:00:00Z");
    assert!(warned(&world.plan(), WarningCode::CutInFuture).is_some());
    assert_eq!(world.plan_of("reference").decision, Decision::UpToDate);

    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync, "{plan:#?}");
    assert_eq!(plan.trigger.unwrap().kind, TriggerKind::Schedule);
    assert_eq!(plan.recovery_point, Some(world.observed.now));

    // The clock of this look is the one that is wrong: what the cut holds is not there yet.
    world.observed.now = at("2026-11-01T00:00:00Z");
    let plan = world.plan_of("reference");
    assert_ne!(plan.decision, Decision::Sync, "{plan:#?}");
}

#[test]
fn clocks_that_differ_a_little_are_told_and_no_matter() {
    let mut world = World::new();
    moved_to(&mut world, "2026-11-22T11:00:30Z");
    world.observed.now = at("2026-11-22T11:00:00Z");
    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    let plan = world.plan();
    assert!(warned(&plan, WarningCode::CutInFuture).is_none());
    let skew = warned(&plan, WarningCode::ClockSkew).unwrap();
    assert!(skew.contains("30s behind the recovery point of cut 7"), "{skew}");
    assert_eq!(world.plan_of("reference").decision, Decision::Waiting);
}

#[test]
fn a_cut_more_than_a_minute_ahead_is_of_the_future_whether_all_is_looked_at_or_not() {
    let mut world = World::new();
    moved_to(&mut world, "2026-11-22T11:10:00Z");
    world.observed.now = at("2026-11-22T11:00:00Z");
    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    for full in [false, true] {
        world.request.full = full;
        let plan = world.plan();
        assert!(warned(&plan, WarningCode::CutInFuture).is_some());
        assert!(warned(&plan, WarningCode::ClockSkew).is_some());
        let group = world.plan_of("reference");
        assert_eq!(group.decision, Decision::Sync, "{group:#?}");
        assert_eq!(group.recovery_point, Some(world.observed.now));
    }
}

#[test]
fn a_repair_by_a_clock_behind_the_last_cut_is_no_altered_plan() {
    let mut world = World::new();
    moved_to(&mut world, "2026-11-22T11:00:02Z");
    world.observed.now = at("2026-11-22T11:00:00Z");
    world.request.plan_id =
        ulid::Ulid::from_parts(world.observed.now.timestamp_millis().try_into().unwrap(), 7)
            .to_string();
    world.table(COUNTRIES).replica = Some(Ok(None));
    let plan = world.plan();
    let group = world.plan_of("reference");
    assert_eq!(group.decision, Decision::Sync, "{group:#?}");
    assert_eq!(group.recovery_point, Some(at("2026-11-22T11:00:02Z")));
    let stored = plan.stored();
    assert_eq!(drsync::plan::StoredPlan::read(&stored.bytes).unwrap().plan, plan);
}
