//! What an apply's record says of how groups are protected, and what of it is another than the records before say.

use std::collections::{BTreeMap, BTreeSet};

use super::Run;
use super::chain::Tips;
use crate::plan::document::{Plan, Selection, WorkspacePlan};
use crate::plan::{ComparedWith, ProtectionSettings, SettingChange, SettingsBefore, tables_left};
use crate::record::{Approval, RunRecord, SettingsChanged};

/// Puts the settings of every workspace into a record, with what changed since the records before.
///
/// Of a workspace whose records could not be read nothing is told: the next record compares with those all the same.
pub(super) fn note(run: &Run<'_>, record: &mut RunRecord, tips: &[(String, Tips)]) {
    let plan = &run.stored.plan;
    for planned in &plan.workspaces {
        let Some((_, tips)) = tips.iter().find(|(workspace, _)| *workspace == planned.name) else {
            continue;
        };
        if tips.unseen {
            continue;
        }
        let before = tips.settings.as_ref();
        let Some(settings) = settings(plan, planned, before) else {
            continue;
        };
        if let Some(SettingsBefore { of, settings: before, tables: _ }) = before {
            let (moved, now) = (&planned.moved, record.started_at);
            // Which group has another name alone was seen by the plan, which knows the tables of both.
            let renames = planned.settings_changes.iter().filter_map(SettingChange::renames);
            let renamed: BTreeMap<String, String> =
                renames.map(|(is, was)| (is.to_owned(), was.to_owned())).collect();
            let mut changes = settings.changes_since(before, moved, &renamed, now);
            let told = |change: &SettingChange| {
                record.settings_changed.iter().any(|other| other.changes.contains(change))
            };
            changes.retain(|change| !change.is_of_the_file() || !told(change));
            let left = tables_left(&planned.rows);
            changes.extend(settings.tables_left_since(before, moved, &left, &renamed, now));
            if !changes.is_empty() {
                record.settings_changed.push(SettingsChanged {
                    workspace: planned.name.clone(),
                    compared_with: of.clone(),
                    reviewed: run.options.approval != Approval::None,
                    changes,
                });
            }
        }
        record.settings.insert(planned.name.clone(), settings);
    }
}

/// The settings of a workspace from this apply on; `None`: none are known.
fn settings(
    plan: &Plan,
    planned: &WorkspacePlan,
    before: Option<&SettingsBefore>,
) -> Option<ProtectionSettings> {
    let carried = before.map(|before| before.settings.clone());
    let (Some(workspace), false) = (&planned.settings, is_older(plan, before)) else {
        return carried;
    };
    let whole = plan.selection == Selection::default() && !plan.is_incomplete();
    let mut groups = carried.map(|carried| carried.groups).unwrap_or_default();
    if whole {
        // A group that left the configuration comes back as a new one.
        let names: BTreeSet<&String> = planned.groups.iter().map(|group| &group.name).collect();
        groups.retain(|name, _| names.contains(name));
    }
    for group in &planned.groups {
        if let Some(settings) = &group.settings {
            groups.insert(group.name.clone(), settings.clone());
        }
    }
    Some(ProtectionSettings { workspace: workspace.clone(), groups })
}

/// Whether a plan was made before the settings that a record tells: a stored one that waited says nothing of those.
fn is_older(plan: &Plan, before: Option<&SettingsBefore>) -> bool {
    match before.map(|before| &before.of) {
        Some(ComparedWith::Record { run_id: _, ended_at }) => plan.created_at < *ended_at,
        Some(ComparedWith::Configuration { .. }) | None => false,
    }
}
