//! Bad worlds: things that are missing, broken, or raced for.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use drsync::apply::{EventKind, GroupOutcome};
use drsync::lakehouse::delta;
use drsync::ledger::{AcceptedRisk, Cut, RowStatus};
use drsync::plan::{Decision, FindingCode, Plan, Request};

use crate::support::remembered::the_replicas_are_gone;
use crate::support::world::{Form, World, batch, run_id, schema};

const COUNTRIES: &str = "main.shop.countries";

/// Every file below a folder with its size and time.
fn files(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            all.push((entry.path(), metadata.len(), metadata.modified().unwrap()));
        }
    }
    all.sort();
    all
}

pub(crate) async fn a_plan_writes_nothing_in_any_region(form: Form) {
    let mut world = World::of(form).await;
    let before = files(&world.path(""));
    world.plan().await;
    assert_eq!(files(&world.path("")), before);
    world.apply().await;
    world.later(70);
    world.countries().insert(&batch([4])).await.unwrap();
    let before = files(&world.path(""));
    world.plan().await;
    assert_eq!(files(&world.path("")), before);
}

pub(crate) async fn a_primary_that_is_away_is_never_created_and_blocks_everything(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    std::fs::rename(world.path("east"), world.path("gone")).unwrap();
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.findings[0].code, FindingCode::PrimaryNotAvailable);
    assert_eq!(plan.last_cut.unwrap().number, 1, "the secondary knows the cut");
    let record = world.apply().await;
    assert_eq!(record.exit.code, 8);
    assert!(!world.path("east").exists());
}

pub(crate) async fn a_truncated_commit_blocks_its_group_and_names_the_file(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("other", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    let log = world.path("east/tables/countries/_delta_log/00000000000000000001.json");
    let text = std::fs::read(&log).unwrap();
    std::fs::write(&log, &text[..text.len() / 2]).unwrap();
    let record = world.apply().await;
    assert_eq!(record.exit.code, 4);
    let row = world.row("west", "reference").await;
    assert_eq!(row.current_sync_status, Some(RowStatus::Failed));
    let message = row.message.unwrap().to_string();
    assert!(message.contains("00000000000000000001.json"), "{message}");
    assert_eq!(world.row("west", "other").await.current_sync_status, Some(RowStatus::Success));
    std::fs::write(&log, &text).unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
    assert_eq!(world.row("west", "reference").await.current_sync_status, Some(RowStatus::Success));
}

pub(crate) async fn a_folder_of_somebody_else_in_the_replicas_place_is_left_alone(form: Form) {
    let world = World::of(form).await;
    let folder = world.replica_folder(COUNTRIES);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "mine").unwrap();
    let plan = world.plan_of("reference").await;
    assert_eq!(
        (plan.decision, plan.findings[0].code),
        (Decision::Blocked, FindingCode::ReplicaNotOurs)
    );
}

pub(crate) async fn a_cut_without_its_statuses_is_a_success_at_the_next_look(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.apply_plan(&plan).await;
    let regions = world.regions();
    // As if the apply had been killed between the cut and the statuses.
    let row = world.row("west", "reference").await;
    let begun = row.begun(format!("run {} to 2026-11-22T11:00:00.000Z", run_id(1)), world.now);
    for region in [&regions.primary, &regions.secondary] {
        region.location.write_rows(std::slice::from_ref(&begun)).await.unwrap();
    }
    std::fs::remove_dir_all(world.path("east/sync/_drsync/sync_cuts")).unwrap();
    world.later(1);
    assert_eq!(world.plan_of("reference").await.decision, Decision::Waiting);
    assert_eq!(world.apply().await.exit.code, 0);
    for region in ["east", "west"] {
        let row = world.row(region, "reference").await;
        assert_eq!(row.current_sync_status, Some(RowStatus::Success), "{row:?}");
        assert_eq!(row.message, Some("cut 1 at 2026-11-22T11:00:00.000Z".into()));
    }
    assert!(!world.plan().await.applyable);
}

pub(crate) async fn of_two_applies_at_once_one_commits_and_the_next_plan_has_nothing_to_add(
    form: Form,
) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    let plan = world.plan().await;
    // The second apply begins when the first has begun its clone.
    let (first, second) = {
        let mut other = world.twin();
        tokio::join!(world.apply_plan(&plan), other.apply_plan(&plan))
    };
    let outcomes = [first.groups[0].outcome, second.groups[0].outcome];
    let committed =
        outcomes.iter().filter(|outcome| **outcome == GroupOutcome::Synchronized).count();
    assert_eq!(committed, 1, "{first:#?} {second:#?}");
    assert!(
        outcomes.contains(&GroupOutcome::Overtaken),
        "the other brought it to the same point: {first:#?} {second:#?}"
    );
    assert_eq!([first.groups[0].cut, second.groups[0].cut], [Some(2); 2]);
    for region in ["east", "west"] {
        let row = world.row(region, "reference").await;
        assert_eq!(
            row.current_sync_status,
            Some(RowStatus::Success),
            "the loser takes nothing from the winner"
        );
    }
    world.later(1);
    world.apply().await;
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 4]);
    let cuts = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
    assert_eq!(cuts.divergence("reference"), None);
    assert_eq!(cuts.newest("reference").unwrap().cut_number, 2);
    assert_eq!(world.row("west", "reference").await.current_sync_status, Some(RowStatus::Success));
}

pub(crate) async fn the_summary_is_always_the_last_event(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    let seen = Mutex::new(Vec::new());
    world.apply_watching(&plan, &|event| seen.lock().unwrap().push(event.what.clone())).await;
    let seen = seen.into_inner().unwrap();
    assert!(matches!(seen.first(), Some(EventKind::Started { .. })));
    assert!(matches!(seen.last(), Some(EventKind::Summary { .. })));
    assert_eq!(
        seen.iter().filter(|what| matches!(what, EventKind::CutCommitted { .. })).count(),
        1
    );
}

pub(crate) async fn the_secondary_going_away_during_an_apply_is_recorded_in_the_primary(
    form: Form,
) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    let (west, gone) = (world.path("west"), world.path("gone"));
    std::fs::rename(&west, &gone).unwrap();
    let record = world.apply_plan(&plan).await;
    assert_eq!(
        (record.exit.code, record.groups[0].outcome),
        (8, GroupOutcome::Failed),
        "{record:#?}"
    );
    assert_eq!(
        world.row("east", "reference").await.message.map(|it| it.to_string()).as_deref(),
        Some("secondary region not available")
    );
    assert!(!west.exists());
    std::fs::rename(&gone, &west).unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
}

pub(crate) async fn a_plan_whose_regions_are_both_away_is_not_stale_and_is_applied_when_they_are_back(
    form: Form,
) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.later(70);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(12 * 60);
    let plan = world.plan().await;
    assert!(plan.applyable);
    let locations = [("east/sync", "east/gone"), ("west/sync", "west/gone")];
    for (there, gone) in locations {
        std::fs::rename(world.path(there), world.path(gone)).unwrap();
    }
    let record = world.apply_plan(&plan).await;
    let group = &record.groups[0];
    assert_eq!(
        (record.exit.code, record.exit.name.as_str(), group.outcome),
        (8, "primary region not available", GroupOutcome::Failed),
        "{record:#?}"
    );
    let message = group.message.as_ref().unwrap().to_string();
    assert!(message.starts_with("primary region not available: "), "{message}");
    assert!(!world.path("west/sync").exists());
    for (there, gone) in locations {
        std::fs::rename(world.path(gone), world.path(there)).unwrap();
    }
    let record = world.apply_plan(&plan).await;
    assert_eq!((record.exit.code, record.groups[0].cut), (0, Some(2)));
}

pub(crate) async fn accepted_drift_is_cloned_over_and_the_replica_is_the_source_again(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.replica(COUNTRIES).insert(&batch([99])).await.unwrap();
    world.make("main.shop.orders", "tables/orders").await;
    world.add_group("other", None, &["main.shop.orders"]);
    world.later(1);
    let plan = world.plan_with(accepting_drift()).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.accepted, plan.accepted);
    let of = |name: &str| record.groups.iter().find(|group| group.name == name);
    assert_eq!((record.exit.code, of("reference").unwrap().cut), (0, Some(2)), "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3]);
    let cuts = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
    assert_eq!(cuts.newest("reference").unwrap().accepted.len(), 1);
    // What was accepted for one group is no risk of another.
    assert!(cuts.newest("other").unwrap().accepted.is_empty());
    world.later(1);
    assert!(!world.plan().await.applyable);
}

/// Somebody says that what others wrote to the replica may go.
pub(crate) fn accepting_drift() -> Request {
    let risk = AcceptedRisk {
        code: "replica_changed".to_owned(),
        scope: COUNTRIES.to_owned(),
        reason: "a test".to_owned(),
    };
    Request { accepted: vec![risk], ..Default::default() }
}

/// Raises the replica's version that the plan names to what is there now, as someone would who recomputes every digest.
async fn raised(world: &World, plan: &Plan) -> Plan {
    let mut forged = plan.clone();
    let step = &mut forged.workspaces[0].groups[0].steps[0];
    let store = delta::TableStore::local(world.replica_folder(COUNTRIES));
    step.replica.version = Some(delta::versions(&store).await.unwrap().newest);
    let forged = forged.sealed();
    assert_eq!(forged.effect_sha256, plan.effect_sha256);
    forged
}

/// Neither a check nor an apply takes a plan for one of what is there, and what others wrote stays.
async fn assert_found(world: &mut World, plan: &Plan, ids: &[i64]) {
    let checked = drsync::apply::check(&plan.stored(), &[world.regions()], world.now).await;
    assert_eq!(checked.exit.code, 1, "{checked:#?}");
    let record = world.apply_plan(plan).await;
    assert_eq!(record.groups[0].outcome, GroupOutcome::Failed);
    let message = record.groups[0].message.as_ref().unwrap().to_string();
    assert!(message.starts_with("replica_changed"), "{message}");
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, ids);
}

pub(crate) async fn a_raised_replica_version_hides_nothing_that_others_wrote_since_the_cut(
    form: Form,
) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    let plan = world.plan().await;
    world.replica(COUNTRIES).insert(&batch([99])).await.unwrap();
    let forged = raised(&world, &plan).await;
    assert_found(&mut world, &forged, &[1, 2, 3, 99]).await;
}

pub(crate) async fn a_raised_replica_version_hides_nothing_where_there_was_no_replica(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    let replica = world.replica(COUNTRIES);
    replica.create(schema(), &[], &[]).await.unwrap();
    replica.insert(&batch([99])).await.unwrap();
    let forged = raised(&world, &plan).await;
    assert_found(&mut world, &forged, &[99]).await;
}

pub(crate) async fn accepted_drift_is_what_was_looked_at_and_nothing_after_it(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.replica(COUNTRIES).insert(&batch([98])).await.unwrap();
    world.later(1);
    let plan = world.plan_with(accepting_drift()).await;
    world.replica(COUNTRIES).insert(&batch([99])).await.unwrap();
    let forged = raised(&world, &plan).await;
    assert_found(&mut world, &forged, &[1, 2, 3, 98, 99]).await;
    let mut forged = forged;
    let pin = &mut forged.workspaces[0].groups[0].steps[0].replica;
    pin.overwrites.extend(pin.version);
    assert_ne!(forged.sealed().effect_sha256, plan.effect_sha256);
}

pub(crate) async fn the_ledger_of_another_workspace_is_left_as_it_is_to_the_byte(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    let before = files(&world.path("west/sync/_drsync"));
    world.config["workspaces"][0]["workspace_name"] = "renamed".into();
    world.groups()[0]["group_name"] = "other".into();
    world.later(1);
    let record = world.apply().await;
    assert_eq!((record.exit.code, record.groups[0].outcome), (1, GroupOutcome::Blocked));
    assert_eq!(files(&world.path("west/sync/_drsync")), before);
}

pub(crate) async fn a_group_that_could_not_be_read_is_part_of_how_the_apply_ended(form: Form) {
    let mut world = World::of(form).await;
    let nameless = serde_json::json!({"group_nam": "lost", "group_owner_email": "o@example.com", "tables": ["main.a.b"]});
    world.groups().push(nameless);
    let record = world.apply().await;
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized);
    assert_eq!((record.exit.code, record.exit.name.as_str()), (4, "partial"));
}

pub(crate) async fn where_one_replica_is_missing_the_others_are_looked_for_too(form: Form) {
    let mut world = World::of(form).await;
    for name in ["one", "two", "three"] {
        let table = format!("main.shop.{name}");
        world.make(&table, &format!("tables/{name}")).await;
        world.add_group(name, None, &[&table]);
        world.groups().last_mut().unwrap()["sync_schedule"] = "0 0 1 1 *".into();
    }
    assert_eq!(world.apply().await.exit.code, 0);
    the_replicas_are_gone();
    std::fs::remove_dir_all(world.path("west/sync/main")).unwrap();
    // Only `reference` is due by then.
    world.later(13 * 60);
    world.countries().insert(&batch([7])).await.unwrap();
    let plan = world.plan().await;
    let codes: Vec<_> = plan
        .groups()
        .flat_map(|(_, group)| group.findings.iter().map(|finding| finding.code))
        .collect();
    assert_eq!(codes, [FindingCode::ReplicasMissing; 4]);
}

pub(crate) async fn a_primary_that_went_away_after_the_plan_is_told_as_that(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([7])).await.unwrap();
    world.later(13 * 60);
    let plan = world.plan().await;
    let (east, gone) = (world.path("east"), world.path("gone"));
    std::fs::rename(&east, &gone).unwrap();
    let record = world.apply_plan(&plan).await;
    std::fs::rename(&gone, &east).unwrap();
    assert_eq!(
        (record.exit.code, record.exit.name.as_str()),
        (8, "primary region not available"),
        "{record:#?}"
    );
    let said = record.groups[0].message.as_ref().unwrap().to_string();
    assert!(said.starts_with("primary region not available"), "{said}");
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 7]);
}

pub(crate) async fn a_secondary_that_lost_everything_is_noticed_before_anything_is_due(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("other", None, &["main.shop.a", "main.shop.b"]);
    world.make("main.shop.a", "tables/a").await;
    world.make("main.shop.b", "tables/b").await;
    assert_eq!(world.apply().await.exit.code, 0);
    world.later(1);
    assert!(!world.plan().await.applyable);
    // As if the volume were not mounted.
    the_replicas_are_gone();
    std::fs::rename(world.path("west/sync"), world.path("west/s3")).unwrap();
    std::fs::create_dir(world.path("west/sync")).unwrap();
    for group in ["reference", "other"] {
        let plan = world.plan_of(group).await;
        let codes: Vec<FindingCode> = plan.findings.iter().map(|finding| finding.code).collect();
        assert_eq!((plan.decision, codes), (Decision::Blocked, vec![FindingCode::ReplicasMissing]));
    }
    // An apply keeps its record there; the groups stay blocked although the metadata tables are back.
    assert_eq!(world.apply().await.exit.code, 1);
    world.later(1);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.findings[0].code, FindingCode::ReplicasMissing);
    let row = world.row("west", "reference").await;
    assert_eq!(row.current_sync_status, Some(RowStatus::Failed));
}

pub(crate) async fn a_log_that_parts_is_not_copied_from_one_region_to_the_other(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    let logs = async |world: &World| {
        let regions = world.regions();
        let read =
            [regions.primary.location.ledger().await, regions.secondary.location.ledger().await];
        read.map(|copy| copy.unwrap().cuts.unwrap().cuts.len())
    };
    let regions = world.regions();
    let copy = regions.secondary.location.ledger().await.unwrap();
    let rival = Cut { run_id: "someone".to_owned(), ..copy.cuts.unwrap().cuts.remove(0) };
    regions.secondary.location.copy_cuts(&[rival]).await.unwrap();
    let before = logs(&world).await;
    assert_eq!(before[1], before[0] + 1);
    world.later(1);
    let plan = world.plan_of("reference").await;
    let codes: Vec<FindingCode> = plan.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [FindingCode::LedgerDiverged]);
    assert_eq!(world.apply().await.exit.code, 1);
    assert_eq!(logs(&world).await, before);
}
