//! The names of findings, and which of them somebody may accept. Pure.

use super::codes::codes;

codes! {
    /// Every finding there is.
    pub enum FindingCode {
        /// The group's configuration has a mistake.
        ConfigurationInvalid = "configuration_invalid",
        /// No job has the workflow's name or id.
        WorkflowNotFound = "workflow_not_found",
        /// More than one job has the name.
        WorkflowAmbiguous = "workflow_ambiguous",
        /// The catalog has no such table.
        TableNotFound = "table_not_found",
        /// The principal may not read it.
        TableNotReadable = "table_not_readable",
        /// This kind of table cannot be cloned.
        UnsupportedTable = "unsupported_table",
        /// The table has no version as old as the recovery point.
        NoVersionAtRecoveryPoint = "no_version_at_recovery_point",
        /// The pinned version can no longer be read.
        VersionNotRetained = "version_not_retained",
        /// The source is another table than the one the last cut names.
        SourceRecreated = "source_recreated",
        /// The source lost most of its rows.
        SourceShrank = "source_shrank",
        /// Someone else wrote to the replica.
        ReplicaChanged = "replica_changed",
        /// Files of the replica are not what was cloned.
        ReplicaDamaged = "replica_damaged",
        /// What lies at the replica's path is not a replica of this table.
        ReplicaNotOurs = "replica_not_ours",
        /// Many replicas are gone at once.
        ReplicasMissing = "replicas_missing",
        /// The source's column-mapping mode is not the replica's.
        ColumnMappingChanged = "column_mapping_changed",
        /// No external location covers the sync location.
        LocationNotFound = "location_not_found",
        /// The sync location cannot be written.
        LocationNotWritable = "location_not_writable",
        /// The primary does not answer.
        PrimaryNotAvailable = "primary_not_available",
        /// The secondary does not answer.
        SecondaryNotAvailable = "secondary_not_available",
        /// The primary answers with a refusal, or with what cannot be used.
        PrimaryRefused = "primary_refused",
        /// The secondary answers with a refusal, or with what cannot be used.
        SecondaryRefused = "secondary_refused",
        /// A workflow of the group runs in the secondary.
        WorkflowActiveInSecondary = "workflow_active_in_secondary",
        /// Two tables would be cloned to one place.
        DuplicateTarget = "duplicate_target",
        /// The two copies of the cut log tell different stories.
        LedgerDiverged = "ledger_diverged",
        /// The cut log does not have a cut that was committed: it was emptied, or put back from an older copy.
        LedgerLost = "ledger_lost",
        /// The sync location belongs to another workspace's configuration.
        LedgerNotOurs = "ledger_not_ours",
        /// Another side is active of the group, by a change of role that drsync did not plan.
        FailedOver = "failed_over",
        /// A replica is marked by a change of role that the cut log does not have.
        LedgerBehind = "ledger_behind",
        /// The cut log says of the group what only a later version of drsync knows.
        LedgerNewer = "ledger_newer",
    }
}

impl FindingCode {
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
