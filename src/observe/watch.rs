//! The passive watch: what is at work in the secondary's workspace.

use super::spread;
use crate::config::WorkflowRef;
use crate::plan::{Answer, Unwatched, UnwatchedPart, Watch, WorkspaceObserved};
use crate::region::{
    ActiveRun, PauseStatus, RegionErrorKind, Regions, RunState, Workflow, WorkflowRun,
};

/// Looks what is at work in the secondary's workspace: the same workflows, and whatever else is running.
///
/// A workflow is another job in another workspace: it goes by the name that `found` has, because ids do not carry over.
pub(super) async fn watch(
    seen: &WorkspaceObserved,
    regions: &Regions,
    asked: &[WorkflowRef],
    found: &[Answer<Workflow>],
) -> (Vec<Option<Workflow>>, Watch) {
    let presence = seen.secondary.presence.as_ref();
    let watched = presence.is_ok_and(|presence| presence.workspace_unseen.is_none());
    if seen.workspace.secondary.is_none() || !watched {
        return Default::default();
    }
    let names: Vec<WorkflowRef> = asked
        .iter()
        .zip(found)
        .map(|(asked, found)| match found {
            Ok(workflow) => WorkflowRef::Name(workflow.name.clone()),
            Err(_) => asked.clone(),
        })
        .collect();
    let (answers, active) =
        futures::join!(regions.secondary.workflows(&names, None), regions.secondary.active_runs(),);
    let mut watch = Watch::default();
    match active {
        Ok(active) => watch.active = active,
        Err(error) => watch.unseen.push(Unwatched {
            what: UnwatchedPart::Runs,
            message: format!("what runs in the secondary is not known: {error}").into(),
        }),
    }
    let answers = spread(answers, names.len()).into_iter().zip(&names);
    let workflows = answers.map(|(answer, name)| match (answer, name) {
        (Ok(workflow), WorkflowRef::Name(_)) => Some(workflow),
        // An id that the primary does not know names nothing here.
        (_, WorkflowRef::Id(_)) => None,
        (Err(error), WorkflowRef::Name(name)) => match error.kind {
            RegionErrorKind::NotFound => None,
            RegionErrorKind::Conflict => Some(all_of_a_name(name, &watch.active)),
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => {
                let text = format!("whether {name} runs in the secondary is not known: {error}");
                let what = UnwatchedPart::Job { name: name.clone() };
                watch.unseen.push(Unwatched { what, message: text.into() });
                None
            }
        },
    });
    let workflows = workflows.collect();
    (workflows, watch)
}

/// Several jobs of one name as one, with what is running of any of them.
fn all_of_a_name(name: &str, active: &[ActiveRun]) -> Workflow {
    let own = active.iter().filter(|run| run.name == name);
    let runs = own.map(|run| WorkflowRun {
        run_id: run.run_id,
        started_at: run.started_at,
        ended_at: None,
        state: RunState::Active,
    });
    Workflow {
        job_id: 0,
        name: name.to_owned(),
        pause_status: PauseStatus::Unknown,
        deployment: None,
        runs: runs.collect(),
        seen_from: None,
    }
}
