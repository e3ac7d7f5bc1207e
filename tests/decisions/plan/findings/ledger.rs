//! What the metadata tables tell that cannot be: two truths, cuts that are gone, and a place of somebody else.

use drsync::ledger::RowStatus;
use drsync::plan::{Decision, FindingCode};
use drsync::region::RegionErrorKind;

use super::super::world::World;
use super::{blocking, refusal};

#[test]
fn two_truths_in_the_cut_log_are_told_and_never_decided() {
    let mut world = World::new();
    let cuts =
        &mut world.workspace().secondary.ledger.as_mut().unwrap().cuts.as_mut().unwrap().cuts;
    cuts.iter_mut().rfind(|cut| cut.group_name == "reference").unwrap().run_id =
        "another".to_owned();
    world.merge();
    assert_eq!(blocking(&world, "reference"), [FindingCode::LedgerDiverged]);
    assert_eq!(blocking(&world, "orders"), []);
}

/// A run record that tells of a group's cut.
fn record(group: &str, cut: u64) -> drsync::plan::CutsTold<'_> {
    let run_id = "01JDA2C7000000000000000000";
    drsync::plan::CutsTold {
        run_id,
        groups: vec![(group, Some(cut))],
        newest: None,
        roles: None,
        whole_look: None,
    }
}

#[test]
fn a_cut_that_only_a_record_tells_of_blocks_its_group_and_its_number_is_not_given_again() {
    let mut world = World::new();
    let newest = |world: &mut World| {
        let cuts = &world.workspace().ledger.cuts;
        cuts.newest("orders").unwrap().cut_number
    };
    let last = newest(&mut world);
    let tell = |world: &mut World, cut: u64| {
        let mut told = drsync::plan::Witnessed::default();
        assert!(told.take_in(&record("orders", cut)));
        world.workspace().witnessed = told;
    };
    tell(&mut world, last);
    assert_eq!(blocking(&world, "orders"), []);
    tell(&mut world, last + 2);
    assert_eq!(blocking(&world, "orders"), [FindingCode::LedgerLost]);
    assert_eq!(blocking(&world, "reference"), []);
    world.accept("ledger_lost", "orders");
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.reason);
    assert_eq!(plan.next_cut(), last + 3);
    assert!(plan.recovery_point > plan.last_cut.map(|cut| cut.recovery_point));
    // No number that lies millions beyond the log was ever given: it is told and takes none from the group.
    let mut world = World::new();
    tell(&mut world, last + 5_000_000);
    assert_eq!(blocking(&world, "orders"), []);
    let plan = world.plan();
    let mut told = plan.warnings.iter();
    let told = told.find(|it| it.code == drsync::plan::WarningCode::RecordNotBelieved).unwrap();
    let said = told.message.to_string();
    for part in ["01JDA2C7000000000000000000.run.json", "of orders", "is not believed"] {
        assert!(said.contains(part), "{said}");
    }
    // A log that could not be read is not judged.
    let mut world = World::new();
    tell(&mut world, last + 2);
    world.workspace().secondary.ledger = Err(refusal(RegionErrorKind::Unavailable));
    assert!(!blocking(&world, "orders").contains(&FindingCode::LedgerLost));
}

#[test]
fn a_row_or_marks_tell_of_cuts_that_are_gone_unless_an_attempt_explains_them() {
    let mut world = World::new();
    let newest = world.workspace().ledger.cuts.newest("orders").cloned().unwrap();
    let end = newest.committed_at;
    let row = |world: &mut World, later: i64, status: Option<RowStatus>| {
        let rows = &mut world.workspace().ledger.rows;
        let row = rows.get_mut("orders").unwrap();
        row.sync_end_timestamp = Some(end + chrono::TimeDelta::seconds(later));
        row.current_sync_status = status;
    };
    row(&mut world, 0, Some(RowStatus::Success));
    assert_eq!(blocking(&world, "orders"), []);
    row(&mut world, 1, Some(RowStatus::Success));
    assert_eq!(blocking(&world, "orders"), [FindingCode::LedgerLost]);
    // No cut at all, and replicas that were synchronized: an attempt that failed may have cloned them.
    for (status, lost) in
        [(None, true), (Some(RowStatus::InProgress), false), (Some(RowStatus::Failed), false)]
    {
        let mut world = World::new();
        for region in ["primary", "secondary"] {
            let workspace = world.workspace();
            let region = match region {
                "primary" => &mut workspace.primary,
                _ => &mut workspace.secondary,
            };
            let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
            cuts.cuts.retain(|cut| cut.group_name != "orders");
        }
        world.merge();
        let row = world.workspace().ledger.rows.get_mut("orders").unwrap();
        row.sync_end_timestamp = None;
        row.current_sync_status = status;
        let found = blocking(&world, "orders").contains(&FindingCode::LedgerLost);
        assert_eq!(found, lost, "{status:?}");
    }
}

#[test]
fn a_sync_location_of_another_workspace_is_not_ours() {
    let mut world = World::new();
    world.workspace().secondary.ledger.as_mut().unwrap().cuts.as_mut().unwrap().workspace =
        Some("north".to_owned());
    assert_eq!(blocking(&world, "reference"), [FindingCode::LedgerNotOurs]);
}
