//! Source tables: their histories, and how they look at pinned versions.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::columns;
use super::delta::{
    self, External, KnownCommit, KnownEnd, Snapshot, SnapshotDetail, TableStore, Versions,
};
use super::in_parallel;
use super::metrics::rows_touched;
use super::refusal::refusal;
use crate::config::LocationAddress;
use crate::interval;
use crate::region::{
    Commit, Estimate, EstimateBasis, Pin, PinQuestion, RegionError, RegionErrorKind, SinceQuestion,
    Size, Source, SourceQuestion, Table,
};

/// Property that says how long the files of a replaced version stay.
const DELETED_FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";
/// Property that says how long commits stay in the log.
const LOG_RETENTION: &str = "delta.logRetentionDuration";

pub(super) async fn source(
    asked: &SourceQuestion,
    external: &External,
) -> Result<Source, RegionError> {
    let SourceQuestion { table, from_version } = asked;
    let doing = format!("read the history of {}", table.name);
    let store = store_of(table, &doing)?.with_external(external.clone());
    let failed = |error| refusal(&doing, &error);
    let log = delta::versions(&store).await.map_err(failed)?;
    // A version beyond the head is asked of a table that was made again: all of it is of interest.
    let from = from_version.filter(|from| *from <= log.newest);
    let head = delta::snapshot_in(&store, &log, log.newest, SnapshotDetail::Header).await;
    let head = head.map_err(failed)?;
    let history = delta::history_in(&store, &log, &head, from).await;
    let history = history.map_err(failed)?;
    let mut log_id = id_before(&store, &log, &head, &history).await;
    let commits: Vec<Commit> = history
        .into_iter()
        .map(|commit| {
            log_id = commit.table_id.clone().or(log_id.take());
            Commit {
                version: commit.version,
                committed_at: moment(commit.timestamp_ms),
                operation: commit.operation.unwrap_or_else(|| "unknown".to_owned()),
                user: commit.user_name.or(commit.user_id),
                rows: rows_touched(&commit.operation_metrics),
                upkeep: commit.upkeep,
                sha256: Some(commit.sha256),
                // A catalog that has ids of its own has one for all of a table's history.
                table_id: table.table_id.clone().or(log_id.clone()),
            }
        })
        .collect();
    if commits.is_empty() {
        let detail = format!(
            "_delta_log/{:020}.json, the commit of its newest version, is missing, so its time is not known; \
             the next commit to the table heals it",
            log.newest
        );
        return Err(RegionError::new(RegionErrorKind::Other, doing, detail));
    }
    Ok(Source {
        commits,
        oldest_version: log.oldest,
        untimed: (!log.has_commit(log.oldest))
            .then(|| format!("_delta_log/{:020}.json", log.oldest)),
        retention: head.metadata.property(DELETED_FILE_RETENTION).and_then(interval::parse),
        table_id: table.table_id.clone().unwrap_or_else(|| head.metadata.id().to_owned()),
    })
}

/// What came after the versions of interest; of a table to which nothing came the log is not even listed.
pub(super) async fn read_commits_since(
    asked: &[SinceQuestion],
    external: &External,
) -> Vec<Result<Vec<Commit>, RegionError>> {
    let mut came: Vec<Result<Vec<Commit>, RegionError>> = vec![Ok(Vec::new()); asked.len()];
    let (places, ends): (Vec<usize>, Vec<KnownEnd>) =
        asked.iter().enumerate().filter_map(|(at, asked)| Some((at, end_of(asked)?))).unzip();
    let mut unread = vec![true; asked.len()];
    // What cannot be told so is read.
    let still = delta::still_ends(ends).await.unwrap_or_default();
    for (at, still) in places.into_iter().zip(still) {
        unread[at] = !still.unwrap_or(false);
    }
    let unread = (0..asked.len()).filter(|at| unread[*at]);
    let read = async |at: usize| {
        let read = source(&asked[at].source, external).await;
        (at, read.and_then(|read| asked[at].since(read)))
    };
    for (at, read) in in_parallel(unread.map(read).collect()).await {
        came[at] = read;
    }
    came
}

/// The commit after which nothing came, if its log still ends there.
fn end_of(asked: &SinceQuestion) -> Option<KnownEnd> {
    let SinceQuestion { source: SourceQuestion { table, from_version }, named } = asked;
    let store = store_of(table, "look at it").ok()?;
    let commit = named.as_ref().map(|named| KnownCommit {
        made_ms: named.committed_at.timestamp_millis(),
        sha256: named.sha256.clone(),
    });
    Some(KnownEnd { store, version: (*from_version)?, commit })
}

/// The id in force before the first of some commits sets another, where the log still tells.
async fn id_before(
    store: &TableStore,
    log: &Versions,
    head: &Snapshot,
    history: &[delta::TableCommit],
) -> Option<String> {
    let first = history.first()?;
    if history.iter().all(|commit| commit.table_id.is_none()) {
        return Some(head.metadata.id().to_owned());
    }
    if first.table_id.is_some() {
        return None;
    }
    let then = delta::snapshot_in(store, log, first.version, SnapshotDetail::Header).await;
    then.ok().map(|then| then.metadata.id().to_owned())
}

pub(super) async fn pin(asked: &PinQuestion, external: &External) -> Result<Pin, RegionError> {
    let PinQuestion {
        table,
        version,
        // VACUUM is not all that takes files: those of the newest version are looked for, too.
        newest: _,
        replica_location,
        replica_version,
        // The logs of both sides tell the columns anyway.
        columns_since: _,
    } = asked;
    let doing = format!("look at {} at version {version}", table.name);
    let store = store_of(table, &doing)?.with_external(external.clone());
    let failed = |error| refusal(&doing, &error);
    let source =
        delta::snapshot(&store, Some(*version), SnapshotDetail::Summary).await.map_err(failed)?;
    delta::check_clone(&source).map_err(failed)?;
    delta::check_external(&store, &source).await.map_err(failed)?;
    let source = Arc::new(source);
    let replica = match (replica_version, LocationAddress::literal_path(replica_location)) {
        (Some(version), Some(folder)) => {
            let replica = TableStore::local(folder);
            // A replica that cannot be read is no reason not to look at its source.
            match delta::snapshot(&replica, Some(*version), SnapshotDetail::Summary).await {
                Ok(held) => Some(Some((replica, Arc::new(held)))),
                Err(_) => None,
            }
        }
        (None, _) => Some(None),
        (Some(_), None) => None,
    };
    let held = replica.as_ref().and_then(Option::as_ref);
    let copied = delta::check_files(&store, &source, held.map(|(store, held)| (store, held)))
        .await
        .map_err(failed)?;
    let schema = held.and_then(|(_, held)| {
        let held = held.metadata.schema_string();
        columns::changes(held, source.metadata.schema_string())
    });
    let estimate = replica.as_ref().map(|_| {
        let delta::CopyEstimate { copy_files, copy_bytes } = copied;
        Estimate { copy_files, copy_bytes, basis: EstimateBasis::LiveFiles }
    });
    let totals = source.totals();
    let property = |name: &str| source.metadata.property(name).map(str::to_owned);
    Ok(Pin {
        version: *version,
        table_id: table.table_id.clone().unwrap_or_else(|| source.metadata.id().to_owned()),
        size: Some(Size { files: totals.files, bytes: totals.bytes }),
        rows: totals.rows,
        column_mapping: source.metadata.column_mapping_mode(),
        deleted_file_retention: property(DELETED_FILE_RETENTION),
        log_retention: property(LOG_RETENTION),
        estimate,
        schema,
    })
}

fn store_of(table: &Table, doing: &str) -> Result<TableStore, RegionError> {
    let Some(location) = &table.location else {
        let detail = "the catalog does not say where its files are";
        return Err(RegionError::new(RegionErrorKind::NotFound, doing, detail));
    };
    open(location, doing)
}

/// A table by its literal path.
pub(super) fn open(location: &str, doing: &str) -> Result<TableStore, RegionError> {
    match LocationAddress::literal_path(location) {
        Some(folder) => Ok(TableStore::local(folder)),
        None => Err(RegionError::new(
            RegionErrorKind::Unsupported,
            doing,
            format!("an embedded lakehouse reads tables of this machine, not {location}"),
        )),
    }
}

pub(super) fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
