//! What of the secondary's workspace cannot be seen: whatever runs there, where nothing should, is known to nobody then. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sentence::Sentence;

/// Something of the secondary's workspace that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unwatched {
    /// What.
    #[serde(flatten)]
    pub what: UnwatchedPart,
    /// Why, for people.
    pub message: Sentence,
}

/// A part of the secondary's workspace that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum UnwatchedPart {
    /// All of it: it does not answer, while its storage does.
    Workspace,
    /// What runs there, of whatever job.
    Runs,
    /// A job that a group names.
    Job {
        /// Its name.
        name: String,
    },
}
