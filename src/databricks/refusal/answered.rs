//! What an answer of REST that refuses means: by its status and code and, where these do not tell, by what it says.

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde_json::Value;

use super::Refusal;
use crate::region::RegionErrorKind;

/// Texts of refusals that pass although their status does not say so.
const PASSING: [&str; 9] = [
    "com.databricks.backend.manager.util.UnknownWorkerEnvironmentException",
    "does not have any associated worker environments",
    "There is no worker environment with id",
    "Unknown worker environment",
    "ClusterNotReadyException",
    "Unexpected error",
    "Please try again later or try a faster operation.",
    "RPC token bucket limit has been exceeded",
    "REQUEST_LIMIT_EXCEEDED",
];

/// A refusal of a request, read.
pub(in crate::databricks) struct Answered {
    /// What it is.
    pub(in crate::databricks) refusal: Refusal,
    /// The workspace wrote it itself, and nothing in between.
    pub(in crate::databricks) is_own: bool,
    /// It says that it passes, whatever its status is.
    pub(in crate::databricks) passes: bool,
}

/// Reads what came with a status that refuses.
pub(in crate::databricks) fn read(status: StatusCode, body: &[u8]) -> Answered {
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let (code, said) = code_and_message(&value, &text, status);
    let kind = match kind_of(status, &code, &said) {
        // Whoever answers with a page knows nothing of what was asked for.
        RegionErrorKind::NotFound if page(&text).is_some() => RegionErrorKind::Other,
        kind => kind,
    };
    let refusal = Refusal {
        status: Some(status.as_u16()),
        request_id: request_id(&value),
        ..Refusal::new(kind, message(status, &code, &said))
    };
    Answered {
        refusal: Refusal { code, ..refusal },
        is_own: value.is_object(),
        passes: passes(&said),
    }
}

/// Reads where a request was sent to in place of an answer.
pub(in crate::databricks) fn redirected(status: StatusCode, to: Option<&HeaderValue>) -> Refusal {
    let private = to.is_some_and(|to| to.as_bytes().windows(12).any(|it| it == b"private-link"));
    let text = if private {
        "the workspace is behind a private link that this machine does not come through".to_owned()
    } else {
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or("somewhere else");
        let to = to.split(['?', '#']).next().unwrap_or_default();
        format!("redirected to {to}: is the workspace's address right?")
    };
    Refusal { status: Some(status.as_u16()), ..Refusal::new(RegionErrorKind::Unavailable, text) }
}

/// Which kind of refusal it is.
fn kind_of(status: StatusCode, code: &str, said: &str) -> RegionErrorKind {
    if code.ends_with("_DOES_NOT_EXIST")
        || matches!(code, "NOT_FOUND" | "FILES_API_RESOURCE_NOT_FOUND")
    {
        return RegionErrorKind::NotFound;
    }
    // Jobs answer an unknown id as a bad parameter.
    let unknown_id = code == "INVALID_PARAMETER_VALUE"
        && (said.starts_with("Job ") || said.starts_with("Run"))
        && (said.contains("does not exist") || said.contains("doesn't exist"));
    if unknown_id {
        return RegionErrorKind::NotFound;
    }
    match code {
        "PERMISSION_DENIED" | "CUSTOMER_UNAUTHORIZED" | "UNAUTHENTICATED" => {
            return RegionErrorKind::Denied;
        }
        "ABORTED" | "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS" | "RESOURCE_CONFLICT" => {
            return RegionErrorKind::Conflict;
        }
        "NOT_IMPLEMENTED" | "FEATURE_DISABLED" | "ENDPOINT_NOT_FOUND" => {
            return RegionErrorKind::Unsupported;
        }
        _ => {}
    }
    match status.as_u16() {
        401 | 403 => RegionErrorKind::Denied,
        404 => RegionErrorKind::NotFound,
        409 => RegionErrorKind::Conflict,
        501 => RegionErrorKind::Unsupported,
        408 | 429 | 500 | 502 | 503 | 504 => RegionErrorKind::Unavailable,
        _ => RegionErrorKind::Other,
    }
}

/// Whether it says that it will pass.
fn passes(said: &str) -> bool {
    PASSING.iter().any(|text| said.contains(text))
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
            // This is SCIM's form of an error (RFC 7644), in which `null` as the detail means an error of the service itself.
            let status = field("status").unwrap_or_else(|| status.as_u16().to_string());
            let nothing = said == "null";
            let said =
                if nothing { "internal error of the identity service".to_owned() } else { said };
            return (format!("SCIM_{status}"), said);
        }
        let said = field("error_description").or_else(|| field("error")).unwrap_or_default();
        return (code, said);
    }
    if let Some(title) = page(text) {
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
pub(in crate::databricks) fn page(text: &str) -> Option<String> {
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

/// What the service calls its answer, where that stands in it.
fn request_id(value: &Value) -> Option<Box<str>> {
    let details = value.get("details")?.as_array()?;
    details.iter().find_map(|it| Some(it.get("request_id")?.as_str()?.into()))
}
