//! How the sandbox is told to misbehave, and when.

use crate::sentence::Sentence;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One misbehaviour: which requests it meets, which of them, and what happens to them.
///
/// Written `[SIDE] METHOD PATH WHICH WHAT`, for example `primary POST /api/2.0/sql/statements 1 drop-after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The text it was read from.
    text: String,
    /// The workspace that it is of; `None`: of both, which it counts together.
    side: Option<WorldSide>,
    /// `GET` …, `SQL` for statements, `*` for every request.
    method: String,
    /// A path, or the text of a statement; `*` stands for anything.
    path: String,
    first: u64,
    last: u64,
    what: Misbehaviour,
}

/// One of the two workspaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorldSide {
    /// The one that is copied from.
    Primary,
    /// The one that is copied to.
    Secondary,
}

/// What happens to a request that a fault meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It is answered with this status, and `Retry-After` in seconds where given; nothing is done.
    Status(u16, Option<u64>),
    /// It is answered with an HTML page of this status; nothing is done.
    Html(u16),
    /// It is done, later.
    Delay(Duration),
    /// The connection is dropped, nothing is done.
    DropBefore,
    /// It is done, then the connection is dropped without an answer.
    DropAfter,
    /// It is done; of the answer only the first half arrives.
    Truncate,
    /// The statement fails with this error code; nothing is done.
    Fail(String),
    /// The statement is done, and said to have failed with this error code.
    FailAfter(String),
}

/// A fault that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fault `{text}` cannot be read: {why}. {FORM}")]
pub struct FaultError {
    text: String,
    why: Sentence,
}

const FORM: &str = "Write METHOD PATH WHICH WHAT, with primary or secondary before it for one of the two: METHOD is GET, POST, PUT, PATCH, DELETE, HEAD, * or SQL; PATH may have * for anything; \
WHICH is a number, 2-4, 2- or every; WHAT is a status such as 503 or 429/2 (Retry-After 2), html/502, delay=2s, drop-before, drop-after, truncate, \
and for SQL fail=CODE, fail-after=CODE or delay=2s";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let wrong = |why: &str| FaultError { text: text.to_owned(), why: why.into() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (side, words) = match words.split_first() {
            Some((&"primary", rest)) => (Some(WorldSide::Primary), rest),
            Some((&"secondary", rest)) => (Some(WorldSide::Secondary), rest),
            Some(_) | None => (None, words.as_slice()),
        };
        let [method, path @ .., which, what] = words else {
            return Err(wrong("it has fewer than four words"));
        };
        let method = method.to_ascii_uppercase();
        if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "*", "SQL"].contains(&method.as_str())
        {
            return Err(wrong(&format!("{method} is no method")));
        }
        if path.is_empty() {
            return Err(wrong("it has fewer than four words"));
        }
        let (first, last) = range(which)
            .ok_or_else(|| wrong(&format!("{which} is not which requests it meets")))?;
        let what = Misbehaviour::read(what)
            .ok_or_else(|| wrong(&format!("{what} is not what happens")))?;
        let statement = matches!(what, Misbehaviour::Fail(_) | Misbehaviour::FailAfter(_));
        if (method == "SQL") != statement
            && !(method == "SQL" && matches!(what, Misbehaviour::Delay(_)))
        {
            return Err(wrong("that does not happen to requests of this method"));
        }
        Ok(Fault { text: text.to_owned(), side, method, path: path.join(" "), first, last, what })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn range(text: &str) -> Option<(u64, u64)> {
    if text == "every" || text == "*" {
        return Some((1, u64::MAX));
    }
    let (first, last) = match text.split_once('-') {
        None => {
            let only = text.parse().ok()?;
            (only, only)
        }
        Some((first, "")) => (first.parse().ok()?, u64::MAX),
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
    };
    (first > 0 && first <= last).then_some((first, last))
}

impl Misbehaviour {
    fn read(text: &str) -> Option<Misbehaviour> {
        let status = |text: &str| text.parse().ok().filter(|status| (400..600).contains(status));
        match text {
            "drop-before" => return Some(Misbehaviour::DropBefore),
            "drop-after" => return Some(Misbehaviour::DropAfter),
            "truncate" => return Some(Misbehaviour::Truncate),
            _ => {}
        }
        match text.strip_prefix("html/") {
            // A sign-in page comes as a success.
            Some("200") => return Some(Misbehaviour::Html(200)),
            Some(code) => return status(code).map(Misbehaviour::Html),
            None => {}
        }
        if let Some(code) = text.strip_prefix("fail-after=") {
            return Some(Misbehaviour::FailAfter(code.to_owned()));
        }
        if let Some(code) = text.strip_prefix("fail=") {
            return Some(Misbehaviour::Fail(code.to_owned()));
        }
        if let Some(time) = text.strip_prefix("delay=") {
            let millis = match time.strip_suffix("ms") {
                Some(millis) => millis.parse().ok()?,
                None => time.strip_suffix('s')?.parse::<u64>().ok()?.checked_mul(1000)?,
            };
            return Some(Misbehaviour::Delay(Duration::from_millis(millis)));
        }
        match text.split_once('/') {
            None => status(text.strip_prefix("status=").unwrap_or(text))
                .map(|code| Misbehaviour::Status(code, None)),
            Some((code, seconds)) => {
                let seconds = seconds.parse().ok()?;
                status(code).map(|code| Misbehaviour::Status(code, Some(seconds)))
            }
        }
    }
}

/// The faults of a running sandbox, with how often each was met.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(Fault, u64)>>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Faults {
        Faults(Mutex::new(faults.into_iter().map(|fault| (fault, 0)).collect()))
    }

    pub(super) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((fault, 0));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What happens to a request or, with the method `SQL`, to a statement. Every fault that it meets counts it.
    pub(super) fn count_and_match(
        &self,
        side: WorldSide,
        method: &str,
        path: &str,
    ) -> Vec<Misbehaviour> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut met = Vec::new();
        for (fault, count) in faults.iter_mut() {
            let method_fits = fault.method == method || (fault.method == "*" && method != "SQL");
            let side_fits = fault.side.is_none_or(|meant| meant == side);
            if side_fits && method_fits && fits(path, &fault.path) {
                *count += 1;
                if (fault.first..=fault.last).contains(count) {
                    met.push(fault.what.clone());
                }
            }
        }
        met
    }
}

/// Compares with a pattern in which `*` stands for anything; blanks are as good as one, case does not matter.
fn fits(text: &str, pattern: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (text, pattern) = (plain(text), plain(pattern));
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    match last {
        None => rest.is_empty(),
        Some(last) => rest.ends_with(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn a_fault_of_one_side_leaves_the_other_alone() {
        let faults =
            Faults::new(vec![fault("primary GET /api/* 1 503"), fault("GET /api/* 3 500")]);
        let met = |side| faults.count_and_match(side, "GET", "/api/2.1/jobs");
        assert_eq!(met(WorldSide::Secondary), []);
        assert_eq!(met(WorldSide::Primary), [Misbehaviour::Status(503, None)]);
        assert_eq!(
            met(WorldSide::Secondary),
            [Misbehaviour::Status(500, None)],
            "both count together"
        );
    }

    #[test]
    fn a_fault_meets_the_requests_that_it_counts() {
        let faults = Faults::new(vec![fault("POST /api/2.0/sql/statements 2-3 drop-after")]);
        let met = |method, path| faults.count_and_match(WorldSide::Primary, method, path);
        assert_eq!(met("POST", "/api/2.0/sql/statements"), []);
        assert_eq!(met("GET", "/api/2.0/sql/statements"), []);
        assert_eq!(met("POST", "/api/2.0/sql/statements/1/cancel"), []);
        assert_eq!(met("POST", "/api/2.0/sql/statements"), [Misbehaviour::DropAfter]);
        assert_eq!(met("POST", "/api/2.0/sql/statements"), [Misbehaviour::DropAfter]);
        assert_eq!(met("POST", "/api/2.0/sql/statements"), []);
    }

    #[test]
    fn statements_are_met_by_their_words() {
        let faults =
            Faults::new(vec![fault("SQL *deep clone*gold* every fail=TEMPORARILY_UNAVAILABLE")]);
        assert_eq!(faults.count_and_match(WorldSide::Primary, "SQL", "SELECT 1"), []);
        let clone = "CREATE OR REPLACE TABLE x\nDEEP   CLONE a.b.gold VERSION AS OF 1";
        assert_eq!(
            faults.count_and_match(WorldSide::Secondary, "SQL", clone),
            [Misbehaviour::Fail("TEMPORARILY_UNAVAILABLE".into())]
        );
    }

    #[test]
    fn every_form_is_read() {
        for (text, what) in [
            ("* /* every 503", Misbehaviour::Status(503, None)),
            ("GET /x 1 429/2", Misbehaviour::Status(429, Some(2))),
            ("GET /x 1 html/502", Misbehaviour::Html(502)),
            ("GET /x 1 html/200", Misbehaviour::Html(200)),
            ("GET /x 2- delay=250ms", Misbehaviour::Delay(Duration::from_millis(250))),
            ("GET /x 1 drop-before", Misbehaviour::DropBefore),
            ("GET /x 1 truncate", Misbehaviour::Truncate),
            ("sql * 1 fail-after=IO_ERROR", Misbehaviour::FailAfter("IO_ERROR".into())),
        ] {
            assert_eq!(fault(text).what, what, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_form() {
        for text in [
            "GET /x 1",
            "GO /x 1 503",
            "GET /x 0 503",
            "GET /x 1 200",
            "GET /x 1 fail=X",
            "SQL * 1 503",
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("METHOD PATH WHICH WHAT"), "{error}");
        }
    }
}
