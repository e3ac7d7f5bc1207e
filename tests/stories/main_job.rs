//! The main job: first sync, nothing to do, update, a region away, drift, lost metadata, interruption.

use drsync::apply::{GroupOutcome, TableOutcome};
use drsync::ledger::RowStatus;
use drsync::plan::{Decision, LedgerAction, Role};

use crate::support::world::{Form, World, batch, start};

pub(crate) async fn a_first_sync_creates_the_replica_and_both_metadata_tables(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    assert_eq!(
        plan.workspaces[0].metadata.iter().map(|m| m.action).collect::<Vec<_>>(),
        [LedgerAction::Create; 2]
    );
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized);
    assert_eq!(record.groups[0].cut, Some(1));
    let verified = record.groups[0].tables[0].verified.as_ref().unwrap();
    assert_eq!((verified.source_rows, verified.replica_rows), (Some(3), Some(3)));
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3]);
    for region in ["east", "west"] {
        let row = world.row(region, "reference").await;
        assert_eq!(row.current_sync_status, Some(RowStatus::Success));
        assert_eq!(row.tables, ["main.shop.countries"]);
        assert_eq!(row.sync_start_timestamp, Some(start()));
        assert_eq!(row.message, Some("cut 1 at 2026-11-22T11:00:00.000Z".into()));
    }
}

pub(crate) async fn the_second_apply_changes_nothing(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    let before = (world.rows("east").await, world.rows("west").await);
    world.later(1);
    let plan = world.plan().await;
    assert!(!plan.applyable);
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 0);
    assert_eq!((world.rows("east").await, world.rows("west").await), before);
}

pub(crate) async fn an_update_copies_only_what_the_replica_lacks(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.later(10);
    world.countries().insert(&batch(4..=5)).await.unwrap();
    world.later(60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.decision, Decision::Sync);
    assert_eq!(plan.steps[0].estimate.unwrap().copy_files, 1);
    let record = world.apply().await;
    assert_eq!(record.groups[0].tables[0].copied_files, Some(1));
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3, 4, 5]);
    assert_eq!(record.groups[0].cut, Some(2));
}

pub(crate) async fn a_secondary_that_is_away_is_recorded_in_the_primary_and_heals(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(90);
    std::fs::rename(world.path("west"), world.path("gone")).unwrap();
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.groups[0].outcome), (8, GroupOutcome::Blocked));
    let row = world.row("east", "reference").await;
    assert_eq!(row.current_sync_status, Some(RowStatus::Failed));
    assert_eq!(row.message, Some("secondary region not available".into()));
    assert_eq!(row.sync_start_timestamp, Some(start()));
    assert!(!world.path("west").exists());

    std::fs::rename(world.path("gone"), world.path("west")).unwrap();
    world.later(5);
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.groups[0].cut), (0, Some(2)));
    assert_eq!(world.row("east", "reference").await, world.row("west", "reference").await);
}

pub(crate) async fn a_replica_that_someone_else_wrote_to_is_left_alone(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.replica("main.shop.countries").insert(&batch([99])).await.unwrap();
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(90);
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.groups[0].outcome), (1, GroupOutcome::Blocked));
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3, 99]);
    let row = world.row("west", "reference").await;
    assert!(
        row.message
            .unwrap()
            .to_string()
            .starts_with("replica_changed: main.shop.countries: someone else wrote to it")
    );
}

pub(crate) async fn a_metadata_table_deleted_on_either_side_is_cloned_back(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    for region in ["east", "west"] {
        std::fs::remove_dir_all(world.path(region).join("sync/_drsync")).unwrap();
        world.later(1);
        let plan = world.plan().await;
        let actions: Vec<_> =
            plan.workspaces[0].metadata.iter().map(|action| action.action).collect();
        assert!(actions.contains(&LedgerAction::Clone), "{actions:?}");
        assert_eq!(world.apply_plan(&plan).await.exit.code, 0);
        assert_eq!(world.rows("east").await, world.rows("west").await);
        assert!(!world.plan().await.applyable);
    }
}

pub(crate) async fn an_interrupted_clone_is_found_and_completed(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("pair", None, &["main.shop.a", "main.shop.b"]);
    world.make("main.shop.a", "tables/a").await;
    let b = world.make("main.shop.b", "tables/b").await;
    let plan = world.plan().await;
    // One file of b is gone since the plan: a is cloned, b fails, the group has no cut.
    let hidden: Vec<_> = data_files(&world.path("east/tables/b"));
    for file in &hidden {
        std::fs::rename(file, file.with_extension("hidden")).unwrap();
    }
    let record = world.apply_plan(&plan).await;
    let pair = record.groups.iter().find(|group| group.name == "pair").unwrap();
    assert_eq!(pair.outcome, GroupOutcome::Failed);
    assert_eq!(record.exit.code, 4);
    for file in &hidden {
        std::fs::rename(file.with_extension("hidden"), file).unwrap();
    }
    drop(b);
    world.later(1);
    let record = world.apply().await;
    let pair = record.groups.iter().find(|group| group.name == "pair").unwrap();
    assert_eq!((pair.outcome, pair.cut), (GroupOutcome::Synchronized, Some(1)));
    assert_eq!(
        pair.tables.iter().map(|table| table.outcome).collect::<Vec<_>>(),
        [TableOutcome::Unchanged, TableOutcome::Cloned]
    );
}

pub(crate) async fn a_plan_that_was_overtaken_is_done(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    assert_eq!(world.apply_plan(&plan).await.groups[0].outcome, GroupOutcome::Synchronized);
    let again = world.apply_plan(&plan).await;
    assert_eq!((again.exit.code, again.groups[0].outcome), (0, GroupOutcome::Overtaken));
    assert_eq!(again.groups[0].cut, Some(1));
}

pub(crate) async fn a_source_that_moved_on_does_not_make_the_plan_stale(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.later(5);
    world.countries().insert(&batch([4])).await.unwrap();
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized, "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3]);
}

pub(crate) async fn a_commit_that_turns_up_before_the_recovery_point_makes_the_group_stale(
    form: Form,
) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world
        .countries()
        .when(start() - chrono::Duration::minutes(1))
        .insert(&batch([4]))
        .await
        .unwrap();
    let record = world.apply_plan(&plan).await;
    assert_eq!((record.exit.code, record.groups[0].outcome), (5, GroupOutcome::Stale));
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3, 4]);
}

pub(crate) async fn a_group_that_leaves_and_returns_goes_on_where_it_was(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("pair", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    world.apply().await;
    let pair = world.groups().pop().unwrap();
    world.later(1);
    let retired = world.apply().await;
    assert_eq!(
        retired
            .metadata
            .iter()
            .map(|one| (one.region, one.rows_retired, one.rows_changed))
            .collect::<Vec<_>>(),
        [(Role::Primary, 1, 0), (Role::Secondary, 1, 0)]
    );
    assert!(!retired.quiet);
    let row = world.row("west", "pair").await;
    assert_eq!(row.message, Some("retired: no longer in the configuration".into()));
    assert_eq!(row.current_sync_status, Some(RowStatus::Success));
    assert!(!world.plan().await.applyable, "retiring happens once");
    let nothing = world.apply().await;
    assert!(nothing.quiet && nothing.metadata.is_empty());
    world.groups().push(pair);
    world.source_at("tables/a").insert(&batch([4])).await.unwrap();
    world.later(70);
    let record = world.apply().await;
    let pair = record.groups.iter().find(|group| group.name == "pair").unwrap();
    assert_eq!(pair.cut, Some(2));
}

fn data_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect()
}
