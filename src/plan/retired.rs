//! Groups that the metadata tables know and the configuration does not. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{LastCut, Selection};
use super::observed::{Observed, WorkspaceObserved};
use super::rows;

/// A group that left the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetiredStatus {
    /// Its name.
    pub name: String,
    /// Its newest cut, which its replicas keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cut: Option<LastCut>,
    /// Its row says that it is retired; false: the next apply writes so.
    pub recorded: bool,
}

/// The groups that have a row and are not of the configuration; none where groups were asked for by their names.
pub(super) fn retired_groups(
    observed: &Observed,
    seen: &WorkspaceObserved,
    selection: &Selection,
) -> Vec<RetiredStatus> {
    if !selection.only.is_empty() {
        return Vec::new();
    }
    let named = seen.groups_by_name();
    let rows = seen.ledger.rows.values();
    rows.filter(|row| !named.contains_key(row.group_name.as_str()))
        .filter(|row| row.is_retired() || rows::leaves(observed, seen, row))
        .filter(|row| !selection.exclude.contains(&row.group_name))
        .map(|row| RetiredStatus {
            name: row.group_name.clone(),
            last_cut: seen.ledger.cuts.newest(&row.group_name).map(LastCut::of),
            recorded: row.is_retired(),
        })
        .collect()
}
