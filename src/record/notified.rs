//! What a run record says of what people are told: what stands, what is still to be sent, and what was answered before. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment;
use crate::notify::{LeftWorkspace, ToldState};

/// What an apply tells people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Notified {
    /// What people hear of, by workspace: what goes on, and what this apply began or ended.
    pub standings: Vec<ToldState>,
    /// Workspaces that left the configuration, which it tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftWorkspace>,
    /// How many messages it sends, earlier ones apart. What servers answered stands in a document beside its record.
    pub messages: usize,
    /// Messages of earlier applies that could not be sent, and that it tries again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outstanding: Vec<Outstanding>,
    /// Receivers that nothing reached since then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<Unreached>,
    /// What servers answered to applies before it, by digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_before: Vec<ToldBefore>,
}

/// A message that is still to be sent. It is made again from the record of its apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Outstanding {
    /// The apply whose message it is.
    pub of: String,
    /// When that ended.
    #[serde(with = "moment::Moment")]
    pub told_at: DateTime<Utc>,
    /// The workspace whose webhook it is for; absent: it is a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The beginning of the address's SHA-256, or the name of the webhook.
    pub to: String,
}

/// A receiver whose server took nothing since then, of what there was to send.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unreached {
    /// The workspace whose webhook it is; absent: it is a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The beginning of the address's SHA-256, or the name of the webhook.
    pub to: String,
    /// When the apply ended whose message was the first that was not taken.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
}

/// What servers answered to an apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ToldBefore {
    /// The apply.
    pub run_id: String,
    /// SHA-256 of the document.
    pub sha256: String,
}
