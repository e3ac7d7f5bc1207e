//! Makes a table what it was at an older version, as a new commit.

use serde_json::json;

use super::action::Metadata;
use super::change::{Author, Operation, TableChange, carried, described, removal};
use super::clone::check_whole;
use super::commit::{Expect, commit_on};
use super::error::Result;
use super::facts::same_facts;
use super::features;
use super::log::versions;
use super::replay::snapshot_of;
use super::state::SnapshotDetail;
use super::store::TableStore;

/// What a restore did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The version it made.
    pub version: u64,
    /// Files that are live again.
    pub restored_files: u64,
    /// Files that are no longer live.
    pub removed_files: u64,
}

pub(super) fn restore(
    store: &TableStore,
    to: u64,
    expect: Expect,
    author: &Author,
) -> Result<Restored> {
    let log = versions(store)?;
    expect.check(Some(log.newest))?;
    let now = snapshot_of(store, &log, None, SnapshotDetail::Live)?;
    features::check_writer(&now.protocol)?;
    let then = snapshot_of(store, &log, Some(to), SnapshotDetail::Live)?;

    // What VACUUM has deleted, or was damaged since, cannot be live again.
    check_whole(store, &then)?;

    let totals = then.totals();
    let mut actions = Vec::new();
    let metadata = with_times_of(&then.metadata, &now.metadata);
    if now.metadata != metadata {
        actions.push(json!({ "metaData": metadata.0 }).to_string());
    }
    // The protocol stays: a newer one may be needed to read the history in between.
    for (name, domain) in &then.domains {
        if now.domains.get(name) != Some(domain) && name != "delta.rowTracking" {
            actions.push(json!({ "domainMetadata": domain }).to_string());
        }
    }
    let mut restored = Restored { version: 0, restored_files: 0, removed_files: 0 };
    let (mut restored_bytes, mut removed_bytes) = (0, 0);
    for (key, file) in now.sorted_files() {
        if !then.files.contains_key(key) {
            actions.push(removal(key, file, author.now_ms, true)?);
            restored.removed_files += 1;
            removed_bytes += file.size;
        }
    }
    for (key, file) in then.sorted_files() {
        if !now.files.get(key).is_some_and(|there| same_facts(file, there)) {
            actions.push(carried(described(file, &key.path)?, true));
            restored.restored_files += 1;
            restored_bytes += file.size;
        }
    }
    let parameters = json!({ "version": to, "timestamp": null });
    let mut change = TableChange::new(Operation::new("RESTORE", parameters).metrics(vec![
        ("tableSizeAfterRestore", totals.bytes),
        ("numOfFilesAfterRestore", totals.files),
        ("numRemovedFiles", restored.removed_files),
        ("numRestoredFiles", restored.restored_files),
        ("removedFilesSize", removed_bytes),
        ("restoredFilesSize", restored_bytes),
    ]));
    change.extend(actions);
    restored.version = commit_on(store, &now, author, change)?;
    Ok(restored)
}

/// Older metadata that says of commits' own times what is said now: they belong to the history, not to its content.
fn with_times_of(then: &Metadata, now: &Metadata) -> Metadata {
    let mut properties = then.properties();
    for name in [
        "delta.enableInCommitTimestamps",
        "delta.inCommitTimestampEnablementVersion",
        "delta.inCommitTimestampEnablementTimestamp",
    ] {
        match now.property(name) {
            Some(value) => properties.insert(name.to_owned(), value.to_owned()),
            None => properties.remove(name),
        };
    }
    let mut raw = then.0.clone();
    raw.insert("configuration".to_owned(), json!(properties));
    Metadata(raw)
}
