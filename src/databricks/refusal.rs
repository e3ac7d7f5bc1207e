//! A refusal by Databricks, of a request or of a statement, and what it means to a caller.

use std::fmt;
use std::time::Duration;

use crate::region::{RegionError, RegionErrorKind};
use crate::secrets;

/// The code of a refusal for what a row says.
pub(super) const ROW_UNREADABLE: &str = "ROW_UNREADABLE";

/// A refusal, before it is known what was being done.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) kind: RegionErrorKind,
    /// The HTTP status, of a request.
    pub(super) status: Option<u16>,
    /// `error_code` of a request, error class of a statement; empty where there is none.
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    pub(super) statement_id: Option<String>,
    pub(super) transient: bool,
    pub(super) outcome_unknown: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(kind: RegionErrorKind, message: impl Into<String>) -> Refusal {
        Refusal {
            kind,
            status: None,
            code: String::new(),
            message: message.into(),
            request_id: None,
            statement_id: None,
            transient: false,
            outcome_unknown: false,
            retry_after: None,
        }
    }

    pub(super) fn transient(self) -> Refusal {
        Refusal { transient: true, ..self }
    }

    pub(super) fn unknown(self) -> Refusal {
        Refusal { outcome_unknown: true, ..self }
    }

    /// The same with what to do about it.
    pub(super) fn hint(self, hint: &str) -> Refusal {
        Refusal { message: format!("{}; {hint}", self.message), ..self }
    }

    /// The same without any secret, wherever the service put it.
    pub(super) fn withheld(self) -> Refusal {
        let plain = |text: String| secrets::withheld(&text).into_owned();
        Refusal {
            code: plain(self.code),
            message: plain(self.message),
            request_id: self.request_id.map(plain),
            ..self
        }
    }

    /// The refusal as the port has it. Who is not signed in was not denied one thing.
    pub(super) fn doing(self, doing: impl Into<String>) -> RegionError {
        RegionError {
            kind: match (self.is_sign_in(), self.status) {
                // What stands in between refuses so too, and not who asks.
                (true, Some(403)) if !self.message.to_lowercase().contains("token") => {
                    RegionErrorKind::Other
                }
                (true, _) => RegionErrorKind::SignedOut,
                (false, _) => self.kind,
            },
            doing: doing.into(),
            detail: self.to_string(),
            transient: self.transient,
            outcome_unknown: self.outcome_unknown,
            retry_after: self.retry_after,
        }
    }

    /// The token was refused, or none was sent.
    pub(super) fn is_sign_in(&self) -> bool {
        match self.status {
            Some(401) => true,
            // Gateways write a number; what the workspace itself denies has a name.
            Some(403) => self.code.is_empty() || self.code.parse::<u16>().is_ok(),
            Some(_) | None => self.code == "SIGN_IN",
        }
    }

    /// A statement of a failed state, read for what a caller can act on.
    pub(super) fn of_statement(
        id: &str,
        error_code: &str,
        sql_state: Option<&str>,
        message: &str,
    ) -> Refusal {
        let text = one_line(message);
        let class = class_of(&text);
        let state =
            sql_state.map(str::to_owned).or_else(|| sql_state_of(&text)).unwrap_or_default();
        let (kind, transient) = meaning(class, &state, error_code, &text);
        Refusal {
            code: if class.is_empty() { error_code.to_owned() } else { class.to_owned() },
            statement_id: Some(id.to_owned()),
            transient,
            ..Refusal::new(kind, text.clone())
        }
    }

    /// The warehouse is not to be used, whatever the statement is: it was not taken.
    pub(super) fn is_of_warehouse(&self) -> bool {
        self.statement_id.is_none()
            && matches!(self.kind, RegionErrorKind::Denied | RegionErrorKind::NotFound)
    }

    /// The result is too large to come with the answer.
    pub(super) fn too_large_inline(&self) -> bool {
        let text = self.message.to_uppercase();
        text.contains("INLINE BYTE LIMIT") || text.contains("DISPOSITION=EXTERNAL_LINKS")
    }

    /// The warehouse does not understand the statement.
    pub(super) fn is_syntax(&self) -> bool {
        self.code.starts_with("PARSE_")
            || self.code.contains("SYNTAX")
            || self.code.starts_with("UNSUPPORTED_")
    }

    /// A statement ran into what a table holds, or a row of it cannot be read: neither the service nor who asks is why.
    pub(super) fn is_of_content(&self) -> bool {
        let met = self.statement_id.is_some() || self.code == ROW_UNREADABLE;
        met && self.kind == RegionErrorKind::Other
            && !(self.transient || self.outcome_unknown || self.is_syntax())
    }

    /// Something answered, and it was no answer to the question; a statement that failed has a class or a code.
    pub(super) fn is_no_answer_of_use(&self) -> bool {
        self.kind == RegionErrorKind::Other && self.code.is_empty()
    }

    /// There is no table at the path or under the name; its container is there.
    pub(super) fn no_table(&self) -> bool {
        self.kind == RegionErrorKind::NotFound && !self.no_container()
    }

    /// The refusal is about the container or bucket, not about a folder in it. Paths name both, so only whole phrases count.
    fn no_container(&self) -> bool {
        let text: String = self.message.to_lowercase().split_whitespace().collect();
        [
            "containernotfound",
            "containerdoesnotexist",
            "filesystemnotfound",
            "filesystemdoesnotexist",
            "nosuchbucket",
            "bucketdoesnotexist",
            "no_parent_external_location",
            "unknownhost",
        ]
        .iter()
        .any(|phrase| text.contains(phrase))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(id) = &self.statement_id {
            write!(f, " (statement {id})")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// The error class in brackets at the beginning: `[DELTA_TABLE_NOT_FOUND] …`.
fn class_of(text: &str) -> &str {
    let inside = text.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match inside {
        Some((class, _))
            if class.bytes().all(|b| {
                b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'.'
            }) =>
        {
            class
        }
        Some(_) | None => "",
    }
}

fn sql_state_of(text: &str) -> Option<String> {
    let (_, after) = text.split_once("SQLSTATE: ")?;
    let state: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    (state.len() == 5).then_some(state)
}

/// Classes that say that something is not there.
const NOT_FOUND: [&str; 11] = [
    "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_NOT_FOUND",
    "CATALOG_NOT_FOUND",
    "NO_SUCH_CATALOG_EXCEPTION",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_PATH_DOES_NOT_EXIST",
    "PATH_NOT_FOUND",
    "DELTA_VERSION_NOT_FOUND",
    "NO_PARENT_EXTERNAL_LOCATION_FOR_PATH",
    "RESOURCE_DOES_NOT_EXIST",
];
/// Classes that say that a table is there and a part of it is not, whatever their SQLSTATE.
const PART_MISSING: [&str; 4] = [
    "DELTA_FILE_NOT_FOUND",
    "DELTA_FILE_NOT_FOUND_DETAILED",
    "DELTA_LOG_FILE_NOT_FOUND",
    "DELTA_TRUNCATED_TRANSACTION_LOG",
];
/// Classes that say that a right is missing.
const DENIED: [&str; 4] =
    ["INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED", "UNAUTHORIZED_ACCESS", "FORBIDDEN"];

fn meaning(class: &str, state: &str, error_code: &str, text: &str) -> (RegionErrorKind, bool) {
    let base = class.split('.').next().unwrap_or_default();
    if PART_MISSING.contains(&base) {
        return (RegionErrorKind::Other, false);
    }
    if NOT_FOUND.contains(&base) || matches!(state, "42P01" | "42K03" | "42704") {
        return (RegionErrorKind::NotFound, false);
    }
    if DENIED.contains(&base) || state == "42501" {
        return (RegionErrorKind::Denied, false);
    }
    if state == "2D521"
        || base.starts_with("DELTA_CONCURRENT_")
        || matches!(base, "DELTA_METADATA_CHANGED" | "DELTA_PROTOCOL_CHANGED")
    {
        return (RegionErrorKind::Conflict, true);
    }
    if matches!(state, "0AKDC" | "0A000" | "56038") || base.contains("UNSUPPORTED") {
        return (RegionErrorKind::Unsupported, false);
    }
    match error_code {
        "TEMPORARILY_UNAVAILABLE"
        | "WORKSPACE_TEMPORARILY_UNAVAILABLE"
        | "SERVICE_UNDER_MAINTENANCE" => (RegionErrorKind::Unavailable, true),
        "RESOURCE_EXHAUSTED" | "DEADLINE_EXCEEDED" | "IO_ERROR" | "INTERNAL_ERROR" => {
            (RegionErrorKind::Other, true)
        }
        "NOT_FOUND" => (RegionErrorKind::NotFound, false),
        "UNAUTHENTICATED" => (RegionErrorKind::Denied, false),
        _ if ["path does not exist", "filenotfoundexception", "is not a delta table"]
            .iter()
            .any(|phrase| text.to_lowercase().contains(phrase)) =>
        {
            (RegionErrorKind::NotFound, false)
        }
        _ => (RegionErrorKind::Other, false),
    }
}

/// Text from a service on one line and without its echo of the statement.
fn one_line(message: &str) -> String {
    let text = message.split("== SQL ==").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: &str, state: Option<&str>, text: &str) -> (RegionErrorKind, bool, String) {
        let refusal = Refusal::of_statement("01", code, state, text);
        (refusal.kind, refusal.transient, refusal.code)
    }

    #[test]
    fn a_failed_statement_is_read_by_its_class_its_state_and_its_code() {
        let kind = |code, state, text| read(code, state, text).0;
        let missing =
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found. SQLSTATE: 42P01";
        assert_eq!(kind("BAD_REQUEST", None, missing), RegionErrorKind::NotFound);
        let denied = "User does not have USE SCHEMA on Schema 'x'. SQLSTATE: 42501";
        assert_eq!(kind("BAD_REQUEST", None, denied), RegionErrorKind::Denied);
        let raced = read(
            "BAD_REQUEST",
            Some("2D521"),
            "[DELTA_CONCURRENT_APPEND] ConcurrentAppendException",
        );
        assert_eq!((raced.0, raced.1), (RegionErrorKind::Conflict, true));
        let late = "[DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION] Cannot time travel";
        assert_eq!(kind("BAD_REQUEST", None, late), RegionErrorKind::Unsupported);
        let part = "[DELTA_LOG_FILE_NOT_FOUND] Unable to retrieve the delta log files";
        assert_eq!(
            kind("BAD_REQUEST", Some("42K03"), part),
            RegionErrorKind::Other,
            "the table is there"
        );
        assert!(read("IO_ERROR", None, "broken pipe").1);
        assert_eq!(read("BAD_REQUEST", None, "no class").2, "BAD_REQUEST");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_from_its_bucket() {
        let read = |text: &str| Refusal::of_statement("01", "BAD_REQUEST", None, text);
        assert!(read("[PATH_NOT_FOUND] Path does not exist: s3://bucket/container/x").no_table());
        let bucket = read("[PATH_NOT_FOUND] NoSuchBucket: The specified bucket does not exist");
        assert_eq!((bucket.kind, bucket.no_table()), (RegionErrorKind::NotFound, false));
    }

    #[test]
    fn a_syntax_error_is_one_line_without_the_statement() {
        let text = "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'INSER'. SQLSTATE: 42601 (line 1, pos 0)\n\n== SQL ==\nINSER INTO\n^^^\n";
        let refusal = Refusal::of_statement("01ef", "BAD_REQUEST", None, text);
        assert!(refusal.is_syntax());
        assert_eq!(
            refusal.to_string(),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near 'INSER'. SQLSTATE: 42601 (line 1, pos 0) (statement 01ef)"
        );
    }
}
