//! Changes of what protects, in words: which setting, as it was and as it is. Pure.

use super::{Direction, Setting, SettingChange, SettingValue};
use crate::figures::minute;
use crate::harmless::clean;
use crate::plan::settings::PauseSetting;
use crate::text::{plural_as, span};

impl SettingChange {
    /// Which way it changed: `weaker`, `told less`, `stronger`, `changed`.
    pub(crate) fn way(&self) -> &'static str {
        word_of(self.direction, self.setting)
    }

    /// What the setting is called on screen.
    pub(crate) fn called(&self) -> &'static str {
        name_of(self.setting)
    }

    /// As it was and as it is; texts of others in it are as they were written.
    pub(crate) fn values(&self) -> [String; 2] {
        let table = self.table.as_deref();
        [&self.before, &self.after].map(|value| value_of(self.setting, table, value.as_ref()))
    }

    /// `objective: 12h, now 347d`, harmless.
    pub(crate) fn says(&self) -> String {
        let [before, after] = self.values().map(|value| clean(&value));
        let called = self.key.as_deref().map_or(self.called().to_owned(), clean);
        format!("{called}: {before}, now {after}")
    }
}

fn word_of(direction: Direction, setting: Setting) -> &'static str {
    match (direction, setting) {
        (
            Direction::Weaker,
            Setting::Owners
            | Setting::FailureMail
            | Setting::SuccessMail
            | Setting::MailServer
            | Setting::Webhooks
            | Setting::WebhookKeys
            | Setting::Heartbeat
            | Setting::SuccessNews
            | Setting::Reminder,
        ) => "told less",
        (
            Direction::Weaker,
            Setting::Schedule
            | Setting::Objective
            | Setting::MaxLag
            | Setting::MinInterval
            | Setting::Receipt
            | Setting::ReplicaRetention
            | Setting::ShrinkGuard
            | Setting::Retries
            | Setting::Paused
            | Setting::Unprotected
            | Setting::SecondaryWorkspace
            | Setting::PlanMaxAge
            | Setting::PlanSigners
            | Setting::RecordSigners
            | Setting::FailoverWhen
            | Setting::FailoverApprovers
            | Setting::Replicas
            | Setting::Workspaces
            | Setting::Workflows
            | Setting::Name
            | Setting::TablesOf
            | Setting::Removed
            | Setting::Key,
        ) => "weaker",
        (Direction::Stronger, _) => "stronger",
        (Direction::Other, _) => "changed",
    }
}

fn name_of(setting: Setting) -> &'static str {
    match setting {
        Setting::Schedule => "schedule",
        Setting::Objective => "objective",
        Setting::MaxLag => "longest lag",
        Setting::MinInterval => "least interval",
        Setting::Receipt => "look at sources",
        Setting::ReplicaRetention => "retention of replicas",
        Setting::ShrinkGuard => "shrink guard",
        Setting::Retries => "retries",
        Setting::Paused => "paused",
        Setting::Unprotected => "not protected",
        Setting::Owners => "owner mail",
        Setting::FailureMail => "failure mail",
        Setting::SuccessMail => "success mail",
        Setting::MailServer => "mail server",
        Setting::Webhooks => "webhooks",
        Setting::WebhookKeys => "secrets of webhooks",
        Setting::Heartbeat => "heartbeat",
        Setting::SuccessNews => "news of successes",
        Setting::Reminder => "reminder",
        Setting::SecondaryWorkspace => "secondary workspace",
        Setting::PlanMaxAge => "longest wait of a plan",
        Setting::PlanSigners => "signature of plans",
        Setting::RecordSigners => "signature of run records",
        Setting::FailoverWhen => "when to fail over",
        Setting::FailoverApprovers => "who decides on failover",
        Setting::Replicas => "place of replicas",
        Setting::Workspaces => "workspaces of the configuration",
        Setting::Workflows => "workflow",
        Setting::Name => "name",
        Setting::TablesOf => "tables that were of",
        Setting::Removed => "protected",
        Setting::Key => "configuration",
    }
}

fn value_of(setting: Setting, table: Option<&str>, value: Option<&SettingValue>) -> String {
    let time = |seconds_each: i64, number: i64| match (seconds_each * number, number) {
        // Weeks and more are whole days as often as not.
        (seconds, _) if seconds >= 4 * 86_400 && seconds % 86_400 == 0 => {
            format!("{}d", seconds / 86_400)
        }
        (_, 0) => "none".to_owned(),
        (seconds, _) => span(seconds),
    };
    match (setting, value) {
        (Setting::MaxLag, None) => "never".to_owned(),
        (Setting::PlanSigners | Setting::RecordSigners, None) => "not asked for".to_owned(),
        (Setting::FailoverWhen | Setting::FailoverApprovers, None) => "not written down".to_owned(),
        (Setting::Workflows, None) => "none, by schedule alone".to_owned(),
        (Setting::PlanSigners | Setting::RecordSigners, Some(SettingValue::Texts(keys))) => {
            format!("by {}", keys.join(" or "))
        }
        (Setting::Paused, None) => "no".to_owned(),
        (Setting::Unprotected, None) => format!("{} is protected", table.unwrap_or_default()),
        (Setting::Removed, None) if table.is_some() => "of no group".to_owned(),
        (Setting::Removed, None) => "no longer configured".to_owned(),
        (Setting::Removed, Some(_)) => table.unwrap_or("yes").to_owned(),
        (_, None) => "none".to_owned(),
        (Setting::Unprotected, Some(SettingValue::Text(reason))) => {
            format!("{} (\"{reason}\")", table.unwrap_or_default())
        }
        (_, Some(SettingValue::Switch(on))) => if *on { "on" } else { "off" }.to_owned(),
        (Setting::ShrinkGuard, Some(SettingValue::Number(0))) => "off".to_owned(),
        (Setting::ShrinkGuard, Some(SettingValue::Number(percent))) => format!("{percent} %"),
        (Setting::ReplicaRetention, Some(SettingValue::Number(days))) => format!("{days}d"),
        (
            Setting::Objective | Setting::MaxLag | Setting::MinInterval | Setting::Receipt,
            Some(SettingValue::Number(minutes)),
        ) => time(60, *minutes),
        (Setting::Reminder | Setting::PlanMaxAge, Some(SettingValue::Number(hours))) => {
            time(3_600, *hours)
        }
        (
            Setting::Owners | Setting::FailureMail | Setting::SuccessMail,
            Some(SettingValue::Number(addresses)),
        ) => plural_as(u64::try_from(*addresses).unwrap_or_default(), "address", "addresses"),
        (_, Some(SettingValue::Number(number))) => number.to_string(),
        (_, Some(SettingValue::Text(text))) => text.clone(),
        (_, Some(SettingValue::Texts(texts))) => texts.join(", "),
        (_, Some(SettingValue::Pause(PauseSetting { reason, until }))) => match until {
            Some(until) => format!("yes, until {}: {reason}", minute(*until)),
            None => format!("yes, without an end: {reason}"),
        },
    }
}
