//! Workflows and their runs. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Databricks job and its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The job's id.
    pub job_id: i64,
    /// The job's name.
    pub name: String,
    /// Whether it starts by itself.
    pub pause_status: PauseStatus,
    /// What keeps its settings, where the service tells: whoever changes them there changes them for as long as that lets.
    pub deployment: Option<Deployment>,
    /// Its runs, newest first by start.
    pub runs: Vec<WorkflowRun>,
    /// Of the runs that started before it not all are known, and one of them may be in progress at any moment; `None`: all are.
    pub seen_from: Option<DateTime<Utc>>,
}

/// Whether a job starts by itself: by its schedule, its trigger, or always.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PauseStatus {
    /// Something starts it.
    Unpaused,
    /// Something would start it, and is paused.
    Paused,
    /// Nothing starts it but people and other jobs.
    Unscheduled,
    /// It is not known.
    Unknown,
}

/// What keeps a job's settings.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    /// A bundle: its target says whether the job is paused, and its next deployment says so again.
    Bundle,
    /// The service itself.
    SystemManaged,
    /// Something that this drsync does not know.
    Other,
}

/// One execution of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The run's id.
    pub run_id: i64,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended; `None` while it has not.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: RunState,
}

/// A run of some job that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRun {
    /// Its job's id.
    pub job_id: i64,
    /// Its job's name, as far as the service tells.
    pub name: String,
    /// The run's id.
    pub run_id: i64,
    /// When it started.
    pub started_at: DateTime<Utc>,
}

impl PauseStatus {
    /// Of everything that may start a job, each whether it is paused: one that is not is enough.
    pub fn of(paused: impl IntoIterator<Item = bool>) -> PauseStatus {
        let mut status = PauseStatus::Unscheduled;
        for paused in paused {
            if !paused {
                return PauseStatus::Unpaused;
            }
            status = PauseStatus::Paused;
        }
        status
    }
}

impl Deployment {
    /// As the service spells it.
    pub fn of_kind(kind: &str) -> Deployment {
        match kind.to_ascii_uppercase().as_str() {
            "BUNDLE" => Deployment::Bundle,
            "SYSTEM_MANAGED" => Deployment::SystemManaged,
            _ => Deployment::Other,
        }
    }
}

impl Workflow {
    /// Of all runs those that decide something, newest first by start: what has not ended or ended after `since`, and of what
    /// ended before the newest, the newest that had begun, and the newest success.
    pub fn deciding(mut runs: Vec<WorkflowRun>, since: Option<DateTime<Utc>>) -> Vec<WorkflowRun> {
        runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.run_id)));
        runs.dedup_by_key(|run| run.run_id);
        let Some(since) = since else { return runs };
        let earlier = |run: &WorkflowRun| run.ended_at.is_some_and(|ended| ended <= since);
        let newest = |fits: fn(RunState) -> bool| {
            let fitting = runs.iter().filter(|run| earlier(run) && fits(run.state));
            let newest = fitting.max_by_key(|run| (run.ended_at, run.run_id));
            newest.map(|run| run.run_id)
        };
        let kept = [
            newest(|_| true),
            newest(|state| state != RunState::NotBegun),
            newest(|state| state == RunState::Succeeded),
        ];
        runs.retain(|run| !earlier(run) || kept.contains(&Some(run.run_id)));
        runs
    }
}

/// How a workflow run stands, as far as a recovery point is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The whole run succeeded.
    Succeeded,
    /// It failed, was canceled, timed out or succeeded with failures.
    Failed,
    /// It has begun and not ended.
    Active,
    /// It never began: skipped, excluded, disabled, over the limit of concurrent runs, or still queued.
    NotBegun,
}
