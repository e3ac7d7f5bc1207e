//! Where a table's replica lies: the one answer that observation, plan, status and apply go by. Pure.

use crate::config::{LocationAddress, TableName};
use crate::ledger::{CutTableEntry, Cuts};

/// Where a table's replica lies, and what is known of it there.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaPlace<'a> {
    /// Its path under the secondary's sync location.
    pub path: String,
    /// The sync location and the path.
    pub location: String,
    /// What the newest cut says of it, of its own group where that names it; `None`: no cut names a replica there.
    pub entry: Option<&'a CutTableEntry>,
}

/// Where a table's replica lies under a sync location: where the newest cut has it there, in whatever letter case the table's
/// name was spelled then; else where the name as it is spelled now says.
///
/// A name is the same table in any letter case, so a change of case only moves no replica.
pub fn place_of<'a>(
    cuts: &'a Cuts,
    root: &str,
    group: Option<&str>,
    table: &TableName,
) -> ReplicaPlace<'a> {
    let root = root.trim_end_matches('/');
    let entry = cuts.newest_entry(group, table, |entry| {
        path_under(root, table, &entry.replica_location).is_some()
    });
    // It was looked at already whether that is a path of the table.
    let kept = entry.and_then(|entry| LocationAddress::path_below(root, &entry.replica_location));
    let path = kept.map_or_else(|| table.path(), str::to_owned);
    ReplicaPlace { location: format!("{root}/{path}"), path, entry }
}

/// The path of a location under a sync location, where it is one for a replica of the table.
pub fn path_under<'l>(root: &str, table: &TableName, location: &'l str) -> Option<&'l str> {
    let path = LocationAddress::path_below(root, location)?;
    table.has_path(path).then_some(path)
}
