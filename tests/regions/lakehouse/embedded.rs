//! What only an embedded lakehouse promises: its files may be missing, broken, foreign or half written.

use drsync::config::WorkflowRef;
use drsync::lakehouse::delta::{self, SnapshotDetail};
use drsync::lakehouse::{LakehouseLocation, Writer};
use drsync::region::{
    Appended, LedgerCopy, LedgerTable, Location as _, Progress, RecordRange, RegionErrorKind,
    refuse_without_a_copy,
};
use serde_json::json;

use crate::contract::ledger::{append, cut};
use crate::contract::world::{ORDERS, World, at, name, open_lakehouse};

async fn world() -> World {
    World::new(open_lakehouse).await
}

#[tokio::test]
async fn a_workspace_whose_catalog_is_missing_or_broken_is_not_seen_and_its_storage_is() {
    let world = world().await;
    let file = world.path("east/lakehouse.json");
    std::fs::write(&file, "{ \"tables\": [").unwrap();
    let unseen =
        world.regions.primary.presence().await.unwrap().workspace_unseen.unwrap().to_string();
    assert!(unseen.contains("lakehouse.json") && unseen.contains("EOF"), "{unseen}");
    std::fs::remove_file(&file).unwrap();
    let unseen =
        world.regions.primary.presence().await.unwrap().workspace_unseen.unwrap().to_string();
    assert!(unseen.contains("lakehouse.json") && unseen.contains("No such file"), "{unseen}");
    let refused = world.workspace().tables(&[name(ORDERS)]).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unavailable);
}

#[tokio::test]
async fn a_region_without_a_workspace_is_there_and_refuses_what_only_a_workspace_tells() {
    let world = world().await;
    let west = &world.regions.secondary;
    assert_eq!(west.presence().await.unwrap().workspace_unseen, None);
    let asked = [name(ORDERS), name("main.shop.other")];
    let refused = west.ask_workspace(&asked, |it, asked| it.table_rights(asked)).await;
    assert_eq!(refused.len(), asked.len());
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind, RegionErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_workspace_without_workflows_has_none() {
    let world = world().await;
    std::fs::remove_file(world.path("east/jobs.json")).unwrap();
    let asked = [WorkflowRef::Name("orders_job".into())];
    let found = world.workspace().workflows(&asked, None).await.unwrap().remove(0);
    assert_eq!(found.unwrap_err().kind, RegionErrorKind::NotFound);
}

#[tokio::test]
async fn two_entries_whose_names_differ_by_case_are_refused_and_both_are_named() {
    let world = world().await;
    let file = world.path("east/lakehouse.json");
    let mut catalog: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let tables = catalog["tables"].as_array_mut().unwrap();
    for (name, place) in [("main.s.a", "tables/a"), ("main.s.A", "tables/b")] {
        tables.push(json!({"full_name": name, "storage_location": place}));
    }
    std::fs::write(&file, catalog.to_string()).unwrap();
    for asked in ["main.s.a", "MAIN.S.A"] {
        let asked = [name(asked), name(ORDERS)];
        let mut found = world.workspace().tables(&asked).await.unwrap();
        assert!(found.pop().unwrap().is_ok());
        let refused = found.pop().unwrap().unwrap_err();
        assert_eq!(refused.kind, RegionErrorKind::Conflict);
        assert_eq!(
            refused.detail,
            "lakehouse.json has 2 entries for it, and names are compared without case: \
             main.s.a in tables/a, main.s.A in tables/b; keep one of them"
        );
    }
}

#[tokio::test]
async fn damaged_workflows_are_to_be_repaired_and_do_not_make_the_region_away() {
    let world = world().await;
    std::fs::write(world.path("east/jobs.json"), "{\n \"jobs\": [,]}").unwrap();
    let asked = [WorkflowRef::Name("orders_job".into())];
    let refused = world.workspace().workflows(&asked, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Other);
    let detail = refused.detail.to_string();
    assert!(detail.contains("jobs.json: "), "{detail}");
    assert!(detail.contains("line 2 column"), "{detail}");
    assert!(detail.ends_with("; repair the file"), "{detail}");
    assert!(world.regions.primary.presence().await.is_ok());
}

#[tokio::test]
async fn a_bucket_is_refused_when_it_is_opened_and_a_missing_folder_is_not() {
    let refused = LakehouseLocation::open("s3://bucket/dr", Writer::new("a")).unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unsupported);
    LakehouseLocation::open("file:///no/such/place", Writer::new("a")).unwrap();
}

#[tokio::test]
async fn an_unknown_reader_feature_is_refused_by_name() {
    let world = world().await;
    let protocol = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["timeTurner"], "writerFeatures": ["timeTurner"]
    }});
    world.table(ORDERS).when(at(3)).other("UPGRADE PROTOCOL", vec![protocol]).await.unwrap();
    let refused = world.source(ORDERS, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unsupported);
    assert!(refused.detail.to_string().contains("timeTurner"), "{refused}");
}

#[tokio::test]
async fn a_writer_feature_that_a_clone_could_not_keep_true_is_refused_before_anything_is_copied() {
    let world = world().await;
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["timeTurner"]}});
    world.table(ORDERS).when(at(3)).other("UPGRADE PROTOCOL", vec![protocol]).await.unwrap();
    world.source(ORDERS, None).await.unwrap();
    let refused = world.pin(ORDERS, 3, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unsupported);
    assert!(refused.detail.to_string().contains("timeTurner"), "{refused}");
}

#[tokio::test]
async fn a_table_id_of_the_catalog_counts_for_the_whole_history_and_for_pins() {
    let world = world().await;
    world.east.edit_table(ORDERS, |entry| entry["table_id"] = json!("uc-1")).unwrap();
    world.table(ORDERS).when(at(3)).replace().await.unwrap();
    let source = world.source(ORDERS, None).await.unwrap();
    assert_eq!(source.table_id, "uc-1");
    assert!(source.commits.iter().all(|commit| commit.table_id.as_deref() == Some("uc-1")));
    assert_eq!(world.pin(ORDERS, 1, None).await.unwrap().table_id, "uc-1");
}

#[tokio::test]
async fn a_broken_commit_is_named() {
    let world = world().await;
    let file = format!("east/tables/{ORDERS}/_delta_log/00000000000000000001.json");
    std::fs::write(world.path(&file), "{\"add\": ").unwrap();
    let refused = world.source(ORDERS, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Other);
    assert!(refused.to_string().contains("00000000000000000001.json"), "{refused}");
    assert!(refused.to_string().contains(ORDERS), "{refused}");
}

#[tokio::test]
async fn a_source_that_lost_a_file_is_not_found_and_nothing_is_committed() {
    let world = world().await;
    let folder = world.path(&format!("east/tables/{ORDERS}/day=monday"));
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    let refused = world.clone_table(ORDERS, 2, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
    assert!(refused.to_string().contains(file.file_name().unwrap().to_str().unwrap()), "{refused}");
    assert_eq!(world.replica(ORDERS, None).await.unwrap(), None);
}

#[tokio::test]
async fn something_that_is_no_table_is_never_cloned_into() {
    let world = world().await;
    let folder = world.path("west/sync/main/shop/orders");
    std::fs::create_dir_all(&folder).unwrap();
    assert_eq!(world.replica(ORDERS, None).await.unwrap(), None, "an empty folder is nothing");
    std::fs::write(folder.join("notes.txt"), "mine").unwrap();
    assert_eq!(world.replica(ORDERS, None).await.unwrap_err().kind, RegionErrorKind::Conflict);
    let refused = world.clone_table(ORDERS, 2, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_killed_first_clone_left_is_nothing_yet_and_is_not_copied_again() {
    let world = world().await;
    let order = world.order(ORDERS, 2, None).await;
    world.secondary().deep_clone(&order, &Progress::default()).await.unwrap();
    // As if it had been killed just before its commit.
    let log = world.path("west/sync/main/shop/orders/_delta_log");
    for entry in std::fs::read_dir(&log).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(world.replica(ORDERS, None).await.unwrap(), None);
    let again = world.secondary().deep_clone(&order, &Progress::default()).await.unwrap();
    assert_eq!((again.replica_version, again.copied_files), (0, 0));
    let verified = world.secondary().verify(&order, 0).await.unwrap();
    assert_eq!(verified.differences, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_vanished_from_the_replica_is_found_by_verification_and_copied_again() {
    let world = world().await;
    let order = world.order(ORDERS, 1, None).await;
    world.secondary().deep_clone(&order, &Progress::default()).await.unwrap();
    let folder = world.path("west/sync/main/shop/orders/day=monday");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    let verified = world.secondary().verify(&order, 0).await.unwrap();
    assert_eq!(verified.differences.len(), 1, "{:?}", verified.differences);
    let next = world.clone_table(ORDERS, 2, Some(0)).await.unwrap();
    assert_eq!(next.copied_files, 2);
}

#[tokio::test]
async fn a_ledger_table_that_cannot_be_read_is_named() {
    let world = world().await;
    world.secondary().create_ledger("east").await.unwrap();
    let file = world.path("west/sync/_drsync/sync_cuts/_delta_log/00000000000000000000.json");
    std::fs::write(file, "nonsense").unwrap();
    let mut copy = world.secondary().ledger().await;
    let refused = copy.as_ref().unwrap().unreadable(LedgerTable::Cuts).unwrap();
    assert_eq!(refused.kind, RegionErrorKind::Other);
    assert!(refused.to_string().contains("sync_cuts"), "{refused}");
    // Without a whole copy beside it nothing is known of any cut.
    let mut other = Ok(LedgerCopy::default());
    refuse_without_a_copy(&mut copy, &mut other);
    assert!(copy.is_err() && other.is_ok());
}

#[tokio::test]
async fn a_long_cut_log_is_kept_in_few_files() {
    let world = world().await;
    world.secondary().create_ledger("east").await.unwrap();
    let mut all = Vec::new();
    for n in 0..40 {
        let next = cut("g", &format!("r{n}"), all.last());
        assert_eq!(append(world.secondary(), &next).await.unwrap(), Appended::Committed);
        all.push(next);
    }
    let read = world.secondary().ledger().await.unwrap().cuts.unwrap();
    assert_eq!(read.cuts, all);
    let table = world.ledger_table("west", "sync_cuts");
    let live = delta::snapshot(table.store(), None, SnapshotDetail::Summary).await.unwrap();
    assert!(live.totals().files < 33, "{:?}", live.totals());
}

#[tokio::test]
async fn a_document_is_never_kept_outside_its_folder() {
    let world = world().await;
    for name in ["../x", "a/b", "", ".hidden", "/tmp/x"] {
        let refused = world.secondary().keep_evidence(name, b"{}").await.unwrap_err();
        assert_eq!(refused.kind, RegionErrorKind::Unsupported, "{name}");
    }
}

#[tokio::test]
async fn odd_names_of_tables_lie_where_their_paths_say() {
    let world = world().await;
    let odd = "main.shop.`50% off/ü`";
    world.add_table_at(odd, "odd").await;
    world.clone_table(odd, 2, None).await.unwrap();
    assert!(world.path("west/sync/main/shop/50%25%20off%2F%C3%BC/_delta_log").is_dir());
    let estimate = world.pin(odd, 2, Some(0)).await.unwrap().estimate.unwrap();
    assert_eq!(estimate.copy_files, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_table_is_never_cloned_into_itself_whatever_links_lead_there() {
    let world = world().await;
    let order = world.order(ORDERS, 2, None).await;
    let source = order.source_location.clone().unwrap();
    let place = world.path("west/sync").join(name(ORDERS).path());
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&source, &place).unwrap();
    let refused = world.secondary().deep_clone(&order, &Progress::default()).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert!(refused.detail.to_string().contains("in the replica's place"), "{refused}");
}

#[tokio::test]
async fn an_older_version_whose_files_were_vacuumed_cannot_be_read_and_what_a_replica_holds_is_not_needed()
 {
    let world = world().await;
    let orders = world.table(ORDERS).when(at(3));
    // Both inserts are of one day, so that one file takes the place of two.
    orders.optimize().await.unwrap();
    let cloned = world.clone_table(ORDERS, 2, None).await.unwrap();
    assert!(world.pin(ORDERS, 2, None).await.is_ok());
    let day = world.path("east/tables").join(ORDERS).join("day=monday");
    let live: String = std::fs::read_to_string(
        world.path("east/tables").join(ORDERS).join("_delta_log/00000000000000000003.json"),
    )
    .unwrap();
    for entry in std::fs::read_dir(&day).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let added = format!("\"add\":{{\"path\":\"day=monday/{file}");
        if !live.contains(&added) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let refused = world.pin(ORDERS, 2, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);
    assert!(refused.detail.to_string().contains("day=monday/"), "{refused}");
    let held = Some(cloned.replica_version);
    assert!(world.pin(ORDERS, 2, held).await.is_ok());
    assert!(world.pin(ORDERS, 3, None).await.is_ok());
}

#[tokio::test]
async fn a_replica_that_lost_a_file_is_seen_and_mended_by_the_same_clone_again() {
    let world = world().await;
    let version = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let seen = world.replica(ORDERS, Some(version)).await.unwrap();
    assert_eq!(seen.unwrap().damaged, None);
    let day = world.path("west/sync/main/shop/orders/day=monday");
    let lost = std::fs::read_dir(day).unwrap().next().unwrap().unwrap();
    std::fs::remove_file(lost.path()).unwrap();
    let seen = world.replica(ORDERS, Some(version)).await.unwrap();
    let damage = seen.unwrap().damaged.unwrap();
    assert!(damage.to_string().ends_with(" of the replica is missing"), "{damage}");
    let mended = world.clone_table(ORDERS, 2, Some(version)).await.unwrap();
    assert_eq!(mended.copied_files, 1);
    let seen = world.replica(ORDERS, Some(mended.replica_version)).await;
    assert_eq!(seen.unwrap().unwrap().damaged, None);
}

#[tokio::test]
async fn a_link_in_a_files_place_is_no_copy_and_is_mended() {
    let world = world().await;
    let version = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let day = "day=monday";
    let folder = world.path("west/sync/main/shop/orders").join(day);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    let source = world.path("east/tables").join(ORDERS).join(day);
    let source = source.join(file.file_name());
    let bytes = std::fs::read(&source).unwrap();
    std::fs::remove_file(file.path()).unwrap();
    std::os::unix::fs::symlink(&source, file.path()).unwrap();
    let seen = world.replica(ORDERS, Some(version)).await.unwrap();
    assert!(seen.unwrap().damaged.is_some(), "the only copy is elsewhere");
    let mended = world.clone_table(ORDERS, 2, Some(version)).await.unwrap();
    assert_eq!(mended.copied_files, 1);
    // The link stays, and a file of the replica's own has another name.
    let mut own = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let renamed = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with("renamed-")
    };
    let own = own.find(renamed).unwrap();
    assert_eq!(std::fs::read(own.path()).unwrap(), bytes);
    assert_eq!(std::fs::read(&source).unwrap(), bytes);
    let seen = world.replica(ORDERS, Some(mended.replica_version)).await;
    assert_eq!(seen.unwrap().unwrap().damaged, None);
}

#[tokio::test]
async fn a_version_that_a_replica_ahead_of_it_can_no_longer_be_brought_back_to_is_told() {
    let world = world().await;
    let orders = world.table(ORDERS).when(at(3));
    // One file takes the place of two.
    orders.optimize().await.unwrap();
    let cut = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let log = world.path("west/sync/main/shop/orders/_delta_log");
    let then = std::fs::read_to_string(log.join(format!("{cut:020}.json"))).unwrap();
    world.clone_table(ORDERS, 3, Some(cut)).await.unwrap();
    let seen = world.replica(ORDERS, Some(cut)).await.unwrap().unwrap();
    assert_eq!((seen.damaged, seen.since_damaged), (None, None));
    // As a VACUUM does: what the newest version no longer names is gone.
    let newest = std::fs::read_to_string(log.join(format!("{:020}.json", seen.version))).unwrap();
    let removed = newest.lines().find_map(|line| {
        let action: serde_json::Value = serde_json::from_str(line).unwrap();
        action["remove"]["path"].as_str().map(str::to_owned)
    });
    let removed = removed.expect("v3 replaces a file of v2");
    assert!(then.contains(&removed));
    std::fs::remove_file(log.join("..").join(removed)).unwrap();
    let seen = world.replica(ORDERS, Some(cut)).await.unwrap().unwrap();
    assert_eq!(seen.damaged, None);
    let why = seen.since_damaged.unwrap().to_string();
    assert!(why.starts_with(&format!("v{cut} can no longer be read: ")), "{why}");
}

#[tokio::test]
async fn a_link_a_pipe_and_a_folder_among_the_evidence_are_passed_over() {
    let world = world().await;
    let real = "01JDA2C7000000000000000001.run.json";
    world.secondary().keep_evidence(real, b"{}").await.unwrap();
    let folder = world.path("west/sync/_drsync/evidence");
    let odd = |last: char| folder.join(format!("01JDA2C700000000000000000{last}.run.json"));
    std::os::unix::fs::symlink(odd('A'), odd('A')).unwrap();
    let made = std::process::Command::new("mkfifo").arg(odd('B')).status();
    assert!(made.unwrap().success());
    std::fs::create_dir(odd('C')).unwrap();
    let huge = std::fs::File::create(odd('D')).unwrap();
    huge.set_len(1 << 40).unwrap();
    for newest in [None, Some(1)] {
        let wanted = RecordRange { newest, ..RecordRange::default() };
        let found = world.secondary().run_records(&wanted).await.unwrap();
        assert_eq!(found.documents.len(), 1);
        let told: Vec<String> = found.passed_over.iter().map(|odd| odd.why.to_string()).collect();
        for (told, why) in told.iter().zip(["a link", "a pipe", "a folder", "256 MiB"]) {
            assert!(told.contains(why), "{told}");
        }
        assert_eq!(told.len(), 4);
    }
}

/// The west as a process opens it for which somebody else does something whenever it begins to write: after it has looked,
/// and before it commits.
fn west_with(world: &World, between: impl Fn() + Send + Sync + 'static) -> LakehouseLocation {
    let writer = Writer {
        clock: std::sync::Arc::new(move || {
            between();
            chrono::Utc::now()
        }),
        ..Writer::new("us@example.com")
    };
    let location = world.path("west/sync").display().to_string();
    let region = LakehouseLocation::open(&location, writer).unwrap();
    region.cloning_from(world.path("east"))
}

/// Commits to the replica what an engine says of itself, as its next version, until so many are there.
fn commits_until(
    world: &World,
    last: u64,
    operation: &'static str,
    actions: Vec<serde_json::Value>,
) -> impl Fn() + Send + Sync + use<> {
    let log = world.path("west/sync/main/shop/orders/_delta_log");
    move || {
        let next = (0..).find(|version| !log.join(format!("{version:020}.json")).exists());
        let next: u64 = next.unwrap();
        if next > last {
            return;
        }
        let info = json!({"commitInfo": {"operation": operation, "userName": "admin@example.com"}});
        let lines = std::iter::once(&info).chain(&actions);
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        std::fs::write(log.join(format!("{next:020}.json")), text).unwrap();
    }
}

/// The actions by which the only file of a replica is rewritten under another name, as OPTIMIZE does it.
fn rewriting(world: &World) -> Vec<serde_json::Value> {
    let folder = world.path("west/sync/main/shop/orders");
    let log = folder.join("_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(log).unwrap();
    let actions = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut add =
        actions.map(|mut action| action["add"].take()).find(|add| !add.is_null()).unwrap();
    let path = add["path"].as_str().unwrap().to_owned();
    let other = format!("{path}.compacted");
    std::fs::copy(folder.join(&path), folder.join(&other)).unwrap();
    let remove = json!({"path": path, "deletionTimestamp": 1, "dataChange": false});
    add["path"] = json!(other);
    add["dataChange"] = json!(false);
    vec![json!({"remove": remove}), json!({"add": add})]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_between_the_look_and_the_commit_of_a_clone_is_cloned_over_in_the_same_run() {
    for operation in ["OPTIMIZE", "VACUUM END"] {
        let world = world().await;
        let first = world.clone_table(ORDERS, 1, None).await.unwrap();
        assert_eq!(first.replica_version, 0);
        let actions = match operation {
            "OPTIMIZE" => rewriting(&world),
            _ => vec![],
        };
        let west = west_with(&world, commits_until(&world, 1, operation, actions));
        let order = world.order(ORDERS, 2, Some(0)).await;
        let cloned = west.deep_clone(&order, &Progress::default()).await.unwrap();
        assert_eq!(
            (cloned.replica_version, cloned.already, cloned.copied_files),
            (2, false, 1),
            "{operation}"
        );
        let verified = west.verify(&order, 2).await.unwrap();
        assert_eq!(verified.differences, Vec::<String>::new(), "{operation}");
        let replica = world.replica(ORDERS, Some(0)).await.unwrap().unwrap();
        let told: Vec<&str> = replica.commits.iter().map(|it| it.operation.as_str()).collect();
        assert_eq!(told, [operation, "CLONE"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_between_the_look_and_the_commit_of_a_clone_is_never_cloned_over() {
    let world = world().await;
    world.clone_table(ORDERS, 1, None).await.unwrap();
    for (last, operation, actions) in [(1, "WRITE", vec![]), (2, "OPTIMIZE", rewriting(&world))] {
        let actions = match operation {
            // By its name it is maintenance; its file replaces none.
            "OPTIMIZE" => actions[1..].to_vec(),
            _ => actions,
        };
        let west = west_with(&world, commits_until(&world, last, operation, actions));
        let order = world.order(ORDERS, 2, Some(last - 1)).await;
        let refused = west.deep_clone(&order, &Progress::default()).await.unwrap_err();
        assert_eq!(refused.kind, RegionErrorKind::Conflict, "{operation}: {refused}");
        let log = world.path("west/sync/main/shop/orders/_delta_log");
        assert!(!log.join(format!("{:020}.json", last + 1)).exists(), "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clone_gives_way_to_maintenance_that_never_ends_and_says_so() {
    let world = world().await;
    world.clone_table(ORDERS, 1, None).await.unwrap();
    let west = west_with(&world, commits_until(&world, 9, "VACUUM END", vec![]));
    let order = world.order(ORDERS, 2, Some(0)).await;
    let refused = west.deep_clone(&order, &Progress::default()).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict, "{refused}");
    let replica = world.replica(ORDERS, Some(0)).await.unwrap().unwrap();
    assert_eq!(replica.version, 2, "one look, one more try");
    // What came since is maintenance: the next run makes it.
    let cloned = world.clone_table(ORDERS, 2, Some(0)).await.unwrap();
    assert_eq!(cloned.replica_version, 3);
}

#[tokio::test]
async fn a_version_whose_commit_is_gone_and_whose_time_is_needed_is_told_with_the_file_and_what_heals_it()
 {
    let world = world().await;
    let small = "main.shop.small";
    let table = world.table(small);
    let columns = drsync::lakehouse::write::columns(&[("id", "bigint")]).unwrap();
    table.when(at(0)).create(columns.clone(), &[], &[]).await.unwrap();
    let rows = drsync::lakehouse::write::rows(&columns, &[json!({"id": 1})]).unwrap();
    let author = delta::Author {
        now_ms: at(1).timestamp_millis(),
        engine_info: "other".to_owned(),
        user_name: None,
        job: None,
    };
    let expect = delta::Expect::Version(0);
    let newest = delta::mend(table.store(), rows.clone(), expect, author).await.unwrap();
    assert_eq!(newest, 1, "with a checkpoint");
    world.east.add_table(small, &format!("tables/{small}")).unwrap();
    let log = world.path(&format!("east/tables/{small}/_delta_log"));
    for version in 0..=1 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let refused = world.source(small, None).await.unwrap_err();
    let file = "_delta_log/00000000000000000001.json";
    assert!(refused.detail.to_string().starts_with(file), "{refused}");
    assert!(
        refused.detail.to_string().ends_with("the next commit to the table heals it"),
        "{refused}"
    );

    table.when(at(5)).insert(&rows).await.unwrap();
    let healed = world.source(small, None).await.unwrap();
    assert_eq!(healed.untimed.as_deref(), Some(file));
    assert_eq!(healed.oldest_version, 1, "it can be read all the same");
    let told: Vec<_> = healed.commits.iter().map(|it| (it.version, it.committed_at)).collect();
    assert_eq!(told, [(2, at(5))]);
    assert_eq!(world.source(ORDERS, None).await.unwrap().untimed, None);
}
