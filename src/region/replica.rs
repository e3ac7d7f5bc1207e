//! Replicas: what lies at their paths, and the mark each carries. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RegionError, RegionErrorKind, Size, Table, Upkeep};
use crate::config::check_path;
use crate::sentence::Sentence;

/// Asks what lies at a replica's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaQuestion {
    /// Its path under the sync location, `<catalog>/<schema>/<table>`.
    pub path: String,
    /// The replica version the last cut names: commits after it are of interest, and those that made it what it is; `None`: all.
    pub since_version: Option<u64>,
}

impl ReplicaQuestion {
    /// Refuses a question about anything that does not lie under the sync location.
    ///
    /// # Errors
    /// `Unsupported`, with the path.
    pub fn check_place(&self) -> Result<(), RegionError> {
        place_is_plain(&self.path, || format!("look at the replica {}", self.path.escape_debug()))
    }
}

/// What lies at a replica's path: a Delta table, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its newest version.
    pub version: u64,
    /// The mark its newest metadata carries.
    pub mark: Option<Mark>,
    /// The epoch that a change of role marked it with (`drsync.epoch`); `None`: none did.
    pub epoch: Option<u64>,
    /// Its column-mapping mode.
    pub column_mapping: String,
    /// Live rows, where known.
    pub rows: Option<u64>,
    /// A live file that is not there as the log says, a fragment; `None`: none is known.
    pub damaged: Option<Sentence>,
    /// A checkpoint of its log that was read around, with why, a fragment: what it holds is known, and other readers stumble.
    pub read_around: Option<Sentence>,
    /// Why the version asked since, where it is not the newest, can no longer be read, a fragment; `None`: nothing is known to
    /// stand in the way.
    pub since_damaged: Option<Sentence>,
    /// Digest of what the log says of the live files of the version asked since, as a cut keeps it; `None`: not known.
    pub since_files: Option<String>,
    /// How deeply it was looked at.
    pub depth: LookDepth,
    /// What reading its files told; `None`: they were not read.
    pub content: Option<ReplicaContent>,
    /// What is known of the clone that its newest version is, where no cut names it.
    pub proof: CloneProof,
    /// Its retained commits up to the version asked since, oldest first, from the newest CLONE among them on: what shows whether
    /// that version is the clone that a cut says it is. Empty: the log no longer tells, or no version was asked since.
    pub before: Vec<ReplicaCommit>,
    /// Its retained commits after the version asked for, oldest first.
    pub commits: Vec<ReplicaCommit>,
}

/// How deeply a replica was looked at, from the least on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LookDepth {
    /// By what the engine says in its history.
    History,
    /// Its log was read, and every file of its newest version is there with its size.
    FilesListed,
    /// The files were read: of a small table all of them, of a large one their footers and a sample.
    ContentRead,
}

/// Asks what the files of a replica hold, and whether a clone that no cut names is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentQuestion {
    /// The replica's path under the sync location.
    pub path: String,
    /// Its newest version.
    pub version: u64,
    /// Whether its files are to be read.
    pub read: bool,
    /// Its source, where the catalog lists it.
    pub source: Option<Table>,
    /// The version of its source that it says to hold.
    pub source_version: Option<u64>,
    /// A version that the newest cut names, and what that says of its content.
    pub named: Option<NamedContent>,
    /// A clone for which no cut vouches.
    pub unproved: Option<UnprovedClone>,
}

/// A version that calls itself a clone, to be compared with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnprovedClone {
    /// The version.
    pub version: u64,
    /// A cut names it all the same: only that it has other files than its source is held against it, and damage is told as
    /// damage.
    pub named: bool,
}

/// What a cut says of the content of a replica's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedContent {
    /// The version.
    pub version: u64,
    /// `replica_content_sha256` of the cut.
    pub sha256: String,
}

/// What was found of a replica beyond what its log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentAnswer {
    /// What reading the files told; `None`: it was not asked for, or this region cannot.
    pub content: Option<ReplicaContent>,
    /// Whether the clone for which no cut vouches is one.
    pub proof: CloneProof,
    /// Whether what was read could be compared with what was cloned: a cut's digest of the same files.
    pub compared: bool,
}

/// What reading the files of a replica told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaContent {
    /// What is wrong with them, a fragment; `None`: nothing was found.
    pub wrong: Option<Sentence>,
}

/// Whether a version that calls itself a clone, and that no cut names, is one.
///
/// A mark can be copied, and so can a commit's name: a cut is what vouches for a clone, or the comparison with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloneProof {
    /// There is no such version, or nobody asked, or this region's own history is the proof.
    NotAsked,
    /// It is what its source is.
    Proved,
    /// It is not; why, a fragment.
    Refuted {
        /// The version.
        version: u64,
        /// In what it differs.
        why: Sentence,
    },
    /// It could not be compared; why, a fragment.
    Unknown {
        /// The version.
        version: u64,
        /// What stood in the way.
        why: Sentence,
    },
}

/// One commit of a replica's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaCommit {
    /// Version of the replica.
    pub version: u64,
    /// Commit time.
    pub committed_at: DateTime<Utc>,
    /// `CLONE`, `OPTIMIZE`, `UPDATE` …
    pub operation: String,
    /// Who made it.
    pub user: Option<String>,
    /// `sourceVersion` of a CLONE.
    pub source_version: Option<u64>,
    /// What a CLONE says its source was, where its metrics tell.
    pub source_size: Option<Size>,
    /// The mark that this commit set, where the log tells.
    pub mark: Option<Mark>,
    /// The version a RESTORE went back to.
    pub restored_to: Option<u64>,
    /// The epoch that it marked the table with, where it did nothing else.
    pub marked_epoch: Option<u64>,
    /// Rows it touched, where its metrics tell.
    pub rows: Option<u64>,
    /// Whether it is maintenance.
    pub upkeep: Upkeep,
}

/// What every clone writes into its own commit: which table at which version it is, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// `drsync.source_table_id`.
    pub source_table_id: String,
    /// `drsync.source_version`.
    pub source_version: u64,
    /// `drsync.replica`: path under the sync location; a mark counts only where it is where the table lies.
    pub replica: String,
}

impl Mark {
    /// Property key of the source table's id.
    pub const SOURCE_TABLE_ID: &str = "drsync.source_table_id";
    /// Property key of the source version.
    pub const SOURCE_VERSION: &str = "drsync.source_version";
    /// Property key of the replica's path.
    pub const REPLICA: &str = "drsync.replica";

    /// Property key of the epoch that a change of role leaves on a replica.
    pub const EPOCH: &str = "drsync.epoch";

    /// Reads a mark from table properties; `None` unless all three are there and well formed.
    pub fn from_properties<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Mark> {
        Some(Mark {
            source_table_id: get(Self::SOURCE_TABLE_ID)?.to_owned(),
            source_version: get(Self::SOURCE_VERSION)?.parse().ok()?,
            replica: get(Self::REPLICA)?.to_owned(),
        })
    }

    /// The mark as table properties.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let Mark { source_table_id, source_version, replica } = self;
        BTreeMap::from([
            (Self::SOURCE_TABLE_ID.to_owned(), source_table_id.clone()),
            (Self::SOURCE_VERSION.to_owned(), source_version.to_string()),
            (Self::REPLICA.to_owned(), replica.clone()),
        ])
    }
}

/// Refuses a path that leads out of a sync location.
pub(super) fn place_is_plain(
    path: &str,
    doing: impl FnOnce() -> String,
) -> Result<(), RegionError> {
    check_path(path).map_err(|wrong| {
        let remedy = wrong.remedy.unwrap_or_default();
        let detail = format!("{}; {remedy}", wrong.message);
        RegionError::new(RegionErrorKind::Unsupported, doing(), detail)
    })
}
