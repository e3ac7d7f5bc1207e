//! The effect of a plan: what will be done, and nothing that changes while that stays the same. Pure.
//!
//! Everything that an apply acts on or keeps is in it, save what it asks the regions again or derives: docs/planning.md lists
//! both, and `tests/stories/leaves.rs` changes every value of a plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Decision, GroupPlan, Plan, RegionSeen, RowChange, Step, WorkspacePlan};
use crate::canonical;
use crate::moment;

mod first;

/// SHA-256 of the canonical JSON of what a plan does, as its format version computes it.
///
/// No time, id of drsync, estimate or head enters it, and no message but one that is written as it stands.
pub(super) fn sha256(plan: &Plan) -> String {
    if plan.is_of_first_version() {
        return first::sha256(plan);
    }
    let tells = Tells { digests: plan.names_commits_by_digest(), settings: plan.tells_settings() };
    let workspaces = plan.workspaces.iter().map(|it| workspace(it, tells));
    let workspaces: Vec<Value> = workspaces.collect();
    canonical::sha256_of_value(&json!({
        // No effect of one version is ever that of another.
        "format": "1.1",
        "workspaces": workspaces,
        "accepted": plan.accepted,
        "unprotected": plan.unprotected,
        "incomplete": plan.is_incomplete(),
        "max_age_hours": plan.max_age_hours,
    }))
}

/// What plans of earlier versions have not in their effect.
#[derive(Debug, Clone, Copy)]
struct Tells {
    /// Digests of pinned commits.
    digests: bool,
    /// The settings of workspaces and groups.
    settings: bool,
}

fn workspace(workspace: &WorkspacePlan, tells: Tells) -> Value {
    let metadata: Vec<Value> = workspace
        .metadata
        .iter()
        .map(|action| {
            let mut effect = json!({
                "region": action.region,
                "action": action.action,
                "add": action.rows_to_add,
                "change": action.rows_to_change,
                "retire": action.rows_to_retire,
            });
            if !action.put_aside.is_empty() {
                let tables = action.put_aside.iter().map(|aside| &aside.table);
                effect["put_aside"] = json!(tables.collect::<Vec<_>>());
            }
            if !action.mend.is_empty() {
                effect["mend"] = json!(action.mend);
            }
            effect
        })
        .collect();
    let groups = workspace.groups.iter().rev();
    let groups: BTreeMap<&str, &GroupPlan> =
        groups.map(|group| (group.name.as_str(), group)).collect();
    let rows = workspace.rows.iter().map(|change| {
        let group = groups.get(change.after.group_name.as_str());
        row(change, group.copied())
    });
    let mut effect = json!({
        "name": workspace.name,
        "primary": region(&workspace.observed.primary),
        "secondary": region(&workspace.observed.secondary),
        "connection": present(json!(workspace.connection)),
        "groups": workspace.groups.iter().map(|it| group(it, tells)).collect::<Vec<Value>>(),
        "metadata": metadata,
        "rows": rows.collect::<Vec<Value>>(),
    });
    if tells.settings {
        effect["settings"] = json!(workspace.settings);
    }
    effect
}

/// Where a region is, and whether it was there: that decides how an apply ends.
fn region(seen: &RegionSeen) -> Value {
    let mut region = json!({
        "workspace": seen.workspace,
        "location": seen.location,
        "reachable": seen.reachable,
    });
    // Plans of earlier versions do not tell it, and keep their effect.
    if let Some(refused) = seen.refused {
        region["refused"] = json!(refused);
    }
    region
}

/// The members that say something: a connection gets no other effect from a key that later versions know.
fn present(mut connection: Value) -> Value {
    if let Some(members) = connection.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    connection
}

/// What a row will say of its group's configuration and status; of a blocked group the message too, which is the findings'.
fn row(change: &RowChange, group: Option<&GroupPlan>) -> Value {
    let row = &change.after;
    let blocked = group.is_some_and(|group| group.decision == Decision::Blocked);
    json!({
        "group": row.group_name,
        "workflow": row.workflow,
        "tables": row.tables,
        "status": row.current_sync_status,
        "message": row.message.as_ref().filter(|_| blocked),
    })
}

/// What happens to a group; of one that stays as it is what its record and the catalog of the secondary are given.
fn group(group: &GroupPlan, tells: Tells) -> Value {
    let mut effect = decided(group, tells.digests);
    if tells.settings {
        effect["settings"] = json!(group.settings);
    }
    effect
}

fn decided(group: &GroupPlan, digests: bool) -> Value {
    let findings: Vec<Value> = group
        .findings
        .iter()
        .map(|finding| json!([finding.code, finding.severity, finding.table]))
        .collect();
    if group.decision != Decision::Sync {
        return json!({
            "name": group.name,
            "blocked": group.decision == Decision::Blocked,
            "findings": findings,
            "members": group.members,
        });
    }
    let trigger = group.trigger.as_ref();
    let mut effect = json!({
        "name": group.name,
        "findings": findings,
        "follows_cut": group.follows_cut,
        "consistency": group.consistency,
        "trigger": trigger.map(|trigger| trigger.kind),
        "workflow": trigger.map(|trigger| &trigger.workflow),
        "workflow_run": trigger.and_then(|trigger| trigger.run_id),
        "recovery_point": point(group),
        "max_retries": group.max_retries,
        "steps": group.steps.iter().map(|it| step(it, digests)).collect::<Vec<Value>>(),
    });
    // It is left out where it is empty, so that effects of older plans stay what they were.
    if let Some(lost) = group.lost_cut {
        effect["lost_cut"] = lost.into();
    }
    effect
}

/// The end of a workflow's run is its own time; any other recovery point is named by what it follows from.
fn point(group: &GroupPlan) -> String {
    let trigger = group.trigger.as_ref();
    let ended = trigger.is_some_and(|trigger| trigger.workflow.is_some());
    let last = group.last_cut.as_ref().map(|cut| cut.recovery_point);
    match group.recovery_point {
        Some(end) if ended => moment::text(end),
        Some(point) if Some(point) == last => "last cut".to_owned(),
        Some(_) | None => "plan".to_owned(),
    }
}

fn step(step: &Step, digests: bool) -> Value {
    let mut effect = json!({
        "table": step.table,
        "action": step.action,
        "source_table_id": step.source.table_id,
        "source_version": step.source.version,
        "source_location": step.source.location,
        "catalog_id": step.source.catalog_id,
        // What the cut will say of the pinned version.
        "rows": step.source.rows,
        "files": step.source.files,
        "bytes": step.source.bytes,
        "replica": step.replica.location,
        "replica_path": step.replica.path,
        "holds_source_version": step.replica.holds_source_version,
        "properties": step.properties,
        "statement": step.statement,
    });
    if !step.replica.overwrites.is_empty() {
        effect["overwrites"] = json!(step.replica.overwrites);
    }
    // By it apply knows the pinned version again.
    if let Some(digest) = step.source.commit_sha256.as_ref().filter(|_| digests) {
        effect["source_commit_sha256"] = json!(digest);
    }
    if step.replica.doubted {
        effect["doubted"] = json!(true);
    }
    effect
}
