//! Who made a document, and where: told to readers, never part of what a plan does. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who made a document, in which run of a pipeline, from which commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// `ci:github acme/dr-config run 7`, `user:someone`.
    #[serde(default)]
    pub actor: String,
    /// The person who started the pipeline, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// The pipeline's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_run_url: Option<String>,
    /// The commit that the pipeline had checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// The change under review: `pull 418`, `merge request 12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Provenance {
    /// Someone outside a pipeline.
    pub fn of_actor(actor: impl Into<String>) -> Provenance {
        Provenance { actor: actor.into(), ..Provenance::default() }
    }
}
