//! Tables that were of another group: how they were protected there is what a change is measured by. And tables that no group has
//! any more.

use std::collections::{BTreeMap, BTreeSet};

use super::document::RowChange;
use super::observed::WorkspaceObserved;
use super::settings::Settings;
use crate::config::GroupEntry;

/// Of each group the groups whose settings were known and that tables of it were of, as the metadata table says.
///
/// A new name, or a group that is protected less, would hide otherwise whatever changes of how tables are protected.
pub(super) fn tables(
    workspace: &WorkspaceObserved,
    before: &Settings,
) -> BTreeMap<String, Vec<String>> {
    let rows = before.groups.keys().filter_map(|name| workspace.ledger.rows.get_key_value(name));
    let mut was: BTreeMap<String, &String> = BTreeMap::new();
    for (name, row) in rows {
        was.extend(row.tables.iter().map(|table| (table.to_lowercase(), name)));
    }
    let mut moved = BTreeMap::new();
    for group in &workspace.groups {
        let GroupEntry::Valid(valid) = &group.entry else {
            continue;
        };
        let of = group.names.iter().filter_map(|table| was.get(&table.to_string().to_lowercase()));
        let others: BTreeSet<&String> = of.copied().filter(|of| **of != valid.name).collect();
        if !others.is_empty() {
            moved.insert(valid.name.clone(), others.into_iter().cloned().collect());
        }
    }
    moved
}

/// Of each group the tables that its row lists, as it was, and that no row lists any more, sorted, by what an apply writes.
///
/// A table that moves to another group changes the rows of both, and one that is left out on purpose is of its group still.
pub fn tables_left(rows: &[RowChange]) -> BTreeMap<String, Vec<String>> {
    let after = rows.iter().filter(|row| !row.after.is_retired());
    let named = after.flat_map(|row| &row.after.tables);
    let named: BTreeSet<String> = named.map(|table| table.to_lowercase()).collect();
    let mut left: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for before in rows.iter().filter_map(|row| row.before.as_ref()).filter(|row| !row.is_retired())
    {
        let gone = before.tables.iter().filter(|table| !named.contains(&table.to_lowercase()));
        let mut gone: Vec<String> = gone.cloned().collect();
        gone.sort_unstable();
        if !gone.is_empty() {
            left.insert(before.group_name.clone(), gone);
        }
    }
    left
}
