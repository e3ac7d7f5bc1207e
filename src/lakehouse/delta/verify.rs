//! Looks at a clone as a stranger would: its own log from the disk, every live file with its size, deletion vectors with their
//! checksums, and of a small table or a sample of a large one the rows themselves.
//!
//! Nothing here knows how a clone was made, so that no mistake of the copying is made a second time: only the log is read by
//! the same code.

mod bounds;
mod content;
mod digest;
mod disk;
mod headers;
mod inspect;
mod pairs;

use std::fmt;
use std::thread;

use super::error::{DeltaError, Result};
use super::replay::snapshot;
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::TableStore;
use crate::sentence::Sentence;
pub(super) use digest::is_same_state;
pub(super) use digest::listed_digest;
pub use digest::{ContentKind, FilesDigest};
pub(super) use disk::damage;
pub use inspect::Inspection;
pub(super) use inspect::inspect;

/// Something in which a clone is not what its source is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloneDifference {
    /// Live in the source, not in the clone.
    Lacking {
        /// The file, and its deletion vector if it has one.
        file: String,
    },
    /// Live in the clone, not in the source.
    Surplus {
        /// The file, and its deletion vector if it has one.
        file: String,
    },
    /// Described differently: size, record count, partition values or tags.
    Described {
        /// The file.
        file: String,
    },
    /// A file or deletion vector that does not hold what the log says of it.
    Content {
        /// The file.
        file: String,
        /// What is wrong with it, a fragment that follows its name.
        why: Sentence,
    },
    /// Not on the disk as it should be.
    OnDisk {
        /// The file.
        file: String,
        /// Bytes expected.
        expected: u64,
        /// Bytes found; `None` when the file is missing.
        found: Option<u64>,
    },
    /// Another value in protocol, schema, partitioning, a property, a transaction or a domain.
    Header {
        /// What it is, as `schema` or `property delta.appendOnly`.
        what: String,
        /// The source's.
        source: Option<String>,
        /// The clone's.
        target: Option<String>,
    },
}

impl fmt::Display for CloneDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacking { file } => {
                write!(out, "{file} is live in the source and not in the replica")
            }
            Self::Surplus { file } => {
                write!(out, "{file} is live in the replica and not in the source")
            }
            Self::Described { file } => {
                write!(out, "{file} is described differently in source and replica")
            }
            Self::Content { file, why } => write!(out, "{file} of the replica {why}"),
            Self::OnDisk { file, expected, found: Some(found) } => {
                write!(out, "{file} of the replica has {found} bytes instead of {expected}")
            }
            Self::OnDisk { file, expected: _, found: None } => {
                write!(out, "{file} of the replica is missing")
            }
            Self::Header { what, source, target } => {
                let shown =
                    |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
                write!(
                    out,
                    "{what} is {} in the source and {} in the replica",
                    shown(source),
                    shown(target)
                )
            }
        }
    }
}

/// What was found of a clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// In what it is not what its source is, or not what it says itself; empty: in nothing.
    pub differences: Vec<CloneDifference>,
    /// Rows that a reader of the source sees, where every file says how many it has.
    pub source_rows: Option<u64>,
    /// Rows that a reader of the clone sees.
    pub rows: Option<u64>,
    /// The clone's live files as they lie on the disk, in the order of their paths.
    pub files: Vec<FileSeen>,
    /// Digests of them, to be compared with later; `None` where something differs, or content was not looked at.
    pub digest: Option<FilesDigest>,
}

/// A live file as it lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSeen {
    /// Its path, as the log spells it.
    pub path: String,
    /// The unique id of its deletion vector.
    pub vector: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in milliseconds, where the store tells.
    pub modified_ms: Option<i64>,
}

pub(super) fn verify(
    source_store: &TableStore,
    source_version: u64,
    target_store: &TableStore,
    target_version: u64,
) -> Result<Verification> {
    let read = |store: &TableStore, version| snapshot(store, Some(version), SnapshotDetail::Live);
    let (source, target) = thread::scope(|scope| {
        let source = scope.spawn(|| read(source_store, source_version));
        let target = read(target_store, target_version);
        let source = source.join().unwrap_or(Err(DeltaError::Cancelled));
        (source, target)
    });
    let (source, target) = (source?, target?);
    let mut found = facts((source_store, &source), (target_store, &target))?;
    content::check(
        target_store,
        &target,
        Some((source_store, source_version)),
        content::ReadDepth::Sample,
        &mut found.differences,
    );
    found.differences.sort();
    found.differences.dedup();
    if found.differences.is_empty() {
        found.digest = Some(digest::of(target_store, &target, &found.files));
    }
    Ok(found)
}

/// What logs and disk tell; no data file is opened for its rows.
pub(super) fn facts(
    (source_store, source): (&TableStore, &Snapshot),
    (target_store, target): (&TableStore, &Snapshot),
) -> Result<Verification> {
    let mut differences = headers::compare(source, target);
    pairs::compare(source_store, source, target_store, target, &mut differences)?;
    let files = disk::compare_files(target_store, target, &mut differences)?;
    differences.sort();
    Ok(Verification {
        differences,
        source_rows: source.totals().rows,
        rows: target.totals().rows,
        files,
        digest: None,
    })
}
