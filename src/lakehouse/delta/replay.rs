//! Rebuilds a table at a version from a checkpoint and the commits after it.

use super::action::{Metadata, Protocol};
use super::checkpoint::read_checkpoint;
use super::error::{DeltaError, Result};
use super::log::{LOG, Segment, Versions, commit_file, commit_path, versions};
use super::snapshot::{Snapshot, Time};
use super::state::{ReplayState, SnapshotDetail};
use super::store::TableStore;
use super::{features, times};

/// Reads a table at a version, or at its newest. Refuses reader features that are not known.
pub(crate) fn snapshot(
    store: &TableStore,
    version: Option<u64>,
    detail: SnapshotDetail,
) -> Result<Snapshot> {
    let log = versions(store)?;
    snapshot_of(store, &log, version, detail)
}

/// Reads a table whose log is already listed.
pub(crate) fn snapshot_of(
    store: &TableStore,
    log: &Versions,
    version: Option<u64>,
    detail: SnapshotDetail,
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

fn replay(
    store: &TableStore,
    segment: &Segment<'_>,
    detail: SnapshotDetail,
) -> Result<ReplayState, Unreadable> {
    let mut state = ReplayState::new(detail);
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
    state: ReplayState,
    read_around: Option<String>,
) -> Result<Snapshot> {
    let ReplayState {
        protocol, metadata, txns, domains, files, absolute, tombstones, detail, ..
    } = state;
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
        absolute,
        tombstones,
        detail,
        read_around,
    })
}
