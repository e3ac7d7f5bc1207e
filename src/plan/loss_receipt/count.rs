//! Counts what no cut holds of a group, from the histories of its sources. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{LossReceipt, LostCommit, ReceiptTold, TableLoss, UnknownLoss, UnknownWhy};
use crate::config::TableName;
use crate::ledger::Cut;
use crate::plan::document::{GroupPlan, TriggerKind};
use crate::plan::identity::{NamedVersion, recreated};
use crate::plan::observed::{GroupObserved, TableObserved, WorkspaceObserved};
use crate::plan::versions;
use crate::plan::view::GroupView;
use crate::region::{Commit, RegionErrorKind, RunState, Source};

/// Writers of a table that are named.
const WRITERS_MAX: usize = 8;
/// Commits of a table that are listed one by one.
const LISTED_MAX: usize = 20;

impl LossReceipt {
    /// What is lost of a group beyond versions that are held, of a cut at a moment; `None`: nobody looked at each of its tables.
    pub(in crate::plan) fn beyond<'a>(
        workspace: &WorkspaceObserved,
        seen: &GroupObserved,
        at: DateTime<Utc>,
        point: DateTime<Utc>,
        held: impl Fn(&TableName) -> Option<NamedVersion<'a>>,
    ) -> Option<LossReceipt> {
        // A primary that is away refuses every table: no receipt is made of that, and the one before goes on.
        if workspace.primary.refusal().is_some() {
            return None;
        }
        let (mut tables, mut unknown) = (Vec::new(), Vec::new());
        for table in &seen.tables {
            let known = Known::of(table, held(&table.name))?;
            tables.extend(TableLoss::of(&table.name, &known.commits));
            let why = known.unknown.into_iter();
            unknown.extend(why.map(|why| UnknownLoss {
                table: table.name.clone(),
                why,
                known_at: None,
            }));
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
        // Runs are told only where a table has commits of them, or may have.
        let nothing = tables.is_empty() && unknown.is_empty();
        Some(LossReceipt {
            at,
            commits: tables.iter().map(|table| table.commits).sum(),
            since: tables.iter().map(|table| table.since).min(),
            runs: if nothing { Vec::new() } else { runs },
            tables,
            unknown,
        })
    }

    /// What is lost of a group beyond a cut; `None`: nobody looked at each of its tables.
    ///
    /// Of tables that are not known now it says what an earlier look knew.
    pub(in crate::plan) fn of_cut(
        workspace: &WorkspaceObserved,
        seen: &GroupObserved,
        at: DateTime<Utc>,
        cut: &Cut,
    ) -> Option<LossReceipt> {
        let entries = cut.by_table();
        let held = |table: &TableName| entries.get(table).copied().map(NamedVersion::in_cut);
        let loss = LossReceipt::beyond(workspace, seen, at, cut.recovery_point, held)?;
        let told = workspace.receipts.get(&cut.group_name);
        let told = told.filter(|told| told.cut == cut.cut_number && told.loss.at <= at);
        Some(match told {
            Some(told) => loss.after(&told.loss),
            None => loss,
        })
    }

    /// What is certainly lost of a group beyond a cut, by what a plan pins alone, as of the moment that it was to be brought to;
    /// `None`: it pins nothing that the cut does not hold.
    pub fn of_pins(group: &GroupPlan, cut: &Cut) -> Option<LossReceipt> {
        let entries = cut.by_table();
        let beyond = group.steps.iter().filter(|step| {
            entries.get(&step.table).is_none_or(|held| {
                held.source_version < step.source.version
                    || held.source_table_id != step.source.table_id
            })
        });
        let unknown = beyond.map(|step| UnknownLoss {
            table: step.table.clone(),
            why: UnknownWhy::Pinned,
            known_at: None,
        });
        let unknown: Vec<UnknownLoss> = unknown.collect();
        // Maintenance alone makes no group due.
        let changes = group.trigger.as_ref().is_some_and(|trigger| match trigger.kind {
            TriggerKind::Workflow | TriggerKind::Schedule | TriggerKind::MaxLag => true,
            TriggerKind::Repair | TriggerKind::FirstSync => false,
        });
        let at = group.recovery_point.filter(|_| !unknown.is_empty())?;
        Some(LossReceipt {
            at,
            commits: u64::from(changes),
            since: None,
            runs: Vec::new(),
            tables: Vec::new(),
            unknown,
        })
    }
}

/// What is known of a table's commits that came after a version that is held.
struct Known<'a> {
    /// Commits that are certainly not held, oldest first.
    commits: Vec<&'a Commit>,
    /// Why there may be others; `None`: these are all.
    unknown: Option<UnknownWhy>,
}

impl<'a> Known<'a> {
    /// `None`: nobody asked for its history.
    fn of(table: &'a TableObserved, held: Option<NamedVersion<'_>>) -> Option<Known<'a>> {
        let nothing = |why| Known { commits: Vec::new(), unknown: Some(why) };
        Some(match (&table.source, &table.came, &table.listed) {
            (Some(Ok(source)), _, _) => Known::in_source(source, held),
            (None, Some(Ok(came)), listed) => {
                let id = listed.as_ref().ok().and_then(|listed| listed.table_id.as_deref());
                let another = held.zip(id).is_some_and(|(held, id)| held.table_id() != id);
                Known {
                    commits: came.iter().filter(|commit| commit.changes()).collect(),
                    unknown: another.then_some(UnknownWhy::Recreated),
                }
            }
            // What no cut has and no catalog lists is nothing that could be lost.
            (None, None, Err(refused))
                if held.is_none() && refused.kind == RegionErrorKind::NotFound =>
            {
                Known { commits: Vec::new(), unknown: None }
            }
            (Some(Err(refused)), _, _)
            | (None, Some(Err(refused)), _)
            | (None, None, Err(refused)) => nothing(UnknownWhy::of(refused.kind)),
            (None, None, Ok(listed)) if listed.unsupported.is_some() || listed.denied.is_some() => {
                nothing(UnknownWhy::Unread)
            }
            (None, None, Ok(_)) => return None,
        })
    }

    fn in_source(source: &'a Source, held: Option<NamedVersion<'_>>) -> Known<'a> {
        let Some(held) = held else {
            let commits = versions::changes_after(&source.commits, None).collect();
            return Known { commits, unknown: None };
        };
        let another = recreated(source, &held).is_some();
        // Nothing of another table is held, whatever its versions are.
        let of_another = |commit: &Commit| {
            let id = commit.table_id.as_deref();
            another && id == Some(source.table_id.as_str()) && id != Some(held.table_id())
        };
        let beyond = |commit: &&Commit| {
            commit.changes() && (commit.version > held.version() || of_another(commit))
        };
        let unknown = if another {
            Some(UnknownWhy::Recreated)
        } else {
            (!source.goes_on_from(held.version())).then_some(UnknownWhy::Gap)
        };
        Known { commits: source.commits.iter().filter(beyond).collect(), unknown }
    }
}

impl UnknownWhy {
    fn of(kind: RegionErrorKind) -> UnknownWhy {
        match kind {
            RegionErrorKind::NotFound => UnknownWhy::Gone,
            RegionErrorKind::Conflict => UnknownWhy::Gap,
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => UnknownWhy::Unread,
        }
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

/// Whether the newest versions of a group's sources have to be looked at, due or not.
///
/// A look is repeated once half its time is over: nobody knows when the next round will be, and none may come too late.
pub(in crate::plan) fn receipt_is_due(view: &GroupView<'_>) -> bool {
    let Some(cut) = view.last_cut else {
        return false;
    };
    let Some(ReceiptTold { cut: of, loss }) = view.workspace.receipts.get(&view.group.name) else {
        return true;
    };
    *of != cut.cut_number || (view.now - loss.at) * 2 >= view.group.receipt || loss.at > view.now
}
