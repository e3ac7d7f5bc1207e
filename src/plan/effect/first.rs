//! The effect of plans of format version 1.0, by which those that wait since then are still compared with their review. Pure.

use serde_json::{Value, json};

use super::present;
use crate::canonical;
use crate::plan::document::{
    Decision, GroupPlan, Plan, RegionSeen, RowChange, Step, WorkspacePlan,
};

/// SHA-256 of the canonical JSON of what a plan of that version does.
pub(super) fn sha256(plan: &Plan) -> String {
    let workspaces: Vec<Value> = plan.workspaces.iter().map(workspace).collect();
    let accepted: Vec<Value> =
        plan.accepted.iter().map(|risk| json!({"code": risk.code, "scope": risk.scope})).collect();
    canonical::sha256_of_value(&json!({"workspaces": workspaces, "accepted": accepted}))
}

fn workspace(workspace: &WorkspacePlan) -> Value {
    let groups: Vec<Value> = workspace
        .groups
        .iter()
        .filter(|group| group.decision == Decision::Sync)
        .map(group)
        .collect();
    let metadata: Vec<Value> = workspace
        .metadata
        .iter()
        .map(|action| {
            json!({
                "region": action.region,
                "action": action.action,
                "add": action.rows_to_add,
                "change": action.rows_to_change,
                "retire": action.rows_to_retire,
            })
        })
        .collect();
    json!({
        "name": workspace.name,
        "primary": region(&workspace.observed.primary),
        "secondary": region(&workspace.observed.secondary),
        "connection": present(json!(workspace.connection)),
        "groups": groups,
        "metadata": metadata,
        "rows": workspace.rows.iter().map(row).collect::<Vec<Value>>(),
    })
}

fn region(seen: &RegionSeen) -> Value {
    json!({"workspace": seen.workspace, "location": seen.location})
}

/// What a row will say of its group's configuration and status.
fn row(change: &RowChange) -> Value {
    let row = &change.after;
    json!({
        "group": row.group_name,
        "workflow": row.workflow,
        "tables": row.tables,
        "status": row.current_sync_status,
    })
}

fn group(group: &GroupPlan) -> Value {
    let steps: Vec<Value> = group.steps.iter().map(step).collect();
    let trigger = group.trigger.as_ref();
    json!({
        "name": group.name,
        "follows_cut": group.follows_cut,
        "consistency": group.consistency,
        "trigger": trigger.map(|trigger| trigger.kind),
        "workflow_run": trigger.and_then(|trigger| trigger.run_id),
        "steps": steps,
    })
}

fn step(step: &Step) -> Value {
    let mut effect = json!({
        "table": step.table,
        "action": step.action,
        "source_table_id": step.source.table_id,
        "source_version": step.source.version,
        "source_location": step.source.location,
        "catalog_id": step.source.catalog_id,
        "replica": step.replica.location,
        "replica_path": step.replica.path,
        "holds_source_version": step.replica.holds_source_version,
        "properties": step.properties,
        "statement": step.statement,
    });
    if !step.replica.overwrites.is_empty() {
        effect["overwrites"] = json!(step.replica.overwrites);
    }
    effect
}
