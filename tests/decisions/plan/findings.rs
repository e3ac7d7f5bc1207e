//! Every finding, from a world in which one thing is wrong.

use drsync::config::WorkspaceAddress;
use drsync::ledger::Status;
use drsync::plan::{
    ConfiguredIn, Decision, FindingCode, LedgerAction, Needed, SecretSeen, Severity, Unwatched,
    UnwatchedPart, WarningCode, Watch,
};
use drsync::region::{
    ActiveRun, Denied, Deployment, Lack, Mark, PauseStatus, Privilege, RegionError,
    RegionErrorKind, Repair, RunState, SecurableKind, Unclonable, Workflow, WorkflowRun,
    WriteAccess,
};

use super::moves::entry;
use super::world::{COUNTRIES, World, at, replica_commit, sha256_of, table};

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
    assert_eq!(plan.workspaces[0].rows[0].after.current_sync_status, Some(Status::Failed));
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
fn a_sync_location_that_is_not_covered_or_not_writable_blocks_every_group() {
    let mut world = World::new();
    world.workspace().write_access = Some(Err(refusal(RegionErrorKind::NotFound)));
    assert_eq!(blocking(&world, "orders"), [FindingCode::LocationNotFound]);
    let denied = Denied { message: "read-only".into(), remedy: None };
    world.workspace().write_access = Some(Ok(WriteAccess::Refused(denied)));
    assert_eq!(blocking(&world, "reference"), [FindingCode::LocationNotWritable]);
}

#[test]
fn a_primary_that_is_away_blocks_everything_and_changes_no_row() {
    let mut world = World::new();
    world.workspace().primary.presence = Err(refusal(RegionErrorKind::Unavailable));
    assert_eq!(blocking(&world, "orders"), [FindingCode::PrimaryNotAvailable]);
    let plan = world.plan();
    assert!(!plan.applyable);
    assert!(plan.workspaces[0].rows.is_empty());
}

#[test]
fn a_secondary_that_is_away_blocks_what_is_due_and_nothing_else() {
    let mut world = due();
    world.workspace().secondary.presence = Err(refusal(RegionErrorKind::Unavailable));
    world.workspace().secondary.ledger = Err(refusal(RegionErrorKind::Unavailable));
    world.table(COUNTRIES).replica = None;
    assert_eq!(blocking(&world, "reference"), [FindingCode::SecondaryNotAvailable]);
    assert_eq!(world.plan_of("orders").decision, Decision::UpToDate);
    let plan = world.plan();
    let row = &plan.workspaces[0].rows[0].after;
    assert_eq!(row.message, Some("secondary region not available".into()));
    assert_eq!(plan.workspaces[0].metadata[1].action, LedgerAction::None);
    assert_eq!(plan.workspaces[0].metadata[0].rows_to_change, ["reference"]);
}

#[test]
fn whatever_else_runs_in_the_secondary_and_what_could_not_be_seen_there_is_a_warning() {
    let mut world = World::with(|config| {
        config["workspaces"][0]["secondary_workspace_instance_url"] =
            serde_json::json!("/world/west");
        config["workspaces"][0]["secondary_workspace_name"] = serde_json::json!("west");
    });
    world.workspace().watch = Some(Watch {
        active: vec![ActiveRun {
            job_id: 9,
            name: "someone_elses_job".to_owned(),
            run_id: 4,
            started_at: at("2026-11-22T10:30:00Z"),
        }],
        unseen: vec![Unwatched {
            what: UnwatchedPart::Job { name: "orders_job".to_owned() },
            message: "whether orders_job runs in the secondary is not known: 503".into(),
        }],
    });
    assert_eq!(blocking(&world, "orders"), []);
    let warnings = world.plan().warnings;
    let said: Vec<(WarningCode, String)> =
        warnings.iter().map(|warning| (warning.code, warning.message.to_string())).collect();
    assert!(
        said.contains(&(
            WarningCode::SecondaryWorkflowActive,
            "active in the secondary: someone_elses_job run 4 since 2026-11-22T10:30:00.000Z"
                .to_owned()
        )),
        "{said:?}"
    );
    assert!(
        said.contains(&(
            WarningCode::SecondaryWorkspaceNotSeen,
            "whether orders_job runs in the secondary is not known: 503".to_owned()
        )),
        "{said:?}"
    );
}

#[test]
fn drsync_itself_is_said_to_die_with_the_primary_where_it_runs_as_a_job_of_it() {
    let warned = |address: &str, here: Option<&str>| {
        let mut world = World::new();
        world.workspace().workspace.address =
            WorkspaceAddress::Databricks(address.parse().unwrap());
        world.request.runs_in = here.map(|here| here.parse().unwrap());
        let plan = world.plan();
        plan.warnings.iter().any(|warning| warning.code == WarningCode::DiesWithPrimary)
    };
    let east = "https://adb-111.azuredatabricks.net";
    assert!(warned(east, Some(east)));
    assert!(warned(east, Some("https://ADB-111.azuredatabricks.net/?o=111")));
    assert!(!warned(east, Some("https://adb-222.azuredatabricks.net")));
    assert!(!warned(east, None));
}

#[test]
fn whatever_is_needed_on_the_day_and_lies_in_the_primary_is_told() {
    let needed = |change: &dyn Fn(&mut World)| {
        let mut world = World::new();
        change(&mut world);
        let plan = world.plan();
        let codes = plan.warnings.iter().map(|warning| warning.code);
        let told = codes.filter(|code| *code == WarningCode::DiesWithPrimary).count();
        assert_eq!(told, plan.workspaces[0].needed.len());
        plan.workspaces[0].needed.clone()
    };
    let read_in = |folder: &str| {
        let folder = ConfiguredIn::Folder(folder.into());
        needed(&|world| world.request.configured_in = folder.clone())
    };
    assert_eq!(read_in("/world"), []);
    assert_eq!(read_in("/world/west"), []);
    assert_eq!(read_in("/world/eastern"), []);
    let source = "drsync.json".to_owned();
    for folder in ["/world/east", "/world/east/dr", "/world/east/sync/dr"] {
        assert_eq!(read_in(folder), [Needed::Configuration { source: source.clone() }]);
    }
    let in_workspace = |host: &str| {
        let place = ConfiguredIn::Workspace(host.parse().unwrap());
        needed(&|world| {
            let east = "https://adb-111.azuredatabricks.net".parse().unwrap();
            world.workspace().workspace.address = WorkspaceAddress::Databricks(east);
            world.request.configured_in = place.clone();
        })
    };
    assert_eq!(in_workspace("https://adb-222.azuredatabricks.net"), []);
    let east = in_workspace("https://adb-111.azuredatabricks.net/?o=1");
    assert_eq!(east, [Needed::Configuration { source }]);
    let signed_with = |file: &str, runs_in: Option<&str>| {
        needed(&|world| {
            if let Some(host) = runs_in {
                let east = "https://adb-111.azuredatabricks.net".parse().unwrap();
                world.workspace().workspace.address = WorkspaceAddress::Databricks(east);
                world.request.runs_in = Some(host.parse().unwrap());
            }
            world.request.signing_key = Some(file.into());
        })
    };
    let key = |file: &str| Needed::SigningKey { file: file.to_owned() };
    assert_eq!(signed_with("/keys/runner.key", None), []);
    assert_eq!(signed_with("/world/west/runner.key", None), []);
    let inside = "/world/east/sync/runner.key";
    assert_eq!(signed_with(inside, None), [key(inside)]);
    // Whatever lies on a machine of the primary is gone with it.
    let here = signed_with("/keys/runner.key", Some("https://adb-111.azuredatabricks.net"));
    assert_eq!(here, [Needed::Runner, key("/keys/runner.key")]);
    let there = signed_with("/keys/runner.key", Some("https://adb-222.azuredatabricks.net"));
    assert_eq!(there, []);
    let secret =
        |name: &str, primary, secondary| SecretSeen { name: name.to_owned(), primary, secondary };
    let secrets = needed(&|world| {
        world.workspace().secrets = Some(vec![
            secret("smtp", true, false),
            secret("both", true, true),
            secret("hook", true, false),
            secret("west", false, true),
            secret("nowhere", false, false),
        ]);
    });
    let names = ["hook", "smtp"].map(str::to_owned).to_vec();
    assert_eq!(secrets, [Needed::Secrets { names }]);
}

#[test]
fn a_workflow_that_runs_in_the_secondary_blocks_its_group() {
    let mut world = World::new();
    let run = WorkflowRun {
        run_id: 1,
        started_at: at("2026-11-22T10:30:00Z"),
        ended_at: None,
        state: RunState::Active,
    };
    world.group("orders").workflows_in_secondary = vec![Workflow {
        job_id: 1,
        name: "orders_job".to_owned(),
        pause_status: PauseStatus::Unpaused,
        deployment: Some(Deployment::Bundle),
        runs: vec![run],
        seen_from: None,
    }];
    assert_eq!(blocking(&world, "orders"), [FindingCode::WorkflowActiveInSecondary]);
    let warnings = world.plan().warnings;
    assert!(warnings.iter().any(|warning| warning.code == WarningCode::SecondaryWorkflowActive));
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
fn two_truths_in_the_cut_log_are_told_and_never_decided() {
    let mut world = World::new();
    let cuts =
        &mut world.workspace().secondary.ledger.as_mut().unwrap().cuts.as_mut().unwrap().cuts;
    cuts.iter_mut().rfind(|cut| cut.group_name == "reference").unwrap().run_id =
        "another".to_owned();
    world.merge();
    assert_eq!(blocking(&world, "reference"), [FindingCode::LedgerDiverged]);
    assert_eq!(blocking(&world, "orders"), []);
}

/// A run record that tells of a group's cut.
fn record(group: &str, cut: u64) -> drsync::plan::CutsTold<'_> {
    let run_id = "01JDA2C7000000000000000000";
    drsync::plan::CutsTold {
        run_id,
        groups: vec![(group, Some(cut))],
        newest: None,
        roles: None,
        whole_look: None,
    }
}

#[test]
fn a_cut_that_only_a_record_tells_of_blocks_its_group_and_its_number_is_not_given_again() {
    let mut world = World::new();
    let newest = |world: &mut World| {
        let cuts = &world.workspace().ledger.cuts;
        cuts.newest("orders").unwrap().cut_number
    };
    let last = newest(&mut world);
    let tell = |world: &mut World, cut: u64| {
        let mut told = drsync::plan::Witnessed::default();
        assert!(told.take_in(&record("orders", cut)));
        world.workspace().witnessed = told;
    };
    tell(&mut world, last);
    assert_eq!(blocking(&world, "orders"), []);
    tell(&mut world, last + 2);
    assert_eq!(blocking(&world, "orders"), [FindingCode::LedgerLost]);
    assert_eq!(blocking(&world, "reference"), []);
    world.accept("ledger_lost", "orders");
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.reason);
    assert_eq!(plan.next_cut(), last + 3);
    assert!(plan.recovery_point > plan.last_cut.map(|cut| cut.recovery_point));
    // No number that lies millions beyond the log was ever given: it is told and takes none from the group.
    let mut world = World::new();
    tell(&mut world, last + 5_000_000);
    assert_eq!(blocking(&world, "orders"), []);
    let plan = world.plan();
    let mut told = plan.warnings.iter();
    let told = told.find(|it| it.code == drsync::plan::WarningCode::RecordNotBelieved).unwrap();
    let said = told.message.to_string();
    for part in ["01JDA2C7000000000000000000.run.json", "of orders", "is not believed"] {
        assert!(said.contains(part), "{said}");
    }
    // A log that could not be read is not judged.
    let mut world = World::new();
    tell(&mut world, last + 2);
    world.workspace().secondary.ledger = Err(refusal(RegionErrorKind::Unavailable));
    assert!(!blocking(&world, "orders").contains(&FindingCode::LedgerLost));
}

#[test]
fn a_row_or_marks_tell_of_cuts_that_are_gone_unless_an_attempt_explains_them() {
    let mut world = World::new();
    let newest = world.workspace().ledger.cuts.newest("orders").cloned().unwrap();
    let end = newest.committed_at;
    let row = |world: &mut World, later: i64, status: Option<Status>| {
        let rows = &mut world.workspace().ledger.rows;
        let row = rows.get_mut("orders").unwrap();
        row.sync_end_timestamp = Some(end + chrono::TimeDelta::seconds(later));
        row.current_sync_status = status;
    };
    row(&mut world, 0, Some(Status::Success));
    assert_eq!(blocking(&world, "orders"), []);
    row(&mut world, 1, Some(Status::Success));
    assert_eq!(blocking(&world, "orders"), [FindingCode::LedgerLost]);
    // No cut at all, and replicas that were synchronized: an attempt that failed may have cloned them.
    for (status, lost) in
        [(None, true), (Some(Status::InProgress), false), (Some(Status::Failed), false)]
    {
        let mut world = World::new();
        for region in ["primary", "secondary"] {
            let workspace = world.workspace();
            let region = match region {
                "primary" => &mut workspace.primary,
                _ => &mut workspace.secondary,
            };
            let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
            cuts.cuts.retain(|cut| cut.group_name != "orders");
        }
        world.merge();
        let row = world.workspace().ledger.rows.get_mut("orders").unwrap();
        row.sync_end_timestamp = None;
        row.current_sync_status = status;
        let found = blocking(&world, "orders").contains(&FindingCode::LedgerLost);
        assert_eq!(found, lost, "{status:?}");
    }
}

#[test]
fn a_sync_location_of_another_workspace_is_not_ours() {
    let mut world = World::new();
    world.workspace().secondary.ledger.as_mut().unwrap().cuts.as_mut().unwrap().workspace =
        Some("north".to_owned());
    assert_eq!(blocking(&world, "reference"), [FindingCode::LedgerNotOurs]);
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

#[test]
fn that_there_is_no_secondary_workspace_is_told_where_it_is_asked_and_not_on_purpose() {
    let told = |world: &World| {
        let warnings = world.plan().warnings;
        warnings.iter().any(|it| it.code == WarningCode::SecondaryWorkspaceMissing)
    };
    let mut world = World::new();
    assert!(!told(&world), "a plan of every day");
    world.request.set_up = true;
    assert!(told(&world), "validate");
    let mut on_purpose = World::with(|config| {
        config["workspaces"][0]["no_secondary_workspace"] = "replicas are read by path".into();
    });
    on_purpose.request.set_up = true;
    assert!(!told(&on_purpose));
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
