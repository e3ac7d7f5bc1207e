//! The history of a table: what each commit did, and when.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::action::{Metadata, Raw};
use super::error::{DeltaError, Result};
use super::log::{Versions, commit_file, commit_path, versions};
use super::replay::snapshot_of;
use super::state::SnapshotDetail;
use super::store::{Lines, TableStore};
use super::times::{file_times, in_commit_timestamp};
use crate::region::{Upkeep, is_maintenance};
use crate::text::hex;

mod property;
mod upkeep;

pub(super) use property::set_alone;

/// So many commits before those that are asked for have a say in their times: a log that was copied has its files changed all at
/// once, and its times are told apart by the order alone.
const BEFORE: usize = 16;

/// A commit as its table's history shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCommit {
    /// The version it made.
    pub version: u64,
    /// When, in milliseconds; strictly increasing unless commits carry their own time and disagree with the files'.
    pub timestamp_ms: i64,
    /// `WRITE`, `MERGE`, `CLONE`…; absent when the writer said nothing.
    pub operation: Option<String>,
    /// What the writer said about the operation.
    pub operation_parameters: Raw,
    /// What the operation counted.
    pub operation_metrics: Raw,
    /// Who, by name.
    pub user_name: Option<String>,
    /// Who, by id.
    pub user_id: Option<String>,
    /// With what.
    pub engine_info: Option<String>,
    /// Whether it leaves what a reader sees: data, schema and protocol.
    pub upkeep: Upkeep,
    /// It calls itself maintenance, and the log no longer tells what was live before it.
    pub unjudged: bool,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The table id, where the commit sets metadata.
    pub table_id: Option<String>,
    /// The whole `commitInfo`.
    pub commit_info: Raw,
}

/// Reads the commits still in the log from a version on, oldest first. Nothing before a gap is returned.
pub(crate) fn history(store: &TableStore, from: Option<u64>) -> Result<Vec<TableCommit>> {
    history_where(store, |_| from)
}

/// The same of the newest commits, at most so many; `None`: all.
pub(crate) fn newest_commits(store: &TableStore, limit: Option<usize>) -> Result<Vec<TableCommit>> {
    history_where(store, |log| {
        limit.map(|limit| log.newest.saturating_add(1).saturating_sub(limit as u64))
    })
}

fn history_where(
    store: &TableStore,
    from: impl FnOnce(&Versions) -> Option<u64>,
) -> Result<Vec<TableCommit>> {
    let log = versions(store)?;
    let head = snapshot_of(store, &log, None, SnapshotDetail::Header)?;
    history_in(store, &log, head.metadata.in_commit_timestamps_since(), from(&log))
}

/// The same of a listed log, whose commits carry times of their own since a version, or do not.
pub(crate) fn history_in(
    store: &TableStore,
    log: &Versions,
    own_times_since: Option<u64>,
    from: Option<u64>,
) -> Result<Vec<TableCommit>> {
    let mut found: Vec<TableCommit> = Vec::new();
    for version in
        log.commits.iter().rev().take_while(|version| from.is_none_or(|from| **version >= from))
    {
        if found.last().is_some_and(|later| later.version != version + 1) {
            break;
        }
        match read_commit(store, *version) {
            Ok(read) => found.push(read),
            // Log cleanup goes from the oldest on; it may run while this does.
            Err(error) if error.is_not_found() => break,
            Err(error) => return Err(error),
        }
    }
    found.reverse();
    let Some((first, last)) = found.first().zip(found.last()) else {
        return Ok(found);
    };
    let begin = log.commits.partition_point(|version| *version < first.version);
    let end = log.commits.partition_point(|version| *version <= last.version);
    let times = file_times(store, &log.commits[begin.saturating_sub(BEFORE)..end])?;
    // What log cleanup took since it was read is as good as never read.
    found.drain(..found.len().saturating_sub(times.len()));
    let times = times[times.len() - found.len()..].iter().copied();
    for (commit, file_time) in found.iter_mut().zip(times) {
        let own_time = own_times_since
            .filter(|since| commit.version >= *since)
            .and_then(|_| in_commit_timestamp(&commit.commit_info));
        commit.timestamp_ms = own_time.unwrap_or(file_time);
    }
    upkeep::settle(store, log, &mut found);
    Ok(found)
}

/// How a commit begins: what it says of itself, and of the table; none of its files is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The version it made.
    pub version: u64,
    /// When, in milliseconds.
    pub timestamp_ms: i64,
    /// The whole `commitInfo`.
    pub commit_info: Raw,
    /// The properties that it gives the table; `None`: it sets no metadata, and the table keeps its own.
    pub properties: Option<BTreeMap<String, String>>,
}

impl Opening {
    /// `commitInfo.operation`.
    pub fn operation(&self) -> Option<&str> {
        self.commit_info.get("operation").and_then(Value::as_str)
    }
}

/// Where the commits begin that made a version what it is, as far as the log goes back without a gap.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// With the newest CLONE.
    Clone(Box<Opening>),
    /// The log has no CLONE any more, and goes back to this version.
    Before(u64),
}

/// Looks for the newest CLONE up to a version; `None`: the log does not have the version itself.
///
/// A commit that cannot be read ends the log: readers do not need it, where a checkpoint stands after it.
pub(crate) fn origin(
    store: &TableStore,
    log: &Versions,
    own_times_since: Option<u64>,
    version: u64,
) -> Option<Origin> {
    let end = log.commits.partition_point(|commit| *commit <= version);
    let unbroken = (0..=version).rev().zip(log.commits[..end].iter().rev());
    let mut oldest = None;
    for (_, commit) in unbroken.take_while(|(expected, commit)| expected == *commit) {
        let Ok(opening) = opening(store, *commit, own_times_since) else {
            break;
        };
        if opening.operation() == Some("CLONE") {
            return Some(Origin::Clone(Box::new(opening)));
        }
        oldest = Some(Origin::Before(*commit));
    }
    oldest
}

fn opening(store: &TableStore, version: u64, own_times_since: Option<u64>) -> Result<Opening> {
    let file = commit_file(version);
    let (mut info, mut metadata): (Option<Raw>, Option<Raw>) = (None, None);
    let mut lines = Lines::of(store.read(&commit_path(version))?, &file);
    // Of a clone the table's properties are of interest, and it may have very many files.
    let is_clone = |info: &Raw| info.get("operation").and_then(Value::as_str) == Some("CLONE");
    while info.as_ref().is_none_or(|info| metadata.is_none() && is_clone(info)) {
        let Some((number, line)) = lines.next()? else {
            break;
        };
        let line: About = serde_json::from_slice(line)
            .map_err(|error| DeltaError::corrupt(&file, format!("line {number}: {error}")))?;
        info = info.or(line.commit_info);
        metadata = metadata.or(line.meta_data);
    }
    let info = info.unwrap_or_default();
    let own = own_times_since.filter(|since| version >= *since);
    let time = match own.and_then(|_| in_commit_timestamp(&info)) {
        Some(time) => time,
        None => file_times(store, &[version])?.pop().unwrap_or_default(),
    };
    let properties = metadata.map(|metadata| Metadata(metadata).properties());
    Ok(Opening { version, timestamp_ms: time, commit_info: info, properties })
}

/// SHA-256 of the file of a version's commit, hex.
pub(crate) fn digest_of_commit(store: &TableStore, version: u64) -> Result<String> {
    let mut content = Sha256::new();
    let mut lines = Lines::of(store.read(&commit_path(version))?, &commit_file(version));
    while lines.next()?.is_some() {
        content.update(lines.as_written());
    }
    Ok(hex(&content.finalize()))
}

fn read_commit(store: &TableStore, version: u64) -> Result<TableCommit> {
    let file = commit_file(version);
    let mut info = None;
    let (mut files, mut data, mut table) = (false, false, false);
    let mut table_id = None;
    let mut content = Sha256::new();
    let mut lines = Lines::of(store.read(&commit_path(version))?, &file);
    while let Some((number, _)) = lines.next()? {
        let line = lines.as_written();
        content.update(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| DeltaError::corrupt(&file, format!("line {number}: {error}")))?;
        let Line { add, remove, protocol, meta_data, commit_info } = line;
        for file in [add, remove].into_iter().flatten() {
            files = true;
            data |= file.data_change.unwrap_or(true);
        }
        table |= protocol.is_some() || meta_data.is_some();
        table_id = meta_data.map(|metadata| metadata.id).or(table_id);
        info = info.or(commit_info);
    }
    let info: Raw = info.unwrap_or_default();
    let operation = info.get("operation").and_then(Value::as_str);
    let named = operation.is_some_and(is_maintenance);
    let upkeep = if !named || data || table {
        Upkeep::Changes
    } else if files {
        Upkeep::NotCompared
    } else {
        Upkeep::Compared
    };
    let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
    let object =
        |name: &str| info.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(TableCommit {
        version,
        timestamp_ms: 0,
        operation: text("operation"),
        operation_parameters: object("operationParameters"),
        operation_metrics: object("operationMetrics"),
        user_name: text("userName"),
        user_id: text("userId"),
        engine_info: text("engineInfo"),
        upkeep,
        unjudged: false,
        sha256: hex(&content.finalize()),
        table_id,
        commit_info: info,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    add: Option<FileChange>,
    remove: Option<FileChange>,
    protocol: Option<serde::de::IgnoredAny>,
    meta_data: Option<MetadataId>,
    commit_info: Option<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    meta_data: Option<Raw>,
    commit_info: Option<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileChange {
    data_change: Option<bool>,
}

#[derive(Deserialize)]
struct MetadataId {
    #[serde(default)]
    id: String,
}
