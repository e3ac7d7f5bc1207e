//! What a configuration comes to: every default filled in, comments and the order of keys gone. Pure.

use chrono::Duration;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Configuration, Connection, Group, GroupEntry, WorkspaceConfig};
use crate::moment;
use crate::text::hex;

/// Unless a configuration says otherwise.
const RECEIPT: Duration = Duration::minutes(60);

impl Configuration {
    /// The effective configuration, which [`Configuration::effective_sha256`] is the digest of.
    pub fn effective(&self) -> Value {
        effective(&self.workspaces)
    }
}

impl Group {
    /// The group's effective settings, to tell whether a configuration changes it.
    pub fn effective(&self) -> Value {
        let Group {
            name,
            owner_emails,
            workflows,
            tables,
            schedule,
            max_retries,
            rpo,
            max_lag,
            min_interval,
            receipt,
            replica_retention_days,
            shrink_percent,
            pause,
            unprotected,
        } = self;
        let unprotected: Map<String, Value> = unprotected
            .iter()
            .map(|(table, why)| (table.to_string(), Value::String(why.clone())))
            .collect();
        let mut effective = json!({
            "group_name": name,
            "group_owner_email": owner_emails,
            "workflow": workflows,
            "tables": tables,
            "sync_schedule": schedule.expression(),
            "sync_timezone": schedule.timezone(),
            "sync_max_retries": max_retries,
            "sync_rpo_minutes": rpo.num_minutes(),
            "sync_max_lag_minutes": max_lag.map_or(0, |lag| lag.num_minutes()),
            "sync_min_interval_minutes": min_interval.num_minutes(),
            "sync_replica_retention_days": replica_retention_days,
            "sync_shrink_percent": shrink_percent,
            "paused": pause.as_ref().map(|pause| &pause.reason),
            "unprotected_tables": unprotected,
        });
        // A configuration that says nothing of these is what it was before there were such keys.
        if *receipt != RECEIPT {
            effective["sync_receipt_minutes"] = receipt.num_minutes().into();
        }
        if let Some(until) = pause.as_ref().and_then(|pause| pause.until) {
            effective["paused_until"] = moment::text(until).into();
        }
        effective
    }
}

/// SHA-256 of the canonical JSON, hex.
pub(super) fn sha256(workspaces: &[WorkspaceConfig]) -> String {
    let mut text = String::new();
    canonical(&effective(workspaces), &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

fn effective(workspaces: &[WorkspaceConfig]) -> Value {
    json!({ "workspaces": workspaces.iter().map(workspace).collect::<Vec<_>>() })
}

fn workspace(workspace: &WorkspaceConfig) -> Value {
    let WorkspaceConfig {
        name,
        address,
        secondary: _,
        connection,
        // The reason for having no secondary workspace has no effect.
        no_secondary: _,
        location_primary,
        location_secondary,
        failure_notification,
        success_notification,
        notifications,
        default_catalog,
        default_schema,
        plan_max_age,
        failover_when,
        failover_approvers,
        groups,
        incomplete,
    } = workspace;
    let groups: Vec<Value> = groups.iter().map(entry).collect();
    let Connection { secret_scope, pat_key, profile, warehouse_id, .. } = connection;
    let mut effective = json!({
        "workspace_name": name,
        "workspace_instance_url": address.to_string(),
        "secret_scope": secret_scope,
        "workspace_pat_key": pat_key,
        "workspace_profile": profile,
        "warehouse_id": warehouse_id,
        "secondary": secondary(connection),
        "sync_location_primary": location_primary.as_str(),
        "sync_location_secondary": location_secondary.as_str(),
        "sync_failure_notification": failure_notification,
        "sync_success_notification": success_notification,
        "notifications": notifications,
        "default_catalog": default_catalog,
        "default_schema": default_schema.as_deref().unwrap_or("default"),
        "plan_max_age_hours": Duration::num_hours(plan_max_age),
        "sync_groups": groups,
        "incomplete": incomplete,
    });
    // A configuration that says nothing of them is what it was before there were such keys.
    if let Some(when) = failover_when {
        effective["failover_when"] = when.as_str().into();
    }
    if !failover_approvers.is_empty() {
        effective["failover_approvers"] = failover_approvers.clone().into();
    }
    effective
}

/// The secondary's own workspace, and how it is reached.
fn secondary(connection: &Connection) -> Option<Value> {
    let Connection {
        secret_scope: _,
        pat_key: _,
        profile: _,
        warehouse_id: _,
        secondary_name,
        secondary_workspace,
        secondary_pat_key,
        secondary_profile,
        secondary_warehouse_id,
    } = connection;
    secondary_workspace.as_ref().map(|address| {
        json!({
            "secondary_workspace_name": secondary_name,
            "secondary_workspace_instance_url": address,
            "secondary_workspace_pat_key": secondary_pat_key,
            "secondary_workspace_profile": secondary_profile,
            "secondary_warehouse_id": secondary_warehouse_id,
        })
    })
}

fn entry(entry: &GroupEntry) -> Value {
    match entry {
        GroupEntry::Valid(group) => group.effective(),
        GroupEntry::Invalid { name, owner_emails: _, mistakes: _ } => {
            json!({ "group_name": name, "invalid": true })
        }
    }
}

/// Writes JSON the one way RFC 8785 allows: no blanks, keys in the order of their UTF-16 units.
///
/// Numbers are whole everywhere.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_sorts_keys_by_utf16_and_has_no_blanks() {
        let value = json!({ "\u{FB33}": 1, "\u{1F600}": [true, null], "a": { "c": "\u{1f}\"/é", "b": -1 } });
        let mut text = String::new();
        canonical(&value, &mut text);
        assert_eq!(
            text,
            "{\"a\":{\"b\":-1,\"c\":\"\\u001f\\\"/é\"},\"\u{1F600}\":[true,null],\"\u{FB33}\":1}"
        );
    }
}
