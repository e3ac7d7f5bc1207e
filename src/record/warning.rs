//! What went wrong in an apply without being against a cut: the fact, and beside it the sentence that people read. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Role;
use crate::sentence::Sentence;

/// A warning of an apply. Whoever decides by it, whom to tell for example, goes by everything but the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunWarning {
    /// Which.
    #[serde(default)]
    pub code: RunWarningCode,
    /// The region in which something is lacking or in the way; absent: it is of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Role>,
    /// The workspace; absent: it is of the whole apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// What it is about, as the code says: a group, a table, or a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// For people.
    pub message: Sentence,
}

/// Every warning that an apply may have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunWarningCode {
    /// The status of a group (the subject), or of every group, is not in the metadata table of the region.
    StatusNotRecorded,
    /// The metadata tables of the region lack what the other's have.
    MetadataBehind,
    /// A cut of a group (the subject) is in the secondary's log and not yet in the primary's.
    CutNotCopied,
    /// The region lacks a document of this apply: the subject is `plan`, `record` or `configuration`.
    EvidenceNotKept,
    /// The region lacks documents of earlier applies, and was not given them.
    EvidenceBehind,
    /// A document (the subject) among the evidence is none that an apply left.
    EvidencePassedOver,
    /// The run record was to be signed and is not.
    RecordNotSigned,
    /// A file of a table's replica (the table is the subject) is not the source's, though both logs say the same of it.
    FileDiffers,
    /// Replicas of a group or a table (the subject), or of several, are not in the secondary's catalog.
    NotRegistered,
    /// Events or text could not be written.
    OutputLost,
    /// A warning of a record that was written before warnings had codes.
    #[default]
    Untold,
}

impl RunWarningCode {
    /// Every code that an apply gives, in the order of the documentation.
    pub const ALL: [RunWarningCode; 10] = [
        RunWarningCode::StatusNotRecorded,
        RunWarningCode::MetadataBehind,
        RunWarningCode::CutNotCopied,
        RunWarningCode::EvidenceNotKept,
        RunWarningCode::EvidenceBehind,
        RunWarningCode::EvidencePassedOver,
        RunWarningCode::RecordNotSigned,
        RunWarningCode::FileDiffers,
        RunWarningCode::NotRegistered,
        RunWarningCode::OutputLost,
    ];

    /// A warning of it: with nothing but its sentence, until it is said what it is about.
    pub fn warn(self, message: impl Into<Sentence>) -> RunWarning {
        RunWarning {
            code: self,
            side: None,
            workspace: None,
            subject: None,
            message: message.into(),
        }
    }
}

impl RunWarning {
    /// What it says and of what, without its sentence: two that are alike are one.
    pub fn about_what(&self) -> String {
        let RunWarning { code, side, workspace, subject, message: _ } = self;
        format!("{code:?} {side:?} {workspace:?} {subject:?}")
    }

    /// The same of a region.
    #[must_use]
    pub fn of_side(self, side: Role) -> RunWarning {
        RunWarning { side: Some(side), ..self }
    }

    /// The same of a workspace.
    #[must_use]
    pub fn of_workspace(self, workspace: &str) -> RunWarning {
        RunWarning { workspace: Some(workspace.to_owned()), ..self }
    }

    /// The same about a group, a table or a document.
    #[must_use]
    pub fn about(self, subject: impl ToString) -> RunWarning {
        RunWarning { subject: Some(subject.to_string()), ..self }
    }
}

/// Warnings as a record has them: as texts, which is all that records before format 1.2 have, and typed beside them.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Stored")]
pub(super) struct StoredWarnings {
    /// What went wrong without being against a cut, in words.
    #[serde(default)]
    warnings: Vec<Sentence>,
    /// The same, typed; records before version 1.2 have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warned: Vec<RunWarning>,
}

/// Reads and writes the warnings of a record.
pub(super) mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{RunWarning, RunWarningCode, StoredWarnings};

    pub(in crate::record) fn serialize<S: Serializer>(
        warnings: &[RunWarning],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let typed = warnings.iter().filter(|warning| warning.code != RunWarningCode::Untold);
        let stored = StoredWarnings {
            warnings: warnings.iter().map(|warning| warning.message.clone()).collect(),
            warned: typed.cloned().collect(),
        };
        stored.serialize(serializer)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<RunWarning>, D::Error> {
        let StoredWarnings { warnings, warned } = StoredWarnings::deserialize(deserializer)?;
        Ok(if warned.is_empty() {
            warnings.into_iter().map(|text| RunWarningCode::Untold.warn(text)).collect()
        } else {
            warned
        })
    }
}
