//! The jobs that a group names, as they stand at both sides: whoever fails over needs them when one side tells nothing any more.
//! Pure.

use chrono::{DateTime, Utc};

use super::job::JobSeen;
use super::observed::{Answer, GroupObserved, WorkspaceObserved};
use super::role::Role;
use crate::config::{GroupEntry, WorkflowRef};
use crate::region::{PauseStatus, RegionErrorKind, Workflow};

/// The jobs of a group at both sides; of a side that was not asked nothing is told.
pub(super) fn of_group(workspace: &WorkspaceObserved, seen: &GroupObserved) -> Vec<JobSeen> {
    let GroupEntry::Valid(group) = &seen.entry else {
        return Vec::new();
    };
    if workspace.primary.refusal().is_some() {
        return Vec::new();
    }
    let asked = group.workflows.iter().zip(&seen.workflows);
    let mut jobs: Vec<JobSeen> =
        asked.map(|(asked, found)| at_home(workspace, asked, found)).collect();
    let presence = workspace.secondary.presence.as_ref();
    if workspace.workspace.secondary.is_some() && presence.is_ok() {
        let there: Vec<JobSeen> = jobs.iter().map(|job| elsewhere(workspace, seen, job)).collect();
        jobs.extend(there);
    }
    jobs.sort();
    jobs.dedup();
    jobs
}

fn at_home(
    workspace: &WorkspaceObserved,
    asked: &WorkflowRef,
    found: &Answer<Workflow>,
) -> JobSeen {
    let at = workspace.primary.observed_at;
    match found {
        Ok(workflow) => of_side(Role::Primary, workflow, at),
        Err(error) => JobSeen {
            side: Role::Primary,
            name: asked.to_string(),
            job_id: None,
            pause_status: (error.kind != RegionErrorKind::NotFound).then_some(PauseStatus::Unknown),
            deployment: None,
            at,
        },
    }
}

/// The job of the same name at the other side.
fn elsewhere(workspace: &WorkspaceObserved, seen: &GroupObserved, job: &JobSeen) -> JobSeen {
    let at = workspace.secondary.observed_at;
    let mut there = seen.workflows_in_secondary.iter();
    if let Some(workflow) = there.find(|workflow| workflow.name == job.name) {
        return of_side(Role::Secondary, workflow, at);
    }
    let presence = workspace.secondary.presence.as_ref();
    let unseen = presence.is_ok_and(|presence| presence.workspace_unseen.is_some());
    // What could not be seen is not told of a single job: then it may be this one.
    let known = !unseen && workspace.watch.iter().all(|watch| watch.unseen.is_empty());
    JobSeen {
        side: Role::Secondary,
        name: job.name.clone(),
        job_id: None,
        pause_status: (!known).then_some(PauseStatus::Unknown),
        deployment: None,
        at,
    }
}

fn of_side(side: Role, workflow: &Workflow, at: DateTime<Utc>) -> JobSeen {
    let Workflow { job_id, name, pause_status, deployment, runs: _, seen_from: _ } = workflow;
    JobSeen {
        side,
        name: name.clone(),
        // Several of one name have none of their own.
        job_id: Some(*job_id).filter(|id| *id != 0),
        pause_status: Some(*pause_status),
        deployment: *deployment,
        at,
    }
}
