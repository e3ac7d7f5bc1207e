//! Answers: JSON where it is, and what a refusal in any of its many shapes says.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::refusal::{Refusal, kind_of, passes};
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
        request_id: request_id(headers, &Value::Null),
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
        let id = request_id(headers, &Value::Null);
        // Whoever sends it is there, whatever it is.
        let said = match html(&String::from_utf8_lossy(body)) {
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

/// Reads a refusal.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> (Refusal, Again) {
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let (code, said) = code_and_message(&value, &text, status);
    if status.is_redirection() {
        let to =
            headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("somewhere else");
        let to = to.split(['?', '#']).next().unwrap_or_default();
        let private = headers
            .get("location")
            .is_some_and(|to| to.as_bytes().windows(12).any(|it| it == b"private-link"));
        let text = if private {
            "the workspace is behind a private link that this machine does not come through"
                .to_owned()
        } else {
            format!("redirected to {to}: is the workspace's address right?")
        };
        return (
            Refusal {
                status: Some(status.as_u16()),
                ..Refusal::new(RegionErrorKind::Unavailable, text)
            },
            Again::Never,
        );
    }
    let kind = match kind_of(status, &code, &said) {
        // Whoever answers with a page knows nothing of what was asked for.
        RegionErrorKind::NotFound if html(&text).is_some() => RegionErrorKind::Other,
        kind => kind,
    };
    let refusal = Refusal {
        status: Some(status.as_u16()),
        request_id: request_id(headers, &value),
        retry_after: retry_after(headers, now),
        ..Refusal::new(kind, message(status, &code, &said))
    };
    let json = value.is_object();
    let again = match status.as_u16() {
        429 => Again::Surely,
        // The workspace's own 503 is a refusal; a proxy's may come after the effect.
        503 if json => Again::Surely,
        500 | 502 | 503 | 504 | 408 => Again::IfSafe,
        _ if passes(&said) => Again::Surely,
        _ => Again::Never,
    };
    (Refusal { code, ..refusal }, again)
}

fn message(status: StatusCode, code: &str, said: &str) -> String {
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = if code.is_empty() || code.parse::<u16>().is_ok() {
        status.to_string()
    } else {
        format!("{code} ({})", status.as_u16())
    };
    if said.is_empty() { name } else { format!("{said} [{name}]") }
}

/// The code and the message of a refusal, whichever part of the service wrote it.
fn code_and_message(value: &Value, text: &str, status: StatusCode) -> (String, String) {
    let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    if value.is_object() {
        let code = match value.get("error_code") {
            Some(Value::String(code)) => code.clone(),
            Some(Value::Number(code)) => code.to_string(),
            _ => String::new(),
        };
        if let Some(message) = field("message") {
            return (code, message);
        }
        if let Some(said) = field("detail") {
            // SCIM, RFC 7644; one that fails within says that it has nothing to say.
            let status = field("status").unwrap_or_else(|| status.as_u16().to_string());
            let nothing = said == "null";
            let said =
                if nothing { "internal error of the identity service".to_owned() } else { said };
            return (format!("SCIM_{status}"), said);
        }
        let said = field("error_description").or_else(|| field("error")).unwrap_or_default();
        return (code, said);
    }
    if let Some(title) = html(text) {
        let code =
            status.canonical_reason().unwrap_or("UNKNOWN").to_uppercase().replace([' ', '-'], "_");
        // A gateway's trouble is known by its status; who refuses with a page is not the workspace.
        return if status.is_client_error() {
            (
                code,
                format!("a web page came instead of an answer ({title}): is a proxy in between?"),
            )
        } else {
            (code, title)
        };
    }
    if let Some((code, rest)) = text.split_once(": ")
        && !code.is_empty()
        && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    {
        return (code.to_owned(), rest.to_owned());
    }
    (String::new(), text.chars().take(500).collect())
}

/// The words of a web page: its `<pre>` or its title.
fn html(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if !lower.trim_start().starts_with('<') {
        return None;
    }
    let inside = |open: &str, close: &str| {
        let from = lower.find(open)? + open.len();
        let to = lower[from..].find(close)? + from;
        text.get(from..to).map(|text| text.trim().chars().take(200).collect::<String>())
    };
    inside("<pre>", "</pre>")
        .or_else(|| inside("<title>", "</title>"))
        .filter(|text| !text.is_empty())
        .or_else(|| Some("without a title".to_owned()))
}

fn request_id(headers: &HeaderMap, value: &Value) -> Option<Box<str>> {
    let header = headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(Into::into);
    header.or_else(|| {
        let details = value.get("details")?.as_array()?;
        details.iter().find_map(|it| Some(it.get("request_id")?.as_str()?.into()))
    })
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
