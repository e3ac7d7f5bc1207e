//! What would be lost if the primary were gone now: the commits that no cut holds, as far as somebody looked.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::moment;

/// What would be lost of a group. What came after the look nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LossReceipt {
    /// When its sources were looked at.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// Commits that change rows or the schema and that the cut does not hold.
    pub commits: u64,
    /// When the oldest of them was made; absent: there is none.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Runs of its workflows that had not ended by then, or ended after the cut's moment: those that have to be repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<i64>,
    /// The tables that have such commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableLoss>,
}

/// What would be lost of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableLoss {
    /// Its name.
    pub table: TableName,
    /// How many commits.
    pub commits: u64,
    /// The version that the oldest of them made.
    pub first_version: u64,
    /// The version that the newest of them made.
    pub last_version: u64,
    /// When the oldest was made.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
    /// When the newest was made.
    #[serde(with = "moment::Moment")]
    pub until: DateTime<Utc>,
    /// Who made them, where the histories tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writers: Vec<String>,
    /// Rows that they changed together; absent: the histories do not tell of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The first of them, oldest first: as many as make a list that somebody reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<LostCommit>,
}

/// A commit that no cut holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostCommit {
    /// The version that it made.
    pub version: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// What it did.
    pub operation: String,
    /// Who, where the history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How many rows it changed, where its metrics tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// The newest receipt that run records tell of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTold {
    /// The cut that it is of.
    pub cut: u64,
    /// What would be lost beyond that.
    pub loss: LossReceipt,
}
