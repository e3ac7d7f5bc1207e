//! Answers: JSON where it is, and when a refusal is worth another try.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::refusal::answered::{self, Answered};
use super::retry::Again;
use super::shape;
use crate::limits::Exceeded;
use crate::region::RegionErrorKind;

/// Reads an answer that says nothing but that all went well: empty, or an object of no interest.
pub(super) fn nothing(headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    if body.trim_ascii().is_empty() { Ok(()) } else { json::<Value>(headers, body).map(drop) }
}

/// Reads an answer that was to be a JSON object.
pub(super) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let unreadable = |said: &str| Refusal {
        request_id: request_id(headers),
        ..Refusal::new(RegionErrorKind::Other, said)
    };
    match body.trim_ascii().first() {
        None => return Err(unreadable("the answer is empty")),
        // Without this a list would be read as an object whose fields all have their defaults.
        Some(b'[') => return Err(unreadable("the answer is a list instead of an object")),
        Some(_) => {}
    }
    parsed(body).map_err(|error| {
        let error = match error {
            Unread::Large(exceeded) => {
                let text = format!("the answer is not read: {exceeded}");
                return Refusal::new(RegionErrorKind::Other, text);
            }
            Unread::NotJson(error) => error,
        };
        let id = request_id(headers);
        // Whoever sends it is there, whatever it is.
        let said = match answered::page(&String::from_utf8_lossy(body)) {
            Some(title) => format!("a web page came instead of an answer ({title}): is a proxy or a sign-in page in between?"),
            None if error.is_eof() => "the answer ends in the middle".to_owned(),
            None => format!("the answer is not what the API promises: {error}"),
        };
        Refusal { request_id: id, ..Refusal::new(RegionErrorKind::Other, said) }
    })
}

/// Reads a part of a result.
pub(super) fn rows(body: &[u8]) -> Result<Vec<Vec<Option<String>>>, Refusal> {
    parsed(body).map_err(|error| {
        let text = match error {
            Unread::Large(exceeded) => format!("a part of its result is not read: {exceeded}"),
            Unread::NotJson(_) => "a part of its result is not what was promised".to_owned(),
        };
        Refusal::new(RegionErrorKind::Other, text)
    })
}

/// Why JSON was not read.
enum Unread {
    Large(Exceeded),
    NotJson(serde_json::Error),
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unread> {
    static LARGE: Mutex<()> = Mutex::new(());
    shape::check(body).map_err(Unread::Large)?;
    // One at a time of those that take memory. Whoever panicked while reading left nothing behind.
    let _one = shape::is_large(body).then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner));
    serde_json::from_slice(body).map_err(Unread::NotJson)
}

/// A refusal, and whether it is worth another try; what it says is read where all of that is.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> (Refusal, Again) {
    if status.is_redirection() {
        return (answered::redirected(status, headers.get("location")), Again::Never);
    }
    let Answered { refusal, is_own, passes } = answered::read(status, body);
    let again = match Again::of_status(status) {
        // The workspace's own 503 is a refusal; a proxy's may come after the effect.
        Again::IfSafe if is_own && status == StatusCode::SERVICE_UNAVAILABLE => Again::Surely,
        Again::Never if passes => Again::Surely,
        again => again,
    };
    let refusal = Refusal {
        request_id: request_id(headers).or(refusal.request_id),
        retry_after: retry_after(headers, now),
        ..refusal
    };
    (refusal, again)
}

fn request_id(headers: &HeaderMap) -> Option<Box<str>> {
    headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(Into::into)
}

/// The service's clock, to the second.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get("date")?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some((http_date(text)? - now).to_std().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> (String, RegionErrorKind, Again) {
        let status = StatusCode::from_u16(status).unwrap();
        let (refusal, again) =
            refusal(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH);
        (refusal.to_string(), refusal.kind, again)
    }

    #[test]
    fn every_shape_of_a_refusal_is_read() {
        let denied = read(403, r#"{"error_code":403,"message":"Invalid access token."}"#);
        assert_eq!(denied.0, "Invalid access token. [403 Forbidden]");
        assert_eq!(denied.1, RegionErrorKind::Denied);
        let named = read(
            404,
            r#"{"error_code":"TABLE_DOES_NOT_EXIST","message":"Table 'a.b.c' does not exist.","details":[{"request_id":"r-1"}]}"#,
        );
        assert_eq!(
            named.0,
            "Table 'a.b.c' does not exist. [TABLE_DOES_NOT_EXIST (404)] (request r-1)"
        );
        assert_eq!(named.1, RegionErrorKind::NotFound);
        let job = read(
            400,
            r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"Job 404 does not exist."}"#,
        );
        assert_eq!(job.1, RegionErrorKind::NotFound);
        let scim = read(404, r#"{"detail":"no such user","status":"404"}"#);
        assert_eq!(scim.0, "no such user [SCIM_404 (404)]");
        assert_eq!(read(400, r#"{"error":"old"}"#).0, "old [400 Bad Request]");
        assert_eq!(read(500, "").0, "500 Internal Server Error");
        let plain = read(400, "MALFORMED_REQUEST: no such thing");
        assert_eq!(plain.0, "no such thing [MALFORMED_REQUEST (400)]");
        let page = read(502, "<html><head><title>502 Bad Gateway</title></head></html>");
        assert_eq!(page.0, "502 Bad Gateway [BAD_GATEWAY (502)]");
        assert_eq!((page.1, page.2), (RegionErrorKind::Unavailable, Again::IfSafe));
    }

    #[test]
    fn a_503_of_the_workspace_had_no_effect_and_one_of_a_proxy_may_have_had() {
        assert_eq!(
            read(503, r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"x"}"#).2,
            Again::Surely
        );
        assert_eq!(read(503, "<html></html>").2, Again::IfSafe);
        assert_eq!(read(429, "").2, Again::Surely);
        assert_eq!(
            read(400, r#"{"message":"RPC token bucket limit has been exceeded"}"#).2,
            Again::Surely
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let read = |text: &str| {
            let headers =
                HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]);
            retry_after(&headers, DateTime::from_timestamp(784_111_777, 0).unwrap())
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn a_page_or_half_an_answer_instead_of_json_is_named() {
        let read = |body: &str| {
            json::<Value>(&HeaderMap::new(), body.as_bytes()).err().map(|it| it.to_string())
        };
        assert!(read("<html><title>Sign in</title></html>").unwrap().contains("(Sign in)"));
        assert_eq!(read(r#"{"a": [1, "#).unwrap(), "the answer ends in the middle");
        assert_eq!(read(" ").unwrap(), "the answer is empty");
        assert_eq!(read("[]").unwrap(), "the answer is a list instead of an object");
        assert_eq!(read("{}"), None);
        assert!(nothing(&HeaderMap::new(), b"").is_ok());
        assert!(nothing(&HeaderMap::new(), b"<html></html>").is_err());
    }
}
