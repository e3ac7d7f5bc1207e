//! Whether another side is active of a group: by the cut log, with what run records and its replicas tell. Pure.

use super::{FailedOver, GivenUp};
use crate::ledger::Roles;
use crate::plan::observed::{TableObserved, WorkspaceObserved};
use crate::plan::replica::assess;

/// Who is active of a group in place of its home; `None`: its home is.
pub(in crate::plan) fn failed_over(
    workspace: &WorkspaceObserved,
    group: &str,
    tables: &[TableObserved],
) -> Option<FailedOver> {
    let cuts = &workspace.ledger.cuts;
    let cut = match cuts.roles(group, &workspace.workspace.sides()) {
        Roles::FailedOver(cut) => cut,
        Roles::Unnamed(cut) if workspace.witnessed.tells_side_of(cut) => cut,
        Roles::Home | Roles::Unnamed(_) | Roles::Newer(_) | Roles::Broken { .. } => return None,
    };
    let told = workspace.lost_with.get(group).filter(|told| told.cut == cut.cut_number);
    let written = tables.iter().map(|table| {
        let place = workspace.replica_place(Some(group), &table.name);
        let seen = assess(&place.path, table.replica()?, place.entry);
        let since = seen.theirs.iter().filter(|commit| commit.committed_at > cut.committed_at);
        (!seen.foreign).then_some(since.count() as u64)
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
