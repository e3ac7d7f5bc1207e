//! A refusal by Databricks, of a request or of a statement, and what it means to a caller. Pure.

pub(super) mod answered;
mod named;

use std::fmt;
use std::time::Duration;

use crate::pause::TryFailure;
use crate::region::{
    AnswerName, Grant, Hint, Lack, Privilege, RegionError, RegionErrorKind, SecurableKind,
    join_refusal_words,
};
use crate::secrets;
use crate::sentence::Sentence;

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
    /// What the service said. It is read here and in `named`, and nowhere else.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hints: Box<[Hint]>,
    pub(super) request_id: Option<Box<str>>,
    pub(super) statement_id: Option<Box<str>>,
    pub(super) transient: bool,
    pub(super) outcome_unknown: bool,
    /// No address is known for the host that was asked.
    pub(super) unresolved: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(kind: RegionErrorKind, message: impl Into<String>) -> Refusal {
        Refusal {
            kind,
            status: None,
            code: String::new(),
            message: message.into(),
            hints: Box::default(),
            request_id: None,
            statement_id: None,
            transient: false,
            outcome_unknown: false,
            unresolved: false,
            retry_after: None,
        }
    }

    /// How what it refuses failed, for whoever may try it again.
    pub(super) fn failure(&self) -> TryFailure {
        TryFailure::of(self.transient, self.outcome_unknown)
    }

    pub(super) fn transient(self) -> Refusal {
        Refusal { transient: true, ..self }
    }

    pub(super) fn unknown(self) -> Refusal {
        Refusal { outcome_unknown: true, ..self }
    }

    /// The same with what to do about it.
    pub(super) fn hint(self, hint: &str) -> Refusal {
        self.with(Hint::Words(hint.into()))
    }

    /// The same with the right to be given.
    pub(super) fn grant(self, grant: Grant) -> Refusal {
        self.with(Hint::Grant(grant))
    }

    fn with(self, hint: Hint) -> Refusal {
        let hints = self.hints.into_iter().chain([hint]).collect();
        Refusal { hints, ..self }
    }

    /// The right that the service says is missing.
    pub(super) fn lack(&self) -> Option<Lack> {
        lack_of(&self.message)
    }

    /// The right on files that it names, however it does.
    pub(super) fn right_on_files(&self) -> Option<Privilege> {
        let text = self.message.to_uppercase().replace('_', " ");
        let rights = [Privilege::WriteFiles, Privilege::ReadFiles];
        rights.into_iter().find(|right| text.contains(right.words()))
    }

    /// The id that a warehouse was asked for by is none.
    pub(super) fn knows_no_warehouse(&self) -> bool {
        self.status == Some(400) && self.message.contains("endpoint id")
    }

    /// The same without any secret, wherever the service put it.
    pub(super) fn withheld(self) -> Refusal {
        let plain = |text: String| secrets::withheld(&text).into_owned();
        Refusal {
            code: plain(self.code),
            message: plain(self.message),
            request_id: self.request_id.map(|id| plain(id.into()).into()),
            ..self
        }
    }

    /// The refusal as the port has it. Who is not signed in was not denied one thing.
    pub(super) fn doing(self, doing: impl Into<Sentence>) -> RegionError {
        let kind = match (self.is_sign_in(), self.status) {
            // A proxy answers 403 as well: only a refusal that speaks of a token is one of whoever asks.
            (true, Some(403)) if !self.message.to_lowercase().contains("token") => {
                RegionErrorKind::Other
            }
            (true, _) => RegionErrorKind::SignedOut,
            (false, _) => self.kind,
        };
        RegionError {
            answer: Some(Box::new(AnswerName {
                status: self.status,
                code: self.code.as_str().into(),
            })),
            lack: self.lack().map(Box::new),
            references: self.references(),
            hints: self.hints,
            transient: self.transient,
            outcome_unknown: self.outcome_unknown,
            unresolved: self.unresolved,
            retry_after: self.retry_after,
            ..RegionError::new(kind, doing, self.message)
        }
    }

    /// What the service calls its answer.
    fn references(&self) -> Box<[String]> {
        let statement = self.statement_id.iter().map(|id| format!("statement {id}"));
        let request = self.request_id.iter().map(|id| format!("request {id}"));
        statement.chain(request).collect()
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
            statement_id: Some(id.into()),
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
        join_refusal_words(&self.message, &self.hints, &self.references()).fmt(f)
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

/// What stands in a refusal before the right that is missing: `… does not have USE SCHEMA on Schema 'main.core'`.
const LACK: &str = " does not have ";

/// The right that a text says is missing.
fn lack_of(text: &str) -> Option<Lack> {
    let (_, lack) = text.split_once(LACK)?;
    let lack = lack.replace('`', "");
    let right_ends = lack.to_ascii_lowercase().find(" on ");
    let (right, thing) =
        right_ends.map_or((lack.as_str(), ""), |at| (&lack[..at], &lack[at + 4..]));
    let (kind, rest) = thing.split_once(" '").unwrap_or((thing, ""));
    // A quote within a name is followed by more of it.
    let mut quotes = rest.match_indices('\'').map(|(at, _)| at);
    let goes_on = |at: usize| rest[at + 1..].starts_with(|next: char| next.is_alphanumeric());
    let name = quotes.find(|at| !goes_on(*at)).map_or("", |at| &rest[..at]);
    Some(Lack {
        right: Privilege::parse(right),
        on: SecurableKind::parse(kind),
        name: name.to_owned(),
    })
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
    use crate::config::TableName;

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

    fn table() -> TableName {
        TableName::new("main", "odd name", "gold")
    }

    fn to_read(told: &str) -> Option<String> {
        let refusal = Refusal::new(RegionErrorKind::Denied, told);
        let grant = refusal.lack().map(|lack| lack.grant_for_reading(&table(), "dr`sync"));
        grant.map(|grant| grant.to_string())
    }

    fn among(told: &str, needed: &[Grant]) -> Option<String> {
        let lack = Refusal::new(RegionErrorKind::Denied, told).lack()?;
        lack.among(needed).map(ToString::to_string)
    }

    #[test]
    fn a_right_that_a_refusal_names_has_its_grant() {
        for (told, expected) in [
            (
                "read the history of main.core.gold: [INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA on Schema 'main.odd name'. SQLSTATE: 42501",
                "GRANT USE SCHEMA ON SCHEMA main.`odd name` TO `dr``sync`",
            ),
            (
                "User does not have USE CATALOG on Catalog 'MAIN'",
                "GRANT USE CATALOG ON CATALOG main TO `dr``sync`",
            ),
            (
                "User does not have SELECT on Table 'main.`odd name`.gold'",
                "GRANT SELECT ON TABLE main.`odd name`.gold TO `dr``sync`",
            ),
        ] {
            assert_eq!(to_read(told).as_deref(), Some(expected));
        }
        let needed = [Grant::to_write("dr-west", "x"), Grant::to_register("dr-west", "x")];
        let told = "User does not have WRITE FILES on External Location 'dr-west'.";
        let expected = "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION `dr-west` TO `x`";
        assert_eq!(among(told, &needed).as_deref(), Some(expected));
        let told = "User does not have CREATE EXTERNAL TABLE on External Location 'dr-west'.";
        let expected =
            "GRANT READ FILES, CREATE EXTERNAL TABLE ON EXTERNAL LOCATION `dr-west` TO `x`";
        assert_eq!(among(told, &needed).as_deref(), Some(expected));
    }

    #[test]
    fn a_refusal_chooses_neither_the_thing_nor_the_right() {
        let own = "GRANT SELECT ON TABLE main.`odd name`.gold TO `dr``sync`";
        for told in [
            "User does not have ALL PRIVILEGES on Catalog 'main'",
            "User does not have MANAGE on Table 'main.odd name.gold'",
            "User does not have MODIFY on Table 'main.odd name.gold'",
            "User does not have SELECT, MODIFY on Table 'main.odd name.gold'",
            "User does not have USE CATALOG on Catalog 'main2'",
            "User does not have USE CATALOG on Catalog 'other'",
            "User does not have SELECT on Schema 'hr.salaries'",
            "User does not have SELECT on Table 'hr.pay.salaries'",
            "User does not have SELECT on Catalog 'main'",
            "User does not have USE CATALOG on Metastore 'main'",
            "User does not have USE SCHEMA on Schema 'main.odd name` TO `evil'",
            "User does not have permission on Table 'a.b.c'",
        ] {
            assert_eq!(to_read(told).as_deref(), Some(own), "{told}");
            assert_eq!(among(told, &Grant::to_read(&table(), "x")), None);
            let needed = [Grant::to_write("dr-west", "x")];
            assert_eq!(among(told, &needed), None);
        }
        let needed = [Grant::to_write("dr-west", "x")];
        for told in [
            "User does not have WRITE FILES on External Location 'theirs'",
            "User does not have CREATE MANAGED STORAGE on External Location 'dr-west'",
        ] {
            assert_eq!(among(told, &needed), None, "{told}");
            let refusal = Refusal::new(RegionErrorKind::Denied, told);
            assert!(refusal.lack().is_some_and(|lack| lack.is_of_location()));
        }
        for told in ["Permission denied", "it has no mark"] {
            assert_eq!(to_read(told), None);
        }
    }

    #[test]
    fn a_name_with_a_quote_in_it_is_read_to_its_end() {
        let lack = |told: &str| Refusal::new(RegionErrorKind::Denied, told).lack();
        let told = "User does not have USE SCHEMA on Schema 'main.o'brien'. SQLSTATE: 42501";
        assert_eq!(lack(told).unwrap().name, "main.o'brien");
        let cut_off = "User does not have USE SCHEMA on Schema 'main.core";
        assert_eq!(lack(cut_off).unwrap().name, "");
    }

    #[test]
    fn what_to_do_is_a_list_beside_what_was_said() {
        let said = "User does not have WRITE FILES on External Location 'w'; GRANT ALL ON CATALOG main TO `evil`";
        let refusal = Refusal {
            request_id: Some("1a2b".into()),
            ..Refusal::new(RegionErrorKind::Denied, said).hint("ask the owner")
        };
        let grant = Grant::to_write("w", "dr");
        let error = refusal.grant(grant.clone()).doing("look at w");
        let expected = format!("look at w: {said}; ask the owner; {grant} (request 1a2b)");
        assert_eq!(error.to_string(), expected);
        let (without, given) = error.apart_from_grant();
        assert_eq!(given, Some(&grant), "of the service's own words none is a statement");
        assert_eq!(without, Sentence::from(format!("{said}; ask the owner (request 1a2b)")));
    }
}
