//! The Jobs API 2.2: jobs, runs, and both shapes of a run's state.

use serde::Deserialize;

use super::{lenient, or_default};
use crate::sentence::Sentence;

/// `GET /api/2.2/jobs/list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Jobs {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub jobs: Vec<Job>,
    /// There is another page.
    pub has_more: bool,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A job, from the list and from `GET /api/2.2/jobs/get`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its id.
    #[serde(deserialize_with = "lenient")]
    pub job_id: i64,
    /// Who made it.
    pub creator_user_name: Option<String>,
    /// When, epoch milliseconds.
    #[serde(deserialize_with = "lenient")]
    pub created_time: i64,
    /// The rest.
    pub settings: JobSettings,
}

/// A job's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobSettings {
    /// Its name; several jobs may have the same.
    pub name: String,
    /// By the clock.
    pub schedule: Option<Pausable>,
    /// By files or tables.
    pub trigger: Option<Pausable>,
    /// Always.
    pub continuous: Option<Pausable>,
    /// What keeps the settings.
    pub deployment: Option<JobDeployment>,
}

/// What keeps a job's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobDeployment {
    /// `BUNDLE`, `SYSTEM_MANAGED`, an open set.
    pub kind: Option<String>,
}

/// A schedule, trigger or continuous setting, as far as it may be paused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pausable {
    /// `PAUSED` or `UNPAUSED`; absent: not paused.
    pub pause_status: Option<String>,
    /// Six or seven fields, as Quartz reads them.
    pub quartz_cron_expression: Option<String>,
    /// The zone of the expression.
    pub timezone_id: Option<String>,
}

/// `GET /api/2.2/jobs/runs/list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Runs {
    /// One page of them, newest start first.
    #[serde(deserialize_with = "or_default")]
    pub runs: Vec<Run>,
    /// There is another page.
    pub has_more: bool,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// One run of a job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Its id.
    #[serde(deserialize_with = "lenient")]
    pub run_id: i64,
    /// Its job.
    #[serde(deserialize_with = "lenient")]
    pub job_id: i64,
    /// Its name.
    pub run_name: Option<String>,
    /// Epoch milliseconds.
    #[serde(deserialize_with = "lenient")]
    pub start_time: i64,
    /// Epoch milliseconds; 0 while it runs.
    #[serde(deserialize_with = "lenient")]
    pub end_time: i64,
    /// Milliseconds, where the end is not told.
    #[serde(deserialize_with = "lenient")]
    pub run_duration: i64,
    /// The old shape of its state.
    pub state: Option<RunStateOld>,
    /// The new shape.
    pub status: Option<RunStatus>,
    /// `JOB_RUN` …
    pub run_type: Option<String>,
    /// `PERIODIC` …
    pub trigger: Option<String>,
    /// Its page in the workspace.
    pub run_page_url: Option<String>,
}

/// The old shape of a run's state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunStateOld {
    /// `RUNNING`, `TERMINATED`, `SKIPPED` …
    pub life_cycle_state: String,
    /// `SUCCESS`, `FAILED` …, once it ended.
    pub result_state: Option<String>,
    /// For people.
    pub state_message: Option<Sentence>,
}

/// The new shape of a run's state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunStatus {
    /// `RUNNING`, `TERMINATED` …
    pub state: String,
    /// How it ended.
    pub termination_details: Option<TerminationDetails>,
    /// Why it waits.
    pub queue_details: Option<QueueDetails>,
}

/// How a run ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TerminationDetails {
    /// `SUCCESS`, `SKIPPED` …, an open set.
    pub code: String,
    /// `SUCCESS`, `CLIENT_ERROR` …
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: Option<Sentence>,
}

/// Why a run waits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct QueueDetails {
    /// `MAX_CONCURRENT_RUNS_REACHED` …
    pub code: String,
    /// For people.
    pub message: Option<Sentence>,
}
