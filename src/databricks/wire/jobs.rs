//! The Jobs API 2.2: jobs, runs, and both shapes of a run's state.

use serde::{Deserialize, Serialize};

use super::{is_zero, lenient, or_default};
use crate::sentence::Sentence;

/// `GET /api/2.2/jobs/list`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Jobs {
    /// One page of them.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Job>,
    /// There is another page.
    pub has_more: bool,
    /// The next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A job, from the list and from `GET /api/2.2/jobs/get`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its id.
    #[serde(deserialize_with = "lenient")]
    pub job_id: i64,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_user_name: Option<String>,
    /// When, epoch milliseconds.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "is_zero")]
    pub created_time: i64,
    /// The rest.
    pub settings: JobSettings,
}

/// A job's settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobSettings {
    /// Its name; several jobs may have the same.
    pub name: String,
    /// By the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<PauseStatus>,
    /// By files or tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<PauseStatus>,
    /// Always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuous: Option<PauseStatus>,
    /// What keeps the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<JobDeployment>,
}

/// What keeps a job's settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobDeployment {
    /// `BUNDLE`, `SYSTEM_MANAGED`, an open set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A schedule, trigger or continuous setting, as far as it may be paused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseStatus {
    /// `PAUSED` or `UNPAUSED`; absent: not paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_status: Option<String>,
    /// Six or seven fields, as Quartz reads them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quartz_cron_expression: Option<String>,
    /// The zone of the expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone_id: Option<String>,
}

/// `GET /api/2.2/jobs/runs/list`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Runs {
    /// One page of them, newest start first.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// There is another page.
    pub has_more: bool,
    /// The next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// One run of a job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Its id.
    #[serde(deserialize_with = "lenient")]
    pub run_id: i64,
    /// Its job.
    #[serde(deserialize_with = "lenient")]
    pub job_id: i64,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// Epoch milliseconds.
    #[serde(deserialize_with = "lenient")]
    pub start_time: i64,
    /// Epoch milliseconds; 0 while it runs.
    #[serde(deserialize_with = "lenient")]
    pub end_time: i64,
    /// Milliseconds, where the end is not told.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "is_zero")]
    pub run_duration: i64,
    /// The old shape of its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RunStateOld>,
    /// The new shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// `JOB_RUN` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_type: Option<String>,
    /// `PERIODIC` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Its page in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_page_url: Option<String>,
}

/// The old shape of a run's state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStateOld {
    /// `RUNNING`, `TERMINATED`, `SKIPPED` …
    pub life_cycle_state: String,
    /// `SUCCESS`, `FAILED` …, once it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_state: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_message: Option<Sentence>,
}

/// The new shape of a run's state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStatus {
    /// `RUNNING`, `TERMINATED` …
    pub state: String,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_details: Option<TerminationDetails>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_details: Option<QueueDetails>,
}

/// How a run ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminationDetails {
    /// `SUCCESS`, `SKIPPED` …, an open set.
    pub code: String,
    /// `SUCCESS`, `CLIENT_ERROR` …
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Sentence>,
}

/// Why a run waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueDetails {
    /// `MAX_CONCURRENT_RUNS_REACHED` …
    pub code: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Sentence>,
}
