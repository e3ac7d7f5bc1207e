//! Writes a commit: one file, put only if absent.

use super::change::{Author, TableChange};
use super::checkpoint;
use super::error::{DeltaError, Result};
use super::log::{LOG, commit_path, versions};
use super::replay::snapshot;
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::TableStore;

/// What a commit may find the table to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Whatever it is.
    Anything,
    /// No table yet.
    Absent,
    /// This newest version.
    Version(u64),
}

impl Expect {
    /// Compares with the newest version found.
    pub(crate) fn check(self, newest: Option<u64>) -> Result<()> {
        let met = match self {
            Self::Anything => true,
            Self::Absent => newest.is_none(),
            Self::Version(version) => newest == Some(version),
        };
        if met { Ok(()) } else { Err(DeltaError::Conflict { newest }) }
    }
}

/// Creates the commit file of a version. [`DeltaError::Conflict`] when someone was faster.
pub(crate) fn put(store: &TableStore, version: u64, actions: &[impl AsRef<str>]) -> Result<()> {
    let mut content =
        String::with_capacity(actions.iter().map(|action| action.as_ref().len() + 1).sum());
    for action in actions {
        content.push_str(action.as_ref());
        content.push('\n');
    }
    store.make_folder(LOG)?;
    if store.create(&commit_path(version), content.as_bytes())? {
        return Ok(());
    }
    // The name was taken: at least that version is there.
    Err(DeltaError::Conflict { newest: Some(versions(store)?.newest.max(version)) })
}

/// The time of the next commit of a table: never before, and with its own times always after, the last one.
pub(crate) fn next_time(previous: Option<&Snapshot>, own_times: bool, now_ms: i64) -> i64 {
    match previous.filter(|_| own_times).and_then(Snapshot::timestamp_ms) {
        Some(last) => now_ms.max(last.saturating_add(1)),
        None => now_ms,
    }
}

/// Commits a change on top of a table as it was read, and checkpoints when it is time.
pub(crate) fn commit_on(
    store: &TableStore,
    base: &Snapshot,
    author: &Author,
    change: TableChange,
) -> Result<u64> {
    let time = next_time(Some(base), base.metadata.in_commit_timestamps(), author.now_ms);
    let version = base.version + 1;
    put(store, version, &lines_on(base, author, time, change))?;
    checkpoint_if_due(store, version, author.now_ms);
    Ok(version)
}

/// The lines of a commit on top of a table as it was read; its own time is written where the table's commits carry one.
pub(crate) fn lines_on(
    base: &Snapshot,
    author: &Author,
    own_time_ms: i64,
    change: TableChange,
) -> Vec<String> {
    let own_time_ms = base.metadata.in_commit_timestamps().then_some(own_time_ms);
    change.into_lines(author, Some(base.version), own_time_ms)
}

/// Writes a checkpoint every few commits. It is a help to readers: the commit stands without it, and the next one tries again.
pub(crate) fn checkpoint_if_due(store: &TableStore, version: u64, now_ms: i64) {
    if version == 0 || !version.is_multiple_of(checkpoint::EVERY) {
        return;
    }
    checkpoint(store, version, now_ms);
}

/// Writes a checkpoint of a version; one that cannot be written is no loss.
pub(crate) fn checkpoint(store: &TableStore, version: u64, now_ms: i64) {
    if let Ok(full) = snapshot(store, Some(version), SnapshotDetail::Full) {
        let _ = checkpoint::write_checkpoint(store, &full, now_ms);
    }
}
