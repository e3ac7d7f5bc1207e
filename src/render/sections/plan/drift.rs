//! Drift: who wrote to a replica, what a sync would lose, and the ways out.

use crate::figures::{count, plural_of};
use crate::harmless::name;
use crate::ledger::cut_label;
use crate::plan::document::{Drift, DriftCommit};
use crate::plan::{FindingCode, GroupPlan};
use crate::render::causes::FindingCause;
use crate::render::page::{Below, CodeLanguage, Copied, Grid, Phrase, PhrasePart};
use crate::render::shown::Labelled;
use crate::text::identifier;

/// Commits of others shown for one replica.
const COMMITS_MAX: usize = 6;

/// Whether it tells of others who wrote, and not of a log that cannot be read.
pub(super) fn is_drift(cause: &FindingCause) -> bool {
    cause.code == FindingCode::ReplicaChanged && cause.acceptable
}

fn of<'a>(group: &'a GroupPlan, cause: &FindingCause) -> impl Iterator<Item = &'a Drift> {
    let tables = cause.tables.clone();
    group
        .drift
        .iter()
        .filter(move |drift| !drift.theirs.is_empty() && tables.contains(&name(&drift.table)))
}

/// Whether the commits say better what was seen than the finding's words.
pub(super) fn has_commits_to_tell(group: &GroupPlan, cause: &FindingCause) -> bool {
    is_drift(cause) && of(group, cause).next().is_some()
}

/// What is ours and what is theirs, commit by commit.
pub(super) fn commits(group: &GroupPlan, cause: &FindingCause) -> Vec<Below> {
    if !is_drift(cause) {
        return vec![];
    }
    let mut below = vec![];
    for drift in of(group, cause) {
        if cause.tables.len() > 1 {
            below.push(Below::Note(Phrase::name(&drift.table)));
        }
        below.push(Below::Grid(table(group, drift)));
        let lost = match drift.theirs.as_slice() {
            [one] => format!("v{}", one.version),
            [first, .., last] => format!("v{} to v{}", first.version, last.version),
            [] => continue,
        };
        let says = "would be lost by a sync; drsync does not overwrite what others wrote";
        below.push(Below::Note(format!("{lost} {says}").into()));
    }
    below
}

fn table(group: &GroupPlan, drift: &Drift) -> Grid {
    let mut rows = vec![];
    if let Some(ours) = drift.ours {
        let cut = group.last_cut.as_ref();
        let cut = cut.map_or(String::new(), |cut| cut_label(cut.number, cut.recovery_point));
        rows.push(vec!["ours".into(), format!("v{ours}").into(), cut.into()]);
    }
    for (at, commit) in drift.theirs.iter().take(COMMITS_MAX).enumerate() {
        let head = if at == 0 { "theirs" } else { "" };
        rows.push(vec![head.into(), format!("v{}", commit.version).into(), by(commit)]);
    }
    if let Some(more @ 1..) = drift.theirs.len().checked_sub(COMMITS_MAX) {
        let more = format!("and {} more", count(more as u64));
        rows.push(vec!["".into(), "".into(), more.into()]);
    }
    Grid { under: true, rows, numbers: &[] }
}

fn by(commit: &DriftCommit) -> Phrase {
    let DriftCommit { version: _, committed_at, operation, user, rows, rows_compared: _ } = commit;
    let mut says = Phrase::from(*committed_at).and("  ").and(Phrase::from_others(operation));
    if let Some(rows) = rows {
        says = says.and(format!(", {}", plural_of(*rows, "row")));
    }
    match user {
        Some(user) => says.and("  ").and(Phrase::from_others(user)),
        None => says,
    }
}

/// The statements that keep or undo what others wrote, one table at a time.
pub(super) fn ways_out(entry: &Labelled<'_>, causes: &[&FindingCause]) -> Vec<Copied> {
    let workspace = entry.workspace;
    let mut drifts = causes.iter().filter(|cause| is_drift(cause));
    // In the workspace of the primary the same name is the source: names are for where all replicas have them.
    let named = drifts.all(|cause| of(entry.group, cause).all(|drift| drift.registered));
    let address = if named {
        workspace.connection.secondary_workspace.as_ref()
    } else {
        workspace.observed.secondary.workspace.as_ref()
    };
    let place = address.map_or("the secondary".into(), Phrase::from_others);
    let mut keep = vec![];
    let mut undo = vec![];
    for cause in causes.iter().filter(|cause| is_drift(cause)) {
        for drift in of(entry.group, cause) {
            let replica = replica(entry, drift, named);
            keep.push(PhrasePart::Line(format!(
                "CREATE TABLE {} DEEP CLONE {replica}",
                name_copy_aside(drift)
            )));
            if let Some(ours) = drift.ours {
                let line = format!("RESTORE TABLE {replica} TO VERSION AS OF {ours}");
                undo.push(PhrasePart::Line(line));
            }
        }
    }
    let ways = [
        (Phrase::from("To keep the changes, copy them aside first, in ").and(place.clone()), keep),
        (Phrase::from("Or undo them by a RESTORE to what drsync wrote, in ").and(place), undo),
    ];
    let ways = ways.into_iter().filter(|(_, lines)| !lines.is_empty());
    ways.map(|(intro, lines)| Copied { intro: Some(intro), language: CodeLanguage::Sql, lines })
        .collect()
}

/// The replica as SQL: by its name in the secondary's catalog, or by its path, which is always there.
fn replica(entry: &Labelled<'_>, drift: &Drift, named: bool) -> String {
    if named {
        return drift.table.sql_short();
    }
    let root = entry.workspace.observed.secondary.location.trim_end_matches('/');
    let path = drift.replica_path.clone();
    let path = path.unwrap_or_else(|| drift.table.path());
    format!("delta.{}", identifier(&format!("{root}/{path}")))
}

fn name_copy_aside(drift: &Drift) -> String {
    let mut aside = drift.table.clone();
    aside.table.push_str("_kept");
    aside.sql_short()
}
