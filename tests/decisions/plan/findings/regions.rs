//! What is found of a region as a whole, and what would be missed with one of them.

use drsync::config::WorkspaceAddress;
use drsync::plan::{
    ConfiguredIn, Decision, FindingCode, GoneWithPrimary, LedgerAction, SecretSeen, Unwatched,
    UnwatchedPart, WarningCode, Watch,
};
use drsync::region::{
    ActiveRun, Denied, Deployment, PauseStatus, RegionErrorKind, RunState, Workflow, WorkflowRun,
    WriteAccess,
};

use super::super::world::{COUNTRIES, World, at};
use super::{blocking, due, refusal};

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
        assert_eq!(read_in(folder), [GoneWithPrimary::Configuration { source: source.clone() }]);
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
    assert_eq!(east, [GoneWithPrimary::Configuration { source }]);
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
    let key = |file: &str| GoneWithPrimary::SigningKey { file: file.to_owned() };
    assert_eq!(signed_with("/keys/runner.key", None), []);
    assert_eq!(signed_with("/world/west/runner.key", None), []);
    let inside = "/world/east/sync/runner.key";
    assert_eq!(signed_with(inside, None), [key(inside)]);
    // Whatever lies on a machine of the primary is gone with it.
    let here = signed_with("/keys/runner.key", Some("https://adb-111.azuredatabricks.net"));
    assert_eq!(here, [GoneWithPrimary::Runner, key("/keys/runner.key")]);
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
    assert_eq!(secrets, [GoneWithPrimary::Secrets { names }]);
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
