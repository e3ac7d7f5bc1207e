//! Workflows and their runs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A Databricks job and its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The job's id.
    pub job_id: i64,
    /// The job's name.
    pub name: String,
    /// It has a schedule that is not paused.
    pub schedule_active: bool,
    /// Its runs, newest first by start.
    pub runs: Vec<WorkflowRun>,
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
