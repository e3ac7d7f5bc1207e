//! What would be lost if the primary were gone now: the commits that no cut holds, as far as somebody looked, as documents tell it.
//! They are counted in [`count`]. Pure.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::moment;
use crate::text::{plural, plural_of};

pub(super) mod count;

/// Runs that a sentence names.
const RUNS_TOLD: usize = 5;

/// What would be lost of a group. What came after the look nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LossReceipt {
    /// When its sources were looked at.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// Commits that change rows or the schema and that the cut does not hold; where `unknown` names a table, at least as many.
    pub commits: u64,
    /// When the oldest of them was made, of those that are known; absent: none is.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Runs of its workflows that had not ended by then, or ended after the cut's moment: those that have to be repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<i64>,
    /// The tables that have such commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableLoss>,
    /// The tables of which not everything is known that came after the cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<UnknownLoss>,
}

/// A table of which nobody knows all that would be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownLoss {
    /// Its name.
    pub table: TableName,
    /// Why it is not known.
    pub why: UnknownWhy,
    /// When all of it was last known, of the same cut; absent: no look tells.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub known_at: Option<DateTime<Utc>>,
}

/// Why what would be lost of a table is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownWhy {
    /// Its history does not go on from the version that the cut names.
    Gap,
    /// It is another table than the one that the cut names.
    Recreated,
    /// It, or a part of its log, is not there.
    Gone,
    /// Its history could not be read.
    Unread,
    /// A plan pinned a version of it that the cut does not hold, and nobody counted what made it.
    Pinned,
}

impl UnknownWhy {
    /// The same in words, a fragment.
    pub fn text(self) -> &'static str {
        match self {
            UnknownWhy::Gap => "its history does not reach back to the cut",
            UnknownWhy::Recreated => "it is another table than the cut has",
            UnknownWhy::Gone => "it, or a part of its log, is not there",
            UnknownWhy::Unread => "its history could not be read",
            UnknownWhy::Pinned => "a later version than the cut's was planned and not brought over",
        }
    }
}

impl LossReceipt {
    /// Age of the oldest of its commits, at least; `None`: none is known, and not of every table that there is none.
    pub(super) fn lag(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        match self.since {
            Some(since) => Some((now - since).max(TimeDelta::zero())),
            None => self.unknown.is_empty().then(TimeDelta::zero),
        }
    }

    /// Whether something is known to be lost, or is not known not to be.
    pub fn is_of_something(&self) -> bool {
        self.commits > 0 || !self.unknown.is_empty()
    }

    /// The same in words, with the moment of the look: `3 commits since …, repeat run 89, as of …`.
    pub(super) fn describe_loss(&self) -> String {
        let LossReceipt { at, commits, since, runs, tables: _, unknown } = self;
        let least = if unknown.is_empty() { "" } else { "at least " };
        let commits = match commits {
            0 => "no commit".to_owned(),
            commits => format!("{least}{}", plural_of(*commits, "commit")),
        };
        let since = since.map(|since| format!(" since {}", moment::text(since)));
        let runs: Vec<String> = runs.iter().take(RUNS_TOLD).map(ToString::to_string).collect();
        let repeat = match runs.as_slice() {
            [] => String::new(),
            [run] => format!(", repeat run {run}"),
            runs => format!(", repeat runs {}", runs.join(", ")),
        };
        let unknown = match unknown.len() {
            0 => String::new(),
            tables => format!("; of {} it is not known", plural(tables, "table")),
        };
        let since = since.unwrap_or_default();
        format!("{commits}{since}{repeat}{unknown}, as of {}", moment::text(*at))
    }

    /// Takes what an earlier look at the same cut knew of tables that are not known now: what was lost then is still lost.
    pub(crate) fn after(mut self, earlier: &LossReceipt) -> LossReceipt {
        let was_unknown: HashMap<&TableName, &UnknownLoss> =
            earlier.unknown.iter().rev().map(|it| (&it.table, it)).collect();
        let was_known: HashMap<&TableName, &TableLoss> =
            earlier.tables.iter().rev().map(|it| (&it.table, it)).collect();
        let mut places: HashMap<TableName, usize> =
            self.tables.iter().enumerate().map(|(at, it)| (it.table.clone(), at)).collect();
        for unknown in &mut self.unknown {
            let table = &unknown.table;
            let before = was_unknown.get(table);
            unknown.known_at = before.map_or(Some(earlier.at), |before| before.known_at);
            let Some(known) = was_known.get(table).copied() else {
                continue;
            };
            let at = *places.entry(table.clone()).or_insert_with(|| {
                self.tables.push(known.clone());
                self.tables.len() - 1
            });
            let now = &mut self.tables[at];
            if now.commits < known.commits {
                *now = known.clone();
            }
        }
        let known = self.tables.iter().map(|table| table.commits).sum();
        self.commits = self.commits.max(known);
        self.since = self.tables.iter().map(|table| table.since).min();
        self
    }
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

/// A receipt that run records tell of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptTold {
    /// The cut that it is of.
    pub cut: u64,
    /// What is lost beyond that; of a change of role, what was lost with it.
    pub loss: LossReceipt,
}
