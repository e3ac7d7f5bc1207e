//! Small tables of drsync's own: rows of the files that are asked for, files made few, what is past its retention removed.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::SystemTime;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use serde::Deserialize;
use serde_json::json;

use super::action::{LiveFile, Metadata, Raw};
use super::change::{Author, NewFile, Operation, TableChange};
use super::checkpoint;
use super::commit::{Expect, commit_on};
use super::error::{DeltaError, Result};
use super::log::{LOG, Versions, commit_path, versions};
use super::path::FileLocation;
use super::replay::snapshot_of;
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::TableStore;
use super::table;
use super::times::file_times;
use crate::interval;

/// The tag of a live file whose rows stand behind those of files with a lower number, or with none.
const SHELF: &str = "drsync.shelf";
/// How long Delta keeps the log when the table does not say: thirty days.
const LOG_KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// How long Delta keeps replaced files when the table does not say: a week.
const FILES_KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// The first line of a commit is its `commitInfo`; one that is longer tells its time in no other way than by its file.
const FIRST_LINE_MAX: u64 = 1 << 20;

/// A small table as read.
#[derive(Debug)]
pub struct SmallTable {
    /// Its newest version.
    pub version: u64,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its columns.
    pub columns: Schema,
    /// The rows of the shelves that were asked for.
    pub rows: Vec<RecordBatch>,
    /// How many live files there are on each shelf.
    pub shelves: BTreeMap<u8, usize>,
    /// What other readers would stumble over although it was read.
    pub damage: Option<String>,
}

/// Reads the newest version: its rows on some shelves, and whether anything of it is damaged.
pub(super) fn read(store: &TableStore, asked: &RangeInclusive<u8>) -> Result<SmallTable> {
    let log = versions(store)?;
    let table = snapshot_of(store, &log, None, SnapshotDetail::Live)?;
    let rows = table::rows_of(store, &table, |file| asked.contains(&shelf(file)))?;
    let mut shelves = BTreeMap::new();
    for file in table.files.values() {
        *shelves.entry(shelf(file)).or_default() += 1;
    }
    Ok(SmallTable {
        version: table.version,
        damage: damage(store, &log, &table)?,
        columns: table::columns_of(&table)?,
        metadata: table.metadata,
        rows,
        shelves,
    })
}

/// The shelf that a live file stands on; 0: none.
fn shelf(file: &LiveFile) -> u8 {
    #[derive(Deserialize)]
    struct Tagged {
        tags: Option<BTreeMap<String, serde_json::Value>>,
    }
    // Few files are tagged, and most actions are long.
    let action = file.action.as_deref().filter(|text| text.contains(SHELF));
    let tagged = action.and_then(|text| serde_json::from_str::<Tagged>(text).ok());
    let tags = tagged.and_then(|tagged| tagged.tags);
    let number = tags.and_then(|tags| tags.get(SHELF)?.as_str()?.parse().ok());
    number.unwrap_or(0)
}

/// What of a table that could be read other readers cannot.
fn damage(store: &TableStore, log: &Versions, table: &Snapshot) -> Result<Option<String>> {
    if let Some(around) = &table.read_around {
        return Ok(Some(around.clone()));
    }
    if let Some(hint) = last_checkpoint(store)? {
        let there = |version| log.checkpoints.iter().any(|each| each.version == version);
        match hint {
            Some(version) if there(version) => {}
            Some(version) => {
                return Ok(Some(format!(
                    "{LOG}/_last_checkpoint names version {version}, whose checkpoint is not there"
                )));
            }
            None => return Ok(Some(format!("{LOG}/_last_checkpoint is damaged"))),
        }
    }
    let mut inside: Vec<(String, u64)> = Vec::new();
    for want in super::clone::wanted(table, store.folder())? {
        if let FileLocation::Inside(path) = &want.from {
            inside.push((path.clone().to_string(), want.file.size));
        }
    }
    let paths: Vec<&str> = inside.iter().map(|(path, _)| path.as_str()).collect();
    let sizes = store.sizes(&paths)?;
    let wrong = inside.iter().zip(sizes).find(|((_, said), size)| *size != Some(*said));
    Ok(wrong.map(|((path, said), size)| match size {
        None => format!("{path} is not there"),
        Some(size) => format!("{path} has {size} bytes, the log says {said}"),
    }))
}

/// The version that `_last_checkpoint` names; `Some(None)`: it names none; `None`: there is no such file.
fn last_checkpoint(store: &TableStore) -> Result<Option<Option<u64>>> {
    #[derive(Deserialize)]
    struct Hint {
        version: u64,
    }
    match store.read_all(&format!("{LOG}/_last_checkpoint")) {
        Ok(bytes) => {
            let hint = serde_json::from_slice::<Hint>(&bytes).ok();
            Ok(Some(hint.map(|hint| hint.version)))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Moves what stands on a shelf to the next, as one file, save the rows that stay, which stand in front of all shelves.
///
/// The rows are what they were, so it is no change of data.
pub(super) fn shelve(
    store: &TableStore,
    from: u8,
    stay: &RecordBatch,
    go: &RecordBatch,
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    rewrite(store, |file| shelf(file) == from, [(stay, None), (go, Some(from + 1))], expect, author)
}

/// Writes all rows anew as one file, with a checkpoint after it, so that every reader can read the table again.
pub(super) fn mend(
    store: &TableStore,
    rows: &RecordBatch,
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    let version = rewrite(store, |_| true, [(rows, None)], expect, author)?;
    let log = versions(store)?;
    let full = snapshot_of(store, &log, Some(version), SnapshotDetail::Full)?;
    checkpoint::write_checkpoint(store, &full, author.now_ms)?;
    Ok(version)
}

fn rewrite<const N: usize>(
    store: &TableStore,
    replaced: impl Fn(&LiveFile) -> bool,
    files: [(&RecordBatch, Option<u8>); N],
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    let log = versions(store)?;
    expect.check(Some(log.newest))?;
    let base = snapshot_of(store, &log, None, SnapshotDetail::Live)?;
    // The rows are what they were, whatever the files.
    let mut change =
        TableChange::maintenance(Operation::new("OPTIMIZE", json!({ "predicate": "[]" })));
    for (key, file) in base.sorted_files() {
        if replaced(file) {
            change.remove(key, file, author.now_ms)?;
        }
    }
    let mut written = Vec::new();
    for (rows, number) in files {
        if rows.num_rows() > 0 {
            let file = table::write_file(store, &base, rows)?;
            let tags = number
                .map(|number| Raw::from_iter([(SHELF.to_owned(), number.to_string().into())]));
            change.add(&NewFile { tags, ..file.clone() }, author.now_ms);
            written.push(file.path);
        }
    }
    let done = commit_on(store, &base, author, change);
    if matches!(done, Err(DeltaError::Conflict { .. })) {
        table::withdraw(store, &written);
    }
    done
}

/// Removes what is past the table's retention when a checkpoint was just due: replaced files, then commits and checkpoints.
///
/// As Delta's writers do it: a version that was the newest at any moment within the retention stays readable.
pub(super) fn clean(store: &TableStore, version: u64, now_ms: i64) -> Result<()> {
    if version == 0 || !version.is_multiple_of(checkpoint::EVERY) {
        return Ok(());
    }
    let log = versions(store)?;
    let now = snapshot_of(store, &log, None, SnapshotDetail::Full)?;
    // The checkpoint that was just written forgot what is past its retention; the version before it still names that.
    let before = snapshot_of(store, &log, Some(version - 1), SnapshotDetail::Full)?;
    clean_files(store, &now, &before, now_ms)?;
    match now.metadata.property("delta.enableExpiredLogCleanup") {
        Some("false") => Ok(()),
        _ => clean_log(store, &log, &now.metadata, now_ms),
    }
}

/// Removes commits and checkpoints of any table that are past its retention, as Delta's writers do where they wrote a checkpoint;
/// nothing that a version needs, or one after it.
pub(super) fn clean_before(store: &TableStore, version: u64, now_ms: i64) -> Result<()> {
    if version == 0 || !version.is_multiple_of(checkpoint::EVERY) {
        return Ok(());
    }
    let mut log = versions(store)?;
    let table = snapshot_of(store, &log, Some(version), SnapshotDetail::Header)?;
    if table.metadata.property("delta.enableExpiredLogCleanup") == Some("false") {
        return Ok(());
    }
    // One clock that is ahead would take what others may still read: the earliest of the last few commits tells what time it is.
    let mut now_ms = now_ms;
    for recent in (version - checkpoint::EVERY + 1..version).filter(|it| log.has_commit(*it)) {
        now_ms = now_ms.min(commit_ms(store, recent)?.unwrap_or(i64::MAX));
    }
    log.commits = log.commits.iter().copied().filter(|commit| *commit <= version).collect();
    clean_log(store, &log, &table.metadata, now_ms)
}

/// For how long a table keeps files that were replaced, in milliseconds.
pub(super) fn files_kept_ms(metadata: &Metadata) -> i64 {
    kept_ms(metadata, "delta.deletedFileRetentionDuration", FILES_KEPT_MS)
}

fn kept_ms(metadata: &Metadata, property: &str, default: i64) -> i64 {
    match metadata.property(property).map(interval::parse) {
        None => default,
        Some(Some(kept)) => kept.as_millis().try_into().unwrap_or(i64::MAX),
        // What cannot be understood keeps everything.
        Some(None) => i64::MAX,
    }
}

fn clean_files(store: &TableStore, now: &Snapshot, before: &Snapshot, now_ms: i64) -> Result<()> {
    let kept = files_kept_ms(&now.metadata);
    let live: HashSet<&str> = now.files.keys().map(|key| &*key.path).collect();
    let mut named: HashSet<&str> = live.clone();
    for (key, action) in before.tombstones.iter().chain(&now.tombstones) {
        let path = &*key.path;
        let replaced = checkpoint::deleted_ms(action);
        if replaced >= now_ms.saturating_sub(kept) || live.contains(path) {
            named.insert(path);
        } else if is_ours(path) {
            store.remove(path)?;
        }
    }
    // What a writer left that was killed before its commit is named nowhere; only the age of the file tells of it.
    let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let real = real.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    let mut nameless = store.file_names("")?;
    nameless.retain(|name| is_ours(name) && !named.contains(name.as_str()));
    for (name, modified_ms) in nameless.iter().zip(store.times("", &nameless)?) {
        if modified_ms.is_some_and(|modified_ms| modified_ms < real.saturating_sub(kept)) {
            store.remove(name)?;
        }
    }
    Ok(())
}

/// Whether a file has the name of a data file directly in its table.
fn is_ours(path: &str) -> bool {
    path.starts_with("part-") && path.ends_with(".parquet") && !path.contains('/')
}

fn clean_log(store: &TableStore, log: &Versions, metadata: &Metadata, now_ms: i64) -> Result<()> {
    let kept = kept_ms(metadata, "delta.logRetentionDuration", LOG_KEPT_MS);
    let cutoff = now_ms.saturating_sub(kept);
    // The newest version of the moment from which on everything is kept.
    let mut needed = None;
    for version in log.commits.iter().copied() {
        let time = match commit_ms(store, version)? {
            Some(time) => time,
            None => file_times(store, &[version])?.pop().unwrap_or(i64::MAX),
        };
        if time > cutoff {
            break;
        }
        needed = Some(version);
    }
    let Some(needed) = needed else {
        return Ok(());
    };
    let bases = log.checkpoints.iter().rev();
    let Some(base) = bases.clone().find(|each| each.version <= needed) else {
        return Ok(());
    };
    // From here on the log begins with it, so it has to be whole.
    let alone = Versions {
        commits: Arc::new([]),
        checkpoints: vec![base.clone()],
        newest: base.version,
        oldest: base.version,
    };
    if snapshot_of(store, &alone, Some(base.version), SnapshotDetail::Header).is_err() {
        return Ok(());
    }
    let version = |name: &str| -> Option<u64> {
        let (digits, _) = name.split_once('.')?;
        (digits.len() == 20).then(|| digits.parse().ok()).flatten()
    };
    let mut gone: Vec<(u64, String)> = store
        .list(LOG)?
        .into_iter()
        .filter_map(|file| Some((version(&file.name)?, file.name)))
        .filter(|(version, _)| *version < base.version)
        .collect();
    // The oldest first, so that what is left after a kill is a log without a gap.
    gone.sort_unstable();
    for (_, name) in gone {
        store.remove(&format!("{LOG}/{name}"))?;
    }
    Ok(())
}

/// When a commit says that it was made.
fn commit_ms(store: &TableStore, version: u64) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        commit_info: Info,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        timestamp: Option<i64>,
        in_commit_timestamp: Option<i64>,
    }
    let mut line = Vec::new();
    let lines = store.read(&commit_path(version))?.lines();
    let read = lines.take(FIRST_LINE_MAX).read_until(b'\n', &mut line);
    let info = read.ok().and_then(|_| serde_json::from_slice::<Line>(&line).ok());
    Ok(info.and_then(|line| line.commit_info.in_commit_timestamp.or(line.commit_info.timestamp)))
}
