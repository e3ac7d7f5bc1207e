//! What is logged of a request: method, path, status, milliseconds and the id that the service gave it; never a query, a header
//! or a body, which may hold secrets.

use std::time::Instant;

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use tracing::Level;

/// By what a subscriber knows these events.
pub(crate) const TARGET: &str = "drsync::http";

/// A request that is about to be sent.
pub(crate) struct LoggedRequest {
    method: String,
    path: String,
    begun: Instant,
}

impl LoggedRequest {
    /// A request that somebody wants to know of; `None`: nobody does.
    pub(crate) fn of(request: &RequestBuilder) -> Option<LoggedRequest> {
        if !tracing::enabled!(target: TARGET, Level::DEBUG) {
            return None;
        }
        let request = request.try_clone()?.build().ok()?;
        Some(LoggedRequest {
            method: request.method().to_string(),
            path: request.url().path().to_owned(),
            begun: Instant::now(),
        })
    }

    /// It was answered.
    pub(crate) fn answered(self, status: u16, headers: &HeaderMap) {
        let LoggedRequest { method, path, begun } = self;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let (method, path) = (method.as_str(), path.as_str());
        tracing::debug!(
            target: TARGET,
            method,
            path,
            status = u64::from(status),
            milliseconds,
            request_id = request_id.unwrap_or("-"),
        );
    }

    /// It was not answered.
    pub(crate) fn unanswered(self) {
        let LoggedRequest { method, path, begun } = self;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, path) = (method.as_str(), path.as_str());
        tracing::debug!(target: TARGET, method, path, status = "no answer", milliseconds);
    }
}
