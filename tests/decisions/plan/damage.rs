//! Replicas that are not what their cut says: repaired where nothing of anybody's is lost by it, refused where somebody wrote.

use drsync::plan::{Action, Decision, FindingCode, GroupPlan, Severity};
use drsync::region::{CloneProof, Mark, ReplicaContent};

use super::findings::blocking;
use super::moves::entry;
use super::world::{COUNTRIES, World, replica_commit, table};

fn found(plan: &GroupPlan) -> Vec<(FindingCode, Severity)> {
    let findings = plan.findings.iter();
    findings.map(|found| (found.code, found.severity)).collect()
}

fn assert_repaired(world: &World, doubted: bool) {
    let plan = world.plan_of("reference");
    let damaged = (FindingCode::ReplicaDamaged, Severity::Repaired);
    assert_eq!((plan.decision, found(&plan)), (Decision::Sync, vec![damaged]));
    let step = &plan.steps[0];
    assert_eq!((step.action, step.replica.doubted), (Action::Update, doubted));
    assert_eq!(step.order().doubted, doubted);
}

#[test]
fn a_replica_whose_files_are_damaged_is_due_and_compared_with_its_source() {
    let mut world = World::new();
    world.replica(COUNTRIES).content = Some(ReplicaContent { wrong: None });
    assert_eq!(found(&world.plan_of("reference")), []);
    world.replica(COUNTRIES).content = Some(ReplicaContent {
        wrong: Some("part-1 of the replica does not hold what was cloned".into()),
    });
    assert_repaired(&world, true);
    // Of a file that is not there the log of the others is believed.
    world.replica(COUNTRIES).content = None;
    world.replica(COUNTRIES).damaged = Some("part-1 of the replica is missing".into());
    assert_repaired(&world, false);
}

#[test]
fn a_log_that_says_otherwise_of_the_cuts_version_is_damage_and_one_of_another_kind_is_not() {
    let mut world = World::new();
    let named = |world: &mut World, digest: Option<&str>| {
        entry(world, "reference", COUNTRIES, |entry| {
            entry.replica_files_sha256 = digest.map(str::to_owned);
        });
    };
    world.replica(COUNTRIES).since_files = Some("aa".to_owned());
    for alike in [None, Some("aa"), Some("history:bb")] {
        named(&mut world, alike);
        assert_eq!(found(&world.plan_of("reference")), [], "{alike:?}");
    }
    named(&mut world, Some("bb"));
    assert_repaired(&world, true);
}

/// A world in which the replica has a version that calls itself a clone and that no cut names.
fn with_a_clone_that_no_cut_names(proof: CloneProof) -> World {
    let mut world = World::new();
    let mut clone = replica_commit(3, "CLONE");
    clone.source_version = Some(4);
    clone.mark = Some(Mark {
        source_table_id: "id".to_owned(),
        source_version: 4,
        replica: table(COUNTRIES).path(),
    });
    let replica = world.replica(COUNTRIES);
    replica.version = 3;
    replica.commits = vec![clone];
    replica.proof = proof;
    world
}

#[test]
fn a_clone_that_no_cut_names_is_what_the_comparison_with_its_source_says() {
    let proved = with_a_clone_that_no_cut_names(CloneProof::Proved);
    assert_eq!(found(&proved.plan_of("reference")), []);
    let why = "evil.parquet is live in the replica and not in the source";
    let refuted =
        with_a_clone_that_no_cut_names(CloneProof::Refuted { version: 3, why: why.into() });
    assert_eq!(blocking(&refuted, "reference"), [FindingCode::ReplicaChanged]);
    let message = refuted.plan_of("reference").findings[0].message.to_string();
    assert!(message.contains(why), "{message}");
    // One that cannot be compared is made again.
    let unknown =
        with_a_clone_that_no_cut_names(CloneProof::Unknown { version: 3, why: why.into() });
    let plan = unknown.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync);
    assert_eq!((plan.steps[0].action, plan.steps[0].replica.doubted), (Action::Update, true));
}

/// Whether a group is called protected, and whether its plan says that its replicas were found at its last cut.
fn protected(world: &World, group: &str) -> (bool, bool) {
    let plan = world.plan();
    let told = drsync::plan::status::status(&world.observed, &plan);
    let mut groups = told.workspaces[0].groups.iter();
    let checked = world.plan_of(group).checked.is_some();
    (groups.find(|told| told.name == group).unwrap().protected, checked)
}

#[test]
fn only_a_cut_of_a_whole_chain_at_the_configurations_place_protects() {
    assert_eq!(protected(&World::new(), "reference"), (true, true));
    let mut broken = World::new();
    let workspace = broken.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        let cuts = &mut region.ledger.as_mut().unwrap().cuts.as_mut().unwrap().cuts;
        let cut = cuts.iter_mut().rfind(|cut| cut.group_name == "reference").unwrap();
        cut.previous_sha256 = Some("0".repeat(64));
    }
    broken.merge();
    assert_eq!(protected(&broken, "reference"), (false, false));
    assert_eq!(blocking(&broken, "reference"), [FindingCode::LedgerDiverged]);
    // Another group's chain is its own.
    assert_eq!(protected(&broken, "orders"), (true, true));

    let mut elsewhere = World::new();
    entry(&mut elsewhere, "reference", COUNTRIES, |entry| {
        entry.replica_location = "/world/elsewhere/main/shop/countries".to_owned();
    });
    assert_eq!(protected(&elsewhere, "reference"), (false, false));
    // Of what lies at its place no cut says anything.
    let plan = elsewhere.plan_of("reference");
    assert_ne!(plan.decision, Decision::UpToDate);
    assert!(plan.steps.iter().all(|step| step.action != Action::NoOp), "{:?}", plan.steps);

    // A cut that names another table leaves this one without any.
    let mut other = World::new();
    entry(&mut other, "reference", COUNTRIES, |entry| {
        entry.table = table("main.shop.others");
    });
    assert_eq!(protected(&other, "reference"), (false, false));
}

#[test]
fn what_was_not_looked_at_or_is_damaged_is_not_said_to_be_found_at_its_cut() {
    let mut damaged = World::new();
    damaged.replica(COUNTRIES).damaged = Some("part-1 of the replica is missing".into());
    assert_eq!(protected(&damaged, "reference"), (false, false));
    let mut unseen = World::new();
    unseen.table(COUNTRIES).replica = None;
    assert_eq!(protected(&unseen, "reference"), (false, false));
}
