//! Proves of commits that call themselves maintenance that they are: by the files that were live before them.

use std::collections::{HashMap, HashSet};

use ::parquet::arrow::arrow_reader::ArrowReaderOptions;

use super::super::action::FileKey;
use super::super::error::Result;
use super::super::log::Versions;
use super::super::parquet;
use super::super::path::{self, FileLocation};
use super::super::replay::snapshot_of;
use super::super::state::SnapshotDetail;
use super::super::state::{FileChange, RowCounts, file_changes};
use super::super::store::TableStore;
use super::TableCommit;
use crate::files;
use crate::region::Upkeep;

/// The live files of a version, with the rows of each.
struct Live {
    version: u64,
    rows: HashMap<FileKey, RowCounts>,
}

/// Looks at every commit that is maintenance by its operation and its `dataChange`, and names files.
///
/// A table without such a commit costs nothing more. Where the log no longer tells what was live before one, it is a change.
pub(super) fn settle(store: &TableStore, log: &Versions, commits: &mut [TableCommit]) {
    let mut live: Option<Live> = None;
    for commit in commits {
        if commit.upkeep != Upkeep::NotCompared {
            continue;
        }
        let version = commit.version;
        let judged = before(store, log, version, live.take()).and_then(|mut before| {
            let upkeep = judge(store, &mut before, file_changes(store, version)?);
            before.version = version;
            Ok((upkeep, before))
        });
        commit.upkeep = match judged {
            Ok((upkeep, after)) => {
                live = Some(after);
                upkeep
            }
            Err(_) => {
                commit.unjudged = true;
                Upkeep::Changes
            }
        };
    }
}

/// The live files of the version before another, from those of an earlier one where they are known.
fn before(store: &TableStore, log: &Versions, version: u64, known: Option<Live>) -> Result<Live> {
    let Some(before) = version.checked_sub(1) else {
        return Ok(Live { version, rows: HashMap::new() });
    };
    if let Some(mut live) = known {
        for version in live.version + 1..=before {
            carry_on(&mut live.rows, file_changes(store, version)?);
        }
        live.version = before;
        return Ok(live);
    }
    let snapshot = snapshot_of(store, log, Some(before), SnapshotDetail::Summary)?;
    let rows = snapshot.files.into_iter();
    let rows = rows.map(|(key, file)| {
        let deleted = file.vector.as_ref().map_or(0, |vector| vector.cardinality);
        (key, RowCounts { records: file.records, deleted })
    });
    Ok(Live { version: before, rows: rows.collect() })
}

fn carry_on(rows: &mut HashMap<FileKey, RowCounts>, changes: Vec<FileChange>) {
    for change in changes {
        match change {
            FileChange::Removed(key) => drop(rows.remove(&key)),
            FileChange::Added(key, count) => drop(rows.insert(key, count)),
        }
    }
}

/// The records of a file without a count in the log, by its footer; `None`: it is gone, or cannot be read.
fn records_of_file(store: &TableStore, name: &str) -> Option<u64> {
    let FileLocation::Inside(inside) = path::locate(name, store.folder()).ok()? else {
        return None;
    };
    let file = files::open_regular(&store.folder()?.join(inside)).ok()?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let opened = parquet::open(file, name, options).ok()?;
    u64::try_from(opened.known.metadata().file_metadata().num_rows()).ok()
}

/// Whether a commit leaves as many rows as it finds; its files are live afterwards.
fn judge(store: &TableStore, live: &mut Live, changes: Vec<FileChange>) -> Upkeep {
    let mut touched: HashSet<FileKey> = HashSet::new();
    let mut adds = false;
    for change in &changes {
        touched.insert(match change {
            FileChange::Removed(key) => key.clone(),
            FileChange::Added(key, _) => {
                adds = true;
                key.clone()
            }
        });
    }
    let of = |rows: &HashMap<FileKey, RowCounts>| -> Vec<Option<u64>> {
        let there = touched.iter().filter_map(|key| Some((key, rows.get(key)?)));
        let seen = there.map(|(key, rows)| {
            let records = rows.records.or_else(|| records_of_file(store, &key.path));
            Some(records?.saturating_sub(rows.deleted))
        });
        seen.collect()
    };
    let before = of(&live.rows);
    carry_on(&mut live.rows, changes);
    let after = of(&live.rows);
    // Files that replace nothing that was live are rows that were not there.
    if adds && before.is_empty() {
        return Upkeep::Changes;
    }
    let sum = |rows: Vec<Option<u64>>| {
        rows.into_iter().try_fold(0, |all: u64, more| all.checked_add(more?))
    };
    match (sum(before), sum(after)) {
        (Some(before), Some(after)) if before == after => Upkeep::Compared,
        (Some(_), Some(_)) => Upkeep::Changes,
        (_, _) => Upkeep::NotCompared,
    }
}
