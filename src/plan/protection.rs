//! What a configuration changes of the protection that another one gave: each setting before and after, and which is the weaker.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod words;

use super::settings::{GroupSettings, PauseSetting, Settings, SuccessMail, WorkspaceSettings};
use crate::moment;

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

/// Settings that those of a configuration are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsBefore {
    /// Whose they are.
    pub of: ComparedWith,
    /// The settings.
    pub settings: Settings,
}

impl Settings {
    /// Those of a workspace among all that a record or another configuration tells: by its name, or under another one by where its
    /// replicas lie, so that a new label hides nothing.
    pub fn among<'a>(
        all: &'a BTreeMap<String, Settings>,
        workspace: &str,
        replicas: Option<&str>,
    ) -> Option<&'a Settings> {
        let there =
            |of: &&Settings| replicas.is_some() && of.workspace.replicas.as_deref() == replicas;
        all.get(workspace).or_else(|| all.values().find(there))
    }

    /// The same with the settings of other groups, as they were before, that are of the configuration still.
    #[must_use]
    pub fn carrying(mut self, before: &Settings, stays: impl Fn(&str) -> bool) -> Settings {
        for (name, group) in before.groups.iter().filter(|(name, _)| stays(name)) {
            self.groups.entry(name.clone()).or_insert_with(|| group.clone());
        }
        self
    }

    /// What became another than in `before`, judged at a moment. `moved` has of each group those that tables of it were of then:
    /// how they were protected there counts for them, whatever the group that has them now is called. A group that these settings
    /// do not have left the configuration.
    pub fn changes_since(
        &self,
        before: &Settings,
        moved: &BTreeMap<String, Vec<String>>,
        now: DateTime<Utc>,
    ) -> Vec<SettingChange> {
        let mut changes = Changes { now, group: None, all: Vec::new() };
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
                let renamed = known.is_none() && !self.groups.contains_key(was);
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
        before: &Settings,
        moved: &BTreeMap<String, Vec<String>>,
        left: &BTreeMap<String, Vec<String>>,
        now: DateTime<Utc>,
    ) -> Vec<SettingChange> {
        let mut changes = Changes { now, group: None, all: Vec::new() };
        for (name, tables) in left.iter().filter(|(name, _)| !self.has_left(name, moved)) {
            let Some(group) = before.groups.get(name) else {
                continue;
            };
            changes.group = Some(name.clone());
            for table in tables {
                changes.removed(Some(table));
            }
            // Some of its tables are of others now, and nobody owns it.
            if !self.groups.contains_key(name) {
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
        let mut changes = Changes { now, group: None, all: Vec::new() };
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

struct Changes {
    now: DateTime<Utc>,
    group: Option<String>,
    all: Vec<SettingChange>,
}

impl Changes {
    fn of_workspace(&mut self, before: &WorkspaceSettings, after: &WorkspaceSettings) {
        let WorkspaceSettings {
            failure_mail,
            success_mail,
            mail_server,
            webhooks,
            webhook_keys,
            heartbeat,
            heartbeat_secret,
            success,
            reminder_hours,
            secondary_workspace,
            plan_max_age_hours,
            plan_signers,
            record_signers,
            failover_when,
            failover_approvers,
            replicas,
            workspaces,
        } = before;
        self.list(Setting::FailureMail, failure_mail, &after.failure_mail);
        self.list(Setting::SuccessMail, success_mail, &after.success_mail);
        // Whoever hears of no success is not protected less: of trouble those of the other list hear.
        if let Some(change) = self.all.last_mut().filter(|it| it.setting == Setting::SuccessMail) {
            change.direction = Direction::Other;
        }
        self.there(Setting::MailServer, mail_server, &after.mail_server);
        self.list(Setting::Webhooks, webhooks, &after.webhooks);
        for (webhook, key) in webhook_keys {
            // Another listens in the place of whoever did, or whoever did takes nothing more that is signed so.
            if let Some(now) = after.webhook_keys.get(webhook).filter(|now| *now != key) {
                let text = |key: &String| Some(SettingValue::Text(format!("{webhook} by {key}")));
                self.add(Setting::WebhookKeys, text(key), text(now), Direction::Weaker);
            }
        }
        if *heartbeat != after.heartbeat {
            let direction = if *heartbeat { Direction::Weaker } else { Direction::Stronger };
            let switch = |on: bool| Some(SettingValue::Switch(on));
            self.add(Setting::Heartbeat, switch(*heartbeat), switch(after.heartbeat), direction);
        } else if heartbeat_secret.is_some() && after.heartbeat_secret.is_some() {
            // Whoever listens where another secret leads may be nobody.
            self.there(Setting::Heartbeat, heartbeat_secret, &after.heartbeat_secret);
        }
        // Without anything to tell over the server or the webhooks say it all.
        if let (Some(before), Some(after)) = (success, after.success)
            && *before != after
        {
            let text = |value: SuccessMail| Some(SettingValue::Text(value.as_str().to_owned()));
            self.add(Setting::SuccessNews, text(*before), text(after), Direction::Other);
        }
        if let (Some(before), Some(after)) = (reminder_hours, after.reminder_hours) {
            self.longer(Setting::Reminder, *before, after);
        }
        self.there(Setting::SecondaryWorkspace, secondary_workspace, &after.secondary_workspace);
        self.longer(Setting::PlanMaxAge, *plan_max_age_hours, after.plan_max_age_hours);
        let signers = [
            (Setting::PlanSigners, plan_signers, &after.plan_signers),
            (Setting::RecordSigners, record_signers, &after.record_signers),
        ];
        for (setting, before, after) in signers {
            // Whoever may sign besides may let through what those before would not.
            self.members(setting, before, after, |came, _| less(came));
        }
        self.there(Setting::FailoverWhen, failover_when, &after.failover_when);
        // Who is no longer asked cannot decide on the day; one more who is changes nothing of that.
        self.members(
            Setting::FailoverApprovers,
            failover_approvers,
            &after.failover_approvers,
            |_, went| if went { Direction::Weaker } else { Direction::Other },
        );
        if replicas.is_some() && after.replicas.is_some() {
            self.there(Setting::Replicas, replicas, &after.replicas);
        }
        // Nobody looks any more at one that has left the file, and no record of it is written.
        self.members(Setting::Workspaces, workspaces, &after.workspaces, |_, went| {
            if went { Direction::Weaker } else { Direction::Stronger }
        });
    }

    /// What changes for tables that were of another group: all of it where that one is called so now, else what is weaker;
    /// `known`: what is not protected of the group that has them now is told already.
    fn of_moved(
        &mut self,
        (was, before): (&String, &GroupSettings),
        (is, after): (&String, &GroupSettings),
        renamed: bool,
        known: bool,
    ) {
        let text = |name: &String| Some(SettingValue::Text(name.clone()));
        let setting = if renamed { Setting::Name } else { Setting::TablesOf };
        self.add(setting, text(was), text(is), Direction::Other);
        let told = self.all.len();
        self.of_group(before, after);
        let of_them = self.all.split_off(told);
        let counts = |change: &SettingChange| {
            renamed || change.weakens() && !(known && change.setting == Setting::Unprotected)
        };
        self.all.extend(of_them.into_iter().filter(counts));
    }

    /// Nobody keeps the replicas of the group up any more, and its owners hear of it for the last time.
    fn of_left_group(&mut self, before: &GroupSettings) {
        self.removed(None);
        self.list(Setting::Owners, &before.owner_emails, &[]);
    }

    fn removed(&mut self, table: Option<&String>) {
        let there = Some(SettingValue::Switch(true));
        let change = self.change(Setting::Removed, there, None, Direction::Weaker);
        self.all.push(SettingChange { table: table.cloned(), ..change });
    }

    fn of_group(&mut self, before: &GroupSettings, after: &GroupSettings) {
        let GroupSettings {
            workflows,
            schedule: _,
            timezone: _,
            longest_gap_minutes,
            rpo_minutes,
            max_lag_minutes,
            min_interval_minutes,
            receipt_minutes,
            replica_retention_days,
            shrink_percent,
            max_retries,
            paused,
            unprotected: _,
            owner_emails,
        } = before;
        // Another workflow in the place of one is neither more nor less.
        self.members(Setting::Workflows, workflows, &after.workflows, |came, went| {
            match (came, went) {
                (true, true) | (false, false) => Direction::Other,
                (true, false) => Direction::Stronger,
                (false, true) => Direction::Weaker,
            }
        });
        let due = |of: &GroupSettings| (of.schedule.clone(), of.timezone.clone());
        if due(before) != due(after) {
            let direction = match longest_gap_minutes.cmp(&after.longest_gap_minutes) {
                std::cmp::Ordering::Less => Direction::Weaker,
                std::cmp::Ordering::Equal => Direction::Other,
                std::cmp::Ordering::Greater => Direction::Stronger,
            };
            let (was, is) = (before.due(), after.due());
            self.add(Setting::Schedule, Some(was), Some(is), direction);
        }
        self.longer(Setting::Objective, *rpo_minutes, after.rpo_minutes);
        if *max_lag_minutes != after.max_lag_minutes {
            let never = |minutes: Option<i64>| minutes.unwrap_or(i64::MAX);
            let direction = less(never(*max_lag_minutes) < never(after.max_lag_minutes));
            let value = |minutes: Option<i64>| minutes.map(SettingValue::Number);
            let (was, is) = (value(*max_lag_minutes), value(after.max_lag_minutes));
            self.add(Setting::MaxLag, was, is, direction);
        }
        self.longer(Setting::MinInterval, *min_interval_minutes, after.min_interval_minutes);
        self.longer(Setting::Receipt, *receipt_minutes, after.receipt_minutes);
        let (was, is) = (i64::from(*replica_retention_days), after.replica_retention_days.into());
        self.shorter(Setting::ReplicaRetention, was, is);
        let (was, is) = (i64::from(*shrink_percent), after.shrink_percent.into());
        self.shorter(Setting::ShrinkGuard, was, is);
        self.shorter(Setting::Retries, (*max_retries).into(), after.max_retries.into());
        self.pause(paused.as_ref(), after.paused.as_ref());
        self.unprotected(before, after);
        self.list(Setting::Owners, owner_emails, &after.owner_emails);
    }

    /// A pause that goes on longer protects less; another reason alone does neither, nor does one that is over.
    fn pause(&mut self, before: Option<&PauseSetting>, after: Option<&PauseSetting>) {
        if before == after {
            return;
        }
        let end = |pause: &PauseSetting| pause.until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let lasts = |pause: Option<&PauseSetting>| pause.map(end).filter(|end| *end > self.now);
        let direction = match (lasts(before), lasts(after)) {
            (was, is) if was == is => Direction::Other,
            (was, is) => less(is > was),
        };
        let value = |pause: Option<&PauseSetting>| pause.cloned().map(SettingValue::Pause);
        self.add(Setting::Paused, value(before), value(after), direction);
    }

    fn unprotected(&mut self, before: &GroupSettings, after: &GroupSettings) {
        // A catalog knows no upper and lower case: a table that is only spelled another way is the same.
        let mut tables: BTreeMap<String, [Option<(&String, &String)>; 2]> = BTreeMap::new();
        for (at, of) in [before, after].into_iter().enumerate() {
            for (table, reason) in &of.unprotected {
                tables.entry(table.to_lowercase()).or_default()[at] = Some((table, reason));
            }
        }
        for [before, after] in tables.into_values() {
            let Some((table, _)) = after.or(before) else {
                continue;
            };
            let [was, is] = [before, after].map(|of| of.map(|(_, reason)| reason));
            if was == is {
                continue;
            }
            let direction = match (was, is) {
                (Some(_), Some(_)) => Direction::Other,
                (was, is) => less(is > was),
            };
            let value = |reason: Option<&String>| reason.cloned().map(SettingValue::Text);
            self.all.push(SettingChange {
                table: Some(table.clone()),
                ..self.change(Setting::Unprotected, value(was), value(is), direction)
            });
        }
    }

    /// Whoever is taken away hears less, whoever comes instead.
    fn list(&mut self, setting: Setting, before: &[String], after: &[String]) {
        let lacks = |these: &[String], those: &[String]| {
            these.iter().any(|one| !those.iter().any(|it| it.eq_ignore_ascii_case(one)))
        };
        let direction = match (lacks(before, after), lacks(after, before)) {
            (false, false) => return,
            (true, _) => Direction::Weaker,
            (false, true) => Direction::Stronger,
        };
        let value = |texts: &[String]| {
            Some(SettingValue::Texts(texts.to_vec())).filter(|_| !texts.is_empty())
        };
        self.add(setting, value(before), value(after), direction);
    }

    /// A list that asks for nothing where it is empty: then it protects less than any other, else as `judged` says by whether some
    /// came and some went. Where one of both is not known nothing is said.
    fn members(
        &mut self,
        setting: Setting,
        before: &Option<Vec<String>>,
        after: &Option<Vec<String>>,
        judged: impl Fn(bool, bool) -> Direction,
    ) {
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        let lacks = |these: &[String], those: &[String]| these.iter().any(|it| !those.contains(it));
        let (came, went) = (lacks(after, before), lacks(before, after));
        let direction = match (came, went) {
            (false, false) => return,
            (_, _) if after.is_empty() => Direction::Weaker,
            (_, _) if before.is_empty() => Direction::Stronger,
            (came, went) => judged(came, went),
        };
        let value = |texts: &[String]| {
            Some(SettingValue::Texts(texts.to_vec())).filter(|_| !texts.is_empty())
        };
        self.add(setting, value(before), value(after), direction);
    }

    /// Something that is there or not; another in its place is neither more nor less.
    fn there(&mut self, setting: Setting, before: &Option<String>, after: &Option<String>) {
        if before == after {
            return;
        }
        let direction = match (before, after) {
            (Some(_), None) => Direction::Weaker,
            (None, _) => Direction::Stronger,
            (Some(_), Some(_)) => Direction::Other,
        };
        let value = |text: &Option<String>| text.clone().map(SettingValue::Text);
        self.add(setting, value(before), value(after), direction);
    }

    /// A number of which more protects less.
    fn longer(&mut self, setting: Setting, before: i64, after: i64) {
        self.number(setting, before, after, after > before);
    }

    /// A number of which less protects less.
    fn shorter(&mut self, setting: Setting, before: i64, after: i64) {
        self.number(setting, before, after, after < before);
    }

    fn number(&mut self, setting: Setting, before: i64, after: i64, weaker: bool) {
        if before != after {
            let value = |number: i64| Some(SettingValue::Number(number));
            self.add(setting, value(before), value(after), less(weaker));
        }
    }

    fn add(
        &mut self,
        setting: Setting,
        before: Option<SettingValue>,
        after: Option<SettingValue>,
        direction: Direction,
    ) {
        self.all.push(self.change(setting, before, after, direction));
    }

    fn change(
        &self,
        setting: Setting,
        before: Option<SettingValue>,
        after: Option<SettingValue>,
        direction: Direction,
    ) -> SettingChange {
        SettingChange { group: self.group.clone(), table: None, setting, before, after, direction }
    }
}

fn less(weaker: bool) -> Direction {
    if weaker { Direction::Weaker } else { Direction::Stronger }
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
        }
    }
}
