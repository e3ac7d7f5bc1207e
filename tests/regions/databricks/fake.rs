//! A workspace on loopback: REST on top of [`sql`], with faults on order and a log of what was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Response, Uri};
use drsync::config::Connection;
use drsync::databricks::{ConnectOptions, Connected, Environment, Notice, Timing, connect};
use serde_json::{Value, json};

mod ledger;
mod routes;
pub(super) mod sql;

pub(super) use sql::DeltaTable;

/// The token the workspace knows.
pub(super) const TOKEN: &str = "dapi-canary-5ecret";
pub(super) const PRIMARY: &str = "abfss://p@acc.test/dr";
pub(super) const SECONDARY: &str = "abfss://s@acc.test/dr";

/// What goes wrong with the next requests that fit.
#[derive(Clone)]
pub(super) struct Fault {
    /// In the path, or in the body.
    pub(super) fits: String,
    pub(super) times: u32,
    pub(super) what: What,
}

#[derive(Clone)]
pub(super) enum What {
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks, and nothing was done.
    DropBefore,
    /// The connection breaks after it was done.
    DropAfter,
    /// The statement fails: code and message.
    Fail(&'static str, String),
    /// The statement runs and runs.
    Hang,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) tokens: BTreeSet<String>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) oidc: Vec<BTreeMap<String, String>>,
    pub(super) faults: Vec<Fault>,
    pub(super) requests: Vec<String>,
    /// The headers of each request.
    pub(super) headers: Vec<String>,
    pub(super) tables: BTreeMap<String, DeltaTable>,
    pub(super) catalog: BTreeMap<String, Value>,
    pub(super) jobs: Vec<Value>,
    pub(super) runs: Vec<Value>,
    pub(super) locations: Vec<Value>,
    pub(super) privileges: Vec<&'static str>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) warehouses: Vec<Value>,
    pub(super) refuse_batches: bool,
    base: String,
    statements: BTreeMap<String, Value>,
    /// Statements that run until they are let go, with their requests.
    held: BTreeMap<String, Value>,
    chunks: BTreeMap<String, Vec<Value>>,
    polls: BTreeMap<String, u32>,
}

pub(super) struct Fake {
    pub(super) base: String,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) pauses: Arc<Mutex<Vec<Duration>>>,
    pub(super) notices: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(super) async fn start() -> Fake {
        let state = Arc::new(Mutex::new(State {
            tokens: BTreeSet::from([TOKEN.to_owned()]),
            locations: vec![
                json!({"name": "s", "url": "abfss://s@acc.test/"}),
                json!({"name": "p", "url": "abfss://p@acc.test/"}),
            ],
            warehouses: vec![
                json!({"id": "w0", "name": "old", "state": "STOPPED"}),
                json!({"id": "w1", "name": "wh", "state": "RUNNING"}),
            ],
            ..State::default()
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        state.lock().unwrap().base = base.clone();
        let app = Router::new()
            .fallback(handle)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Fake { base, state, pauses: Arc::default(), notices: Arc::default() }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(super) fn fault(&self, fits: &str, times: u32, what: What) {
        self.change(|state| state.faults.push(Fault { fits: fits.to_owned(), times, what }));
    }

    /// What was asked, of requests that contain a text.
    pub(super) fn asked(&self, text: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.contains(text)).cloned().collect()
    }

    /// Statements that have no end, by id.
    pub(super) fn held(&self) -> Vec<String> {
        self.state.lock().unwrap().held.keys().cloned().collect()
    }

    /// Time that passes at once and is written down.
    pub(super) fn timing(&self) -> Timing {
        let pauses = self.pauses.clone();
        Timing {
            sleep: Arc::new(move |pause| {
                pauses.lock().unwrap().push(pause);
                Box::pin(tokio::task::yield_now())
            }),
            jitter: Arc::new(|| 0.0),
            ..Timing::real()
        }
    }

    pub(super) fn options(&self) -> ConnectOptions {
        let notices = self.notices.clone();
        let variables = BTreeMap::from([("DATABRICKS_TOKEN".to_owned(), TOKEN.to_owned())]);
        ConnectOptions {
            name: "east".to_owned(),
            address: self.base.parse().unwrap(),
            connection: Connection::default(),
            location_primary: PRIMARY.to_owned(),
            location_secondary: SECONDARY.to_owned(),
            secondary: None,
            verify_rows: false,
            environment: Environment { variables, ..Environment::empty() },
            unbound: None,
            timing: self.timing(),
            notice: Notice::new(move |text| notices.lock().unwrap().push(text)),
        }
    }

    pub(super) async fn connect(&self) -> Connected {
        connect(&self.options()).await.unwrap()
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: impl Into<Body>) -> Response<Body> {
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |it, (key, value)| it.header(*key, value));
    builder.header("x-request-id", "req-7").body(body.into()).unwrap()
}

fn ok(value: Value) -> Response<Body> {
    answer(200, &[], value.to_string())
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Response<Body> {
    answer(status, &[], json!({"error_code": code, "message": message}).to_string())
}

/// An answer that breaks off: the client sees its connection close.
fn broken() -> Response<Body> {
    let lost = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("gone")) });
    answer(200, &[], Body::from_stream(lost))
}

async fn handle(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut state = state.lock().unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    let request = format!("{method} {uri} {text}");
    state.requests.push(request.clone());
    state.headers.push(format!("{headers:?}"));
    let fault =
        state.faults.iter_mut().find(|fault| fault.times > 0 && request.contains(&fault.fits)).map(
            |fault| {
                fault.times -= 1;
                fault.what.clone()
            },
        );
    match &fault {
        Some(What::Answer(status, headers, body)) => return answer(*status, headers, body.clone()),
        Some(What::DropBefore) => return broken(),
        Some(What::DropAfter | What::Fail(..) | What::Hang) | None => {}
    }
    let sign =
        headers.get("authorization").map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
    let path = uri.path().to_owned();
    let response = if path.starts_with("/api/")
        && !state.tokens.contains(sign.trim_start_matches("Bearer "))
    {
        if sign.is_empty() {
            answer(
                401,
                &[],
                json!({"error_code": 401, "message": "Credential was not sent"}).to_string(),
            )
        } else {
            answer(
                403,
                &[],
                json!({"error_code": 403, "message": "Invalid access token."}).to_string(),
            )
        }
    } else {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        state.route(&path, &query, &text, &sign, fault.as_ref())
    };
    match fault {
        Some(What::DropAfter) => broken(),
        _ => response,
    }
}

impl State {
    /// Always `PENDING` at first, `RUNNING` at the first poll, and then the end; results in chunks of two rows.
    fn submit(&mut self, request: &Value, fault: Option<&What>) -> Response<Body> {
        let id = format!("01ef9de2-0000-{:04}", self.statements.len());
        if let Some(What::Hang) = fault {
            self.held.insert(id.clone(), request.clone());
            self.statements.insert(id.clone(), json!({}));
            return ok(json!({"statement_id": id, "status": {"state": "PENDING"}}));
        }
        let outcome = match fault {
            Some(What::Fail(code, message)) => Err(((*code).to_owned(), message.clone())),
            _ => self.execute(request),
        };
        let linked = request["disposition"] == "EXTERNAL_LINKS";
        let end = self.end(&id, outcome, linked);
        self.statements.insert(id.clone(), end);
        self.polls.entry(id.clone()).or_insert(1);
        ok(json!({"statement_id": id, "status": {"state": "PENDING"}}))
    }

    /// What the last poll of a statement says.
    fn end(&mut self, id: &str, outcome: sql::Outcome, linked: bool) -> Value {
        match outcome {
            Ok((columns, rows)) => {
                let columns: Vec<Value> = columns
                    .iter()
                    .enumerate()
                    .map(|(at, name)| {
                        let (name, kind) = name.split_once(": ").unwrap_or((name, "STRING"));
                        json!({"name": name, "position": at, "type_name": "STRING", "type_text": kind})
                    })
                    .collect();
                let chunks: Vec<Value> = rows.chunks(2).map(|rows| json!(rows)).collect();
                let result = if linked {
                    json!({"external_links": [{"chunk_index": 0, "external_link": format!("{}/signed/{id}?sig=canary", self.base), "http_headers": {"x-part": "0"}}]})
                } else {
                    chunk(&chunks, 0)
                };
                let total = rows.len();
                let manifest = json!({"format": "JSON_ARRAY", "schema": {"column_count": columns.len(), "columns": columns},
                    "total_row_count": total, "total_chunk_count": chunks.len(), "truncated": false});
                self.chunks.insert(id.to_owned(), chunks);
                json!({"statement_id": id, "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result})
            }
            Err((code, message)) => {
                json!({"statement_id": id, "status": {"state": "FAILED", "error": {"error_code": code, "message": message}}})
            }
        }
    }

    /// Lets the statements go that run and run.
    pub(super) fn let_go(&mut self) {
        for (id, request) in std::mem::take(&mut self.held) {
            let outcome = self.execute(&request);
            let end = self.end(&id, outcome, false);
            self.statements.insert(id, end);
        }
    }

    fn poll(&mut self, rest: &str) -> Response<Body> {
        if let Some((id, number)) = rest.split_once("/result/chunks/") {
            return ok(chunk(&self.chunks[id], number.parse().unwrap()));
        }
        let Some(end) = self.statements.get(rest) else {
            return error(404, "NOT_FOUND", &format!("The statement {rest} was not found."));
        };
        let left = self.polls.entry(rest.to_owned()).or_default();
        if *left > 0 {
            *left -= 1;
            return ok(json!({"statement_id": rest, "status": {"state": "RUNNING"}}));
        }
        ok(end.clone())
    }
}

fn chunk(chunks: &[Value], at: usize) -> Value {
    match chunks.get(at) {
        None => json!({}),
        Some(rows) if at + 1 < chunks.len() => {
            json!({"chunk_index": at, "data_array": rows, "next_chunk_index": at + 1})
        }
        Some(rows) => json!({"chunk_index": at, "data_array": rows}),
    }
}
