//! What is found at replicas: what others wrote, marks that are not ours, and what is gone.

use drsync::plan::{Decision, FindingCode};
use drsync::region::{Mark, RegionErrorKind};

use super::super::moves::entry;
use super::super::world::{COUNTRIES, World, replica_commit, table};
use super::{blocking, due, refusal};

#[test]
fn a_replica_that_someone_else_wrote_to_is_refused_also_under_a_later_commit_of_ours() {
    let mut world = World::new();
    let mut ours = replica_commit(4, "CLONE");
    let mark = Mark {
        source_table_id: "id".to_owned(),
        source_version: 4,
        replica: table(COUNTRIES).path(),
    };
    ours.source_version = Some(4);
    ours.mark = Some(mark);
    let replica = world.replica(COUNTRIES);
    replica.version = 4;
    replica.commits = vec![replica_commit(3, "UPDATE"), ours];
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaChanged]);
    let drift = &world.plan_of("reference").drift[0];
    assert_eq!((drift.ours, drift.theirs.len()), (Some(2), 1));
    world.accept("replica_changed", COUNTRIES);
    assert_ne!(world.plan_of("reference").decision, Decision::Blocked);
}

#[test]
fn a_clone_whose_mark_is_not_that_of_its_place_or_version_is_somebody_elses() {
    for (version, path) in [(4, "main/shop/elsewhere"), (3, "main/shop/countries")] {
        let mut world = World::new();
        let mut theirs = replica_commit(3, "CLONE");
        theirs.source_version = Some(4);
        theirs.mark = Some(Mark {
            source_table_id: "id".to_owned(),
            source_version: version,
            replica: path.to_owned(),
        });
        world.replica(COUNTRIES).version = 3;
        world.replica(COUNTRIES).commits = vec![theirs];
        assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaChanged]);
    }
}

#[test]
fn maintenance_on_a_replica_is_mentioned_and_harmless() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 5;
    world.replica(COUNTRIES).commits = vec![
        replica_commit(3, "OPTIMIZE"),
        replica_commit(4, "VACUUM START"),
        replica_commit(5, "VACUUM END"),
    ];
    assert_eq!(blocking(&world, "reference"), []);
    assert_eq!(world.plan_of("reference").drift[0].maintenance.len(), 3);
}

#[test]
fn a_restore_to_our_version_ends_the_drift() {
    let mut world = World::new();
    let mut restore = replica_commit(4, "RESTORE");
    restore.restored_to = Some(2);
    world.replica(COUNTRIES).version = 4;
    world.replica(COUNTRIES).commits = vec![replica_commit(3, "UPDATE"), restore];
    assert_eq!(blocking(&world, "reference"), []);
    world.replica(COUNTRIES).commits[1].restored_to = Some(3);
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaChanged]);
}

#[test]
fn commits_that_the_log_no_longer_shows_are_a_change() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 5;
    world.replica(COUNTRIES).commits =
        vec![replica_commit(4, "OPTIMIZE"), replica_commit(5, "OPTIMIZE")];
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaChanged]);
}

#[test]
fn a_table_without_our_mark_in_the_replicas_place_is_not_ours() {
    let mut world = World::new();
    world.replica(COUNTRIES).mark = None;
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaNotOurs]);
    world.table(COUNTRIES).replica = Some(Err(refusal(RegionErrorKind::Conflict)));
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaNotOurs]);
}

#[test]
fn many_replicas_gone_at_once_are_more_than_a_repair() {
    let mut world = World::new();
    for name in ["main.shop.orders", "main.shop.lines"] {
        world.table(name).replica = Some(Ok(None));
    }
    assert_eq!(blocking(&world, "orders"), []);
    world.table(COUNTRIES).replica = Some(Ok(None));
    assert_eq!(blocking(&world, "orders"), [FindingCode::ReplicasMissing]);
    world.accept("replicas_missing", "orders");
    assert_eq!(world.plan_of("orders").decision, Decision::Sync);
}

#[test]
fn a_changed_column_mapping_mode_needs_a_word() {
    let mut world = due();
    world.pin(COUNTRIES).column_mapping = "name".to_owned();
    assert_eq!(blocking(&world, "reference"), [FindingCode::ColumnMappingChanged]);
}

#[test]
fn a_version_that_the_replicas_log_no_longer_shows_is_not_ours_to_restore() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 6;
    world.replica(COUNTRIES).commits = vec![replica_commit(6, "DELETE")];
    let drift = world.plan_of("reference").drift.remove(0);
    assert_eq!((drift.ours, drift.theirs.len()), (None, 2));
    world.replica(COUNTRIES).commits = (3..=6).map(|at| replica_commit(at, "DELETE")).collect();
    assert_eq!(world.plan_of("reference").drift[0].ours, Some(2));
}

#[test]
fn a_location_that_is_spelled_as_a_url_moves_no_replica() {
    let mut world = World::new();
    let before = world.plan_of("reference");
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.replica_location = format!("file://{}", entry.replica_location);
    });
    let after = world.plan_of("reference");
    assert_eq!((after.decision, &after.findings), (before.decision, &before.findings));
    assert_ne!(after.reason.code, drsync::plan::ReasonCode::ReplicaDiffers);
}
