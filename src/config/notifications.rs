//! Over what people are told: the mail server, webhooks and the heartbeat. Pure.

use std::collections::BTreeSet;

use chrono::Duration;
use serde::{Serialize, Serializer};
use url::Url;

use super::address::is_at_this_machine;

mod read;

pub(super) use read::read;

/// Over what people are told, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notifications {
    /// The mail server; `None`: no mail is sent.
    pub smtp: Option<Smtp>,
    /// Addresses that are told over HTTPS.
    pub webhooks: Vec<Webhook>,
    /// A dead man's switch that every apply resets.
    pub heartbeat: Option<Heartbeat>,
    /// How often synchronized groups are told of.
    pub success: Success,
    /// How often one is reminded of what goes on.
    #[serde(rename = "reminder_hours", serialize_with = "hours")]
    pub reminder: Duration,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The address that mails come from; `None`: `drsync` at the domain of whoever is told of failures.
    pub from: Option<String>,
    /// How one signs in.
    pub auth: SmtpAuth,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// It begins plain, and nothing is said before TLS.
    Starttls,
    /// It is TLS from the first byte.
    Tls,
    /// Not at all; only on this machine.
    None,
}

/// How one signs in to a mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SmtpAuth {
    /// Nobody asks.
    None,
    /// By PLAIN.
    Plain {
        /// Who.
        user: String,
        /// Secret of the password; `None`: only a variable may have it.
        password_secret: Option<String>,
    },
    /// By LOGIN.
    Login {
        /// Who.
        user: String,
        /// Secret of the password; `None`: only a variable may have it.
        password_secret: Option<String>,
    },
    /// By a token of an application.
    Xoauth2 {
        /// The mailbox.
        user: String,
        /// Where tokens come from.
        oauth: OAuth,
    },
}

/// Where the tokens of an application come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuth {
    /// The address that gives them to client credentials.
    pub token_url: Url,
    /// Id of the application.
    pub client_id: String,
    /// Secret of the application's own; `None`: only a variable may have it.
    pub client_secret_key: Option<String>,
    /// What a token is asked for.
    pub scope: String,
}

/// An address that is told over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Who listens there.
    pub kind: WebhookKind,
    /// What it is called, after its secret, in capitals: also part of the names of its variables.
    pub label: String,
    /// Secret of its address; `None`: that of its kind.
    pub url_secret: Option<String>,
    /// Secret that signs, or routes.
    pub secret_key: Option<String>,
    /// What it is told of.
    pub events: BTreeSet<Topic>,
}

/// Who listens at a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    /// A program that checks signatures of Standard Webhooks.
    Standard,
    /// A channel of Slack.
    Slack,
    /// A channel of Teams.
    Teams,
    /// PagerDuty, by its events.
    Pagerduty,
}

/// What a webhook may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What fails, changes while it fails, or still fails.
    Failing,
    /// What is well again.
    Recovered,
    /// Groups that were synchronized.
    Synchronized,
}

/// A dead man's switch by the protocol of healthchecks.io.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// Secret of the check's address.
    pub url_secret: String,
}

/// How often synchronized groups are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// After every apply that synchronized something.
    Each,
    /// Once a day.
    Daily,
    /// Never, apart from the first ever and the first after a failure.
    Off,
}

impl Default for Notifications {
    fn default() -> Notifications {
        Notifications {
            smtp: None,
            webhooks: Vec::new(),
            heartbeat: None,
            success: Success::Each,
            reminder: Duration::hours(24),
        }
    }
}

impl Notifications {
    /// Names of secrets whose values are sent to servers that are named beside them.
    pub(super) fn sent(&self) -> Vec<&str> {
        let of_smtp = self.smtp.as_ref().and_then(|smtp| match &smtp.auth {
            SmtpAuth::None => None,
            SmtpAuth::Plain { password_secret, .. } | SmtpAuth::Login { password_secret, .. } => {
                password_secret.as_deref()
            }
            SmtpAuth::Xoauth2 { oauth, .. } => oauth.client_secret_key.as_deref(),
        });
        let of_webhooks = self.webhooks.iter().filter_map(|webhook| webhook.secret_key.as_deref());
        of_smtp.into_iter().chain(of_webhooks).collect()
    }
}

/// A secret that is needed to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededSecret<'a> {
    /// For what: `smtp`, `heartbeat`, the label of a webhook.
    pub what: &'a str,
    /// The variable that may hold it.
    pub variable: String,
    /// Its name in a scope; `None`: only the variable may hold it.
    pub secret: Option<&'a str>,
    /// The webhook whose address it is.
    pub address_of: Option<&'a Webhook>,
}

impl Notifications {
    /// Every secret that is needed to tell people.
    pub fn needed(&self) -> Vec<NeededSecret<'_>> {
        let of = |what, variable: &str, secret| NeededSecret {
            what,
            variable: variable.to_owned(),
            secret,
            address_of: None,
        };
        let mut all = Vec::new();
        all.extend(self.smtp.as_ref().and_then(|smtp| match &smtp.auth {
            SmtpAuth::None => None,
            SmtpAuth::Plain { password_secret, .. } | SmtpAuth::Login { password_secret, .. } => {
                Some(of("smtp", "DRSYNC_SMTP_PASSWORD", password_secret.as_deref()))
            }
            SmtpAuth::Xoauth2 { oauth, .. } => {
                let secret = oauth.client_secret_key.as_deref();
                Some(of("smtp", "DRSYNC_SMTP_CLIENT_SECRET", secret))
            }
        }));
        let heartbeat = self.heartbeat.iter();
        all.extend(heartbeat.map(|heartbeat| {
            of("heartbeat", "DRSYNC_HEARTBEAT_URL", Some(heartbeat.url_secret.as_str()))
        }));
        for webhook in &self.webhooks {
            let label = webhook.label.as_str();
            if let Some(secret) = &webhook.url_secret {
                let variable = format!("DRSYNC_WEBHOOK_{label}_URL");
                let address_of = Some(webhook);
                all.push(NeededSecret { address_of, ..of(label, &variable, Some(secret)) });
            }
            if let Some(secret) = &webhook.secret_key {
                all.push(of(label, &format!("DRSYNC_WEBHOOK_{label}_SECRET"), Some(secret)));
            }
        }
        all
    }
}

impl WebhookKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            WebhookKind::Standard => "standard",
            WebhookKind::Slack => "slack",
            WebhookKind::Teams => "teams",
            WebhookKind::Pagerduty => "pagerduty",
        }
    }

    fn read(text: &str) -> Option<WebhookKind> {
        [WebhookKind::Standard, WebhookKind::Slack, WebhookKind::Teams, WebhookKind::Pagerduty]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl Topic {
    fn read(text: &str) -> Option<Topic> {
        match text {
            "failing" => Some(Topic::Failing),
            "recovered" => Some(Topic::Recovered),
            "synchronized" => Some(Topic::Synchronized),
            _ => None,
        }
    }
}

impl SmtpAuth {
    /// As it is written.
    pub fn as_str(&self) -> &'static str {
        match self {
            SmtpAuth::None => "none",
            SmtpAuth::Plain { .. } => "plain",
            SmtpAuth::Login { .. } => "login",
            SmtpAuth::Xoauth2 { .. } => "xoauth2",
        }
    }
}

/// Reads an address that secrets are sent to: https, or http on this machine.
///
/// # Errors
/// What is wrong with it, a fragment that repeats no part of it.
pub(crate) fn https_address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "is no address")?;
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_at_this_machine(&url) => Ok(url),
        "http" => Err("is not https"),
        _ => Err("is no https address"),
    }
}

fn hours<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.num_hours())
}
