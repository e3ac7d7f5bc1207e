//! A clone: what is ordered, what was done, and how it was verified. Pure.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::replica::place_is_plain;
use super::{ExpectedReplica, Mark, RegionError, Replica, ReplicaStanding, Size, standing};
use crate::config::TableName;

/// One clone, exactly as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneOrder {
    /// The source's name.
    pub table: TableName,
    /// Where the source's files are; `None`: the service knows.
    pub source_location: Option<String>,
    /// The source's location at its own id.
    pub source_table_id: String,
    /// The pinned version.
    pub source_version: u64,
    /// The replica's path under the sync location.
    pub replica_path: String,
    /// The replica's newest version when the plan was made; `None`: there was no table.
    pub replica_version: Option<u64>,
    /// Files that the replica holds are compared with the source's, byte by byte: those that differ are copied again.
    pub doubted: bool,
    /// Properties the clone sets: mark and retention.
    pub properties: BTreeMap<String, String>,
    /// The statement as shown and reviewed.
    pub statement: String,
}

impl CloneOrder {
    /// Refuses an order whose replica would lie anywhere else than under the sync location.
    ///
    /// # Errors
    /// `Unsupported`, with the path.
    pub fn check_place(&self) -> Result<(), RegionError> {
        place_is_plain(&self.replica_path, || format!("clone {}", self.table))
    }

    /// How a replica, with its commits since the version that was looked at, stands to it.
    pub fn standing(&self, replica: Option<&Replica>) -> ReplicaStanding {
        let mark = Mark::from_properties(|key| self.properties.get(key).map(String::as_str));
        let (path, version) = (self.replica_path.as_str(), self.replica_version);
        standing(replica, ExpectedReplica { path, version, mark: mark.as_ref() })
    }
}

/// What a clone did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cloned {
    /// The replica's version that holds the source version.
    pub replica_version: u64,
    /// The replica held it before this order: nothing was copied, nothing committed.
    pub already: bool,
    /// What the source was at the pinned version, as the clone itself reports it.
    pub source_size: Option<Size>,
    /// Files copied.
    pub copied_files: u64,
    /// Bytes copied.
    pub copied_bytes: u64,
    /// Files that the replica held and that were not what they had been cloned as: they lie there under other names now.
    pub replaced: Vec<String>,
    /// Id of the statement, where there is one.
    pub statement_id: Option<String>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How it was verified.
    pub level: VerifiedLevel,
    /// Live rows of the source at its version.
    pub source_rows: Option<u64>,
    /// Live rows of the replica.
    pub replica_rows: Option<u64>,
    /// What differs, one fragment each; empty: nothing.
    pub differences: Vec<String>,
    /// What the replica's files are now, to be compared with later; `None`: it is not known.
    pub files: Option<ReplicaFiles>,
}

/// What the live files of a replica are at a version, as digests that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaFiles {
    /// Of what its log says of them. Hex, or `history:` and hex of what the engine's history says of that version.
    pub listed_sha256: String,
    /// Of the files: `bytes:` and hex of their contents, `times:` and hex of when they were last changed.
    pub content_sha256: Option<String>,
}

/// How a clone was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedLevel {
    /// File by file.
    Files,
    /// By what the engine says it did.
    Metrics,
    /// By counting rows on both sides.
    Rows,
}

/// Counters that a clone moves while it works, and the sign to stop.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files copied so far.
    pub files: AtomicU64,
    /// Bytes copied so far.
    pub bytes: AtomicU64,
    /// Set to stop after the file at hand.
    pub stop: Arc<AtomicBool>,
    /// The statement that does the work, where one does.
    statement: Mutex<Option<String>>,
}

impl Progress {
    /// Progress that stops with the given sign.
    pub fn with_stop(stop: Arc<AtomicBool>) -> Progress {
        Progress { stop, ..Progress::default() }
    }

    /// Notes the statement that does the work from now on.
    pub fn runs_as(&self, statement: &str) {
        *self.statement.lock().unwrap_or_else(PoisonError::into_inner) = Some(statement.to_owned());
    }

    /// The statement that does the work.
    pub fn statement(&self) -> Option<String> {
        self.statement.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether work is to end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
