//! Findings and warnings: everything that can be seen to be wrong, each with its name. Pure.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::codes::codes;
use super::deed::Deed;
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
    /// What is to be done, of a remedy that is words: by it remedies are compared; absent in documents of before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy_deed: Option<Deed>,
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
        let stored = remedy.map(remedy::StoredRemedy::from).unwrap_or_default();
        InDocument {
            code,
            severity,
            table,
            message,
            remedy: stored.text,
            remedy_kind: stored.kind,
            remedy_words: stored.words,
            remedy_deed: stored.deed,
            remedy_command: stored.command,
            remedy_grant: stored.grant,
            remedy_acceptance: stored.acceptance,
        }
    }
}

impl TryFrom<InDocument> for Finding {
    type Error = String;

    fn try_from(document: InDocument) -> Result<Finding, String> {
        let stored = remedy::StoredRemedy {
            text: document.remedy,
            kind: document.remedy_kind,
            words: document.remedy_words,
            deed: document.remedy_deed,
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

codes! {
    /// Every warning there is.
    pub enum WarningCode {
        /// A pinned version will soon no longer be readable.
        PinExpiresSoon = "pin_expires_soon",
        /// The last cut can soon no longer be restored.
        CutExpiresSoon = "cut_expires_soon",
        /// The source forgets its versions faster than the group is synchronized.
        RetentionShorterThanInterval = "retention_shorter_than_interval",
        /// The lag comes close to the objective.
        RpoAtRisk = "rpo_at_risk",
        /// The lag passed the objective.
        RpoBreached = "rpo_breached",
        /// The objective is shorter than the interval.
        RpoShorterThanInterval = "rpo_shorter_than_interval",
        /// Write access could not be seen without writing.
        WriteNotProved = "write_not_proved",
        /// The primary's own sync location cannot be written: its metadata tables stay behind.
        PrimaryNotWritable = "primary_not_writable",
        /// The service's clock and ours differ.
        ClockSkew = "clock_skew",
        /// No secondary workspace is configured.
        SecondaryWorkspaceMissing = "secondary_workspace_missing",
        /// Something that is needed on the bad day lies in the region that is protected.
        DiesWithPrimary = "dies_with_primary",
        /// Nothing runs SQL in the secondary workspace.
        NoComputeInSecondary = "no_compute_in_secondary",
        /// Somebody may use tables at one side only.
        GrantsDiffer = "grants_differ",
        /// The secondary workspace does not answer while its storage does.
        SecondaryWorkspaceNotSeen = "secondary_workspace_not_seen",
        /// A workflow runs or is scheduled in the secondary.
        SecondaryWorkflowActive = "secondary_workflow_active",
        /// A cut that is not tied to a finished workflow run.
        CrashConsistent = "crash_consistent",
        /// An apply is at work on the group, or ended without a word.
        Interrupted = "interrupted",
        /// Tables of the group are not protected.
        UnprotectedTables = "unprotected_tables",
        /// A part of the configuration was not understood.
        ConfigurationIncomplete = "configuration_incomplete",
        /// Something was accepted that was not found.
        AcceptanceUnused = "acceptance_unused",
        /// Neither region has a cut log, and replicas were synchronized before.
        LedgerLost = "ledger_lost",
        /// A metadata table cannot be read, or was read around damage.
        LedgerDamaged = "ledger_damaged",
        /// The cut log has a row that is no cut, of no group that the plan is of.
        LedgerOddRow = "ledger_odd_row",
        /// There is nothing to compare settings with, although groups were protected before.
        SettingsNotCompared = "settings_not_compared",
        /// A run record tells of a cut beyond the log and is not believed.
        RecordNotBelieved = "record_not_believed",
        /// A source's commit has a time that is yet to come.
        CommitInFuture = "commit_in_future",
        /// The last cut has a recovery point that is yet to come.
        CutInFuture = "cut_in_future",
    }
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
