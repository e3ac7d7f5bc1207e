//! A deep clone: the files a target lacks, then one commit that makes it equal to its source.

mod copy;
mod files;
mod header;
mod job;
mod places;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use super::change::{Author, Operation, TableChange};
use super::commit::{self, Expect};
use super::error::{DeltaError, Result};
use super::log::versions;
use super::replay::{snapshot, snapshot_of};
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::TableStore;
use super::{external, features};
use crate::region::Mark;
pub(super) use copy::clear_left_over;
pub(super) use files::wanted;
use files::{CloneActions, WantedFile};
pub(super) use header::kept_property;
use job::{FileCopy, Placed};
use places::{GivenAgain, TargetNames, place_files};
pub(super) use places::{check_files, check_whole};

/// How a clone is to be made.
#[derive(Debug, Clone)]
pub struct CloneOptions {
    /// Properties that override the source's.
    pub properties: BTreeMap<String, String>,
    /// What the target must be when the clone begins and when it commits.
    pub expect: Expect,
    /// Whether the files that the target holds are compared with the source's, byte by byte: it is damaged.
    pub doubted: bool,
    /// Who commits.
    pub author: Author,
    /// The source as the history shall name it.
    pub source_name: String,
    /// Counts as files arrive, and stops the clone on request.
    pub progress: CopyProgress,
}

/// What a clone did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneMetrics {
    /// The version it made in the target.
    pub version: u64,
    /// Live data files of the source, and so of the target now.
    pub source_files: u64,
    /// Their bytes.
    pub source_bytes: u64,
    /// Data files copied.
    pub copied_files: u64,
    /// Bytes copied, deletion vectors too.
    pub copied_bytes: u64,
    /// Data files that were in the target already.
    pub reused_files: u64,
    /// Files that the target held and that are not what the source's are: what they should be lies there under other names now.
    pub replaced: Vec<String>,
    /// Files of the target that are no longer live, by logical file.
    pub removed_files: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Rows that a reader sees, where every file says how many it has.
    pub rows: Option<u64>,
}

/// What a clone would have to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CopyEstimate {
    /// Data files.
    pub copy_files: u64,
    /// Bytes of data files.
    pub copy_bytes: u64,
}

/// Counters of a running clone, shared with whoever shows or stops it.
#[derive(Debug, Clone, Default)]
pub struct CopyProgress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    files: AtomicU64,
    files_done: AtomicU64,
    bytes: AtomicU64,
    bytes_done: AtomicU64,
    stop: AtomicBool,
}

impl CopyProgress {
    /// Asks the clone to stop as soon as it can; nothing will be committed.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Files done, of all to copy.
    pub fn files(&self) -> (u64, u64) {
        (self.0.files_done.load(Ordering::Relaxed), self.0.files.load(Ordering::Relaxed))
    }

    /// Bytes done, of all to copy.
    pub fn bytes(&self) -> (u64, u64) {
        (self.0.bytes_done.load(Ordering::Relaxed), self.0.bytes.load(Ordering::Relaxed))
    }

    fn begin(&self, files: u64, bytes: u64) {
        self.0.files.fetch_add(files, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn copied(&self, bytes: u64) {
        self.0.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn file_done(&self) {
        self.0.files_done.fetch_add(1, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        if self.0.stop.load(Ordering::Relaxed) { Err(DeltaError::Cancelled) } else { Ok(()) }
    }
}

/// How often a clone looks again for names that are free after others took those that it had chosen.
const PLACINGS: usize = 5;

/// Brings what the target lacks, under names that are its own, and returns what was copied.
fn bring<'a>(
    wanted: &mut [WantedFile<'a>],
    stores: (&TableStore, &TableStore),
    target: Option<&'a Snapshot>,
    version: &Snapshot,
    doubted: bool,
    progress: &CopyProgress,
) -> Result<Placed> {
    let (source, target_store) = stores;
    let tracks_rows = version.protocol.supports("rowTracking");
    let mark =
        target.and_then(|target| Mark::from_properties(|name| target.metadata.property(name)));
    let held = mark.as_ref().map(|mark| (mark.source_table_id.as_str(), mark.source_version));
    let mut attempts = 0;
    loop {
        attempts += 1;
        let names = TargetNames::of(target, target_store.folder())
            .doubted(doubted)
            .given_again(GivenAgain::since(source, version, held)?);
        let placed = place_files(wanted, source, target_store, &names, tracks_rows, progress)?;
        let jobs = &placed.jobs;
        progress.begin(jobs.len() as u64, jobs.iter().map(|job| job.size).sum());
        if jobs.is_empty() && placed.adopted.is_empty() {
            return Ok(placed);
        }
        match copy::copy_all(source, target_store, &placed, progress) {
            Err(error) if error.already_exists() && attempts < PLACINGS => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(placed),
        }
    }
}

pub(super) fn deep_clone(
    source_store: &TableStore,
    version: u64,
    target_store: &TableStore,
    options: &CloneOptions,
) -> Result<CloneMetrics> {
    let CloneOptions { properties, expect, doubted, author, source_name, progress } = options;
    let target_store = &target_store.no_more_open_than(source_store);
    let source = snapshot(source_store, Some(version), SnapshotDetail::Live)?;
    check_source(source_store, &source)?;
    let target = newest_of_target(target_store)?;
    let newest = target.as_ref().map(|target| target.version);
    expect.check(newest)?;

    let mut wanted = wanted(&source, source_store.folder())?;
    let Placed { jobs, adopted: _, replaced } = bring(
        &mut wanted,
        (source_store, target_store),
        target.as_ref(),
        &source,
        *doubted,
        progress,
    )?;
    progress.check()?;

    let next = newest.map_or(0, |newest| newest + 1);
    let plan = header::HeaderPlan {
        source: &source,
        target: target.as_ref(),
        version: next,
        properties,
        author,
    };
    let header = header::header(&plan)?;
    let changes = files::changes(&wanted, target.as_ref(), &header, author.now_ms)?;
    let copied_data = jobs.iter().filter(|job| job.is_data).count() as u64;
    let totals = source.totals();
    let parameters = json!({ "source": source_name, "sourceVersion": version, "isShallow": false });
    let metrics = metrics_of(&source, &changes, &jobs);
    let mut change = TableChange::new(Operation::new("CLONE", parameters).metrics(metrics));
    change.extend(header.actions);
    change.extend(changes.row_ids.map(|row_ids| row_ids.to_string()));
    change.extend(changes.actions);
    let lines = change.into_lines(author, newest, header.own_time_ms);
    commit::put(target_store, next, &lines)?;
    checkpoint_after(target.as_ref(), target_store, next, author.now_ms);
    Ok(CloneMetrics {
        version: next,
        source_files: totals.files,
        source_bytes: totals.bytes,
        copied_files: copied_data,
        copied_bytes: jobs.iter().map(|job| job.size).sum(),
        reused_files: totals.files.saturating_sub(copied_data),
        replaced,
        removed_files: changes.removed_files,
        removed_bytes: changes.removed_bytes,
        rows: totals.rows,
    })
}

/// Refuses a source with features that cannot be cloned, or with files that may not be read.
fn check_source(store: &TableStore, source: &Snapshot) -> Result<()> {
    features::check_clone(&source.protocol, &source.metadata)?;
    let outside = external::outside(store, source)?;
    outside.iter().try_for_each(|path| store.external(path).map(drop))
}

/// Readers take the newest checkpoint: a broken one is followed by a whole one.
fn checkpoint_after(before: Option<&Snapshot>, store: &TableStore, version: u64, now_ms: i64) {
    if before.is_some_and(|before| before.read_around.is_some()) {
        commit::checkpoint(store, version, now_ms)
    } else {
        commit::checkpoint_if_due(store, version, now_ms)
    }
}

/// The target's newest version; `None`: there is no table yet.
fn newest_of_target(store: &TableStore) -> Result<Option<Snapshot>> {
    match versions(store) {
        Ok(log) => Ok(Some(snapshot_of(store, &log, None, SnapshotDetail::Full)?)),
        Err(DeltaError::NotATable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a clone did, as the history of the table tells it.
fn metrics_of(
    source: &Snapshot,
    changes: &CloneActions,
    jobs: &[FileCopy],
) -> Vec<(&'static str, u64)> {
    let data = jobs.iter().filter(|job| job.is_data);
    let totals = source.totals();
    vec![
        ("sourceTableSize", totals.bytes),
        ("sourceNumOfFiles", totals.files),
        ("numRemovedFiles", changes.removed_files),
        ("numCopiedFiles", data.clone().count() as u64),
        ("removedFilesSize", changes.removed_bytes),
        ("copiedFilesSize", data.map(|job| job.size).sum()),
    ]
}

pub(super) fn foreign(url: &str) -> DeltaError {
    DeltaError::Unsupported {
        location: url.to_owned(),
        why: "the file lies on another store than its table".into(),
    }
}
