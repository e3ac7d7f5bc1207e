//! What is not wrong with who is told, and will surprise somebody: said by `validate`. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use super::policy::KnownReceiver;
use crate::command::{Command, Verb};
use crate::config::{Smtp, SmtpAuth, Webhook, WebhookKind, WorkspaceConfig};
use crate::sentence::Sentence;

/// Something that will surprise somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Doubt {
    /// Which.
    pub code: DoubtCode,
    /// The workspace.
    pub workspace: String,
    /// For people.
    pub message: Sentence,
    /// What says why, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// Every doubt there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoubtCode {
    /// Addresses are configured, and there is no mail server.
    NoMailServer,
    /// Nobody hears of a dead scheduler.
    NoHeartbeat,
    /// Microsoft 365 ends passwords for sending mail.
    MicrosoftPassword,
    /// The address of a Teams channel is of a kind that was retired.
    TeamsRetired,
    /// A secret that is named cannot be had.
    SecretMissing,
    /// Nothing reached somebody for three days.
    NotDelivered,
}

/// For how long a message is tried; after that its receiver is doubted.
const SILENCE_MAX: TimeDelta = TimeDelta::days(3);
/// Mail servers of Microsoft 365.
const MICROSOFT: [&str; 3] =
    ["smtp.office365.com", "smtp-mail.outlook.com", "outlook.office365.com"];
/// What addresses of Teams began or ended with before flows took their place.
const RETIRED: [&str; 2] = ["webhook.office.com", "outlook.office.com"];

/// What a configuration says of a workspace, as far as it can be doubted without a secret.
pub fn doubts(workspace: &WorkspaceConfig) -> Vec<Doubt> {
    let doubt = |code: DoubtCode, message: Sentence| Doubt {
        code,
        workspace: workspace.name.clone(),
        message,
        command: None,
    };
    let mut doubts = Vec::new();
    let notifications = workspace.notifications.as_ref();
    let smtp = notifications.and_then(|it| it.smtp.as_ref());
    if smtp.is_none() {
        let mut addresses: Vec<String> = workspace
            .failure_notification
            .iter()
            .chain(&workspace.success_notification)
            .chain(workspace.groups.iter().flat_map(|entry| match entry {
                crate::config::GroupEntry::Valid(group) => &group.owner_emails,
                crate::config::GroupEntry::Invalid { owner_emails, .. } => owner_emails,
            }))
            .map(|address| address.to_lowercase())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        let addresses = match addresses.len() {
            1 => "1 address hears nothing".to_owned(),
            many => format!("{many} addresses hear nothing"),
        };
        let message = format!("no mail is sent: notifications.smtp is not set, and {addresses}");
        doubts.push(doubt(DoubtCode::NoMailServer, message.into()));
    }
    let Some(notifications) = notifications else {
        return doubts;
    };
    if let Some(smtp) = smtp.filter(|smtp| is_password_at_microsoft(smtp)) {
        let message = format!(
            "{} ends sign-in with a password for sending mail (off by default from the end of December 2026): write \"auth\": \"xoauth2\"",
            smtp.host
        );
        doubts.push(doubt(DoubtCode::MicrosoftPassword, message.into()));
    }
    if notifications.heartbeat.is_none() {
        let message =
            "nobody hears of a scheduler that is dead: notifications.heartbeat is not set";
        doubts.push(doubt(DoubtCode::NoHeartbeat, message.into()));
    }
    doubts
}

fn is_password_at_microsoft(smtp: &Smtp) -> bool {
    let at_microsoft = MICROSOFT.contains(&smtp.host.to_lowercase().as_str());
    match smtp.auth {
        SmtpAuth::Plain { .. } | SmtpAuth::Login { .. } => at_microsoft,
        SmtpAuth::None | SmtpAuth::Xoauth2 { .. } => false,
    }
}

/// What can be doubted of a webhook once its address is known; the address itself is not told.
pub fn of_address(workspace: &str, webhook: &Webhook, address: &str) -> Option<Doubt> {
    let retired = match webhook.kind {
        WebhookKind::Teams => {
            let url = Url::parse(address.trim()).ok()?;
            let host = url.host_str()?.to_lowercase();
            RETIRED.iter().any(|end| host == *end || host.ends_with(&format!(".{end}")))
        }
        WebhookKind::Standard | WebhookKind::Slack | WebhookKind::Pagerduty => false,
    };
    retired.then(|| Doubt {
        code: DoubtCode::TeamsRetired,
        workspace: workspace.to_owned(),
        message: format!(
            "{}: connectors of Office 365 were retired in May 2026; make a flow (Workflows) and put its address into the secret",
            webhook.label
        )
        .into(),
        command: None,
    })
}

/// A secret that cannot be had: what it was for is not told until it can.
pub fn of_secret(workspace: &str, what: &str, why: &Sentence) -> Doubt {
    Doubt {
        code: DoubtCode::SecretMissing,
        workspace: workspace.to_owned(),
        message: format!("{what}: {why}").into(),
        command: None,
    }
}

/// Somebody whom nothing reached for three days, of what there was to send.
pub fn of_silence(
    workspace: &str,
    known: &KnownReceiver,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Doubt> {
    (now - since >= SILENCE_MAX).then(|| Doubt {
        code: DoubtCode::NotDelivered,
        workspace: workspace.to_owned(),
        message: format!(
            "{}: nothing was delivered since {}",
            known.shown,
            since.format("%Y-%m-%d %H:%M:%SZ")
        )
        .into(),
        command: Some(Command::new(Verb::Notify).word("test").word(known.name.as_str())),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn connectors_of_teams_are_known_by_their_host() {
        let webhook = Webhook {
            kind: WebhookKind::Teams,
            label: "TEAMS".to_owned(),
            url_secret: None,
            secret_key: None,
            events: BTreeSet::new(),
        };
        let retired = |address: &str| of_address("east", &webhook, address).is_some();
        assert!(retired("https://example.webhook.office.com/webhookb2/x"));
        assert!(!retired("https://prod-1.westeurope.logic.azure.com/workflows/x"));
        assert!(!retired("https://notwebhook.office.com.example.test/"));
    }
}
