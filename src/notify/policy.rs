//! Who is told what of a workspace, and over what, as the configuration says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

use super::address::hash_of;
use super::incident::{Class, Incident};
use crate::config::{Hearers, Smtp, Success, Webhook, Workspace};
use crate::plan::Role;

/// Who is told what of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The workspace.
    pub workspace: String,
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
}

/// Somebody who may be told, as records and as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    workspace: Option<String>,
    to: String,
    /// The address, or the name of the webhook: what `notify test` takes.
    pub name: String,
    /// As whoever configured it knows it.
    pub shown: String,
}

impl Known {
    /// Whether a record means this one.
    pub fn is(&self, workspace: Option<&str>, to: &str) -> bool {
        self.workspace.as_deref() == workspace && self.to == to
    }
}

impl Policy {
    /// What a configuration says of a workspace; `None`: nobody is to be told of anything, because there is nothing to tell over.
    pub fn of(workspace: &Workspace) -> Option<Policy> {
        Policy::of_hearers(Hearers::of(workspace))
    }

    /// What those hear whom a workspace names, whether or not it can be used; `None` as of [`Policy::of`].
    pub fn of_hearers(hearers: Hearers) -> Option<Policy> {
        let Hearers { notifications, failure_notification, success_notification, .. } = hearers;
        let notifications = notifications?;
        if notifications.smtp.is_none() && notifications.webhooks.is_empty() {
            return None;
        }
        let smtp = notifications.smtp.map(|smtp| {
            let domain = failure_notification.first();
            let domain = domain.and_then(|address| address.rsplit_once('@'));
            let otherwise = domain.map(|(_, domain)| format!("drsync@{domain}"));
            Smtp { from: smtp.from.or(otherwise), ..smtp }
        });
        Some(Policy {
            workspace: hearers.workspace,
            secondary: hearers.secondary,
            failure: failure_notification,
            success_list: success_notification,
            owners: hearers.owner_emails,
            smtp,
            webhooks: notifications.webhooks,
            success: notifications.success,
            reminder: notifications.reminder,
        })
    }

    /// Everybody who may be told of the workspace.
    pub fn receivers(&self) -> Vec<Known> {
        let owners = self.owners.values().flatten();
        let addresses: BTreeSet<String> = (self.failure.iter().chain(&self.success_list))
            .chain(owners)
            .map(|address| address.to_lowercase())
            .collect();
        let mails = addresses.into_iter().filter(|_| self.smtp.is_some()).map(|address| Known {
            workspace: None,
            to: hash_of(&address),
            name: address.clone(),
            shown: address,
        });
        let webhooks = self.webhooks.iter().map(|webhook| Known {
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
