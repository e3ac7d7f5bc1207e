//! Every setting of a configuration held against what it was before. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Direction, Setting, SettingChange, SettingValue};
use crate::plan::settings::{GroupSettings, PauseSetting, SuccessMail, WorkspaceSettings};

/// Changes as they are found.
pub(super) struct SettingChanges {
    pub(super) now: DateTime<Utc>,
    /// The group whose settings are looked at; `None`: the workspace's own.
    pub(super) group: Option<String>,
    pub(super) all: Vec<SettingChange>,
}

impl SettingChanges {
    pub(super) fn of_workspace(&mut self, before: &WorkspaceSettings, after: &WorkspaceSettings) {
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
            configured,
        } = before;
        self.list(Setting::FailureMail, failure_mail, &after.failure_mail);
        self.list(Setting::SuccessMail, success_mail, &after.success_mail);
        // Whoever hears of no success is not protected less: of trouble those of the other list hear.
        if let Some(change) = self.all.last_mut().filter(|it| it.setting == Setting::SuccessMail) {
            change.direction = Direction::Other;
        }
        self.there(Setting::MailServer, mail_server, &after.mail_server);
        self.list(Setting::Webhooks, webhooks, &after.webhooks);
        self.webhook_keys(webhook_keys, &after.webhook_keys);
        self.heartbeat(*heartbeat, heartbeat_secret, after);
        self.success_news(*success, after.success);
        if let (Some(before), Some(after)) = (reminder_hours, after.reminder_hours) {
            self.longer(Setting::Reminder, *before, after);
        }
        self.there(Setting::SecondaryWorkspace, secondary_workspace, &after.secondary_workspace);
        self.longer(Setting::PlanMaxAge, *plan_max_age_hours, after.plan_max_age_hours);
        // Whoever may sign besides may let through what those before would not.
        self.members(Setting::PlanSigners, plan_signers, &after.plan_signers, |came, _| less(came));
        self.members(Setting::RecordSigners, record_signers, &after.record_signers, |came, _| {
            less(came)
        });
        self.there(Setting::FailoverWhen, failover_when, &after.failover_when);
        // Approvers that are taken away cannot decide on the bad day, which protects less; one more takes nothing from the
        // others.
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
        self.other_keys(configured, &after.configured);
    }

    /// Where another key is used, another listens in the place of whoever did, or whoever did takes nothing more that is signed so.
    fn webhook_keys(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        for (webhook, key) in before {
            if let Some(now) = after.get(webhook).filter(|now| *now != key) {
                let text = |key: &String| Some(SettingValue::Text(format!("{webhook} by {key}")));
                self.add(Setting::WebhookKeys, text(key), text(now), Direction::Weaker);
            }
        }
    }

    /// Where nothing leads to anybody, a change of what is told changes no protection: that of the server and the webhooks is told
    /// instead.
    fn success_news(&mut self, before: Option<SuccessMail>, after: Option<SuccessMail>) {
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            let text = |value: SuccessMail| Some(SettingValue::Text(value.as_str().to_owned()));
            self.add(Setting::SuccessNews, text(before), text(after), Direction::Other);
        }
    }

    fn heartbeat(&mut self, before: bool, secret: &Option<String>, after: &WorkspaceSettings) {
        if before != after.heartbeat {
            let direction = if before { Direction::Weaker } else { Direction::Stronger };
            let switch = |on: bool| Some(SettingValue::Switch(on));
            self.add(Setting::Heartbeat, switch(before), switch(after.heartbeat), direction);
        } else if secret.is_some() && after.heartbeat_secret.is_some() {
            // Another secret may lead to a place where nobody listens: the change protects less until somebody says otherwise.
            self.there(Setting::Heartbeat, secret, &after.heartbeat_secret);
        }
    }

    /// Keys that are compared as they are written. What a version did not know it told nothing of.
    fn other_keys(
        &mut self,
        before: &BTreeMap<String, Option<String>>,
        after: &BTreeMap<String, Option<String>>,
    ) {
        for (key, before) in before {
            let Some(after) = after.get(key).filter(|after| *after != before) else {
                continue;
            };
            let [was, is] = [before, after].map(|it| it.clone().map(SettingValue::Text));
            self.all.push(SettingChange {
                key: Some(key.clone()),
                ..self.change(Setting::Key, was, is, Direction::Other)
            });
        }
    }

    /// What changes for tables that were of another group: all of it where that one is called so now, else what is weaker;
    /// `known`: what is not protected of the group that has them now is told already.
    pub(super) fn of_moved(
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
    pub(super) fn of_left_group(&mut self, before: &GroupSettings) {
        self.removed(None);
        self.list(Setting::Owners, &before.owner_emails, &[]);
    }

    pub(super) fn removed(&mut self, table: Option<&String>) {
        let there = Some(SettingValue::Switch(true));
        let change = self.change(Setting::Removed, there, None, Direction::Weaker);
        self.all.push(SettingChange { table: table.cloned(), ..change });
    }

    pub(super) fn of_group(&mut self, before: &GroupSettings, after: &GroupSettings) {
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
    pub(super) fn list(&mut self, setting: Setting, before: &[String], after: &[String]) {
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
        let group = self.group.clone();
        SettingChange { group, table: None, setting, key: None, before, after, direction }
    }
}

fn less(weaker: bool) -> Direction {
    if weaker { Direction::Weaker } else { Direction::Stronger }
}
