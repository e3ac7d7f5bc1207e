//! That another side is active of a group: since when, by whom, what was lost with it, and what was written there since, as documents
//! tell it. Whether one is, is decided in [`active`]. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loss_receipt::{LossReceipt, ReceiptTold};
use crate::moment;

pub(super) mod active;

/// Another side is active of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedOver {
    /// The side that is active.
    pub active: String,
    /// Since when.
    #[serde(with = "moment::Moment")]
    pub since: DateTime<Utc>,
    /// Who saw to it.
    pub by: String,
    /// The cut that says so.
    pub cut: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Cuts that were given up, because an older one was brought back; absent: the newest was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
    /// What was known to be lost with it, beyond the newest cut of before, as somebody last looked; absent: no look is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LossReceipt>,
    /// Commits that were made to its tables there since; absent: not all of them were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
}

/// Cuts that no side holds any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenUp {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

impl FailedOver {
    /// What was lost, with the cut since which it is.
    pub fn receipt(&self) -> Option<ReceiptTold> {
        Some(ReceiptTold { cut: self.cut, loss: self.lost.clone()? })
    }
}
