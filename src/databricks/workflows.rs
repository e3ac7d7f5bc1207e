//! Workflows: Databricks jobs by exact name or id, and their runs by when they ended.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};

use super::client::Client;
use super::pages::{each_page, every_item};
use super::refusal::Refusal;
use super::wire::{Job, JobSettings, Jobs, Run, Runs};
use crate::config::WorkflowRef;
use crate::region::{
    self, ActiveRun, Deployment, PauseStatus, RegionError, RegionErrorKind, RunState, Workflow,
    WorkflowRun,
};

/// Jobs looked up at once.
const JOBS_AT_ONCE: usize = 8;
/// Runs a page: the service takes less than 25.
const RUNS: &str = "24";
const RUNS_A_PAGE: usize = 24;
/// From so many workflows on, all jobs and all active runs of the workspace are listed.
const LIST_FROM: usize = 8;
/// Runs are listed by start and wanted by end: where nothing can be decided yet, a run is expected to end no later than this
/// after others that started after it.
const LONGEST_RUN: TimeDelta = TimeDelta::hours(24);
/// The newest pages of a job's runs, which are read one after the other.
const NEWEST_PAGES: usize = 3;
/// The service keeps runs for 60 days; its clock may not be ours.
const KEPT: TimeDelta = TimeDelta::days(61);
/// Pages that are read of one job's runs: at this many it ran every four minutes for as long as runs are kept.
const RUN_PAGES_MAX: usize = 1_000;
/// Pages that are read further back, of all jobs together, where no success asks for it yet: planning goes on every half hour.
const IDLE_PAGES_MAX: usize = 100;
/// Spans of time in which the older runs of a job are read, at once.
const SPANS_MAX: i64 = 8;

const JOBS_LIST: [&str; 4] = ["api", "2.2", "jobs", "list"];
const RUNS_LIST: [&str; 5] = ["api", "2.2", "jobs", "runs", "list"];

pub(super) async fn workflows(
    client: &Client,
    asked: &[WorkflowRef],
    since: Option<DateTime<Utc>>,
) -> Vec<Result<Workflow, RegionError>> {
    let listed = Listed::of(client, asked.len()).await;
    let idle_pages = AtomicUsize::new(IDLE_PAGES_MAX);
    let looks: Vec<_> =
        asked.iter().map(|asked| workflow(client, &listed, &idle_pages, asked, since)).collect();
    stream::iter(looks).buffered(JOBS_AT_ONCE).collect().await
}

/// `GET /api/2.2/jobs/runs/list?active_only=true`: the newest pages of what is running, of any job.
pub(super) async fn active(client: &Client) -> Result<Vec<ActiveRun>, Refusal> {
    let (runs, _) = pages(client, &[("active_only", "true")], NEWEST_PAGES).await?;
    let active =
        runs.iter().map(|run| (run, read(run))).filter(|(_, read)| read.state == RunState::Active);
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
            pages(client, &[("active_only", "true")], pages_max)
        );
        let whole = active.ok().filter(|(_, whole)| *whole);
        Listed { jobs, active: whole.map(|(runs, _)| runs) }
    }
}

/// `GET /api/2.2/jobs/list`, if it is not longer than so many pages.
async fn all_jobs(client: &Client, pages_max: usize) -> Option<Vec<Job>> {
    let mut all = Vec::new();
    let mut pages = 0;
    let listed = each_page(client, &JOBS_LIST, &[("limit", "100")], |page: Jobs| {
        all.extend(page.jobs);
        pages += 1;
        on_while(pages < pages_max)
    });
    listed.await.ok().filter(|whole| *whole)?;
    Some(all)
}

async fn workflow(
    client: &Client,
    listed: &Listed,
    idle_pages: &AtomicUsize,
    asked: &WorkflowRef,
    since: Option<DateTime<Utc>>,
) -> Result<Workflow, RegionError> {
    let found = async {
        let job = match asked {
            WorkflowRef::Name(name) => by_name(client, listed, name).await?,
            WorkflowRef::Id(id) => by_id(client, *id).await.map_err(|refusal| {
                // Of an id there are never several; and only the workspace's own refusal has a code.
                if refusal.code.is_empty() || refusal.kind == RegionErrorKind::Conflict {
                    of_listing(refusal)
                } else {
                    refusal
                }
            })?,
        };
        let runs = runs(client, listed, idle_pages, job.job_id, since).await;
        let (runs, seen_from) = runs.map_err(of_listing)?;
        Ok(Workflow {
            job_id: job.job_id,
            pause_status: pause_status(&job.settings),
            deployment: deployment(&job.settings),
            name: job.settings.name,
            runs: Workflow::deciding(runs, since),
            seen_from,
        })
    };
    found.await.map_err(|refusal: Refusal| refusal.doing(format!("look at workflow {asked}")))
}

/// The jobs of a name, compared without case: as listed, else `GET /api/2.2/jobs/list?name=…`.
async fn named(client: &Client, listed: &Listed, name: &str) -> Result<Vec<Job>, Refusal> {
    if let Some(jobs) = &listed.jobs {
        let same = |job: &&Job| job.settings.name.eq_ignore_ascii_case(name);
        return Ok(jobs.iter().filter(same).cloned().collect());
    }
    let query = [("name", name), ("limit", "100")];
    every_item(client, &JOBS_LIST, &query, |page: Jobs| page.jobs).await
}

/// The refusal of a listing, which says nothing of the job that is looked for, whatever its status: neither that it is missing nor
/// that there are several.
fn of_listing(refusal: Refusal) -> Refusal {
    match refusal.kind {
        RegionErrorKind::NotFound | RegionErrorKind::Conflict => {
            Refusal { kind: RegionErrorKind::Other, ..refusal }
        }
        RegionErrorKind::Denied
        | RegionErrorKind::Unavailable
        | RegionErrorKind::SignedOut
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => refusal,
    }
}

async fn by_name(client: &Client, listed: &Listed, name: &str) -> Result<Job, Refusal> {
    let mut found: Vec<Job> = Vec::new();
    let mut near: Option<String> = None;
    for job in named(client, listed, name).await.map_err(of_listing)? {
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
    let page: Jobs = client.get(&JOBS_LIST, &[("limit", "100")]).await.ok()?;
    let jobs = page.jobs.iter().map(|job| job.settings.name.as_str());
    let near = region::nearest(name, jobs);
    near.first().map(|name| (*name).to_owned())
}

/// `GET /api/2.2/jobs/get`.
pub(super) async fn by_id(client: &Client, id: i64) -> Result<Job, Refusal> {
    client.get(&["api", "2.2", "jobs", "get"], &[("job_id", &id.to_string())]).await
}

/// A pause that is not told is none.
fn pause_status(settings: &JobSettings) -> PauseStatus {
    let JobSettings { name: _, schedule, trigger, continuous, deployment: _ } = settings;
    let starts = [schedule, trigger, continuous].into_iter().flatten();
    PauseStatus::of(starts.map(|starts| starts.pause_status.as_deref() == Some("PAUSED")))
}

fn deployment(settings: &JobSettings) -> Option<Deployment> {
    let kind = settings.deployment.as_ref()?.kind.as_deref()?;
    Some(Deployment::of_kind(kind))
}

/// `GET /api/2.2/jobs/runs/list`: the runs of a job, and from which start on all of them are known; `None`: all that there are.
///
/// The service lists runs by their start, and a run counts until it ended: a long one, and one that is repaired (it keeps its
/// start), may stand far down the list. So where a success after `since` could decide something, the list is read as far back
/// as the service keeps runs. Nothing of it is remembered: any run that ended may be repaired.
async fn runs(
    client: &Client,
    listed: &Listed,
    idle_pages: &AtomicUsize,
    job_id: i64,
    since: Option<DateTime<Utc>>,
) -> Result<(Vec<WorkflowRun>, Option<DateTime<Utc>>), Refusal> {
    let id = job_id.to_string();
    let own = [("job_id", id.as_str())];
    // One that has not ended may have begun before all that are kept.
    let mut seen: Vec<Run> = match &listed.active {
        Some(active) => {
            let own = active.iter().filter(|run| run.job_id == job_id);
            own.cloned().collect()
        }
        None => {
            let active = [own[0], ("active_only", "true")];
            pages(client, &active, RUN_PAGES_MAX).await?.0
        }
    };
    let mut newest = Newest { since, ..Newest::default() };
    let query = run_query(&own);
    let whole = each_page(client, &RUNS_LIST, &query, |page: Runs| {
        on_while(newest.add(page.runs, idle_pages))
    });
    let whole = whole.await?;
    let oldest = newest.oldest.filter(|_| !whole);
    let mut runs = newest.runs;
    let seen_from = match oldest {
        Some(oldest) if newest.decides => {
            let (older, seen_from) = older(client, &own, runs.len(), oldest).await?;
            runs.extend(older);
            seen_from
        }
        oldest => oldest,
    };
    // The later look knows better.
    let known: BTreeSet<i64> = runs.iter().map(|run| run.run_id).collect();
    seen.retain(|run| !known.contains(&run.run_id));
    runs.extend(seen);
    Ok((runs.iter().map(read).collect(), seen_from))
}

/// The newest runs of a job, as they are listed.
#[derive(Default)]
struct Newest {
    since: Option<DateTime<Utc>>,
    runs: Vec<Run>,
    pages: usize,
    oldest: Option<DateTime<Utc>>,
    begun: bool,
    succeeded: bool,
    /// A run succeeded after `since`: a recovery point may follow from it.
    decides: bool,
}

impl Newest {
    /// Takes another page, and tells whether to read on.
    fn add(&mut self, page: Vec<Run>, idle_pages: &AtomicUsize) -> bool {
        self.pages += 1;
        for run in page.iter().map(read) {
            let ended = run.ended_at.filter(|_| run.state != RunState::NotBegun);
            self.begun |= ended.is_some();
            self.oldest = self.oldest.into_iter().chain([run.started_at]).min();
            if run.state == RunState::Succeeded {
                self.succeeded = true;
                self.decides |= self.since.is_none_or(|since| ended > Some(since));
            }
        }
        self.runs.extend(page);
        if self.decides || self.pages >= RUN_PAGES_MAX {
            return self.pages < NEWEST_PAGES;
        }
        let far = self.oldest.zip(self.since);
        let far = far.is_some_and(|(oldest, since)| oldest + LONGEST_RUN < since);
        // One that failed for long is not asked for its last success beyond a few pages.
        let enough = self.begun && (self.succeeded || self.pages >= NEWEST_PAGES) && far;
        let take = |left: usize| left.checked_sub(1);
        !enough || idle_pages.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// The runs of a job that started before the `known` newest, the oldest of which started at `before`.
async fn older(
    client: &Client,
    own: &[(&str, &str)],
    known: usize,
    before: DateTime<Utc>,
) -> Result<(Vec<Run>, Option<DateTime<Utc>>), Refusal> {
    let now = client.timing().now();
    let from = (now - KEPT).min(before).timestamp_millis();
    let before = before.timestamp_millis();
    // As many spans as there will be work for, by how often it ran of late.
    let of_known = (now.timestamp_millis() - before).max(1);
    let pages = (before - from) / of_known * (known / RUNS_A_PAGE).max(1) as i64;
    let spans = (pages / 4).clamp(1, SPANS_MAX);
    let length = (before - from) / spans;
    let looks: Vec<_> = (0..spans)
        .map(|place| {
            let to = before - place * length;
            // The last goes as far as the service does.
            let from = (place + 1 < spans).then(|| to - length);
            span(client, own, from, to, RUN_PAGES_MAX / spans as usize)
        })
        .collect();
    let looks: Vec<_> = stream::iter(looks).buffered(SPANS_MAX as usize).collect().await;
    let mut runs = Vec::new();
    let mut seen_from = None;
    for look in looks {
        let (some, whole) = look?;
        if !whole {
            let oldest = some.iter().map(|run| read(run).started_at).min();
            seen_from = seen_from.max(oldest);
        }
        runs.extend(some);
    }
    Ok((runs, seen_from))
}

/// The runs of a job that started in a span of time, epoch milliseconds, both ends included.
async fn span(
    client: &Client,
    own: &[(&str, &str)],
    from: Option<i64>,
    to: i64,
    pages_max: usize,
) -> Result<(Vec<Run>, bool), Refusal> {
    let to = to.to_string();
    let from = from.map(|from| from.to_string());
    let mut query = own.to_vec();
    query.push(("start_time_to", &to));
    query.extend(from.iter().map(|from| ("start_time_from", from.as_str())));
    pages(client, &query, pages_max).await
}

/// So many pages of runs at most, newest start first, and whether these are all.
async fn pages(
    client: &Client,
    own: &[(&str, &str)],
    pages_max: usize,
) -> Result<(Vec<Run>, bool), Refusal> {
    let mut all = Vec::new();
    let mut pages = 0;
    let query = run_query(own);
    let whole = each_page(client, &RUNS_LIST, &query, |page: Runs| {
        all.extend(page.runs);
        pages += 1;
        on_while(pages < pages_max)
    });
    let whole = whole.await?;
    Ok((all, whole))
}

fn run_query<'a>(own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut query = vec![("limit", RUNS), ("expand_tasks", "false")];
    query.extend(own);
    query
}

fn on_while(more: bool) -> ControlFlow<()> {
    if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
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
    let old =
        run.state.as_ref().map(|old| by_old(&old.life_cycle_state, old.result_state.as_deref()));
    let new = run.status.as_ref().map(|new| {
        let end = new.termination_details.as_ref();
        by_new(&new.state, end.map(|end| (end.code.as_str(), end.kind.as_str())))
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
        assert_eq!(of(json!({"state": partly, "status": ended("SUCCESS")})), RunState::Failed);
        assert_eq!(of(json!({"status": ended("SUCCESS_WITH_FAILURES")})), RunState::Failed);
        assert_eq!(
            of(json!({"status": ended("MAX_CONCURRENT_RUNS_EXCEEDED")})),
            RunState::NotBegun
        );
        assert_eq!(of(json!({"state": {"life_cycle_state": "SKIPPED"}})), RunState::NotBegun);
        assert_eq!(of(json!({"state": {"life_cycle_state": "INTERNAL_ERROR"}})), RunState::Failed);
        assert_eq!(of(json!({"state": {"life_cycle_state": "QUEUED"}})), RunState::NotBegun);
        assert_eq!(of(json!({"status": {"state": "WAITING"}})), RunState::Active);
        assert_eq!(of(json!({})), RunState::Active, "what is not known is taken as running");
    }
}
