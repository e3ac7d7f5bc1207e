//! Puts together who may use the tables of a group at both sides, from what was seen.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{GrantsSeen, RightsSeen};
use super::observed::{GroupObserved, WorkspaceObserved};
use super::role::Role;
use crate::config::TableName;
use crate::region::TableRights;

/// The rights on the tables of a group; `None`: they were not looked at.
pub(super) fn of_group(workspace: &WorkspaceObserved, seen: &GroupObserved) -> Option<GrantsSeen> {
    let asked = seen.tables.iter().filter_map(|table| Some((&table.name, table.rights.as_ref()?)));
    let regions = [&workspace.primary, &workspace.secondary];
    let own: BTreeSet<String> = regions
        .into_iter()
        .filter_map(|region| region.presence.as_ref().ok()?.principal.as_deref())
        .map(str::to_lowercase)
        .collect();
    let others = |all: &BTreeSet<String>| -> Vec<String> {
        all.iter().filter(|who| !own.contains(&who.to_lowercase())).cloned().collect()
    };
    let (mut unseen, mut any) = (Vec::new(), false);
    let mut alike: BTreeMap<(Role, Vec<String>, Vec<String>), Vec<TableName>> = BTreeMap::new();
    for (name, rights) in asked {
        any = true;
        let [Ok(primary), Ok(secondary)] = rights else {
            unseen.push(name.clone());
            continue;
        };
        for (side, TableRights { select, modify }) in
            [(Role::Primary, primary), (Role::Secondary, secondary)]
        {
            let key = (side, others(select), others(modify));
            alike.entry(key).or_default().push(name.clone());
        }
    }
    any.then(|| GrantsSeen {
        at: workspace.primary.observed_at,
        tables: alike
            .into_iter()
            .map(|((side, select, modify), tables)| RightsSeen { side, tables, select, modify })
            .collect(),
        unseen,
    })
}
