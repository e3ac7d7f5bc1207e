//! What is asked of the histories of sources and replicas. Pure.

use super::{GroupLook, Looks, Questions, TableQuestions};
use crate::config::LocationAddress;
use crate::ledger::CutTableEntry;
use crate::plan::checks::obstacles;
use crate::plan::observed::{GroupObserved, TableObserved, WorkspaceObserved};
use crate::region::{
    NamedCommit, RegionError, RegionErrorKind, ReplicaQuestion, SinceQuestion, SourceQuestion,
    Table,
};

/// What is asked of each group as deeply as it is looked at.
///
/// What somebody wrote to a replica is no less a change because its group is not due: a group of which a replica is no longer as its
/// newest cut left it is looked at wholly, and so is one of which a source no longer has the commit that the cut names. Where one is gone others may be, and how many decides whether that is a repair: then
/// every group is.
pub(super) fn questions(seen: &WorkspaceObserved, looks: &Looks) -> Questions {
    let mut asked = Questions::default();
    let missing = a_replica_is_missing(seen);
    for group in &seen.groups {
        let Some((name, look)) = group.entry.name().and_then(|name| Some((name, looks.at(name)?)))
        else {
            continue;
        };
        let left = has_a_replica_left_its_cut(group) || is_a_source_another(group);
        if look == GroupLook::Whole || missing || left {
            ask_for_sources(&mut asked.sources, seen, group, name);
            ask_for_replicas(&mut asked.replicas, seen, group, name);
            continue;
        }
        if look == GroupLook::Heads {
            ask_what_came(&mut asked.came, seen, group, name);
        }
        ask_whether_it_stands(&mut asked.stand, seen, group, name, look);
    }
    asked
}

/// Why it cannot be told is told by a look at it.
fn has_a_replica_left_its_cut(group: &GroupObserved) -> bool {
    group.tables.iter().any(|table| matches!(table.stands, Some(Ok(false) | Err(_))))
}

/// Whether a source is another table than the cut names, was put back, or does not go on from it: what it is, its history tells.
fn is_a_source_another(group: &GroupObserved) -> bool {
    let conflict = |refused: &RegionError| refused.kind == RegionErrorKind::Conflict;
    let came = |table: &TableObserved| matches!(&table.came, Some(Err(it)) if conflict(it));
    group.tables.iter().any(came)
}

/// Whether a replica that a cut names is not where it should be.
fn a_replica_is_missing(seen: &WorkspaceObserved) -> bool {
    seen.groups.iter().any(|group| {
        let missing = |table: &TableObserved| {
            let place = || seen.replica_place(group.entry.name(), &table.name);
            matches!(table.replica, Some(Ok(None))) && place().entry.is_some()
        };
        group.tables.iter().any(missing)
    })
}

/// Tables of a group whose histories can be read, as the catalog lists them.
fn readable(group: &GroupObserved) -> impl Iterator<Item = (&TableObserved, &Table)> {
    let listed = group.tables.iter().filter_map(|table| Some((table, table.listed.as_ref().ok()?)));
    listed.filter(|(_, listed)| obstacles(listed).next().is_none())
}

fn ask_for_sources(
    asked: &mut TableQuestions<SourceQuestion>,
    seen: &WorkspaceObserved,
    group: &GroupObserved,
    name: &str,
) {
    for (table, listed) in readable(group).filter(|(table, _)| table.source.is_none()) {
        let own = seen.ledger.cuts.entry_of(name, &table.name).map(|entry| entry.source_version);
        let any =
            || seen.replica_place(Some(name), &table.name).entry.map(|entry| entry.source_version);
        // A table that joined a group needs its whole history: the group's point may be older than its last cut.
        let from_version = own.map(|own| own.min(any().unwrap_or(own)));
        asked.ask(name, &table.name, SourceQuestion { table: listed.clone(), from_version });
    }
}

/// What came to each table since the group's newest cut.
fn ask_what_came(
    asked: &mut TableQuestions<SinceQuestion>,
    seen: &WorkspaceObserved,
    group: &GroupObserved,
    name: &str,
) {
    // Whatever is asked of a group is asked at once.
    if group.tables.iter().any(|table| table.came.is_some()) {
        return;
    }
    for (table, listed) in readable(group) {
        let entry = seen.ledger.cuts.entry_of(name, &table.name);
        let from_version = entry.map(|entry| entry.source_version);
        let named = entry.map(|entry| NamedCommit {
            table_id: entry.source_table_id.clone(),
            committed_at: entry.source_committed_at,
            sha256: entry.source_commit_sha256.clone(),
        });
        let source = SourceQuestion { table: listed.clone(), from_version };
        asked.ask(name, &table.name, SinceQuestion { source, named });
    }
}

fn ask_for_replicas(
    asked: &mut TableQuestions<ReplicaQuestion>,
    seen: &WorkspaceObserved,
    group: &GroupObserved,
    name: &str,
) {
    if !seen.secondary.reachable() {
        return;
    }
    for table in group.tables.iter().filter(|table| table.replica.is_none()) {
        let place = seen.replica_place(Some(name), &table.name);
        asked.ask(name, &table.name, replica_question(place.path, place.entry));
    }
}

/// Asks of replicas that a cut names whether they are as that left them; for a sign of the first alone.
fn ask_whether_it_stands(
    asked: &mut TableQuestions<ReplicaQuestion>,
    seen: &WorkspaceObserved,
    group: &GroupObserved,
    name: &str,
    look: GroupLook,
) {
    // This, too.
    let asked_before = group.tables.iter().any(|table| table.stands.is_some());
    if asked_before || !seen.secondary.reachable() {
        return;
    }
    let in_cuts = group.tables.iter().filter_map(|table| {
        let place = seen.replica_place(Some(name), &table.name);
        place.entry.is_some().then_some((table, place))
    });
    let most = if look == GroupLook::Sign { 1 } else { usize::MAX };
    for (table, place) in in_cuts.take(most) {
        asked.ask(name, &table.name, replica_question(place.path, place.entry));
    }
}

/// Asks for a replica's history since what the newest cut that names it says of it: planning and apply ask the same, so that
/// both read the same commits.
pub(super) fn replica_question(path: String, entry: Option<&CutTableEntry>) -> ReplicaQuestion {
    ReplicaQuestion { path, since_version: entry.map(|entry| entry.replica_version) }
}

/// Asks for a replica where a cut has it, since what that cut says of it; `None`: it lies elsewhere than under `root`.
pub fn ask_of_entry(root: &str, entry: &CutTableEntry) -> Option<ReplicaQuestion> {
    let path = LocationAddress::path_below(root, &entry.replica_location)?;
    Some(replica_question(path.to_owned(), Some(entry)))
}
