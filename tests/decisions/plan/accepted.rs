//! What may be accepted, what that does, and what may not.

use drsync::plan::{Decision, FindingCode, WarningCode};
use drsync::region::RegionErrorKind;

use super::findings::{blocking, due, refusal};
use super::moves::entry;
use super::world::{COUNTRIES, World, at, replica_commit};

#[test]
fn accepted_drift_is_repaired_at_the_cuts_own_point_although_the_source_has_nothing_newer() {
    let mut world = World::new();
    world.replica(COUNTRIES).version = 3;
    world.replica(COUNTRIES).commits = vec![replica_commit(3, "DELETE")];
    world.accept("replica_changed", COUNTRIES);
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync);
    assert_eq!(plan.recovery_point, Some(at("2026-11-22T06:00:00Z")));
    assert_eq!(plan.steps[0].action, drsync::plan::Action::Update);
    assert_eq!(world.plan().accepted.len(), 1);
}

#[test]
fn an_accepted_recreated_source_is_copied_although_its_versions_start_again() {
    let mut world = World::new();
    let source = world.source(COUNTRIES);
    source.commits[0].version = 0;
    source.commits[0].committed_at = at("2026-11-22T10:00:00Z");
    source.table_id = "another".to_owned();
    world.pin(COUNTRIES).version = 0;
    world.pin(COUNTRIES).table_id = "another".to_owned();
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceRecreated]);
    world.accept("source_recreated", COUNTRIES);
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.findings);
    assert_eq!((plan.steps[0].source.version, plan.recovery_point), (0, Some(world.observed.now)));
}

#[test]
fn what_is_no_table_cannot_be_accepted_away_and_an_unused_acceptance_is_told() {
    let mut world = World::new();
    world.table(COUNTRIES).replica = Some(Err(refusal(RegionErrorKind::Conflict)));
    world.accept("replica_not_ours", COUNTRIES);
    assert_eq!(blocking(&world, "reference"), [FindingCode::ReplicaNotOurs]);
    let plan = world.plan();
    assert!(plan.accepted.is_empty());
    let unused = |warning: &&drsync::plan::Warning| warning.code == WarningCode::AcceptanceUnused;
    let told = plan.warnings.iter().find(unused).unwrap();
    assert_eq!(
        told.message,
        "replica_not_ours:main.shop.countries was accepted, and what was found cannot be: its remedy is another"
    );
}

#[test]
fn what_cannot_be_read_as_a_table_is_moved_away_and_never_offered_to_be_accepted() {
    for (kind, said) in [
        (RegionErrorKind::Conflict, "/world/west/sync/main/shop/countries: the region's words"),
        (RegionErrorKind::Other, "the replica's log cannot be read: the region's words"),
    ] {
        let mut world = World::new();
        world.table(COUNTRIES).replica = Some(Err(refusal(kind)));
        let finding = world.plan_of("reference").findings.remove(0);
        let remedy = finding.remedy.clone().unwrap().to_string();
        assert_eq!(finding.message, said);
        assert!(!finding.acceptable(), "{finding:?}");
        assert!(
            remedy.contains("away") && remedy.contains("/world/west/sync/main/shop/countries"),
            "{remedy}"
        );
    }
}

#[test]
fn every_acceptance_is_offered_as_a_plan_that_is_stored() {
    let mut drifted = World::new();
    drifted.replica(COUNTRIES).version = 3;
    drifted.replica(COUNTRIES).commits = vec![replica_commit(3, "DELETE")];
    let mut foreign = World::new();
    foreign.replica(COUNTRIES).mark = None;
    let mut shrank = due();
    shrank.pin(COUNTRIES).rows = Some(10);
    for world in [drifted, foreign, shrank] {
        let finding = world.plan_of("reference").findings.remove(0);
        let command = format!(
            "drsync plan --accept {}:{COUNTRIES} --reason \"…\" --out plan.json",
            finding.code.as_str()
        );
        assert_eq!(finding.remedy.as_ref().map(ToString::to_string), Some(command));
        assert!(finding.acceptable());
    }
}

#[test]
fn a_source_that_is_another_table_is_said_to_be_one_by_what_was_seen() {
    let said = |world: &World| world.plan_of("reference").findings.remove(0).message.to_string();
    let mut world = due();
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.source_commit_sha256 = Some("0123456789abcdef".to_owned());
    });
    world.source(COUNTRIES).commits[0].sha256 = Some("fedcba9876543210".to_owned());
    assert_eq!(
        said(&world),
        "the commit of its v4, WRITE of 2026-11-22T05:00:00.000Z with the digest fedcba987654, is not the one that the last cut names, v4 of 2026-11-22T05:00:00.000Z with the digest 0123456789ab"
    );
    world.source(COUNTRIES).commits[0].table_id = Some("another".to_owned());
    assert_eq!(
        said(&world),
        "it is another table, of id another; the last cut names v4 of 2026-11-22T05:00:00.000Z of id id"
    );
    let mut world = World::new();
    world.source(COUNTRIES).commits[0].version = 0;
    world.source(COUNTRIES).table_id = "another".to_owned();
    assert_eq!(
        said(&world),
        "it is another table, of id another; the last cut names v4 of 2026-11-22T05:00:00.000Z of id id; its newest version is v0"
    );
}
