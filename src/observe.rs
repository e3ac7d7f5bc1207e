//! Puts the questions to both regions, batched and in parallel, and writes the answers down.
//!
//! What is cheap is asked for every group; histories only for groups that a trigger may make due.

use chrono::{DateTime, Utc};
use futures::future::join_all;

use crate::config::{
    Configuration, GroupEntry, TableName, WorkflowRef, Workspace, WorkspaceAddress,
};
use crate::moment;
use crate::plan::document::ConfigSource;
use crate::plan::{
    Answer, GroupObserved, Observed, RegionObserved, Request, TableObserved, Watch,
    WorkspaceObserved, cut_entry, may_be_due, merge_copies, pins,
};
use crate::region::{
    ActiveRun, PinQuestion, Presence, Region, RegionError, RegionErrorKind, Regions, Replica,
    ReplicaQuestion, RunState, SourceQuestion, Workflow, WorkflowRun,
};

/// Catalog and schema of short table names where neither the configuration nor the workspace says otherwise.
const DEFAULT_CATALOG: &str = "main";
const DEFAULT_SCHEMA: &str = "default";

/// The moment of a look.
#[derive(Clone, Copy)]
struct Clock {
    now: DateTime<Utc>,
    /// It replaces every other clock.
    alone: bool,
}

/// Looks at both regions of every usable workspace (`regions` in the order of `configuration.workspaces`).
///
/// Never fails: a region's trouble is part of what was seen.
pub async fn observe(
    configuration: &Configuration,
    regions: &[Regions],
    request: &Request,
    now: DateTime<Utc>,
    clock_overridden: bool,
) -> Observed {
    let now = moment::millis(now);
    let clock = Clock {
        now,
        alone: clock_overridden,
    };
    let workspaces = configuration.workspaces.iter().zip(regions);
    Observed {
        now,
        clock_overridden,
        config: ConfigSource {
            source: configuration.source.clone(),
            sha256: configuration.sha256.clone(),
            effective_sha256: configuration.effective_sha256.clone(),
            secret_refs: secret_refs(configuration),
        },
        incomplete: configuration.incomplete,
        workspaces: join_all(
            workspaces
                .map(|(workspace, regions)| observe_workspace(workspace, regions, request, clock)),
        )
        .await,
    }
}

fn secret_refs(configuration: &Configuration) -> Vec<String> {
    let mut refs: Vec<String> = configuration
        .workspaces
        .iter()
        .flat_map(|workspace| {
            let secondary = workspace
                .secondary
                .as_ref()
                .and_then(|secondary| secondary.pat_key.as_ref());
            let keys = workspace.pat_key.iter().chain(secondary);
            keys.map(|key| {
                format!(
                    "{}/{key}",
                    workspace.secret_scope.as_deref().unwrap_or_default()
                )
            })
        })
        .collect();
    refs.sort();
    refs.dedup();
    refs
}

async fn observe_workspace(
    workspace: &Workspace,
    regions: &Regions,
    request: &Request,
    clock: Clock,
) -> WorkspaceObserved {
    let now = clock.now;
    let primary_address = Some(workspace.address.to_string());
    let secondary_address = workspace
        .secondary
        .as_ref()
        .map(|secondary| secondary.address.to_string());
    let location_secondary = workspace.location_secondary.to_string();
    let (primary, secondary) = futures::join!(
        observe_region(
            regions.primary.as_ref(),
            primary_address,
            workspace.location_primary.to_string(),
            clock
        ),
        observe_region(
            regions.secondary.as_ref(),
            secondary_address,
            location_secondary.clone(),
            clock
        ),
    );
    let primary = without_workspace(primary);
    let write_access = match primary.reachable() {
        true => Some(regions.primary.write_access(&location_secondary).await),
        false => None,
    };
    let ledger = merge_copies(&primary.copy(), &secondary.copy());
    let mut seen = WorkspaceObserved {
        workspace: workspace.clone(),
        primary,
        secondary,
        write_access,
        ledger,
        watch: Watch::default(),
        groups: Vec::new(),
    };
    (seen.groups, seen.watch) = observe_catalog(&seen, regions, request).await;
    observe_histories(&mut seen, regions, request, now).await;
    observe_pins(&mut seen, regions, request, now).await;
    seen
}

/// A primary whose workspace cannot be seen answers nothing that a plan needs: it is away, whatever its storage says.
fn without_workspace(region: RegionObserved) -> RegionObserved {
    let unseen = region
        .presence
        .as_ref()
        .ok()
        .and_then(|presence| presence.workspace_unseen.clone());
    match unseen {
        Some(why) => RegionObserved {
            presence: Err(RegionError::new(
                RegionErrorKind::Unavailable,
                "look at the workspace",
                why,
            )),
            ..region
        },
        None => region,
    }
}

async fn observe_region(
    region: &dyn Region,
    workspace: Option<String>,
    location: String,
    clock: Clock,
) -> RegionObserved {
    let presence = region.presence().await.map(|presence| Presence {
        clock: presence.clock.filter(|_| !clock.alone),
        ..presence
    });
    let ledger = match &presence {
        Ok(_) => region.ledger().await,
        Err(error) => Err(error.clone()),
    };
    RegionObserved {
        workspace,
        location,
        presence,
        ledger,
        observed_at: clock.now,
    }
}

/// Asks what is cheap: the catalog, and the workflows with their runs, in both workspaces.
async fn observe_catalog(
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
    let schema = workspace
        .default_schema
        .as_deref()
        .unwrap_or(DEFAULT_SCHEMA);
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
        tables.extend(
            group
                .tables
                .iter()
                .map(|table| table.resolve(&catalog, schema)),
        );
    }
    // Why it is away may be anything; of its tables and workflows nothing is known.
    let away = |error: &RegionError| RegionError {
        kind: RegionErrorKind::Unavailable,
        ..error.clone()
    };
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
            let names: Vec<TableName> = group
                .tables
                .iter()
                .map(|table| table.resolve(&catalog, schema))
                .collect();
            let unprotected: Vec<(TableName, String)> = group
                .unprotected
                .iter()
                .map(|(table, reason)| (table.resolve(&catalog, schema), reason.clone()))
                .collect();
            if selected(entry, request).is_none() {
                return GroupObserved {
                    names,
                    unprotected,
                    ..unseen(entry)
                };
            }
            let answers: Vec<_> = listed.by_ref().take(names.len()).collect();
            let tables = answers
                .into_iter()
                .filter(|(name, _)| unprotected.iter().all(|(other, _)| other != *name))
                .map(|(name, listed)| TableObserved {
                    name: listed
                        .as_ref()
                        .map_or_else(|_| name.clone(), |table| table.name.clone()),
                    listed,
                    source: None,
                    replica: None,
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

fn selected<'a>(entry: &'a GroupEntry, request: &Request) -> Option<&'a crate::config::Group> {
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
    let groups = seen
        .workspace
        .groups
        .iter()
        .filter_map(|entry| match entry {
            GroupEntry::Valid(group) if !group.workflows.is_empty() => Some(group),
            GroupEntry::Valid(_) | GroupEntry::Invalid { .. } => None,
        });
    let points: Vec<Option<DateTime<Utc>>> = groups
        .map(|group| {
            seen.ledger
                .cuts
                .newest(&group.name)
                .map(|cut| cut.recovery_point)
        })
        .collect();
    points
        .into_iter()
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .min()
}

/// Looks what is at work in the secondary's workspace: the same workflows, and whatever else is running.
///
/// A workflow is another job in another workspace: it goes by the name that `found` has, because ids do not carry over.
async fn watch(
    seen: &WorkspaceObserved,
    regions: &Regions,
    asked: &[WorkflowRef],
    found: &[Answer<Workflow>],
) -> (Vec<Option<Workflow>>, Watch) {
    let presence = seen.secondary.presence.as_ref();
    let watched = presence.is_ok_and(|presence| presence.workspace_unseen.is_none());
    if seen.workspace.secondary.is_none() || !watched {
        return Default::default();
    }
    let names: Vec<WorkflowRef> = asked
        .iter()
        .zip(found)
        .map(|(asked, found)| match found {
            Ok(workflow) => WorkflowRef::Name(workflow.name.clone()),
            Err(_) => asked.clone(),
        })
        .collect();
    let (answers, active) = futures::join!(
        regions.secondary.workflows(&names, None),
        regions.secondary.active_runs(),
    );
    let mut watch = Watch::default();
    match active {
        Ok(active) => watch.active = active,
        Err(error) => watch
            .unseen
            .push(format!("what runs in the secondary is not known: {error}")),
    }
    let answers = spread(answers, names.len()).into_iter().zip(&names);
    let workflows = answers.map(|(answer, name)| match (answer, name) {
        (Ok(workflow), WorkflowRef::Name(_)) => Some(workflow),
        // An id that the primary does not know names nothing here.
        (_, WorkflowRef::Id(_)) => None,
        (Err(error), WorkflowRef::Name(name)) => match error.kind {
            RegionErrorKind::NotFound => None,
            RegionErrorKind::Conflict => Some(all_of_a_name(name, &watch.active)),
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => {
                let text = format!("whether {name} runs in the secondary is not known: {error}");
                watch.unseen.push(text);
                None
            }
        },
    });
    let workflows = workflows.collect();
    (workflows, watch)
}

/// Several jobs of one name as one, with what is running of any of them.
fn all_of_a_name(name: &str, active: &[ActiveRun]) -> Workflow {
    let own = active.iter().filter(|run| run.name == name);
    let runs = own.map(|run| WorkflowRun {
        run_id: run.run_id,
        started_at: run.started_at,
        ended_at: None,
        state: RunState::Active,
    });
    Workflow {
        job_id: 0,
        name: name.to_owned(),
        schedule_active: false,
        runs: runs.collect(),
    }
}

/// The refusal of a whole question as the answer to each part of it.
fn spread<T: Clone>(answers: Result<Vec<Answer<T>>, RegionError>, asked: usize) -> Vec<Answer<T>> {
    match answers {
        Ok(answers) if answers.len() == asked => answers,
        Ok(answers) => {
            let detail = format!("{} answers to {asked} questions", answers.len());
            vec![
                Err(RegionError::new(
                    RegionErrorKind::Other,
                    "read the region's answers",
                    detail
                ));
                asked
            ]
        }
        Err(error) => vec![Err(error); asked],
    }
}

/// Asks for the histories of sources and replicas of every group that may be due.
async fn observe_histories(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    if seen.primary.refusal().is_some() {
        if seen.secondary.reachable() && request.full {
            let asked = replicas_of(seen, |_| true);
            let answers = regions.secondary.replicas(&asked.questions).await;
            note_replicas(seen, asked.places, answers);
        }
        return;
    }
    let chosen: Vec<bool> = seen
        .groups
        .iter()
        .map(|group| group.entry.name().is_some_and(|name| request.selects(name)))
        .collect();
    let due: Vec<bool> = seen
        .groups
        .iter()
        .zip(&chosen)
        .map(|(group, chosen)| *chosen && (request.full || may_be_due(seen, group, now, request)))
        .collect();
    look_at(seen, regions, &due).await;
    if a_replica_is_missing(seen) {
        // Where one is gone others may be: how many decides whether that is a repair.
        let rest = chosen.iter().zip(&due);
        let rest: Vec<bool> = rest.map(|(chosen, due)| *chosen && !due).collect();
        look_at(seen, regions, &rest).await;
    }
}

/// Asks for the histories of these groups' sources and replicas.
async fn look_at(seen: &mut WorkspaceObserved, regions: &Regions, asked: &[bool]) {
    let sources = sources_of(seen, |group| asked[group]);
    let replicas = match seen.secondary.reachable() {
        true => replicas_of(seen, |group| asked[group]),
        false => Asked::default(),
    };
    let (answers, found) = futures::join!(
        regions.primary.sources(&sources.questions),
        regions.secondary.replicas(&replicas.questions),
    );
    for ((group, table), answer) in sources.places.into_iter().zip(answers) {
        seen.groups[group].tables[table].source = Some(answer);
    }
    note_replicas(seen, replicas.places, found);
}

/// Whether a replica that a cut names is not where it should be.
fn a_replica_is_missing(seen: &WorkspaceObserved) -> bool {
    let mut tables = seen.groups.iter().flat_map(|group| &group.tables);
    tables.any(|table| {
        matches!(table.replica, Some(Ok(None))) && cut_entry(seen, &table.name).is_some()
    })
}

/// Questions about tables, and whose they are: group and table by number.
struct Asked<Q> {
    places: Vec<(usize, usize)>,
    questions: Vec<Q>,
}

impl<Q> Default for Asked<Q> {
    fn default() -> Self {
        Asked {
            places: Vec::new(),
            questions: Vec::new(),
        }
    }
}

fn sources_of(seen: &WorkspaceObserved, asked: impl Fn(usize) -> bool) -> Asked<SourceQuestion> {
    let mut all = Asked::default();
    for (group, _) in seen
        .groups
        .iter()
        .enumerate()
        .filter(|(place, _)| asked(*place))
    {
        for (table, observed) in seen.groups[group].tables.iter().enumerate() {
            let Ok(listed) = &observed.listed else {
                continue;
            };
            if listed.unsupported.is_some() || listed.denied.is_some() {
                continue;
            }
            let own = seen.groups[group]
                .entry
                .name()
                .and_then(|name| seen.ledger.cuts.newest(name));
            let own = own
                .and_then(|cut| cut.table(&observed.name))
                .map(|entry| entry.source_version);
            let any = cut_entry(seen, &observed.name).map(|entry| entry.source_version);
            // A table that joined a group needs its whole history: the group's point may be older than its last cut.
            let from_version = own.map(|own| own.min(any.unwrap_or(own)));
            all.places.push((group, table));
            all.questions.push(SourceQuestion {
                table: listed.clone(),
                from_version,
            });
        }
    }
    all
}

fn replicas_of(seen: &WorkspaceObserved, asked: impl Fn(usize) -> bool) -> Asked<ReplicaQuestion> {
    let mut all = Asked::default();
    for (group, observed) in seen
        .groups
        .iter()
        .enumerate()
        .filter(|(place, _)| asked(*place))
    {
        for (table, observed) in observed.tables.iter().enumerate() {
            all.places.push((group, table));
            all.questions.push(ReplicaQuestion {
                path: observed.name.path(),
                since_version: cut_entry(seen, &observed.name).map(|entry| entry.replica_version),
            });
        }
    }
    all
}

fn note_replicas(
    seen: &mut WorkspaceObserved,
    places: Vec<(usize, usize)>,
    answers: Vec<Answer<Option<Replica>>>,
) {
    for ((group, table), answer) in places.into_iter().zip(answers) {
        seen.groups[group].tables[table].replica = Some(answer);
    }
}

/// Asks how the tables look at the versions that the plan will pin.
async fn observe_pins(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    let mut places = Vec::new();
    let mut questions = Vec::new();
    for (group, observed) in seen.groups.iter().enumerate() {
        let versions = pins(seen, observed, now, request);
        for (table, version) in versions.into_iter().enumerate() {
            let observed = &observed.tables[table];
            let (Ok(listed), Some(version)) = (&observed.listed, version) else {
                continue;
            };
            places.push((group, table));
            questions.push(PinQuestion {
                table: listed.clone(),
                version,
                newest: observed.newest() == Some(version),
                replica_location: seen
                    .workspace
                    .location_secondary
                    .join(&observed.name.path()),
                replica_version: observed.replica().map(|replica| replica.version),
            });
        }
    }
    let answers = regions.primary.pins(&questions).await;
    for ((group, table), answer) in places.into_iter().zip(answers) {
        seen.groups[group].tables[table].pin = Some(answer);
    }
}

/// Whether a workspace is an embedded lakehouse, whose clock may be replaced.
pub fn is_lakehouse(workspace: &Workspace) -> bool {
    matches!(workspace.address, WorkspaceAddress::Lakehouse(_))
}
