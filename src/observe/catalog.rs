//! What is cheap and asked for every group: the catalog, and the workflows with their runs, in both workspaces.

use chrono::{DateTime, Utc};

use super::spread;
use super::watch::watch;
use crate::config::{Group, GroupEntry, TableName, WorkflowRef};
use crate::plan::{GroupObserved, Request, TableObserved, Watch, WorkspaceObserved};
use crate::region::{RegionError, RegionErrorKind, Regions};

/// Catalog and schema of short table names where neither the configuration nor the workspace says otherwise.
const DEFAULT_CATALOG: &str = "main";
const DEFAULT_SCHEMA: &str = "default";

/// Asks what is cheap: the catalog, and the workflows with their runs, in both workspaces.
pub(super) async fn observe_catalog(
    seen: &WorkspaceObserved,
    regions: &Regions,
    request: &Request,
) -> (Vec<GroupObserved>, Watch) {
    let workspace = &seen.workspace;
    let presence = seen.primary.presence.as_ref().ok();
    let catalog = workspace
        .default_catalog
        .clone()
        .or_else(|| presence.and_then(|presence| presence.default_catalog.clone()))
        .unwrap_or_else(|| DEFAULT_CATALOG.to_owned());
    let schema = workspace.default_schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
    let entries: Vec<&GroupEntry> = workspace.groups.iter().collect();

    let mut workflows: Vec<WorkflowRef> = Vec::new();
    let mut tables: Vec<TableName> = Vec::new();
    for group in entries.iter().filter_map(|entry| selected(entry, request)) {
        workflows.extend(
            group
                .workflows
                .iter()
                .filter(|asked| !workflows.contains(asked))
                .cloned()
                .collect::<Vec<_>>(),
        );
        tables.extend(group.tables.iter().map(|table| table.resolve(&catalog, schema)));
    }
    // Why it is away may be anything; of its tables and workflows nothing is known.
    let away =
        |error: &RegionError| RegionError { kind: RegionErrorKind::Unavailable, ..error.clone() };
    let (listed, found, (found_in_secondary, watch)) = match seen.primary.refusal().map(away) {
        Some(error) => (
            vec![Err(error.clone()); tables.len()],
            vec![Err(error); workflows.len()],
            Default::default(),
        ),
        None => {
            let since = since(seen);
            let both = async {
                let found = regions.primary.workflows(&workflows, since).await;
                let found = spread(found, workflows.len());
                let there = watch(seen, regions, &workflows, &found).await;
                (found, there)
            };
            let (listed, (found, there)) = futures::join!(regions.primary.tables(&tables), both);
            (spread(listed, tables.len()), found, there)
        }
    };
    let mut listed = tables.iter().zip(listed);

    let groups = entries
        .iter()
        .map(|entry| {
            let GroupEntry::Valid(group) = entry else {
                return unseen(entry);
            };
            let names: Vec<TableName> =
                group.tables.iter().map(|table| table.resolve(&catalog, schema)).collect();
            let unprotected: Vec<(TableName, String)> = group
                .unprotected
                .iter()
                .map(|(table, reason)| (table.resolve(&catalog, schema), reason.clone()))
                .collect();
            if selected(entry, request).is_none() {
                return GroupObserved { names, unprotected, ..unseen(entry) };
            }
            let answers: Vec<_> = listed.by_ref().take(names.len()).collect();
            let tables = answers
                .into_iter()
                .filter(|(name, _)| unprotected.iter().all(|(other, _)| other != *name))
                .map(|(name, listed)| TableObserved {
                    name: listed.as_ref().map_or_else(|_| name.clone(), |table| table.name.clone()),
                    listed,
                    source: None,
                    came: None,
                    rights: None,
                    replica: None,
                    registered: false,
                    pin: None,
                })
                .collect();
            let place = |asked: &WorkflowRef| workflows.iter().position(|other| other == asked);
            let places: Vec<usize> = group.workflows.iter().filter_map(place).collect();
            GroupObserved {
                entry: (*entry).clone(),
                workflows: places.iter().map(|place| found[*place].clone()).collect(),
                workflows_in_secondary: places
                    .iter()
                    .filter_map(|place| found_in_secondary.get(*place)?.clone())
                    .collect(),
                names,
                unprotected,
                tables,
            }
        })
        .collect();
    (groups, watch)
}

fn selected<'a>(entry: &'a GroupEntry, request: &Request) -> Option<&'a Group> {
    match entry {
        GroupEntry::Valid(group) if request.selects(&group.name) => Some(group),
        GroupEntry::Valid(_) | GroupEntry::Invalid { .. } => None,
    }
}

fn unseen(entry: &GroupEntry) -> GroupObserved {
    GroupObserved {
        entry: entry.clone(),
        workflows: Vec::new(),
        workflows_in_secondary: Vec::new(),
        names: Vec::new(),
        unprotected: Vec::new(),
        tables: Vec::new(),
    }
}

/// Runs that ended before the oldest of the newest cuts tell nothing new.
fn since(seen: &WorkspaceObserved) -> Option<DateTime<Utc>> {
    let groups = seen.workspace.groups.iter().filter_map(|entry| match entry {
        GroupEntry::Valid(group) if !group.workflows.is_empty() => Some(group),
        GroupEntry::Valid(_) | GroupEntry::Invalid { .. } => None,
    });
    let points: Vec<Option<DateTime<Utc>>> = groups
        .map(|group| {
            seen.ledger
                .cuts
                .newest(&group.name)
                .map(|cut| cut.recovery_point)
                // A cut of a moment yet to come was made by a wrong clock.
                .filter(|point| *point <= seen.primary.observed_at)
        })
        .collect();
    points.into_iter().collect::<Option<Vec<_>>>()?.into_iter().min()
}
