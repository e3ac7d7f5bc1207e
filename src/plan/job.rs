//! A job that a group names, as documents tell of it. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::moment;
use crate::region::{Deployment, PauseStatus};

/// A job that a group names, as it stood at one side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct JobSeen {
    /// The side.
    pub side: Role,
    /// Its name, or `id:` and its id where nothing has that id.
    pub name: String,
    /// Its id there; absent: there is none of that name, there are several, or it could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    /// Whether it starts by itself; absent: there is no such job at this side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_status: Option<PauseStatus>,
    /// What keeps its settings, where the service tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// When it was looked for.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
}
