//! Whether the cut log lost cuts of a group, and how that is known. Pure.

use chrono::{DateTime, Utc};

use super::FindingCode;
use super::observed::WorkspaceObserved;
use super::view::GroupView;
use super::witness::WitnessedCut;
use crate::ledger::{Cut, RowStatus};

/// Why it is known that the cut log lost cuts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss<'a> {
    /// A run record tells of a later cut than the log has.
    Recorded(&'a WitnessedCut),
    /// The group's row tells when a cut was committed, after the newest that the log has.
    InRow(DateTime<Utc>),
    /// Replicas of the group carry our mark, no cut names them, and no attempt that did not come to its cut explains them.
    Marked(usize),
}

/// Whether the cut log lost cuts of a group, as far as can be told; only logs that could both be read are judged.
pub(super) fn loss<'a>(view: &GroupView<'a>) -> Option<Loss<'a>> {
    let workspace: &'a WorkspaceObserved = view.workspace;
    if workspace.primary.ledger.is_err() || workspace.secondary.ledger.is_err() {
        return None;
    }
    let newest = view.last_cut.map(|cut| cut.cut_number);
    let recorded = workspace.witnessed.of(&view.group.name, newest);
    if let Some(cut) = recorded.filter(|cut| newest < Some(cut.number)) {
        return Some(Loss::Recorded(cut));
    }
    if let Some(committed_at) = later_in_row(view) {
        return Some(Loss::InRow(committed_at));
    }
    match view.last_cut {
        Some(_) => None,
        None => marked(view),
    }
}

/// When a cut was committed of which only the row tells.
fn later_in_row(view: &GroupView<'_>) -> Option<DateTime<Utc>> {
    let committed_at = view.row?.sync_end_timestamp?;
    let cuts = &view.workspace.ledger.cuts;
    // Rows of two runners may pass each other, by clocks that are apart: a row of any cut that is there tells nothing.
    let known = |cut: &Cut| cut.committed_at >= committed_at;
    (!cuts.of(&view.group.name).any(known)).then_some(committed_at)
}

fn marked<'a>(view: &GroupView<'a>) -> Option<Loss<'a>> {
    let attempted = view.row.is_some_and(|row| {
        matches!(row.current_sync_status, Some(RowStatus::InProgress | RowStatus::Failed))
    });
    if attempted {
        return None;
    }
    let ours = view
        .tables()
        .filter(|table| view.cut_entry(&table.name).is_none())
        .filter(|table| {
            let mark = table.replica().and_then(|replica| replica.mark.as_ref());
            mark.is_some_and(|mark| mark.replica == view.replica_place(&table.name).path)
        })
        .count();
    (ours > 0).then_some(Loss::Marked(ours))
}

/// Whether somebody accepted to go on without cuts that the log lost.
pub(super) fn goes_on_without_lost_cuts(view: &GroupView<'_>) -> bool {
    view.accepts_of_group(FindingCode::LedgerLost) && loss(view).is_some()
}
