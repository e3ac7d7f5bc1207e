//! The run record: what one apply did, table by table, and how it ended. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod approval;
mod ending;
mod losses;
mod notified;
mod signature;
mod warning;

use crate::config::TableName;
use crate::formats::RUN;
use crate::ledger::AcceptedRisk;
use crate::moment;
use crate::plan::document::Unprotected;
use crate::plan::{
    Checked, ComparedWith, CutsTold, GrantsSeen, JobSeen, LedgerAction, LossReceipt,
    ProtectionSettings, Provenance, ReceiptTold, Role, RoleTold, SettingChange, SettingsBefore,
    Whose,
};
use crate::region::{KeptDocument, RUN_RECORD_ENDING, VerifiedLevel};
use crate::sentence::Sentence;
pub use approval::Approval;
pub use ending::{Blocking, Ending, Failed, GroupOutcome, Moved};
pub(crate) use losses::LossesTold;
pub use notified::{Notified, Outstanding, ToldBefore, Unreached};
pub use signature::SignatureSeen;
pub use warning::{RunWarning, RunWarningCode};

/// What one apply did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// `drsync.run`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// A ULID.
    pub run_id: String,
    /// The plan it carried out.
    pub plan_id: String,
    /// SHA-256 of the plan's bytes.
    pub plan_sha256: String,
    /// Of what the plan does.
    pub effect_sha256: String,
    /// When it began.
    #[serde(with = "moment::Moment")]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(with = "moment::Moment")]
    pub ended_at: DateTime<Utc>,
    /// `DRSYNC_NOW` replaced the clock.
    #[serde(default)]
    pub clock_overridden: bool,
    /// Who ran it, and where.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// What approval it had; records of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Nothing was to be done. Such a record is small: of its groups it tells the outcome.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// How it ended.
    pub exit: Exit,
    /// Every group of the plan.
    pub groups: Vec<GroupRecord>,
    /// What was done to the metadata tables before any group was begun, where something was; records of older versions do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<MetadataRecord>,
    /// Replicas that were registered in the secondary's own catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registered: Vec<TableName>,
    /// Risks that were accepted for the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedRisk>,
    /// Tables of its groups that are not synchronized, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unprotected: Vec<Unprotected>,
    /// What went wrong without being against a cut.
    #[serde(flatten, with = "warning::stored")]
    #[schemars(with = "warning::StoredWarnings")]
    pub warnings: Vec<RunWarning>,
    /// What each region took down, by workspace; records before version 1.2 do not tell. What is said of where an apply is
    /// recorded is this and nothing else. The record as it is kept cannot tell of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Vec<RecordedIn>>,
    /// What a region was to take down and did not; records of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_recorded: Option<Vec<NotRecorded>>,
    /// What it tells people; absent: nobody is to be told of anything, or the record is of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<Notified>,
    /// Counts.
    pub summary: RunSummary,
    /// Of each workspace where the configuration is kept that it was applied with, or that a record before it names; a workspace of
    /// which none is known, and records of older versions, do not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configurations: BTreeMap<String, KeptConfiguration>,
    /// Of each workspace the number of the newest cut of every group that is known, of this plan or not: from the cut logs, and from
    /// the records before this one. A workspace whose records could not be read is left out; records of versions before 1.3 do
    /// not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub newest_cuts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Of each workspace the side that is active of every group whose roles were ever changed, as far as it is known: from the cut
    /// logs, and from the records before this one. Records of older versions do not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub newest_roles: BTreeMap<String, BTreeMap<String, RoleTold>>,
    /// How every workspace and its groups are protected: as the plan says, of groups that are not in it as the records before say.
    /// A workspace whose records could not be read is left out; records of versions before 1.4 do not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, ProtectionSettings>,
    /// What is another than the records before say, by workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_changed: Vec<SettingsChanged>,
    /// Of each workspace when all of its groups were last looked at, due or not, with their replicas: by this apply, or as the
    /// records before it tell; records of older versions do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whole_looks: Vec<WholeLook>,
    /// SHA-256 of the record before, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_run_sha256: Option<String>,
    /// SHA-256 of other records that no record named yet, as those of applies that ended at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_previous_sha256: Vec<String>,
    /// The records before it in workspaces that have others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous_elsewhere: Vec<PreviousElsewhere>,
    /// The records of no region could be read: what came before it is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous_unseen: bool,
    /// The public key of the runner that signed it, as minisign writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// SHA-256 of the record as it is kept; told by the apply, and no part of what is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_sha256: Option<String>,
}

/// Settings that are others from this apply on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsChanged {
    /// The workspace.
    pub workspace: String,
    /// Whose settings they were compared with.
    pub compared_with: ComparedWith,
    /// Somebody approved the plan that has them; the record says how.
    pub reviewed: bool,
    /// What changed.
    pub changes: Vec<SettingChange>,
}

/// A look at all groups of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WholeLook {
    /// The workspace.
    pub workspace: String,
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
}

/// A configuration among the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptConfiguration {
    /// The document's name.
    pub document: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Something that a region was to take down of an apply and did not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NotRecorded {
    /// The workspace.
    pub workspace: String,
    /// The region.
    pub region: Role,
    /// What it lacks.
    pub what: Recorded,
    /// Why, as the region said.
    pub why: Sentence,
}

/// What the regions of a workspace took down of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedIn {
    /// The workspace.
    pub workspace: String,
    /// Its primary.
    pub primary: TakenDown,
    /// Its secondary.
    pub secondary: TakenDown,
}

/// What one region took down of an apply: all of it as it answered, or not; absent: there was nothing of the kind to take down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Taken")]
pub struct TakenDown {
    /// Rows of `sync_metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<bool>,
    /// Cuts in the cut log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts: Option<bool>,
    /// The plan, with its signature where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<bool>,
    /// The run record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<bool>,
}

/// What an apply leaves in a region, beside replicas.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Rows of `sync_metadata`.
    Rows,
    /// Cuts in the cut log.
    Cuts,
    /// The plan, with its signature where it has one.
    Plan,
    /// The run record.
    Record,
}

/// The records before a record, of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviousElsewhere {
    /// The workspace.
    pub workspace: String,
    /// SHA-256 of each, the newest first.
    pub sha256: Vec<String>,
}

/// An exit status with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// The process's exit status.
    pub code: u8,
    /// Its name.
    pub name: String,
}

/// What was done to the metadata tables of one region, beside the statuses and cuts of groups that were synchronized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetadataRecord {
    /// The workspace.
    pub workspace: String,
    /// The region.
    pub region: Role,
    /// Whether the tables were made, cloned from the other region, or were there.
    pub action: LedgerAction,
    /// Groups whose row is new.
    pub rows_added: usize,
    /// Groups whose row changed.
    pub rows_changed: usize,
    /// Groups that left the configuration.
    pub rows_retired: usize,
    /// Cuts that the other region's log had and this one's lacked.
    pub cuts_copied: usize,
}

/// What became of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRecord {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: GroupOutcome,
    /// The same with its facts; absent: nothing was to be done, and the outcome says all, or the record is of a version before 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Why, where it was not simply done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Sentence>,
    /// The cut that was committed or that the group keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<u64>,
    /// The cut's moment.
    #[serde(default, with = "moment::OptionalMoment", skip_serializing_if = "Option::is_none")]
    pub recovery_point: Option<DateTime<Utc>>,
    /// When this run looked at its replicas and found all of them as the cut says, and how deeply: that of which least was seen;
    /// absent: it did not look, or found otherwise. Records of version 1.0 do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// What would be lost if the primary were gone now, beyond the cut that the group has, with when its sources were looked at,
    /// by this run, for its plan, or by an earlier one; absent: nobody looked since that cut was made, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossReceipt>,
    /// What was lost with the newest change of role that took it away from its home, that being the cut, as it was last looked at
    /// before; absent: there was none, or no look is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_with: Option<ReceiptTold>,
    /// The jobs that it names, at both sides, as this run or an earlier one saw them, each with when: whether it starts by itself,
    /// and what keeps its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobSeen>,
    /// Who may use its tables at both sides, as this run or an earlier one saw it, with when; absent: nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<GrantsSeen>,
    /// What was done to its tables.
    pub tables: Vec<TableRecord>,
}

impl GroupRecord {
    /// What it tells of what was lost with a change of role, that being the cut: as it was told before, or as it stood beyond the cut
    /// before it.
    pub fn lost_with(&self, role: u64) -> Option<&LossReceipt> {
        let told = self.lost_with.as_ref().filter(|told| told.cut == role);
        let before = || self.loss.as_ref().filter(|_| self.cut == role.checked_sub(1));
        told.map(|told| &told.loss).or_else(before)
    }
}

/// What was done to one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableRecord {
    /// The source's name.
    pub table: TableName,
    /// How it ended.
    pub outcome: TableOutcome,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// The pinned version.
    pub source_version: u64,
    /// The replica's version that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_version: Option<u64>,
    /// Files of the source at the pinned version, as the clone itself reports them; of an unchanged table, as the plan does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_files: Option<u64>,
    /// Their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_bytes: Option<u64>,
    /// Files copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_files: Option<u64>,
    /// Bytes copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_bytes: Option<u64>,
    /// How it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<VerifiedRecord>,
    /// Digest of what the replica's log says of its files, as the cut has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_files_sha256: Option<String>,
    /// Digest of those files as the clone left them, as the cut has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_content_sha256: Option<String>,
    /// Live rows of a replica that was left as it is, for the cut; a record tells of those that were counted ([`Self::verified`]).
    #[serde(skip)]
    pub rows: Option<u64>,
    /// Id of the statement, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Sentence>,
    /// The same without what was being done, where that was the clone as a whole; records of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Sentence>,
}

/// How a table ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableOutcome {
    /// It was cloned and verified.
    Cloned,
    /// An earlier attempt had cloned it.
    AlreadyCloned,
    /// It was no-op in the plan.
    Unchanged,
    /// It could not be cloned.
    Failed,
    /// Its turn did not come.
    NotStarted,
}

/// How a table was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedRecord {
    /// How deep.
    pub level: VerifiedLevel,
    /// Live rows of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_rows: Option<u64>,
    /// Live rows of the replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_rows: Option<u64>,
}

/// Counts over all groups.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// Groups with a new cut.
    pub synchronized: usize,
    /// Groups that failed.
    pub failed: usize,
    /// Groups that are blocked.
    pub blocked: usize,
    /// Groups whose part of the plan is stale.
    #[serde(default)]
    pub stale: usize,
    /// Groups that somebody else had brought further.
    #[serde(default)]
    pub overtaken: usize,
    /// Groups as new as their sources.
    #[serde(default)]
    pub up_to_date: usize,
    /// Groups that wait.
    #[serde(default)]
    pub waiting: usize,
    /// Groups whose turn did not come.
    pub not_started: usize,
    /// Files copied.
    pub copied_files: u64,
    /// Bytes copied.
    pub copied_bytes: u64,
}

/// Why a run record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read it as a run record: {0}")]
pub struct UnreadableRecord(String);

impl RunRecord {
    /// Reads a run record of the major version that this drsync writes; fields that it does not know are left out.
    ///
    /// # Errors
    /// [`UnreadableRecord`].
    pub fn read(bytes: &[u8]) -> Result<RunRecord, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
            format_version: String,
        }
        let json = |error: serde_json::Error| UnreadableRecord(error.to_string());
        let bytes = crate::canonical::without_mark(bytes);
        let head: Head = serde_json::from_slice(bytes).map_err(json)?;
        RUN.check_kind(Some(&head.kind)).map_err(UnreadableRecord)?;
        RUN.check_version(&head.format_version).map_err(UnreadableRecord)?;
        serde_json::from_slice(bytes).map_err(json)
    }
}

impl RunRecord {
    /// Reads a record that was kept under its own name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(document: &KeptDocument) -> Result<RunRecord, Sentence> {
        let record =
            RunRecord::read(&document.bytes).map_err(|error| format!("failed to {error}"))?;
        if document.name.strip_suffix(RUN_RECORD_ENDING) == Some(record.run_id.as_str()) {
            Ok(record)
        } else {
            Err(format!("it says that it is of apply {}", record.run_id).into())
        }
    }

    /// What it tells of the cuts of a workspace.
    pub fn cuts_told(&self, workspace: &str) -> CutsTold<'_> {
        let groups = self.groups.iter().filter(|group| group.workspace == workspace);
        CutsTold {
            run_id: &self.run_id,
            groups: groups.map(|group| (group.name.as_str(), group.cut)).collect(),
            newest: self.newest_cuts.get(workspace),
            roles: self.newest_roles.get(workspace),
            whole_look: self
                .whole_looks
                .iter()
                .find(|look| look.workspace == workspace)
                .map(|look| look.at),
        }
    }

    /// The settings of a workspace that it tells, by its name or by where its replicas lie; `None`: it tells none.
    pub fn settings_of(&self, whose: &Whose<'_>) -> Option<SettingsBefore> {
        let (_, settings) = ProtectionSettings::among(&self.settings, whose)?;
        Some(SettingsBefore {
            of: ComparedWith::Record { run_id: self.run_id.clone(), ended_at: self.ended_at },
            settings: settings.clone(),
            tables: None,
        })
    }

    /// Whether it tells of each group whether its replicas were looked at, as records from version 1.1 on do.
    pub fn tells_looks(&self) -> bool {
        self.format_version.split('.').nth(1) != Some("0")
    }
}

impl TakenDown {
    /// Whether it was taken down.
    pub fn get(&self, what: Recorded) -> Option<bool> {
        match what {
            Recorded::Rows => self.rows,
            Recorded::Cuts => self.cuts,
            Recorded::Plan => self.plan,
            Recorded::Record => self.record,
        }
    }

    /// Says whether it was.
    pub(crate) fn set(&mut self, what: Recorded, taken: bool) {
        let place = match what {
            Recorded::Rows => &mut self.rows,
            Recorded::Cuts => &mut self.cuts,
            Recorded::Plan => &mut self.plan,
            Recorded::Record => &mut self.record,
        };
        *place = Some(taken);
    }
}

impl Recorded {
    /// As documents write it.
    pub fn code(self) -> &'static str {
        match self {
            Recorded::Rows => "rows",
            Recorded::Cuts => "cuts",
            Recorded::Plan => "plan",
            Recorded::Record => "record",
        }
    }

    /// On screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Recorded::Rows => "rows of sync_metadata",
            Recorded::Cuts => "cuts",
            Recorded::Plan => "the plan",
            Recorded::Record => "the run record",
        }
    }
}
