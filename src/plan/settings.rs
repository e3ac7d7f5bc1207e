//! What a configuration says of how a workspace and its groups are protected, as plans and run records carry it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{
    Group, GroupEntry, Notifications, Pause, Success, TableRef, Topic, Webhook, WorkspaceConfig,
    WrittenKeys,
};
use crate::moment;

/// The settings of a workspace and of its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Settings")]
pub struct ProtectionSettings {
    /// Those of all its groups together.
    pub workspace: WorkspaceSettings,
    /// Those of each group, by its name; of one whose configuration has a mistake none are known.
    pub groups: BTreeMap<String, GroupSettings>,
}

/// How a workspace's groups are protected together: who hears of trouble, and what stands by in the other region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceSettings {
    /// Who hears of all failures.
    pub failure_mail: Vec<String>,
    /// Who hears of all successes.
    pub success_mail: Vec<String>,
    /// The mail server; absent: no mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_server: Option<String>,
    /// What webhooks hear: an entry a webhook and kind of news, `slack SLACK_DR failing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<String>,
    /// Of each webhook that signs or is routed by a secret the name of that; empty: there is none, or they are not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhook_keys: BTreeMap<String, String>,
    /// Somebody hears where no apply runs any more.
    pub heartbeat: bool,
    /// The name of the secret that says who that is; absent: there is no heartbeat, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_secret: Option<String>,
    /// How often synchronized groups are told of; absent: there is nothing to tell over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<SuccessMail>,
    /// How often one is reminded of what goes on, hours; absent: there is nothing to tell over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_hours: Option<i64>,
    /// The secondary's workspace, in which replicas are registered and jobs watched; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_workspace: Option<String>,
    /// How long a stored plan may wait, hours.
    pub plan_max_age_hours: i64,
    /// Public keys of which one has to have signed a stored plan; empty: nobody has to; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_signers: Option<Vec<String>>,
    /// Public keys of which one has to sign every run record; empty: nobody has to; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_signers: Option<Vec<String>>,
    /// When its groups are to be failed over; absent: nobody wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_when: Option<String>,
    /// Who decides that; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_approvers: Option<Vec<String>>,
    /// Where the replicas and their cut log lie; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<String>,
    /// All workspaces that the same configuration protects, this one among them; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<Vec<String>>,
    /// Keys of the configuration that are compared as they are written, each with its value; null: it is not set; of one that is
    /// not among them nothing is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configured: BTreeMap<String, Option<String>>,
}

/// How one group is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSettings {
    /// The workflows whose ends it is brought to; empty: it goes by its schedule alone; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflows: Option<Vec<String>>,
    /// Its schedule, a cron expression.
    pub schedule: String,
    /// The zone that it is read in.
    pub timezone: String,
    /// The longest time between two firings of it, minutes.
    pub longest_gap_minutes: i64,
    /// The recovery point objective, minutes.
    pub rpo_minutes: i64,
    /// The lag beyond which it is brought to now without its workflow, minutes; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lag_minutes: Option<i64>,
    /// The least time between two synchronizations, minutes.
    pub min_interval_minutes: i64,
    /// How long nobody may have looked at the newest versions of its sources, minutes.
    pub receipt_minutes: i64,
    /// How long replaced versions of its replicas stay readable, days.
    pub replica_retention_days: u32,
    /// The share of the last cut's rows below which a source is not copied, percent; 0: it is copied whatever is left.
    pub shrink_percent: u32,
    /// Attempts per table beyond the first.
    pub max_retries: u32,
    /// It is not synchronized for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseSetting>,
    /// Its tables that are not synchronized, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unprotected: BTreeMap<String, String>,
    /// Who hears of it.
    pub owner_emails: Vec<String>,
}

/// A pause as it is configured, over or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseSetting {
    /// Why.
    pub reason: String,
    /// Until when; absent: until somebody ends it.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// How often synchronized groups are told of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SuccessMail {
    /// Never, apart from the first ever and the first after a failure.
    Off,
    /// Once a day.
    Daily,
    /// After every apply that synchronized something.
    Each,
}

impl ProtectionSettings {
    /// What a configuration says of a workspace; `signers`: whose signatures it asks for, where that could be read; `workspaces`: all
    /// that it protects, where all of it was understood.
    pub fn of(
        workspace: &WorkspaceConfig,
        signers: Option<&WrittenKeys>,
        workspaces: Option<&[&str]>,
    ) -> ProtectionSettings {
        let groups = workspace.groups.iter().filter_map(|entry| match entry {
            GroupEntry::Valid(group) => {
                Some((group.name.clone(), GroupSettings::of(workspace, group)))
            }
            GroupEntry::Invalid { name: _, owner_emails: _, mistakes: _ } => None,
        });
        let of_all = WorkspaceSettings::of(workspace, signers, workspaces);
        ProtectionSettings { workspace: of_all, groups: groups.collect() }
    }
}

impl WorkspaceSettings {
    /// What a configuration says of a workspace as a whole.
    fn of(
        workspace: &WorkspaceConfig,
        signers: Option<&WrittenKeys>,
        workspaces: Option<&[&str]>,
    ) -> WorkspaceSettings {
        let told = workspace.notifications.as_ref();
        let webhooks = told.into_iter().flat_map(|told| &told.webhooks).flat_map(|webhook| {
            webhook.events.iter().map(move |event| webhook_entry(webhook, *event))
        });
        let over = told.filter(|told| told.smtp.is_some() || !told.webhooks.is_empty());
        WorkspaceSettings {
            failure_mail: workspace.failure_notification.clone(),
            success_mail: workspace.success_notification.clone(),
            mail_server: told.and_then(|told| Some(told.smtp.as_ref()?.host.clone())),
            webhooks: webhooks.collect(),
            webhook_keys: told.map(webhook_keys).unwrap_or_default(),
            heartbeat: told.is_some_and(|told| told.heartbeat.is_some()),
            heartbeat_secret: told
                .and_then(|told| Some(told.heartbeat.as_ref()?.url_secret.clone())),
            success: over.map(success),
            reminder_hours: over.map(|told| told.reminder.num_hours()),
            secondary_workspace: workspace.connection.secondary_workspace.clone(),
            plan_max_age_hours: workspace.plan_max_age.num_hours(),
            plan_signers: signers.map(|signers| sorted(&signers.plans)),
            record_signers: signers.map(|signers| sorted(&signers.records)),
            failover_when: workspace.failover_when.clone(),
            failover_approvers: Some(workspace.failover_approvers.clone()),
            replicas: Some(workspace.location_secondary.to_string()),
            workspaces: workspaces.map(sorted),
            configured: workspace.as_written(),
        }
    }
}

fn sorted(texts: &[impl ToString]) -> Vec<String> {
    let mut texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn success(told: &Notifications) -> SuccessMail {
    match told.success {
        Success::Each => SuccessMail::Each,
        Success::Daily => SuccessMail::Daily,
        Success::Off => SuccessMail::Off,
    }
}

fn webhook_keys(told: &Notifications) -> BTreeMap<String, String> {
    let keys = told
        .webhooks
        .iter()
        .filter_map(|webhook| Some((webhook.label.clone(), webhook.secret_key.clone()?)));
    keys.collect()
}

/// One kind of news that a webhook hears of, as settings have it.
pub(crate) fn webhook_entry(webhook: &Webhook, heard: Topic) -> String {
    format!("{} {} {}", webhook.kind.as_str(), webhook.label, topic(heard))
}

fn topic(topic: Topic) -> &'static str {
    match topic {
        Topic::Failing => "failing",
        Topic::Recovered => "recovered",
        Topic::Synchronized => "synchronized",
    }
}

impl GroupSettings {
    /// What a configuration says of a group.
    pub(super) fn of(workspace: &WorkspaceConfig, group: &Group) -> GroupSettings {
        let Group {
            name: _,
            owner_emails,
            workflows,
            tables: _,
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
        // A name that is only written another way changes nothing.
        let schema = workspace.default_schema.as_deref().unwrap_or("default");
        let named = |table: &TableRef| match (&workspace.default_catalog, table.parts().len()) {
            (Some(catalog), _) => table.resolve(catalog, schema).to_string(),
            (None, 3) => table.resolve("", schema).to_string(),
            (None, _) => table.to_string(),
        };
        let unprotected = unprotected.iter().map(|(table, reason)| (named(table), reason.clone()));
        GroupSettings {
            workflows: Some(workflows.iter().map(ToString::to_string).collect()),
            schedule: schedule.expression().to_owned(),
            timezone: schedule.timezone().to_owned(),
            longest_gap_minutes: schedule.longest_gap().num_minutes(),
            rpo_minutes: rpo.num_minutes(),
            max_lag_minutes: max_lag.map(|lag| lag.num_minutes()),
            min_interval_minutes: min_interval.num_minutes(),
            receipt_minutes: receipt.num_minutes(),
            replica_retention_days: *replica_retention_days,
            shrink_percent: *shrink_percent,
            max_retries: *max_retries,
            paused: pause.as_ref().map(PauseSetting::of),
            unprotected: unprotected.collect(),
            owner_emails: owner_emails.clone(),
        }
    }

    /// Whether it is brought to the ends of the same workflows as another, as far as both tell.
    pub(super) fn has_the_workflows_of(&self, other: &GroupSettings) -> bool {
        let ours = self.workflows.as_ref().map(BTreeSet::from_iter);
        let theirs = other.workflows.as_ref().map(BTreeSet::from_iter);
        ours.zip(theirs).is_none_or(|(ours, theirs)| ours == theirs)
    }
}

impl PauseSetting {
    fn of(pause: &Pause) -> PauseSetting {
        let Pause { reason, until } = pause;
        PauseSetting { reason: reason.clone(), until: *until }
    }
}
