//! What is cheap and asked for every group: the catalog, and the workflows with their runs. Pure.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{not_answered, one_each};
use crate::config::{Group, GroupEntry, TableName, TableRef, WorkflowRef, WorkspaceConfig};
use crate::plan::observed::{Answer, GroupObserved, TableObserved, WorkspaceObserved};
use crate::plan::request::Request;
use crate::region::{RegionError, RegionErrorKind, Table, Workflow};

/// Catalog and schema of short table names where neither the configuration nor the workspace says otherwise.
const DEFAULT_CATALOG: &str = "main";
const DEFAULT_SCHEMA: &str = "default";

/// What is asked of the primary before any group can be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogQuestions {
    /// Tables, each once.
    pub tables: Vec<TableName>,
    /// Workflows, each once.
    pub workflows: Vec<WorkflowRef>,
    /// Runs that ended before it tell nothing new; `None`: all are asked for.
    pub since: Option<DateTime<Utc>>,
}

/// What the primary said.
#[derive(Debug, Clone)]
pub struct CatalogAnswers {
    tables: Result<HashMap<TableName, Answer<Table>>, RegionError>,
    workflows: Result<HashMap<WorkflowRef, Answer<Workflow>>, RegionError>,
}

/// The tables and workflows of the groups that are asked for; a refusal: the primary is away, and is not asked.
///
/// # Errors
/// Why it is away may be anything; of its tables and workflows nothing is known.
pub fn catalog_questions(
    seen: &WorkspaceObserved,
    request: &Request,
) -> Result<CatalogQuestions, RegionError> {
    if let Some(error) = seen.primary.refusal() {
        return Err(RegionError { kind: RegionErrorKind::Unavailable, ..error.clone() });
    }
    let names = ShortNames::of(seen);
    let (mut tables, mut workflows) = (Vec::new(), Vec::new());
    let (mut known_tables, mut known_workflows) = (HashSet::new(), HashSet::new());
    for group in
        seen.workspace.groups.iter().filter_map(|entry| selected(&seen.workspace, entry, request))
    {
        let of_group = group.tables.iter().map(|table| names.resolve(table));
        tables.extend(of_group.filter(|table| known_tables.insert(table.clone())));
        let of_group = group.workflows.iter().filter(|it| known_workflows.insert(*it));
        workflows.extend(of_group.cloned());
    }
    Ok(CatalogQuestions { tables, workflows, since: since(seen) })
}

impl CatalogQuestions {
    /// Puts answers at what they are about.
    pub fn answered(
        self,
        tables: Result<Vec<Answer<Table>>, RegionError>,
        workflows: Result<Vec<Answer<Workflow>>, RegionError>,
    ) -> CatalogAnswers {
        let (of_tables, of_workflows) = (self.tables.len(), self.workflows.len());
        let tables = self.tables.into_iter().zip(one_each(tables, of_tables));
        let workflows = self.workflows.into_iter().zip(one_each(workflows, of_workflows));
        CatalogAnswers { tables: Ok(tables.collect()), workflows: Ok(workflows.collect()) }
    }
}

impl CatalogAnswers {
    /// The answers of a primary that is away.
    pub fn refused(refusal: RegionError) -> CatalogAnswers {
        CatalogAnswers { tables: Err(refusal.clone()), workflows: Err(refusal) }
    }

    fn table(&self, name: &TableName) -> Answer<Table> {
        let known = self.tables.as_ref().map_err(Clone::clone)?;
        known.get(name).cloned().unwrap_or_else(|| Err(not_answered(0, 1)))
    }

    fn workflow(&self, name: &WorkflowRef) -> Answer<Workflow> {
        let known = self.workflows.as_ref().map_err(Clone::clone)?;
        known.get(name).cloned().unwrap_or_else(|| Err(not_answered(0, 1)))
    }
}

/// Every group of the configuration, in its order, with what the primary says of those that are asked for.
pub fn groups_as_listed(
    seen: &WorkspaceObserved,
    request: &Request,
    answers: &CatalogAnswers,
) -> Vec<GroupObserved> {
    let names = ShortNames::of(seen);
    let groups = seen.workspace.groups.iter();
    let listed = groups.map(|entry| {
        let answers = selected(&seen.workspace, entry, request).map(|_| answers);
        group_as_listed(entry, &names, answers)
    });
    listed.collect()
}

fn group_as_listed(
    entry: &GroupEntry,
    names: &ShortNames,
    answers: Option<&CatalogAnswers>,
) -> GroupObserved {
    let mut seen = GroupObserved {
        entry: entry.clone(),
        workflows: Vec::new(),
        workflows_in_secondary: Vec::new(),
        names: Vec::new(),
        unprotected: Vec::new(),
        tables: Vec::new(),
    };
    let Some(group) = entry.valid() else {
        return seen;
    };
    seen.names = group.tables.iter().map(|table| names.resolve(table)).collect();
    let unprotected = group.unprotected.iter();
    seen.unprotected =
        unprotected.map(|(table, reason)| (names.resolve(table), reason.clone())).collect();
    let Some(answers) = answers else {
        return seen;
    };
    seen.workflows = group.workflows.iter().map(|asked| answers.workflow(asked)).collect();
    let unprotected: HashSet<&TableName> = seen.unprotected.iter().map(|(it, _)| it).collect();
    let protected = seen.names.iter().filter(|name| !unprotected.contains(name));
    seen.tables = protected.map(|name| TableObserved::listed(name, answers.table(name))).collect();
    seen
}

fn selected<'a>(
    workspace: &WorkspaceConfig,
    entry: &'a GroupEntry,
    request: &Request,
) -> Option<&'a Group> {
    entry.valid().filter(|group| request.selects(&workspace.name, &group.name))
}

/// What short table names mean.
pub(in crate::plan) struct ShortNames {
    catalog: String,
    schema: String,
}

impl WorkspaceObserved {
    /// What short names mean where a configuration has this catalog and schema for them, or none.
    pub(in crate::plan) fn short_names(
        &self,
        catalog: Option<&str>,
        schema: Option<&str>,
    ) -> ShortNames {
        let presence = self.primary.presence.as_ref().ok();
        let told = || presence.and_then(|presence| presence.default_catalog.as_deref());
        ShortNames {
            catalog: catalog.or_else(told).unwrap_or(DEFAULT_CATALOG).to_owned(),
            schema: schema.unwrap_or(DEFAULT_SCHEMA).to_owned(),
        }
    }
}

impl ShortNames {
    fn of(seen: &WorkspaceObserved) -> ShortNames {
        let configured = &seen.workspace;
        seen.short_names(
            configured.default_catalog.as_deref(),
            configured.default_schema.as_deref(),
        )
    }

    pub(in crate::plan) fn resolve(&self, table: &TableRef) -> TableName {
        table.resolve(&self.catalog, &self.schema)
    }
}

/// Runs that ended before the oldest of the newest cuts tell nothing new.
fn since(seen: &WorkspaceObserved) -> Option<DateTime<Utc>> {
    let groups = seen.workspace.groups.iter().filter_map(GroupEntry::valid);
    let groups = groups.filter(|group| !group.workflows.is_empty());
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
