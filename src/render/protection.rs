//! Changes of what protects, in words: which setting, as it was and as it is.

use super::clean::{clean, name};
use super::figures::{minute, plural};
use super::page::Setting as Told;
use super::shown::label_among;
use super::{Style, writers};
use crate::plan::{
    ComparedWith, Direction, PauseSetting, Plan, Setting, SettingChange, SettingValue,
};
use crate::text::span;

/// What a change says; texts of others in it are as they were written.
pub(super) fn told(several: bool, workspace: &str, change: &SettingChange) -> Told {
    let table = change.table.as_deref();
    let value = |value: Option<&SettingValue>| value_of(change.setting, table, value);
    Told {
        who: match &change.group {
            Some(group) => label_among(several, workspace, group),
            None => name(workspace),
        },
        word: word(change),
        weaker: change.weakens(),
        setting: setting(change.setting),
        before: value(change.before.as_ref()),
        after: value(change.after.as_ref()),
    }
}

/// `objective: 12h, now 347d`, harmless.
pub(crate) fn sentence(workspace: &str, change: &SettingChange) -> String {
    writers::text::phrase(&told(false, workspace, change).says(), &Style::default())
}

/// Every change of a plan, with its workspace.
pub(super) fn of_plan(plan: &Plan) -> impl Iterator<Item = (&str, &SettingChange)> {
    plan.workspaces.iter().flat_map(|workspace| {
        workspace.settings_changes.iter().map(move |change| (workspace.name.as_str(), change))
    })
}

/// What a plan changes of the protection, as far as it fits.
pub(super) fn settings(plan: &Plan, fits: impl Fn(&SettingChange) -> bool) -> Vec<Told> {
    let several = plan.workspaces.len() > 1;
    let changes = of_plan(plan).filter(|(_, change)| fits(change));
    changes.map(|(workspace, change)| told(several, workspace, change)).collect()
}

/// With what the settings of a plan were compared, each once.
pub(super) fn all_compared(plan: &Plan) -> Vec<String> {
    let changed = plan.workspaces.iter().filter(|workspace| !workspace.settings_changes.is_empty());
    let with = changed.filter_map(|workspace| workspace.settings_compared_with.as_ref());
    let mut with: Vec<String> = with.map(compared).collect();
    with.dedup();
    with
}

/// `2 groups and of east`: of whom something changed that fits.
pub(super) fn of_whom<'a>(
    changes: impl Iterator<Item = (&'a str, &'a SettingChange)>,
) -> Option<String> {
    let (mut groups, mut workspaces) = (Vec::new(), Vec::new());
    for (workspace, change) in changes {
        match &change.group {
            Some(group) => groups.push((workspace, group)),
            None => workspaces.push(name(workspace)),
        }
    }
    groups.sort_unstable();
    groups.dedup();
    workspaces.sort_unstable();
    workspaces.dedup();
    let mut parts: Vec<String> = match groups.as_slice() {
        [] => Vec::new(),
        [(_, group)] => vec![name(group)],
        several => vec![plural(several.len(), "group")],
    };
    parts.extend(workspaces);
    (!parts.is_empty()).then(|| parts.join(" and of "))
}

/// `weakens the protection of 2 groups and of east`; `None`: nothing is weaker.
pub(super) fn weakens(plan: &Plan) -> Option<String> {
    let whom = of_whom(of_plan(plan).filter(|(_, change)| change.weakens()))?;
    Some(format!("weakens the protection of {whom}"))
}

/// With what settings were compared.
pub(super) fn compared(with: &ComparedWith) -> String {
    match with {
        ComparedWith::Record { run_id, ended_at } => {
            format!("the settings of run {} ({})", clean(run_id), minute(*ended_at))
        }
        ComparedWith::Configuration { source, sha256: _ } => {
            format!("the settings of {}", clean(source))
        }
    }
}

fn word(change: &SettingChange) -> &'static str {
    match (change.direction, change.setting) {
        (
            Direction::Weaker,
            Setting::Owners
            | Setting::FailureMail
            | Setting::SuccessMail
            | Setting::MailServer
            | Setting::Webhooks
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
            | Setting::Workflows
            | Setting::Name
            | Setting::TablesOf,
        ) => "weaker",
        (Direction::Stronger, _) => "stronger",
        (Direction::Other, _) => "changed",
    }
}

fn setting(setting: Setting) -> &'static str {
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
        Setting::Workflows => "workflow",
        Setting::Name => "name",
        Setting::TablesOf => "tables that were of",
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
        (_, Some(SettingValue::Number(number))) => number.to_string(),
        (_, Some(SettingValue::Text(text))) => text.clone(),
        (_, Some(SettingValue::Texts(texts))) => texts.join(", "),
        (_, Some(SettingValue::Pause(PauseSetting { reason, until }))) => match until {
            Some(until) => format!("yes, until {}: {reason}", minute(*until)),
            None => format!("yes, without an end: {reason}"),
        },
    }
}
