//! What would be lost if the primary were gone now: the commits that no cut holds, as far as somebody looked.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::observed::GroupObserved;
use super::versions;
use crate::config::TableName;
use crate::ledger::Cut;
use crate::moment;
use crate::region::{Commit, RunState};

/// Writers of a table that are named.
const WRITERS_MAX: usize = 8;

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
}

impl LossReceipt {
    /// What is lost of a group beyond versions that are held, of a cut at a moment; `None`: not every history was read.
    pub(super) fn beyond(
        seen: &GroupObserved,
        at: DateTime<Utc>,
        point: DateTime<Utc>,
        held: impl Fn(&TableName) -> Option<u64>,
    ) -> Option<LossReceipt> {
        let mut tables = Vec::new();
        for table in &seen.tables {
            let commits = versions::changes_after(table.commits()?, held(&table.name));
            tables.extend(TableLoss::of(&table.name, &commits.collect::<Vec<_>>()));
        }
        let workflows = seen.workflows.iter().filter_map(|workflow| workflow.as_ref().ok());
        let runs = workflows.flat_map(|workflow| &workflow.runs);
        let began = runs.filter(|run| match run.state {
            RunState::Succeeded | RunState::Failed | RunState::Active => true,
            RunState::NotBegun => false,
        });
        let late = began.filter(|run| run.ended_at.is_none_or(|ended| ended > point));
        let mut runs: Vec<i64> = late.map(|run| run.run_id).collect();
        runs.sort_unstable();
        runs.dedup();
        Some(LossReceipt {
            at,
            commits: tables.iter().map(|table| table.commits).sum(),
            since: tables.iter().map(|table| table.since).min(),
            // A run that wrote nothing here has nothing to repeat.
            runs: if tables.is_empty() { Vec::new() } else { runs },
            tables,
        })
    }
}

impl LossReceipt {
    /// What is lost of a group beyond a cut; `None`: not every history was read.
    pub(super) fn of_cut(
        seen: &GroupObserved,
        at: DateTime<Utc>,
        cut: &Cut,
    ) -> Option<LossReceipt> {
        let held = |table: &TableName| cut.table(table).map(|entry| entry.source_version);
        LossReceipt::beyond(seen, at, cut.recovery_point, held)
    }
}

impl TableLoss {
    fn of(table: &TableName, commits: &[&Commit]) -> Option<TableLoss> {
        let (first, last) = (commits.first()?, commits.last()?);
        let writers: BTreeSet<&String> = commits.iter().filter_map(|it| it.user.as_ref()).collect();
        let times = || commits.iter().map(|commit| commit.committed_at);
        Some(TableLoss {
            table: table.clone(),
            commits: commits.len() as u64,
            first_version: first.version,
            last_version: last.version,
            since: times().min()?,
            until: times().max()?,
            writers: writers.into_iter().take(WRITERS_MAX).cloned().collect(),
        })
    }
}
