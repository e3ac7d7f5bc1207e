//! What a command that failed says of it as a document.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Mistake;
use crate::formats::ERROR;
use crate::plan::Digests;
use crate::record::Exit;
use crate::sentence::Sentence;

/// Why a command could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorDocument {
    /// `drsync.error`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// How the command ended.
    pub exit: Exit,
    /// What is so.
    pub message: Sentence,
    /// What to do about it: a command, or words.
    pub remedy: Option<Sentence>,
    /// Every mistake of a configuration of which nothing can be used.
    pub mistakes: Vec<Mistake>,
    /// Of a plan that was altered: its digests, as it states them and as they were computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
}

impl ErrorDocument {
    /// The document of a failure with this end.
    pub fn new(exit: Exit, message: Sentence) -> ErrorDocument {
        ErrorDocument {
            kind: ERROR.kind.to_owned(),
            format_version: ERROR.version.to_owned(),
            exit,
            message,
            remedy: None,
            mistakes: vec![],
            digests: None,
        }
    }
}
