//! Asks the REST API of a workspace, and the store of its results: requests are signed, repeated where that is safe, and read;
//! refusals become one kind. Signing in sends requests of its own over the same connections, in `databricks/auth`.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::credential::{AccessToken, Credential};
use super::refusal::Refusal;
use super::timing::Timing;
use crate::config::is_at_this_machine;
use crate::failed_request::RequestLoss;
use crate::limits::{ANSWER, Limit, RESULT_PART, SHORT_ANSWER};
use crate::pause::Twice;
use crate::region::RegionErrorKind;
use crate::secrets;
use crate::wire_log::LoggedRequest;

mod answer;
mod gate;
mod names;
mod retry;
mod shape;
mod store;
mod tls;

use gate::Gate;
use retry::{Again, Tries};
pub(super) use retry::{by_proxy, unresolved};
use store::Store;

/// What the User-Agent says.
pub(super) const AGENT: &str = concat!("drsync/", env!("CARGO_PKG_VERSION"));
/// No single request takes longer; statements are polled.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Nor after a request that was not answered at all; what is asked to wait for its answer waits no longer than half of it.
const SILENT_TIMEOUT: Duration = Duration::from_secs(20);
/// A host that does not take a connection in this time is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer of so many bytes is read while few others are.
const LARGE_BYTES: usize = 4 << 20;
/// Large answers that are read at once, of all workspaces: each may take as much memory as an answer may.
static LARGE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// A client of one workspace; clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    /// Where results are kept that are too large for an answer.
    store: Store,
    base: Url,
    credential: Credential,
    timing: Timing,
    gate: Gate,
    /// How far the service's clock was ahead of ours when it last answered.
    ahead: Mutex<Option<TimeDelta>>,
    /// The last request was not answered in time.
    silent: AtomicBool,
}

/// One request, before it is sent.
struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: Vec<(&'a str, String)>,
    body: Option<Vec<u8>>,
    twice: Twice,
    /// The answer is a secret: it is read as it is.
    of_secret: bool,
}

impl<'a> Call<'a> {
    fn get(path: &'a [&'a str], query: &[(&'a str, &str)]) -> Call<'a> {
        let query = query.iter().map(|(key, value)| (*key, (*value).to_owned()));
        Call {
            method: Method::GET,
            path,
            query: query.collect(),
            body: None,
            twice: Twice::Harmless,
            of_secret: false,
        }
    }

    fn post(path: &'a [&'a str], body: &impl Serialize, twice: Twice) -> Result<Call<'a>, Refusal> {
        let body = serde_json::to_string(body).map_err(|error| {
            Refusal::new(RegionErrorKind::Other, format!("the request cannot be written: {error}"))
        })?;
        // Rows and documents are kept in the other region: no secret is among them.
        let body = secrets::withheld(&body).into_owned().into_bytes();
        Ok(Call {
            method: Method::POST,
            path,
            query: Vec::new(),
            body: Some(body),
            twice,
            of_secret: false,
        })
    }
}

/// An answer that was read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Its place among the large ones.
    _large: Option<tokio::sync::SemaphorePermit<'static>>,
}

impl Answer {
    /// The same without any secret: whatever stands in between may send back what it was asked.
    fn withheld(self) -> Answer {
        let body = match secrets::withheld(&String::from_utf8_lossy(&self.body)) {
            Cow::Borrowed(_) => None,
            Cow::Owned(body) => Some(body.into_bytes()),
        };
        Answer { body: body.unwrap_or(self.body), ..self }
    }
}

/// A connection for requests that need no workspace, such as sign-in.
pub(super) fn plain_http(loopback: bool) -> Result<reqwest::Client, Refusal> {
    plain_http_builder(loopback).build().map_err(unmade)
}

fn plain_http_builder(loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // A token follows no redirect, and a sign-in page is no answer.
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(std::sync::Arc::new(names::HostResolver));
    if loopback { builder.no_proxy() } else { builder }
}

fn unmade(error: reqwest::Error) -> Refusal {
    let text = format!("the HTTP client cannot be made: {error}");
    Refusal::new(RegionErrorKind::Other, text)
}

impl Client {
    pub(super) fn new(
        base: Url,
        credential: Credential,
        timing: Timing,
    ) -> Result<Client, Refusal> {
        let http = plain_http(is_at_this_machine(&base))?;
        let store = Store::of(&base)?;
        let ahead = Mutex::default();
        let gate = Gate::default();
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                store,
                base,
                credential,
                timing,
                gate,
                ahead,
                silent: AtomicBool::new(false),
            }),
        })
    }

    /// How it is signed in, for example `DATABRICKS_TOKEN`.
    pub(super) fn signed_in_with(&self) -> &str {
        self.inner.credential.method()
    }

    /// The workspace's address.
    pub fn base(&self) -> &Url {
        &self.inner.base
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.inner.timing
    }

    /// What the service's clock says now, by the `Date` of its last answer: never ahead of it, behind by a second or so.
    pub(super) fn service_clock(&self) -> Option<DateTime<Utc>> {
        let ahead = *self.inner.ahead.lock().expect("no panic while the clock is noted");
        Some(self.inner.timing.now() + ahead?)
    }

    /// `GET`: always safe to repeat.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Refusal> {
        self.send(&Call::get(path, query), |answer| {
            answer::json::<T>(&answer.headers, &answer.body)
        })
        .await
    }

    /// `GET` of raw bytes: always safe to repeat.
    pub(super) async fn get_bytes(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, Refusal> {
        self.send(&Call::get(path, query), |answer| Ok(answer.body.clone())).await
    }

    /// `GET` of a secret.
    pub(super) async fn get_secret<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Refusal> {
        let call = Call { of_secret: true, ..Call::get(path, query) };
        self.send(&call, |answer| answer::json::<T>(&answer.headers, &answer.body)).await
    }

    /// `POST` whose repetition does no harm.
    pub(super) async fn post_safe<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        self.post(path, body, Twice::Harmless).await
    }

    /// `POST` whose repetition does no harm, and whose answer says no more than that it went well.
    pub(super) async fn post_for_nothing(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<(), Refusal> {
        let call = Call::post(path, body, Twice::Harmless)?;
        self.send(&call, |answer| answer::nothing(&answer.headers, &answer.body)).await
    }

    /// `POST` that is sent again only where it surely had no effect; otherwise its outcome is unknown.
    pub(super) async fn post_once<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        self.post(path, body, Twice::Harm).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        twice: Twice,
    ) -> Result<T, Refusal> {
        let call = Call::post(path, body, twice)?;
        self.send(&call, |answer| answer::json::<T>(&answer.headers, &answer.body)).await
    }

    /// `GET` of a signed address that holds rows: without the token, which is none of its business.
    pub(super) async fn get_signed(
        &self,
        link: &str,
        headers: &std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        let link = self.inner.store.allowed(link)?;
        let asked = self.get_from_store(&link, headers);
        self.inner.timing.in_time(asked).await?
    }

    async fn get_from_store(
        &self,
        link: &Url,
        headers: &std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        let mut tries = Tries::new(Twice::Harmless);
        loop {
            let request = self.inner.store.get(link, headers);
            let refusal = match self.exchange(request, &RESULT_PART).await {
                Ok(answer) if answer.status.is_success() => {
                    return answer::rows(&answer.withheld().body);
                }
                Ok(answer) => (
                    Refusal::new(
                        RegionErrorKind::Other,
                        format!("the store of the result answers {}", answer.status),
                    ),
                    Again::of_status(answer.status),
                ),
                Err(lost) => lost,
            };
            let pause = tries.pause(refusal, &self.inner.timing)?;
            self.inner.timing.sleep(pause).await;
        }
    }

    async fn send<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        // A request that is under way when the time is over may be carried out all the same.
        let under_way = AtomicBool::new(false);
        let asked = self.send_until_answered(call, read, &under_way);
        let answered = self.inner.timing.in_time(asked).await;
        let answered = answered.unwrap_or_else(|over| {
            let lost = call.twice == Twice::Harm && under_way.load(Ordering::Relaxed);
            Err(if lost { over.transient().unknown() } else { over.transient() })
        });
        answered.map_err(Refusal::withheld)
    }

    async fn send_until_answered<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, Refusal>,
        under_way: &AtomicBool,
    ) -> Result<T, Refusal> {
        let mut tries = Tries::new(call.twice);
        let mut signed_again = false;
        loop {
            let token = self.inner.credential.token().await?;
            let request = self.signed(call, &token)?;
            let turn = self.inner.gate.enter().await;
            under_way.store(true, Ordering::Relaxed);
            let sent = self.exchange(request, &ANSWER).await;
            under_way.store(false, Ordering::Relaxed);
            drop(turn);
            let refusal = match sent {
                Err(lost) => lost,
                Ok(answer) if answer.status.is_success() => {
                    self.inner.gate.went_well();
                    let answer = if call.of_secret { answer } else { answer.withheld() };
                    match read(&answer) {
                        Ok(value) => return Ok(value),
                        Err(unreadable) => (unreadable, Again::IfSafe),
                    }
                }
                Ok(answer) => {
                    let answer = answer.withheld();
                    if answer.status == StatusCode::TOO_MANY_REQUESTS {
                        self.inner.gate.was_throttled();
                    }
                    let (refusal, again) = answer::refusal(
                        answer.status,
                        &answer.headers,
                        &answer.body,
                        self.inner.timing.now(),
                    );
                    let renews = self.inner.credential.renews();
                    if refusal.is_sign_in() && renews && !signed_again {
                        // The token may have been revoked or outlived; one fresh token is worth one more try.
                        signed_again = true;
                        self.inner.credential.forget().await;
                        continue;
                    }
                    if refusal.is_sign_in() && !renews {
                        (refusal.hint("make a new token if it has expired"), again)
                    } else {
                        (refusal, again)
                    }
                }
            };
            let pause = tries.pause(refusal, &self.inner.timing)?;
            self.inner.timing.sleep(pause).await;
        }
    }

    fn signed(
        &self,
        call: &Call<'_>,
        token: &AccessToken,
    ) -> Result<reqwest::RequestBuilder, Refusal> {
        let mut url = self.inner.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose_secret()))
            .map_err(|_| {
                Refusal::new(RegionErrorKind::Denied, "the token has characters that no token has")
            })?;
        bearer.set_sensitive(true);
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), url)
            .header("Accept", "application/json")
            .header("Authorization", bearer)
            .query(&call.query);
        for (name, value) in &token.headers {
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
                Refusal::new(RegionErrorKind::Denied, "the token has characters that no token has")
            })?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.header("Content-Type", "application/json").body(body.clone());
        }
        Ok(request)
    }

    /// Sends a request and reads the whole answer, of so many bytes at most.
    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        most: &'static Limit,
    ) -> Result<Answer, (Refusal, Again)> {
        let request = if self.inner.silent.load(Ordering::Relaxed) {
            request.timeout(SILENT_TIMEOUT)
        } else {
            request
        };
        let asked = LoggedRequest::of(&request);
        let sent = request.send().await.map_err(|error| retry::read_lost_request(&error));
        if let Some(asked) = asked {
            match &sent {
                Ok(answer) => asked.answered(answer.status().as_u16(), answer.headers()),
                Err(_) => asked.unanswered(),
            }
        }
        let silent = matches!(sent, Err((_, Again::Lost(RequestLoss::Unanswered))));
        self.inner.silent.store(silent, Ordering::Relaxed);
        let mut response = sent?;
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(date) = answer::date(&headers) {
            *self.inner.ahead.lock().expect("no panic while the clock is noted") =
                Some(date - self.inner.timing.now());
        }
        // Of a refusal the beginning is enough.
        let most = if status.is_success() { most } else { &SHORT_ANSWER };
        let mut body = Vec::new();
        let mut large = None;
        while let Some(chunk) = response.chunk().await.map_err(|error| retry::cut_off(&error))? {
            let length = (body.len() + chunk.len()) as u64;
            match most.allow(length) {
                Ok(()) => body.extend_from_slice(&chunk),
                Err(_) if !status.is_success() => break,
                Err(exceeded) => {
                    let text = format!("the answer is not read: {exceeded}");
                    return Err((Refusal::new(RegionErrorKind::Other, text), Again::Never));
                }
            }
            if large.is_none() && body.len() > LARGE_BYTES {
                large = LARGE.acquire().await.ok();
            }
        }
        Ok(Answer { status, headers, body, _large: large })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { base, credential, .. } = self.inner.as_ref();
        f.debug_struct("Client")
            .field("base", &base.as_str())
            .field("credential", credential)
            .finish_non_exhaustive()
    }
}
