//! Whether groups could be failed over: rights of both sides, compute in the secondary, jobs.

use drsync::config::WorkspaceAddress;
use drsync::plan::status::status;
use drsync::plan::{NotReady, Role, WarningCode};
use drsync::region::{RegionError, RegionErrorKind, TableRights};

use super::world::{COUNTRIES, World};

fn rights(select: &[&str], modify: &[&str]) -> TableRights {
    let mut rights = TableRights::default();
    select.iter().for_each(|who| rights.take_in(who, "SELECT"));
    modify.iter().for_each(|who| rights.take_in(who, "MODIFY"));
    rights
}

/// A world with a workspace in the secondary, and these rights on the table of `reference`.
fn world(primary: TableRights, secondary: TableRights) -> World {
    let mut world = World::with(|config| {
        let workspace = &mut config["workspaces"][0];
        workspace["secondary_workspace_instance_url"] = "/world/west".into();
        workspace["secondary_workspace_name"] = "west".into();
    });
    world.workspace().compute = Some(Ok(()));
    world.table(COUNTRIES).rights = Some([Ok(primary), Ok(secondary)]);
    world
}

fn warned(world: &World, code: WarningCode) -> Vec<String> {
    let warnings = world.plan().warnings.into_iter();
    warnings.filter(|it| it.code == code).map(|it| it.message.to_string()).collect()
}

fn missing(world: &World) -> Vec<NotReady> {
    let told = status(&world.observed, &world.plan());
    let group = told.workspaces[0].groups.iter().find(|it| it.name == "reference").unwrap();
    group.not_ready.clone().unwrap()
}

#[test]
fn rights_at_one_side_only_are_told_with_the_grant_and_drsync_itself_is_left_out() {
    // Who asks here is drsync itself.
    let east = rights(&["dr-sync@example.com", "reader`s", "both"], &["etl"]);
    let west = rights(&["both", "stranger"], &[]);
    let world = world(east, west);
    let said = warned(&world, WarningCode::GrantsDiffer);
    assert_eq!(
        said,
        [
            "2 rights of east lacking in west: GRANT SELECT ON TABLE main.shop.countries TO `reader``s`; \
             GRANT MODIFY ON TABLE main.shop.countries TO `etl`; \
             in west alone: stranger has SELECT on main.shop.countries"
        ]
    );
    assert_eq!(missing(&world), [NotReady::RightsLacking { rights: 2 }]);
    let seen = world.plan_of("reference").grants.unwrap();
    let sides: Vec<Role> = seen.tables.iter().map(|rights| rights.side).collect();
    assert_eq!(sides, [Role::Primary, Role::Secondary]);
}

#[test]
fn where_both_sides_are_alike_and_sql_runs_there_the_group_is_ready() {
    let alike = || rights(&["reader"], &["etl"]);
    let world = world(alike(), alike());
    assert_eq!(warned(&world, WarningCode::GrantsDiffer), [""; 0]);
    assert_eq!(warned(&world, WarningCode::NoComputeInSecondary), [""; 0]);
    assert_eq!(missing(&world), []);
}

#[test]
fn a_secondary_in_which_nothing_runs_sql_is_told() {
    let mut world = world(rights(&[], &[]), rights(&[], &[]));
    let refused =
        RegionError::new(RegionErrorKind::NotFound, "look", "no SQL warehouse can be used");
    world.workspace().compute = Some(Err(refused));
    let said = warned(&world, WarningCode::NoComputeInSecondary);
    assert!(said.len() == 1 && said[0].contains("no SQL warehouse can be used"), "{said:?}");
    assert_eq!(missing(&world), [NotReady::NoCompute]);
}

#[test]
fn rights_that_could_not_be_seen_are_not_taken_to_be_alike() {
    let mut world = world(rights(&[], &[]), rights(&[], &[]));
    let denied = RegionError::new(RegionErrorKind::Denied, "read who may use it", "403");
    world.table(COUNTRIES).rights = Some([Ok(rights(&["reader"], &[])), Err(denied)]);
    assert_eq!(missing(&world), [NotReady::RightsNotSeen { tables: 1 }]);
    world.table(COUNTRIES).rights = None;
    world.workspace().workspace.secondary = Some(databricks());
    assert_eq!(missing(&world), [NotReady::RightsNotLookedAt]);
}

#[test]
fn of_replicas_that_no_catalog_has_the_storage_says_who_may_use_them() {
    let mut world = world(rights(&[], &[]), rights(&[], &[]));
    let nowhere = RegionError::new(RegionErrorKind::NotFound, "read who may use it", "no entry");
    world.table(COUNTRIES).rights = Some([Ok(rights(&["reader"], &[])), Err(nowhere)]);
    assert_eq!(missing(&world), []);
    assert!(world.plan_of("reference").grants.is_none());
    // A catalog that registers replicas has yet to register this one.
    world.workspace().workspace.secondary = Some(databricks());
    assert_eq!(missing(&world), [NotReady::RightsNotSeen { tables: 1 }]);
}

fn databricks() -> WorkspaceAddress {
    WorkspaceAddress::Databricks("https://west.cloud.databricks.com".parse().unwrap())
}
