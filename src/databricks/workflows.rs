//! Workflows: Databricks jobs by exact name or id, and their runs by when they ended.

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};

use super::client::Client;
use super::refusal::Refusal;
use super::wire::{Job, JobSettings, Jobs, PauseStatus, Run, Runs};
use crate::config::WorkflowRef;
use crate::region::{
    self, ActiveRun, RegionError, RegionErrorKind, RunState, Workflow, WorkflowRun,
};

/// Jobs looked up at once.
const JOBS_AT_ONCE: usize = 8;
/// Runs a page: the service takes less than 25.
const RUNS: &str = "24";
const RUNS_A_PAGE: usize = 24;
/// From so many workflows on, all jobs and all active runs of the workspace are listed.
const LIST_FROM: usize = 8;
/// Runs are listed by start and wanted by end: a run may end this much later than others that started after it.
const LONGEST_RUN: TimeDelta = TimeDelta::hours(24);
/// Pages read of a group's runs where nothing says how far back to look and a success was seen.
const PAGES_WITHOUT_SINCE: usize = 3;
/// The service keeps runs for 60 days; no workflow runs more often than this many pages.
const PAGES_MAX: usize = 1000;

pub(super) async fn workflows(
    client: &Client,
    asked: &[WorkflowRef],
    since: Option<DateTime<Utc>>,
) -> Vec<Result<Workflow, RegionError>> {
    let listed = Listed::of(client, asked.len()).await;
    let looks: Vec<_> = asked
        .iter()
        .map(|asked| workflow(client, &listed, asked, since))
        .collect();
    stream::iter(looks).buffered(JOBS_AT_ONCE).collect().await
}

/// `GET /api/2.2/jobs/runs/list?active_only=true`: the newest pages of what is running, of any job.
pub(super) async fn active(client: &Client) -> Result<Vec<ActiveRun>, Refusal> {
    let runs = pages(client, None, Some("active_only"), |page, _| {
        page >= PAGES_WITHOUT_SINCE
    })
    .await?;
    let active = runs
        .iter()
        .map(|run| (run, read(run)))
        .filter(|(_, read)| read.state == RunState::Active);
    let told = active.map(|(run, read)| ActiveRun {
        job_id: run.job_id,
        name: run.run_name.clone().unwrap_or_default(),
        run_id: read.run_id,
        started_at: read.started_at,
    });
    Ok(told.collect())
}

/// What the workspace's own listings tell of many workflows at once; `None`: each is asked for alone.
#[derive(Default)]
struct Listed {
    jobs: Option<Vec<Job>>,
    active: Option<Vec<Run>>,
}

impl Listed {
    async fn of(client: &Client, asked: usize) -> Listed {
        if asked < LIST_FROM {
            return Listed::default();
        }
        // A listing that is longer than asking one by one is given up.
        let pages_max = asked / 4;
        let (jobs, active) = futures::join!(
            all_jobs(client, pages_max),
            pages(client, None, Some("active_only"), |page, _| page
                > pages_max)
        );
        let whole = |runs: &Vec<Run>| runs.len() <= pages_max * RUNS_A_PAGE;
        Listed {
            jobs,
            active: active.ok().filter(whole),
        }
    }
}

/// `GET /api/2.2/jobs/list`, if it is not longer than so many pages.
async fn all_jobs(client: &Client, pages_max: usize) -> Option<Vec<Job>> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..pages_max {
        let mut query = vec![("limit", "100")];
        query.extend(token.iter().map(|token| ("page_token", token.as_str())));
        let page: Jobs = client
            .get(&["api", "2.2", "jobs", "list"], &query)
            .await
            .ok()?;
        all.extend(page.jobs);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Some(all);
        }
    }
    None
}

async fn workflow(
    client: &Client,
    listed: &Listed,
    asked: &WorkflowRef,
    since: Option<DateTime<Utc>>,
) -> Result<Workflow, RegionError> {
    let found = async {
        let job = match asked {
            WorkflowRef::Name(name) => by_name(client, listed, name).await?,
            WorkflowRef::Id(id) => by_id(client, *id).await?,
        };
        let runs = runs(client, listed, job.job_id, since).await?;
        Ok(Workflow {
            job_id: job.job_id,
            schedule_active: schedule_active(&job.settings),
            name: job.settings.name,
            runs,
        })
    };
    found
        .await
        .map_err(|refusal: Refusal| refusal.doing(format!("look at workflow {asked}")))
}

/// The jobs of a name, compared without case: as listed, else `GET /api/2.2/jobs/list?name=…`.
async fn named(client: &Client, listed: &Listed, name: &str) -> Result<Vec<Job>, Refusal> {
    if let Some(jobs) = &listed.jobs {
        let same = |job: &&Job| job.settings.name.eq_ignore_ascii_case(name);
        return Ok(jobs.iter().filter(same).cloned().collect());
    }
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("name", name), ("limit", "100")];
        query.extend(token.iter().map(|token| ("page_token", token.as_str())));
        let page: Jobs = client.get(&["api", "2.2", "jobs", "list"], &query).await?;
        all.extend(page.jobs);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn by_name(client: &Client, listed: &Listed, name: &str) -> Result<Job, Refusal> {
    let mut found: Vec<Job> = Vec::new();
    let mut near: Option<String> = None;
    for job in named(client, listed, name).await? {
        if job.settings.name == name {
            found.push(job);
        } else if job.settings.name.eq_ignore_ascii_case(name) {
            near = Some(job.settings.name);
        }
    }
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(|job| job.job_id.to_string()).collect();
        let text = format!("{} jobs have this name: {}", found.len(), ids.join(", "));
        return Err(Refusal::new(RegionErrorKind::Conflict, text));
    }
    if let Some(job) = found.pop() {
        return Ok(job);
    }
    let hint = match near.or(nearest(client, name).await) {
        Some(near) => format!("no job that the principal may view has this name; there is {near}"),
        None => "no job that the principal may view has this name".to_owned(),
    };
    Err(Refusal::new(RegionErrorKind::NotFound, hint))
}

/// `GET /api/2.2/jobs/list`: the newest hundred are enough for a slip of the pen.
async fn nearest(client: &Client, name: &str) -> Option<String> {
    let page: Jobs = client
        .get(&["api", "2.2", "jobs", "list"], &[("limit", "100")])
        .await
        .ok()?;
    let jobs = page.jobs.iter().map(|job| job.settings.name.as_str());
    let near = region::nearest(name, jobs);
    near.first().map(|name| (*name).to_owned())
}

/// `GET /api/2.2/jobs/get`.
pub(super) async fn by_id(client: &Client, id: i64) -> Result<Job, Refusal> {
    client
        .get(
            &["api", "2.2", "jobs", "get"],
            &[("job_id", &id.to_string())],
        )
        .await
}

fn schedule_active(settings: &JobSettings) -> bool {
    let JobSettings {
        name: _,
        schedule,
        trigger,
        continuous,
    } = settings;
    let active = |status: &PauseStatus| status.pause_status.as_deref() != Some("PAUSED");
    [schedule, trigger, continuous]
        .into_iter()
        .flatten()
        .any(active)
}

/// `GET /api/2.2/jobs/runs/list`: those that decide something.
async fn runs(
    client: &Client,
    listed: &Listed,
    job_id: i64,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<WorkflowRun>, Refusal> {
    let id = job_id.to_string();
    // A run that began long ago and has not ended may be far down the list.
    let mut seen: Vec<Run> = match &listed.active {
        Some(active) => {
            let own = active.iter().filter(|run| run.job_id == job_id);
            own.cloned().collect()
        }
        None => pages(client, Some(&id), Some("active_only"), |_, _| false).await?,
    };
    let listed = pages(client, Some(&id), None, |page, all| {
        let all: Vec<WorkflowRun> = all.iter().map(read).collect();
        let succeeded = all.iter().any(|run| run.state == RunState::Succeeded);
        let begun = |run: &WorkflowRun| run.ended_at.is_some() && run.state != RunState::NotBegun;
        match since {
            Some(since) => {
                let oldest = all.iter().map(|run| run.started_at).min();
                // One that failed for long is not asked for its last success beyond a few pages.
                all.iter().any(begun)
                    && (succeeded || page >= PAGES_WITHOUT_SINCE)
                    && oldest.is_some_and(|oldest| oldest + LONGEST_RUN < since)
            }
            None => page >= PAGES_WITHOUT_SINCE && succeeded,
        }
    })
    .await?;
    // The later look knows better.
    seen.retain(|run| listed.iter().all(|other| other.run_id != run.run_id));
    seen.extend(listed);
    Ok(Workflow::deciding(seen.iter().map(read).collect(), since))
}

/// Pages of a job's runs, or of all jobs', newest start first, until one is enough.
async fn pages(
    client: &Client,
    job_id: Option<&str>,
    only: Option<&str>,
    enough: impl Fn(usize, &[Run]) -> bool,
) -> Result<Vec<Run>, Refusal> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for page in 1..=PAGES_MAX {
        let mut query = vec![("limit", RUNS), ("expand_tasks", "false")];
        query.extend(job_id.map(|id| ("job_id", id)));
        query.extend(only.map(|only| (only, "true")));
        query.extend(token.iter().map(|token| ("page_token", token.as_str())));
        let answer: Runs = client
            .get(&["api", "2.2", "jobs", "runs", "list"], &query)
            .await?;
        all.extend(answer.runs);
        token = answer.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() || enough(page, &all) {
            break;
        }
    }
    Ok(all)
}

fn read(run: &Run) -> WorkflowRun {
    let state = state(run);
    let moment = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default();
    let ended = match state {
        // A run under repair is active again and may still tell its former end.
        RunState::Active => None,
        RunState::Succeeded | RunState::Failed | RunState::NotBegun if run.end_time > 0 => {
            Some(run.end_time)
        }
        RunState::Succeeded | RunState::Failed => Some(run.start_time + run.run_duration),
        RunState::NotBegun => None,
    };
    WorkflowRun {
        run_id: run.run_id,
        started_at: moment(run.start_time),
        ended_at: ended.map(moment),
        state,
    }
}

/// How a run stands, by both shapes of its state: a success has to be one in each that is there.
fn state(run: &Run) -> RunState {
    let old = run
        .state
        .as_ref()
        .map(|old| by_old(&old.life_cycle_state, old.result_state.as_deref()));
    let new = run.status.as_ref().map(|new| {
        let end = new.termination_details.as_ref();
        by_new(
            &new.state,
            end.map(|end| (end.code.as_str(), end.kind.as_str())),
        )
    });
    match (old, new) {
        (Some(old), Some(new)) if old == new => new,
        (Some(RunState::NotBegun), Some(_)) | (Some(_), Some(RunState::NotBegun)) => {
            RunState::NotBegun
        }
        (Some(RunState::Active), Some(_)) | (Some(_), Some(RunState::Active)) => RunState::Active,
        (Some(_), Some(_)) => RunState::Failed,
        (Some(state), None) | (None, Some(state)) => state,
        (None, None) => RunState::Active,
    }
}

fn by_old(life: &str, result: Option<&str>) -> RunState {
    match (life, result) {
        ("QUEUED" | "SKIPPED", _) => RunState::NotBegun,
        ("TERMINATED", Some("SUCCESS")) => RunState::Succeeded,
        (_, Some("EXCLUDED" | "DISABLED" | "MAXIMUM_CONCURRENT_RUNS_REACHED")) => {
            RunState::NotBegun
        }
        ("TERMINATED" | "INTERNAL_ERROR", _) => RunState::Failed,
        (_, _) => RunState::Active,
    }
}

fn by_new(state: &str, end: Option<(&str, &str)>) -> RunState {
    match (state, end) {
        ("QUEUED", _) => RunState::NotBegun,
        ("TERMINATED", Some(("SUCCESS", _))) => RunState::Succeeded,
        (
            "TERMINATED",
            Some(("SKIPPED" | "DISABLED" | "EXCLUDED" | "MAX_CONCURRENT_RUNS_EXCEEDED", _)),
        ) => RunState::NotBegun,
        ("TERMINATED", Some(("", "SUCCESS"))) => RunState::Succeeded,
        ("TERMINATED", _) => RunState::Failed,
        (_, _) => RunState::Active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: serde_json::Value) -> RunState {
        state(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_success_is_one_in_every_shape_that_is_there() {
        use serde_json::json;
        let success = json!({"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"});
        let partly =
            json!({"life_cycle_state": "TERMINATED", "result_state": "SUCCESS_WITH_FAILURES"});
        let ended = |code: &str| json!({"state": "TERMINATED", "termination_details": {"code": code, "type": "SUCCESS"}});
        assert_eq!(of(json!({"state": success})), RunState::Succeeded);
        assert_eq!(of(json!({"status": ended("SUCCESS")})), RunState::Succeeded);
        assert_eq!(
            of(json!({"state": partly, "status": ended("SUCCESS")})),
            RunState::Failed
        );
        assert_eq!(
            of(json!({"status": ended("SUCCESS_WITH_FAILURES")})),
            RunState::Failed
        );
        assert_eq!(
            of(json!({"status": ended("MAX_CONCURRENT_RUNS_EXCEEDED")})),
            RunState::NotBegun
        );
        assert_eq!(
            of(json!({"state": {"life_cycle_state": "SKIPPED"}})),
            RunState::NotBegun
        );
        assert_eq!(
            of(json!({"state": {"life_cycle_state": "INTERNAL_ERROR"}})),
            RunState::Failed
        );
        assert_eq!(
            of(json!({"state": {"life_cycle_state": "QUEUED"}})),
            RunState::NotBegun
        );
        assert_eq!(
            of(json!({"status": {"state": "WAITING"}})),
            RunState::Active
        );
        assert_eq!(
            of(json!({})),
            RunState::Active,
            "what is not known is taken as running"
        );
    }
}
