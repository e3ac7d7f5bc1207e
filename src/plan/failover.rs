//! That another side is active of a group: since when, by whom, what was lost with it, and what was written there since.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::observed::{TableObserved, WorkspaceObserved};
use super::receipt::{LossReceipt, ReceiptTold};
use super::replica::assess;
use crate::ledger::Roles;
use crate::moment;

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
    /// What the cut log says of a group, with what run records and its replicas tell.
    pub(super) fn of(
        workspace: &WorkspaceObserved,
        group: &str,
        tables: &[TableObserved],
    ) -> Option<FailedOver> {
        let cuts = &workspace.ledger.cuts;
        let Roles::FailedOver(cut) = cuts.roles(group, &workspace.workspace.sides()) else {
            return None;
        };
        let told = workspace.lost_with.get(group).filter(|told| told.cut == cut.cut_number);
        let written = tables.iter().map(|table| {
            let place = workspace.place(Some(group), &table.name);
            let seen = assess(&place.path, table.replica()?, place.entry);
            (!seen.foreign).then_some(seen.theirs.len() as u64)
        });
        Some(FailedOver {
            active: cut.active.clone()?,
            since: cut.committed_at,
            by: cut.committed_by.clone(),
            cut: cut.cut_number,
            epoch: cut.epoch,
            given_up: cuts.given_up_with(cut).map(|(first, last)| GivenUp { first, last }),
            lost: told.map(|told| told.loss.clone()),
            written: written.sum(),
        })
    }

    /// What was lost, with the cut since which it is.
    pub fn receipt(&self) -> Option<ReceiptTold> {
        Some(ReceiptTold { cut: self.cut, loss: self.lost.clone()? })
    }
}
