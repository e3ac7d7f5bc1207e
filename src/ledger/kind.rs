//! The kinds of rows of the cut log. Pure.

use serde::{Deserialize, Serialize};

/// What a row of the cut log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum CutKind {
    /// The group was brought to a recovery point.
    Sync,
    /// Another side became active; nothing was copied.
    Role,
    /// Something that only a later version of drsync knows.
    Unknown(String),
}

impl From<String> for CutKind {
    fn from(text: String) -> CutKind {
        match text.as_str() {
            "sync" => CutKind::Sync,
            "role" => CutKind::Role,
            _ => CutKind::Unknown(text),
        }
    }
}

impl From<CutKind> for String {
    fn from(kind: CutKind) -> String {
        match kind {
            CutKind::Sync => "sync".to_owned(),
            CutKind::Role => "role".to_owned(),
            CutKind::Unknown(text) => text,
        }
    }
}
