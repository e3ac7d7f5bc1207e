//! Jobs and their runs, API 2.1 and 2.2. It edits `jobs.json` alone.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::Site;
use super::http::{HttpRefusal, Params, Reply, body, page};

/// Pages that nobody gave a size.
const PAGE: usize = 20;
/// The most jobs, and the most runs, of a page.
const JOBS_MAX: i64 = 100;
const RUNS_MAX: i64 = 25;

fn id(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn name_of(job: &Value) -> &str {
    text(job, "/name").or_else(|| text(job, "/settings/name")).unwrap_or_default()
}

/// `GET /api/2.x/jobs/list`.
pub(super) async fn list(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let limit = limit(&params, JOBS_MAX)?;
    let jobs = site.workspace.raw_jobs();
    let wanted = params.get("name").map(str::to_lowercase);
    let jobs = jobs
        .iter()
        .filter(|job| wanted.as_ref().is_none_or(|name| name_of(job).to_lowercase() == *name));
    let shown = jobs.map(|job| shown_job(&site, job, params.is_true("expand_tasks"))).collect();
    with_more(page(&params, "jobs", shown, limit)?)
}

fn limit(params: &Params, most: i64) -> Result<usize, HttpRefusal> {
    match params.number("limit")? {
        None => Ok(PAGE),
        Some(0) if most == RUNS_MAX => Ok(usize::try_from(most).unwrap_or(PAGE)),
        Some(limit) if (1..=most).contains(&limit) => Ok(usize::try_from(limit).unwrap_or(PAGE)),
        Some(limit) => {
            Err(HttpRefusal::bad(format!("Invalid limit: {limit}. Must be between 1 and {most}.")))
        }
    }
}

fn with_more(mut body: Value) -> Reply {
    body["has_more"] = body.get("next_page_token").is_some().into();
    Ok(Json(body))
}

fn shown_job(site: &Site, job: &Value, tasks: bool) -> Value {
    let mut settings = json!({
        "name": name_of(job), "email_notifications": {}, "webhook_notifications": {}, "timeout_seconds": 0,
        "max_concurrent_runs": 1, "format": "MULTI_TASK",
    });
    if let Some(own) = job.get("settings").and_then(Value::as_object) {
        for (key, value) in own {
            settings[key] = value.clone();
        }
    }
    if let Some(schedule) = job.get("schedule").filter(|schedule| schedule.is_object()) {
        settings["schedule"] = schedule.clone();
    }
    if let Some(paused) = job.get("schedule_paused").and_then(Value::as_bool) {
        let status = if paused { "PAUSED" } else { "UNPAUSED" };
        if !settings["schedule"].is_object() {
            settings["schedule"] =
                json!({"quartz_cron_expression": "0 0 */12 * * ?", "timezone_id": "UTC"});
        }
        settings["schedule"]["pause_status"] = status.into();
    }
    if tasks && settings.get("tasks").is_none() {
        settings["tasks"] = json!([{"task_key": "main", "run_if": "ALL_SUCCESS"}]);
    }
    json!({
        "job_id": id(job, "job_id"), "creator_user_name": site.workspace.principal(),
        "created_time": 1_600_000_000_000_i64, "settings": settings,
    })
}

/// `GET /api/2.x/jobs/get`.
pub(super) async fn get(State(site): State<Arc<Site>>, params: Params) -> Reply {
    params.needed("job_id")?;
    let wanted = params.number("job_id")?.unwrap_or_default();
    let jobs = site.workspace.raw_jobs();
    match jobs.iter().find(|job| id(job, "job_id") == wanted) {
        Some(job) => Ok(Json(shown_job(&site, job, true))),
        None => Err(HttpRefusal::bad(format!("Job {wanted} does not exist."))),
    }
}

/// `GET /api/2.x/jobs/runs/list`: newest start first; filters are on the start.
pub(super) async fn runs(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let limit = limit(&params, RUNS_MAX)?;
    let (active, completed) = (params.is_true("active_only"), params.is_true("completed_only"));
    if active && completed {
        return Err(HttpRefusal::bad("Only one of active_only and completed_only can be true."));
    }
    let job = params.number("job_id")?;
    let (from, to) = (params.number("start_time_from")?, params.number("start_time_to")?);
    let jobs = site.workspace.raw_jobs();
    if let Some(job) = job
        && !jobs.iter().any(|it| id(it, "job_id") == job)
    {
        return Err(HttpRefusal::bad(format!("Job {job} does not exist.")));
    }
    let mut found: Vec<(i64, i64, Value)> = Vec::new();
    for owner in jobs.iter().filter(|it| job.is_none_or(|job| id(it, "job_id") == job)) {
        for run in owner.get("runs").and_then(Value::as_array).into_iter().flatten() {
            let start = id(run, "start_time");
            let is_active = standing(run).0 != "TERMINATED";
            let wanted = !(active && !is_active || completed && is_active)
                && from.is_none_or(|from| start >= from)
                && to.is_none_or(|to| start <= to)
                && params.get("run_type").is_none_or(|kind| kind == "JOB_RUN");
            if wanted {
                found.push((start, id(run, "run_id"), shown_run(&site, owner, run)));
            }
        }
    }
    found.sort_by_key(|(start, run, _)| std::cmp::Reverse((*start, *run)));
    let shown = found.into_iter().map(|(_, _, run)| run).collect();
    with_more(page(&params, "runs", shown, limit)?)
}

/// How a run stands in the newer spelling, and its result's code.
fn standing(run: &Value) -> (String, Option<String>) {
    let old = text(run, "/life_cycle_state")
        .or_else(|| text(run, "/state/life_cycle_state"))
        .or_else(|| text(run, "/state"));
    let result = text(run, "/result_state")
        .or_else(|| text(run, "/state/result_state"))
        .or_else(|| text(run, "/status/termination_details/code"));
    let result = result.map(str::to_uppercase);
    let ended = id(run, "end_time") > 0;
    let state = match old.or_else(|| text(run, "/status/state")).map(str::to_uppercase) {
        Some(state) => state,
        None if ended || result.is_some() => "TERMINATED".to_owned(),
        None => "RUNNING".to_owned(),
    };
    match state.as_str() {
        "SKIPPED" | "INTERNAL_ERROR" => ("TERMINATED".to_owned(), Some(state)),
        "WAITING_FOR_RETRY" => ("WAITING".to_owned(), None),
        "TERMINATED" => (state, Some(result.unwrap_or_else(|| "SUCCESS".to_owned()))),
        _ => (state, None),
    }
}

fn shown_run(site: &Site, job: &Value, run: &Value) -> Value {
    let (state, code) = standing(run);
    let (job_id, run_id) = (id(job, "job_id"), id(run, "run_id"));
    let (start, end) = (id(run, "start_time"), id(run, "end_time"));
    let mut old = json!({"life_cycle_state": state, "state_message": "", "user_cancelled_or_timedout": false});
    let mut status = json!({"state": state});
    if let Some(code) = &code {
        match code.as_str() {
            "SKIPPED" | "INTERNAL_ERROR" => old["life_cycle_state"] = code.as_str().into(),
            "MAX_CONCURRENT_RUNS_EXCEEDED" => {
                old["result_state"] = "MAXIMUM_CONCURRENT_RUNS_REACHED".into()
            }
            code => old["result_state"] = code.into(),
        }
        let (newer, kind) = match code.as_str() {
            "SUCCESS" | "SUCCESS_WITH_FAILURES" => (code.as_str(), "SUCCESS"),
            "MAXIMUM_CONCURRENT_RUNS_REACHED" => ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR"),
            "FAILED" => ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
            "TIMEDOUT" => ("CANCELED", "CLIENT_ERROR"),
            "INTERNAL_ERROR" => ("INTERNAL_ERROR", "INTERNAL_ERROR"),
            code => (code, "CLIENT_ERROR"),
        };
        status["termination_details"] = json!({"code": newer, "type": kind, "message": ""});
    }
    if state == "QUEUED" {
        status["queue_details"] = json!({"code": "MAX_CONCURRENT_RUNS_REACHED", "message": ""});
    }
    let duration = if end > start { end - start } else { 0 };
    json!({
        "job_id": job_id, "run_id": run_id, "number_in_job": run_id, "original_attempt_run_id": run_id,
        "run_name": name_of(job), "run_type": "JOB_RUN", "trigger": "PERIODIC", "format": "MULTI_TASK",
        "start_time": start, "end_time": end, "run_duration": duration, "setup_duration": 0,
        "execution_duration": duration, "cleanup_duration": 0, "state": old, "status": status,
        "creator_user_name": site.workspace.principal(),
        "run_page_url": format!("{}/?o={}#job/{job_id}/run/{run_id}", site.workspace.url, site.workspace.ids.workspace),
    })
}

/// `GET /api/2.x/jobs/runs/get`.
pub(super) async fn run(State(site): State<Arc<Site>>, params: Params) -> Reply {
    params.needed("run_id")?;
    let wanted = params.number("run_id")?.unwrap_or_default();
    for job in site.workspace.raw_jobs() {
        let runs = job.get("runs").and_then(Value::as_array);
        if let Some(run) = runs.into_iter().flatten().find(|run| id(run, "run_id") == wanted) {
            return Ok(Json(shown_run(&site, &job, run)));
        }
    }
    Err(HttpRefusal::bad(format!("Run {wanted} does not exist.")))
}

/// `POST /api/2.x/jobs/run-now`: the run is appended, at once over and a success.
///
/// The job parameter `result` makes it something else: `RUNNING`, `QUEUED`, `FAILED` ….
pub(super) async fn run_now(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let wanted = request.get("job_id").and_then(Value::as_i64);
    let wanted = wanted.ok_or_else(|| HttpRefusal::bad("Missing required field: job_id"))?;
    let token = request.get("idempotency_token").filter(|token| token.is_string());
    let result = text(&request, "/job_parameters/result").unwrap_or("SUCCESS").to_uppercase();
    let now = site.workspace.now_ms();
    let mut made = None;
    let edit = |jobs: &mut Value| {
        let jobs = jobs.get_mut("jobs").and_then(Value::as_array_mut);
        let Some(jobs) = jobs else { return };
        let all = jobs
            .iter()
            .flat_map(|job| job.get("runs").and_then(Value::as_array).into_iter().flatten());
        let next = all.map(|run| id(run, "run_id")).max().unwrap_or(0) + 1;
        let Some(job) = jobs.iter_mut().find(|job| id(job, "job_id") == wanted) else {
            return;
        };
        let runs = job.get("runs").and_then(Value::as_array);
        let same = runs
            .into_iter()
            .flatten()
            .find(|run| token.is_some() && run.get("idempotency_token") == token);
        if let Some(same) = same {
            made = Some(id(same, "run_id"));
            return;
        }
        let mut run = json!({"run_id": next, "start_time": now, "end_time": 0});
        match result.as_str() {
            "RUNNING" | "QUEUED" | "PENDING" => run["life_cycle_state"] = result.as_str().into(),
            result => {
                run["end_time"] = (now + 1).into();
                run["life_cycle_state"] = "TERMINATED".into();
                run["result_state"] = result.into();
            }
        }
        if let Some(token) = token {
            run["idempotency_token"] = token.clone();
        }
        match job.get_mut("runs").and_then(Value::as_array_mut) {
            Some(runs) => runs.push(run),
            None => job["runs"] = json!([run]),
        }
        made = Some(next);
    };
    site.workspace.edit_jobs(edit).await.map_err(HttpRefusal::internal)?;
    match made {
        Some(run) => Ok(Json(json!({"run_id": run, "number_in_job": run}))),
        None => Err(HttpRefusal::bad(format!("Job {wanted} does not exist."))),
    }
}

/// `POST /api/2.x/jobs/runs/cancel`.
pub(super) async fn cancel(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let wanted = request.get("run_id").and_then(Value::as_i64);
    let wanted = wanted.ok_or_else(|| HttpRefusal::bad("Missing required field: run_id"))?;
    let now = site.workspace.now_ms();
    let mut found = false;
    let edit = |jobs: &mut Value| {
        let jobs = jobs.get_mut("jobs").and_then(Value::as_array_mut);
        let runs = jobs.into_iter().flatten().filter_map(|job| job.get_mut("runs")?.as_array_mut());
        for run in runs.flatten().filter(|run| id(run, "run_id") == wanted) {
            found = true;
            if standing(run).0 != "TERMINATED" {
                *run = json!({
                    "run_id": wanted, "start_time": run["start_time"], "end_time": now,
                    "life_cycle_state": "TERMINATED", "result_state": "CANCELED",
                });
            }
        }
    };
    site.workspace.edit_jobs(edit).await.map_err(HttpRefusal::internal)?;
    if found {
        Ok(Json(json!({})))
    } else {
        Err(HttpRefusal::bad(format!("Run {wanted} does not exist.")))
    }
}
