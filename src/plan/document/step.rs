//! A step of a stored plan: which version of a table comes to its replica, on top of what, and what must not have moved. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::moment;
use crate::region::{Estimate, SchemaChange};

/// One action on one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// `group/table`.
    pub id: String,
    /// The source's name.
    pub table: TableName,
    /// What happens.
    pub action: Action,
    /// The source at its pinned version.
    pub source: SourcePin,
    /// The replica as it was looked at.
    pub replica: ReplicaPin,
    /// Properties the clone sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// The clone as SQL; absent where nothing is cloned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What it is expected to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// What must still be so when it is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<Precondition>,
    /// The commits that an update brings; absent where nothing is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings: Option<Brought>,
    /// How an update changes the replica's columns; absent: not known, or nothing is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaChange>,
}

/// The commits of a source after the version that its replica holds, up to the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Brought {
    /// How many there are, maintenance among them; absent: the history does not reach back so far.
    pub commits: Option<u64>,
    /// The newest of them that change data or schema, newest first.
    pub newest: Vec<SourceCommit>,
}

/// A commit of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceCommit {
    /// Version of the source.
    pub version: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// What.
    pub operation: String,
    /// Who, where the history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What happens to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// There is no replica yet.
    Create,
    /// The replica gets the pinned version.
    Update,
    /// The replica holds the pinned version.
    NoOp,
}

/// A source at its pinned version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourcePin {
    /// Its id at that version.
    pub table_id: String,
    /// The version.
    pub version: u64,
    /// Its commit time.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// Digest of its commit, by which apply knows it again: what it says, not when; absent in plans of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_sha256: Option<String>,
    /// The next version's commit time; absent: there is none.
    #[serde(with = "moment::OptionalMoment")]
    pub next_committed_at: Option<DateTime<Utc>>,
    /// The newest version when the plan was made.
    pub head_version: u64,
    /// Bytes in its live files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its live files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Its live rows, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Until when the version can be read; absent: as long as it is the newest, or without limit.
    #[serde(with = "moment::OptionalMoment")]
    pub readable_until: Option<DateTime<Utc>>,
    /// It can be read only as long as no newer version comes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_while_newest: bool,
    /// Where its files are, where the region tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The catalog's own id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
}

/// A replica as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaPin {
    /// Where it lies.
    pub location: String,
    /// Its path under the sync location.
    #[serde(default)]
    pub path: String,
    /// Its newest version; absent: there is none.
    pub version: Option<u64>,
    /// The source version it holds.
    pub holds_source_version: Option<u64>,
    /// Its versions since the last cut that others made, which the clone replaces: somebody accepted that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overwrites: Vec<u64>,
    /// What its log says of its files is not believed: they are compared with the source's, and those that differ are copied
    /// again under other names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
}

/// Something that must still be so when a step is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Precondition {
    /// What.
    pub code: PreconditionCode,
    /// The value it must have.
    pub value: serde_json::Value,
}

/// What an apply checks before it clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreconditionCode {
    /// The pinned version can still be read.
    SourceVersionReadable,
    /// The source is still the same table.
    SourceTableIdEquals,
    /// The replica is still at the version that was looked at, maintenance aside.
    ReplicaVersionEquals,
    /// There is still no replica.
    ReplicaAbsent,
}

/// Who wrote to a replica after the last clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// The source's name.
    pub table: TableName,
    /// The replica's path under the sync location; absent in plans of earlier versions: the one that the name says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_path: Option<String>,
    /// The secondary's own catalog has the replica under that name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registered: bool,
    /// The last version that is ours, where the log still shows it.
    pub ours: Option<u64>,
    /// Commits by others, oldest first.
    pub theirs: Vec<DriftCommit>,
    /// Maintenance, which is harmless.
    pub maintenance: Vec<DriftCommit>,
}

/// Maintenance on a source since the last cut, which is that by its name: nothing tells of its rows, and they were not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceMaintenance {
    /// The source's name.
    pub table: TableName,
    /// The commits, oldest first.
    pub commits: Vec<DriftCommit>,
}

/// A commit on a replica that is not ours, or one of maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftCommit {
    /// Version of the table.
    pub version: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// What.
    pub operation: String,
    /// Who.
    pub user: Option<String>,
    /// How many rows, where its metrics tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Of maintenance, whether as many rows are live after it as before; false: nothing told, and they were not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_compared: Option<bool>,
}

impl Action {
    /// On screen, with its symbol.
    pub fn with_symbol(self) -> &'static str {
        match self {
            Action::Create => "+ create",
            Action::Update => "~ update",
            Action::NoOp => "= no-op",
        }
    }
}
