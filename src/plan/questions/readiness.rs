//! What is asked to know whether groups could be failed over: who may use their tables at both sides, whether anything runs SQL in
//! the secondary, and whether people would still be told. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Questions, TableQuestions};
use crate::config::{Notifications, TableName};
use crate::plan::observed::WorkspaceObserved;
use crate::plan::request::Request;

/// A look at rights is repeated after this; each table costs a question at both sides.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// Which secrets are looked for in the scopes of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsQuestion {
    /// The scope.
    pub scope: String,
    /// Their names.
    pub names: BTreeSet<String>,
    /// The secondary has a workspace: what none has that stands by is nowhere else.
    pub stands_by: bool,
}

/// Adds what is asked of rights, compute and secrets, where everything is looked at.
pub(super) fn add(
    asked: &mut Questions,
    seen: &WorkspaceObserved,
    request: &Request,
    now: DateTime<Utc>,
) {
    if !request.full || seen.primary.refusal().is_some() {
        return;
    }
    let stands_by = seen.workspace.secondary.is_some();
    if stands_by && !seen.sees_workspace_of_secondary() {
        return;
    }
    if seen.secrets.is_none() {
        asked.secrets = secrets(seen, request, stands_by);
    }
    if stands_by {
        asked.compute = seen.compute.is_none();
        asked.rights = rights(seen, request, now);
    }
}

fn rights(
    seen: &WorkspaceObserved,
    request: &Request,
    now: DateTime<Utc>,
) -> TableQuestions<TableName> {
    let mut asked = TableQuestions::default();
    let selected = |name: &str| request.selects(&seen.workspace.name, name);
    for group in &seen.groups {
        let Some(name) = group.entry.name().filter(|name| selected(name)) else {
            continue;
        };
        let told = seen.grants.get(name);
        let lately = told.is_some_and(|told| now - told.at < DAILY && now >= told.at);
        if lately && !request.rights {
            continue;
        }
        for table in group.tables.iter().filter(|it| it.rights.is_none() && it.listed.is_ok()) {
            // What no cut names was never registered there.
            if seen.replica_place(Some(name), &table.name).entry.is_some() {
                asked.ask(name, &table.name, table.name.clone());
            }
        }
    }
    asked
}

/// The secrets by which people are told and that no variable holds.
fn secrets(
    seen: &WorkspaceObserved,
    request: &Request,
    stands_by: bool,
) -> Option<SecretsQuestion> {
    let scope = seen.workspace.connection.secret_scope.clone()?;
    let needed = seen.workspace.notifications.iter().flat_map(Notifications::needed);
    let looked_up = needed.filter(|needed| !request.variables.contains(&needed.variable));
    let names = looked_up.filter_map(|needed| needed.secret.map(str::to_owned));
    let names: BTreeSet<String> = names.collect();
    (!names.is_empty()).then_some(SecretsQuestion { scope, names, stands_by })
}
