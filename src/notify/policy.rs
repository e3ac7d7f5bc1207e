//! Who is told what of a workspace, and over what, as the configuration says. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

use super::address::hash_of;
use super::incident::{Class, Incident};
use super::round::LeftWorkspace;
use crate::config::{Hearers, Smtp, Success, Topic, Webhook, WebhookKind, WorkspaceConfig};
use crate::plan::{ProtectionSettings, Role, webhook_entry};

/// Who is told what of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The workspace.
    pub workspace: String,
    /// The workspace whose secrets the server and the webhooks need: this one, while it is configured.
    pub secrets_of: String,
    /// What its secondary is called, where it has a name; the primary is called as the workspace.
    pub secondary: Option<String>,
    /// Who hears of all failures.
    pub failure: Vec<String>,
    /// Who hears of all successes.
    pub success_list: Vec<String>,
    /// Who hears of a group, by its name.
    pub owners: BTreeMap<String, Vec<String>>,
    /// The mail server; `None`: no mail is sent.
    pub smtp: Option<Smtp>,
    /// Addresses that are told over HTTPS.
    pub webhooks: Vec<Webhook>,
    /// How often synchronized groups are told of.
    pub success: Success,
    /// How often one is reminded of what goes on.
    pub reminder: Duration,
    /// Over what people were told before and are not any more: that much less is told them over it.
    pub before: Before,
}

/// Servers over which people were told until the configuration took them away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before {
    /// The mail server, where there is none now.
    pub smtp: Option<Smtp>,
    /// Webhooks that the configuration does not have any more.
    pub webhooks: Vec<Webhook>,
}

/// Somebody who may be told, as records and as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownReceiver {
    workspace: Option<String>,
    to: String,
    /// The address, or the name of the webhook: what `notify test` takes.
    pub name: String,
    /// As whoever configured it knows it.
    pub shown: String,
}

impl Webhook {
    /// Whether both are told in one place.
    fn is_where(&self, other: &Webhook) -> bool {
        let routed = match self.kind {
            WebhookKind::Pagerduty => self.secret_key == other.secret_key,
            WebhookKind::Standard | WebhookKind::Slack | WebhookKind::Teams => true,
        };
        self.kind == other.kind && self.label == other.label && routed
    }
}

impl KnownReceiver {
    /// Whether a record means this one.
    pub fn is(&self, workspace: Option<&str>, to: &str) -> bool {
        self.workspace.as_deref() == workspace && self.to == to
    }
}

impl Policy {
    /// What a configuration says of a workspace; `None`: nobody is to be told of anything, because there is nothing to tell over.
    pub fn of(workspace: &WorkspaceConfig) -> Option<Policy> {
        Policy::of_hearers(Hearers::of(workspace))
    }

    /// What those hear whom a workspace names, whether or not it can be used; `None` as of [`Policy::of`].
    pub fn of_hearers(hearers: Hearers) -> Option<Policy> {
        Some(Policy::over_any(hearers)).filter(|policy| !policy.is_silent())
    }

    /// The same, with what an apply of this machine last used of the workspace: over what that told and the configuration does not
    /// those hear it who heard before.
    pub fn with_before(
        workspace: &WorkspaceConfig,
        used: Option<&WorkspaceConfig>,
    ) -> Option<Policy> {
        let policy = Policy::over_any(Hearers::of(workspace));
        let used = used.and_then(Policy::of);
        let before = used.map(|Policy { smtp, webhooks, .. }| Before {
            smtp: smtp.filter(|_| policy.smtp.is_none()),
            webhooks: { webhooks.into_iter() }
                .filter(|it| !policy.webhooks.iter().any(|other| other.is_where(it)))
                .collect(),
        });
        let policy = Policy { before: before.unwrap_or_default(), ..policy };
        let told = !policy.is_silent() || policy.before != Before::default();
        told.then_some(policy)
    }

    /// Whether nobody is told anything any more.
    pub fn is_silent(&self) -> bool {
        self.smtp.is_none() && self.webhooks.is_empty()
    }

    fn over_any(hearers: Hearers) -> Policy {
        let Hearers { notifications, failure_notification, success_notification, .. } = hearers;
        let notifications = notifications.unwrap_or_default();
        let smtp = notifications.smtp.map(|smtp| {
            let domain = failure_notification.first();
            let domain = domain.and_then(|address| address.rsplit_once('@'));
            let otherwise = domain.map(|(_, domain)| format!("drsync@{domain}"));
            Smtp { from: smtp.from.or(otherwise), ..smtp }
        });
        Policy {
            secrets_of: hearers.workspace.clone(),
            workspace: hearers.workspace,
            secondary: hearers.secondary,
            failure: failure_notification,
            success_list: success_notification,
            owners: hearers.owner_emails,
            smtp,
            webhooks: notifications.webhooks,
            success: notifications.success,
            reminder: notifications.reminder,
            before: Before::default(),
        }
    }

    /// What those hear who heard of a workspace before it left the configuration: over the server and the webhooks of those that
    /// stayed, for what its own needed is configured no more. The server that it had is taken before another.
    pub fn of_left(left: &LeftWorkspace, stayed: &[Policy]) -> Policy {
        let ProtectionSettings { workspace: settings, groups } = &left.settings;
        let owners = groups.iter().map(|(name, group)| (name.clone(), group.owner_emails.clone()));
        let heard = |webhook: &Webhook| {
            let told = |topic: &Topic| settings.webhooks.contains(&webhook_entry(webhook, *topic));
            let events = webhook.events.iter().copied().filter(told).collect();
            Webhook { events, ..webhook.clone() }
        };
        let mail = || stayed.iter().filter(|policy| policy.smtp.is_some());
        let host = |policy: &Policy| policy.smtp.as_ref().map(|smtp| smtp.host.clone());
        let its_own = mail().find(|policy| host(policy) == settings.mail_server);
        let over = its_own.or_else(|| mail().next()).or(stayed.first());
        Policy {
            workspace: left.workspace.clone(),
            secrets_of: over.map_or(left.workspace.clone(), |over| over.secrets_of.clone()),
            secondary: None,
            failure: settings.failure_mail.clone(),
            success_list: settings.success_mail.clone(),
            owners: owners.collect(),
            smtp: over.and_then(|over| over.smtp.clone()),
            webhooks: over
                .map(|over| over.webhooks.iter().map(heard).collect())
                .unwrap_or_default(),
            success: Success::Off,
            reminder: over.map_or(Duration::hours(24), |over| over.reminder),
            before: Before::default(),
        }
    }

    /// Everybody who may be told of the workspace.
    pub fn receivers(&self) -> Vec<KnownReceiver> {
        let owners = self.owners.values().flatten();
        let addresses: BTreeSet<String> = (self.failure.iter().chain(&self.success_list))
            .chain(owners)
            .map(|address| address.to_lowercase())
            .collect();
        let mails =
            addresses.into_iter().filter(|_| self.smtp.is_some()).map(|address| KnownReceiver {
                workspace: None,
                to: hash_of(&address),
                name: address.clone(),
                shown: address,
            });
        let webhooks = self.webhooks.iter().map(|webhook| KnownReceiver {
            workspace: Some(self.workspace.clone()),
            to: webhook.label.clone(),
            name: webhook.label.clone(),
            shown: format!("{} {}", webhook.kind.as_str(), webhook.label),
        });
        mails.chain(webhooks).collect()
    }

    /// What people call what an incident of no group is about: a region, or all of the workspace.
    pub(super) fn region(&self, incident: &Incident) -> String {
        match (incident.side, &self.secondary) {
            (Some(Role::Primary), _) => self.workspace.clone(),
            (None, _) if incident.class == Class::NotBegun => self.workspace.clone(),
            (Some(Role::Secondary), Some(name)) => name.clone(),
            (Some(Role::Secondary) | None, _) => format!("the secondary of {}", self.workspace),
        }
    }
}
