//! What servers answered to the messages of an apply, kept beside its run record, and what is still to be sent. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::TOLD;
use crate::moment;
use crate::sentence::Sentence;

/// What became of the messages of an apply, and of those of earlier ones that it tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldDocument {
    /// `drsync.told`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// The apply that sent them.
    pub run_id: String,
    /// One a message.
    pub answers: Vec<Delivery>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Answer")]
pub struct Delivery {
    /// The apply whose message it is.
    pub of: String,
    /// When that apply ended.
    #[serde(with = "moment::Moment")]
    pub told_at: DateTime<Utc>,
    /// `mail`, or the kind of a webhook.
    pub channel: String,
    /// The workspace whose webhook it is; absent: it is a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The beginning of an address's SHA-256, or the name of a webhook.
    pub to: String,
    /// The incidents that it was about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<String>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// What the server said, or why it was not reached.
    pub reply: Sentence,
}

/// What became of a message.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Outcome")]
pub enum DeliveryOutcome {
    /// The server took it.
    Sent,
    /// The server will never take it.
    Refused,
    /// It is sent again by the next apply.
    Deferred,
    /// It could not be sent for three days, and is sent no more.
    Dropped,
}

impl DeliveryOutcome {
    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryOutcome::Sent => "sent",
            DeliveryOutcome::Refused => "refused",
            DeliveryOutcome::Deferred => "deferred",
            DeliveryOutcome::Dropped => "dropped",
        }
    }
}

impl ToldDocument {
    /// The document of an apply.
    pub fn new(run_id: &str, answers: Vec<Delivery>) -> ToldDocument {
        ToldDocument {
            kind: TOLD.kind.to_owned(),
            format_version: TOLD.version.to_owned(),
            run_id: run_id.to_owned(),
            answers,
        }
    }

    /// Reads a document of the major version that this drsync writes, of an apply.
    ///
    /// # Errors
    /// What is wrong with it, a fragment.
    pub fn read(bytes: &[u8], run_id: &str) -> Result<ToldDocument, Sentence> {
        let bytes = crate::canonical::without_mark(bytes);
        let document: ToldDocument =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        TOLD.check_kind(Some(&document.kind))?;
        TOLD.check_version(&document.format_version)?;
        if document.run_id == run_id {
            Ok(document)
        } else {
            Err(format!("it says that it is of apply {}", document.run_id).into())
        }
    }

    /// The bytes of the document.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("a document of what was told has plain texts");
        bytes.push(b'\n');
        crate::harmless::json_bytes(bytes)
    }
}
