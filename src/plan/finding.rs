//! Findings and warnings: everything that can be seen to be wrong, each with its name.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::finding_code::FindingCode;
use super::remedy::{self, Acceptance, Remedy, RemedyKind};
use crate::command::Command;
use crate::region::Grant;
use crate::sentence::Sentence;

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
    pub message: Sentence,
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
    message: Sentence,
    /// What repairs it, to be copied as it is where it is a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// What `remedy` is; absent in plans before format 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_kind: Option<RemedyKind>,
    /// What is to be done first, of a remedy after whose words `remedy` has the command of `remedy_acceptance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_words: Option<Sentence>,
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
            remedy_words: stored.words,
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
            words: document.remedy_words,
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
    pub message: Sentence,
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
    /// Something that is needed on the bad day lies in the region that is protected.
    DiesWithPrimary,
    /// Nothing runs SQL in the secondary workspace.
    NoComputeInSecondary,
    /// Somebody may use tables at one side only.
    GrantsDiffer,
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

/// What may be accepted beside findings: a cut that is not tied to a finished workflow run.
pub const CRASH_CONSISTENT: &str = "crash_consistent";

impl WarningCode {
    /// Every warning.
    pub const ALL: [WarningCode; 26] = [
        WarningCode::PinExpiresSoon,
        WarningCode::CutExpiresSoon,
        WarningCode::RetentionShorterThanInterval,
        WarningCode::RpoAtRisk,
        WarningCode::RpoBreached,
        WarningCode::RpoShorterThanInterval,
        WarningCode::WriteNotProved,
        WarningCode::PrimaryNotWritable,
        WarningCode::ClockSkew,
        WarningCode::SecondaryWorkspaceMissing,
        WarningCode::DiesWithPrimary,
        WarningCode::NoComputeInSecondary,
        WarningCode::GrantsDiffer,
        WarningCode::SecondaryWorkspaceNotSeen,
        WarningCode::SecondaryWorkflowActive,
        WarningCode::CrashConsistent,
        WarningCode::Interrupted,
        WarningCode::UnprotectedTables,
        WarningCode::ConfigurationIncomplete,
        WarningCode::AcceptanceUnused,
        WarningCode::LedgerLost,
        WarningCode::LedgerDamaged,
        WarningCode::LedgerOddRow,
        WarningCode::RecordNotBelieved,
        WarningCode::CommitInFuture,
        WarningCode::CutInFuture,
    ];

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
            WarningCode::DiesWithPrimary => "dies_with_primary",
            WarningCode::NoComputeInSecondary => "no_compute_in_secondary",
            WarningCode::GrantsDiffer => "grants_differ",
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
