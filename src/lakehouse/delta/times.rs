//! When the commits of a log were made: as they say themselves, else as their files do.

use serde::Deserialize;
use serde_json::Value;

use super::action::{Metadata, Raw};
use super::error::{DeltaError, Result};
use super::log::{LOG, Versions, commit_file, commit_path};
use super::store::{Lines, TableStore};

/// When a version was committed, as its commit says itself; `None`: the table does not enable that, or the commit is gone.
pub(crate) fn own_time(
    store: &TableStore,
    log: &Versions,
    metadata: &Metadata,
    version: u64,
) -> Result<Option<i64>> {
    let since = metadata.in_commit_timestamps_since();
    if since.is_none_or(|since| version < since) || !log.has_commit(version) {
        return Ok(None);
    }
    // The protocol puts it into the first action.
    let mut lines = Lines::of(store.read(&commit_path(version))?, &commit_file(version));
    let info = match lines.next()? {
        Some((_, first)) => serde_json::from_slice::<Line>(first).ok(),
        None => None,
    };
    let info = info.and_then(|line| line.commit_info);
    match info.as_ref().and_then(in_commit_timestamp) {
        Some(time) => Ok(Some(time)),
        None => Err(DeltaError::corrupt(
            commit_file(version),
            "its first action has no inCommitTimestamp though the table enables it",
        )),
    }
}

/// The times of the files of some versions, oldest first, made strictly increasing from the first of them on, as every Delta
/// reader does; without those up to the last whose file is gone.
pub(crate) fn file_times(store: &TableStore, versions: &[u64]) -> Result<Vec<i64>> {
    let names: Vec<String> = versions.iter().copied().map(commit_file).collect();
    let times = store.times(LOG, &names)?;
    let there = times.iter().rev().map_while(|time| *time);
    let mut times: Vec<i64> = there.collect();
    times.reverse();
    let mut last = i64::MIN;
    for time in &mut times {
        *time = last.saturating_add(1).max(*time);
        last = *time;
    }
    Ok(times)
}

pub(super) fn in_commit_timestamp(info: &Raw) -> Option<i64> {
    info.get("inCommitTimestamp").and_then(Value::as_i64)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Raw>,
}
