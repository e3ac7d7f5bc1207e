//! Proves of commits that call themselves maintenance that they are: by the files that were live before them.

use std::collections::{HashMap, HashSet};

use super::super::action::FileKey;
use super::super::error::Result;
use super::super::log::Versions;
use super::super::replay::{Detail, snapshot_of};
use super::super::state::{FileChange, file_changes};
use super::super::store::TableStore;
use super::Commit;
use crate::region::Upkeep;

/// The live files of a version, with the rows that a reader sees of each.
struct Live {
    version: u64,
    rows: HashMap<FileKey, Option<u64>>,
}

/// Looks at every commit that is maintenance by its operation and its `dataChange`, and names files.
///
/// A table without such a commit costs nothing more. Where the log no longer tells what was live before one, it is a change.
pub(super) fn settle(store: &TableStore, log: &Versions, commits: &mut [Commit]) {
    let mut live: Option<Live> = None;
    for commit in commits {
        if commit.upkeep != Upkeep::NotCompared {
            continue;
        }
        let version = commit.version;
        let judged = before(store, log, version, live.take()).and_then(|mut before| {
            let upkeep = judge(&mut before, file_changes(store, version)?);
            before.version = version;
            Ok((upkeep, before))
        });
        commit.upkeep = match judged {
            Ok((upkeep, after)) => {
                live = Some(after);
                upkeep
            }
            Err(_) => Upkeep::Changes,
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
    let snapshot = snapshot_of(store, log, Some(before), Detail::Summary)?;
    let rows = snapshot.files.into_iter();
    Ok(Live { version: before, rows: rows.map(|(key, file)| (key, file.rows())).collect() })
}

fn carry_on(rows: &mut HashMap<FileKey, Option<u64>>, changes: Vec<FileChange>) {
    for change in changes {
        match change {
            FileChange::Removed(key) => drop(rows.remove(&key)),
            FileChange::Added(key, count) => drop(rows.insert(key, count)),
        }
    }
}

/// Whether a commit leaves as many rows as it finds; its files are live afterwards.
fn judge(live: &mut Live, changes: Vec<FileChange>) -> Upkeep {
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
    let of = |rows: &HashMap<FileKey, Option<u64>>| -> Vec<Option<u64>> {
        touched.iter().filter_map(|key| rows.get(key).copied()).collect()
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
