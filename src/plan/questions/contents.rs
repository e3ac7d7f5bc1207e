//! What is asked of replicas that were looked at: what their files hold, and whether they have a name. Pure.

use super::TableQuestions;
use crate::config::TableName;
use crate::plan::observed::{GroupObserved, TableObserved, WorkspaceObserved};
use crate::plan::replica::{is_drifted, unproved_clone};
use crate::region::{ContentQuestion, NamedContent};

/// Asks what the files of replicas hold, where that was asked for (`read`), and whether clones for which no cut vouches are what
/// they say.
pub(super) fn contents(seen: &WorkspaceObserved, read: bool) -> TableQuestions<ContentQuestion> {
    let mut asked = TableQuestions::default();
    for (name, table) in tables(seen).filter(|(_, table)| !table.looked_into) {
        let Some(replica) = table.replica() else {
            continue;
        };
        let place = seen.replica_place(Some(name), &table.name);
        let unproved = unproved_clone(&place.path, replica, place.entry, read);
        if !read && unproved.is_none() {
            continue;
        }
        let entry = place.entry.filter(|entry| replica.version >= entry.replica_version);
        let marked = replica.mark.as_ref().map(|mark| mark.source_version);
        let named = entry.and_then(|entry| {
            Some(NamedContent {
                version: entry.replica_version,
                sha256: entry.replica_content_sha256.clone()?,
            })
        });
        let question = ContentQuestion {
            path: place.path,
            version: replica.version,
            read,
            source: table.listed.as_ref().ok().cloned(),
            source_version: unproved.map(|it| it.source_version).or(marked),
            named,
            unproved: unproved.map(|it| it.clone),
        };
        asked.ask(name, &table.name, question);
    }
    asked
}

/// Asks of replicas to which others wrote whether they have a name in the secondary: what is to be done there is said by it.
pub(super) fn registered(seen: &WorkspaceObserved) -> TableQuestions<(TableName, String)> {
    let mut asked = TableQuestions::default();
    for (name, table) in tables(seen).filter(|(_, table)| table.registered.is_none()) {
        let Some(replica) = table.replica() else {
            continue;
        };
        let place = seen.replica_place(Some(name), &table.name);
        if is_drifted(&place.path, replica, place.entry) {
            asked.ask(name, &table.name, (table.name.clone(), place.location));
        }
    }
    asked
}

fn tables(seen: &WorkspaceObserved) -> impl Iterator<Item = (&str, &TableObserved)> {
    let named = |group| Some((GroupObserved::valid(group)?, group));
    let groups = seen.groups.iter().filter_map(named);
    groups.flat_map(|(valid, group)| {
        group.tables.iter().map(move |table| (valid.name.as_str(), table))
    })
}
