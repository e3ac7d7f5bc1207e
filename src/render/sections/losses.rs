//! What is lost of a group, in words.

use chrono::{DateTime, Utc};

use crate::figures::plural_of;
use crate::harmless::name;
use crate::layout::few;
use crate::plan::{LossReceipt, UnknownLoss};

/// Runs to repeat that are named one by one.
const RUNS_MAX: usize = 3;
/// Tables of which it is not known that are named one by one.
const UNKNOWN_MAX: usize = 2;

/// What is lost, and when that was looked at; moments as they are told there.
pub(super) fn lost_words(
    loss: &LossReceipt,
    moment: impl Fn(DateTime<Utc>) -> String,
) -> (String, String) {
    let since = loss.since.map_or(String::new(), |since| format!(" since {}", moment(since)));
    let runs: Vec<String> = loss.runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        runs => format!(", repeat run {}", few(runs, RUNS_MAX)),
    };
    let counted = |commits| plural_of(commits, "commit");
    let lost = match (loss.commits, unknown(loss, &moment)) {
        (0, None) => "no commit".to_owned(),
        (commits, None) => format!("{}{since}{repeat}", counted(commits)),
        (0, Some(unknown)) => format!("{unknown}{repeat}"),
        // Of the rest nobody knows since when it is.
        (commits, Some(unknown)) => format!("at least {}{repeat}; {unknown}", counted(commits)),
    };
    (lost, moment(loss.at))
}

/// Of which tables it is not known, why, and when it was last.
fn unknown(loss: &LossReceipt, moment: impl Fn(DateTime<Utc>) -> String) -> Option<String> {
    let told = |unknown: &UnknownLoss| {
        let known = unknown.known_at.map(|at| format!(", known until {}", moment(at)));
        let table = name(unknown.table.to_string());
        format!("{table} ({}{})", unknown.why.text(), known.unwrap_or_default())
    };
    let tables: Vec<String> = loss.unknown.iter().map(told).collect();
    (!tables.is_empty()).then(|| format!("not known of {}", few(&tables, UNKNOWN_MAX)))
}
