//! Drift: who wrote to a replica, what a sync would lose, and the ways out.

use crate::ledger::cut_label;
use crate::plan::document::{Drift, DriftCommit};
use crate::plan::{FindingCode, GroupPlan};
use crate::render::causes::Cause;
use crate::render::clean::{clean, command, name};
use crate::render::figures::{count, moment, plural_of};
use crate::render::layout::{columns, indented};
use crate::render::shown::{Entry, Shown};
use crate::text::identifier;

/// Commits of others shown for one replica.
const COMMITS_MAX: usize = 6;

/// Whether it tells of others who wrote, and not of a log that cannot be read.
pub(super) fn is_drift(cause: &Cause) -> bool {
    cause.code == FindingCode::ReplicaChanged && cause.acceptable
}

fn of<'a>(group: &'a GroupPlan, cause: &Cause) -> impl Iterator<Item = &'a Drift> {
    let tables = cause.tables.clone();
    group
        .drift
        .iter()
        .filter(move |drift| !drift.theirs.is_empty() && tables.contains(&name(&drift.table)))
}

/// Whether the commits say better what was seen than the finding's words.
pub(super) fn told(group: &GroupPlan, cause: &Cause) -> bool {
    is_drift(cause) && of(group, cause).next().is_some()
}

/// What is ours and what is theirs, commit by commit.
pub(super) fn commits(shown: &Shown<'_>, group: &GroupPlan, cause: &Cause) -> Vec<String> {
    if !is_drift(cause) {
        return vec![];
    }
    let mut lines = vec![];
    for drift in of(group, cause) {
        if cause.tables.len() > 1 {
            lines.push(format!("      {}", name(&drift.table)));
        }
        lines.extend(table(group, drift));
        let lost = match drift.theirs.as_slice() {
            [one] => format!("v{}", one.version),
            [first, .., last] => format!("v{} to v{}", first.version, last.version),
            [] => continue,
        };
        let text =
            format!("{lost} would be lost by a sync; drsync does not overwrite what others wrote");
        lines.extend(indented(6, &text, shown.style.width));
    }
    lines
}

fn table(group: &GroupPlan, drift: &Drift) -> Vec<String> {
    let mut rows = vec![];
    if let Some(ours) = drift.ours {
        let cut = group
            .last_cut
            .as_ref()
            .map_or(String::new(), |cut| cut_label(cut.number, cut.recovery_point));
        rows.push(vec!["ours".to_owned(), format!("v{ours}"), cut]);
    }
    let skipped = drift.theirs.len().saturating_sub(COMMITS_MAX);
    for (at, commit) in drift.theirs.iter().take(COMMITS_MAX).enumerate() {
        let head = if at == 0 { "theirs" } else { "" };
        rows.push(vec![head.to_owned(), format!("v{}", commit.version), by(commit)]);
    }
    let mut lines = columns(&rows, &[], 6, 2);
    if skipped > 0 {
        lines.push(format!("              and {} more", count(skipped as u64)));
    }
    lines
}

fn by(commit: &DriftCommit) -> String {
    let DriftCommit { version: _, committed_at, operation, user, rows, rows_compared: _ } = commit;
    let mut text = format!("{}  {}", moment(*committed_at), clean(operation));
    if let Some(rows) = rows {
        text.push_str(&format!(", {}", plural_of(*rows, "row")));
    }
    if let Some(user) = user {
        text.push_str(&format!("  {}", clean(user)));
    }
    text
}

/// The statements that keep or undo what others wrote, one table at a time.
pub(super) fn ways_out(entry: &Entry<'_>, causes: &[&Cause]) -> Vec<String> {
    let mut keep = vec![];
    let mut undo = vec![];
    for cause in causes.iter().filter(|cause| is_drift(cause)) {
        for drift in of(entry.group, cause) {
            let replica = replica(entry, drift);
            keep.push(command(&format!("CREATE TABLE {} DEEP CLONE {replica}", kept(drift))));
            if let Some(ours) = drift.ours {
                undo.push(command(&format!("RESTORE TABLE {replica} TO VERSION AS OF {ours}")));
            }
        }
    }
    let mut lines = vec![];
    if !keep.is_empty() {
        lines.push("To keep the changes, copy them aside first, in the secondary".to_owned());
        lines.append(&mut keep);
    }
    if !undo.is_empty() {
        lines.push("Or undo them: a RESTORE to what drsync wrote ends the drift".to_owned());
        lines.append(&mut undo);
    }
    lines
}

/// The replica as SQL in the secondary: by its path, which is always there.
fn replica(entry: &Entry<'_>, drift: &Drift) -> String {
    let root = entry.workspace.observed.secondary.location.trim_end_matches('/');
    let path = drift.replica_path.clone();
    let path = path.unwrap_or_else(|| drift.table.path());
    format!("delta.{}", identifier(&format!("{root}/{path}")))
}

fn kept(drift: &Drift) -> String {
    let mut aside = drift.table.clone();
    aside.table.push_str("_kept");
    aside.sql()
}
