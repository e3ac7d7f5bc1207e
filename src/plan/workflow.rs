//! Workflow runs: the moments at which nothing of a group was being written, and what there is to wait for. Pure.

use chrono::{DateTime, Utc};

use super::document::{Reason, ReasonCode};
use crate::moment;
use crate::region::{RunState, Workflow, WorkflowRun};

/// The end of a successful run at which no run was in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CleanEnd {
    /// The workflow's name.
    pub(super) workflow: String,
    /// The run.
    pub(super) run_id: i64,
    /// When it ended.
    pub(super) at: DateTime<Utc>,
}

/// The newest end of a successful run, after `after` and not after `now`, at which no run of any of the workflows was in
/// progress and the latest ended run of each had succeeded.
pub(super) fn newest_clean_end(
    workflows: &[&Workflow],
    after: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<CleanEnd> {
    let mut ends: Vec<CleanEnd> = successes(workflows, after, now)
        .map(|(workflow, run, at)| CleanEnd {
            workflow: workflow.name.clone(),
            run_id: run.run_id,
            at,
        })
        .collect();
    // A run of which nothing is known may have been in progress at any of them.
    if unseen(workflows).is_some() {
        return None;
    }
    ends.sort_by_key(|end| std::cmp::Reverse((end.at, end.run_id)));
    ends.into_iter().find(|end| {
        workflows
            .iter()
            .all(|workflow| !in_progress_at(workflow, end.at) && had_succeeded(workflow, end.at))
    })
}

/// Whether all workflows are idle with a success as their last run; otherwise what there is to wait for.
pub(super) fn idle_after_success(
    workflows: &[&Workflow],
    now: DateTime<Utc>,
) -> Result<(), Reason> {
    idle_as_far_as_seen(workflows, now)?;
    match unseen(workflows) {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

fn idle_as_far_as_seen(workflows: &[&Workflow], now: DateTime<Utc>) -> Result<(), Reason> {
    for workflow in workflows {
        if let Some(run) = active_run(workflow, now) {
            return Err(Reason::new(
                ReasonCode::WorkflowActive,
                format!(
                    "{} run {} is active since {}",
                    workflow.name,
                    run.run_id,
                    moment::text(run.started_at)
                ),
            ));
        }
        match last_ended(workflow, now) {
            None => {
                return Err(Reason::new(
                    ReasonCode::WorkflowNeverSucceeded,
                    format!("{} has no successful run yet", workflow.name),
                ));
            }
            Some((run, at)) if run.state == RunState::Failed => {
                return Err(failed(workflow, run, at, now));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What there is to wait for where older runs are not all known: one of them may have ended last, or at a bad moment.
fn unseen(workflows: &[&Workflow]) -> Option<Reason> {
    let (workflow, from) =
        workflows.iter().find_map(|workflow| Some((workflow, workflow.seen_from?)))?;
    Some(Reason::new(
        ReasonCode::WorkflowRunsOverlap,
        format!(
            "{} has more runs than can be looked at: one that started before {} may have been in progress until lately",
            workflow.name,
            moment::text(from)
        ),
    ))
}

/// What a group waits for whose workflows gave no point.
pub(super) fn waiting_for(
    workflows: &[&Workflow],
    after: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Reason> {
    if successes(workflows, after, now).next().is_some() {
        if let Some(reason) = unseen(workflows) {
            return Some(reason);
        }
        let names: Vec<&str> = workflows.iter().map(|workflow| workflow.name.as_str()).collect();
        return Some(Reason::new(
            ReasonCode::WorkflowRunsOverlap,
            format!(
                "every successful run of {} ended while another was in progress or had failed",
                names.join(", ")
            ),
        ));
    }
    idle_as_far_as_seen(workflows, now).err()
}

fn failed(workflow: &Workflow, run: &WorkflowRun, at: DateTime<Utc>, now: DateTime<Utc>) -> Reason {
    let mut ended: Vec<(&WorkflowRun, DateTime<Utc>)> = ended_runs(workflow, now).collect();
    ended.sort_by_key(|(run, at)| std::cmp::Reverse((*at, run.run_id)));
    let in_a_row = ended.iter().take_while(|(run, _)| run.state == RunState::Failed).count();
    let nth = if in_a_row > 1 { format!(", {in_a_row} failures in a row") } else { String::new() };
    let ever = workflow.runs.iter().any(|run| run.state == RunState::Succeeded);
    let (code, never) = if ever {
        (ReasonCode::WorkflowFailed, "")
    } else {
        (ReasonCode::WorkflowNeverSucceeded, "; no successful run is known")
    };
    Reason::new(
        code,
        format!("{} run {} failed at {}{nth}{never}", workflow.name, run.run_id, moment::text(at)),
    )
}

fn successes<'a>(
    workflows: &'a [&'a Workflow],
    after: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (&'a Workflow, &'a WorkflowRun, DateTime<Utc>)> {
    workflows
        .iter()
        .flat_map(move |workflow| {
            ended_runs(workflow, now).map(move |(run, at)| (*workflow, run, at))
        })
        .filter(move |(_, run, at)| {
            run.state == RunState::Succeeded && after.is_none_or(|after| *at > after)
        })
}

/// The run of a workflow that succeeded last, of those that had ended by `now`: a newer one is what may make a group due.
pub fn newest_success(workflow: &Workflow, now: DateTime<Utc>) -> Option<i64> {
    let workflows = [workflow];
    let newest = successes(&workflows, None, now).max_by_key(|(_, run, at)| (*at, run.run_id));
    newest.map(|(_, run, _)| run.run_id)
}

/// Runs that began and had ended by `now`.
fn ended_runs(
    workflow: &Workflow,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (&WorkflowRun, DateTime<Utc>)> {
    workflow.runs.iter().filter_map(move |run| match run.state {
        RunState::Succeeded | RunState::Failed => {
            run.ended_at.filter(|ended| *ended <= now).map(|ended| (run, ended))
        }
        RunState::Active | RunState::NotBegun => None,
    })
}

fn last_ended(workflow: &Workflow, now: DateTime<Utc>) -> Option<(&WorkflowRun, DateTime<Utc>)> {
    // Of two runs that ended in the same millisecond the failed one counts.
    ended_runs(workflow, now)
        .max_by_key(|(run, at)| (*at, run.state == RunState::Failed, run.run_id))
}

fn had_succeeded(workflow: &Workflow, at: DateTime<Utc>) -> bool {
    last_ended(workflow, at).is_some_and(|(run, _)| run.state == RunState::Succeeded)
}

fn in_progress_at(workflow: &Workflow, at: DateTime<Utc>) -> bool {
    workflow.runs.iter().any(|run| {
        run.state != RunState::NotBegun
            && run.started_at < at
            && run.ended_at.is_none_or(|ended| ended > at)
    })
}

fn active_run(workflow: &Workflow, now: DateTime<Utc>) -> Option<&WorkflowRun> {
    workflow.runs.iter().find(|run| {
        run.state != RunState::NotBegun
            && run.started_at <= now
            && run.ended_at.is_none_or(|ended| ended > now)
    })
}

/// A run of the workflow that has not ended.
pub(super) fn running(workflow: &Workflow, now: DateTime<Utc>) -> Option<&WorkflowRun> {
    active_run(workflow, now)
}
