//! A plan of what the configuration changes, and of nothing else.

use drsync::plan::document::DueAnyway;
use drsync::plan::{Decision, FindingCode, GroupPlan};
use serde_json::json;

use super::world::{World, at};

/// The groups of the plan, and what was left out.
fn planned(mut world: World) -> (Vec<GroupPlan>, DueAnyway, drsync::plan::Plan) {
    world.request.selection.changed = true;
    let plan = world.plan();
    let groups = plan.workspaces[0].groups.clone();
    (groups, plan.due_anyway.clone().unwrap(), plan)
}

fn names(groups: &[GroupPlan]) -> Vec<&str> {
    groups.iter().map(|group| group.name.as_str()).collect()
}

#[test]
fn where_the_configuration_is_what_the_regions_know_no_group_is_planned() {
    let (groups, due, plan) = planned(World::new());
    assert_eq!(names(&groups), [""; 0]);
    assert_eq!(due.groups_waiting, 2);
    assert!(!plan.applyable && plan.selection.changed);
    assert!(!plan.complete, "it does not speak for what it leaves out");
}

#[test]
fn groups_whose_metadata_is_of_another_workspace_are_planned_and_their_reason_told() {
    let mut world = World::new();
    let workspace = world.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        let copy = region.ledger.as_mut().unwrap();
        copy.metadata.as_mut().unwrap().workspace = Some("north".to_owned());
    }
    world.merge();
    let (groups, _, _) = planned(world);
    assert_eq!(names(&groups), ["orders", "reference"]);
    let not_ours = |group: &GroupPlan| {
        group.findings.iter().any(|finding| finding.code == FindingCode::LedgerNotOurs)
    };
    assert!(groups.iter().all(not_ours));
}

#[test]
fn what_is_due_anyway_is_counted_and_not_part_of_the_plan() {
    let mut world = World::new();
    world.observed.now = at("2026-11-22T12:10:00Z");
    world.commit("main.shop.countries", 5, "2026-11-22T11:30:00Z", "WRITE");
    world.pinned_at("main.shop.countries", 5);
    assert_eq!(world.plan_of("reference").decision, Decision::Sync);
    let (groups, due, plan) = planned(world);
    assert_eq!(names(&groups), [""; 0]);
    assert_eq!(
        due,
        DueAnyway {
            groups_sync: 1,
            groups_up_to_date: 1,
            copy_bytes: 1_000,
            copy_files: 1,
            ..DueAnyway::default()
        }
    );
    assert_eq!(plan.summary.groups_sync, 0);
    assert!(!plan.applyable && plan.workspaces[0].rows.is_empty());
}

/// The row of a group as it was before the configuration changed.
fn row_before(world: &mut World, group: &str, change: impl Fn(&mut drsync::ledger::Row)) {
    world.set_row(group, |row| {
        let mut before = row.clone();
        change(&mut before);
        before
    });
}

#[test]
fn a_new_group_one_with_other_tables_and_one_with_a_mistake_are_planned() {
    let mut world = World::with(|config| {
        let groups = config["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
        groups[1]["tables"].as_array_mut().unwrap().push("main.shop.currencies".into());
        groups.push(json!({"group_name": "new", "group_owner_email": "n@example.com", "tables": ["main.n.a"]}));
        groups.push(
            json!({"group_name": "wrong", "group_owner_email": "n@example.com", "tables": []}),
        );
    });
    row_before(&mut world, "reference", |row| row.tables.truncate(1));
    let (groups, _, plan) = planned(world);
    assert_eq!(names(&groups), ["reference", "new", "wrong"]);
    let rows: Vec<&str> =
        plan.workspaces[0].rows.iter().map(|row| row.after.group_name.as_str()).collect();
    assert_eq!(rows, ["new", "reference", "wrong"]);
}

#[test]
fn another_workflow_is_a_change_and_a_group_that_left_is_retired() {
    let mut world = World::new();
    row_before(&mut world, "orders", |row| {
        row.workflow = Some("other_job".to_owned());
    });
    world.workspace().groups.remove(1);
    let (groups, due, plan) = planned(world);
    assert_eq!(names(&groups), ["orders"]);
    assert_eq!(due, DueAnyway::default());
    let metadata = &plan.workspaces[0].metadata[0];
    assert_eq!(metadata.rows_to_change, ["orders"]);
    assert_eq!(metadata.rows_to_retire, ["reference"]);
}

#[test]
fn a_group_whose_row_only_says_how_its_sync_ended_is_no_change() {
    let mut world = World::new();
    row_before(&mut world, "orders", |row| {
        row.message = Some("table_not_readable: was repaired".into());
        row.current_sync_status = Some(drsync::ledger::RowStatus::Failed);
    });
    assert_eq!(world.plan().workspaces[0].rows.len(), 1);
    let (groups, _, plan) = planned(world);
    assert_eq!(names(&groups), [""; 0]);
    assert!(!plan.applyable);
}

#[test]
fn another_sync_location_changes_every_group_that_is_copied_there() {
    let mut world = World::new();
    world.workspace().secondary.location = "/world/elsewhere/sync".to_owned();
    for table in ["main.shop.orders", "main.shop.lines", "main.shop.countries"] {
        world.table(table).replica = Some(Ok(None));
    }
    let before = world.plan();
    let moved: Vec<&str> = before
        .groups()
        .filter(|(_, group)| group.decision == Decision::Sync)
        .map(|(_, group)| group.name.as_str())
        .collect();
    let (groups, _, _) =
        planned(World { observed: world.observed.clone(), request: world.request.clone() });
    assert_eq!(names(&groups), moved);
}

#[test]
fn a_sync_location_that_changes_is_a_change_of_its_groups_although_it_blocks_them() {
    let mut world = World::with(|config| {
        config["workspaces"][0]["sync_location_secondary"] = json!("/world/wset/sync");
    });
    world.workspace().secondary.presence = Err(drsync::region::RegionError::new(
        drsync::region::RegionErrorKind::Unavailable,
        "look at the sync location",
        "it does not exist",
    ));
    let (groups, _, plan) = planned(world);
    assert_eq!(names(&groups), ["orders", "reference"]);
    assert!(groups.iter().all(|group| group.decision == Decision::Blocked));
    assert!(!plan.complete);
}
