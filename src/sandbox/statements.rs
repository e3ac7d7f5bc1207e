//! The life of a statement: submitted, polled, canceled, its result read in parts.

mod request;
mod result;
pub(super) mod sessions;
pub(super) mod statement_table;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Site;
use super::fault::Misbehaviour;
use super::http::{HttpRefusal, Reply, body, text};
use super::sql::{DefaultNames, Session, SqlError};
use crate::lakehouse::delta;
use result::StatementOutcome;
use statement_table::{Life, SubmittedStatement};

/// How long a submission waits where it does not say.
const WAIT: Duration = Duration::from_secs(10);

/// `POST /api/2.0/sql/statements`.
pub(super) async fn submit(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let sql = text(&request, "statement")?.to_owned();
    let warehouse = text(&request, "warehouse_id")?;
    if warehouse != site.workspace.ids.warehouse {
        return Err(HttpRefusal::bad(format!("{warehouse} is not a valid endpoint id.")));
    }
    if sql.len() > 16 << 20 {
        return Err(HttpRefusal::bad("The statement exceeds the maximum size of 16 MiB."));
    }
    let said = |name: &str| request.get(name).and_then(Value::as_str);
    let wait = read_wait(said("wait_timeout"))?;
    let cancel_late = match said("on_wait_timeout") {
        None | Some("CONTINUE") => false,
        Some("CANCEL") => true,
        Some(other) => {
            return Err(HttpRefusal::bad(format!("on_wait_timeout {other} is not known.")));
        }
    };
    let shape = request::shape(&site, &request)?;
    let markers = request::markers(&request, shape.zone)?;
    let held = match said("session_id") {
        Some(id) => site.sessions.find(id)?,
        None => Arc::default(),
    };
    let names = names_of(&request);
    let progress = delta::CopyProgress::default();
    let session = Session::new(site.workspace.clone(), (names, held), markers, progress.clone());
    let statement = Arc::new(SubmittedStatement {
        id: new_id(),
        text: sql.clone(),
        state: watch::Sender::new(Life::Pending),
        cancel: watch::Sender::new(false),
        progress,
        shape,
    });
    site.statements.keep(statement.clone());
    tokio::spawn(live(site.clone(), statement.clone(), session, sql));
    if wait.is_zero() {
        return Ok(Json(json!({"statement_id": statement.id, "status": {"state": "PENDING"}})));
    }
    let mut state = statement.state.subscribe();
    let over = tokio::time::timeout(wait, state.wait_for(Life::is_over)).await.is_ok();
    if !over && cancel_late {
        cancel_now(&statement);
        let _ = statement.state.subscribe().wait_for(Life::is_over).await;
    }
    answer(&site, &statement)
}

/// How long whoever submits a statement waits for its end.
fn read_wait(said: Option<&str>) -> Result<Duration, HttpRefusal> {
    let Some(text) = said else {
        return Ok(WAIT);
    };
    match text.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok()) {
        Some(seconds @ (0 | 5..=50)) => Ok(Duration::from_secs(seconds)),
        _ => Err(HttpRefusal::bad(format!(
            "wait_timeout must be 0s, or between 5s and 50s, not {text}."
        ))),
    }
}

/// Ids look like the service's: a UUID that begins with `01`.
fn new_id() -> String {
    let id = uuid::Uuid::new_v4().to_string();
    format!("01{}", &id[2..])
}

/// Carries a statement through its states.
async fn live(site: Arc<Site>, statement: Arc<SubmittedStatement>, session: Session, sql: String) {
    *site.workspace.warehouse.lock().unwrap_or_else(PoisonError::into_inner) = "RUNNING";
    let set = |life: Life| {
        statement.state.send_if_modified(|now| {
            let open = !now.is_over();
            if open {
                *now = life;
            }
            open
        });
    };
    let mut fail_after = None;
    for what in site.shared.faults.count_and_match(site.side, "SQL", &sql) {
        match what {
            Misbehaviour::Delay(time) => {
                let mut canceled = statement.cancel.subscribe();
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    _ = canceled.wait_for(|canceled| *canceled) => {}
                }
            }
            Misbehaviour::Fail(code) => return set(Life::Failed(told_to_fail(&code))),
            Misbehaviour::FailAfter(code) => fail_after = Some(code),
            // Faults of requests.
            Misbehaviour::Status(..)
            | Misbehaviour::Html(_)
            | Misbehaviour::DropBefore
            | Misbehaviour::DropAfter
            | Misbehaviour::Truncate => {}
        }
    }
    if *statement.cancel.borrow() {
        return set(Life::Canceled);
    }
    set(Life::Running);
    let done = session.execute(&sql).await;
    set(match (done, fail_after) {
        (_, Some(code)) => Life::Failed(told_to_fail(&code)),
        (Ok(rows), None) => match StatementOutcome::cut(&statement.shape, rows) {
            Ok(outcome) => Life::Succeeded(Arc::new(outcome)),
            Err(error) => Life::Failed(error),
        },
        (Err(error), None) if error.is_canceled() => Life::Canceled,
        (Err(error), None) => Life::Failed(error),
    });
}

/// A failure by its code; one that is no code of the service is an error class.
fn told_to_fail(code: &str) -> SqlError {
    const CODES: [&str; 9] = [
        "ABORTED",
        "DEADLINE_EXCEEDED",
        "INTERNAL_ERROR",
        "IO_ERROR",
        "RESOURCE_EXHAUSTED",
        "SERVICE_UNDER_MAINTENANCE",
        "TEMPORARILY_UNAVAILABLE",
        "UNKNOWN",
        "WORKSPACE_TEMPORARILY_UNAVAILABLE",
    ];
    let known = CODES.into_iter().find(|known| *known == code);
    SqlError {
        code: known.unwrap_or("BAD_REQUEST"),
        message: match known {
            Some(_) => "The sandbox was told to say so.".to_owned(),
            None => format!("[{code}] The sandbox was told to say so."),
        },
        state: None,
    }
}

fn cancel_now(statement: &SubmittedStatement) {
    statement.progress.stop();
    statement.cancel.send_replace(true);
}

/// How a statement stands, with its result where it has one.
fn answer(site: &Site, statement: &SubmittedStatement) -> Reply {
    let life = statement.state.borrow().clone();
    let mut body = json!({"statement_id": statement.id});
    body["status"] = match &life {
        Life::Pending => json!({"state": "PENDING"}),
        Life::Running => json!({"state": "RUNNING"}),
        Life::Canceled => json!({"state": "CANCELED"}),
        Life::Closed => json!({"state": "CLOSED"}),
        Life::Failed(error) => failed(error),
        Life::Succeeded(outcome) => {
            if let Some(error) = result::too_large(&statement.shape, outcome) {
                body["status"] = failed(&error);
                return Ok(Json(body));
            }
            body["manifest"] = result::manifest(&statement.shape, outcome);
            body["result"] = if outcome.rows.columns.is_empty() {
                json!({})
            } else {
                result::chunk(&site.workspace.url, &statement.id, &statement.shape, outcome, 0)?
            };
            json!({"state": "SUCCEEDED"})
        }
    };
    Ok(Json(body))
}

fn failed(error: &SqlError) -> Value {
    let SqlError { code, message, state } = error;
    let mut status = json!({"state": "FAILED", "error": {"error_code": code, "message": message}});
    if let Some(state) = state {
        status["sql_state"] = json!(state);
    }
    status
}

/// `GET /api/2.0/sql/statements/{id}`.
pub(super) async fn poll(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    let statement = site.statements.find(&id)?;
    answer(&site, &statement)
}

/// Statements in a page of the history where nothing is said.
const HISTORY_PAGE: usize = 100;

/// `GET /api/2.0/sql/history/queries`: the newest statements, of the statuses that are asked for.
pub(super) async fn history(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Reply {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let said = |name: &str| {
        let values = query.iter().filter(move |(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    let statuses = said("filter_by.statuses");
    let most = said("max_results").first().and_then(|it| it.parse().ok());
    let found = site.statements.newest().into_iter();
    let found = found.filter_map(|statement| {
        let status = match &*statement.state.borrow() {
            Life::Pending => "QUEUED",
            Life::Running => "RUNNING",
            Life::Succeeded(_) | Life::Closed => "FINISHED",
            Life::Failed(_) => "FAILED",
            Life::Canceled => "CANCELED",
        };
        (statuses.is_empty() || statuses.contains(&status)).then(|| {
            json!({
                "query_id": statement.id,
                "query_text": statement.text,
                "status": status,
                "warehouse_id": site.workspace.ids.warehouse,
                "user_name": site.workspace.principal(),
            })
        })
    });
    let found: Vec<Value> = found.take(most.unwrap_or(HISTORY_PAGE)).collect();
    Ok(Json(json!({"res": found, "has_next_page": false})))
}

/// `GET /api/2.0/sql/statements/{id}/result/chunks/{index}`.
pub(super) async fn chunk(
    State(site): State<Arc<Site>>,
    Path((id, index)): Path<(String, String)>,
) -> Reply {
    let index = chunk_index(&index)?;
    let statement = site.statements.find(&id)?;
    let Life::Succeeded(outcome) = statement.state.borrow().clone() else {
        return Err(HttpRefusal::bad(format!("The statement {id} has no result.")));
    };
    result::chunk(&site.workspace.url, &id, &statement.shape, &outcome, index).map(Json)
}

/// The number of a part, from 0.
fn chunk_index(text: &str) -> Result<usize, HttpRefusal> {
    text.parse()
        .map_err(|_| HttpRefusal::bad(format!("The chunk index {text} is not a number from 0.")))
}

/// `POST /api/2.0/sql/statements/{id}/cancel`: it may come too late.
pub(super) async fn cancel(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    cancel_now(&*site.statements.find(&id)?);
    Ok(Json(json!({})))
}

/// `DELETE /api/2.0/sql/statements/{id}`, as drivers close statements.
pub(super) async fn close(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    let statement = site.statements.find(&id)?;
    cancel_now(&statement);
    if statement.state.borrow().is_over() {
        statement.state.send_replace(Life::Closed);
    }
    Ok(Json(json!({})))
}

/// `GET /results/{id}/{index}`: what an external link points to, without a token.
pub(super) async fn linked(
    State(site): State<Arc<Site>>,
    Path((id, index)): Path<(String, String)>,
) -> Result<Response, HttpRefusal> {
    let index = chunk_index(&index)?;
    let statement = site.statements.find(&id)?;
    let Life::Succeeded(outcome) = statement.state.borrow().clone() else {
        return Err(HttpRefusal::not_found("NOT_FOUND", "The link has expired."));
    };
    let content = result::content(&statement.shape, &outcome.rows, index)?;
    Ok((StatusCode::OK, content).into_response())
}

/// `POST /api/2.0/sql/sessions`.
pub(super) async fn open_session(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let id = new_id();
    site.sessions.open(id.clone(), names_of(&request));
    Ok(Json(json!({"session_id": id})))
}

/// `DELETE /api/2.0/sql/sessions/{id}`.
pub(super) async fn close_session(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    site.sessions.close(&id);
    Ok(Json(json!({})))
}

/// The catalog and the schema that a request says.
fn names_of(request: &Value) -> DefaultNames {
    let said = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    DefaultNames { catalog: said("catalog"), schema: said("schema") }
}
