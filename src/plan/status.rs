//! The status document: per group the last cut, the lag against the objective, and what stands in the way. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{
    Decision, GroupPlan, LastCut, Plan, ReasonCode, Refused, Selection, WorkspacePlan,
};
pub use super::failover::{FailedOver, GivenUp};
use super::finding::{Finding, FindingCode, Warning};
pub use super::look::Checked;
pub use super::loss_receipt::LossReceipt;
use super::needed::GoneWithPrimary;
use super::observed::{GroupObserved, Observed, RegionObserved, TableObserved, WorkspaceObserved};
pub use super::off_cut::OffCut;
use super::readiness;
pub use super::readiness::NotReady;
use super::replica::{Assessment, assess, damage};
pub use super::retired::RetiredStatus;
use super::retired::retired_groups;
pub use super::unwatched::{Unwatched, UnwatchedPart};
use super::versions;
use super::warnings::LagRisk;
use crate::config::{LocationAddress, TableName};
use crate::formats::STATUS;
use crate::ledger::{Cut, CutTableEntry, Roles, RowStatus};
use crate::moment;
use crate::region::{CloneProof, LookDepth, Replica};
use crate::sentence::Sentence;

/// How every group stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Status")]
pub struct StatusDocument {
    /// `drsync.status`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// When it was looked at.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// One entry a workspace.
    pub workspaces: Vec<WorkspaceStatus>,
    /// What is not wrong yet.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// How one workspace stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceStatus {
    /// Its label.
    pub name: String,
    /// Both regions.
    pub regions: RegionsStatus,
    /// What of the secondary's workspace could not be seen; empty: all of it was; absent: none is configured, or nobody looked,
    /// because a region is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<Vec<Unwatched>>,
    /// Its groups, in the configuration's order.
    pub groups: Vec<GroupStatus>,
    /// Groups that the metadata tables know and the configuration does not, where all groups were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredStatus>,
}

/// Both regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionsStatus {
    /// The primary.
    pub primary: RegionStatus,
    /// The secondary.
    pub secondary: RegionStatus,
    /// What neither region can be looked at for, where it is one workspace that answers for both; without the name of the answer,
    /// which is another every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_answer: Option<Sentence>,
}

/// How a region stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionStatus {
    /// The address of the workspace through which it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Its sync location.
    pub location: String,
    /// It can be looked at.
    pub reachable: bool,
    /// What it answers when it is not there, or how it refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Sentence>,
    /// It answers, but not with what is asked; absent where it is reachable, and where it gives no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Its metadata tables.
    pub ledger: LedgerPresence,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Whether metadata tables are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerPresence {
    /// Both tables.
    Present,
    /// At least one of them is not there.
    Missing,
    /// The region cannot be looked at.
    Unknown,
}

/// How one group stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owner_emails: Vec<String>,
    /// What its row says.
    pub status: Option<RowStatus>,
    /// The row's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Sentence>,
    /// Its newest cut.
    pub last_cut: Option<LastCut>,
    /// Age of the oldest commit that no cut holds, seconds; absent: not known.
    pub lag_seconds: Option<i64>,
    /// Commits that no cut holds.
    pub pending_commits: Option<u64>,
    /// Bytes that the next sync would copy at least, where known.
    pub pending_bytes: Option<u64>,
    /// What would be lost if the primary were gone now, with when its sources were last looked at: what came after that nobody
    /// knows. Absent: no look is known, or there is no cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossReceipt>,
    /// The objective, seconds.
    pub rpo_seconds: Option<i64>,
    /// How the lag compares with it.
    pub rpo: Rpo,
    /// It has a cut, and every replica holds it, as far as `checked` says that they were looked at.
    pub protected: bool,
    /// Who is active of it in place of its home, by a change of role; absent: its home is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_over: Option<FailedOver>,
    /// When its replicas were looked at, and how deeply: that of which least was seen; absent: one was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// When the files of all its replicas had last been read as the last cut has them: now, or when their clones were verified;
    /// absent: it is not known.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub content_read_at: Option<DateTime<Utc>>,
    /// What is missing where it is to be failed over; empty: nothing is known to be; absent: no workspace stands by, or it was not
    /// looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<Vec<NotReady>>,
    /// What stands in the way.
    pub findings: Vec<Finding>,
    /// What a plan would decide now; absent where that cannot be told.
    pub decision: Option<Decision>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sentence>,
    /// The same as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
    /// Its tables.
    pub tables: Vec<TableStatus>,
    /// Named tables that are not synchronized.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unprotected: Vec<String>,
}

/// How a lag compares with the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rpo {
    /// It is within it.
    Met,
    /// It will not be for long.
    AtRisk,
    /// It is not.
    Breached,
    /// There is no cut yet.
    None,
    /// The primary was not seen, or the replicas do not hold what the last cut says.
    Unknown,
}

/// How one table stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableStatus {
    /// The source's name.
    pub table: TableName,
    /// The source's newest version.
    pub source_head: Option<u64>,
    /// The source version the last cut names.
    pub cut_version: Option<u64>,
    /// The replica's newest version.
    pub replica_version: Option<u64>,
    /// The source version the replica holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_source_version: Option<u64>,
    /// Commits that no cut holds.
    pub pending_commits: Option<u64>,
    /// When its replica was looked at, and how deeply; absent: it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// Why the replica cannot be brought to the last cut; absent: nothing is known to stand in the way, or there is no cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Sentence>,
    /// The replica's version that the last cut names: what to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_replica_version: Option<u64>,
    /// Why the replica does not hold the last cut; absent: it does, it is `lost`, it was not looked at, or there is no cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_cut: Option<OffCut>,
}

impl GroupStatus {
    /// It has a cut, and no replica is known to be lost.
    pub fn restorable(&self) -> bool {
        self.last_cut.is_some()
            && self.tables.iter().all(|table| table.lost.is_none())
            && !is_behind(&self.findings)
    }
}

/// Whether the log that names a group's cuts may be older than what the other side wrote since.
fn is_behind(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code == FindingCode::LedgerBehind)
}

impl Rpo {
    /// On screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Rpo::Met => "met",
            Rpo::AtRisk => "at risk",
            Rpo::Breached => "breached",
            Rpo::None => "none",
            Rpo::Unknown => "unknown",
        }
    }
}

/// Says how every group stands, from what was seen and what a plan would decide.
pub fn status(observed: &Observed, plan: &Plan) -> StatusDocument {
    StatusDocument {
        kind: STATUS.kind.to_owned(),
        format_version: STATUS.version.to_owned(),
        at: observed.now,
        workspaces: observed
            .workspaces
            .iter()
            .zip(&plan.workspaces)
            .map(|(seen, planned)| workspace(observed, seen, planned, &plan.selection))
            .collect(),
        warnings: plan.warnings.clone(),
    }
}

fn workspace(
    observed: &Observed,
    seen: &WorkspaceObserved,
    planned: &WorkspacePlan,
    selection: &Selection,
) -> WorkspaceStatus {
    let named = seen.groups_by_name();
    WorkspaceStatus {
        name: planned.name.clone(),
        regions: RegionsStatus {
            primary: region(&seen.primary, &seen.secondary, None),
            secondary: region(&seen.secondary, &seen.primary, Some("passive")),
            shared_answer: seen.shared_answer(),
        },
        unwatched: planned.unwatched.clone(),
        groups: planned
            .groups
            .iter()
            .filter_map(|plan| group(seen, named.get(plan.name.as_str())?, plan, &planned.needed))
            .collect(),
        retired: retired_groups(observed, seen, selection),
    }
}

fn region(seen: &RegionObserved, other: &RegionObserved, role: Option<&str>) -> RegionStatus {
    RegionStatus {
        workspace: seen.workspace.clone(),
        location: seen.location.clone(),
        reachable: seen.reachable(),
        answer: seen.answer(other),
        refused: seen.refused(),
        ledger: match &seen.ledger {
            Ok(copy) if copy.metadata.is_some() && copy.cuts.is_some() => LedgerPresence::Present,
            Ok(_) => LedgerPresence::Missing,
            Err(_) => LedgerPresence::Unknown,
        },
        role: role.map(str::to_owned),
    }
}

fn group(
    workspace: &WorkspaceObserved,
    seen: &GroupObserved,
    plan: &GroupPlan,
    needed: &[GoneWithPrimary],
) -> Option<GroupStatus> {
    let row = workspace.ledger.rows.get(&plan.name);
    let cut = workspace.ledger.cuts.newest(&plan.name);
    let primary_seen = workspace.primary.reachable();
    let mut tables = tables(workspace, seen, cut);
    if plan.failed_over.as_ref().is_some_and(|over| over.written != Some(0)) {
        // Whoever is active there works on it: the cut is no measure of what he does.
        tables.iter_mut().for_each(|table| (table.lost, table.off_cut) = (None, None));
    }
    let checked = least(&tables);
    let protected = protected(workspace, &plan.name, &tables) && !is_behind(&plan.findings);
    // That another side was active ended with the change of role that came after, whatever the row still says.
    let over = plan.failed_over.is_some();
    let row = row.filter(|row| over || !row.was_held_up_by(FindingCode::FailedOver.as_str()));
    Some(GroupStatus {
        name: plan.name.clone(),
        owner_emails: plan.owner_emails.clone(),
        status: row.and_then(|row| row.current_sync_status),
        message: row.and_then(|row| row.message.clone()),
        last_cut: plan.last_cut.clone(),
        lag_seconds: plan.lag_seconds,
        pending_commits: plan.pending_commits,
        pending_bytes: pending_bytes(plan),
        loss: cut.and_then(|cut| {
            let at = workspace.now(workspace.primary.observed_at);
            let seen = LossReceipt::of_cut(workspace, seen, at, cut);
            let told = workspace.receipts.get(&plan.name);
            let told = told.filter(|told| told.cut == cut.cut_number);
            seen.or_else(|| told.map(|told| told.loss.clone()))
        }),
        rpo_seconds: plan.rpo_seconds,
        rpo: objective_met(workspace, plan, cut, protected),
        protected,
        failed_over: plan.failed_over.clone(),
        not_ready: readiness::of_group(
            workspace,
            &readiness::KnownReadiness {
                synchronized: cut.is_some(),
                protected,
                jobs: &plan.jobs,
                grants: plan.grants.as_ref().or_else(|| workspace.grants.get(&plan.name)),
                needed,
            },
        )
        .filter(|_| primary_seen && plan.failed_over.is_none()),
        checked,
        content_read_at: content_read_at(&tables, cut, checked),
        findings: plan.findings.clone(),
        decision: primary_seen.then_some(plan.decision),
        reason: primary_seen.then(|| plan.reason.message.clone()),
        reason_code: primary_seen.then_some(plan.reason.code),
        tables,
        unprotected: seen.unprotected.iter().map(|(name, _)| name.to_string()).collect(),
    })
}

/// What the clones of a group that is due copy; `None`: nothing is planned to be copied.
fn pending_bytes(plan: &GroupPlan) -> Option<u64> {
    match plan.decision {
        Decision::Sync => {
            let copies = plan.steps.iter().filter_map(|step| step.estimate);
            Some(copies.map(|copy| copy.copy_bytes).fold(0, u64::saturating_add))
        }
        Decision::Blocked | Decision::Waiting | Decision::UpToDate => None,
    }
}

/// How a group stands to its objective.
fn objective_met(
    workspace: &WorkspaceObserved,
    plan: &GroupPlan,
    cut: Option<&Cut>,
    protected: bool,
) -> Rpo {
    match (cut, plan.lag_seconds.zip(plan.rpo_seconds)) {
        _ if !workspace.primary.reachable() => Rpo::Unknown,
        (None, _) => Rpo::None,
        (Some(_), None) => Rpo::Unknown,
        (Some(_), Some((lag, rpo))) => match LagRisk::of(lag, rpo) {
            // Whatever the lag: a cut whose replicas are seen not to be there meets nothing.
            LagRisk::Met if workspace.secondary.reachable() && !protected => Rpo::Unknown,
            LagRisk::Met => Rpo::Met,
            LagRisk::AtRisk => Rpo::AtRisk,
            LagRisk::Breached => Rpo::Breached,
        },
    }
}

fn tables(
    workspace: &WorkspaceObserved,
    seen: &GroupObserved,
    cut: Option<&Cut>,
) -> Vec<TableStatus> {
    let group = seen.entry.name();
    seen.tables.iter().map(|observed| table(workspace, group, observed, cut)).collect()
}

/// The look at the replicas of a group of which least was seen; `None`: one was not looked at.
fn least(tables: &[TableStatus]) -> Option<Checked> {
    let looks: Option<Vec<Checked>> = tables.iter().map(|table| table.checked).collect();
    looks?.into_iter().min_by_key(|look| look.depth)
}

/// Whether a group has a cut, and every replica holds it, as far as they were looked at.
fn protected(workspace: &WorkspaceObserved, group: &str, tables: &[TableStatus]) -> bool {
    let at_cut = |status: &TableStatus| {
        status.cut_version.is_some()
            && status.holds_source_version.is_some_and(|held| Some(held) >= status.cut_version)
    };
    let lost = tables.iter().any(|table| table.lost.is_some());
    let cuts = &workspace.ledger.cuts;
    // A log that is not one chain does not tell which of its cuts is the truth, and what another side writes is protected by
    // nothing here.
    let at_home = matches!(cuts.roles(group, &workspace.workspace.sides()), Roles::Home);
    at_home && cuts.is_one_chain(group) && !tables.is_empty() && tables.iter().all(at_cut) && !lost
}

/// The look at the replicas of a group, where that found all of them as its last cut says.
pub(super) fn found_at_cut(
    workspace: &WorkspaceObserved,
    group: &str,
    seen: &GroupObserved,
    findings: &[Finding],
) -> Option<Checked> {
    let tables = tables(workspace, seen, workspace.ledger.cuts.newest(group));
    least(&tables).filter(|_| protected(workspace, group, &tables) && !is_behind(findings))
}

fn table(
    workspace: &WorkspaceObserved,
    group: Option<&str>,
    seen: &TableObserved,
    cut: Option<&Cut>,
) -> TableStatus {
    let entry = cut.and_then(|cut| workspace.ledger.cuts.entry_of(&cut.group_name, &seen.name));
    let version = entry.map(|entry| entry.source_version);
    let replica = seen.replica();
    let place = workspace.replica_place(group, &seen.name);
    let assessed = replica.map(|replica| assess(&place.path, replica, place.entry));
    let held = assessed
        .as_ref()
        .filter(|seen| seen.theirs.is_empty())
        .filter(|_| replica.is_some_and(|replica| is_whole(replica, place.entry)))
        // A cut that has it elsewhere says nothing of what lies here.
        .filter(|_| {
            entry.is_none_or(|entry| {
                LocationAddress::is_one_place(&entry.replica_location, &place.location)
            })
        })
        .and_then(|seen| seen.holds.clone());
    let held = held.map(|held| held.source_version);
    let lost = entry
        .filter(|entry| Some(entry.source_version) != held)
        .and_then(|entry| lost(seen, entry, assessed.as_ref()));
    let at_cut = version.is_some() && version == held;
    let off_cut = cut
        .filter(|_| lost.is_none() && !at_cut)
        .and_then(|_| OffCut::of(entry, &place, replica, assessed.as_ref()));
    TableStatus {
        table: seen.name.clone(),
        source_head: seen.commits().and_then(|commits| commits.last()).map(|head| head.version),
        cut_version: version,
        checked: replica
            .map(|replica| Checked { depth: replica.depth, at: workspace.secondary.observed_at }),
        replica_version: replica.map(|replica| replica.version),
        holds_source_version: held,
        lost,
        cut_replica_version: entry.map(|entry| entry.replica_version),
        off_cut,
        pending_commits: seen
            .commits()
            .map(|commits| versions::changes_after(commits, version).count() as u64),
    }
}

/// Whether nothing is known to be wrong with a replica's files, and it is known to be the clone that it says to be.
fn is_whole(replica: &Replica, entry: Option<&CutTableEntry>) -> bool {
    damage(replica, entry).is_none() && !matches!(replica.proof, CloneProof::Unknown { .. })
}

/// When the files of all replicas of a group had last been read as its last cut has them.
fn content_read_at(
    tables: &[TableStatus],
    cut: Option<&Cut>,
    checked: Option<Checked>,
) -> Option<DateTime<Utc>> {
    let now = checked.filter(|look| look.depth == LookDepth::ContentRead);
    if let Some(look) = now {
        return Some(look.at);
    }
    let cut = cut?;
    let entries = cut.by_table();
    let mut read = tables.iter().map(|table| {
        let entry = entries.get(&table.table)?;
        entry.replica_content_sha256.as_ref()
    });
    (!tables.is_empty() && read.all(|digest| digest.is_some())).then_some(cut.committed_at)
}

/// Why a replica that does not hold what its cut says cannot be brought back to it.
fn lost(
    seen: &TableObserved,
    entry: &CutTableEntry,
    assessed: Option<&Assessment>,
) -> Option<Sentence> {
    let replica = match &seen.replica {
        None => return None,
        Some(Err(refusal)) => {
            return Some(
                format!("its replica cannot be read: {}", refusal.describe_answer()).into(),
            );
        }
        Some(Ok(None)) => return Some("its replica is missing".into()),
        Some(Ok(Some(replica))) => replica,
    };
    if assessed.is_some_and(|seen| seen.foreign) || replica.version < entry.replica_version {
        return Some("its replica was replaced by another table".into());
    }
    if replica.version == entry.replica_version {
        damage(replica, Some(entry)).map(|damage| damage.what)
    } else {
        replica.since_damaged.clone()
    }
}
