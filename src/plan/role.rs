//! The two regions of a workspace by what they are to each other. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the two regions, as documents name it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Where the tables are written.
    Primary,
    /// Where the replicas are.
    Secondary,
}

impl Role {
    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Role::Primary => "primary",
            Role::Secondary => "secondary",
        }
    }
}
