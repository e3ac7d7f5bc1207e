//! What a configuration changes of the protection that another one gave: each setting before and after, and which is the weaker.
//! Pure.

mod changes;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::before::TablesBefore;
use super::settings::{GroupSettings, PauseSetting, ProtectionSettings, SuccessMail};
use crate::moment;
use changes::SettingChanges;

/// A setting that is another than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// The group; absent: it is of the whole workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The table that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Which setting.
    pub setting: Setting,
    /// The key of the configuration, where that is compared as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// As it was; absent: it was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<SettingValue>,
    /// As it is; absent: it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SettingValue>,
    /// Whether it protects less now.
    pub direction: Direction,
}

/// Every setting that protects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// When it is due.
    Schedule,
    /// The recovery point objective, minutes.
    Objective,
    /// The lag beyond which it is brought to now, minutes.
    MaxLag,
    /// The least time between two synchronizations, minutes.
    MinInterval,
    /// How long nobody may have looked at the newest versions of sources, minutes.
    Receipt,
    /// How long replaced versions of replicas stay readable, days.
    ReplicaRetention,
    /// The share of rows below which a source is not copied, percent.
    ShrinkGuard,
    /// Attempts beyond the first.
    Retries,
    /// That it is not synchronized for now.
    Paused,
    /// A table that is not synchronized.
    Unprotected,
    /// Who owns it, and hears of it.
    Owners,
    /// Who hears of all failures.
    FailureMail,
    /// Who hears of all successes.
    SuccessMail,
    /// The server over which mail is sent.
    MailServer,
    /// What webhooks hear.
    Webhooks,
    /// By which secrets webhooks are routed, or their messages signed.
    WebhookKeys,
    /// Whether somebody hears where no apply runs any more.
    Heartbeat,
    /// How often successes are told of.
    SuccessNews,
    /// How often one is reminded, hours.
    Reminder,
    /// The workspace that stands by.
    SecondaryWorkspace,
    /// How long a stored plan may wait, hours.
    PlanMaxAge,
    /// Who has to have signed a stored plan.
    PlanSigners,
    /// Who has to sign run records.
    RecordSigners,
    /// When groups are to be failed over.
    FailoverWhen,
    /// Who decides that.
    FailoverApprovers,
    /// Where the replicas lie.
    Replicas,
    /// The workspaces that the configuration protects.
    Workspaces,
    /// The workflows whose ends it is brought to.
    Workflows,
    /// Its name: under another it was protected before.
    Name,
    /// Tables of another group that are of this one now.
    TablesOf,
    /// That it is of the configuration: all of it, or a table.
    Removed,
    /// A key of the configuration as it is written.
    Key,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// On or off.
    Switch(bool),
    /// A number in the setting's unit.
    Number(i64),
    /// A text.
    Text(String),
    /// Several.
    Texts(Vec<String>),
    /// A pause.
    Pause(PauseSetting),
}

/// Whether a change protects less.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It protects less, or tells fewer.
    Weaker,
    /// It protects more, or tells more.
    Stronger,
    /// Neither can be said.
    Other,
}

/// What settings were compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ComparedWith {
    /// Those of the newest run record that tells any.
    Record {
        /// The apply that left it.
        run_id: String,
        /// When that ended.
        #[serde(with = "moment::Moment")]
        ended_at: DateTime<Utc>,
    },
    /// Those of another configuration.
    Configuration {
        /// As whoever asked named it.
        source: String,
        /// Of its bytes.
        sha256: String,
    },
}

impl ComparedWith {
    /// The configuration, or the apply.
    pub fn source(&self) -> &str {
        match self {
            ComparedWith::Record { run_id, ended_at: _ } => run_id,
            ComparedWith::Configuration { source, sha256: _ } => source,
        }
    }
}

/// Settings that those of a configuration are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsBefore {
    /// Whose they are.
    pub of: ComparedWith,
    /// The settings.
    pub settings: ProtectionSettings,
    /// The tables of each group then, where a configuration says it; `None`: the metadata table does.
    pub tables: Option<TablesBefore>,
}

impl ProtectionSettings {
    /// The same with the settings of other groups, as they were before, that are of the configuration still.
    #[must_use]
    pub fn carrying(
        mut self,
        before: &ProtectionSettings,
        stays: impl Fn(&str) -> bool,
    ) -> ProtectionSettings {
        for (name, group) in before.groups.iter().filter(|(name, _)| stays(name)) {
            self.groups.entry(name.clone()).or_insert_with(|| group.clone());
        }
        self
    }

    /// What became another than in `before`, judged at a moment. `moved` has of each group those that tables of it were of then:
    /// how they were protected there counts for them, whatever the group that has them now is called. `renamed` has of each group that
    /// is called otherwise now what it was called. A group that these settings do not have left the configuration.
    pub fn changes_since(
        &self,
        before: &ProtectionSettings,
        moved: &BTreeMap<String, Vec<String>>,
        renamed: &BTreeMap<String, String>,
        now: DateTime<Utc>,
    ) -> Vec<SettingChange> {
        let mut changes = SettingChanges { now, group: None, all: Vec::new() };
        changes.of_workspace(&before.workspace, &self.workspace);
        for (name, after) in &self.groups {
            changes.group = Some(name.clone());
            let known = before.groups.get(name);
            if let Some(before) = known {
                changes.of_group(before, after);
            }
            for was in moved.get(name).into_iter().flatten() {
                let Some(of) = before.groups.get(was) else {
                    continue;
                };
                let renamed = renamed.get(name) == Some(was);
                changes.of_moved((was, of), (name, after), renamed, known.is_some());
            }
        }
        for (name, before) in &before.groups {
            changes.group = Some(name.clone());
            if self.has_left(name, moved) {
                changes.of_left_group(before);
            }
        }
        changes.all
    }

    /// That tables are of no group any more, beside groups that left with all of theirs. `left` has of each group those that were of
    /// it.
    pub fn tables_left_since(
        &self,
        before: &ProtectionSettings,
        moved: &BTreeMap<String, Vec<String>>,
        left: &BTreeMap<String, Vec<String>>,
        renamed: &BTreeMap<String, String>,
        now: DateTime<Utc>,
    ) -> Vec<SettingChange> {
        let mut changes = SettingChanges { now, group: None, all: Vec::new() };
        for (name, tables) in left.iter().filter(|(name, _)| !self.has_left(name, moved)) {
            let Some(group) = before.groups.get(name) else {
                continue;
            };
            changes.group = Some(name.clone());
            for table in tables {
                changes.removed(Some(table));
            }
            // Some of its tables are of others now, and nobody owns it.
            if !self.groups.contains_key(name) && !renamed.values().any(|was| was == name) {
                changes.list(Setting::Owners, &group.owner_emails, &[]);
            }
        }
        changes.all
    }

    /// Whether a group of before is of the configuration no more, and none of its tables is of another.
    fn has_left(&self, group: &str, moved: &BTreeMap<String, Vec<String>>) -> bool {
        !self.groups.contains_key(group) && !moved.values().flatten().any(|was| was == group)
    }

    /// That nothing of a workspace is protected any more, for whoever heard of it.
    pub fn removed(&self, now: DateTime<Utc>) -> Vec<SettingChange> {
        let mut changes = SettingChanges { now, group: None, all: Vec::new() };
        changes.removed(None);
        changes.list(Setting::FailureMail, &self.workspace.failure_mail, &[]);
        for (name, before) in &self.groups {
            changes.group = Some(name.clone());
            changes.of_left_group(before);
        }
        changes.all
    }
}

impl SettingChange {
    /// Whether it is of the whole configuration, so that the plans and records of its other workspaces tell the same.
    pub fn is_of_the_file(&self) -> bool {
        self.setting == Setting::Workspaces
    }

    /// The same with counts of addresses in their place, for whoever is not to see those of others.
    #[must_use]
    pub fn without_addresses(&self) -> SettingChange {
        let counted = |value: &Option<SettingValue>| match (self.setting, value) {
            (
                Setting::Owners | Setting::FailureMail | Setting::SuccessMail,
                Some(SettingValue::Texts(addresses)),
            ) => i64::try_from(addresses.len()).ok().map(SettingValue::Number),
            (_, value) => value.clone(),
        };
        SettingChange { before: counted(&self.before), after: counted(&self.after), ..self.clone() }
    }

    /// The name that a group has now, and the one that it had, where that is what changes.
    pub fn renames(&self) -> Option<(&str, &str)> {
        match (self.setting, &self.before, &self.after) {
            (Setting::Name, Some(SettingValue::Text(was)), Some(SettingValue::Text(is))) => {
                Some((is, was))
            }
            _ => None,
        }
    }

    /// Whether it protects less now.
    pub fn weakens(&self) -> bool {
        self.direction == Direction::Weaker
    }
}

/// Leaves of what is of the whole configuration the first of several workspaces' changes alone.
pub(super) fn tell_once<'a>(all: impl Iterator<Item = &'a mut Vec<SettingChange>>) {
    let mut told: Vec<SettingChange> = Vec::new();
    for changes in all {
        changes.retain(|change| !change.is_of_the_file() || !told.contains(change));
        told.extend(changes.iter().filter(|change| change.is_of_the_file()).cloned());
    }
}

impl GroupSettings {
    fn due(&self) -> SettingValue {
        SettingValue::Text(match self.timezone.as_str() {
            "UTC" => self.schedule.clone(),
            zone => format!("{} {zone}", self.schedule),
        })
    }
}

impl SuccessMail {
    fn as_str(self) -> &'static str {
        match self {
            SuccessMail::Off => "off",
            SuccessMail::Daily => "daily",
            SuccessMail::Each => "each",
        }
    }
}

impl Setting {
    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Setting::Schedule => "schedule",
            Setting::Objective => "objective",
            Setting::MaxLag => "max_lag",
            Setting::MinInterval => "min_interval",
            Setting::Receipt => "receipt",
            Setting::ReplicaRetention => "replica_retention",
            Setting::ShrinkGuard => "shrink_guard",
            Setting::Retries => "retries",
            Setting::Paused => "paused",
            Setting::Unprotected => "unprotected",
            Setting::Owners => "owners",
            Setting::FailureMail => "failure_mail",
            Setting::SuccessMail => "success_mail",
            Setting::MailServer => "mail_server",
            Setting::Webhooks => "webhooks",
            Setting::WebhookKeys => "webhook_keys",
            Setting::Heartbeat => "heartbeat",
            Setting::SuccessNews => "success_news",
            Setting::Reminder => "reminder",
            Setting::SecondaryWorkspace => "secondary_workspace",
            Setting::PlanMaxAge => "plan_max_age",
            Setting::PlanSigners => "plan_signers",
            Setting::RecordSigners => "record_signers",
            Setting::FailoverWhen => "failover_when",
            Setting::FailoverApprovers => "failover_approvers",
            Setting::Replicas => "replicas",
            Setting::Workspaces => "workspaces",
            Setting::Workflows => "workflows",
            Setting::Name => "name",
            Setting::TablesOf => "tables_of",
            Setting::Removed => "removed",
            Setting::Key => "key",
        }
    }
}
