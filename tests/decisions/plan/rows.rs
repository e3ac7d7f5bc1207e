//! What a plan makes of the metadata tables: the rows it writes, and what is known without them.

use drsync::config::GroupEntry;
use drsync::ledger::RowStatus;
use drsync::plan::{Decision, FindingCode, WarningCode};

use super::findings::blocking;
use super::world::{COUNTRIES, World, at};

#[test]
fn a_group_that_was_blocked_says_again_what_its_cut_says() {
    let mut world = World::new();
    let now = world.observed.now;
    world.set_row("reference", |row| {
        row.failed("table_not_readable: main.shop.countries: no".to_owned(), now)
    });
    let plan = world.plan();
    let row = &plan.workspaces[0].rows[0].after;
    assert_eq!(row.current_sync_status, Some(RowStatus::Success));
    assert_eq!(row.message, Some("cut 7 at 2026-11-22T06:00:00.000Z".into()));
}

#[test]
fn a_row_left_in_progress_is_success_with_its_cut_and_interrupted_without() {
    let mut world = World::new();
    let now = world.observed.now;
    world.set_row("reference", |row| {
        row.begun("run R7 to 2026-11-22T06:00:00.000Z".to_owned(), now)
    });
    let plan = world.plan();
    assert_eq!(plan.workspaces[0].rows[0].after.current_sync_status, Some(RowStatus::Success));
    assert!(plan.warnings.iter().any(|warning| warning.code == WarningCode::Interrupted));

    world.set_row("reference", |row| {
        row.begun("run R8 to 2026-11-22T06:00:00.000Z".to_owned(), now)
    });
    let row = world.plan().workspaces[0].rows[0].after.clone();
    assert_eq!(row.current_sync_status, Some(RowStatus::Failed));
    assert!(row.message.unwrap().to_string().starts_with("interrupted: run R8"));
}

#[test]
fn a_row_whose_apply_could_not_see_its_cut_committed_is_success_once_the_cut_is_there() {
    for (run, status) in [("R41", RowStatus::Success), ("R42", RowStatus::Failed)] {
        let mut world = World::new();
        let now = world.observed.now;
        let failed = format!("sync_failed: run {run} could not see its cut committed: no reply");
        world.set_row("orders", |row| row.failed(failed.clone(), now));
        world.commit("main.shop.orders", 5, "2026-11-22T10:30:00Z", "WRITE");
        assert_eq!(world.plan_of("orders").decision, Decision::Waiting);
        let plan = world.plan();
        let after = match plan.workspaces[0].rows.first() {
            Some(change) => &change.after,
            None => &world.observed.workspaces[0].ledger.rows["orders"],
        };
        assert_eq!(after.current_sync_status, Some(status), "{after:?}");
    }
}

#[test]
fn metadata_tables_lost_in_both_regions_are_told_where_replicas_are_marked() {
    let lost = |world: &mut World| {
        let workspace = world.workspace();
        for region in [&mut workspace.primary, &mut workspace.secondary] {
            // Rows alone say nothing of what the replicas hold.
            region.ledger.as_mut().unwrap().cuts = None;
        }
        world.merge();
        let all = world.plan().warnings;
        let mut told = all.into_iter().filter(|one| one.code == WarningCode::LedgerLost);
        told.next().map(|warning| warning.message.to_string())
    };
    let mut world = World::new();
    let said = lost(&mut world).expect("replicas are there");
    assert!(said.contains("yet 3 of its replicas were synchronized before"), "{said}");
    for name in ["main.shop.orders", "main.shop.lines", COUNTRIES] {
        world.table(name).replica = Some(Ok(None));
    }
    assert_eq!(lost(&mut world), None);
}

#[test]
fn an_invalid_group_keeps_its_row() {
    let mut world = World::with(|config| {
        config["workspaces"][0]["sync_groups"][1]["group_owner_email"] = "nobody".into()
    });
    world.workspace().primary.ledger = World::new().workspace().primary.ledger.clone();
    world.workspace().secondary.ledger = world.workspace().primary.ledger.clone();
    world.merge();
    assert!(matches!(world.workspace().groups[1].entry, GroupEntry::Invalid { .. }));
    let plan = world.plan();
    let change = &plan.workspaces[0].rows[0];
    assert_eq!(change.after.tables, change.before.as_ref().unwrap().tables);
    assert_eq!(change.after.current_sync_status, Some(RowStatus::Failed));
}

#[test]
fn nothing_is_written_into_metadata_tables_of_another_workspace() {
    let mut world = World::new();
    for region in ["primary", "secondary"] {
        let workspace = world.workspace();
        let region =
            if region == "primary" { &mut workspace.primary } else { &mut workspace.secondary };
        let copy = region.ledger.as_mut().unwrap();
        copy.metadata.as_mut().unwrap().workspace = Some("north".to_owned());
        let stranger =
            drsync::ledger::Row::first_seen("theirs", None, vec![], at("2026-11-01T00:00:00Z"));
        copy.metadata.as_mut().unwrap().rows.push(stranger);
    }
    world.merge();
    let plan = world.plan();
    assert!(plan.workspaces[0].rows.is_empty());
    assert!(!plan.applyable);
    assert!(plan.workspaces[0].metadata.iter().all(|action| action.changes() == 0));
}

#[test]
fn a_blocked_group_is_due_again_at_the_next_apply() {
    let mut world = World::new();
    world.commit(COUNTRIES, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    world.pin(COUNTRIES).rows = Some(10);
    assert_eq!(world.plan_of("reference").decision, Decision::Waiting);
    let now = world.observed.now;
    world.set_row("reference", |row| {
        row.failed("source_shrank: main.shop.countries: v5".to_owned(), now)
    });
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceShrank]);
}

#[test]
fn a_group_that_returns_says_what_its_cut_says() {
    let mut world = World::new();
    let now = world.observed.now;
    world.set_row("reference", |row| row.retired(now));
    let row = world.plan().workspaces[0].rows[0].after.clone();
    assert_eq!(row.message, Some("cut 7 at 2026-11-22T06:00:00.000Z".into()));
}
