//! Which groups the configuration changes, judged by what both regions know of them. Pure.

use std::collections::HashSet;

use super::document::{Decision, DueAnyway, GroupPlan};
use super::finding_code::FindingCode;
use super::observed::WorkspaceObserved;
use super::rows;
use super::view::GroupView;
use crate::config::{LocationAddress, TableName};
use crate::ledger::{CutTableEntry, Roles};

/// Whether the configuration says something else of a group than its row and its last cut: it is new or back, has a
/// mistake, other tables, another workflow, its replicas lie elsewhere, or its metadata is of another workspace.
///
/// What no region knows, a schedule or a number of retries, is not seen here: it changes nothing that an apply does now.
pub(super) fn is_changed(
    workspace: &WorkspaceObserved,
    view: Option<&GroupView<'_>>,
    plan: &GroupPlan,
) -> bool {
    let Some(GroupView { seen, group, .. }) = view else {
        return true;
    };
    let Some(row) = workspace.ledger.rows.get(&plan.name) else {
        return true;
    };
    let (workflow, tables) = rows::configured(group, seen);
    let moved = || {
        let cut = workspace.ledger.cuts.newest(&plan.name);
        let names: HashSet<&TableName> = seen.names.iter().collect();
        let elsewhere = |entry: &CutTableEntry| {
            names.contains(&entry.table)
                && !LocationAddress::is_one_place(
                    &entry.replica_location,
                    &workspace.replica_place(Some(&plan.name), &entry.table).location,
                )
        };
        cut.is_some_and(|cut| cut.tables.iter().any(elsewhere))
    };
    // A group whose ledger is another workspace's counts as changed: no apply would go on with it, which is to be told.
    let not_ours = || plan.findings.iter().any(|it| it.code == FindingCode::LedgerNotOurs);
    // The side that is active was named by another configuration, so that the group counts as changed.
    let sides = workspace.workspace.sides();
    let unnamed = matches!(workspace.ledger.cuts.roles(&plan.name, &sides), Roles::Unnamed(_));
    row.is_retired()
        || unnamed
        || row.workflow != workflow
        || row.tables != tables
        || moved()
        || not_ours()
}

/// Counts the groups that are left out.
pub(super) fn due_anyway(left_out: &[GroupPlan]) -> DueAnyway {
    let mut counts = DueAnyway::default();
    for group in left_out {
        match group.decision {
            Decision::Sync => counts.groups_sync += 1,
            Decision::Blocked => counts.groups_blocked += 1,
            Decision::Waiting => counts.groups_waiting += 1,
            Decision::UpToDate => counts.groups_up_to_date += 1,
        }
        for estimate in group.steps.iter().filter_map(|step| step.estimate) {
            counts.copy_bytes = counts.copy_bytes.saturating_add(estimate.copy_bytes);
            counts.copy_files = counts.copy_files.saturating_add(estimate.copy_files);
        }
    }
    counts
}
