//! A workspace's configuration as a file again: every default filled in, no path relative to anything, secrets by their names alone.
//! Pure.

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::keys::MINUTES_MAX;
use super::{
    Connection, Group, GroupEntry, Notifications, OAuth, Pause, Smtp, SmtpAuth, Webhook,
    WorkspaceConfig,
};
use crate::moment;

/// Public keys of minisign that a configuration asks for: files of them lie beside it, and not beside what is written of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenKeys {
    /// Of which one has to have signed a stored plan; none: nobody has to.
    pub plans: Vec<String>,
    /// Of which one has to sign every run record; none: nobody has to.
    pub records: Vec<String>,
}

/// What stands for a part of a configuration that could not be understood: it is not understood again, so nothing is retired.
const NOT_UNDERSTOOD: &str = "Something stood here that could not be understood";

impl WorkspaceConfig {
    /// The configuration of this workspace alone, as a file; `incomplete`: it stood among others that could not be understood.
    ///
    /// Read again it has the same effect, and the same mistakes in what had any.
    pub fn written(&self, keys: &WrittenKeys, incomplete: bool) -> String {
        format!("{:#}\n", Value::Object(self.file(keys, incomplete)))
    }

    /// The same before it is text.
    pub(super) fn file(&self, keys: &WrittenKeys, incomplete: bool) -> Map<String, Value> {
        let mut workspaces = vec![workspace(self)];
        if incomplete {
            workspaces.push(json!({ "// workspace": NOT_UNDERSTOOD }));
        }
        let mut file = Map::new();
        file.insert(
            "secret_scope".to_owned(),
            self.connection.secret_scope.clone().unwrap_or_default().into(),
        );
        for (key, keys) in
            [("require_signature", &keys.plans), ("require_signed_records", &keys.records)]
        {
            if !keys.is_empty() {
                file.insert(key.to_owned(), keys.join(", ").into());
            }
        }
        file.insert("workspaces".to_owned(), workspaces.into());
        file
    }
}

fn workspace(workspace: &WorkspaceConfig) -> Value {
    let WorkspaceConfig {
        name,
        address,
        secondary: _,
        connection,
        no_secondary,
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
        incomplete: _,
    } = workspace;
    let valid = groups.iter().find_map(|entry| match entry {
        GroupEntry::Valid(group) => Some(group),
        GroupEntry::Invalid { .. } => None,
    });
    let mut file = json!({
        "workspace_name": name,
        "workspace_instance_url": address.to_string(),
        "workspace_pat_key": connection.pat_key.as_deref().unwrap_or_default(),
        "sync_location_primary": location_primary.as_str(),
        "sync_location_secondary": location_secondary.as_str(),
        "sync_failure_notification": failure_notification.join(", "),
        "sync_success_notification": success_notification.join(", "),
        // Each group has its own: these stand here because a workspace has to have them.
        "sync_default_schedule": valid.map_or("0 */12 * * *", |group| group.schedule.expression()),
        "sync_max_retries": valid.map_or(3, |group| group.max_retries),
        "default_schema": default_schema.as_deref().unwrap_or("default"),
        "plan_max_age_hours": plan_max_age.num_hours(),
    });
    let texts = [
        ("no_secondary_workspace", no_secondary.clone()),
        ("default_catalog", default_catalog.clone()),
        ("failover_when", failover_when.clone()),
        ("failover_approvers", listed(failover_approvers)),
    ];
    for (key, text) in texts.into_iter().chain(texts_of_connection(connection)) {
        if let Some(text) = text {
            file[key] = text.into();
        }
    }
    if let Some(told) = notifications {
        file["notifications"] = self::notifications(told);
    }
    file["sync_groups"] = groups.iter().map(entry).collect();
    file
}

/// The keys by which workspaces are reached, but the one that is always there.
fn texts_of_connection(connection: &Connection) -> [(&'static str, Option<String>); 7] {
    let Connection {
        secret_scope: _,
        pat_key: _,
        profile,
        warehouse_id,
        secondary_name,
        secondary_workspace,
        secondary_pat_key,
        secondary_profile,
        secondary_warehouse_id,
    } = connection;
    [
        ("workspace_profile", profile.clone()),
        ("warehouse_id", warehouse_id.clone()),
        ("secondary_workspace_name", secondary_name.clone()),
        ("secondary_workspace_instance_url", secondary_workspace.clone()),
        ("secondary_workspace_pat_key", secondary_pat_key.clone()),
        ("secondary_workspace_profile", secondary_profile.clone()),
        ("secondary_warehouse_id", secondary_warehouse_id.clone()),
    ]
}

/// Several texts as one; `None`: there are none.
fn listed(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn entry(entry: &GroupEntry) -> Value {
    match entry {
        GroupEntry::Valid(valid) => group(valid),
        GroupEntry::Invalid { name, owner_emails, mistakes: _ } => {
            let mut file = json!({ "// group": NOT_UNDERSTOOD });
            if let Some(name) = name {
                file["group_name"] = name.as_str().into();
            }
            if let Some(owners) = listed(owner_emails) {
                file["group_owner_email"] = owners.into();
            }
            file
        }
    }
}

fn group(group: &Group) -> Value {
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
    } = group;
    let mut file = json!({
        "group_name": name,
        "group_owner_email": owner_emails.join(", "),
        "tables": tables,
        "sync_schedule": schedule.expression(),
        "sync_timezone": schedule.timezone(),
        "sync_max_retries": max_retries,
        "sync_min_interval_minutes": min_interval.num_minutes(),
        "sync_receipt_minutes": receipt.num_minutes(),
        "sync_replica_retention_days": replica_retention_days,
        "sync_shrink_percent": shrink_percent,
    });
    match workflows.as_slice() {
        [] => {}
        [workflow] => file["workflow"] = workflow.to_string().into(),
        several => file["workflow"] = json!(several),
    }
    for (key, time) in [
        ("sync_rpo_minutes", Some(*rpo)),
        ("sync_max_lag_minutes", Some(max_lag.unwrap_or(Duration::zero()))),
    ] {
        // A derived objective is not written: it may be longer than a file may say, and is derived again.
        let minutes = time.map(|time| time.num_minutes());
        if let Some(minutes) = minutes.filter(|minutes| *minutes <= i64::from(MINUTES_MAX)) {
            file[key] = minutes.into();
        }
    }
    if let Some(Pause { reason, until }) = pause {
        file["paused"] = reason.as_str().into();
        if let Some(until) = until {
            file["paused_until"] = moment::text(*until).into();
        }
    }
    if !unprotected.is_empty() {
        let reasons = unprotected.iter();
        let reasons = reasons.map(|(table, why)| (table.to_string(), Value::from(why.as_str())));
        file["unprotected_tables"] = Value::Object(reasons.collect());
    }
    file
}

fn notifications(told: &Notifications) -> Value {
    let Notifications { smtp, webhooks, heartbeat, success, reminder } = told;
    let mut file = json!({ "success": success, "reminder_hours": reminder.num_hours() });
    if let Some(server) = smtp {
        file["smtp"] = mail_server(server);
    }
    if !webhooks.is_empty() {
        file["webhooks"] = webhooks.iter().map(webhook).collect();
    }
    if let Some(heartbeat) = heartbeat {
        file["heartbeat"] = json!({ "url_secret": heartbeat.url_secret });
    }
    file
}

fn mail_server(server: &Smtp) -> Value {
    let Smtp { host, port, security, from, auth } = server;
    let mut file =
        json!({ "host": host, "port": port, "security": security, "auth": auth.as_str() });
    if let Some(from) = from {
        file["from"] = from.as_str().into();
    }
    match auth {
        SmtpAuth::None => {}
        SmtpAuth::Plain { user, password_secret } | SmtpAuth::Login { user, password_secret } => {
            file["user"] = user.as_str().into();
            if let Some(secret) = password_secret {
                file["password_secret"] = secret.as_str().into();
            }
        }
        SmtpAuth::Xoauth2 { user, oauth } => {
            let OAuth { token_url, client_id, client_secret_key, scope } = oauth;
            file["user"] = user.as_str().into();
            file["oauth"] =
                json!({ "token_url": token_url.as_str(), "client_id": client_id, "scope": scope });
            if let Some(secret) = client_secret_key {
                file["oauth"]["client_secret_key"] = secret.as_str().into();
            }
        }
    }
    file
}

fn webhook(webhook: &Webhook) -> Value {
    let Webhook { kind, label: _, url_secret, secret_key, events } = webhook;
    let mut file = json!({ "kind": kind, "events": events });
    for (key, secret) in [("url_secret", url_secret), ("secret_key", secret_key)] {
        if let Some(secret) = secret {
            file[key] = secret.as_str().into();
        }
    }
    file
}

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;
