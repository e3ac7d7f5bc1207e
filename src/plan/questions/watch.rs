//! The passive watch: what is at work in the secondary's workspace. Pure.

use std::collections::{HashMap, HashSet};

use super::one_each;
use crate::config::WorkflowRef;
use crate::plan::observed::{Answer, GroupObserved, Watch, WorkspaceObserved};
use crate::plan::unwatched::{Unwatched, UnwatchedPart};
use crate::region::{
    ActiveRun, PauseStatus, RegionError, RegionErrorKind, RunState, Workflow, WorkflowRun,
};

/// What the secondary's workspace said.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchAnswers {
    /// Of each workflow that was asked for, in their order.
    pub workflows: Vec<(WorkflowRef, Answer<Workflow>)>,
    /// What runs there, of whatever job.
    pub active: Answer<Vec<ActiveRun>>,
}

/// The workflows that are looked for in the secondary's workspace, where one is configured and can be seen.
pub(super) fn questions(seen: &WorkspaceObserved) -> Option<Vec<WorkflowRef>> {
    let configured = seen.workspace.secondary.is_some() && seen.primary.refusal().is_none();
    if !configured || seen.watch.is_some() || !seen.sees_workspace_of_secondary() {
        return None;
    }
    let mut known = HashSet::new();
    let names = seen.groups.iter().flat_map(names_there);
    Some(names.filter(|name| known.insert(name.clone())).collect())
}

/// What the workflows of a group are called in the secondary, in their order: a workflow is another job in another workspace, and
/// goes by the name that the primary has, because ids do not carry over.
fn names_there(group: &GroupObserved) -> impl Iterator<Item = WorkflowRef> {
    let asked = group.valid().into_iter().flat_map(|valid| &valid.workflows);
    asked.zip(&group.workflows).map(|(asked, found)| match found {
        Ok(workflow) => WorkflowRef::Name(workflow.name.clone()),
        Err(_) => asked.clone(),
    })
}

impl WatchAnswers {
    /// Puts answers at the workflows that they are about.
    pub fn of(
        asked: &[WorkflowRef],
        workflows: Result<Vec<Answer<Workflow>>, RegionError>,
        active: Answer<Vec<ActiveRun>>,
    ) -> WatchAnswers {
        let workflows = one_each(workflows, asked.len());
        WatchAnswers { workflows: asked.iter().cloned().zip(workflows).collect(), active }
    }
}

impl WorkspaceObserved {
    /// Whether the secondary's workspace can be seen.
    pub(super) fn sees_workspace_of_secondary(&self) -> bool {
        self.secondary.presence.as_ref().is_ok_and(|it| it.workspace_unseen.is_none())
    }

    /// Writes down what is at work in the secondary's workspace.
    pub(super) fn take_watch(&mut self, answers: WatchAnswers) {
        let mut watch = Watch::default();
        match answers.active {
            Ok(active) => watch.active = active,
            Err(error) => watch.unseen.push(Unwatched {
                what: UnwatchedPart::Runs,
                message: format!("what runs in the secondary is not known: {error}").into(),
            }),
        }
        let there = answers.workflows.into_iter().filter_map(|(name, answer)| {
            let found = found_there(&name, answer, &watch.active).unwrap_or_else(|unseen| {
                watch.unseen.push(unseen);
                None
            })?;
            Some((name, found))
        });
        let there: HashMap<WorkflowRef, Workflow> = there.collect();
        for group in &mut self.groups {
            let found = names_there(group).filter_map(|name| there.get(&name).cloned());
            group.workflows_in_secondary = found.collect();
        }
        self.watch = Some(watch);
    }
}

/// The workflow of a name in the secondary; `None`: there is none.
fn found_there(
    name: &WorkflowRef,
    answer: Answer<Workflow>,
    active: &[ActiveRun],
) -> Result<Option<Workflow>, Unwatched> {
    match (answer, name) {
        (Ok(workflow), WorkflowRef::Name(_)) => Ok(Some(workflow)),
        // An id that the primary does not know names nothing here.
        (_, WorkflowRef::Id(_)) => Ok(None),
        (Err(error), WorkflowRef::Name(name)) => match error.kind {
            RegionErrorKind::NotFound => Ok(None),
            RegionErrorKind::Conflict => Ok(Some(all_of_a_name(name, active))),
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => {
                let text = format!("whether {name} runs in the secondary is not known: {error}");
                let what = UnwatchedPart::Job { name: name.clone() };
                Err(Unwatched { what, message: text.into() })
            }
        },
    }
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
