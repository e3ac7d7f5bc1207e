//! The jobs that a group names, as a plan tells of them at both sides.

use drsync::plan::{JobSeen, Role, Unwatched, UnwatchedPart};
use drsync::region::{Deployment, PauseStatus, RegionError, RegionErrorKind, Workflow};

use super::world::World;

fn with_a_secondary_workspace() -> World {
    World::with(|config| {
        let workspace = &mut config["workspaces"][0];
        workspace["secondary_workspace_instance_url"] = "/world/west".into();
        workspace["secondary_workspace_name"] = "west".into();
    })
}

fn there(pause_status: PauseStatus, job_id: i64) -> Workflow {
    Workflow {
        job_id,
        name: "orders_job".to_owned(),
        pause_status,
        deployment: Some(Deployment::Bundle),
        runs: vec![],
        seen_from: None,
    }
}

fn told(world: &World) -> Vec<(Role, String, Option<i64>, Option<PauseStatus>)> {
    let jobs = world.plan_of("orders").jobs.into_iter();
    jobs.map(|JobSeen { side, name, job_id, pause_status, deployment: _, at: _ }| {
        (side, name, job_id, pause_status)
    })
    .collect()
}

fn at_home() -> (Role, String, Option<i64>, Option<PauseStatus>) {
    (Role::Primary, "orders_job".to_owned(), Some(7), Some(PauseStatus::Unscheduled))
}

fn elsewhere(
    id: Option<i64>,
    status: Option<PauseStatus>,
) -> (Role, String, Option<i64>, Option<PauseStatus>) {
    (Role::Secondary, "orders_job".to_owned(), id, status)
}

#[test]
fn a_job_is_told_of_at_both_sides_with_what_keeps_its_settings() {
    let mut world = with_a_secondary_workspace();
    world.group("orders").workflows_in_secondary = vec![there(PauseStatus::Paused, 70)];
    assert_eq!(told(&world), [at_home(), elsewhere(Some(70), Some(PauseStatus::Paused))]);
    let jobs = world.plan_of("orders").jobs;
    assert_eq!(jobs[1].deployment, Some(Deployment::Bundle));
}

#[test]
fn a_job_that_the_other_side_lacks_is_told_as_that_and_one_that_could_not_be_seen_as_that() {
    let mut world = with_a_secondary_workspace();
    assert_eq!(told(&world), [at_home(), elsewhere(None, None)]);
    world.workspace().watch.as_mut().unwrap().unseen.push(Unwatched {
        what: UnwatchedPart::Job { name: "orders_job".to_owned() },
        message: "whether orders_job runs there is not known".into(),
    });
    assert_eq!(told(&world), [at_home(), elsewhere(None, Some(PauseStatus::Unknown))]);
}

#[test]
fn several_jobs_of_one_name_have_no_id() {
    let mut world = with_a_secondary_workspace();
    world.group("orders").workflows_in_secondary = vec![there(PauseStatus::Unknown, 0)];
    assert_eq!(told(&world), [at_home(), elsewhere(None, Some(PauseStatus::Unknown))]);
}

#[test]
fn a_side_that_was_not_asked_tells_nothing() {
    assert_eq!(told(&World::new()), [at_home()], "there is no workspace in the secondary");
    let mut world = World::new();
    let away = RegionError::new(RegionErrorKind::Unavailable, "look", "no answer");
    world.workspace().primary.presence = Err(away);
    assert_eq!(told(&world), []);
}
