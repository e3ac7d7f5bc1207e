//! What was last seen of groups, carried on: the newest record tells it of every group, whoever looked, and when.

use std::collections::BTreeMap;

use super::chain::Tips;
use crate::ledger::Cuts;
use crate::plan::{FindingCode, ReceiptTold};
use crate::record::{GroupRecord, RunRecord};

/// Gives every group that this apply did not look at what the records before tell: what would be lost of its cut, what was lost with
/// its change of role, and its jobs. `logs`: the cut log of each workspace, as far as it was read.
pub(super) fn carry(
    record: &mut RunRecord,
    tips: &[(String, Tips)],
    logs: &BTreeMap<String, Cuts>,
) {
    let lost_with = tips.iter().map(|(workspace, tips)| {
        let roles = logs.get(workspace).map(|cuts| tips.told.lost_with_roles(cuts, workspace));
        (workspace.as_str(), roles.unwrap_or_default())
    });
    let lost_with: BTreeMap<&str, BTreeMap<String, ReceiptTold>> = lost_with.collect();
    for group in &mut record.groups {
        let tips = tips.iter().find(|(workspace, _)| *workspace == group.workspace);
        let Some((workspace, tips)) = tips else {
            continue;
        };
        let told = tips.receipts.get(&group.name);
        // Of another cut it says nothing, and of two looks the later counts.
        let told = told.filter(|told| Some(told.cut) == group.cut);
        group.loss = match (group.loss.take(), told) {
            (Some(loss), Some(told)) if loss.at >= told.loss.at => Some(loss.after(&told.loss)),
            (_, Some(told)) => Some(told.loss.clone()),
            (loss, None) => loss,
        };
        if group.lost_with.is_none() {
            let of_log = lost_with.get(workspace.as_str()).and_then(|of| of.get(&group.name));
            group.lost_with = of_log.cloned().or_else(|| met(group, tips));
        }
        if group.grants.is_none() {
            group.grants = tips.grants.get(&group.name).cloned();
        }
        if group.jobs.is_empty() {
            group.jobs = tips.jobs.get(&group.name).cloned().unwrap_or_default();
        }
    }
}

/// What was lost with a change of role that the log did not have when it was read, but the apply met, or that records tell of.
fn met(group: &GroupRecord, tips: &Tips) -> Option<ReceiptTold> {
    let over = |code: FindingCode| code == FindingCode::FailedOver;
    let ended_so = group.ending.as_ref().is_some_and(|ending| ending.is_found(over));
    let met =
        group.cut.filter(|_| ended_so).and_then(|role| tips.told.with_role_of(&group.name, role));
    met.or_else(|| tips.told.newest_of(&group.name))
}
