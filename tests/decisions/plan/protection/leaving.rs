//! What leaves the configuration, moves in it, or gets another name.

use std::collections::BTreeMap;

use drsync::plan::{
    ComparedWith, Direction, Plan, ProtectionSettings, Setting, SettingChange, SettingsBefore,
    TablesBefore, Whose, WorkspaceObserved,
};
use drsync::region::LedgerCopy;
use drsync::render::sections::plan::comment;
use drsync::render::writers::{BUDGET, Form, write};
use serde_json::{Value, json};

use super::super::world::World;
use super::{compared, settings};

/// The plan of workspaces of these names, compared with a configuration of three.
fn of_workspaces(names: &[&str]) -> Plan {
    let mut world = World::new();
    let one = world.observed.workspaces[0].clone();
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    let all = ["east", "north", "south"];
    let before = ProtectionSettings::of(&one.workspace, None, Some(&all));
    world.observed.workspaces = names
        .iter()
        .map(|name| {
            let mut seen = one.clone();
            seen.workspace.name = (*name).to_owned();
            let mut settings = before.clone();
            // Each has the label that it had.
            let own = ProtectionSettings::of(&seen.workspace, None, None).workspace.configured;
            settings.workspace.configured = own;
            WorkspaceObserved {
                settings_before: Some(SettingsBefore { of: of.clone(), settings, tables: None }),
                ..seen
            }
        })
        .collect();
    world.plan()
}

#[test]
fn a_workspace_that_leaves_the_configuration_is_told_once() {
    for (names, direction) in [
        (&["east", "south"][..], Direction::Weaker),
        (&["east", "south", "west"], Direction::Weaker),
        (&["east", "north", "south", "west"], Direction::Stronger),
    ] {
        let plan = of_workspaces(names);
        let changes = plan.workspaces.iter().flat_map(|it| &it.settings_changes);
        let changes: Vec<&SettingChange> =
            changes.filter(|change| change.setting == Setting::Workspaces).collect();
        assert_eq!(changes.len(), 1, "{names:?}: {changes:?}");
        assert_eq!(changes[0].direction, direction, "{names:?}");
    }
    let all = of_workspaces(&["south", "north", "east"]);
    assert!(all.workspaces.iter().all(|it| it.settings_changes.is_empty()));
    let comment = write(&comment(&of_workspaces(&["east", "south"])), Form::Markdown(BUDGET));
    let dangers = comment.split("**Dangers**").nth(1).unwrap();
    assert!(dangers.contains("workspaces of the configuration"), "{comment}");
}

#[test]
fn what_could_not_be_understood_has_not_left() {
    let mut world = World::new();
    let workspace = world.observed.workspaces[0].workspace.clone();
    let settings = ProtectionSettings::of(&workspace, None, Some(&["east", "north"]));
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    world.workspace().settings_before = Some(SettingsBefore { of, settings, tables: None });
    world.observed.incomplete = true;
    assert_eq!(world.plan().workspaces[0].settings_changes, []);
}

#[test]
fn a_workspace_under_another_name_is_compared_with_what_lies_in_the_same_place() {
    let world = World::new();
    let before =
        ProtectionSettings::of(&world.observed.workspaces[0].workspace, None, Some(&["east"]));
    let all = BTreeMap::from([("east".to_owned(), before.clone())]);
    let found = |whose: Whose<'_>| ProtectionSettings::among(&all, &whose).map(|(name, _)| name);
    let named = |name| Whose { name, ..Whose::default() };
    assert_eq!(found(named("east")), Some("east"));
    assert_eq!(found(named("main")), None);
    // Each of its places tells it, whatever became of the others.
    let elsewhere = Whose {
        name: "main",
        replicas: Some("/world/north/sync"),
        primary: Some("/world/south/sync"),
        address: Some("/world/south"),
    };
    assert_eq!(found(elsewhere), None);
    assert_eq!(found(Whose { replicas: Some("/world/west/sync"), ..elsewhere }), Some("east"));
    assert_eq!(found(Whose { primary: Some("/world/east/sync"), ..elsewhere }), Some("east"));
    assert_eq!(found(Whose { address: Some("/world/east"), ..elsewhere }), Some("east"));
    // Of two that share a place neither is it.
    let all = BTreeMap::from([("east".to_owned(), before.clone()), ("twin".to_owned(), before)]);
    let shared = Whose { address: Some("/world/east"), ..elsewhere };
    assert_eq!(ProtectionSettings::among(&all, &shared), None);
}

/// The plan of a configuration whose groups are others, over the metadata table and the settings of before.
fn moved(change: impl Fn(&mut Value)) -> Plan {
    let before = World::new();
    let mut after = World::with(|config| change(&mut config["workspaces"][0]["sync_groups"]));
    // Both copies of the metadata table are as the last apply left them.
    let seen = before.observed.workspaces[0].clone();
    let workspace = after.workspace();
    (workspace.primary, workspace.secondary) = (seen.primary, seen.secondary);
    after.merge();
    after.request.signers = None;
    compared(after, &before)
}

fn told_of(plan: &Plan, group: &str) -> Vec<(Setting, Direction)> {
    let changes = plan.workspaces[0].settings_changes.iter();
    let own = changes.filter(|change| change.group.as_deref() == Some(group));
    own.map(|change| (change.setting, change.direction)).collect()
}

#[test]
fn a_new_name_hides_nothing_of_what_changes() {
    let plan = moved(|groups| {
        groups[1]["group_name"] = "countries".into();
        groups[1]["sync_shrink_percent"] = 0.into();
        groups[1]["sync_max_retries"] = 5.into();
    });
    let expected = [
        (Setting::Name, Direction::Other),
        (Setting::ShrinkGuard, Direction::Weaker),
        (Setting::Retries, Direction::Stronger),
    ];
    assert_eq!(told_of(&plan, "countries"), expected);
    let comment = write(&comment(&plan), Form::Markdown(BUDGET));
    assert!(comment.contains("weakens the protection of countries"), "{comment}");
}

#[test]
fn a_group_is_called_otherwise_where_one_became_one_with_its_workflow_and_half_of_its_tables() {
    let told = |plan: &Plan, group: &str| {
        let settings = told_of(plan, group).into_iter().map(|(setting, _)| setting);
        settings.collect::<Vec<_>>()
    };
    // One of two tables goes along, the other leaves: a new name, and a table that nobody has.
    let half = moved(|groups| {
        groups[0]["group_name"] = "sales".into();
        groups[0]["tables"] = json!(["main.shop.orders"]);
    });
    assert_eq!(told(&half, "sales"), [Setting::Name]);
    assert_eq!(told(&half, "orders"), [Setting::Removed]);
    // What is called otherwise did not leave, in no form.
    let renamed = moved(|groups| groups[0]["group_name"] = "sales".into());
    assert_eq!(told(&renamed, "sales"), [Setting::Name]);
    let change = &renamed.workspaces[0].settings_changes[0];
    assert_eq!(change.renames(), Some(("sales", "orders")));
    for text in super::nothing::texts(&renamed) {
        assert!(!text.contains("No longer synchronized"), "a new name is none that left");
    }
    let text = super::nothing::texts(&renamed)[0].clone();
    assert!(text.contains("orders, now sales") && !text.contains("retired"), "{text}");
    // Another workflow, or two groups in the place of one: tables moved, and what is weaker for them is told.
    let other_workflow = moved(|groups| {
        groups[0]["group_name"] = "sales".into();
        groups[0]["workflow"] = "other_job".into();
    });
    assert!(told(&other_workflow, "sales").contains(&Setting::TablesOf), "{other_workflow:?}");
    assert!(!told(&other_workflow, "sales").contains(&Setting::Name));
    let split = moved(|groups| {
        let mut lines = groups[0].clone();
        groups[0]["group_name"] = "heads".into();
        groups[0]["tables"] = json!(["main.shop.orders"]);
        lines["group_name"] = "lines".into();
        lines["tables"] = json!(["main.shop.lines"]);
        lines["sync_shrink_percent"] = 0.into();
        groups.as_array_mut().unwrap().push(lines);
    });
    assert_eq!(told(&split, "heads"), [Setting::TablesOf]);
    assert_eq!(told(&split, "lines"), [Setting::TablesOf, Setting::ShrinkGuard]);
    assert!(super::nothing::texts(&split)[0].contains("retired"));
}

#[test]
fn a_table_that_moves_to_a_group_that_protects_less_is_told() {
    let plan = moved(|groups| {
        groups[0]["tables"] = json!(["main.shop.orders"]);
        groups[1]["tables"] = json!(["main.shop.countries", "main.shop.lines"]);
        groups[1]["sync_shrink_percent"] = 0.into();
    });
    let weaker = (Setting::ShrinkGuard, Direction::Weaker);
    let told = told_of(&plan, "reference");
    assert!(told.contains(&(Setting::TablesOf, Direction::Other)), "{told:?}");
    // By what the group itself was, and by what the table's group was.
    assert_eq!(told.iter().filter(|it| **it == weaker).count(), 2, "{told:?}");
    assert_eq!(told_of(&plan, "orders"), []);
}

#[test]
fn a_group_that_leaves_the_configuration_protects_nothing_any_more() {
    let plan = moved(|groups| drop(groups.as_array_mut().unwrap().remove(0)));
    let gone = [(Setting::Removed, Direction::Weaker), (Setting::Owners, Direction::Weaker)];
    assert_eq!(told_of(&plan, "orders"), gone);
    let comment = write(&comment(&plan), Form::Markdown(BUDGET));
    assert!(comment.contains("weakens the protection of orders"), "{comment}");
    assert!(comment.contains("no longer configured"), "{comment}");
    // What is only misread, and what was not asked for, has not left.
    let misread = moved(|groups| groups[0]["tables"] = json!([7]));
    assert_eq!(told_of(&misread, "orders"), []);
}

#[test]
fn a_table_that_no_group_has_any_more_is_told_and_one_that_is_left_out_on_purpose_is_told_as_that()
{
    let plan = moved(|groups| groups[0]["tables"] = json!(["main.shop.orders"]));
    let changes = &plan.workspaces[0].settings_changes;
    let of: Vec<(Setting, Option<&str>)> =
        changes.iter().map(|change| (change.setting, change.table.as_deref())).collect();
    assert_eq!(of, [(Setting::Removed, Some("main.shop.lines"))]);
    let left_out = moved(|groups| {
        groups[0]["unprotected_tables"] = json!({"main.shop.lines": "too big"});
    });
    assert_eq!(told_of(&left_out, "orders"), [(Setting::Unprotected, Direction::Weaker)]);
}

/// The plan of a configuration compared with another one before anything was ever applied.
fn before_the_first_apply(change: impl Fn(&mut Value)) -> Plan {
    let before = World::new();
    let mut after = World::with(|config| change(&mut config["workspaces"][0]["sync_groups"]));
    let workspace = after.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        region.ledger = Ok(LedgerCopy::default());
    }
    after.merge();
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    let tables = Some(TablesBefore::of(&before.observed.workspaces[0].workspace));
    let settings = settings(&before);
    after.workspace().settings_before = Some(SettingsBefore { of, settings, tables });
    after.request.selection.changed = true;
    after.plan()
}

#[test]
fn before_the_first_apply_a_table_that_left_its_group_is_told_as_with_a_record() {
    let plan = before_the_first_apply(|groups| groups[0]["tables"] = json!(["main.shop.orders"]));
    let changes = &plan.workspaces[0].settings_changes;
    let of: Vec<(Setting, Option<&str>)> =
        changes.iter().map(|change| (change.setting, change.table.as_deref())).collect();
    assert_eq!(of, [(Setting::Removed, Some("main.shop.lines"))]);
    let comment = write(&comment(&plan), Form::Markdown(BUDGET));
    assert!(comment.contains("weakens the protection of orders"), "{comment}");
    let left_out = before_the_first_apply(|groups| {
        groups[0]["unprotected_tables"] = json!({"main.shop.lines": "too big"});
    });
    assert_eq!(told_of(&left_out, "orders"), [(Setting::Unprotected, Direction::Weaker)]);
    let moved = before_the_first_apply(|groups| {
        groups[0]["tables"] = json!(["main.shop.orders"]);
        groups[1]["tables"] = json!(["main.shop.countries", "main.shop.lines"]);
        groups[1]["sync_shrink_percent"] = 0.into();
    });
    assert_eq!(told_of(&moved, "orders"), []);
    assert!(told_of(&moved, "reference").contains(&(Setting::TablesOf, Direction::Other)));
    // What is only misread, and a name that is only spelled another way, have not left.
    let misread = before_the_first_apply(|groups| groups[0]["tables"] = json!([7]));
    assert_eq!(told_of(&misread, "orders"), []);
    let spelled = before_the_first_apply(|groups| {
        groups[0]["tables"] = json!(["shop.Orders", "main.SHOP.lines"]);
    });
    assert_eq!(told_of(&spelled, "orders"), []);
}

#[test]
fn before_the_first_apply_a_group_under_another_name_is_told_as_with_a_record() {
    let plan = before_the_first_apply(|groups| {
        groups[1]["group_name"] = "countries".into();
        groups[1]["sync_shrink_percent"] = 0.into();
    });
    let expected = [(Setting::Name, Direction::Other), (Setting::ShrinkGuard, Direction::Weaker)];
    assert_eq!(told_of(&plan, "countries"), expected);
    assert_eq!(told_of(&plan, "reference"), []);
    let gone = before_the_first_apply(|groups| drop(groups.as_array_mut().unwrap().remove(0)));
    let gone = told_of(&gone, "orders");
    assert_eq!(gone, [(Setting::Removed, Direction::Weaker), (Setting::Owners, Direction::Weaker)]);
}
