//! What webhooks are sent: Standard Webhooks, Slack, Teams and PagerDuty, each in its own words. Pure.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::chat::{cut, slack, teams};
use super::incident::{Class, Closed, Incident, Telling};
use super::letter::{Text, mail_id, text};
use super::letters::{Letter, LetterItem, News};
use crate::config::WebhookKind;
use crate::plan::SettingChange;

/// Characters of a summary that PagerDuty takes.
const SUMMARY_MAX: usize = 1024;

/// One request to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The same whenever it is sent: receivers know a repetition by it.
    pub id: String,
    /// Incidents that it is about.
    pub incidents: Vec<String>,
    /// The body, JSON; of PagerDuty without its routing key.
    pub body: Value,
}

/// The requests of a message to a webhook of a kind: chats get one with everything, programs one for each thing.
pub fn calls(letter: &Letter, kind: WebhookKind) -> Vec<Call> {
    let each = || letter.items.iter();
    match kind {
        WebhookKind::Slack => vec![chat(letter, slack)],
        WebhookKind::Teams => vec![chat(letter, teams)],
        WebhookKind::Standard => each().map(|item| standard(letter, item)).collect(),
        WebhookKind::Pagerduty => each().flat_map(|item| pagerduty(letter, item)).collect(),
    }
}

fn chat(letter: &Letter, body: impl Fn(&Text) -> Value) -> Call {
    let text = text(letter);
    let incidents = letter.items.iter().filter_map(incident).map(|it| it.id.clone()).collect();
    Call { id: text.id.clone(), incidents, body: body(&text) }
}

fn incident(item: &LetterItem) -> Option<&Incident> {
    match item {
        LetterItem::Incident { incident, .. } => Some(incident),
        LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => None,
    }
}

/// The same message with one thing alone.
fn alone(letter: &Letter, item: &LetterItem) -> Text {
    text(&Letter { items: vec![item.clone()], ..letter.clone() })
}

fn standard(letter: &Letter, item: &LetterItem) -> Call {
    let text = alone(letter, item);
    let (id, kind, data) = match item {
        LetterItem::Incident { workspace, news, incident, region, both_away, next, groups } => {
            let what = match news {
                News::Opened => "opened",
                News::Changed => "changed",
                News::Reminded => "reminded",
                News::Closed => "closed",
            };
            // Who else was told is nobody's business.
            let told = Telling { to: Vec::new(), ..incident.told.clone() };
            let weakened = incident.weakened.iter().map(SettingChange::without_addresses);
            let closed = incident.closed.clone();
            let closed = closed.map(|closed| Closed { owners: Vec::new(), ..closed });
            let incident =
                &Incident { told, closed, weakened: weakened.collect(), ..incident.clone() };
            let data = json!({
                "workspace": workspace,
                "incident": incident,
                "region": incident.side.map(|_| region),
                "both_away": incident.side.map(|_| both_away),
                "groups": groups,
                "next_reminder_at": next.to_rfc3339_opts(SecondsFormat::Millis, true),
            });
            let id = format!("{}.{}", incident.id, letter.run_id.to_lowercase());
            (id, format!("drsync.{}.{what}", incident.class.as_str()), data)
        }
        LetterItem::Synchronized { done } => {
            let data = json!({ "workspace": done.workspace, "group": done.group, "cut": done.cut });
            let id = mail_id(&letter.run_id, &format!("{}\n{}", done.workspace, done.group));
            (id, "drsync.group.synchronized".to_owned(), data)
        }
        LetterItem::Digest { workspace, digest } => {
            let id = mail_id(&letter.run_id, &format!("{workspace}\ndigest"));
            let data = json!({ "workspace": workspace, "digest": digest });
            (id, "drsync.digest".to_owned(), data)
        }
    };
    let mut data = data;
    if letter.test {
        data["test"] = json!(true);
    }
    data["run_id"] = json!(letter.run_id);
    data["text"] = json!(text.verdict);
    let body = json!({
        "type": kind,
        "timestamp": letter.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": data,
    });
    Call { id, incidents: incident(item).map(|it| it.id.clone()).into_iter().collect(), body }
}

/// Events of PagerDuty: what it was told once it knows, so reminders are left out; every id that was ever opened is resolved.
fn pagerduty(letter: &Letter, item: &LetterItem) -> Vec<Call> {
    let LetterItem::Incident { workspace, news, incident, .. } = item else {
        return Vec::new();
    };
    let text = alone(letter, item);
    let keys = std::iter::once(&incident.id).chain(&incident.also);
    let call = |key: &String, body: Value| Call {
        id: format!("{key}.{}", letter.run_id.to_lowercase()),
        incidents: vec![incident.id.clone()],
        body,
    };
    match news {
        News::Reminded => Vec::new(),
        News::Opened | News::Changed => {
            let severity = match incident.class {
                Class::NotBegun | Class::RegionAway => "critical",
                Class::Failing | Class::SecondaryUnwatched => "error",
                Class::RpoBreached | Class::ProtectionWeakened => "warning",
            };
            let details: serde_json::Map<String, Value> =
                text.facts.iter().map(|(label, fact)| ((*label).to_owned(), json!(fact))).collect();
            let body = json!({
                "event_action": "trigger",
                "dedup_key": incident.id,
                "payload": {
                    "summary": cut(&text.verdict, SUMMARY_MAX),
                    "source": workspace,
                    "severity": severity,
                    "component": incident.group,
                    "class": incident.class.as_str(),
                    "custom_details": details,
                },
            });
            vec![call(&incident.id, body)]
        }
        News::Closed => keys
            .map(|key| call(key, json!({ "event_action": "resolve", "dedup_key": key })))
            .collect(),
    }
}
