//! Delta tables over their raw logs: read at any version, cloned file by file, committed put-if-absent.
//!
//! Actions are kept as they were written, because a clone must carry what drsync does not understand.
//! Everything below blocks; the functions here run it on the runtime's blocking threads.

mod action;
mod change;
mod checkpoint;
mod clone;
mod columns;
mod commit;
mod commit_history;
mod compact;
mod end;
mod error;
mod external;
mod facts;
mod features;
mod json;
mod lenient;
mod log;
mod odd;
mod parallel;
pub(crate) mod parquet;
mod path;
mod properties;
mod replay;
mod restore;
mod small_table;
mod snapshot;
mod state;
mod stats;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod times;
mod vacuum;
mod vector;
mod verify;

pub use action::{FileKey, FileMap, LiveFile, Metadata, Protocol, Raw, Vector};
pub use change::{Author, NewFile, Operation, TableChange};
pub use clone::{CloneMetrics, CloneOptions, CopyEstimate, CopyProgress};
pub use columns::{ColumnObstacle, ColumnPlace, TableColumns};
pub use commit::Expect;
pub use commit_history::{Opening, Origin, TableCommit};
pub use compact::Compacted;
pub use end::{KnownCommit, KnownEnd};
pub use error::{DeltaError, IoTrouble, Result};
pub use log::{LogCheckpoint, Versions};
pub use path::FileLocation;
pub use properties::{TableStage, Unsettable, with_properties};
pub use restore::Restored;
pub use small_table::SmallTable;
pub use snapshot::{Snapshot, Totals};
pub use state::SnapshotDetail;
use store::Neighbours;
pub use store::{External, ListedFile, TableStore};
pub(crate) use store::{UNFINISHED, filesystem::unknown_kind, is_unflushable};
pub use table::{NewColumn, NewTable, as_in_files, name_in_files, schema_string};
pub use vacuum::{Needless, Vacuum};
pub use verify::{CloneDifference, ContentKind, FileSeen, FilesDigest, Inspection, Verification};

use std::sync::Arc;

use std::ops::RangeInclusive;

use arrow_array::RecordBatch;
use futures::future::join_all;

use crate::foreign::contained;
use crate::sentence::Sentence;

/// Lists what the log of a table holds. [`DeltaError::NotATable`] when there is none.
pub async fn versions(store: &TableStore) -> Result<Versions> {
    let store = store.clone();
    off_thread(move || log::versions(&store)).await
}

/// When the file of a version's commit was last changed, in milliseconds, where it is the newest of its log; `None`: its two files
/// do not tell.
pub async fn time_at_end(store: &TableStore, version: u64) -> Result<Option<i64>> {
    let store = store.clone();
    off_thread(move || end::time_at_end(&store, version, &mut Neighbours::default())).await
}

/// Which commits still are the newest of their logs, each as it was known, in the order asked; false where two files of a log do
/// not tell.
pub async fn still_ends(asked: Vec<KnownEnd>) -> Result<Vec<Result<bool>>> {
    off_thread(move || end::still_ends(&asked)).await
}

/// Reads the commits still in the log from a version on, oldest first.
pub async fn history(store: &TableStore, from_version: Option<u64>) -> Result<Vec<TableCommit>> {
    let store = store.clone();
    off_thread(move || commit_history::history(&store, from_version)).await
}

/// The same of its newest commits, at most so many; `None`: all.
pub async fn newest_commits(store: &TableStore, limit: Option<usize>) -> Result<Vec<TableCommit>> {
    let store = store.clone();
    off_thread(move || commit_history::newest_commits(&store, limit)).await
}

/// The same of many tables, in their order: a few threads read them.
pub async fn read_newest_commits(
    tables: Vec<(TableStore, Option<usize>)>,
) -> Vec<Result<Vec<TableCommit>>> {
    const THREADS: usize = 8;
    let size = tables.len().div_ceil(THREADS).max(1);
    let mut tables = tables.into_iter();
    let parts = std::iter::from_fn(|| {
        let part: Vec<_> = tables.by_ref().take(size).collect();
        (!part.is_empty()).then_some(part)
    });
    let read = parts.map(async |part| {
        let (count, read) = (part.len(), |(store, limit): (TableStore, _)| {
            contain(|| commit_history::newest_commits(&store, limit))
        });
        let read = off_thread(move || Ok(part.into_iter().map(read).collect::<Vec<_>>())).await;
        read.unwrap_or_else(|_| (0..count).map(|_| Err(DeltaError::Cancelled)).collect())
    });
    join_all(read).await.into_iter().flatten().collect()
}

/// The same of a table whose log is already listed and whose newest version is already read: a log may be long.
pub async fn history_in(
    store: &TableStore,
    log: &Versions,
    head: &Snapshot,
    from_version: Option<u64>,
) -> Result<Vec<TableCommit>> {
    let (store, log) = (store.clone(), log.clone());
    let own_times_since = head.metadata.in_commit_timestamps_since();
    off_thread(move || commit_history::history_in(&store, &log, own_times_since, from_version))
        .await
}

/// Where the commits begin that made a version of such a table what it is: with the newest CLONE, if the log still has it.
pub async fn origin(
    store: &TableStore,
    log: &Versions,
    head: &Snapshot,
    version: u64,
) -> Result<Option<Origin>> {
    let (store, log) = (store.clone(), log.clone());
    let own_times_since = head.metadata.in_commit_timestamps_since();
    off_thread(move || Ok(commit_history::origin(&store, &log, own_times_since, version))).await
}

/// Whether a version of such a table is again what an earlier one was; not where one of them can no longer be read.
pub async fn is_again(
    store: &TableStore,
    log: &Versions,
    version: u64,
    earlier: u64,
) -> Result<bool> {
    let (store, log) = (store.clone(), log.clone());
    off_thread(move || {
        let read = |version| replay::snapshot_of(&store, &log, Some(version), SnapshotDetail::Full);
        Ok(match (read(version), read(earlier)) {
            (Ok(now), Ok(then)) => verify::is_same_state(&now, &then),
            (Err(_), _) | (_, Err(_)) => false,
        })
    })
    .await
}

/// The value that a commit of such a table gives a property, where it changes nothing else; `None`: it does more, or the log no
/// longer tells.
pub async fn set_alone(
    store: &TableStore,
    log: &Versions,
    version: u64,
    property: &'static str,
) -> Option<String> {
    let (store, log) = (store.clone(), log.clone());
    let read = off_thread(move || commit_history::set_alone(&store, &log, version, property));
    read.await.ok().flatten()
}

/// Reads a table at a version, or at its newest. Reader features that are not known are refused by name.
pub async fn snapshot(
    store: &TableStore,
    version: Option<u64>,
    detail: SnapshotDetail,
) -> Result<Snapshot> {
    let store = store.clone();
    off_thread(move || replay::snapshot(&store, version, detail)).await
}

/// The same of a table whose log is already listed.
pub async fn snapshot_in(
    store: &TableStore,
    log: &Versions,
    version: u64,
    detail: SnapshotDetail,
) -> Result<Snapshot> {
    let (store, log) = (store.clone(), log.clone());
    off_thread(move || replay::snapshot_of(&store, &log, Some(version), detail)).await
}

/// Refuses a table whose copy could not be kept true, naming the feature.
pub fn check_clone(source: &Snapshot) -> Result<()> {
    features::check_clone(&source.protocol, &source.metadata)
}

/// Refuses a version that names files outside of its table which it may not name.
pub async fn check_external(store: &TableStore, version: &Snapshot) -> Result<()> {
    let outside = external::outside(store, version)?;
    let store = store.clone();
    off_thread(move || outside.iter().try_for_each(|path| store.external(path).map(drop))).await
}

/// Says what a clone would have to copy, from summaries of the source and of the target where there is one, and refuses
/// what the clone would refuse: files to copy that are gone or not as long as the log says, deletion vectors that are not
/// whole, rows that cannot be numbered.
pub async fn check_files(
    store: &TableStore,
    source: &Arc<Snapshot>,
    target: Option<(&TableStore, &Arc<Snapshot>)>,
) -> Result<CopyEstimate> {
    let (store, source) = (store.clone(), source.clone());
    let target = target.map(|(store, target)| (store.clone(), target.clone()));
    off_thread(move || {
        let root = target.as_ref().and_then(|(store, _)| store.folder());
        let target = target.as_ref().map(|(_, target)| &**target);
        clone::check_files(&store, &source, target, root)
    })
    .await
}

/// The first file of a version that is not on the disk as the log says, and how.
pub async fn damage(store: &TableStore, version: &Arc<Snapshot>) -> Result<Option<Sentence>> {
    let (store, version) = (store.clone(), version.clone());
    off_thread(move || verify::damage(&store, &version)).await
}

/// The digest of what a log says of the live files of a version, as a cut keeps it.
pub async fn listed_digest(version: &Arc<Snapshot>) -> Result<String> {
    let version = version.clone();
    off_thread(move || Ok(verify::listed_digest(&version))).await
}

/// Reads the newest version of a replica as a stranger would, and says what is not as its log, or a cut, says; empty: nothing.
///
/// `source` is what it was cloned from, where that can be seen, and its version; `named` a version and the digest of what its
/// files were when it had been cloned.
pub async fn inspect(
    store: &TableStore,
    version: u64,
    source: Option<(TableStore, u64)>,
    named: Option<(u64, String)>,
) -> Result<Inspection> {
    let store = store.clone();
    off_thread(move || verify::inspect(&store, version, source, named)).await
}

/// Makes a table equal to another at a version, in one commit that holds after its files are safely there.
///
/// Only files that the target lacks are copied. Until the commit the target is what it was; a call that fails or
/// is killed can be repeated. The commit is made even when no file changes, because the properties may.
pub async fn deep_clone(
    source: &TableStore,
    source_version: u64,
    target: &TableStore,
    options: CloneOptions,
) -> Result<CloneMetrics> {
    let (source, target) = (source.clone(), target.clone());
    off_thread(move || clone::deep_clone(&source, source_version, &target, &options)).await
}

/// Removes what clones into a table left unfinished whose process is gone; what one that lives needs stays.
pub async fn clear_left_over(target: &TableStore) {
    let target = target.clone();
    let clear = move || {
        if let Some(folder) = target.folder() {
            clone::clear_left_over(folder);
        }
        Ok(())
    };
    // What cannot be removed is in nobody's way.
    let _ = off_thread(clear).await;
}

/// Looks at a clone as a stranger would, and compares it with its source: logs, files on the disk, and rows.
pub async fn verify(
    source: &TableStore,
    source_version: u64,
    target: &TableStore,
    target_version: u64,
) -> Result<Verification> {
    let (source, target) = (source.clone(), target.clone());
    off_thread(move || verify::verify(&source, source_version, &target, target_version)).await
}

/// Makes a table what it was at an older version, as a new commit.
pub async fn restore(
    store: &TableStore,
    to_version: u64,
    expect: Expect,
    author: Author,
) -> Result<Restored> {
    let store = store.clone();
    off_thread(move || restore::restore(&store, to_version, expect, &author)).await
}

/// Makes the files of each partition one, where there are more; no row changes. Without such files there is no commit.
pub async fn compact(store: &TableStore, author: Author) -> Result<Compacted> {
    let store = store.clone();
    off_thread(move || compact::compact(&store, &author)).await
}

/// Finds files of a table that no version needs which was the newest within the retention.
pub async fn needless_files(store: &TableStore, how: Vacuum, now_ms: i64) -> Result<Needless> {
    let store = store.clone();
    off_thread(move || vacuum::needless(&store, how, now_ms)).await
}

/// Removes them, between two commits that tell of it.
pub async fn vacuum(store: &TableStore, how: Vacuum, author: Author) -> Result<Needless> {
    let store = store.clone();
    off_thread(move || vacuum::vacuum(&store, how, &author)).await
}

/// For how long a table keeps files that were replaced, in milliseconds.
pub fn files_kept_ms(metadata: &Metadata) -> i64 {
    small_table::files_kept_ms(metadata)
}

/// Creates an empty table as version 0. [`DeltaError::Conflict`] when there is one.
pub async fn create_table(store: &TableStore, table: NewTable, author: Author) -> Result<()> {
    let store = store.clone();
    off_thread(move || table::create(&store, &table, &author)).await
}

/// A type as Delta's schemas write it, as Arrow's, every field of it nullable.
pub fn arrow_type(kind: &serde_json::Value) -> Result<arrow_schema::DataType> {
    table::arrow_type(kind)
}

/// A type of Arrow's, as Delta's schemas write it.
pub fn type_of(kind: &arrow_schema::DataType) -> Result<serde_json::Value> {
    table::type_of(kind)
}

/// Rows as the bytes of a Parquet file, uncompressed; `path` names it where it cannot be written.
pub fn encoded(path: &str, rows: &RecordBatch) -> Result<Vec<u8>> {
    table::encoded(path, rows, None)
}

/// The columns of a table as Arrow's, every one nullable.
pub fn columns(table: &Snapshot) -> Result<arrow_schema::Schema> {
    table::columns_of(table)
}

/// Adds nullable columns to a table, as one commit; those that are there are left as they are. Returns the version.
pub async fn add_columns(
    store: &TableStore,
    columns: Vec<NewColumn>,
    expect: Expect,
    author: Author,
) -> Result<u64> {
    let store = store.clone();
    off_thread(move || table::add_columns(&store, &columns, expect, &author)).await
}

/// Appends rows as one file. With [`Expect::Anything`] a lost race is run again on top of the winner.
pub async fn append(
    store: &TableStore,
    rows: RecordBatch,
    expect: Expect,
    author: Author,
) -> Result<u64> {
    let store = store.clone();
    off_thread(move || table::append(&store, &rows, expect, &author)).await
}

/// Replaces all rows of a small table by these, as one file. Returns the new version.
pub async fn overwrite(
    store: &TableStore,
    rows: RecordBatch,
    expect: Expect,
    author: Author,
) -> Result<u64> {
    let store = store.clone();
    off_thread(move || table::overwrite(&store, &rows, expect, &author)).await
}

/// Reads the rows of a table without deletion vectors, whose files tell columns by names.
pub async fn read_rows(store: &TableStore, version: Option<u64>) -> Result<Vec<RecordBatch>> {
    let store = store.clone();
    off_thread(move || table::read_rows(&store, version)).await
}

/// Reads a small table of drsync's own at its newest version: the rows of its files on some shelves, 0 being those on
/// none.
pub async fn read_kept(store: &TableStore, shelves: RangeInclusive<u8>) -> Result<SmallTable> {
    let store = store.clone();
    off_thread(move || small_table::read(&store, &shelves)).await
}

/// Makes the files of a shelf one on the next, save the rows that stay in front of all shelves. No data changes.
pub async fn shelve(
    store: &TableStore,
    from: u8,
    stay: RecordBatch,
    go: RecordBatch,
    expect: Expect,
    author: Author,
) -> Result<u64> {
    let store = store.clone();
    off_thread(move || small_table::shelve(&store, from, &stay, &go, expect, &author)).await
}

/// Writes all rows of a small table anew as one file with a checkpoint, where other readers would stumble over what is there.
pub async fn mend(
    store: &TableStore,
    rows: RecordBatch,
    expect: Expect,
    author: Author,
) -> Result<u64> {
    let store = store.clone();
    off_thread(move || small_table::mend(&store, &rows, expect, &author)).await
}

/// Removes what is past a small table's retention, where a version was checkpointed.
pub async fn clean(store: &TableStore, version: u64, now_ms: i64) -> Result<()> {
    let store = store.clone();
    off_thread(move || small_table::clean(&store, version, now_ms)).await
}

/// Removes commits and checkpoints that are past a table's retention, where a version was checkpointed; nothing that this
/// version needs, or one after it.
pub async fn clean_log(store: &TableStore, version: u64, now_ms: i64) -> Result<()> {
    let store = store.clone();
    off_thread(move || small_table::clean_before(&store, version, now_ms)).await
}

/// Writes a checkpoint of a version; one that cannot be written is no loss.
pub async fn write_checkpoint(store: &TableStore, version: u64, now_ms: i64) -> Result<()> {
    let store = store.clone();
    off_thread(move || {
        commit::checkpoint(&store, version, now_ms);
        Ok(())
    })
    .await
}

/// Creates the commit file of a version from actions as JSON lines. [`DeltaError::Conflict`] when it is there.
pub async fn commit(store: &TableStore, version: u64, actions: Vec<String>) -> Result<()> {
    let store = store.clone();
    off_thread(move || commit::put(&store, version, &actions)).await
}

/// Commits a change on top of a table as it was read, without a checkpoint. [`DeltaError::Conflict`] when someone was faster.
///
/// `own_time_ms` is the commit's time where the table's commits carry their own; `None`: now, and after the one before.
pub async fn commit_change(
    store: &TableStore,
    base: &Snapshot,
    change: TableChange,
    author: &Author,
    own_time_ms: Option<i64>,
) -> Result<u64> {
    let own_times = base.metadata.in_commit_timestamps();
    let time =
        own_time_ms.unwrap_or_else(|| commit::next_time(Some(base), own_times, author.now_ms));
    let version = base.version + 1;
    commit(store, version, commit::lines_on(base, author, time, change)).await?;
    Ok(version)
}

/// Runs blocking work on a table off the async threads. Where it panics it is that table which cannot be used: others go on.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    // What is not done is cancelled: the runtime is going down.
    tokio::task::spawn_blocking(|| contain(work)).await.unwrap_or(Err(DeltaError::Cancelled))
}

/// Makes a panic of work on a table that table's error.
fn contain<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    contained(work).unwrap_or_else(|why| Err(DeltaError::corrupt("the table", why)))
}
