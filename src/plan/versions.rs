//! Versions at a moment: the greatest whose commit time is not later, in milliseconds. Pure.

use chrono::{DateTime, Utc};

use crate::region::Commit;

/// A version with its commit time and its successor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pinned<'a> {
    /// The commit that made the version.
    pub(super) commit: &'a Commit,
    /// The next one.
    pub(super) next: Option<&'a Commit>,
}

/// The greatest version at `point`; `None`: the table has none that old.
///
/// Times may go back once: where in-commit timestamps begin, after log files that were copied.
pub(super) fn version_at(commits: &[Commit], point: DateTime<Utc>) -> Option<Pinned<'_>> {
    let place = commits.iter().rposition(|commit| commit.committed_at <= point)?;
    Some(Pinned { commit: &commits[place], next: commits.get(place + 1) })
}

/// Commits that change rows or the schema, newer than `version` (all, where there is none) and not later than `point`.
pub(super) fn changes_beyond(
    commits: &[Commit],
    version: Option<u64>,
    point: DateTime<Utc>,
) -> impl Iterator<Item = &Commit> {
    changes_after(commits, version).filter(move |commit| commit.committed_at <= point)
}

/// Commits that change rows or the schema, newer than `version` (all, where there is none), whatever their clock said.
pub(super) fn changes_after(
    commits: &[Commit],
    version: Option<u64>,
) -> impl Iterator<Item = &Commit> {
    commits.iter().filter(move |commit| {
        commit.changes() && version.is_none_or(|version| commit.version > version)
    })
}
