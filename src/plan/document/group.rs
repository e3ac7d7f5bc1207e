//! A group of a stored plan: what is decided of it and why, what it is at, and what a cut of it will be called. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Drift, SourceMaintenance, Step};
use crate::config::TableName;
use crate::ledger::{Consistency, Cut};
use crate::moment;
use crate::plan::failover::FailedOver;
use crate::plan::finding::Finding;
use crate::plan::grants::GrantsSeen;
use crate::plan::job::JobSeen;
use crate::plan::look::Checked;
use crate::plan::loss_receipt::LossReceipt;
use crate::plan::settings::GroupSettings;
use crate::region::SchemaChange;
use crate::sentence::Sentence;

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
    pub columns: Vec<ColumnChanges>,
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
    /// Another apply is at work on it. No plan of this version says so, since planning takes no lock: it stands for plans that do.
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
#[schemars(rename = "TableColumns")]
pub struct ColumnChanges {
    /// The source's name.
    pub table: TableName,
    /// How its columns differ from the replica's.
    pub change: SchemaChange,
}

impl LastCut {
    /// What is told of a cut that is the newest of its group.
    pub(in crate::plan) fn of(cut: &Cut) -> LastCut {
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
