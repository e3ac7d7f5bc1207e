//! A stranger between drsync and a workspace: passes requests on, and changes what comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::json;

use crate::foreign::mutate::{Dice, mutated};

/// An answer, as far as drsync sees it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Which answers are changed, and what becomes of them.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Of this kind.
    pub(crate) kind: String,
    /// The first that is changed, from 0.
    pub(crate) from: usize,
    /// All that follow, too.
    pub(crate) lasting: bool,
    pub(crate) how: How,
}

#[derive(Debug, Clone)]
pub(crate) enum How {
    /// The body is changed as the mutator does, with parts of another one.
    Mutated { seed: u64, other: Vec<u8> },
    /// Something else comes instead.
    Instead(Answer),
}

/// What the proxies of both workspaces have in common.
#[derive(Debug)]
pub(crate) struct Between {
    state: Mutex<State>,
    http: reqwest::Client,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses of the services with those of their proxies.
    addresses: Vec<(String, String)>,
    /// Answers so far, by kind, and the newest body of each.
    seen: BTreeMap<String, (usize, Vec<u8>)>,
    change: Option<Change>,
    /// What was last said instead of an answer.
    said: Vec<u8>,
    /// The service principal that tokens of others are exchanged for.
    principal: (String, String),
}

impl Between {
    pub(crate) fn new(client: &str, secret: &str) -> Arc<Between> {
        let principal = (client.to_owned(), secret.to_owned());
        Arc::new(Between {
            state: Mutex::new(State { principal, ..State::default() }),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        })
    }

    /// Puts a proxy before a service; it is there as long as the runtime.
    pub(crate) async fn stand_before(self: &Arc<Between>, service: &str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.state.lock().unwrap().addresses.push((service.to_owned(), url.clone()));
        let app = Router::new()
            .fallback(pass)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state((self.clone(), service.to_owned()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// Counts from the beginning, and changes what it is to change.
    pub(crate) fn change(&self, change: Option<Change>) {
        let mut state = self.state.lock().unwrap();
        state.seen.clear();
        state.said.clear();
        state.change = change;
    }

    /// How many answers of each kind there were, and the newest of each.
    pub(crate) fn seen(&self) -> BTreeMap<String, (usize, Vec<u8>)> {
        self.state.lock().unwrap().seen.clone()
    }

    async fn ask(&self, service: &str, request: Request<'_>) -> Answer {
        let Request { method, path, headers, body } = request;
        let exchanges =
            path == "/oidc/v1/token" && body.windows(14).any(|it| it == b"token-exchange");
        if path.starts_with("/id-token") {
            // The runner of a workflow, which tells who it is.
            return Answer {
                status: 200,
                headers: Vec::new(),
                body: json!({"count": 1, "value": "eyJ.id.token"}).to_string().into_bytes(),
            };
        }
        let mut asked = self.http.request(method.clone(), format!("{service}{path}"));
        for (name, value) in headers {
            let hop = ["host", "content-length", "connection", "accept-encoding"];
            if !(hop.contains(&name.as_str()) || exchanges && name == "authorization") {
                asked = asked.header(name, value);
            }
        }
        let asked = if exchanges {
            let (client, secret) = self.state.lock().unwrap().principal.clone();
            asked
                .basic_auth(client, Some(secret))
                .body("grant_type=client_credentials&scope=all-apis")
        } else {
            asked.body(body.to_vec())
        };
        let answer = asked.send().await.unwrap();
        let kept = ["content-type", "date", "retry-after", "location", "x-request-id"];
        let headers = answer.headers().iter().filter(|(name, _)| kept.contains(&name.as_str()));
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap().to_vec();
        Answer { status, headers, body: self.with_own_addresses(body) }
    }

    /// The service's own address never reaches the client.
    fn with_own_addresses(&self, body: Vec<u8>) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        match String::from_utf8(body) {
            Ok(text) => state
                .addresses
                .iter()
                .fold(text, |text, (own, proxy)| text.replace(own, proxy))
                .into_bytes(),
            Err(odd) => odd.into_bytes(),
        }
    }

    fn changed(&self, kind: String, answer: Answer) -> Answer {
        let mut state = self.state.lock().unwrap();
        let (count, newest) = state.seen.entry(kind.clone()).or_default();
        let place = *count;
        *count += 1;
        newest.clone_from(&answer.body);
        let met = state.change.as_ref().filter(|change| {
            change.kind == kind && (place == change.from || (change.lasting && place > change.from))
        });
        let answer = match met.map(|change| &change.how) {
            None => return answer,
            Some(How::Instead(instead)) => instead.clone(),
            Some(How::Mutated { seed, other }) => {
                Answer { body: mutated(&mut Dice::of(*seed), &answer.body, other), ..answer }
            }
        };
        state.said.clone_from(&answer.body);
        answer
    }
}

struct Request<'a> {
    method: Method,
    path: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

async fn pass(
    Shared((between, service)): Shared<(Arc<Between>, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let kind = kind_of(&method, uri.path(), &body);
    let request = Request { method, path, headers: &headers, body: &body };
    let answer = between.ask(&service, request).await;
    let Answer { status, headers, body } = between.changed(kind, answer);
    let response = headers
        .iter()
        .fold(Response::builder().status(status), |it, (name, value)| it.header(name, value));
    response.body(Body::from(body)).unwrap()
}

/// The question that an answer is of: method and path without what names one thing, and of a statement its first words.
fn kind_of(method: &Method, path: &str, body: &[u8]) -> String {
    let of_one = |part: &&str| {
        part.contains('.') && !part.starts_with("2.") && !part.starts_with(".well")
            || part.len() > 24 && part.contains(|c: char| c.is_ascii_digit())
    };
    let parts: Vec<&str> =
        path.split('/').map(|part| if of_one(&part) { "*" } else { part }).take(9).collect();
    let statement: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let words = statement.as_ref().and_then(|it| it["statement"].as_str()).unwrap_or_default();
    let words: Vec<&str> = words.split_whitespace().take(2).collect();
    format!("{method} {} {}", parts.join("/"), words.join(" ")).trim_end().to_owned()
}
