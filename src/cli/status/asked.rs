//! What a status is asked of: groups by their names, tables by theirs or the end of one.

use std::collections::BTreeSet;

use super::super::selection::NamedGroup;
use super::super::{ExitStatus, Failure, selection};
use crate::config::{Configuration, GroupEntry, TableRef};
use crate::plan::document::Selection;
use crate::plan::status::{GroupStatus, StatusDocument};
use crate::plan::{Request, Warning};
use crate::render::clean;
use crate::text::{label_group, names_table, plain_name};

/// What was asked for; nothing: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StatusSelection {
    /// Groups that are asked for as a whole.
    groups: BTreeSet<NamedGroup>,
    /// Tables, as they were named.
    tables: Vec<String>,
    /// Groups that have one of the tables, as far as the configuration tells.
    of_tables: BTreeSet<NamedGroup>,
}

impl StatusSelection {
    /// Finds what the words name in a configuration: a group, or a table of one.
    ///
    /// # Errors
    /// A word that is neither is a mistake in the command line; the nearest name is told.
    pub(super) fn of(
        words: &[String],
        configuration: &Configuration,
    ) -> Result<StatusSelection, Failure> {
        let groups = selection::groups(configuration);
        let mut asked = StatusSelection::default();
        for word in words {
            let named: Vec<&NamedGroup> = groups.iter().filter(|it| it.is_named(word)).collect();
            if !named.is_empty() {
                asked.groups.extend(named.into_iter().cloned());
                continue;
            }
            let named = tables(configuration).filter(|(_, table)| may_be(word, table));
            let named: Vec<NamedGroup> = named.map(|(group, _)| group).collect();
            if named.is_empty() {
                let parts = plain_name(word).split('.').count();
                let ends = tables(configuration).map(|(_, table)| end(table, parts));
                // Somebody who writes a workspace is shown some.
                let label =
                    |it: &NamedGroup| label_group(word.contains('/'), &it.workspace, &it.group);
                let names = groups.iter().map(label);
                return Err(unknown(word, names.chain(ends)));
            }
            asked.tables.push(word.clone());
            asked.of_tables.extend(named);
        }
        Ok(asked)
    }

    /// Whether nothing was named.
    pub(super) fn is_everything(&self) -> bool {
        self.groups.is_empty() && self.tables.is_empty()
    }

    /// The groups that have to be looked at, of those that were selected.
    ///
    /// # Errors
    /// None is left.
    pub(super) fn selection(&self, given: &Selection) -> Result<Selection, Failure> {
        if self.is_everything() {
            return Ok(given.clone());
        }
        let request = Request { selection: given.clone(), ..Request::default() };
        let all: BTreeSet<&NamedGroup> = self.groups.iter().chain(&self.of_tables).collect();
        let left = all.into_iter().filter(|it| request.selects(&it.workspace, &it.group));
        let only: Vec<String> =
            left.map(|it| label_group(true, &it.workspace, &it.group)).collect();
        if only.is_empty() {
            let message = "--only and --exclude leave nothing of what was asked for";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        Ok(Selection { only, ..given.clone() })
    }

    /// Leaves what was asked for: groups as a whole, others with the tables that were named, and the warnings of these.
    ///
    /// # Errors
    /// A name is no table of any group.
    pub(super) fn narrow(&self, status: &mut StatusDocument) -> Result<(), Failure> {
        let groups = || status.workspaces.iter().flat_map(|workspace| &workspace.groups);
        let all: BTreeSet<String> = groups().flat_map(names).collect();
        let missing = |word: &&String| !all.iter().any(|table| names_table(word, table));
        if let Some(word) = self.tables.iter().find(missing) {
            return Err(unknown(word, all.into_iter()));
        }
        let named = |table: &str| self.tables.iter().any(|word| names_table(word, table));
        for workspace in &mut status.workspaces {
            let whole = |group: &str| self.is_whole(&workspace.name, group);
            for group in &mut workspace.groups {
                if !whole(&group.name) {
                    group.tables.retain(|table| named(&table.table.to_string()));
                    group.unprotected.retain(|table| named(table));
                }
            }
            let has = |group: &GroupStatus| {
                whole(&group.name) || !group.tables.is_empty() || !group.unprotected.is_empty()
            };
            workspace.groups.retain(has);
        }
        status.warnings.retain(|warning| {
            let of = (warning.workspace.as_ref(), warning.group.as_ref());
            let whole = match of {
                (Some(workspace), Some(group)) => self.is_whole(workspace, group),
                (None, Some(group)) => self.groups.iter().any(|it| it.group == *group),
                (_, None) => true,
            };
            whole || warning.table.as_ref().is_none_or(|table| named(table))
        });
        Ok(())
    }

    /// Whether a group of a workspace is asked for as a whole.
    fn is_whole(&self, workspace: &str, group: &str) -> bool {
        self.groups.contains(&NamedGroup::new(workspace, group))
    }

    /// Whether a table that was asked for is left out.
    pub(super) fn of_left_out(&self, status: &StatusDocument) -> bool {
        let mut groups = status.workspaces.iter().flat_map(|workspace| &workspace.groups);
        !self.is_everything() && groups.any(|group| !group.unprotected.is_empty())
    }
}

/// Leaves the workspaces of which a group is left, and the warnings of these and of their groups.
pub(super) fn leave_out_others(status: &mut StatusDocument) {
    let StatusDocument { workspaces, warnings, .. } = status;
    workspaces.retain(|workspace| !workspace.groups.is_empty());
    let named = workspaces.iter().flat_map(|workspace| {
        let groups = workspace.groups.iter().map(|group| Some(group.name.as_str()));
        groups.chain([None]).map(|group| (workspace.name.as_str(), group))
    });
    let kept: BTreeSet<(&str, Option<&str>)> = named.collect();
    warnings.retain(|warning| {
        let Warning { workspace, group, code: _, table: _, message: _ } = warning;
        workspace.as_ref().is_none_or(|workspace| kept.contains(&(workspace, group.as_deref())))
    });
}

/// The tables of all groups of a configuration that could be read, each with its group.
fn tables(configuration: &Configuration) -> impl Iterator<Item = (NamedGroup, &TableRef)> {
    let entries = configuration
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.groups.iter().map(move |entry| (&workspace.name, entry)));
    let valid = entries.filter_map(|(workspace, entry)| match entry {
        GroupEntry::Valid(group) => Some((workspace, group)),
        GroupEntry::Invalid { .. } => None,
    });
    valid.flat_map(|(workspace, group)| {
        let all = group.tables.iter().chain(group.unprotected.keys());
        all.map(|table| (NamedGroup::new(workspace, &group.name), table))
    })
}

/// Whether a word may be a table's name, of which the configuration has the end or all.
fn may_be(word: &str, table: &TableRef) -> bool {
    let table = table.parts().join(".");
    names_table(word, &table) || names_table(&table, word)
}

/// So many parts of a table's name, from its end.
fn end(table: &TableRef, parts: usize) -> String {
    let all = table.parts();
    all[all.len().saturating_sub(parts)..].join(".")
}

/// The tables of a group, synchronized or left out.
fn names(group: &GroupStatus) -> impl Iterator<Item = String> {
    let tables = group.tables.iter().map(|table| table.table.to_string());
    tables.chain(group.unprotected.iter().cloned())
}

fn unknown(word: &str, known: impl Iterator<Item = String>) -> Failure {
    let known: BTreeSet<String> = known.collect();
    let near = selection::nearest(word, known.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; nearest: {near}"));
    let message = format!("{word}: no such group, and no table of any{hint}");
    Failure::new(ExitStatus::Usage, clean(&message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TableName;
    use crate::formats::STATUS;

    /// A status of one group that leaves tables out, and a warning of another.
    fn status() -> StatusDocument {
        let region =
            || serde_json::json!({"location": "/west", "reachable": true, "ledger": "present"});
        serde_json::from_value(serde_json::json!({
            "kind": STATUS.kind, "format_version": STATUS.version, "at": "2026-11-22T11:00:00.000Z",
            "workspaces": [{
                "name": "east",
                "regions": {"primary": region(), "secondary": region()},
                "groups": [{
                    "name": "orders", "status": null, "last_cut": null, "lag_seconds": null,
                    "pending_commits": null, "pending_bytes": null, "rpo_seconds": null, "rpo": "none",
                    "protected": false, "findings": [], "decision": null, "tables": [],
                    "unprotected": ["main.shop.big1", "main.shop.big2"]
                }]
            }],
            "warnings": [
                {"code": "clock_skew", "workspace": "east", "message": "of all"},
                {"code": "rpo_at_risk", "workspace": "east", "group": "finance", "message": "of another"},
                {"code": "pin_expires_soon", "workspace": "east", "group": "orders",
                 "table": "main.shop.big2", "message": "of another table"}
            ]
        }))
        .expect("a status")
    }

    fn tables(words: &[&str]) -> StatusSelection {
        let tables = words.iter().map(|word| (*word).to_owned()).collect();
        StatusSelection { tables, ..StatusSelection::default() }
    }

    fn codes(status: &StatusDocument) -> Vec<&str> {
        status.warnings.iter().map(|warning| warning.code.as_str()).collect()
    }

    #[test]
    fn a_table_that_is_left_out_is_one_of_its_group() {
        let mut status = status();
        let asked = tables(&["big1"]);
        assert!(asked.narrow(&mut status).is_ok());
        assert_eq!(status.workspaces[0].groups[0].unprotected, ["main.shop.big1"]);
        assert!(asked.of_left_out(&status) && tables(&["big3"]).narrow(&mut status).is_err());
    }

    #[test]
    fn only_warnings_of_what_was_asked_are_told() {
        let mut of_table = status();
        tables(&["big1"]).narrow(&mut of_table).expect("it is there");
        leave_out_others(&mut of_table);
        assert_eq!(codes(&of_table), ["clock_skew"]);
        let mut of_group = status();
        let groups = BTreeSet::from([NamedGroup::new("east", "orders")]);
        StatusSelection { groups, ..StatusSelection::default() }
            .narrow(&mut of_group)
            .expect("it is there");
        leave_out_others(&mut of_group);
        assert_eq!(codes(&of_group), ["clock_skew", "pin_expires_soon"]);
    }

    #[test]
    fn of_groups_of_one_name_that_of_one_workspace_may_be_asked_for() {
        let mut status = status();
        let mut other = status.workspaces[0].clone();
        other.name = "north".to_owned();
        status.workspaces.push(other);
        let groups = BTreeSet::from([NamedGroup::new("north", "orders")]);
        let asked = StatusSelection { groups, ..StatusSelection::default() };
        asked.narrow(&mut status).expect("it is there");
        leave_out_others(&mut status);
        let left: Vec<&str> = status.workspaces.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(left, ["north"]);
        assert_eq!(codes(&status), [""; 0]);
    }

    #[test]
    fn a_table_is_named_in_full_or_by_its_end() {
        let table = TableName::new("main", "Core", "core_gold").to_string();
        for asked in ["main.core.core_gold", "CORE.core_gold", "core_gold"] {
            assert!(names_table(asked, &table), "{asked}");
        }
        assert!(!names_table("gold", &table));
        let odd = TableName::new("main", "core", "sp ace").to_string();
        for asked in ["sp ace", "core.sp ace", "main.core.`sp ace`"] {
            assert!(names_table(asked, &odd), "{asked}");
        }
    }
}
