//! Cuts and clones that somebody forged, and writes that they are to hide.

use std::fs;
use std::path::Path;

use drsync::apply::GroupOutcome;
use drsync::lakehouse::delta;
use drsync::ledger::Cut;
use drsync::plan::{FindingCode, Severity};
use drsync::region::Appended;
use serde_json::json;

use super::super::trouble::accepting_drift;
use super::{COUNTRIES, data_file, edit_commit, files_of_a_replica, found, write_commit};
use crate::support::world::{Form, World, batch};

/// Appends a cut that follows the newest one to a region's log, as whoever may write there can.
pub(super) async fn append_forged(world: &World, region: &str, edit: impl Fn(&mut Cut)) {
    let regions = world.regions();
    let copy = regions.secondary.location.ledger().await.unwrap();
    let newest = copy.all_cuts().newest("reference").unwrap().clone();
    let mut forged = newest.clone();
    forged.cut_number += 1;
    forged.previous_sha256 = Some(newest.sha256());
    edit(&mut forged);
    let region = match region {
        "east" => &regions.primary,
        _ => &regions.secondary,
    };
    let appended = region.location.append_cuts(&[forged]).await.pop().unwrap().unwrap();
    assert_eq!(appended, Appended::Committed);
}

/// A cut whose version of the replica holds what somebody else wrote is not taken for what it says, in whichever log it stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_cut_hides_no_write_of_others() {
    use Form::{Lakehouse, Sandbox};
    let cases = [
        (Lakehouse, "east", false),
        (Lakehouse, "west", true),
        (Sandbox, "east", true),
        (Sandbox, "west", false),
    ];
    for (form, region, compacted) in cases {
        let about = format!("{form:?}, {region}, compacted: {compacted}");
        let mut world = World::of(form).await;
        world.apply().await;
        let replica = world.replica(COUNTRIES);
        replica.insert(&batch([99])).await.unwrap();
        if compacted {
            replica.optimize().await.unwrap();
        }
        let store = delta::TableStore::local(world.replica_folder(COUNTRIES));
        let version = delta::versions(&store).await.unwrap().newest;
        let now = world.now;
        append_forged(&world, region, |cut| {
            (cut.recovery_point, cut.planned_at, cut.committed_at) = (now, now, now);
            let entry = &mut cut.tables[0];
            entry.replica_version = version;
            (entry.replica_files_sha256, entry.replica_content_sha256) = (None, None);
        })
        .await;
        let changed = vec![(FindingCode::ReplicaChanged, Severity::Block)];
        assert_eq!(found(&world).await, (changed, false), "{about}");
        world.countries().insert(&batch([4])).await.unwrap();
        world.later(720);
        let record = world.apply().await;
        assert_eq!(record.groups[0].outcome, GroupOutcome::Blocked, "{about}: {record:?}");
        assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 99], "{about}");
        // Somebody looks at what was written, and says that it may go.
        world.later(1);
        let plan = world.plan_with(accepting_drift()).await;
        let record = world.apply_plan(&plan).await;
        assert_eq!(record.exit.code, 0, "{about}: {record:?}");
        assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 4], "{about}");
        assert_eq!(found(&world).await, (vec![], true), "{about}: afterwards");
    }
}

/// A cut that says more of a source's version than the replica holds brings no protection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_cut_claims_no_version_that_the_replica_does_not_hold() {
    for form in [Form::Lakehouse, Form::Sandbox] {
        forged_version_is_not_believed(form).await;
    }
}

async fn forged_version_is_not_believed(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(1);
    append_forged(&world, "east", |cut| {
        cut.tables[0].source_version += 1;
        cut.tables[0].source_commit_sha256 = None;
    })
    .await;
    assert!(!found(&world).await.1);
    world.later(720);
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{form:?}: {record:#?}");
    assert_eq!(world.ids(&world.replica_folder(COUNTRIES)).await, [1, 2, 3, 4]);
    assert_eq!(found(&world).await, (vec![], true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_clone_between_plan_and_apply_is_in_no_cut() {
    let mut world = World::new().await;
    world.add_group("two", None, &["main.shop.a", "main.shop.b"]);
    let changing = world.make("main.shop.a", "tables/a").await;
    world.make("main.shop.b", "tables/b").await;
    world.apply().await;
    world.later(720);
    changing.insert(&batch([4])).await.unwrap();
    let plan = world.plan().await;
    // The table of which nothing is to be copied gets a commit that calls itself what it is.
    let folder = world.replica_folder("main.shop.b");
    let actions = edit_commit(&folder, 0, |action| {
        if let Some(add) = action.get("add") {
            *action = json!({"remove": {"path": add["path"], "deletionTimestamp": 1, "dataChange": true}});
        }
    });
    write_commit(&folder, 1, &actions);
    let record = world.apply_plan(&plan).await;
    let group = record.groups.iter().find(|group| group.name == "two").unwrap();
    assert_eq!(group.outcome, drsync::apply::GroupOutcome::Stale, "{group:?}");
}

/// Writes to a replica, and hides it: a commit that calls itself what the first one is, and a cut in the other region that names
/// it.
async fn hide_a_write(world: &World, folder: &Path) {
    world.replica(COUNTRIES).insert(&batch([99])).await.unwrap();
    let info = edit_commit(folder, 0, |_| ());
    let info = info.into_iter().filter(|it| it.get("add").is_none()).collect::<Vec<_>>();
    write_commit(folder, 2, &info);
    append_forged(world, "east", |cut| {
        let entry = &mut cut.tables[0];
        entry.replica_version = 2;
        (entry.replica_files_sha256, entry.replica_content_sha256) = (None, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_without_digests_vouches_for_no_clone() {
    let (world, folder) = files_of_a_replica().await;
    hide_a_write(&world, &folder).await;
    let (findings, protected) = found(&world).await;
    assert_eq!(
        (findings, protected),
        (vec![(FindingCode::ReplicaNotOurs, Severity::Block)], false)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_a_group_that_nobody_knows_says_nothing_of_the_tables_of_others() {
    for forge in ["source", "replica", "place"] {
        let (mut world, _) = files_of_a_replica().await;
        append_forged(&world, "east", |cut| {
            cut.group_name = "zzz".to_owned();
            (cut.cut_number, cut.previous_sha256) = (1, None);
            cut.committed_at = "9999-01-01T00:00:00Z".parse().unwrap();
            let entry = &mut cut.tables[0];
            match forge {
                "source" => entry.source_version = 1000,
                "replica" => entry.replica_version = 7,
                _ => entry.replica_location = entry.replica_location.replace("shop", "SHOP"),
            }
        })
        .await;
        assert_eq!(found(&world).await, (vec![], true), "{forge}");
        world.countries().insert(&batch([6])).await.unwrap();
        world.later(720);
        let record = world.apply().await;
        assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized, "{forge}: {record:?}");
        let replica = world.replica_folder(COUNTRIES);
        assert_eq!(world.ids(&replica).await, [1, 2, 3, 4, 5, 6], "{forge}");
        assert!(!world.path("west/sync/main/SHOP").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_hides_no_write_of_others_behind_a_forged_cut() {
    let (mut world, folder) = files_of_a_replica().await;
    hide_a_write(&world, &folder).await;
    fs::remove_file(data_file(&folder)).unwrap();
    world.countries().insert(&batch([6])).await.unwrap();
    world.later(720);
    let record = world.apply().await;
    assert_eq!(record.groups[0].outcome, GroupOutcome::Blocked, "{record:?}");
    assert!(!found(&world).await.1);
}
