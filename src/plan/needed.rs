//! What is needed on the bad day and lies in the region that is protected. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{Command, Verb};

/// Something that is gone with the primary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(rename = "Needed")]
pub enum GoneWithPrimary {
    /// drsync itself, which runs as a job of its workspace.
    Runner,
    /// The configuration, which is read there.
    Configuration {
        /// From where.
        source: String,
    },
    /// The key that signs run records, which is read there.
    SigningKey {
        /// Its file.
        file: String,
    },
    /// Secrets by which people are told, which its scope alone has.
    Secrets {
        /// Their names.
        names: Vec<String>,
    },
}

impl GoneWithPrimary {
    /// What it is, and what is to be done, a sentence's part.
    pub(super) fn describe_with_remedy(&self) -> String {
        match self {
            GoneWithPrimary::Runner => "drsync itself runs in the workspace that it protects, and is gone with it: run it elsewhere, or keep a paused job of it in the secondary's workspace and a heartbeat outside of both".to_owned(),
            GoneWithPrimary::Configuration { source } => format!(
                "the configuration is read from {source}, which is gone with the primary: keep it elsewhere as well; every apply keeps a copy beside the replicas ({})",
                Command::new(Verb::Init).word("--from")
            ),
            GoneWithPrimary::SigningKey { file } => format!(
                "the key that signs run records is read from {file}, which is gone with the primary: what is applied from elsewhere is signed by no key that is trusted; keep it elsewhere as well, or trust another runner's key beside it (require_signed_records)"
            ),
            GoneWithPrimary::Secrets { names } => format!(
                "{} the primary's scope alone has, is what people are told with: nobody hears anything that way once it is gone; put it into the scope of that name in the secondary's workspace, or into the runner's variables",
                match names.as_slice() {
                    [one] => format!("the secret {one}, which"),
                    several => format!("each of the secrets {}, which", several.join(", ")),
                }
            ),
        }
    }
}
