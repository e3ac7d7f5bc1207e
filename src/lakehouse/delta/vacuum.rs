//! Removes files of a table that no version within its retention needs, as VACUUM does.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use serde_json::json;

use super::action::{FileKey, Raw};
use super::change::{Author, Operation, TableChange};
use super::commit::commit_on;
use super::commit_history::history;
use super::error::Result;
use super::features;
use super::log::{Versions, versions};
use super::path::{self, FileLocation};
use super::replay::snapshot_of;
use super::small_table::files_kept_ms;
use super::snapshot::Snapshot;
use super::state::{FileChange, SnapshotDetail, file_changes};
use super::store::TableStore;
use crate::files::EntryKind;

/// How a table is vacuumed.
#[derive(Debug, Clone, Copy)]
pub struct Vacuum {
    /// For how long versions that were replaced stay readable, in milliseconds, where the table is not asked.
    pub retain_ms: Option<i64>,
    /// Only files that the log names are looked for.
    pub named_only: bool,
    /// Somebody saw to it that the retention is as long as the table's own.
    pub checked: bool,
}

/// Files that no version within the retention needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needless {
    /// Their paths in the table, to be taken literally, with the bytes of each.
    pub files: BTreeMap<String, u64>,
    /// The folders that were looked through, the table's own among them.
    pub folders: u64,
}

impl Needless {
    /// The bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

/// Looks for them; the files of versions that were the newest at some moment since `now_ms` less the retention are needed.
pub(super) fn needless(store: &TableStore, how: Vacuum, now_ms: i64) -> Result<Needless> {
    let log = versions(store)?;
    let head = snapshot_of(store, &log, None, SnapshotDetail::Full)?;
    features::check_writer(&head.protocol)?;
    let kept_ms = how.retain_ms.unwrap_or_else(|| files_kept_ms(&head.metadata));
    let names = NamedFiles::of(store, &log, &head, now_ms.saturating_sub(kept_ms))?;
    let mut needless = Needless { files: BTreeMap::new(), folders: 0 };
    // What a writer left that was killed before its commit is named nowhere; only the age of the file tells of it.
    let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let real = real.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    let partitions: Vec<String> = head
        .metadata
        .partition_columns()
        .into_iter()
        .map(|column| format!("{}=", super::table::name_in_files(&head.metadata, column)))
        .collect();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        needless.folders += 1;
        let inside = |name: &str| match folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        for (name, named) in store.names(&folder)? {
            if named == EntryKind::Folder && is_looked_into(&name, &partitions) {
                open.push(inside(&name));
            }
        }
        for file in store.list(&folder)?.into_iter().filter(|it| !is_hidden(&it.name)) {
            let path = inside(&file.name);
            let left = !how.named_only && file.modified_ms < real.saturating_sub(kept_ms);
            if !names.needed.contains(&path) && (left || names.known.contains(&path)) {
                needless.files.insert(path, file.size);
            }
        }
    }
    Ok(needless)
}

/// Removes them, between two commits that tell of it.
pub(super) fn vacuum(store: &TableStore, how: Vacuum, author: &Author) -> Result<Needless> {
    let found = needless(store, how, author.now_ms)?;
    let count = found.files.len() as u64;
    let tell =
        |operation: &str, parameters: Raw, metrics: [(&'static str, u64); 2]| -> Result<()> {
            let base = snapshot_of(store, &versions(store)?, None, SnapshotDetail::Full)?;
            let operation = Operation { parameters, ..Operation::new(operation, json!({})) };
            let change = TableChange::maintenance(operation.metrics(metrics.to_vec()));
            commit_on(store, &base, author, change).map(drop)
        };
    let head = snapshot_of(store, &versions(store)?, None, SnapshotDetail::Header)?;
    let mut start = Raw::new();
    start.insert("retentionCheckEnabled".to_owned(), how.checked.into());
    start.insert("defaultRetentionMillis".to_owned(), files_kept_ms(&head.metadata).into());
    if let Some(retain_ms) = how.retain_ms {
        start.insert("specifiedRetentionMillis".to_owned(), retain_ms.into());
    }
    let to_delete = [("numFilesToDelete", count), ("sizeOfDataToDelete", found.bytes())];
    tell("VACUUM START", start, to_delete)?;
    let removed = found.files.keys().try_for_each(|path| store.remove(path));
    let status = if removed.is_ok() { "COMPLETED" } else { "FAILED" };
    let end = Raw::from_iter([("status".to_owned(), status.into())]);
    let done = [("numDeletedFiles", count), ("numVacuumedDirectories", found.folders)];
    tell("VACUUM END", end, done)?;
    removed.map(|()| found)
}

/// What a log names, by paths in the table.
struct NamedFiles {
    /// Files of versions within the retention.
    needed: HashSet<String>,
    /// Files of any version that the log still tells of.
    known: HashSet<String>,
}

impl NamedFiles {
    fn of(
        store: &TableStore,
        log: &Versions,
        head: &Snapshot,
        cutoff_ms: i64,
    ) -> Result<NamedFiles> {
        let mut names = NamedFiles { needed: HashSet::new(), known: HashSet::new() };
        let commits = history(store, None)?;
        // The version that was the newest when the retention began, or the first that can be read since.
        let before = commits.iter().rev().find(|commit| commit.timestamp_ms <= cutoff_ms);
        let first = before.or(commits.first()).map_or(head.version, |commit| commit.version);
        // A version whose log is gone is read by nobody.
        let first = first.max(log.oldest);
        let root = store.folder();
        let place = |key: &FileKey| places(key, root);
        for table in [&snapshot_of(store, log, Some(first), SnapshotDetail::Full)?, head] {
            names.needed.extend(table.files.keys().flat_map(place));
            names.known.extend(table.tombstones.keys().flat_map(place));
        }
        for commit in &commits {
            for change in file_changes(store, commit.version)? {
                match change {
                    FileChange::Added(key, _) if commit.version > first => {
                        names.needed.extend(place(&key));
                    }
                    FileChange::Added(key, _) | FileChange::Removed(key) => {
                        names.known.extend(place(&key));
                    }
                }
            }
        }
        Ok(names)
    }
}

/// The places in a table of a live file: of its rows, and of what tells which of them are deleted.
fn places(key: &FileKey, root: Option<&std::path::Path>) -> Vec<String> {
    let inside = |location| match location {
        FileLocation::Inside(path) => Some(path),
        FileLocation::Elsewhere(_) | FileLocation::Foreign(_) => None,
    };
    let rows = path::locate(&key.path, root).ok().and_then(inside);
    let (storage, id) =
        key.vector.as_deref().and_then(|id| id.split_at_checked(1)).unwrap_or_default();
    // Behind the last `@` stands where in the file the vector begins, if that is said; a reference may have one, too.
    let references = [Some(id), id.rsplit_once('@').map(|(reference, _)| reference)];
    let vectors = references.into_iter().flatten().filter_map(|reference| match storage {
        "u" => path::vector_file(reference).ok(),
        "p" => path::locate(reference, root).ok().and_then(inside),
        _ => None,
    });
    rows.into_iter().chain(vectors).collect()
}

/// Whether a file or folder is none of a table's data by its name.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

/// Folders of partitions are looked into however they are called, and so is that of changes.
fn is_looked_into(name: &str, partitions: &[String]) -> bool {
    let of_partition = || partitions.iter().any(|partition| name.starts_with(partition.as_str()));
    !is_hidden(name) || name == "_change_data" || of_partition()
}
