//! Every finding, from a world in which one thing is wrong.

mod ledger;
mod regions;
mod replicas;

use drsync::ledger::RowStatus;
use drsync::plan::{Decision, FindingCode, Severity};
use drsync::region::{
    Denied, Lack, Privilege, RegionError, RegionErrorKind, Repair, RunState, SecurableKind,
    Unclonable,
};

use super::moves::entry;
use super::world::{COUNTRIES, World, at, sha256_of};

pub(super) fn refusal(kind: RegionErrorKind) -> RegionError {
    RegionError::new(kind, "look", "the region's words")
}

/// The codes that block a group.
pub(super) fn blocking(world: &World, group: &str) -> Vec<FindingCode> {
    let plan = world.plan_of(group);
    let codes: Vec<FindingCode> = plan
        .findings
        .iter()
        .filter(|finding| finding.blocks())
        .map(|finding| finding.code)
        .collect();
    assert_eq!(plan.decision == Decision::Blocked, !codes.is_empty(), "{:?}", plan.decision);
    for finding in &plan.findings {
        assert!(!finding.message.to_string().is_empty());
    }
    codes
}

/// The world at a moment at which `reference` is due and has one new commit.
pub(super) fn due() -> World {
    let mut world = World::new();
    world.observed.now = at("2026-11-22T12:30:00Z");
    world.commit(COUNTRIES, 5, "2026-11-22T11:30:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    assert_eq!(world.plan_of("reference").decision, Decision::Sync);
    world
}

#[test]
fn configuration_invalid_blocks_the_group_and_lets_the_others_go_on() {
    let world = World::with(|config| {
        config["workspaces"][0]["sync_groups"][0]["tables"] = serde_json::json!([])
    });
    assert_eq!(blocking(&world, "orders"), [FindingCode::ConfigurationInvalid]);
    assert_eq!(blocking(&world, "reference"), []);
}

#[test]
fn workflow_not_found_and_ambiguous_are_told_apart() {
    let mut world = World::new();
    world.group("orders").workflows[0] = Err(refusal(RegionErrorKind::NotFound));
    assert_eq!(blocking(&world, "orders"), [FindingCode::WorkflowNotFound]);
    world.group("orders").workflows[0] = Err(refusal(RegionErrorKind::Conflict));
    assert_eq!(blocking(&world, "orders"), [FindingCode::WorkflowAmbiguous]);
}

#[test]
fn a_workflow_of_which_nothing_could_be_seen_is_not_told_as_missing() {
    for (kind, remedy) in [
        (RegionErrorKind::Other, "look what answers in the region's place"),
        (RegionErrorKind::Unsupported, "look what answers in the region's place"),
        (RegionErrorKind::Denied, "let the principal see the job (CAN VIEW on Databricks)"),
    ] {
        let mut world = World::new();
        world.group("orders").workflows[0] = Err(refusal(kind));
        assert_eq!(blocking(&world, "orders"), [FindingCode::PrimaryRefused], "{kind:?}");
        let finding = world.plan_of("orders").findings[0].clone();
        let words = "primary region cannot be read: look: the region's words";
        assert_eq!(finding.message, words);
        assert!(finding.remedy.unwrap().to_string().starts_with(remedy), "{kind:?}");
    }
}

#[test]
fn what_the_catalog_refuses_is_named() {
    let mut world = World::new();
    world.table(COUNTRIES).listed = Err(refusal(RegionErrorKind::NotFound));
    assert_eq!(blocking(&world, "reference"), [FindingCode::TableNotFound]);

    let mut world = World::new();
    world.table(COUNTRIES).listed.as_mut().unwrap().unsupported = Some(Unclonable::View);
    assert_eq!(blocking(&world, "reference"), [FindingCode::UnsupportedTable]);

    let select = "GRANT SELECT ON TABLE main.shop.countries TO `dr-sync@example.com`";
    let schema = Some(SecurableKind::Schema);
    for (right, on, name, grant) in [
        (
            Some(Privilege::UseSchema),
            schema,
            "main.shop",
            "GRANT USE SCHEMA ON SCHEMA main.shop TO `dr-sync@example.com`",
        ),
        // Neither the thing nor the right is the service's choice.
        (Some(Privilege::UseSchema), schema, "hr.pay", select),
        (None, Some(SecurableKind::Catalog), "main", select),
        (None, Some(SecurableKind::Table), "main.shop.countries", select),
        (None, None, "", select),
    ] {
        let mut world = due();
        let lack = Some(Box::new(Lack { right, on, name: name.to_owned() }));
        // No word of it says so.
        let denied = RegionError::new(RegionErrorKind::Denied, "read", "something was refused");
        world.table(COUNTRIES).source = Some(Err(RegionError { lack, ..denied }));
        world.table(COUNTRIES).pin = None;
        let finding = world.plan_of("reference").findings[0].clone();
        assert_eq!(finding.code, FindingCode::TableNotReadable);
        assert_eq!(finding.remedy.unwrap().to_string(), grant);
    }

    let mut world = World::new();
    let remedy = Some(Repair::Shell("chmod u+r it".to_owned()));
    world.table(COUNTRIES).listed.as_mut().unwrap().denied =
        Some(Denied { message: "no SELECT".into(), remedy });
    assert_eq!(blocking(&world, "reference"), [FindingCode::TableNotReadable]);
    let plan = world.plan();
    assert_eq!(
        plan.workspaces[0].rows[0].after.message,
        Some("table_not_readable: main.shop.countries: no SELECT; chmod u+r it".into())
    );
    assert_eq!(plan.workspaces[0].rows[0].after.current_sync_status, Some(RowStatus::Failed));
}

#[test]
fn a_name_that_makes_a_folder_name_longer_than_a_disk_takes_is_unsupported() {
    let long = |letters: usize| format!("main.shop.`{}`", "é".repeat(letters));
    let of = |name: String, location: &'static str| {
        let world = World::with(|config| {
            let workspace = &mut config["workspaces"][0];
            workspace["sync_location_secondary"] = location.into();
            workspace["sync_groups"][1]["tables"] = serde_json::json!([name]);
        });
        let plan = world.plan();
        let groups = plan.workspaces[0].groups.iter();
        let mut found = groups.flat_map(|group| &group.findings).cloned();
        found.find(|finding| finding.code == FindingCode::UnsupportedTable)
    };
    // Each é is two bytes, each of which is three in the folder's name.
    let found = of(long(43), "/world/west/sync").unwrap();
    assert_eq!(found.table, Some(long(43)));
    assert!(found.message.to_string().contains("a name of 258 bytes"), "{found:?}");
    let remedy = found.remedy.unwrap().to_string();
    assert!(remedy.contains("rename") && remedy.contains("unprotected_tables"));
    assert_eq!(of(long(42), "/world/west/sync"), None);
    assert_eq!(of(long(43), "s3://west/sync"), None);
}

#[test]
fn a_log_that_cannot_be_read_is_table_not_readable_and_an_unknown_feature_unsupported() {
    let mut world = World::new();
    world.table(COUNTRIES).source = Some(Err(refusal(RegionErrorKind::Other)));
    assert_eq!(blocking(&world, "reference"), [FindingCode::TableNotReadable]);
    world.table(COUNTRIES).source = Some(Err(refusal(RegionErrorKind::Unsupported)));
    assert_eq!(blocking(&world, "reference"), [FindingCode::UnsupportedTable]);
}

#[test]
fn no_version_at_the_recovery_point_of_a_workflow_that_ended_before_the_table_was_made() {
    let mut world = World::with(|config| {
        let tables = config["workspaces"][0]["sync_groups"][0]["tables"].as_array_mut().unwrap();
        tables.push("main.shop.young".into());
    });
    let source = world.source("main.shop.young");
    source.commits[0].version = 0;
    source.commits[0].committed_at = at("2026-11-22T10:30:00Z");
    world.table("main.shop.young").replica = Some(Ok(None));
    world.run(89, "2026-11-22T10:40:00Z", None, RunState::Active);
    assert_eq!(blocking(&world, "orders"), [FindingCode::NoVersionAtRecoveryPoint]);
}

#[test]
fn a_pinned_version_beyond_its_retention_is_refused_unless_it_is_the_newest() {
    let mut world = due();
    world.source(COUNTRIES).retention = Some(std::time::Duration::from_secs(600));
    assert_eq!(blocking(&world, "reference"), []);
    assert!(world.plan_of("reference").steps[0].source.only_while_newest);

    let mut world = World::new();
    world.commit("main.shop.orders", 5, "2026-11-22T10:05:00Z", "WRITE");
    world.commit("main.shop.orders", 6, "2026-11-22T10:30:00Z", "WRITE");
    world.pinned_at("main.shop.orders", 5);
    world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:12:00Z"), RunState::Succeeded);
    world.source("main.shop.orders").retention = Some(std::time::Duration::from_secs(600));
    assert_eq!(blocking(&world, "orders"), [FindingCode::VersionNotRetained]);
    world.source("main.shop.orders").retention = Some(std::time::Duration::from_secs(7200));
    let plan = world.plan();
    assert_eq!(plan.expires_at, at("2026-11-22T12:05:00Z"));
}

#[test]
fn a_source_that_was_dropped_and_created_again_is_found_whatever_its_versions_say() {
    let mut world = due();
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.source_commit_sha256 = Some("another".to_owned());
    });
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceRecreated]);

    let mut world = due();
    world.source(COUNTRIES).commits[0].table_id = Some("another".to_owned());
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceRecreated]);

    let mut world = World::new();
    world.observed.now = at("2026-11-22T12:30:00Z");
    world.source(COUNTRIES).commits[0].version = 3;
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceRecreated]);

    let mut world = due();
    world.source(COUNTRIES).commits.remove(0);
    assert_eq!(blocking(&world, "reference"), []);
    world.source(COUNTRIES).table_id = "another".to_owned();
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceRecreated]);
    world.accept("source_recreated", COUNTRIES);
    let plan = world.plan_of("reference");
    assert_eq!((plan.decision, plan.findings[0].severity), (Decision::Sync, Severity::Accepted));
}

#[test]
fn commit_times_that_shift_make_no_other_table() {
    let mut world = due();
    world.source(COUNTRIES).commits[0].committed_at = at("2026-11-22T05:00:01Z");
    // A cut of a version that kept no digest: the id decides.
    assert_eq!(blocking(&world, "reference"), []);
    let digest = world.source(COUNTRIES).commits[0].sha256.clone();
    entry(&mut world, "reference", COUNTRIES, |entry| {
        entry.source_commit_sha256 = digest.clone();
    });
    assert_eq!(blocking(&world, "reference"), []);
    let pin = world.plan_of("reference").steps[0].source.clone();
    assert_eq!(pin.commit_sha256, Some(sha256_of(pin.version, "WRITE")));
    // A region that tells nothing of a commit's content leaves it to the id.
    world.source(COUNTRIES).commits[0].sha256 = None;
    assert_eq!(blocking(&world, "reference"), []);
}

#[test]
fn create_or_replace_is_an_update() {
    let mut world = due();
    world.source(COUNTRIES).commits[1].table_id = Some("replaced".to_owned());
    world.source(COUNTRIES).table_id = "replaced".to_owned();
    world.pin(COUNTRIES).table_id = "replaced".to_owned();
    assert_eq!(blocking(&world, "reference"), []);
}

#[test]
fn a_source_that_lost_most_of_its_rows_is_not_copied_over_the_last_good_replica() {
    let mut world = due();
    world.pin(COUNTRIES).rows = Some(2_499);
    assert_eq!(blocking(&world, "reference"), [FindingCode::SourceShrank]);
    world.pin(COUNTRIES).rows = Some(2_500);
    assert_eq!(blocking(&world, "reference"), []);
    world.pin(COUNTRIES).rows = None;
    assert_eq!(blocking(&world, "reference"), []);
}

#[test]
fn a_table_that_two_groups_name_by_different_names_is_a_duplicate_target() {
    let mut world = World::new();
    let twin = world.table(COUNTRIES).clone();
    world.group("orders").tables.push(twin);
    assert!(blocking(&world, "orders").contains(&FindingCode::DuplicateTarget));
    assert!(blocking(&world, "reference").contains(&FindingCode::DuplicateTarget));
}

#[test]
fn every_finding_has_a_row_in_the_documentation() {
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/planning.md")).unwrap();
    for code in FindingCode::ALL {
        assert!(docs.contains(&format!("| `{}` |", code.as_str())), "{} has no row", code.as_str());
    }
}

#[test]
fn a_table_moved_between_groups_brings_no_lag_with_it() {
    let mut world = World::with(|config| {
        let groups = config["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
        groups[1]["tables"] = serde_json::json!(["main.shop.countries", "main.shop.lines"]);
        groups[0]["tables"] = serde_json::json!(["main.shop.orders"]);
    });
    assert_eq!(world.plan_of("reference").lag_seconds, Some(0));
    world.commit("main.shop.lines", 5, "2026-11-22T10:30:00Z", "WRITE");
    assert_eq!(world.plan_of("reference").lag_seconds, Some(30 * 60));
}
