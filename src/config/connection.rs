//! How workspaces are reached: one type for a configuration, for a plan that carries it and for whoever signs in. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
