//! Whether groups could be failed over: who may use their tables at both sides, whether anything runs SQL in the secondary, and
//! whether people would still be told.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use crate::config::{Notifications, TableName};
use crate::plan::{Request, SecretSeen, WorkspaceObserved};
use crate::region::Regions;

/// A look at rights is repeated after this; each table costs a question at both sides.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// Looks at rights and compute, where everything is looked at.
pub(super) async fn observe_readiness(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    let presence = seen.secondary.presence.as_ref();
    let watched = presence.is_ok_and(|presence| presence.workspace_unseen.is_none());
    let whole = request.full && seen.primary.refusal().is_none();
    let asked = whole && seen.workspace.secondary.is_some() && watched;
    if asked || whole && seen.workspace.secondary.is_none() {
        seen.secrets = secrets(seen, regions, request).await;
    }
    if !asked {
        return;
    }
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut names: Vec<TableName> = Vec::new();
    for (group, of_group) in seen.groups.iter().enumerate() {
        let name = of_group.entry.name();
        let told = name.and_then(|name| seen.grants.get(name));
        let lately = told.is_some_and(|told| now - told.at < DAILY && now >= told.at);
        if lately && !request.rights || !name.is_some_and(|name| request.selects(name)) {
            continue;
        }
        for (table, observed) in of_group.tables.iter().enumerate() {
            // What no cut names was never registered there.
            let held = seen.place(name, &observed.name).entry.is_some();
            if held && observed.listed.is_ok() {
                places.push((group, table));
                names.push(observed.name.clone());
            }
        }
    }
    let (primary, secondary, compute) = futures::join!(
        regions.primary.table_rights(&names),
        regions.secondary.table_rights(&names),
        regions.secondary.compute(),
    );
    seen.compute = Some(compute);
    for ((group, table), rights) in places.into_iter().zip(primary.into_iter().zip(secondary)) {
        seen.groups[group].tables[table].rights = Some([rights.0, rights.1]);
    }
}

/// Looks for the secrets by which people are told in the scopes of both sides; one that cannot be looked for is left out.
async fn secrets(
    seen: &WorkspaceObserved,
    regions: &Regions,
    request: &Request,
) -> Vec<SecretSeen> {
    let Some(scope) = seen.workspace.secret_scope.as_deref() else {
        return Vec::new();
    };
    let needed = seen.workspace.notifications.iter().flat_map(Notifications::needed);
    let looked_up = needed.filter(|needed| !request.variables.contains(&needed.variable));
    let names: BTreeSet<&str> = looked_up.filter_map(|needed| needed.secret).collect();
    let stands_by = seen.workspace.secondary.is_some();
    let looks = names.into_iter().map(async |name| {
        let primary = regions.primary.secret(scope, name).await.ok()?.is_some();
        // What no workspace has that stands by is nowhere else.
        let secondary = if stands_by {
            regions.secondary.secret(scope, name).await.ok()?.is_some()
        } else {
            false
        };
        Some(SecretSeen { name: name.to_owned(), primary, secondary })
    });
    join_all(looks).await.into_iter().flatten().collect()
}
