//! What was lost with changes of role: by the last look at the home before each, as run records tell. Pure.

use std::collections::BTreeMap;

use super::GroupRecord;
use crate::ledger::{Cut, Cuts};
use crate::plan::{LossReceipt, ReceiptTold};

/// What run records tell of what would be lost beyond cuts, and of what was lost with changes of role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LossesTold {
    /// By group and cut.
    beyond: BTreeMap<(String, u64), LossReceipt>,
    /// The same of changes of role, as an apply found it and those after it go on telling.
    with_role: BTreeMap<(String, u64), LossReceipt>,
}

impl LossesTold {
    /// Takes in what a record tells of a group; of two looks the later counts.
    pub(crate) fn take(&mut self, group: &GroupRecord) {
        let mut take = |role: bool, cut: u64, loss: &LossReceipt| {
            let of = if role { &mut self.with_role } else { &mut self.beyond };
            let known = of.entry((group.name.clone(), cut)).or_insert_with(|| loss.clone());
            if known.at < loss.at {
                *known = loss.clone();
            }
        };
        if let (Some(cut), Some(loss)) = (group.cut, &group.loss) {
            take(false, cut, loss);
        }
        if let Some(ReceiptTold { cut, loss }) = &group.lost_with {
            take(true, *cut, loss);
        }
    }

    /// What was lost with a change of role of one group, that being among its cuts: beyond the cut before it, as somebody last
    /// looked; of one that follows another to the same side, with that.
    pub(crate) fn lost_with<'a>(
        &self,
        role: &Cut,
        cuts: impl Iterator<Item = &'a Cut>,
    ) -> Option<&LossReceipt> {
        let group = || role.group_name.clone();
        let before = cuts
            .filter(|cut| cut.group_name == role.group_name && cut.cut_number < role.cut_number);
        let mut before: Vec<&Cut> = before.collect();
        before.sort_by_key(|cut| std::cmp::Reverse(cut.cut_number));
        let same = |cut: &&&Cut| cut.is_role() && cut.active == role.active;
        let first =
            before.iter().take_while(same).last().map_or(role.cut_number, |cut| cut.cut_number);
        let all = [
            self.with_role.get(&(group(), role.cut_number)),
            self.with_role.get(&(group(), first)),
            first.checked_sub(1).and_then(|before| self.beyond.get(&(group(), before))),
        ];
        all.into_iter().flatten().max_by_key(|loss| loss.at)
    }

    /// The same of the newest change of role of each group that took it away from its home.
    pub(crate) fn lost_with_roles(&self, cuts: &Cuts, home: &str) -> BTreeMap<String, ReceiptTold> {
        let away = cuts.iter().filter(|cut| cut.is_role() && cut.is_away_from(home));
        let mut lost: BTreeMap<String, ReceiptTold> = BTreeMap::new();
        for cut in away {
            let newest = lost.get(&cut.group_name).is_none_or(|known| known.cut < cut.cut_number);
            if let Some(loss) = self.lost_with(cut, cuts.of(&cut.group_name)).filter(|_| newest) {
                let told = ReceiptTold { cut: cut.cut_number, loss: loss.clone() };
                lost.insert(cut.group_name.clone(), told);
            }
        }
        lost
    }

    /// What was lost with a change of role that is known by its number alone.
    pub(crate) fn with_role_of(&self, group: &str, role: u64) -> Option<ReceiptTold> {
        let told = self.with_role.get(&(group.to_owned(), role));
        let before = || self.beyond.get(&(group.to_owned(), role.checked_sub(1)?));
        let loss = told.or_else(before)?.clone();
        Some(ReceiptTold { cut: role, loss })
    }

    /// The newest change of role of a group with which something is known to have been lost, or not to.
    pub(crate) fn newest_of(&self, group: &str) -> Option<ReceiptTold> {
        let of_group = (group.to_owned(), 0)..=(group.to_owned(), u64::MAX);
        let ((_, cut), loss) = self.with_role.range(of_group).next_back()?;
        Some(ReceiptTold { cut: *cut, loss: loss.clone() })
    }
}
