//! Counts what no cut holds of a group, from the histories of its sources.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::observed::{GroupObserved, TableObserved, WorkspaceObserved};
use super::receipt::{LossReceipt, LostCommit, ReceiptTold, TableLoss};
use super::versions;
use crate::config::{GroupEntry, TableName};
use crate::ledger::Cut;
use crate::region::{Commit, RunState};

/// Writers of a table that are named.
const WRITERS_MAX: usize = 8;
/// Commits of a table that are listed one by one.
const LISTED_MAX: usize = 20;

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
            let held = held(&table.name);
            let commits = versions::changes_after(known(table, held)?, held);
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

/// The commits of a table among which all are that came after a version; `None`: some may not be known.
fn known(table: &TableObserved, held: Option<u64>) -> Option<&[Commit]> {
    match (&table.source, &table.came) {
        (Some(Ok(source)), _) => {
            held.is_none_or(|held| source.goes_on_from(held)).then_some(&source.commits)
        }
        (None, Some(Ok(came))) => Some(came),
        (Some(Err(_)), _) | (None, Some(Err(_)) | None) => None,
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
            rows: commits.iter().map(|commit| commit.rows).sum(),
            listed: commits.iter().take(LISTED_MAX).map(|commit| LostCommit::of(commit)).collect(),
        })
    }
}

impl LostCommit {
    fn of(commit: &Commit) -> LostCommit {
        LostCommit {
            version: commit.version,
            at: commit.committed_at,
            operation: commit.operation.clone(),
            user: commit.user.clone(),
            rows: commit.rows,
        }
    }
}

/// Of each group of a workspace whether the newest versions of its sources have to be looked at, due or not.
///
/// A look is repeated once half its time is over: nobody knows when the next round will be, and none may come too late.
pub fn receipts_due(workspace: &WorkspaceObserved, now: DateTime<Utc>) -> Vec<bool> {
    let due = |seen: &GroupObserved| {
        let GroupEntry::Valid(group) = &seen.entry else {
            return false;
        };
        let Some(cut) = workspace.ledger.cuts.newest(&group.name) else {
            return false;
        };
        let told = workspace.receipts.get(&group.name);
        let ReceiptTold { cut: of, loss } = match told {
            Some(told) => told,
            None => return true,
        };
        *of != cut.cut_number || (now - loss.at) * 2 >= group.receipt || loss.at > now
    };
    workspace.groups.iter().map(due).collect()
}
