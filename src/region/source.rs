//! Source tables: their histories, and how they look at pinned versions. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RegionError, RegionErrorKind, Table, Upkeep};

/// Asks for a source's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQuestion {
    /// The table as the catalog lists it.
    pub table: Table,
    /// The oldest version of interest: the one the last cut names; `None`: all that is retained.
    pub from_version: Option<u64>,
}

/// Asks what came to a source after the version of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinceQuestion {
    /// Of which, since when.
    pub source: SourceQuestion,
    /// The commit of that version as the cut names it: of another table, or of one that was put back, nothing is told.
    pub named: Option<NamedCommit>,
}

/// A commit as a cut names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCommit {
    /// The id of its table.
    pub table_id: String,
    /// When it was made.
    pub committed_at: DateTime<Utc>,
    /// Its digest, if one was kept.
    pub sha256: Option<String>,
}

impl SinceQuestion {
    /// What came after the version of interest.
    ///
    /// # Errors
    /// `Conflict`: the source no longer has the commit that is named, or its history does not go on from there.
    pub fn since(&self, source: Source) -> Result<Vec<Commit>, RegionError> {
        let version = self.source.from_version;
        let another = self.named.as_ref().is_some_and(|named| {
            let mut commits = source.commits.iter();
            let found = commits.find(|commit| Some(commit.version) == version);
            found.is_some_and(|found| named.is_another(found))
        });
        let came = if another {
            Err("its commit is no longer the one that the last cut names")
        } else {
            source.since(version)
        };
        came.map_err(|why| {
            let doing = format!("read what came to {}", self.source.table.name);
            RegionError::new(RegionErrorKind::Conflict, doing, why)
        })
    }
}

impl NamedCommit {
    /// Whether a commit of the same version is another one.
    pub fn is_another(&self, commit: &Commit) -> bool {
        let id = commit.table_id.as_deref();
        let digests = commit.sha256.as_deref().zip(self.sha256.as_deref());
        id.is_some_and(|id| id != self.table_id)
            || digests.is_some_and(|(now, then)| is_another_digest(now, then))
    }
}

/// Whether two digests are of two commits. They are taken of a commit's file or of its row in the history: two of different kinds
/// say nothing of each other.
pub fn is_another_digest(now: &str, then: &str) -> bool {
    let taken_of = |digest: &str| digest.split_once(':').map(|(kind, _)| kind.to_owned());
    taken_of(now) == taken_of(then) && now != then
}

/// A source's history as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its retained commits from the version asked for, oldest first, to the head; never empty.
    pub commits: Vec<Commit>,
    /// The oldest version that can still be read.
    pub oldest_version: u64,
    /// The file of the commit that made the oldest version, where it is gone although the version can be read: its time is not
    /// known, and it is not among the commits.
    pub untimed: Option<String>,
    /// How long a replaced version stays readable; `None`: as long as its files are there.
    pub retention: Option<Duration>,
    /// The table's id at the head.
    pub table_id: String,
}

impl Source {
    /// The commits after a version, all of them; `None`: after the beginning.
    ///
    /// # Errors
    /// The history does not go on from there without a gap, a fragment.
    pub fn since(self, version: Option<u64>) -> Result<Vec<Commit>, &'static str> {
        let goes_on = version.is_none_or(|version| self.goes_on_from(version));
        let Source { mut commits, .. } = self;
        commits.retain(|commit| version.is_none_or(|version| commit.version > version));
        if goes_on {
            Ok(commits)
        } else {
            Err("its history does not go on from the version of the last cut")
        }
    }

    /// Whether it has everything that came after a version, of a table that has that version.
    pub fn goes_on_from(&self, version: u64) -> bool {
        let first = self.commits.first().map(|commit| commit.version);
        let last = self.commits.last().map(|commit| commit.version);
        first.is_some_and(|first| first <= version.saturating_add(1)) && last >= Some(version)
    }
}

/// One commit of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Table version.
    pub version: u64,
    /// Commit time with milliseconds.
    pub committed_at: DateTime<Utc>,
    /// `WRITE`, `MERGE`, `CLONE` …
    pub operation: String,
    /// Who made it.
    pub user: Option<String>,
    /// How many rows it changed, where its metrics tell.
    pub rows: Option<u64>,
    /// Whether it is maintenance. Everything else changes rows or the schema, a commit that names no file too.
    pub upkeep: Upkeep,
    /// The table's id as of this commit, where known.
    pub table_id: Option<String>,
    /// Digest of what it says, which tells whether it still is the same commit; its time is no part of it.
    /// The SHA-256 of its file, hex, or `history:` and that of its row in the history: these two cannot be compared.
    pub sha256: Option<String>,
}

impl Commit {
    /// Whether it changes rows or the schema, or may.
    pub fn changes(&self) -> bool {
        self.upkeep.changes()
    }
}

/// Asks how a source looks at a pinned version, and what of it a replica lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinQuestion {
    /// The table as the catalog lists it.
    pub table: Table,
    /// The pinned version.
    pub version: u64,
    /// It was the newest when the history was read.
    pub newest: bool,
    /// The replica's location, to estimate what is to be copied.
    pub replica_location: String,
    /// The replica's newest version; `None`: there is no replica.
    pub replica_version: Option<u64>,
    /// The source version that the replica holds, where the columns since then are worth a question of their own.
    pub columns_since: Option<u64>,
}

/// The live files of a table at one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A source at a pinned version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The version.
    pub version: u64,
    /// The table's id at that version.
    pub table_id: String,
    /// Its live files; `None`: the service tells them of the newest version only.
    pub size: Option<Size>,
    /// Live rows: records less deletion-vector cardinality; `None`: not known for every file.
    pub rows: Option<u64>,
    /// Column-mapping mode, `none` where there is none.
    pub column_mapping: String,
    /// Its `delta.deletedFileRetentionDuration`, as written.
    pub deleted_file_retention: Option<String>,
    /// Its `delta.logRetentionDuration`, as written.
    pub log_retention: Option<String>,
    /// What the clone would copy; `None`: not known.
    pub estimate: Option<Estimate>,
    /// How its columns differ from the replica's; `None`: not known, or there is no replica.
    pub schema: Option<SchemaChange>,
}

/// How the columns of a table at a version differ from those of its replica.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SchemaChange {
    /// Columns that are added, removed or changed, by name.
    pub columns: Vec<ColumnChange>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// A column that differs; within a struct, a list or a map its path, `address.city`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnChange {
    /// Its name.
    pub column: String,
    /// Its type in the replica, with `not null` where it takes none; absent: it is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its type in the source; absent: it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a clone is expected to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Files to copy.
    pub copy_files: u64,
    /// Bytes to copy.
    pub copy_bytes: u64,
    /// Where the figures come from.
    pub basis: EstimateBasis,
}

/// Where an estimate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateBasis {
    /// The difference of the live files of both sides.
    LiveFiles,
    /// The history's operation metrics.
    History,
}

/// Operations whose name says that columns or properties change; a write may evolve a schema too.
pub(crate) fn changes_schema(operation: &str) -> bool {
    const OPERATIONS: [&str; 11] = [
        "ADD COLUMN",
        "CHANGE COLUMN",
        "RENAME COLUMN",
        "DROP COLUMN",
        "REPLACE COLUMN",
        "CREATE OR REPLACE TABLE",
        "REPLACE TABLE",
        "SET TBLPROPERTIES",
        "UNSET TBLPROPERTIES",
        "UPDATE SCHEMA",
        "UPGRADE PROTOCOL",
    ];
    let operation = operation.to_uppercase();
    OPERATIONS.iter().any(|known| operation.starts_with(known))
}
