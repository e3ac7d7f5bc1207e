//! A name is the same table in any letter case: a change of case only moves no replica.

use drsync::config::TableName;
use drsync::plan::{Action, ReasonCode, StoredPlan, TriggerKind, place_of};
use serde_json::{Value, json};

use super::moves::entry;
use super::world::{COUNTRIES, World, replica_commit, table};
use crate::support::edits::resealed;

const SPELLED: &str = "main.Shop.Countries";
const KEPT: &str = "/world/west/sync/main/shop/countries";

/// The catalog and the configuration spell `main.shop.countries` with capitals, and the last cut does not.
fn spelled_anew(change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::with(|config| {
        config["workspaces"][0]["sync_groups"][1]["tables"] = json!([SPELLED]);
        change(config);
    });
    // What lies in the secondary is what was cloned before.
    let path = "main/shop/countries".to_owned();
    world.replica(SPELLED).mark.as_mut().unwrap().replica = path;
    world
}

fn place(world: &mut World, name: &str) -> String {
    world.workspace().replica_place(None, &table(name)).location
}

#[test]
fn nothing_is_done_about_a_table_whose_name_changed_in_case_only() {
    let world = spelled_anew(|_| {});
    let plan = world.plan_of("reference");
    assert_eq!(plan.reason.code, ReasonCode::NotDue, "{:?}", plan.reason);
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
}

#[test]
fn its_next_sync_updates_the_replica_that_the_cut_has_and_spells_it_anew() {
    let mut world = spelled_anew(|_| {});
    world.request.take_as_due.push("reference".to_owned());
    let millis = world.observed.now.timestamp_millis().try_into().unwrap();
    world.request.plan_id = ulid::Ulid::from_parts(millis, 7).to_string();
    world.commit(SPELLED, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(SPELLED, 5);
    let plan = world.plan();
    let group = world.plan_of("reference");
    assert_ne!(group.reason.code, ReasonCode::ReplicaDiffers);
    let step = &group.steps[0];
    assert_eq!(step.action, Action::Update);
    assert_eq!(step.table.to_string(), SPELLED);
    assert_eq!(step.replica.location, KEPT);
    assert_eq!(step.properties["drsync.replica"], "main/shop/countries");
    assert!(step.statement.as_ref().unwrap().contains(KEPT));
    // A stored plan that says so is one that drsync makes.
    let document = serde_json::to_value(&plan).unwrap();
    resealed(document).expect("what it says follows");
}

#[test]
fn once_a_cut_spells_it_anew_the_replica_still_lies_where_it_lay() {
    let mut world = spelled_anew(|_| {});
    entry(&mut world, "reference", COUNTRIES, |entry| entry.table = table(SPELLED));
    assert_eq!(place(&mut world, SPELLED), KEPT);
    assert_eq!(world.plan_of("reference").reason.code, ReasonCode::NotDue);
}

#[test]
fn a_location_that_changes_too_has_the_replica_under_the_new_spelling() {
    let mut world = spelled_anew(|config| {
        config["workspaces"][0]["sync_location_secondary"] = "/world/north/sync".into();
    });
    world.table(SPELLED).replica = Some(Ok(None));
    let plan = world.plan_of("reference");
    assert_eq!(plan.trigger.as_ref().unwrap().kind, TriggerKind::Repair);
    let step = &plan.steps[0];
    assert_eq!(step.action, Action::Create);
    assert_eq!(step.replica.location, "/world/north/sync/main/Shop/Countries");
}

#[test]
fn of_two_spellings_that_cuts_name_the_later_cut_counts() {
    let mut world = World::new();
    let workspace = world.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
        let newest = |group: &str| cuts.cuts.iter().rposition(|cut| cut.group_name == group);
        let (orders, reference) = (newest("orders").unwrap(), newest("reference").unwrap());
        let mut again = cuts.cuts[reference].tables[0].clone();
        again.replica_location = "/world/west/sync/main/shop/COUNTRIES".to_owned();
        cuts.cuts[orders].tables.push(again);
    }
    world.merge();
    let cuts = &world.workspace().ledger.cuts;
    let committed = |group| cuts.newest(group).unwrap().committed_at;
    let expected = if committed("orders") > committed("reference") {
        "main/shop/COUNTRIES"
    } else {
        "main/shop/countries"
    };
    let place = place_of(cuts, "/world/west/sync/", None, &table(COUNTRIES));
    assert_eq!(place.path, expected);
    assert_eq!(place.location, format!("/world/west/sync/{expected}"));
    assert_eq!(place.entry.unwrap().replica_location, place.location);
}

#[test]
fn no_cut_puts_a_replica_in_the_place_of_another_table() {
    for elsewhere in [
        "/world/west/sync/main/shop/orders",
        "/world/west/sync/main/shop/countries/deeper",
        "/world/west/sync/main/shop/../shop/countries",
        "/world/west/sync/main/shop/%63ountries",
        "/world/west/synced/main/shop/countries",
        "/world/west/sync/main/shop/",
    ] {
        let mut world = World::new();
        entry(&mut world, "reference", COUNTRIES, |entry| {
            entry.replica_location = elsewhere.to_owned()
        });
        assert_eq!(place(&mut world, COUNTRIES), KEPT, "{elsewhere}");
    }
}

#[test]
fn what_others_wrote_is_told_of_the_replica_where_it_lies() {
    let mut world = spelled_anew(|_| {});
    let replica = world.replica(SPELLED);
    replica.version = 3;
    replica.commits = vec![replica_commit(3, "WRITE")];
    let plan = world.plan_of("reference");
    let drift = &plan.drift[0];
    assert_eq!(drift.replica_path.as_deref(), Some("main/shop/countries"));
}

#[test]
fn a_stored_plan_that_puts_a_replica_in_another_tables_place_is_refused() {
    let mut world = spelled_anew(|_| {});
    world.request.take_as_due.push("reference".to_owned());
    let millis = world.observed.now.timestamp_millis().try_into().unwrap();
    world.request.plan_id = ulid::Ulid::from_parts(millis, 7).to_string();
    world.commit(SPELLED, 5, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at(SPELLED, 5);
    let text = serde_json::to_string(&world.plan()).unwrap();
    let edited = text.replace("main/shop/countries", "main/shop/orders");
    let document: Value = serde_json::from_str(&edited).unwrap();
    let read: Result<StoredPlan, _> = resealed(document);
    let why = read.unwrap_err().to_string();
    assert!(why.contains("replica's path"), "{why}");
}

#[test]
fn a_path_is_a_names_own_in_any_case_and_in_one_form() {
    let name = TableName::new("main", "Größe", "_a b");
    assert!(name.has_path(&name.path()));
    assert!(!name.has_path(&TableName::new("MAIN", "GRÖSSE", "_A b").path()));
    assert!(name.has_path(&TableName::new("MAIN", "GRÖßE", "_A b").path()));
    for wrong in ["", "main", "main/Größe/_a b", "main/Gr%c3%b6%c3%9fe/%5Fa%20b", "main/%FF/x"] {
        assert!(!name.has_path(wrong), "{wrong}");
    }
}
