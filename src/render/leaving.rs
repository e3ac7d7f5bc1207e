//! What an apply leaves behind: groups that are retired, and tables that left their group and joined no other.

use std::collections::BTreeSet;

use crate::plan::SettingChange;
use crate::plan::document::{RowChange, WorkspacePlan};

/// Groups that left the configuration, whichever region's row says so; one that is only called otherwise has not.
pub(super) fn groups_retired(workspace: &WorkspacePlan) -> BTreeSet<&String> {
    let metadata = workspace.metadata.iter();
    let retired = metadata.flat_map(|action| &action.rows_to_retire);
    let leaves = |row: &&RowChange| {
        let before = row.before.as_ref();
        row.after.is_retired() && before.is_some_and(|before| !before.is_retired())
    };
    let rows = workspace.rows.iter().filter(leaves);
    let renames = workspace.settings_changes.iter().filter_map(SettingChange::renames);
    let renamed: BTreeSet<&str> = renames.map(|(_, was)| was).collect();
    let left = retired.chain(rows.map(|row| &row.after.group_name));
    left.filter(|group| !renamed.contains(group.as_str())).collect()
}

/// Tables of groups that stay which are in no group any more.
pub(super) fn tables_left(workspace: &WorkspacePlan) -> Vec<&String> {
    let kept = tables_kept(workspace);
    let stay = workspace.rows.iter().filter(|row| !row.after.is_retired());
    stay.filter_map(|row| row.before.as_ref())
        .flat_map(|before| &before.tables)
        .filter(|table| !kept.contains(table))
        .collect()
}

/// Tables that the rows of the plan hold: a table that moves to another group changes the rows of both.
pub(super) fn tables_kept(workspace: &WorkspacePlan) -> BTreeSet<&String> {
    let rows = workspace.rows.iter().map(|row| &row.after);
    rows.filter(|row| !row.is_retired()).flat_map(|row| &row.tables).collect()
}
