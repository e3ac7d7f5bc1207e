//! Replicas: what lies at their paths, and the mark each carries.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::clone::place_is_plain;
use super::{RegionError, Size};

/// Asks what lies at a replica's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaQuestion {
    /// Its path under the sync location, `<catalog>/<schema>/<table>`.
    pub path: String,
    /// The replica version the last cut names: commits after it are of interest; `None`: all.
    pub since_version: Option<u64>,
}

impl ReplicaQuestion {
    /// Refuses a question about anything that does not lie under the sync location.
    ///
    /// # Errors
    /// `Unsupported`, with the path.
    pub fn check_place(&self) -> Result<(), RegionError> {
        place_is_plain(&self.path, || {
            format!("look at the replica {}", self.path.escape_debug())
        })
    }
}

/// What lies at a replica's path: a Delta table, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its newest version.
    pub version: u64,
    /// The mark its newest metadata carries.
    pub mark: Option<Mark>,
    /// Its column-mapping mode.
    pub column_mapping: String,
    /// Live rows, where known.
    pub rows: Option<u64>,
    /// A live file that is not there as the log says, a fragment; `None`: none is known.
    pub damaged: Option<String>,
    /// Why the version asked since, where it is not the newest, can no longer be read, a fragment; `None`: nothing is known to
    /// stand in the way.
    pub since_damaged: Option<String>,
    /// Its retained commits after the version asked for, oldest first.
    pub commits: Vec<ReplicaCommit>,
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
    /// Rows it touched, where its metrics tell.
    pub rows: Option<u64>,
    /// Whether it is maintenance.
    pub upkeep: Upkeep,
}

/// Whether a commit is maintenance: it rewrites files or statistics and leaves every row as it is.
///
/// The name of its operation is no proof. Where a log tells, all its actions say `dataChange = false`, its files come with
/// those that they rewrite, and as many rows are live after it as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// It changes rows, columns or the protocol, or may.
    Changes,
    /// As many rows are live after it as before.
    Compared,
    /// It is one by its operation and by what is told of its files, and nothing tells of rows.
    NotCompared,
}

impl Upkeep {
    /// Whether it changes what a reader sees.
    pub fn changes(self) -> bool {
        match self {
            Upkeep::Changes => true,
            Upkeep::Compared | Upkeep::NotCompared => false,
        }
    }
}

/// Operations that are to rewrite files or statistics and leave every row as it is.
const MAINTENANCE: [&str; 6] = [
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
    "REORG",
    "ANALYZE",
    "COMPUTE STATS",
];

/// Whether an operation is called like one that leaves every row of a table as it is, which is to be proved.
pub fn is_maintenance(operation: &str) -> bool {
    let operation = operation.to_uppercase();
    MAINTENANCE.iter().any(|name| operation.starts_with(name))
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
        let Mark {
            source_table_id,
            source_version,
            replica,
        } = self;
        BTreeMap::from([
            (Self::SOURCE_TABLE_ID.to_owned(), source_table_id.clone()),
            (Self::SOURCE_VERSION.to_owned(), source_version.to_string()),
            (Self::REPLICA.to_owned(), replica.clone()),
        ])
    }
}
