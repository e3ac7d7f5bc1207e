//! What happens to sources between two plans: runs, schema changes, maintenance, replacement, recreation.

use chrono::Duration;
use drsync::apply::{Ending, GroupOutcome, Moved, TableOutcome};
use drsync::config::TableName;
use drsync::lakehouse::delta;
use drsync::plan::{Action, Decision, FindingCode, Request};
use serde_json::json;

use crate::support::edits::resealed;
use crate::support::world::{Form, World, batch, start};

const COUNTRIES: &str = "main.shop.countries";

/// A world whose only due group follows a workflow.
async fn workflow_world(form: Form) -> World {
    let mut world = World::of(form).await;
    world.groups().clear();
    world.add_group("orders", Some("orders_job"), &["main.shop.orders"]);
    world.make("main.shop.orders", "tables/orders").await;
    world.workspace().add_job(7, "orders_job").unwrap();
    world
}

pub(crate) async fn commits_at_the_runs_end_are_in_and_one_millisecond_later_are_out(form: Form) {
    let mut world = workflow_world(form).await;
    let orders = world.source_at("tables/orders");
    let end = start() - Duration::milliseconds(1_500);
    orders.when(end - Duration::milliseconds(1)).insert(&batch([10])).await.unwrap();
    orders.when(end).insert(&batch([11])).await.unwrap();
    orders.when(end + Duration::milliseconds(1)).insert(&batch([12])).await.unwrap();
    let begin = start() - Duration::minutes(10);
    world.workspace().add_run(7, 88, begin, Some(end), "SUCCESS").unwrap();
    let record = world.apply().await;
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized, "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder("main.shop.orders")).await, [1, 2, 3, 10, 11]);
    assert_eq!(record.groups[0].recovery_point, Some(end));
}

pub(crate) async fn a_workflow_that_never_ran_makes_its_group_wait(form: Form) {
    let world = workflow_world(form).await;
    assert_eq!(world.plan_of("orders").await.decision, Decision::Waiting);
}

pub(crate) async fn deletes_and_compactions_of_the_source_arrive(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch(4..=9)).await.unwrap();
    world.later(1);
    world.countries().delete(|row| row["id"] == json!(2)).await.unwrap();
    world.later(1);
    world.countries().optimize().await.unwrap();
    world.later(70);
    assert_eq!(world.apply().await.exit.code, 0);
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 3, 4, 5, 6, 7, 8, 9]);
}

pub(crate) async fn create_or_replace_is_an_update_and_drop_and_create_a_finding(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.later(1);
    world.countries().replace().await.unwrap();
    world.countries().insert(&batch([7])).await.unwrap();
    world.later(70);
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.groups[0].cut), (0, Some(2)), "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [7]);

    std::fs::remove_dir_all(world.path("east/tables/countries")).unwrap();
    let again = world.countries();
    again.create(crate::support::world::schema(), &[], &[]).await.unwrap();
    again.when(world.now + Duration::seconds(1)).insert(&batch([1])).await.unwrap();
    world.later(12 * 60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.decision, Decision::Blocked);
    assert_eq!(plan.findings[0].code, FindingCode::SourceRecreated);
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [7]);
}

pub(crate) async fn maintenance_on_the_replica_is_mentioned_and_harmless(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    world.apply().await;
    world.replica(COUNTRIES).optimize().await.unwrap();
    world.later(1);
    world.countries().insert(&batch([5])).await.unwrap();
    world.later(12 * 60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.drift[0].maintenance.len(), 1);
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 4, 5]);
}

pub(crate) async fn a_table_moved_to_another_group_is_not_copied_again(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("other", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    world.apply().await;
    world.groups()[0]["tables"] = json!(["main.shop.countries", "main.shop.a"]);
    world.groups().pop();
    world.later(1);
    let record = world.apply().await;
    assert_eq!(record.summary.copied_files, 0);
    let tables = &record.groups[0].tables;
    assert!(tables.iter().all(|table| table.outcome == TableOutcome::Unchanged), "{tables:#?}");
    assert_eq!(record.groups[0].cut, Some(2));
}

pub(crate) async fn a_name_that_changes_in_letter_case_only_keeps_its_replica(form: Form) {
    let mut world = World::of(form).await;
    world.make("main.shop.Orders", "tables/orders").await;
    world.add_group("orders", None, &["main.shop.Orders"]);
    assert_eq!(world.apply().await.exit.code, 0);
    let replica = world.replica_folder("main.shop.Orders");
    let location = replica.display().to_string();

    let anew = |entry: &mut serde_json::Value| entry["full_name"] = json!("main.shop.orders");
    let catalog = world.workspace();
    catalog.edit_table("main.shop.Orders", anew).unwrap();
    world.groups()[1]["tables"] = json!(["main.shop.orders"]);
    world.later(1);
    let plan = world
        .plan_with(Request { take_as_due: vec!["orders".to_owned()], ..Request::default() })
        .await;
    let planned = plan.groups().find(|(_, plan)| plan.name == "orders").unwrap().1;
    assert_eq!(planned.decision, Decision::UpToDate, "{planned:#?}");
    assert!(plan.summary.groups_blocked == 0 && planned.findings.is_empty());

    let orders = world.source_at("tables/orders");
    orders.insert(&batch([4])).await.unwrap();
    world.later(13 * 60);
    let plan = world.plan_of("orders").await;
    assert_eq!(plan.steps[0].action, Action::Update, "{plan:#?}");
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.summary.copied_files), (0, 1), "{record:#?}");
    assert_eq!(world.ids(&replica).await, [1, 2, 3, 4]);
    let folders = std::fs::read_dir(replica.parent().unwrap()).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    assert_eq!(folders, ["Orders", "countries"]);

    // Both cuts read what they held, the newer one spells the name as the catalog does now.
    let cuts = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
    let cuts: Vec<_> = cuts.of("orders").collect();
    let named: Vec<String> = cuts.iter().map(|cut| cut.tables[0].table.to_string()).collect();
    assert_eq!(named, ["main.shop.Orders", "main.shop.orders"]);
    for (cut, rows) in cuts.iter().zip([3, 4]) {
        let entry = &cut.tables[0];
        assert_eq!(entry.replica_location, location);
        let store = delta::TableStore::local(&replica);
        let read = delta::read_rows(&store, Some(entry.replica_version)).await.unwrap();
        assert_eq!(read.iter().map(|batch| batch.num_rows()).sum::<usize>(), rows);
    }
    world.later(13 * 60);
    let again = world.plan_of("orders").await;
    assert_eq!(again.decision, Decision::UpToDate, "{again:#?}");
}

pub(crate) async fn a_plan_that_spells_a_replicas_place_as_no_cut_does_copies_nothing(form: Form) {
    let mut world = World::of(form).await;
    for _ in 0..2 {
        let plan = world.plan().await;
        let text = serde_json::to_string(&plan).unwrap();
        let text = text.replace("main/shop/countries", "main/shop/Countries");
        let forged = resealed(serde_json::from_str(&text).unwrap()).unwrap();
        let record = world.apply_plan(&forged.plan).await;
        let group = &record.groups[0];
        let table = Some(TableName::new("main", "shop", "countries"));
        let moved = Ending::Stale { why: Moved::ReplicaMoved, table };
        assert_eq!(group.ending, Some(moved), "{group:#?}");
        assert!(!world.path("west/sync/main/shop/Countries").exists());
        // Before its first cut, and after it.
        assert_eq!(world.apply().await.exit.code, 0);
        world.countries().insert(&batch([9])).await.unwrap();
        world.later(13 * 60);
    }
}

pub(crate) async fn names_of_every_kind_arrive_under_literal_paths(form: Form) {
    let mut world = World::of(form).await;
    let names = [
        "main.shop.`with space`",
        "main.shop.quo'te\"s",
        "main.shop.per%20cent",
        "main.shop.ünïcode",
        "main.shop.`..`",
        "main.shop._leading",
        "main.shop.`dot.in.name`",
        "main.shop.`back``tick`",
    ];
    for (number, name) in names.iter().enumerate() {
        world.make(name, &format!("tables/odd{number}")).await;
    }
    world.add_group("odd", None, &names);
    let record = world.apply().await;
    let odd = record.groups.iter().find(|group| group.name == "odd").unwrap();
    assert_eq!(odd.outcome, GroupOutcome::Synchronized, "{odd:#?}");
    for name in names {
        assert_eq!(world.ids(&world.replica_folder(name)).await, [1, 2, 3], "{name}");
    }
    assert!(
        world.path("west/sync/main/shop/%2E.").exists()
            || world.path("west/sync/main/shop/%2E%2E").exists()
    );
    world.later(1);
    assert!(!world.plan().await.applyable);
}

pub(crate) async fn a_plan_tells_how_the_columns_change(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    let log = world.path("east/tables/countries/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(log).unwrap();
    let mut actions = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut action: serde_json::Value =
        actions.find(|action: &serde_json::Value| action["metaData"].is_object()).unwrap();
    let schema = action["metaData"]["schemaString"].as_str().unwrap();
    let mut schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "area", "type": "double", "nullable": true, "metadata": {}}));
    action["metaData"]["schemaString"] = schema.to_string().into();
    let countries = world.countries();
    countries.other("ADD COLUMNS", vec![action]).await.unwrap();
    world.later(13 * 60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.decision, Decision::Sync, "{plan:#?}");
    let change = plan.steps[0].schema.as_ref().expect("the columns are told");
    let told: Vec<_> = change
        .columns
        .iter()
        .map(|one| (one.column.as_str(), one.before.is_some(), one.after.is_some()))
        .collect();
    assert_eq!(told, [("area", false, true)]);
    assert_eq!(world.apply().await.exit.code, 0);
}
