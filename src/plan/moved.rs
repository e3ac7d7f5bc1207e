//! Tables that were of another group: how they were protected there is what a change is measured by.

use std::collections::{BTreeMap, BTreeSet};

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
