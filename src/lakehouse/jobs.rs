//! The workflows of an embedded lakehouse: `jobs.json`, in the spellings of Jobs API 2.1 and 2.2.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::described::{self, FileError};
use crate::config::WorkflowRef;
use crate::region::{
    ActiveRun, Deployment, PauseStatus, RegionError, RegionErrorKind, RunState, Workflow,
    WorkflowRun, nearest,
};

/// Name of the workflows' file in a workspace folder.
pub const JOBS_FILE: &str = "jobs.json";

/// What `jobs.json` says; without the file there are no jobs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobsFile {
    /// Every job.
    pub jobs: Vec<JobEntry>,
}

/// A job with its runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobEntry {
    /// Its id.
    pub job_id: i64,
    /// Its name, unless the settings have it.
    pub name: Option<String>,
    /// Whether its schedule is paused; alone it says that there is one.
    pub schedule_paused: Option<bool>,
    /// Its schedule as Databricks writes it.
    pub schedule: Option<Value>,
    /// Its settings as Databricks nests them.
    pub settings: Option<Value>,
    /// Its runs, in any order.
    pub runs: Vec<JobRun>,
}

/// A run of a job; times in milliseconds since 1970.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobRun {
    /// Its id.
    pub run_id: i64,
    /// When it started.
    pub start_time: i64,
    /// When it ended; 0 while it has not.
    pub end_time: i64,
    /// How it ended.
    pub result_state: Option<String>,
    /// How it stands.
    pub life_cycle_state: Option<String>,
    /// Both of the above, nested as in Jobs API 2.1.
    pub state: Option<Value>,
    /// How it stands and ended, as in Jobs API 2.2.
    pub status: Option<Value>,
}

impl JobsFile {
    /// Reads the jobs of a workspace folder, afresh; the refusal names the file and what is wrong with it.
    ///
    /// # Errors
    /// A fragment that names the file, and the run that says a time that is none.
    pub fn read(workspace: &Path) -> Result<JobsFile, FileError> {
        let file = workspace.join(JOBS_FILE);
        let jobs: JobsFile = described::read(&file)?.unwrap_or_default();
        match jobs.impossible_time() {
            None => Ok(jobs),
            Some(what) => Err(FileError::damaged(&file, what)),
        }
    }

    /// The first time of a run that no clock shows.
    fn impossible_time(&self) -> Option<String> {
        let runs = |job: &JobEntry| job.runs.iter().find_map(JobRun::impossible_time);
        self.jobs.iter().find_map(|job| Some(format!("job {}, {}", job.job_id, runs(job)?)))
    }

    /// Finds a workflow by exact name or id, with the runs that are asked for.
    ///
    /// # Errors
    /// `NotFound` with the nearest names; `Conflict` with the ids of all jobs of that name.
    pub fn find(
        &self,
        asked: &WorkflowRef,
        since: Option<DateTime<Utc>>,
    ) -> Result<Workflow, RegionError> {
        let refused = |kind, detail: String| {
            Err(RegionError::new(kind, format!("find the workflow {asked}"), detail))
        };
        let found: Vec<&JobEntry> = match asked {
            WorkflowRef::Id(id) => self.jobs.iter().filter(|job| job.job_id == *id).collect(),
            WorkflowRef::Name(name) => {
                self.jobs.iter().filter(|job| job.name() == Some(name)).collect()
            }
        };
        match found.as_slice() {
            [job] => Ok(job.workflow(since)),
            [] => refused(RegionErrorKind::NotFound, self.not_found(asked)),
            many => {
                let ids: Vec<String> =
                    many.iter().map(|job| format!("id:{}", job.job_id)).collect();
                let detail = format!("{} jobs have this name: {}", many.len(), ids.join(", "));
                refused(RegionErrorKind::Conflict, detail)
            }
        }
    }

    /// What has begun and not ended, newest first.
    pub fn active(&self) -> Vec<ActiveRun> {
        let of_job = |job: &JobEntry| {
            let runs = job.runs.iter().map(JobRun::workflow_run);
            let active = runs.filter(|run| run.state == RunState::Active);
            let told = active.map(|run| ActiveRun {
                job_id: job.job_id,
                name: job.name().unwrap_or_default().to_owned(),
                run_id: run.run_id,
                started_at: run.started_at,
            });
            told.collect::<Vec<_>>()
        };
        let mut all: Vec<ActiveRun> = self.jobs.iter().flat_map(of_job).collect();
        all.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.run_id)));
        all
    }

    fn not_found(&self, asked: &WorkflowRef) -> String {
        let near = match asked {
            WorkflowRef::Name(name) => nearest(name, self.jobs.iter().filter_map(JobEntry::name)),
            WorkflowRef::Id(_) => Vec::new(),
        };
        let shown: Vec<String> = near
            .iter()
            .filter_map(|name| self.jobs.iter().find(|job| job.name() == Some(name)))
            .map(|job| format!("{} (job {})", job.name().unwrap_or_default(), job.job_id))
            .collect();
        match shown.as_slice() {
            [] => "there is no such job".to_owned(),
            shown => format!("there is no such job; nearest: {}", shown.join(", ")),
        }
    }
}

impl JobEntry {
    /// Its name, wherever it is written.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.setting("name")?.as_str())
    }

    fn setting(&self, key: &str) -> Option<&Value> {
        self.settings.as_ref()?.get(key).filter(|value| !value.is_null())
    }

    /// Whether a schedule, trigger or continuous run starts it by itself.
    pub fn pause_status(&self) -> PauseStatus {
        if let Some(paused) = self.schedule_paused {
            return PauseStatus::of([paused]);
        }
        let paused = |starts: &Value| {
            let status = starts.get("pause_status").and_then(Value::as_str);
            status.is_some_and(|status| status.eq_ignore_ascii_case("PAUSED"))
        };
        let own = self.schedule.as_ref().filter(|schedule| schedule.is_object());
        let nested = ["schedule", "trigger", "continuous"].map(|key| self.setting(key));
        PauseStatus::of(own.into_iter().chain(nested.into_iter().flatten()).map(paused))
    }

    fn deployment(&self) -> Option<Deployment> {
        let kind = self.setting("deployment")?.get("kind")?.as_str()?;
        Some(Deployment::of_kind(kind))
    }

    fn workflow(&self, since: Option<DateTime<Utc>>) -> Workflow {
        Workflow {
            job_id: self.job_id,
            name: self.name().unwrap_or_default().to_owned(),
            pause_status: self.pause_status(),
            deployment: self.deployment(),
            runs: Workflow::deciding(self.runs.iter().map(JobRun::workflow_run).collect(), since),
            seen_from: None,
        }
    }
}

impl JobRun {
    fn impossible_time(&self) -> Option<String> {
        let times = [("start_time", self.start_time), ("end_time", self.end_time)];
        let (key, millis) = times
            .into_iter()
            .find(|(_, millis)| DateTime::from_timestamp_millis(*millis).is_none())?;
        Some(format!("run {}: {key} {millis} is no time in milliseconds since 1970", self.run_id))
    }

    fn workflow_run(&self) -> WorkflowRun {
        let state = self.run_state();
        let over = match state {
            RunState::Succeeded | RunState::Failed => true,
            RunState::Active => false,
            RunState::NotBegun => self.end_time > 0,
        };
        // A run that is over and does not say when was over at once: skipped, or refused by the service.
        let ended = if self.end_time > 0 { self.end_time } else { self.start_time };
        WorkflowRun {
            run_id: self.run_id,
            started_at: moment(self.start_time),
            ended_at: over.then(|| moment(ended)),
            state,
        }
    }

    fn run_state(&self) -> RunState {
        let result = self.result().unwrap_or_default().to_uppercase();
        let stands = self.stands().unwrap_or_default().to_uppercase();
        match (stands.as_str(), result.as_str()) {
            ("SKIPPED", _) => RunState::NotBegun,
            (_, "SKIPPED" | "EXCLUDED" | "DISABLED" | "UPSTREAM_CANCELED") => RunState::NotBegun,
            (_, "MAXIMUM_CONCURRENT_RUNS_REACHED" | "MAX_CONCURRENT_RUNS_EXCEEDED") => {
                RunState::NotBegun
            }
            ("QUEUED", _) => RunState::NotBegun,
            ("INTERNAL_ERROR", _) => RunState::Failed,
            _ if self.end_time == 0 && stands != "TERMINATED" => RunState::Active,
            (_, "SUCCESS") => RunState::Succeeded,
            // Everything else that has ended did not succeed, whatever it is called.
            _ => RunState::Failed,
        }
    }

    /// `SUCCESS`, `FAILED` …, wherever it is written.
    fn result(&self) -> Option<&str> {
        let nested = text(&self.state, "/result_state");
        let newer = text(&self.status, "/termination_details/code");
        self.result_state.as_deref().or(nested).or(newer)
    }

    /// `RUNNING`, `TERMINATED` …, wherever it is written.
    fn stands(&self) -> Option<&str> {
        let nested = text(&self.state, "/life_cycle_state").or(text(&self.state, ""));
        self.life_cycle_state.as_deref().or(nested).or(text(&self.status, "/state"))
    }
}

fn text<'a>(value: &'a Option<Value>, pointer: &str) -> Option<&'a str> {
    value.as_ref()?.pointer(pointer)?.as_str()
}

fn moment(millis: i64) -> DateTime<Utc> {
    // Of what was read from a file the times are possible.
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
