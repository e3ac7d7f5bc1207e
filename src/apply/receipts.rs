//! What was last seen of groups, carried on: the newest record tells it of every group, whoever looked, and when.

use super::chain::Tips;
use super::record::RunRecord;

/// Gives every group that this apply did not look at what the records before tell: what would be lost of its cut, and its jobs.
pub(super) fn carry(record: &mut RunRecord, tips: &[(String, Tips)]) {
    for group in &mut record.groups {
        let tips = tips.iter().find(|(workspace, _)| *workspace == group.workspace);
        let Some((_, tips)) = tips else {
            continue;
        };
        if group.loss.is_none() {
            let told = tips.receipts.get(&group.name);
            // Of another cut it says nothing.
            let told = told.filter(|told| Some(told.cut) == group.cut);
            group.loss = told.map(|told| told.loss.clone());
        }
        if group.lost_with.is_none() {
            group.lost_with = tips.told.newest_of(&group.name);
        }
        if group.grants.is_none() {
            group.grants = tips.grants.get(&group.name).cloned();
        }
        if group.jobs.is_empty() {
            group.jobs = tips.jobs.get(&group.name).cloned().unwrap_or_default();
        }
    }
}
