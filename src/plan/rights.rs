//! Puts together who may use the tables of a group at both sides, from what was seen. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{GrantsSeen, RightsSeen};
use super::observed::{Answer, GroupObserved, WorkspaceObserved};
use super::role::Role;
use crate::config::TableName;
use crate::region::{RegionErrorKind, TableRights};

/// The rights on the tables of a group; `None`: they were not looked at, or no catalog of the secondary has its replicas, so that it is for the storage to say.
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
    let lies_in_files = |rights: &[Answer<TableRights>; 2]| {
        let [_, there] = rights;
        workspace.keeps_replicas_in_files()
            && there.as_ref().is_err_and(|error| error.kind == RegionErrorKind::NotFound)
    };
    for (name, rights) in asked.filter(|(_, rights)| !lies_in_files(rights)) {
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
