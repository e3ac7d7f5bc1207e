//! Rebuilds a table at a version from a checkpoint and the commits after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::{FileKey, FileMap, LiveFile, Metadata, Protocol, Raw};
use super::checkpoint::read_checkpoint;
use super::error::{DeltaError, Result};
use super::log::{LOG, Segment, Versions, commit_file, commit_path, versions};
pub use super::state::Detail;
use super::state::State;
use super::store::TableStore;
use super::{features, times};

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
    /// `remove` actions that the log still holds, as JSON text; only with [`Detail::Full`].
    pub tombstones: FileMap<Box<str>>,
    /// How much of the above was read.
    pub detail: Detail,
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

/// Reads a table at a version, or at its newest. Refuses reader features that are not known.
pub(crate) fn snapshot(
    store: &TableStore,
    version: Option<u64>,
    detail: Detail,
) -> Result<Snapshot> {
    let log = versions(store)?;
    snapshot_of(store, &log, version, detail)
}

/// Reads a table whose log is already listed.
pub(crate) fn snapshot_of(
    store: &TableStore,
    log: &Versions,
    version: Option<u64>,
    detail: Detail,
) -> Result<Snapshot> {
    let version = version.unwrap_or(log.newest);
    let mut first_error = None;
    for segment in log.segments(version)? {
        match replay(store, &segment, detail) {
            Ok(state) => {
                let read_around = first_error.map(|error: DeltaError| error.to_string());
                return finish(store, log, version, state, read_around);
            }
            // An older checkpoint, or all commits, may still tell the same.
            Err(Unreadable::Checkpoint(error)) => {
                first_error.get_or_insert(error);
            }
            Err(Unreadable::Commit(error)) => return Err(first_error.unwrap_or(error)),
        }
    }
    Err(first_error.unwrap_or(DeltaError::VersionMissing {
        asked: version,
        oldest: log.oldest,
        newest: log.newest,
    }))
}

/// Which part of the log could not be read.
enum Unreadable {
    Checkpoint(DeltaError),
    Commit(DeltaError),
}

fn replay(store: &TableStore, segment: &Segment<'_>, detail: Detail) -> Result<State, Unreadable> {
    let mut state = State::new(detail);
    if let Some(checkpoint) = segment.checkpoint {
        read_checkpoint(store, checkpoint, &mut state).map_err(Unreadable::Checkpoint)?;
        // Removals since the checkpoint count; a checkpoint that says nothing about the table itself is no base at all.
        if state.files.len() as u64 != state.adds {
            return Err(Unreadable::Commit(DeltaError::corrupt(
                checkpoint.files.join(", "),
                "it names a file twice, which Delta forbids and readers read differently",
            )));
        }
        if state.protocol.is_none() || state.metadata.is_none() {
            let lacks = if state.protocol.is_none() { "protocol" } else { "metaData" };
            return Err(Unreadable::Commit(DeltaError::corrupt(
                checkpoint.files.join(", "),
                format!("it holds no {lacks} action"),
            )));
        }
    }
    for version in segment.commits.clone() {
        let blob = store.read(&commit_path(version)).map_err(Unreadable::Commit)?;
        state.read_lines(blob, &commit_file(version)).map_err(Unreadable::Commit)?;
    }
    Ok(state)
}

fn finish(
    store: &TableStore,
    log: &Versions,
    version: u64,
    state: State,
    read_around: Option<String>,
) -> Result<Snapshot> {
    let State { protocol, metadata, txns, domains, files, tombstones, detail, .. } = state;
    let lacks =
        |what: &str| DeltaError::corrupt(LOG, format!("version {version} has no {what} action"));
    let protocol = Protocol(protocol.ok_or_else(|| lacks("protocol"))?);
    features::check_reader(&protocol)?;
    let metadata = Metadata(metadata.ok_or_else(|| lacks("metaData"))?);
    let time = match times::own_time(store, log, &metadata, version)? {
        Some(time) => Time::Own(time),
        None => Time::Files(store.clone(), log.commits.clone()),
    };
    Ok(Snapshot {
        version,
        time,
        protocol,
        metadata,
        txns,
        domains,
        files,
        tombstones,
        detail,
        read_around,
    })
}
