//! When the replicas of a group were looked at, how deeply, and whether they were found as its last cut says. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment;
use crate::region::LookDepth;

/// A look at a replica, or at all those of a group: of several the one that saw least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// How deep it went.
    pub depth: LookDepth,
    /// When.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
}
