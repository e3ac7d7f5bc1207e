//! The names of findings, and which of them somebody may accept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Another side is active of the group, by a change of role that drsync did not plan.
    FailedOver,
    /// A replica is marked by a change of role that the cut log does not have.
    LedgerBehind,
    /// The cut log says of the group what only a later version of drsync knows.
    LedgerNewer,
}

impl FindingCode {
    /// Every finding, in the order in which they are shown.
    pub const ALL: [FindingCode; 29] = [
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
        FindingCode::FailedOver,
        FindingCode::LedgerBehind,
        FindingCode::LedgerNewer,
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
            FindingCode::FailedOver => "failed_over",
            FindingCode::LedgerBehind => "ledger_behind",
            FindingCode::LedgerNewer => "ledger_newer",
        }
    }

    /// Whether it says that the primary cannot be looked at as a whole.
    pub fn is_of_primary(self) -> bool {
        matches!(self, FindingCode::PrimaryNotAvailable | FindingCode::PrimaryRefused)
    }

    /// Whether it says something of a region as a whole, whatever the group.
    pub fn is_of_region(self) -> bool {
        match self {
            FindingCode::LocationNotFound
            | FindingCode::LocationNotWritable
            | FindingCode::PrimaryNotAvailable
            | FindingCode::SecondaryNotAvailable
            | FindingCode::PrimaryRefused
            | FindingCode::SecondaryRefused
            | FindingCode::LedgerNotOurs => true,
            FindingCode::ConfigurationInvalid
            | FindingCode::WorkflowNotFound
            | FindingCode::WorkflowAmbiguous
            | FindingCode::TableNotFound
            | FindingCode::TableNotReadable
            | FindingCode::UnsupportedTable
            | FindingCode::NoVersionAtRecoveryPoint
            | FindingCode::VersionNotRetained
            | FindingCode::SourceRecreated
            | FindingCode::SourceShrank
            | FindingCode::ReplicaChanged
            | FindingCode::ReplicaDamaged
            | FindingCode::ReplicaNotOurs
            | FindingCode::ReplicasMissing
            | FindingCode::ColumnMappingChanged
            | FindingCode::WorkflowActiveInSecondary
            | FindingCode::DuplicateTarget
            | FindingCode::LedgerDiverged
            | FindingCode::LedgerLost
            | FindingCode::FailedOver
            | FindingCode::LedgerBehind
            | FindingCode::LedgerNewer => false,
        }
    }

    /// Whether it says that this side may bring the group nowhere: another one is active, or may be.
    pub fn is_of_roles(self) -> bool {
        matches!(
            self,
            FindingCode::FailedOver | FindingCode::LedgerBehind | FindingCode::LedgerNewer
        )
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
            | FindingCode::LedgerDiverged
            | FindingCode::FailedOver
            | FindingCode::LedgerBehind
            | FindingCode::LedgerNewer => false,
        }
    }
}
