//! A table at a version, as its log tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::{FileKey, FileMap, LiveFile, Metadata, Protocol, Raw};
use super::state::SnapshotDetail;
use super::store::TableStore;
use super::times;

/// A table at a version.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The version.
    pub version: u64,
    /// The protocol in force.
    pub protocol: Protocol,
    /// The metadata in force.
    pub metadata: Metadata,
    /// The newest `txn` action by application id.
    pub txns: BTreeMap<String, Raw>,
    /// The newest `domainMetadata` action by domain, without those removed.
    pub domains: BTreeMap<String, Raw>,
    /// The live files.
    pub files: FileMap<LiveFile>,
    /// Whether a file, or the vector of one, was named by an absolute path; of a table without, none has to be looked at.
    pub(super) absolute: bool,
    /// `remove` actions that the log still holds, as JSON text; only with [`SnapshotDetail::Full`].
    pub tombstones: FileMap<Box<str>>,
    /// How much of the above was read.
    pub detail: SnapshotDetail,
    /// What could not be read of a checkpoint, where other parts of the log told the same.
    pub read_around: Option<String>,
    /// When it was committed, or what tells it.
    pub(super) time: Time,
}

/// What tells when a version was committed.
#[derive(Debug, Clone)]
pub(super) enum Time {
    /// The commit itself.
    Own(i64),
    /// The files of the commits up to it.
    Files(TableStore, Arc<[u64]>),
}

/// What a table amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Live files.
    pub files: u64,
    /// Their bytes, as the log says.
    pub bytes: u64,
    /// Rows that a reader sees; `None` when a file has no statistics.
    pub rows: Option<u64>,
}

impl Snapshot {
    /// When it was committed, in milliseconds; `None` when the commit is no longer in the log.
    ///
    /// Blocks where the files of the log have to be looked at.
    pub fn timestamp_ms(&self) -> Option<i64> {
        match &self.time {
            Time::Own(time) => Some(*time),
            Time::Files(store, commits) => {
                let place = commits.binary_search(&self.version).ok()?;
                times::file_times(store, &commits[..=place]).ok()?.pop()
            }
        }
    }

    /// Adds up the live files.
    pub fn totals(&self) -> Totals {
        let start = Totals { files: 0, bytes: 0, rows: Some(0) };
        self.files.values().fold(start, |sum, file| Totals {
            files: sum.files + 1,
            bytes: sum.bytes.saturating_add(file.size),
            rows: sum.rows.zip(file.rows()).and_then(|(all, more)| all.checked_add(more)),
        })
    }

    /// The same, one after the other, where few may be asked for: only so many are put in order before the first is given.
    pub(crate) fn files_in_turn(
        &self,
        first: usize,
    ) -> impl Iterator<Item = (&FileKey, &LiveFile)> {
        let mut files: Vec<_> = self.files.iter().collect();
        let mut rest = Vec::new();
        if first < files.len() {
            files.select_nth_unstable_by_key(first, |(key, _)| *key);
            rest = files.split_off(first);
        }
        files.sort_unstable_by_key(|(key, _)| *key);
        let others = std::iter::once_with(move || {
            rest.sort_unstable_by_key(|(key, _)| *key);
            rest
        });
        files.into_iter().chain(others.flatten())
    }

    /// The live files in order of their keys.
    pub fn sorted_files(&self) -> Vec<(&FileKey, &LiveFile)> {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_unstable_by_key(|(key, _)| *key);
        files
    }
}
