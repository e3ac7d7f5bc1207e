//! A table as it is while its log is being read: what each action does to it, whatever file it stands in.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashSet};

use ahash::RandomState;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::action::{FileKey, FileMap, LiveFile, Raw, Vector};
use super::error::{DeltaError, Result};
use super::log::{commit_file, commit_path};
use super::odd::Odd;
use super::stats::quoted_num_records;
use super::store::{Blob, Lines, TableStore};
use super::{lenient, path};
use crate::limits::{LIVE_FILES, LOG_TEXT, allow_unpacked};

/// How much of a table a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotDetail {
    /// Protocol, metadata, transactions and domains; no files, and no totals.
    Header,
    /// The files too, with what identifies and measures them.
    Summary,
    /// The live files as the log spells them.
    Live,
    /// Everything, as the log spells it: what was removed, too.
    Full,
}

/// A table while its log is being read, oldest action first.
pub(super) struct ReplayState {
    pub(super) detail: SnapshotDetail,
    pub(super) protocol: Option<Raw>,
    pub(super) metadata: Option<Raw>,
    pub(super) txns: BTreeMap<String, Raw>,
    pub(super) domains: BTreeMap<String, Raw>,
    pub(super) files: FileMap<LiveFile>,
    pub(super) tombstones: FileMap<Box<str>>,
    /// Whether a file, or the vector of one, was ever named by an absolute path.
    pub(super) absolute: bool,
    /// Sidecars named by a V2 checkpoint.
    pub(super) sidecars: Vec<String>,
    /// What is read is a checkpoint: a state, whose rows stand in no order.
    pub(super) within_checkpoint: bool,
    /// Bytes of the actions that are kept.
    text: u64,
    /// Bytes of the files of the checkpoint that is being read.
    pub(super) packed: u64,
    /// What they became so far, before it was looked at.
    pub(super) unpacked: u64,
    /// Adds that a checkpoint holds; as many as files are live where it names none twice.
    pub(super) adds: u64,
    /// How many commits were read, the one that is being read among them.
    commits: u32,
    /// The files that this one took out already, by hash. Only some readers let the last word of a commit count.
    removed: HashSet<u64, RandomState>,
    hasher: RandomState,
}

/// Bytes of memory that a live file or a removed one takes besides its text.
const HELD_BYTES: u64 = 256;

fn length(action: Option<&str>) -> u64 {
    action.map_or(0, |action| action.len() as u64)
}

impl ReplayState {
    pub(super) fn new(detail: SnapshotDetail) -> Self {
        Self {
            detail,
            protocol: None,
            metadata: None,
            txns: BTreeMap::new(),
            domains: BTreeMap::new(),
            files: FileMap::default(),
            tombstones: FileMap::default(),
            absolute: false,
            sidecars: Vec::new(),
            within_checkpoint: false,
            text: 0,
            packed: 0,
            unpacked: 0,
            adds: 0,
            commits: 0,
            removed: HashSet::default(),
            hasher: RandomState::new(),
        }
    }

    /// Applies a file of JSON lines. `file` is its name for messages.
    pub(super) fn read_lines(&mut self, blob: Blob, file: &str) -> Result<()> {
        self.commits += 1;
        self.removed.clear();
        let mut lines = Lines::of(blob, file);
        let mut empty = true;
        while let Some((number, text)) = lines.next()? {
            empty = false;
            if !text.is_empty() {
                self.apply(text).map_err(|error| {
                    DeltaError::corrupt(file, format!("line {number}: {error}"))
                })?;
                self.check(file)?;
            }
        }
        if empty { Err(DeltaError::corrupt(file, "it is empty")) } else { Ok(()) }
    }

    /// Refuses a version of more files, or more text of them, than drsync holds; and a checkpoint that becomes far more than it is.
    pub(super) fn check(&self, file: &str) -> Result<()> {
        let live = self.files.len() as u64;
        let within_its_length = || {
            if self.within_checkpoint {
                let held = (live + self.tombstones.len() as u64).saturating_mul(HELD_BYTES);
                let all = held.saturating_add(self.text).saturating_add(self.unpacked);
                allow_unpacked(all, self.packed)
            } else {
                // What is written down as text is held as that.
                Ok(())
            }
        };
        LIVE_FILES
            .allow(live)
            .and_then(|()| LOG_TEXT.allow(self.text))
            .and_then(|()| within_its_length())
            .map_err(|over| DeltaError::too_much(file, over))
    }

    fn apply(&mut self, text: &[u8]) -> Result<(), Odd> {
        match self.detail {
            SnapshotDetail::Live | SnapshotDetail::Full => {
                let mut line = serde_json::from_slice::<Line<&RawValue>>(text)?;
                if let Some(add) = line.add.take() {
                    self.add(serde_json::from_str(add.get())?, Some(add.get().into()))?;
                }
                if let Some(remove) = line.remove.take() {
                    let kept = self.detail == SnapshotDetail::Full;
                    let action = kept.then(|| remove.get().into());
                    self.remove(serde_json::from_str(remove.get())?, action)?;
                }
                self.rest(line);
            }
            SnapshotDetail::Summary => {
                let mut line = serde_json::from_slice::<Line<AddFacts>>(text)?;
                if let Some(add) = line.add.take() {
                    self.add(add, None)?;
                }
                if let Some(remove) = line.remove.take() {
                    self.remove(remove, None)?;
                }
                self.rest(line);
            }
            SnapshotDetail::Header => self.rest(serde_json::from_slice::<Line<IgnoredAny>>(text)?),
        }
        Ok(())
    }

    fn rest<A>(&mut self, line: Line<A>) {
        let Line { add: _, remove: _, protocol, meta_data, txn, domain_metadata, sidecar } = line;
        if protocol.is_some() {
            self.protocol = protocol;
        }
        if meta_data.is_some() {
            self.metadata = meta_data;
        }
        if let Some(txn) = txn {
            self.txn(txn);
        }
        if let Some(domain) = domain_metadata {
            self.domain(domain);
        }
        if let Some(sidecar) = sidecar {
            self.sidecars.push(sidecar.path);
        }
    }

    pub(super) fn txn(&mut self, txn: Raw) {
        if let Some(app) = txn.get("appId").and_then(|app| app.as_str()) {
            self.txns.insert(app.to_owned(), txn);
        }
    }

    pub(super) fn domain(&mut self, domain: Raw) {
        let Some(name) = domain.get("domain").and_then(|name| name.as_str()) else {
            return;
        };
        if domain.get("removed").and_then(|removed| removed.as_bool()) == Some(true) {
            self.domains.remove(name);
        } else {
            self.domains.insert(name.to_owned(), domain);
        }
    }

    /// Takes a file in. `action` is its text, where it is to be kept.
    pub(super) fn add(&mut self, facts: AddFacts<'_>, action: Option<Box<str>>) -> Result<(), Odd> {
        let key = facts.key();
        if self.within_checkpoint {
            self.adds += 1
        } else if !self.removed.is_empty() && self.removed.contains(&self.hasher.hash_one(&key)) {
            return Err(Odd::NamedTwice(key.path.into()));
        }
        let AddFacts {
            path: _,
            size,
            modification_time,
            partition_values: (),
            tags: (),
            deletion_vector,
            stats,
            records,
        } = facts;
        let records = records.or_else(|| quoted_num_records(stats?.get()));
        if self.detail == SnapshotDetail::Full {
            let tombstone = self.tombstones.remove(&key);
            self.text -= tombstone.map_or(0, |action| action.len() as u64);
        }
        self.text += length(action.as_deref());
        let size = size.unwrap_or(0);
        self.absolute |= path::is_absolute(&key.path)
            || deletion_vector.as_ref().is_some_and(|vector| vector.storage_type == "p");
        let added_by = if self.within_checkpoint { 0 } else { self.commits };
        let file = LiveFile {
            vector: deletion_vector.map(Box::new),
            size,
            modified_ms: modification_time,
            records,
            action,
            added_by,
        };
        match self.files.entry(key) {
            Entry::Vacant(free) => {
                free.insert(file);
            }
            // A checkpoint may name a file twice; a commit that does is refused.
            Entry::Occupied(known) if added_by > 0 && known.get().added_by == added_by => {
                return Err(Odd::NamedTwice(known.key().path.to_string()));
            }
            Entry::Occupied(mut known) => {
                let before = known.insert(file);
                self.text -= length(before.action.as_deref());
            }
        }
        Ok(())
    }

    /// Takes a file out. `action` is its text, where it is to be kept.
    ///
    /// In a checkpoint a removal is a tombstone, kept for VACUUM: it takes nothing out of what the same checkpoint says is live.
    /// A removal that a commit says twice is one removal: all readers agree on it.
    pub(super) fn remove(
        &mut self,
        facts: AddFacts<'_>,
        action: Option<Box<str>>,
    ) -> Result<(), Odd> {
        let key = facts.key();
        if self.within_checkpoint {
            if self.files.contains_key(&key) {
                return Ok(());
            }
        } else {
            self.removed.insert(self.hasher.hash_one(&key));
            if let Some(before) = self.files.remove(&key) {
                if before.added_by == self.commits {
                    return Err(Odd::NamedTwice(key.path.into()));
                }
                self.text -= length(before.action.as_deref());
            }
        }
        if let Some(action) = action {
            self.text += action.len() as u64;
            let before = self.tombstones.insert(key, action);
            self.text -= length(before.as_deref());
        }
        Ok(())
    }
}

/// The rows of a file: its records, where the log tells them, and those that a vector deletes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowCounts {
    pub(super) records: Option<u64>,
    pub(super) deleted: u64,
}

/// What a commit does to one file.
pub(super) enum FileChange {
    /// It is live from then on.
    Added(FileKey, RowCounts),
    /// It is live no longer.
    Removed(FileKey),
}

/// What a commit does to the files of its table, in its order.
pub(super) fn file_changes(store: &TableStore, version: u64) -> Result<Vec<FileChange>> {
    let file = commit_file(version);
    let mut lines = Lines::of(store.read(&commit_path(version))?, &file);
    let mut changes = Vec::new();
    while let Some((_, line)) = lines.next()? {
        if line.is_empty() {
            continue;
        }
        let line = serde_json::from_slice::<Line<AddFacts>>(line)
            .map_err(|error| DeltaError::corrupt(&file, error))?;
        changes.extend(line.remove.map(|remove| FileChange::Removed(remove.key())));
        changes.extend(line.add.map(|add| {
            let records = add.stats.and_then(|stats| quoted_num_records(stats.get()));
            let deleted = add.deletion_vector.as_ref().map_or(0, |vector| vector.cardinality);
            FileChange::Added(add.key(), RowCounts { records, deleted })
        }));
    }
    Ok(changes)
}

/// One line of a commit. `A` is how much of a file action is wanted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "A: Deserialize<'de>"))]
struct Line<A> {
    add: Option<A>,
    remove: Option<A>,
    protocol: Option<Raw>,
    meta_data: Option<Raw>,
    txn: Option<Raw>,
    domain_metadata: Option<Raw>,
    sidecar: Option<Sidecar>,
}

#[derive(Deserialize)]
struct Sidecar {
    path: String,
}

/// What replay needs to know of an `add` or `remove`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddFacts<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient::size")]
    pub(super) size: Option<u64>,
    #[serde(default, deserialize_with = "lenient::modification_time")]
    pub(super) modification_time: Option<i64>,
    #[serde(default, deserialize_with = "lenient::partition_values")]
    pub(super) partition_values: (),
    #[serde(default, deserialize_with = "lenient::tags")]
    pub(super) tags: (),
    #[serde(default)]
    pub(super) deletion_vector: Option<Vector>,
    #[serde(borrow, default)]
    pub(super) stats: Option<&'a RawValue>,
    /// Records, where they are known without reading `stats`.
    #[serde(skip)]
    pub(super) records: Option<u64>,
}

impl AddFacts<'_> {
    fn key(&self) -> FileKey {
        FileKey {
            path: path::qualified(&self.path).into(),
            vector: self.deletion_vector.as_ref().map(|vector| vector.unique_id().into()),
        }
    }
}
