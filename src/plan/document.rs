//! The stored plan: one JSON document, reviewed, checked, applied and archived as it is. Pure.
//!
//! Field names are a contract: more may come, none of these goes.

mod group;
mod step;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Warning, WarningCode};
use super::needed::GoneWithPrimary;
use super::protection::{ComparedWith, SettingChange};
use super::provenance::Provenance;
use super::settings::WorkspaceSettings;
use super::uncompared::NotCompared;
use super::unwatched::Unwatched;
use crate::config::{Connection, Sides};
use crate::ledger::{AcceptedRisk, Row};
use crate::moment;
use crate::region::RegionErrorKind;
use crate::sentence::Sentence;

pub use super::role::Role;
pub use group::{
    Certificate, ColumnChanges, Decision, GroupPlan, LastCut, Reason, ReasonCode, Trigger,
    TriggerKind,
};
pub use step::{
    Action, Brought, Drift, DriftCommit, Precondition, PreconditionCode, ReplicaPin, SourceCommit,
    SourceMaintenance, SourcePin, Step,
};

/// A plan: everything that was decided and everything an apply needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// `drsync.plan`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// What made it.
    pub tool: Tool,
    /// A ULID.
    pub plan_id: String,
    /// Who made it, and where.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// When it was computed.
    #[serde(with = "moment::Moment")]
    pub created_at: DateTime<Utc>,
    /// Until when it may be applied.
    #[serde(with = "moment::Moment")]
    pub expires_at: DateTime<Utc>,
    /// Why then.
    pub expiry_reason: Sentence,
    /// How many hours it may wait at most, as the configuration says; plans of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_hours: Option<u32>,
    /// No group is blocked and nothing was left out by selection.
    pub complete: bool,
    /// Applying it would do something.
    pub applyable: bool,
    /// Which groups were asked for.
    pub selection: Selection,
    /// The configuration it was computed from.
    pub config: ConfigSource,
    /// One entry a workspace, in the configuration's order.
    pub workspaces: Vec<WorkspacePlan>,
    /// What is not wrong yet.
    pub warnings: Vec<Warning>,
    /// Risks accepted for this plan only.
    pub accepted: Vec<AcceptedRisk>,
    /// Counts.
    pub summary: Summary,
    /// Of a plan of what the configuration changes: what is left out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_anyway: Option<DueAnyway>,
    /// SHA-256 of what will be done; equal: unchanged since review.
    #[serde(default)]
    pub effect_sha256: String,
    /// The clock it was computed by.
    pub observed_clock: ObservedClock,
    /// Named tables that are not synchronized.
    pub unprotected: Vec<Unprotected>,
    /// SHA-256 of the document without its digests.
    #[serde(default)]
    pub document_sha256: String,
}

/// The program that made a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `drsync`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The groups that were asked for; nothing said: all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// Only these.
    pub only: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
    /// Only groups that the configuration changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
}

/// Groups that were looked at and are not part of the plan, because the configuration does not change them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DueAnyway {
    /// Groups that an apply of everything would synchronize.
    pub groups_sync: usize,
    /// Groups that are blocked, change or not.
    pub groups_blocked: usize,
    /// Groups that wait.
    pub groups_waiting: usize,
    /// Groups that are up to date.
    pub groups_up_to_date: usize,
    /// Bytes to copy for the first of them, as far as estimated.
    pub copy_bytes: u64,
    /// Files to copy, as far as estimated.
    pub copy_files: u64,
}

/// Where the configuration came from and what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSource {
    /// As the user named it.
    pub source: String,
    /// Of its bytes.
    pub sha256: String,
    /// Of what it means.
    pub effective_sha256: String,
    /// `scope/key` of the secrets it names.
    pub secret_refs: Vec<String>,
}

/// The clock a plan was computed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedClock {
    /// What it showed.
    #[serde(with = "moment::Moment")]
    pub now: DateTime<Utc>,
    /// `DRSYNC_NOW` replaced it.
    pub overridden: bool,
}

/// A table that cannot or shall not be cloned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unprotected {
    /// The workspace of its group; absent in plans of the first drsyncs of format 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Its group.
    pub group: String,
    /// The table.
    pub table: String,
    /// Why.
    pub reason: Sentence,
}

impl Unprotected {
    /// Whether it is a table of a group of a workspace, as far as the plan tells.
    pub fn is_of(&self, workspace: &str, group: &str) -> bool {
        let Unprotected { workspace: of, group: within, table: _, reason: _ } = self;
        of.as_ref().is_none_or(|of| of == workspace) && within == group
    }
}

/// The plan of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspacePlan {
    /// Its label.
    pub name: String,
    /// How an apply signs in: names of secrets and profiles, never their values.
    #[serde(default)]
    pub connection: Connection,
    /// What was seen of both regions.
    pub observed: BothRegions,
    /// All groups were looked at, due or not, with their replicas.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_look: bool,
    /// What of the secondary's workspace could not be seen; empty: all of it was; absent: none is configured, nobody looked because a
    /// region is away, or the plan is of a version before 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<Vec<Unwatched>>,
    /// What happens to the metadata tables, one entry a region.
    pub metadata: Vec<MetadataAction>,
    /// Rows of `sync_metadata` that an apply writes whatever comes of the syncs.
    #[serde(default)]
    pub rows: Vec<RowChange>,
    /// Every group, in the configuration's order.
    pub groups: Vec<GroupPlan>,
    /// How all its groups are protected together; plans of versions before 1.3 do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<WorkspaceSettings>,
    /// Of each group those that tables of it were of before, as far as the metadata table tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<String, Vec<String>>,
    /// What is needed on the bad day and is gone with the primary, as far as it was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<GoneWithPrimary>,
    /// What the configuration changes of the protection of the workspace and of the groups of this plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_changes: Vec<SettingChange>,
    /// Whose settings that was compared with; absent: none are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_compared_with: Option<ComparedWith>,
    /// Why none are known, and what tells that there were some; plans of versions before 1.6 do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_not_compared: Option<NotCompared>,
}

/// What was seen of both regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BothRegions {
    /// The primary.
    pub primary: RegionSeen,
    /// The secondary.
    pub secondary: RegionSeen,
    /// What neither region could be looked at for, where it is one workspace that answers for both; without the name of the answer,
    /// which is another every time. Plans of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_answer: Option<Sentence>,
}

/// What was seen of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionSeen {
    /// The workspace's address; absent where none is configured.
    pub workspace: Option<String>,
    /// The sync location.
    pub location: String,
    /// It could be looked at.
    pub reachable: bool,
    /// What it answered when it is not there, or how it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Sentence>,
    /// It answered, but not with what was asked; absent where it is reachable, and where it gave no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// What it is doing, `active` or `passive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// When.
    #[serde(with = "moment::Moment")]
    pub observed_at: DateTime<Utc>,
    /// What its own clock showed then, where it tells; no recovery point is later.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub clock: Option<DateTime<Utc>>,
}

/// How a region that answers cannot be looked at all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Whoever asks may not, or is not known there.
    Denied,
    /// Its answer is of no use: cut off, of something in between, of a metadata table that cannot be read.
    Unreadable,
}

impl Refused {
    /// How a region that answered so refused; `None`: it gave no answer.
    pub fn of(kind: RegionErrorKind) -> Option<Refused> {
        match kind {
            RegionErrorKind::Unavailable => None,
            RegionErrorKind::Denied | RegionErrorKind::SignedOut => Some(Refused::Denied),
            RegionErrorKind::NotFound
            | RegionErrorKind::Conflict
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => Some(Refused::Unreadable),
        }
    }
}

impl RegionSeen {
    /// It gave no answer.
    pub fn is_away(&self) -> bool {
        !self.reachable && self.refused.is_none()
    }
}

/// What happens to the metadata tables of one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetadataAction {
    /// The region.
    pub region: Role,
    /// What happens.
    pub action: LedgerAction,
    /// Version of `sync_metadata` that was looked at.
    pub table_version: Option<u64>,
    /// Groups whose row is new here.
    pub rows_to_add: Vec<String>,
    /// Groups whose row changes here.
    pub rows_to_change: Vec<String>,
    /// Groups that left the configuration.
    pub rows_to_retire: Vec<String>,
    /// Cuts that the other region's log has and this one's lacks.
    #[serde(default)]
    pub cuts_to_copy: usize,
    /// Tables that cannot be read and are put aside, beside where they were, before they are made anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<PutAside>,
    /// Tables that were read around damage and are written anew, because other readers would stumble over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<String>,
}

/// A metadata table that is put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PutAside {
    /// The table's name.
    pub table: String,
    /// The name under which it stays, in the same folder.
    pub name: String,
}

/// What happens to a region's metadata tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAction {
    /// They are in neither region.
    Create,
    /// They are in the other region only.
    Clone,
    /// They are in both: the configuration is merged into them.
    Merge,
    /// Nothing: they are as they should be, or the region is away.
    None,
}

/// A row of `sync_metadata` before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowChange {
    /// As both copies say it together; absent: the group is new.
    pub before: Option<Row>,
    /// As an apply writes it.
    pub after: Row,
}

/// Counts over all groups and steps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Replicas to create.
    pub create: usize,
    /// Replicas to update.
    pub update: usize,
    /// Replicas that stay.
    pub no_op: usize,
    /// Rows of metadata tables that change, over both regions.
    pub metadata_changes: usize,
    /// Groups to synchronize.
    pub groups_sync: usize,
    /// Groups that are up to date.
    pub groups_up_to_date: usize,
    /// Groups that wait.
    pub groups_waiting: usize,
    /// Groups that are blocked.
    pub groups_blocked: usize,
    /// Bytes to copy, as far as estimated.
    pub copy_bytes: u64,
    /// Files to copy, as far as estimated.
    pub copy_files: u64,
}

impl WorkspacePlan {
    /// The labels of its two sides.
    pub fn sides(&self) -> Sides {
        Sides::of(&self.name, self.connection.secondary_name.as_deref())
    }

    /// The entry of one region's metadata tables.
    pub fn metadata_of(&self, region: Role) -> Option<&MetadataAction> {
        self.metadata.iter().find(|action| action.region == region)
    }
}

impl Plan {
    /// Its format version is the first: what later ones add is not in it.
    pub fn is_of_first_version(&self) -> bool {
        self.format_version.split('.').nth(1) == Some("0")
    }

    /// Its effect has the digests of pinned commits, as that of every version from 1.2 on.
    pub fn names_commits_by_digest(&self) -> bool {
        !matches!(self.format_version.split('.').nth(1), Some("0" | "1"))
    }

    /// Its effect has the settings of the workspace and its groups, as that of every version from 1.3 on.
    pub fn tells_settings(&self) -> bool {
        !matches!(self.format_version.split('.').nth(1), Some("0" | "1" | "2"))
    }

    /// Part of the configuration was not understood: what stands there is neither in the plan nor in order.
    pub fn is_incomplete(&self) -> bool {
        let mut warnings = self.warnings.iter();
        warnings.any(|warning| warning.code == WarningCode::ConfigurationIncomplete)
    }

    /// Every group of which so was decided, with its workspace.
    pub fn decided(
        &self,
        decision: Decision,
    ) -> impl Iterator<Item = (&WorkspacePlan, &GroupPlan)> {
        self.groups().filter(move |(_, group)| group.decision == decision)
    }

    /// Every group with its workspace.
    pub fn groups(&self) -> impl Iterator<Item = (&WorkspacePlan, &GroupPlan)> {
        self.workspaces
            .iter()
            .flat_map(|workspace| workspace.groups.iter().map(move |group| (workspace, group)))
    }
}
