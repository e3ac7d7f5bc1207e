//! Groups whose replicas tell of more than their log did: the log is what was read first, and may be old by now. Pure.

use crate::plan::observed::WorkspaceObserved;
use crate::plan::replica::is_ahead_of_its_log;

/// The groups of which a replica tells of what the newest cuts, as they were read, do not.
///
/// Of a group of which another side is known to be active nothing is to be found out by that: people work there.
pub fn groups_ahead_of_their_log(seen: &WorkspaceObserved) -> Vec<String> {
    let home = &seen.workspace.name;
    let named = seen.groups.iter().filter_map(|group| Some((&group.entry.valid()?.name, group)));
    let ahead = named.filter(|(name, group)| {
        let newest = seen.ledger.cuts.newest(name);
        let epoch = newest.map_or(0, |cut| cut.epoch);
        let is_ahead = || {
            group.tables.iter().any(|table| {
                let place = seen.replica_place(Some(name), &table.name);
                let replica = table.replica();
                replica.is_some_and(|it| is_ahead_of_its_log(&place.path, it, place.entry, epoch))
            })
        };
        newest.is_none_or(|cut| !cut.is_away_from(home)) && is_ahead()
    });
    ahead.map(|(name, _)| name.clone()).collect()
}
