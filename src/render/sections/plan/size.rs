//! How much a plan synchronizes: what is told table by table, what group by group, what in sums.

use crate::figures::plural;
use crate::plan::{Decision, GroupPlan, Plan};

/// Up to this many tables every one is shown.
const TABLES_MAX: usize = 30;

/// Whether a plan synchronizes more tables than are shown one by one.
pub(super) fn many_tables(plan: &Plan) -> bool {
    let groups = plan.decided(Decision::Sync);
    groups.map(|(_, group)| group.steps.len()).sum::<usize>() > TABLES_MAX
}

/// Whether every group to be synchronized is new, and there are too many tables for a line each.
pub(super) fn is_big(plan: &Plan) -> bool {
    let mut sync = plan.decided(Decision::Sync);
    many_tables(plan) && sync.all(|(_, group)| group.follows_cut.is_none())
}

/// Tables of a group, for a count in words.
pub(super) fn tables(group: &GroupPlan) -> String {
    plural(group.steps.len(), "table")
}
