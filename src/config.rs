//! Desired state: workspaces and sync groups, read from JSON, checked as a whole, every mistake reported at once. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Duration, Utc};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;
use crate::sentence::Sentence;

mod across;
mod address;
mod as_written;
mod connection;
mod credentials;
mod effective;
mod fields;
mod group;
mod json;
mod keys;
mod load;
mod location;
mod name;
mod name_path;
mod not_json;
mod notifications;
mod read;
mod settings;
mod values;
mod workspace_draft;
mod written;

pub use address::WorkspaceAddress;
pub(crate) use address::is_at_this_machine;
pub use connection::Connection;
pub use keys::{Compared, KEYS, Key, Level, ValueShape};
pub use load::{ConfigError, load};
pub use location::{LocationAddress, LocationError, Scheme, check_path};
pub use name::{NameError, TableName, TableRef, WorkflowRef};
pub(crate) use notifications::https_address;
pub use notifications::{
    Heartbeat, NeededSecret, Notifications, OAuth, Security, Smtp, SmtpAuth, Success, Topic,
    Webhook, WebhookKind,
};
pub use read::{read_files, read_text};
pub use values::token_variable;
pub use written::WrittenKeys;

/// What was read: the usable part of every workspace, and every mistake of the rest.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Where it was read from, as the user named it.
    pub source: String,
    /// SHA-256 of the bytes read (of all files in name order, for a directory), hex.
    pub sha256: String,
    /// SHA-256 of the canonical JSON of the effective configuration: defaults filled in, comments and order of keys gone.
    pub effective_sha256: String,
    /// Keys of which one has to have signed a stored plan: minisign public keys, or files of them relative to the configuration.
    pub require_signature: Vec<String>,
    /// Keys of which one has to sign every run record, those of runners: written as the others are.
    pub require_signed_records: Vec<String>,
    /// The workspaces that can be used, in the order of the file.
    pub workspaces: Vec<WorkspaceConfig>,
    /// Every mistake, sorted by file and line.
    pub mistakes: Vec<Mistake>,
    /// A part of the configuration could not be understood at all (a file, a workspace): nothing is retired.
    pub incomplete: bool,
    /// Workspaces that cannot be used, as far as they say whom to tell of that.
    pub unusable: Vec<Unusable>,
    /// Secrets that stand in it, where they do not belong: nothing that was read holds one, and nobody is told any.
    pub secrets: Vec<SecretString>,
}

impl Configuration {
    /// Whether anything in it is wrong: no command that needs all of it ends well.
    pub fn is_mistaken(&self) -> bool {
        self.incomplete || !self.mistakes.is_empty()
    }
}

/// Whom a workspace names that cannot be used.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// Why it cannot be used, a fragment.
    pub why: Sentence,
    /// Whom it names, and over what they are told.
    pub hearers: Hearers,
}

/// Whom a workspace names, and over what they are told.
#[derive(Debug, Clone)]
pub struct Hearers {
    /// The workspace.
    pub workspace: String,
    /// What its secondary is called, where it has a name.
    pub secondary: Option<String>,
    /// Who is told of failures.
    pub failure_notification: Vec<String>,
    /// Who is told of successes.
    pub success_notification: Vec<String>,
    /// Who is told of a group, by its name.
    pub owner_emails: BTreeMap<String, Vec<String>>,
    /// Over what.
    pub notifications: Option<Notifications>,
    /// Where secrets are looked up.
    pub secret_scope: Option<String>,
}

impl Hearers {
    /// Those of a workspace that can be used.
    pub fn of(workspace: &WorkspaceConfig) -> Hearers {
        Hearers {
            workspace: workspace.name.clone(),
            secondary: workspace.connection.secondary_name.clone(),
            failure_notification: workspace.failure_notification.clone(),
            success_notification: workspace.success_notification.clone(),
            owner_emails: owner_emails(&workspace.groups),
            notifications: workspace.notifications.clone(),
            secret_scope: workspace.connection.secret_scope.clone(),
        }
    }
}

/// Who is told of each group that has a name.
fn owner_emails(groups: &[GroupEntry]) -> BTreeMap<String, Vec<String>> {
    let owners = groups.iter().filter_map(|entry| match entry {
        GroupEntry::Valid(group) => Some((group.name.clone(), group.owner_emails.clone())),
        GroupEntry::Invalid { name, owner_emails, mistakes: _ } => {
            Some((name.clone()?, owner_emails.clone()))
        }
    });
    owners.collect()
}

/// One mistake of a configuration: where it is, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mistake {
    /// The file, as the user named it.
    pub file: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// JSON path, for example `workspaces[0].sync_groups[2].tables[1]`.
    pub path: String,
    /// The name of the group that it stands in, as it is written, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What is wrong, a lowercase fragment.
    pub message: Sentence,
    /// What to do about it.
    pub remedy: Option<Sentence>,
}

/// A workspace whose own keys are valid.
#[derive(Debug, Clone)]
pub struct WorkspaceConfig {
    /// Unique label, used in output and in `DRSYNC_TOKEN_<NAME>`.
    pub name: String,
    /// Where the primary workspace is.
    pub address: WorkspaceAddress,
    /// Where the secondary workspace is, in which replicas are registered and workflows watched.
    pub secondary: Option<WorkspaceAddress>,
    /// How both are reached.
    pub connection: Connection,
    /// Why there is no secondary workspace, where that is on purpose.
    pub no_secondary: Option<String>,
    /// Where the primary's metadata tables lie.
    pub location_primary: LocationAddress,
    /// Where the secondary's metadata tables and the replicas lie.
    pub location_secondary: LocationAddress,
    /// Who is told of failures.
    pub failure_notification: Vec<String>,
    /// Who is told of successes.
    pub success_notification: Vec<String>,
    /// Over what people are told, and how often.
    pub notifications: Option<Notifications>,
    /// Catalog of short table names; `None`: the workspace's own.
    pub default_catalog: Option<String>,
    /// Schema of short table names; `None`: `default`.
    pub default_schema: Option<String>,
    /// How long a plan may wait to be applied.
    pub plan_max_age: Duration,
    /// When its groups are to be failed over, in the words of who decides.
    pub failover_when: Option<String>,
    /// Who decides that they are.
    pub failover_approvers: Vec<String>,
    /// The groups, valid or not, in the order of the file.
    pub groups: Vec<GroupEntry>,
    /// A group without a readable name is among the entries: nothing of this workspace is retired.
    pub incomplete: bool,
}

/// The labels of the two sides of a workspace's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The side that is active where no cut says otherwise.
    pub home: String,
    /// The other one.
    pub other: String,
}

impl WorkspaceConfig {
    /// The labels of its two sides; a secondary that has none is called after the workspace.
    pub fn sides(&self) -> Sides {
        Sides::of(&self.name, self.connection.secondary_name.as_deref())
    }
}

impl Sides {
    /// The labels of a workspace and of its secondary.
    pub fn of(workspace: &str, secondary: Option<&str>) -> Sides {
        // One that is called as the workspace is no label that tells the two apart.
        let named = secondary.filter(|name| *name != workspace).map(str::to_owned);
        let other = named.unwrap_or_else(|| format!("{workspace}-secondary"));
        Sides { home: workspace.to_owned(), other }
    }
}

/// A sync group as the configuration gives it.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every entry is valid, and there are few")]
pub enum GroupEntry {
    /// Everything about it is valid.
    Valid(Group),
    /// Something is wrong; it stays in the plan as blocked and keeps its row.
    Invalid {
        /// Its name, where that could be read.
        name: Option<String>,
        /// Who is told of it, as far as that could be read.
        owner_emails: Vec<String>,
        /// What is wrong with it.
        mistakes: Vec<Mistake>,
    },
}

/// A valid sync group: tables that are only true together.
#[derive(Debug, Clone)]
pub struct Group {
    /// Unique within the workspace.
    pub name: String,
    /// Told of success and failure.
    pub owner_emails: Vec<String>,
    /// The workflows that write it; empty: scheduled.
    pub workflows: Vec<WorkflowRef>,
    /// Its tables, in the configuration's order.
    pub tables: Vec<TableRef>,
    /// When it is due without a workflow.
    pub schedule: Schedule,
    /// Attempts per table beyond the first.
    pub max_retries: u32,
    /// Recovery point objective.
    pub rpo: Duration,
    /// Lag beyond which it is brought to now as crash-consistent; `None`: never.
    pub max_lag: Option<Duration>,
    /// No two synchronizations within this.
    pub min_interval: Duration,
    /// How long nobody may have looked at the newest versions of its sources.
    pub receipt: Duration,
    /// How long replaced versions of its replicas stay readable, in days.
    pub replica_retention_days: u32,
    /// Live rows below this percentage of the last cut's are `source_shrank`; 0: off.
    pub shrink_percent: u32,
    /// Why it is not synchronized for now.
    pub pause: Option<Pause>,
    /// Tables of the group that cannot or shall not be cloned, with the reason.
    pub unprotected: BTreeMap<TableRef, String>,
}

/// Groups are not synchronized for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: String,
    /// From when on they are again; `None`: until somebody says so.
    pub until: Option<DateTime<Utc>>,
}

impl Pause {
    /// Whether it holds at a moment.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

impl Group {
    /// The pause that holds at a moment.
    pub fn paused_at(&self, at: DateTime<Utc>) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| pause.holds(at))
    }

    /// The tables to be synchronized: those of `tables` that are not unprotected.
    pub fn protected(&self) -> impl Iterator<Item = &TableRef> {
        self.tables.iter().filter(|table| !self.unprotected.contains_key(table))
    }
}

impl GroupEntry {
    /// The group's name, where it could be read.
    pub fn name(&self) -> Option<&str> {
        match self {
            GroupEntry::Valid(group) => Some(&group.name),
            GroupEntry::Invalid { name, .. } => name.as_deref(),
        }
    }

    /// The group, where it has no mistake.
    pub fn valid(&self) -> Option<&Group> {
        match self {
            GroupEntry::Valid(group) => Some(group),
            GroupEntry::Invalid { .. } => None,
        }
    }
}

impl Mistake {
    /// Its path, with the name of the group that it stands in: nobody counts groups from 0.
    pub fn path_with_group(&self) -> String {
        match &self.group {
            Some(group) => format!("{} of {group}", self.path),
            None => self.path.clone(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { file, line, path, group: _, message, remedy } = self;
        write!(f, "{file} line {line}: {path}: {message}")?;
        match remedy {
            Some(remedy) => write!(f, ": {remedy}"),
            None => Ok(()),
        }
    }
}

/// The folder that relative paths of a configuration file are read against.
pub fn base_of(file: &std::path::Path) -> PathBuf {
    file.parent().map(PathBuf::from).unwrap_or_default()
}
