//! What goes over the wire: requests to the Databricks REST API and its answers, as serde types.
//!
//! Answers follow proto3 JSON: an absent field is the default, lists and numbers included, and unknown fields and enum values
//! are left alone. Requests are written only and answers are read only: the sandbox has types of its own, because a field that was
//! wrong in a type of both sides would be wrong in every test, too.

use serde::{Deserialize, Deserializer};

mod identity_and_files;
mod jobs;
mod statements;
mod unity_catalog;

pub use identity_and_files::{
    DirectoryEntry, DirectoryPage, HostMetadata, Me, ObjectInfo, Objects, OidcEndpoints, Secret,
    TokenAnswer,
};
pub use jobs::{
    Job, JobDeployment, JobSettings, Jobs, Pausable, QueueDetails, Run, RunStateOld, RunStatus,
    Runs, TerminationDetails,
};
pub use statements::{
    ChunkInfo, ExternalLink, Manifest, QueryHistory, QueryInfo, QueryTag, ResultChunk,
    ResultColumn, ResultSchema, ServiceError, StatementRequest, StatementResponse, StatementState,
    StatementStatus, Warehouse, Warehouses,
};
pub use unity_catalog::{
    Assignment, CatalogInfo, Catalogs, ColumnInfo, EffectivePrivilege, ExternalLocationInfo,
    ExternalLocations, MetastoreAssignment, MetastoreSummary, PathCredentialRequest, Permissions,
    SchemaInfo, Schemas, TableInfo, Tables,
};

/// Reads `null` as the default.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a whole number that some services write as text; `null` is 0.
pub(super) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(i64),
        Text(String),
        Nothing(()),
    }
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
        Written::Nothing(()) => Ok(0),
    }
}
