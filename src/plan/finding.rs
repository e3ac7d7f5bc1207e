//! Findings and warnings: everything that can be seen to be wrong, each with its name.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::remedy::{self, Acceptance, Remedy, RemedyKind};
use crate::command::Command;
use crate::region::Grant;

/// Something seen that blocks a group, with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "InDocument", into = "InDocument")]
pub struct Finding {
    /// Which.
    pub code: FindingCode,
    /// Whether it blocks, or was accepted for this plan.
    pub severity: Severity,
    /// The table it is about; absent: the whole group.
    pub table: Option<String>,
    /// What was seen, a sentence without a full stop.
    pub message: String,
    /// What repairs it.
    pub remedy: Option<Remedy>,
}

/// A finding as a document has it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct InDocument {
    /// Which.
    code: FindingCode,
    /// Whether it blocks, or was accepted for this plan.
    severity: Severity,
    /// The table it is about; absent: the whole group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table: Option<String>,
    /// What was seen, a sentence without a full stop.
    message: String,
    /// What repairs it, to be copied as it is where it is a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// What `remedy` is; absent in plans before format 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_kind: Option<RemedyKind>,
    /// The parts of a command of drsync, of which `remedy` is the line; absent in plans of the first drsyncs of format 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_command: Option<Command>,
    /// The parts of a right to be given, of which `remedy` is the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_grant: Option<Grant>,
    /// The parts of an acceptance, of which `remedy` is the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_acceptance: Option<Acceptance>,
}

impl JsonSchema for Finding {
    fn schema_name() -> Cow<'static, str> {
        InDocument::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        InDocument::json_schema(generator)
    }
}

impl From<Finding> for InDocument {
    fn from(finding: Finding) -> InDocument {
        let Finding { code, severity, table, message, remedy } = finding;
        let stored = remedy.map(remedy::Stored::from).unwrap_or_default();
        InDocument {
            code,
            severity,
            table,
            message,
            remedy: stored.text,
            remedy_kind: stored.kind,
            remedy_command: stored.command,
            remedy_grant: stored.grant,
            remedy_acceptance: stored.acceptance,
        }
    }
}

impl TryFrom<InDocument> for Finding {
    type Error = String;

    fn try_from(document: InDocument) -> Result<Finding, String> {
        let stored = remedy::Stored {
            text: document.remedy,
            kind: document.remedy_kind,
            command: document.remedy_command,
            grant: document.remedy_grant,
            acceptance: document.remedy_acceptance,
        };
        let InDocument { code, severity, table, message, .. } = document;
        Ok(Finding { code, severity, table, message, remedy: stored.remedy()? })
    }
}

/// Whether a finding blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The group waits for its repair.
    Block,
    /// Somebody accepted it for this plan.
    Accepted,
    /// It blocks nothing: the next sync of the group repairs it, and nothing of anybody's is lost by that.
    Repaired,
}

/// Every finding there is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// The group's configuration has a mistake.
    ConfigurationInvalid,
    /// No job has the workflow's name or id.
    WorkflowNotFound,
    /// More than one job has the name.
    WorkflowAmbiguous,
    /// The catalog has no such table.
    TableNotFound,
    /// The principal may not read it.
    TableNotReadable,
    /// This kind of table cannot be cloned.
    UnsupportedTable,
    /// The table has no version as old as the recovery point.
    NoVersionAtRecoveryPoint,
    /// The pinned version can no longer be read.
    VersionNotRetained,
    /// The source is another table than the one the last cut names.
    SourceRecreated,
    /// The source lost most of its rows.
    SourceShrank,
    /// Someone else wrote to the replica.
    ReplicaChanged,
    /// Files of the replica are not what was cloned.
    ReplicaDamaged,
    /// What lies at the replica's path is not a replica of this table.
    ReplicaNotOurs,
    /// Many replicas are gone at once.
    ReplicasMissing,
    /// The source's column-mapping mode is not the replica's.
    ColumnMappingChanged,
    /// No external location covers the sync location.
    LocationNotFound,
    /// The sync location cannot be written.
    LocationNotWritable,
    /// The primary does not answer.
    PrimaryNotAvailable,
    /// The secondary does not answer.
    SecondaryNotAvailable,
    /// The primary answers with a refusal, or with what cannot be used.
    PrimaryRefused,
    /// The secondary answers with a refusal, or with what cannot be used.
    SecondaryRefused,
    /// A workflow of the group runs in the secondary.
    WorkflowActiveInSecondary,
    /// Two tables would be cloned to one place.
    DuplicateTarget,
    /// The two copies of the cut log tell different stories.
    LedgerDiverged,
    /// The cut log does not have a cut that was committed: it was emptied, or put back from an older copy.
    LedgerLost,
    /// The sync location belongs to another workspace's configuration.
    LedgerNotOurs,
}

/// Something that is not wrong yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// Which.
    pub code: WarningCode,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What was seen.
    pub message: String,
}

/// Every warning there is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A pinned version will soon no longer be readable.
    PinExpiresSoon,
    /// The last cut can soon no longer be restored.
    CutExpiresSoon,
    /// The source forgets its versions faster than the group is synchronized.
    RetentionShorterThanInterval,
    /// The lag comes close to the objective.
    RpoAtRisk,
    /// The lag passed the objective.
    RpoBreached,
    /// The objective is shorter than the interval.
    RpoShorterThanInterval,
    /// Write access could not be seen without writing.
    WriteNotProved,
    /// The primary's own sync location cannot be written: its metadata tables stay behind.
    PrimaryNotWritable,
    /// The service's clock and ours differ.
    ClockSkew,
    /// No secondary workspace is configured.
    SecondaryWorkspaceMissing,
    /// The secondary workspace does not answer while its storage does.
    SecondaryWorkspaceNotSeen,
    /// A workflow runs or is scheduled in the secondary.
    SecondaryWorkflowActive,
    /// A cut that is not tied to a finished workflow run.
    CrashConsistent,
    /// An apply is at work on the group, or ended without a word.
    Interrupted,
    /// Tables of the group are not protected.
    UnprotectedTables,
    /// A part of the configuration was not understood.
    ConfigurationIncomplete,
    /// Something was accepted that was not found.
    AcceptanceUnused,
    /// Neither region has a cut log, and replicas were synchronized before.
    LedgerLost,
    /// A metadata table cannot be read, or was read around damage.
    LedgerDamaged,
    /// The cut log has a row that is no cut, of no group that the plan is of.
    LedgerOddRow,
    /// A run record tells of a cut beyond the log and is not believed.
    RecordNotBelieved,
    /// A source's commit has a time that is yet to come.
    CommitInFuture,
    /// The last cut has a recovery point that is yet to come.
    CutInFuture,
}

impl Finding {
    /// Whether `plan --accept` may let it through: what cannot be read as a table cannot be cloned over, and its remedy is another.
    pub fn acceptable(&self) -> bool {
        let at_the_replica =
            matches!(self.code, FindingCode::ReplicaChanged | FindingCode::ReplicaNotOurs);
        let offered = |remedy: &Remedy| matches!(remedy, Remedy::Acceptance(_));
        self.code.acceptable() && (!at_the_replica || self.remedy.as_ref().is_none_or(offered))
    }
}

impl FindingCode {
    /// Every finding, in the order in which they are shown.
    pub const ALL: [FindingCode; 26] = [
        FindingCode::ConfigurationInvalid,
        FindingCode::WorkflowNotFound,
        FindingCode::WorkflowAmbiguous,
        FindingCode::TableNotFound,
        FindingCode::TableNotReadable,
        FindingCode::UnsupportedTable,
        FindingCode::NoVersionAtRecoveryPoint,
        FindingCode::VersionNotRetained,
        FindingCode::SourceRecreated,
        FindingCode::SourceShrank,
        FindingCode::ReplicaChanged,
        FindingCode::ReplicaDamaged,
        FindingCode::ReplicaNotOurs,
        FindingCode::ReplicasMissing,
        FindingCode::ColumnMappingChanged,
        FindingCode::LocationNotFound,
        FindingCode::LocationNotWritable,
        FindingCode::PrimaryNotAvailable,
        FindingCode::SecondaryNotAvailable,
        FindingCode::PrimaryRefused,
        FindingCode::SecondaryRefused,
        FindingCode::WorkflowActiveInSecondary,
        FindingCode::DuplicateTarget,
        FindingCode::LedgerDiverged,
        FindingCode::LedgerLost,
        FindingCode::LedgerNotOurs,
    ];

    /// As it is written in plans and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingCode::ConfigurationInvalid => "configuration_invalid",
            FindingCode::WorkflowNotFound => "workflow_not_found",
            FindingCode::WorkflowAmbiguous => "workflow_ambiguous",
            FindingCode::TableNotFound => "table_not_found",
            FindingCode::TableNotReadable => "table_not_readable",
            FindingCode::UnsupportedTable => "unsupported_table",
            FindingCode::NoVersionAtRecoveryPoint => "no_version_at_recovery_point",
            FindingCode::VersionNotRetained => "version_not_retained",
            FindingCode::SourceRecreated => "source_recreated",
            FindingCode::SourceShrank => "source_shrank",
            FindingCode::ReplicaChanged => "replica_changed",
            FindingCode::ReplicaDamaged => "replica_damaged",
            FindingCode::ReplicaNotOurs => "replica_not_ours",
            FindingCode::ReplicasMissing => "replicas_missing",
            FindingCode::ColumnMappingChanged => "column_mapping_changed",
            FindingCode::LocationNotFound => "location_not_found",
            FindingCode::LocationNotWritable => "location_not_writable",
            FindingCode::PrimaryNotAvailable => "primary_not_available",
            FindingCode::SecondaryNotAvailable => "secondary_not_available",
            FindingCode::PrimaryRefused => "primary_refused",
            FindingCode::SecondaryRefused => "secondary_refused",
            FindingCode::WorkflowActiveInSecondary => "workflow_active_in_secondary",
            FindingCode::DuplicateTarget => "duplicate_target",
            FindingCode::LedgerDiverged => "ledger_diverged",
            FindingCode::LedgerLost => "ledger_lost",
            FindingCode::LedgerNotOurs => "ledger_not_ours",
        }
    }

    /// Whether it says that the primary cannot be looked at as a whole.
    pub fn is_of_primary(self) -> bool {
        matches!(self, FindingCode::PrimaryNotAvailable | FindingCode::PrimaryRefused)
    }

    /// Whether findings of this kind may be let through by `plan --accept`.
    pub fn acceptable(self) -> bool {
        match self {
            FindingCode::SourceRecreated
            | FindingCode::SourceShrank
            | FindingCode::ReplicaChanged
            | FindingCode::ReplicaNotOurs
            | FindingCode::ReplicasMissing
            | FindingCode::ColumnMappingChanged
            | FindingCode::LedgerLost
            | FindingCode::LedgerNotOurs => true,
            FindingCode::ConfigurationInvalid
            | FindingCode::WorkflowNotFound
            | FindingCode::WorkflowAmbiguous
            | FindingCode::TableNotFound
            | FindingCode::TableNotReadable
            | FindingCode::UnsupportedTable
            | FindingCode::NoVersionAtRecoveryPoint
            | FindingCode::VersionNotRetained
            | FindingCode::ReplicaDamaged
            | FindingCode::LocationNotFound
            | FindingCode::LocationNotWritable
            | FindingCode::PrimaryNotAvailable
            | FindingCode::SecondaryNotAvailable
            | FindingCode::PrimaryRefused
            | FindingCode::SecondaryRefused
            | FindingCode::WorkflowActiveInSecondary
            | FindingCode::DuplicateTarget
            | FindingCode::LedgerDiverged => false,
        }
    }
}

/// What may be accepted beside findings: a cut that is not tied to a finished workflow run.
pub const CRASH_CONSISTENT: &str = "crash_consistent";

impl WarningCode {
    /// As it is written in plans and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningCode::PinExpiresSoon => "pin_expires_soon",
            WarningCode::CutExpiresSoon => "cut_expires_soon",
            WarningCode::RetentionShorterThanInterval => "retention_shorter_than_interval",
            WarningCode::RpoAtRisk => "rpo_at_risk",
            WarningCode::RpoBreached => "rpo_breached",
            WarningCode::RpoShorterThanInterval => "rpo_shorter_than_interval",
            WarningCode::WriteNotProved => "write_not_proved",
            WarningCode::PrimaryNotWritable => "primary_not_writable",
            WarningCode::ClockSkew => "clock_skew",
            WarningCode::SecondaryWorkspaceMissing => "secondary_workspace_missing",
            WarningCode::SecondaryWorkspaceNotSeen => "secondary_workspace_not_seen",
            WarningCode::SecondaryWorkflowActive => "secondary_workflow_active",
            WarningCode::CrashConsistent => "crash_consistent",
            WarningCode::Interrupted => "interrupted",
            WarningCode::UnprotectedTables => "unprotected_tables",
            WarningCode::ConfigurationIncomplete => "configuration_incomplete",
            WarningCode::AcceptanceUnused => "acceptance_unused",
            WarningCode::LedgerLost => "ledger_lost",
            WarningCode::LedgerDamaged => "ledger_damaged",
            WarningCode::LedgerOddRow => "ledger_odd_row",
            WarningCode::RecordNotBelieved => "record_not_believed",
            WarningCode::CommitInFuture => "commit_in_future",
            WarningCode::CutInFuture => "cut_in_future",
        }
    }
}
