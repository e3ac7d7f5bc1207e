//! Clones: made once, on the replica that was looked at, and seen for what they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use drsync::region::{
    CloneOrder, Mark, Progress, RegionErrorKind, ReplicaQuestion, Size, VerifiedLevel,
};

use crate::contract::world::{ORDERS, World, at, name};

pub(crate) async fn where_nothing_lies_there_is_no_replica(world: World) {
    assert_eq!(world.replica(ORDERS, None).await.unwrap(), None);
    assert_eq!(world.replica(ORDERS, Some(3)).await.unwrap(), None);
}

pub(crate) async fn a_clone_is_one_commit_that_carries_its_mark(world: World) {
    let progress = Progress::default();
    let order = world.order(ORDERS, 2, None).await;
    let cloned = world.secondary().deep_clone(&order, &progress).await.unwrap();
    assert_eq!((cloned.replica_version, cloned.copied_files), (0, 2));
    assert!(cloned.copied_bytes > 0);
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    let mark = Mark {
        source_table_id: order.source_table_id.clone(),
        source_version: 2,
        replica: "main/shop/orders".into(),
    };
    assert_eq!(replica.version, 0);
    assert_eq!(replica.mark.as_ref(), Some(&mark));
    assert_eq!(world.rows(ORDERS).await, Some(20));
    assert_eq!(replica.column_mapping, "none");
    let [commit] = replica.commits.as_slice() else { panic!("{:?}", replica.commits) };
    assert_eq!((commit.operation.as_str(), commit.source_version), ("CLONE", Some(2)));
    assert_eq!(commit.mark.as_ref(), Some(&mark));
}

pub(crate) async fn a_clone_is_verified_against_its_source(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    let version = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let verified = world.secondary().verify(&order, version).await.unwrap();
    assert_eq!(verified.differences, Vec::<String>::new());
    let counted = (verified.source_rows, verified.replica_rows);
    assert_eq!(counted, (Some(20), Some(20)));
    assert_ne!(verified.level, VerifiedLevel::Metrics);
}

pub(crate) async fn a_clone_says_what_its_source_was_at_the_pinned_version(world: World) {
    let order = world.order(ORDERS, 1, None).await;
    let folder = world.path(&format!("east/tables/{ORDERS}/day=monday"));
    // The first insert's file is the older one.
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap())
        .map(|file| (file.modified().unwrap(), file.len()))
        .collect();
    files.sort();
    assert_eq!(files.len(), 2, "the head has another file");
    let size = Size { files: 1, bytes: files[0].1 };
    for already in [false, true] {
        let cloned = world.secondary().deep_clone(&order, &Progress::default()).await.unwrap();
        assert_eq!((cloned.source_size, cloned.already), (Some(size), already));
    }
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    assert_eq!(replica.commits[0].source_size, Some(size));
}

pub(crate) async fn a_second_clone_copies_only_what_is_new(world: World) {
    let first = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    world.insert(ORDERS, at(3), 20..25).await;
    let second = world.clone_table(ORDERS, 3, Some(first)).await.unwrap();
    assert_eq!((second.replica_version, second.copied_files), (1, 1));
    let replica = world.replica(ORDERS, Some(first)).await.unwrap().unwrap();
    assert_eq!(world.rows(ORDERS).await, Some(25));
    let [commit] = replica.commits.as_slice() else { panic!("{:?}", replica.commits) };
    assert_eq!((commit.version, commit.source_version), (1, Some(3)));
}

pub(crate) async fn a_clone_holds_the_pinned_version_although_the_source_went_on(world: World) {
    world.table(ORDERS).when(at(3)).delete(|_| true).await.unwrap();
    world.clone_table(ORDERS, 1, None).await.unwrap();
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    assert_eq!((world.rows(ORDERS).await, replica.mark.unwrap().source_version), (Some(10), 1));
}

pub(crate) async fn the_same_clone_again_copies_nothing_and_commits_nothing(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    let mut versions = Vec::new();
    for copied in [2, 0, 0] {
        let cloned = world.secondary().deep_clone(&order, &Progress::default()).await.unwrap();
        assert_eq!(cloned.copied_files, copied);
        versions.push(cloned.replica_version);
    }
    assert_eq!(versions, [0, 0, 0]);
    assert_eq!(world.replica(ORDERS, None).await.unwrap().unwrap().version, 0);
}

pub(crate) async fn a_clone_over_a_replica_that_someone_changed_is_a_conflict_that_names_them(
    world: World,
) {
    let first = world.clone_table(ORDERS, 1, None).await.unwrap().replica_version;
    world.replica_table(ORDERS).delete(|row| row["id"] == 1).await.unwrap();
    let refused = world.clone_table(ORDERS, 2, Some(first)).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert!(
        refused.detail.to_string().contains("DELETE")
            && refused.detail.to_string().contains("someone@example.com"),
        "{refused}"
    );
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    assert_eq!((replica.version, world.rows(ORDERS).await), (1, Some(9)), "it is not overwritten");
}

pub(crate) async fn a_change_that_was_looked_at_is_cloned_over_although_the_mark_is_still_there(
    world: World,
) {
    world.clone_table(ORDERS, 2, None).await.unwrap();
    let whole = world.rows(ORDERS).await;
    let theirs = world.replica_table(ORDERS).delete(|row| row["id"] == 1).await.unwrap();
    let order = world.order(ORDERS, 2, Some(theirs)).await;
    let region = world.secondary();
    let cloned = region.deep_clone(&order, &Default::default()).await;
    let cloned = cloned.unwrap();
    assert_eq!((cloned.already, cloned.replica_version), (false, theirs + 1));
    assert_eq!(world.rows(ORDERS).await, whole);
    let verified = region.verify(&order, cloned.replica_version).await;
    assert_eq!(verified.unwrap().differences, Vec::<String>::new());
}

pub(crate) async fn a_clone_where_a_table_came_up_meanwhile_is_a_conflict(world: World) {
    world.clone_table(ORDERS, 1, None).await.unwrap();
    let refused = world.clone_table(ORDERS, 2, None).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
}

pub(crate) async fn a_clone_over_a_replica_that_is_gone_is_a_conflict(world: World) {
    let first = world.clone_table(ORDERS, 1, None).await.unwrap().replica_version;
    std::fs::remove_dir_all(world.path("west/sync/main")).unwrap();
    let refused = world.clone_table(ORDERS, 2, Some(first)).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
}

pub(crate) async fn maintenance_of_the_replica_does_not_stop_a_clone(world: World) {
    let first = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    world.replica_table(ORDERS).optimize().await.unwrap();
    world.insert(ORDERS, at(3), 20..25).await;
    let second = world.clone_table(ORDERS, 3, Some(first)).await.unwrap();
    assert_eq!(second.replica_version, 2);
    let replica = world.replica(ORDERS, Some(first)).await.unwrap().unwrap();
    let operations: Vec<_> = replica.commits.iter().map(|it| it.operation.as_str()).collect();
    assert_eq!(operations, ["OPTIMIZE", "CLONE"]);
    assert_eq!(world.rows(ORDERS).await, Some(25));
}

pub(crate) async fn a_replica_that_a_change_of_role_marked_meanwhile_is_not_cloned_over(
    world: World,
) {
    let first = world.clone_table(ORDERS, 1, None).await.unwrap().replica_version;
    world.replica_table(ORDERS).set_properties(&[("drsync.epoch", "1")]).await.unwrap();
    let refused = world.clone_table(ORDERS, 2, Some(first)).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert!(refused.detail.to_string().contains("epoch 1"), "{refused}");
    assert_eq!(world.rows(ORDERS).await, Some(10), "it is not overwritten");
}

pub(crate) async fn of_two_different_clones_at_once_no_more_than_one_is_believed(world: World) {
    let orders = [world.order(ORDERS, 1, None).await, world.order(ORDERS, 2, None).await];
    let done = at_once(&world, orders.to_vec()).await;
    let kinds: Vec<_> = done.iter().map(|it| it.as_ref().err().map(|error| error.kind)).collect();
    assert!(kinds.contains(&Some(RegionErrorKind::Conflict)), "{kinds:?}");
    for done in done.iter().filter_map(|it| it.as_ref().err()) {
        assert_eq!(done.kind, RegionErrorKind::Conflict, "{done}");
    }
    // Whichever it is, it is one of them and whole.
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    let held = replica.mark.unwrap().source_version;
    assert_eq!(world.rows(ORDERS).await, Some(10 * held));
}

pub(crate) async fn of_two_different_clones_at_once_one_is_made(world: World) {
    let orders = [world.order(ORDERS, 1, None).await, world.order(ORDERS, 2, None).await];
    let done = at_once(&world, orders.to_vec()).await;
    let winner = done.iter().position(Result::is_ok).unwrap();
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    assert_eq!(replica.version, 0);
    assert_eq!(replica.mark.unwrap().source_version, orders[winner].source_version);
}

pub(crate) async fn the_same_clone_many_times_at_once_is_made_for_all_of_them(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    let mut copied = 0;
    for done in at_once(&world, vec![order.clone(); 4]).await {
        let done = done.unwrap();
        copied += done.copied_files;
        let verified = world.secondary().verify(&order, done.replica_version).await.unwrap();
        assert_eq!(verified.differences, Vec::<String>::new());
    }
    // Less where one copied what another's commit then found there.
    assert!(copied <= 2, "{copied} files reported of 2");
    let replica = world.replica(ORDERS, None).await.unwrap().unwrap();
    for commit in &replica.commits {
        assert_eq!(commit.source_version, Some(2));
    }
    assert_eq!(world.rows(ORDERS).await, Some(20));
}

pub(crate) async fn the_same_clone_many_times_at_once_is_one_commit(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    for done in at_once(&world, vec![order; 4]).await {
        assert_eq!(done.unwrap().replica_version, 0);
    }
    assert_eq!(world.replica(ORDERS, None).await.unwrap().unwrap().version, 0);
}

async fn at_once(
    world: &World,
    orders: Vec<CloneOrder>,
) -> Vec<Result<drsync::region::Cloned, drsync::region::RegionError>> {
    let runs = orders.into_iter().map(|order| {
        let region = world.another_secondary();
        tokio::spawn(async move { region.deep_clone(&order, &Progress::default()).await })
    });
    let runs: Vec<_> = runs.collect();
    let mut done = Vec::new();
    for run in runs {
        done.push(run.await.unwrap());
    }
    done
}

pub(crate) async fn a_clone_that_was_stopped_commits_nothing_and_can_be_repeated(world: World) {
    let stop = Arc::new(AtomicBool::new(true));
    let order = world.order(ORDERS, 2, None).await;
    let progress = Progress::with_stop(stop.clone());
    world.secondary().deep_clone(&order, &progress).await.unwrap_err();
    assert_eq!(world.replica(ORDERS, None).await.unwrap(), None);
    stop.store(false, Ordering::Relaxed);
    world.secondary().deep_clone(&order, &progress).await.unwrap();
    assert_eq!(world.rows(ORDERS).await, Some(20));
}

pub(crate) async fn what_someone_else_wrote_to_a_replica_is_seen_with_who_and_what(world: World) {
    let first = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let replica = world.replica_table(ORDERS);
    replica
        .update(|row| {
            if row["id"] == 3 {
                row["id"] = 300.into();
                true
            } else {
                false
            }
        })
        .await
        .unwrap();
    let seen = world.replica(ORDERS, Some(first)).await.unwrap().unwrap();
    let [commit] = seen.commits.as_slice() else { panic!("{:?}", seen.commits) };
    assert_eq!((commit.version, commit.operation.as_str(), commit.rows), (1, "UPDATE", Some(1)));
    assert_eq!(commit.user.as_deref(), Some("someone@example.com"));
    assert_eq!((commit.mark.as_ref(), commit.source_version), (None, None));
    assert!(
        seen.mark.is_some(),
        "the mark stays in the properties, which is why commits are looked at"
    );
}

pub(crate) async fn a_replica_stands_until_anything_is_committed_to_it(world: World) {
    let version = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let stand = async |since: Option<u64>| {
        let asked = [ORDERS, "main.shop.never"]
            .map(|table| ReplicaQuestion { path: name(table).path(), since_version: since });
        let told = world.secondary().replicas_stand(&asked).await;
        let told: Vec<bool> = told.into_iter().map(Result::unwrap).collect();
        assert!(!told[1], "what is not there does not stand");
        told[0]
    };
    assert!(stand(Some(version)).await);
    assert!(!stand(None).await);
    assert!(!stand(Some(version + 1)).await, "it went back");
    world.replica_table(ORDERS).delete(|row| row["id"] == 3).await.unwrap();
    assert!(!stand(Some(version)).await);
    assert!(stand(Some(version + 1)).await);
    let outside = ReplicaQuestion { path: "../main/shop/orders".into(), since_version: Some(0) };
    let refused = world.secondary().replicas_stand(&[outside]).await.remove(0).unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unsupported);
}

pub(crate) async fn a_restore_says_where_it_went_back_to(world: World) {
    let first = world.clone_table(ORDERS, 2, None).await.unwrap().replica_version;
    let replica = world.replica_table(ORDERS);
    replica.delete(|row| row["id"] == 3).await.unwrap();
    replica.restore(first).await.unwrap();
    let seen = world.replica(ORDERS, Some(first)).await.unwrap().unwrap();
    let restored: Vec<_> = seen.commits.iter().map(|it| it.restored_to).collect();
    assert_eq!(restored, [None, Some(first)]);
    assert_eq!(world.rows(ORDERS).await, Some(20));
}

pub(crate) async fn a_row_that_is_missing_in_the_replica_is_found_by_verification(world: World) {
    let order = world.order(ORDERS, 2, None).await;
    world.clone_table(ORDERS, 2, None).await.unwrap();
    let changed = world.replica_table(ORDERS).delete(|row| row["id"] == 3).await.unwrap();
    let verified = world.secondary().verify(&order, changed).await.unwrap();
    assert!(!verified.differences.is_empty());
}

pub(crate) async fn overrides_of_retention_are_on_the_replica_and_are_no_difference(world: World) {
    let table = world.table(ORDERS);
    table
        .set_properties(&[("delta.deletedFileRetentionDuration", "interval 1 days")])
        .await
        .unwrap();
    let order = world.order(ORDERS, 3, None).await;
    let version = world.clone_table(ORDERS, 3, None).await.unwrap().replica_version;
    let verified = world.secondary().verify(&order, version).await.unwrap();
    assert_eq!(verified.differences, Vec::<String>::new());
    let path = format!("west/sync/{}/_delta_log/00000000000000000000.json", name(ORDERS).path());
    let log = std::fs::read_to_string(world.path(&path)).unwrap();
    assert!(log.contains("\"delta.deletedFileRetentionDuration\":\"interval 30 days\""), "{log}");
}

pub(crate) async fn a_replica_s_commits_are_maintenance_or_changes_by_what_they_do(world: World) {
    let cloned = world.clone_table(ORDERS, 2, None).await.unwrap();
    let version = cloned.replica_version;
    let replica = world.replica_table(ORDERS);
    replica.optimize().await.unwrap();
    replica.other("VACUUM START", vec![]).await.unwrap();
    let metrics = json!({"numAddedFiles": "1", "numRemovedFiles": "0", "numOutputRows": "10"});
    let info = json!({"operation": "OPTIMIZE", "operationMetrics": metrics});
    let mut add = world.actions(ORDERS, 1, "add").remove(0);
    add["add"]["path"] = json!("day=monday/appended.parquet");
    add["add"]["dataChange"] = json!(false);
    world.commit_to_replica(ORDERS, version + 3, info, &[add]);
    let info =
        json!({"operation": "WRITE", "operationMetrics": {"numFiles": "0", "numOutputRows": "0"}});
    world.commit_to_replica(ORDERS, version + 4, info, &[]);
    let seen = world.replica(ORDERS, Some(version)).await.unwrap().unwrap();
    let told: Vec<_> = seen
        .commits
        .iter()
        .filter(|commit| commit.version > version)
        .map(|commit| (commit.operation.as_str(), commit.upkeep.changes()))
        .collect();
    assert_eq!(
        told,
        [("OPTIMIZE", false), ("VACUUM START", false), ("OPTIMIZE", true), ("WRITE", true)]
    );
}
