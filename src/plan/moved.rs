//! Tables that were of another group: how they were protected there is what a change is measured by. And tables that no group has
//! any more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::before::TablesBefore;
use super::document::RowChange;
use super::observed::WorkspaceObserved;
use super::protection::SettingsBefore;
use super::settings::ProtectionSettings;
use crate::config::GroupEntry;

/// Of each group the groups whose settings were known and that tables of it were of, as the configuration of then says, or else the
/// metadata table.
///
/// A new name, or a group that is protected less, would hide otherwise whatever changes of how tables are protected.
pub(super) fn tables(
    workspace: &WorkspaceObserved,
    before: &SettingsBefore,
) -> BTreeMap<String, Vec<String>> {
    let mut was: BTreeMap<String, &String> = BTreeMap::new();
    for name in before.settings.groups.keys() {
        was.extend(tables_before(workspace, before, name).into_iter().map(|table| (table, name)));
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

/// Of each group that is called otherwise now what it was called before: the one name is of no group any more, the other was of none,
/// and they have the same workflows and at least half of the tables. Where that is so of several, none is the other.
pub(super) fn renamed(
    workspace: &WorkspaceObserved,
    before: &SettingsBefore,
    now: &ProtectionSettings,
) -> BTreeMap<String, String> {
    let mut pairs: Vec<(&String, &String)> = Vec::new();
    for (was, then) in
        before.settings.groups.iter().filter(|(was, _)| !now.groups.contains_key(*was))
    {
        let tables = tables_before(workspace, before, was);
        for group in &workspace.groups {
            let GroupEntry::Valid(valid) = &group.entry else {
                continue;
            };
            let is_new = !before.settings.groups.contains_key(&valid.name);
            let Some(settings) = now.groups.get(&valid.name).filter(|_| is_new) else {
                continue;
            };
            let has = |table: &&String| {
                group.names.iter().any(|name| name.to_string().to_lowercase() == **table)
            };
            let same = tables.iter().filter(has).count();
            if same > 0 && 2 * same >= tables.len() && settings.has_the_workflows_of(then) {
                pairs.push((&valid.name, was));
            }
        }
    }
    let alone = |(is, was): &&(&String, &String)| {
        pairs.iter().filter(|(other, before)| other == is || before == was).count() == 1
    };
    pairs.iter().filter(alone).map(|(is, was)| ((*is).clone(), (*was).clone())).collect()
}

/// The tables of a group before, in lower case.
fn tables_before(
    workspace: &WorkspaceObserved,
    before: &SettingsBefore,
    group: &str,
) -> Vec<String> {
    let tables = match &before.tables {
        Some(tables) => tables_then(workspace, tables, group),
        None => workspace.ledger.rows.get(group).map_or(vec![], |row| row.tables.clone()),
    };
    tables.into_iter().map(|table| table.to_lowercase()).collect()
}

/// The tables of a group as another configuration means them.
fn tables_then(workspace: &WorkspaceObserved, tables: &TablesBefore, group: &str) -> Vec<String> {
    let TablesBefore { catalog, schema, groups } = tables;
    let names = workspace.short_names(catalog.as_deref(), schema.as_deref());
    let tables = groups.get(group).into_iter().flatten();
    tables.map(|table| names.resolve(table).to_string()).collect()
}

/// Of each group of another configuration the tables that no group has any more, sorted: what of an entry could not be understood has
/// not left.
pub(super) fn left_since(
    workspace: &WorkspaceObserved,
    before: &TablesBefore,
) -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for group in &workspace.groups {
        named.extend(group.names.iter().map(|table| table.to_string().to_lowercase()));
        if let GroupEntry::Invalid { name: Some(name), .. } = &group.entry {
            let stays = tables_then(workspace, before, name).into_iter();
            named.extend(stays.map(|table| table.to_lowercase()));
        }
    }
    let left = before.groups.keys().map(|group| {
        let mut gone = tables_then(workspace, before, group);
        gone.retain(|table| !named.contains(&table.to_lowercase()));
        gone.sort_unstable();
        (group.clone(), gone)
    });
    left.filter(|(_, gone)| !gone.is_empty()).collect()
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

/// The tables that rows list as an apply writes them, and that none of them listed before.
pub fn tables_come(rows: &[RowChange]) -> Vec<String> {
    let before = rows.iter().filter_map(|row| row.before.as_ref()).filter(|row| !row.is_retired());
    let named: BTreeSet<String> =
        before.flat_map(|row| &row.tables).map(|table| table.to_lowercase()).collect();
    let after = rows.iter().filter(|row| !row.after.is_retired()).flat_map(|row| &row.after.tables);
    after.filter(|table| !named.contains(&table.to_lowercase())).cloned().collect()
}
