//! What of the settings of a workspace is another than before; whether there was anything to compare them with, and what tells of
//! protection before where there was not. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::before::OwnPlaces;
use super::document::RowChange;
use super::moved;
use super::observed::{Observed, RecordsSeen, WorkspaceObserved};
use super::protection::{SettingChange, SettingsBefore};
use super::request::{Base, Request};
use super::settings::ProtectionSettings;
use super::uncompared::{NotCompared, NotComparedWhy, ProtectedBefore};

/// The settings of a workspace beside those before.
pub(super) struct Comparison<'a> {
    now: DateTime<Utc>,
    /// Those now.
    pub(super) settings: ProtectionSettings,
    /// Those before, and beside them those now with the groups of which nothing is known now.
    both: Option<(&'a ProtectionSettings, ProtectionSettings)>,
    /// Of each group those that tables of it were of before.
    pub(super) moved: BTreeMap<String, Vec<String>>,
    /// Of each group that is called otherwise now what it was called.
    renamed: BTreeMap<String, String>,
    /// Of each group the tables that no group has any more; `None`: only the rows of the metadata tables tell.
    left: Option<BTreeMap<String, Vec<String>>>,
    /// The groups that have an entry in the configuration.
    entries: BTreeSet<&'a str>,
}

impl<'a> Comparison<'a> {
    /// Holds the settings of a workspace beside those before, if there are any.
    pub(super) fn of(
        observed: &Observed,
        workspace: &'a WorkspaceObserved,
        request: &Request,
    ) -> Comparison<'a> {
        let names = observed.workspaces.iter().map(|it| it.workspace.name.as_str());
        let names: Vec<&str> = names.collect();
        // A workspace that could not be understood has not left.
        let names = Some(names.as_slice()).filter(|_| !observed.incomplete);
        let settings =
            ProtectionSettings::of(&workspace.workspace, request.signers.as_ref(), names);
        let before = workspace.settings_before.as_ref();
        let part = observed.incomplete || workspace.workspace.incomplete;
        let entries: BTreeSet<&str> =
            workspace.groups.iter().filter_map(|group| group.entry.name()).collect();
        // Of a group with a mistake nothing is known, and it has not left for that.
        let stays = |group: &str| part || entries.contains(group);
        let left = before.and_then(|it| it.tables.as_ref()).map(|tables| {
            if part { BTreeMap::new() } else { moved::left_since(workspace, tables) }
        });
        let both = before.map(|SettingsBefore { of: _, settings: before, tables: _ }| {
            (before, settings.clone().carrying(before, stays))
        });
        let renamed = before.zip(both.as_ref());
        let renamed = renamed.map(|(before, (_, now))| moved::renamed(workspace, before, now));
        Comparison {
            now: observed.now,
            moved: before.map(|it| moved::tables(workspace, it)).unwrap_or_default(),
            renamed: renamed.unwrap_or_default(),
            settings,
            both,
            left,
            entries,
        }
    }

    /// What is another now, of the workspace and of its groups.
    pub(super) fn changes(&self) -> Vec<SettingChange> {
        let changes = self
            .both
            .as_ref()
            .map(|(before, now)| now.changes_since(before, &self.moved, &self.renamed, self.now));
        changes.unwrap_or_default()
    }

    /// The groups that changes tell of, and those that tables left.
    pub(super) fn groups_told<'b>(&'b self, changes: &'b [SettingChange]) -> BTreeSet<&'b String> {
        let of_changes = changes.iter().filter_map(|change| change.group.as_ref());
        of_changes.chain(self.left.iter().flat_map(BTreeMap::keys)).collect()
    }

    /// Whether the configuration has an entry of a group, even one that could not be understood.
    pub(super) fn has_entry_of(&self, group: &str) -> bool {
        self.entries.contains(group)
    }

    /// What follows from tables that no group has any more, of the groups that are told of.
    pub(super) fn changes_by_tables_that_left(
        &self,
        rows: &[RowChange],
        is_told: impl Fn(&String) -> bool,
    ) -> Vec<SettingChange> {
        let left = match &self.left {
            Some(left) => {
                let told = left.iter().filter(|(group, _)| is_told(group));
                told.map(|(group, tables)| (group.clone(), tables.clone())).collect()
            }
            None => moved::tables_left(rows),
        };
        let changes = self.both.as_ref().map(|(before, now)| {
            now.tables_left_since(before, &self.moved, &left, &self.renamed, self.now)
        });
        changes.unwrap_or_default()
    }
}

/// Why the settings of a workspace are compared with nothing; `None`: they are compared, or nobody looked for any.
pub(super) fn not_compared(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    request: &Request,
) -> Option<NotCompared> {
    if workspace.settings_before.is_some() {
        return None;
    }
    if let Some(base) = &request.base {
        let others = workspaces_that_left(observed, base);
        let signs =
            (!others.is_empty()).then_some(ProtectedBefore::OtherWorkspaces { workspaces: others });
        return Some(NotCompared {
            why: NotComparedWhy::NotInBase,
            looked_in: vec![base.of.source().to_owned()],
            signs: signs.into_iter().collect(),
        });
    }
    let RecordsSeen { found, unseen } = workspace.records?;
    let why = match (found, unseen) {
        (_, true) => NotComparedWhy::NotSeen,
        (0, false) => NotComparedWhy::NoRecord,
        (_, false) => NotComparedWhy::NoneTells,
    };
    let regions = [&workspace.primary, &workspace.secondary];
    Some(NotCompared {
        why,
        looked_in: regions.map(|region| region.location.clone()).to_vec(),
        signs: signs(workspace, found, !request.record_keys.is_empty()),
    })
}

fn signs(workspace: &WorkspaceObserved, records: usize, unsigned: bool) -> Vec<ProtectedBefore> {
    let groups = workspace.ledger.cuts.newest_of_each().count();
    let tables = workspace.groups.iter().flat_map(|group| {
        let name = group.entry.name();
        group.tables.iter().filter(move |table| {
            let mark = table.replica().and_then(|replica| replica.mark.as_ref());
            mark.is_some_and(|mark| mark.replica == workspace.replica_place(name, &table.name).path)
        })
    });
    let tables = tables.count();
    let here = workspace.record_here.as_ref().map(|here| ProtectedBefore::KeptHere {
        run_id: here.run_id.clone(),
        ended_at: here.ended_at,
        replicas: here.replicas.clone(),
    });
    let all = [
        (records > 0).then_some(ProtectedBefore::Records { records, unsigned }),
        (groups > 0).then_some(ProtectedBefore::Cuts { groups }),
        // Those that cuts name are told by the cuts.
        (tables > 0 && groups == 0).then_some(ProtectedBefore::Replicas { tables }),
        here,
    ];
    all.into_iter().flatten().collect()
}

/// Workspaces of another configuration with which none of this one is compared.
fn workspaces_that_left(observed: &Observed, base: &Base) -> Vec<String> {
    if observed.incomplete {
        return Vec::new();
    }
    let compared = observed.workspaces.iter().filter_map(|seen| {
        let places = OwnPlaces::of(&seen.workspace);
        let (name, _) =
            ProtectionSettings::among(&base.settings, &places.whose(&seen.workspace.name))?;
        Some(name.to_owned())
    });
    let compared: Vec<String> = compared.collect();
    base.settings.keys().filter(|name| !compared.contains(name)).cloned().collect()
}
