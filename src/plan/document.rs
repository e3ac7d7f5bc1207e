//! The stored plan: one JSON document, reviewed, checked, applied and archived as it is.
//!
//! Field names are a contract: more may come, none of these goes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failover::FailedOver;
use super::finding::{Finding, Warning, WarningCode};
use super::grants::GrantsSeen;
use super::job::JobSeen;
use super::look::Checked;
use super::needed::Needed;
use super::protection::{ComparedWith, SettingChange};
use super::provenance::Provenance;
use super::receipt::LossReceipt;
pub use super::role::Role;
use super::settings::{GroupSettings, WorkspaceSettings};
use super::unwatched::Unwatched;
use crate::config::{Sides, TableName};
use crate::ledger::{AcceptedRisk, Consistency, Cut, Row};
use crate::moment;
use crate::region::{Estimate, RegionErrorKind, SchemaChange};
use crate::sentence::Sentence;

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
    pub needed: Vec<Needed>,
    /// What the configuration changes of the protection of the workspace and of the groups of this plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_changes: Vec<SettingChange>,
    /// Whose settings that was compared with; absent: none are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_compared_with: Option<ComparedWith>,
}

/// How a workspace is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// Secret scope of the token.
    pub secret_scope: Option<String>,
    /// Name of the token's secret.
    pub pat_key: Option<String>,
    /// Profile of `~/.databrickscfg`.
    pub profile: Option<String>,
    /// SQL warehouse.
    pub warehouse_id: Option<String>,
    /// Label of the secondary workspace.
    #[serde(default)]
    pub secondary_name: Option<String>,
    /// Address of the secondary workspace, where one is configured.
    pub secondary_workspace: Option<String>,
    /// Name of the secondary's secret.
    pub secondary_pat_key: Option<String>,
    /// Profile of the secondary.
    pub secondary_profile: Option<String>,
    /// SQL warehouse of the secondary.
    pub secondary_warehouse_id: Option<String>,
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

/// The plan of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupPlan {
    /// Its name.
    pub name: String,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Why now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// The moment it is brought to.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub recovery_point: Option<DateTime<Utc>>,
    /// What the recovery point is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Number of the cut before; absent: this will be the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_cut: Option<u64>,
    /// Hash of the cut before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_sha256: Option<String>,
    /// The greatest number that a cut of it ever had, where the log lost that cut: it is not given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_cut: Option<u64>,
    /// The cut it keeps until a new one is committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cut: Option<LastCut>,
    /// For every table at its version: `max(committed_at) <= recovery point < min(next_committed_at)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// One step a table, in the group's order; none unless it is to be synchronized.
    pub steps: Vec<Step>,
    /// Everything seen that blocks it, or would have, had it not been accepted.
    pub findings: Vec<Finding>,
    /// Replicas that someone else wrote to, and maintenance on replicas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Maintenance on sources whose rows were not compared, because nothing tells of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_maintenance: Vec<SourceMaintenance>,
    /// Commits that change data or schema and that no cut holds, where the histories were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_commits: Option<u64>,
    /// Age of the oldest of them, seconds; 0: there is none; absent as well where another side is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<i64>,
    /// Another side is active of it, by a change of role; absent: its home is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_over: Option<FailedOver>,
    /// When its replicas were looked at, and how deeply: that of which least was seen; absent where one was not looked at, or was
    /// not found as the last cut says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// What would be lost if the primary were gone once the plan was applied, as far as its sources were looked at for the plan;
    /// absent: they were not, or it has no cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossReceipt>,
    /// The same as long as the plan is not applied, beyond the cut that the group keeps until then; absent: that is what `loss` says,
    /// or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_until_applied: Option<LossReceipt>,
    /// The jobs that it names, at both sides, as far as they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobSeen>,
    /// Who may use its tables at both sides; absent: it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<GrantsSeen>,
    /// Its recovery point objective, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_seconds: Option<i64>,
    /// Of a group that waits for its workflow: from when on `sync_max_lag_minutes` brings it to now without a finished run.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub crash_consistent_from: Option<DateTime<Utc>>,
    /// When its schedule fires next, of a group that waits for nothing else; absent: it waits for something else, or never.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<DateTime<Utc>>,
    /// Of a group that is due and blocked: how its next sync would change columns, as far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<TableColumns>,
    /// Attempts per table beyond the first.
    #[serde(default)]
    pub max_retries: u32,
    /// How many tables the configuration gives it.
    #[serde(default)]
    pub tables: usize,
    /// Of a group that is not to be synchronized, and so has no steps: its tables that are protected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<TableName>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owner_emails: Vec<String>,
    /// How it is protected; absent: its configuration has a mistake, or the plan is of a version before 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<GroupSettings>,
}

impl GroupPlan {
    /// What would be lost beyond a cut, as somebody looked for the plan; `None`: it does not say, or not of that cut.
    pub fn loss_beyond(&self, cut: u64) -> Option<&LossReceipt> {
        let kept = self.last_cut.as_ref().is_some_and(|last| last.number == cut);
        let loss = match self.decision {
            Decision::Sync => self.loss_until_applied.as_ref(),
            Decision::Blocked | Decision::Waiting | Decision::UpToDate => self.loss.as_ref(),
        };
        loss.filter(|_| kept)
    }
}

/// What was decided for a group.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Something about it has to be repaired first.
    Blocked,
    /// It is brought to a recovery point.
    Sync,
    /// It waits for something that will come by itself.
    Waiting,
    /// There is nothing newer than its last cut.
    UpToDate,
}

/// Why a group was decided as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// For programs.
    pub code: ReasonCode,
    /// For people.
    pub message: Sentence,
    /// Of a group that was never synchronized: why now, which is the message without saying that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_now: Option<Sentence>,
}

impl Reason {
    /// A reason with its sentence.
    pub fn new(code: ReasonCode, message: impl Into<Sentence>) -> Reason {
        Reason { code, message: message.into(), why_now: None }
    }

    /// Why a group that was never synchronized is synchronized now.
    pub fn first_sync(why_now: impl Into<Sentence>) -> Reason {
        let why_now = why_now.into();
        let message = format!("never synchronized; {why_now}");
        Reason { why_now: Some(why_now), ..Reason::new(ReasonCode::FirstSync, message) }
    }
}

/// Every reason there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Its workflow succeeded.
    WorkflowSucceeded,
    /// Its schedule fired, or it was asked for.
    ScheduleDue,
    /// It was never synchronized.
    FirstSync,
    /// Its lag passed the limit.
    MaxLagExceeded,
    /// A replica is not what the last cut says.
    ReplicaDiffers,
    /// A trigger gave a point, and no table has anything newer.
    NothingNew,
    /// No trigger gave a point.
    NotDue,
    /// The configuration pauses it.
    Paused,
    /// It was synchronized a moment ago.
    MinInterval,
    /// A run of its workflow has not ended.
    WorkflowActive,
    /// The newest run of its workflow failed.
    WorkflowFailed,
    /// Its workflow has no successful run yet.
    WorkflowNeverSucceeded,
    /// Every successful run ended while another was in progress.
    WorkflowRunsOverlap,
    /// Another apply is at work on it.
    Locked,
    /// Its findings block it.
    Blocked,
}

/// Why now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// Which kind.
    pub kind: TriggerKind,
    /// The workflow whose run's end is the recovery point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// That run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
}

/// The kinds of trigger, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// A replica is not what the last cut says.
    Repair,
    /// It was never synchronized.
    FirstSync,
    /// Its workflow succeeded.
    Workflow,
    /// Its schedule fired.
    Schedule,
    /// Its lag passed the limit.
    MaxLag,
}

/// The newest cut of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastCut {
    /// Its number.
    pub number: u64,
    /// Its moment.
    #[serde(with = "moment::Moment")]
    pub recovery_point: DateTime<Utc>,
    /// What it is tied to.
    pub consistency: Consistency,
}

/// How the columns of a table would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableColumns {
    /// The source's name.
    pub table: TableName,
    /// How its columns differ from the replica's.
    pub change: SchemaChange,
}

impl LastCut {
    /// What is told of a cut that is the newest of its group.
    pub(super) fn of(cut: &Cut) -> LastCut {
        LastCut {
            number: cut.cut_number,
            recovery_point: cut.recovery_point,
            consistency: cut.consistency,
        }
    }
}

/// The commit times that prove a recovery point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The newest commit that is in.
    #[serde(with = "moment::Moment")]
    pub newest_in: DateTime<Utc>,
    /// The oldest commit that stays out; absent: every pinned version is its table's newest.
    #[serde(default, with = "moment::OptionalMoment")]
    pub oldest_out: Option<DateTime<Utc>>,
}

/// One action on one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// `group/table`.
    pub id: String,
    /// The source's name.
    pub table: TableName,
    /// What happens.
    pub action: Action,
    /// The source at its pinned version.
    pub source: SourcePin,
    /// The replica as it was looked at.
    pub replica: ReplicaPin,
    /// Properties the clone sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// The clone as SQL; absent where nothing is cloned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What it is expected to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// What must still be so when it is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<Precondition>,
    /// The commits that an update brings; absent where nothing is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings: Option<Brought>,
    /// How an update changes the replica's columns; absent: not known, or nothing is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaChange>,
}

/// The commits of a source after the version that its replica holds, up to the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Brought {
    /// How many there are, maintenance among them; absent: the history does not reach back so far.
    pub commits: Option<u64>,
    /// The newest of them that change data or schema, newest first.
    pub newest: Vec<SourceCommit>,
}

/// A commit of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceCommit {
    /// Version of the source.
    pub version: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// What.
    pub operation: String,
    /// Who, where the history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What happens to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// There is no replica yet.
    Create,
    /// The replica gets the pinned version.
    Update,
    /// The replica holds the pinned version.
    NoOp,
}

/// A source at its pinned version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourcePin {
    /// Its id at that version.
    pub table_id: String,
    /// The version.
    pub version: u64,
    /// Its commit time.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// Digest of its commit, by which apply knows it again: what it says, not when; absent in plans of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_sha256: Option<String>,
    /// The next version's commit time; absent: there is none.
    #[serde(with = "moment::OptionalMoment")]
    pub next_committed_at: Option<DateTime<Utc>>,
    /// The newest version when the plan was made.
    pub head_version: u64,
    /// Bytes in its live files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its live files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Its live rows, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Until when the version can be read; absent: as long as it is the newest, or without limit.
    #[serde(with = "moment::OptionalMoment")]
    pub readable_until: Option<DateTime<Utc>>,
    /// It can be read only as long as no newer version comes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_while_newest: bool,
    /// Where its files are, where the region tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The catalog's own id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
}

/// A replica as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaPin {
    /// Where it lies.
    pub location: String,
    /// Its path under the sync location.
    #[serde(default)]
    pub path: String,
    /// Its newest version; absent: there is none.
    pub version: Option<u64>,
    /// The source version it holds.
    pub holds_source_version: Option<u64>,
    /// Its versions since the last cut that others made, which the clone replaces: somebody accepted that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overwrites: Vec<u64>,
    /// What its log says of its files is not believed: they are compared with the source's, and those that differ are copied
    /// again under other names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
}

/// Something that must still be so when a step is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Precondition {
    /// What.
    pub code: PreconditionCode,
    /// The value it must have.
    pub value: serde_json::Value,
}

/// What an apply checks before it clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreconditionCode {
    /// The pinned version can still be read.
    SourceVersionReadable,
    /// The source is still the same table.
    SourceTableIdEquals,
    /// The replica is still at the version that was looked at, maintenance aside.
    ReplicaVersionEquals,
    /// There is still no replica.
    ReplicaAbsent,
}

/// Who wrote to a replica after the last clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// The source's name.
    pub table: TableName,
    /// The replica's path under the sync location; absent in plans of earlier versions: the one that the name says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_path: Option<String>,
    /// The secondary's own catalog has the replica under that name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registered: bool,
    /// The last version that is ours, where the log still shows it.
    pub ours: Option<u64>,
    /// Commits by others, oldest first.
    pub theirs: Vec<DriftCommit>,
    /// Maintenance, which is harmless.
    pub maintenance: Vec<DriftCommit>,
}

/// Maintenance on a source since the last cut, which is that by its name: nothing tells of its rows, and they were not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceMaintenance {
    /// The source's name.
    pub table: TableName,
    /// The commits, oldest first.
    pub commits: Vec<DriftCommit>,
}

/// A commit on a replica that is not ours, or one of maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftCommit {
    /// Version of the table.
    pub version: u64,
    /// When.
    #[serde(with = "moment::Moment")]
    pub committed_at: DateTime<Utc>,
    /// What.
    pub operation: String,
    /// Who.
    pub user: Option<String>,
    /// How many rows, where its metrics tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Of maintenance, whether as many rows are live after it as before; false: nothing told, and they were not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_compared: Option<bool>,
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

impl Decision {
    /// On screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Blocked => "blocked",
            Decision::Sync => "sync",
            Decision::Waiting => "waiting",
            Decision::UpToDate => "up to date",
        }
    }
}

impl Action {
    /// On screen, with its symbol.
    pub fn with_symbol(self) -> &'static str {
        match self {
            Action::Create => "+ create",
            Action::Update => "~ update",
            Action::NoOp => "= no-op",
        }
    }
}

impl TriggerKind {
    /// As it is written in plans and cuts.
    pub fn as_str(self) -> &'static str {
        match self {
            TriggerKind::Repair => "repair",
            TriggerKind::FirstSync => "first_sync",
            TriggerKind::Workflow => "workflow",
            TriggerKind::Schedule => "schedule",
            TriggerKind::MaxLag => "max_lag",
        }
    }
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

impl GroupPlan {
    /// The number that its next cut gets: one that was never seen.
    pub fn next_cut(&self) -> u64 {
        self.follows_cut.max(self.lost_cut).unwrap_or_default().saturating_add(1)
    }

    /// Its tables that are protected, whether it is to be synchronized or not.
    pub fn members(&self) -> impl Iterator<Item = &TableName> {
        let of_steps = self.steps.iter().map(|step| &step.table);
        of_steps.chain(&self.members)
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
