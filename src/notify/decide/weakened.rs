//! What protects less: told at once, and what of it was told lately and undone since. Pure.

use super::Decision;
use crate::notify::incident::{Class, Incident, ToldChange, ToldState};
use crate::plan::{Setting, SettingChange};

/// What protects less and was told lately, as the newest records carry it together: of each change when it was last told.
pub(super) fn told_lately(before: &[&ToldState]) -> Vec<ToldChange> {
    let mut all: Vec<ToldChange> = Vec::new();
    for told in before.iter().flat_map(|standing| &standing.told_lately) {
        match all.iter_mut().find(|known| known.brought(&told.change)) {
            Some(known) => {
                known.at = known.at.max(told.at);
                for seen_from in &told.undone_from {
                    known.undo_from(seen_from);
                }
            }
            None => all.push(told.clone()),
        }
    }
    all
}

impl Decision<'_> {
    /// What protects less is told at once, of each group and of the workspace. A runner that has the configuration of before undoes it
    /// in every round of its own, and the other brings it back: that is told again no sooner than a reminder would be. Who undid it
    /// himself, and brings it again, is news.
    pub(super) fn weakened(&mut self) {
        let (now, reminder) = (self.round.ended_at, self.policy.reminder);
        self.told_lately.retain(|told| now - told.at < reminder);
        self.undone();
        for change in &self.round.changed {
            let seen_from = &self.round.seen_from;
            let Some(at) = self.told_lately.iter().position(|told| told.brought(change)) else {
                continue;
            };
            if self.told_lately[at].undone_from.contains(seen_from) {
                self.told_lately.remove(at);
            } else {
                self.told_lately[at].undone_from.clear();
            }
        }
        for change in &self.round.weakened {
            if self.told_lately.iter().any(|told| told.brought(change)) {
                continue;
            }
            let undone_from = Vec::new();
            self.told_lately.push(ToldChange { change: change.clone(), at: now, undone_from });
            let of = |incident: &&mut Incident| {
                incident.class == Class::ProtectionWeakened && incident.group == change.group
            };
            if let Some(incident) = self.incidents.iter_mut().find(of) {
                incident.weakened.push(change.clone());
                continue;
            }
            let group = change.group.as_deref();
            let mut opened = self.opened(Class::ProtectionWeakened, group, Vec::new());
            opened.weakened.push(change.clone());
            opened.id = self.id(&opened);
            self.incidents.push(opened);
        }
    }

    /// Notes of what was told lately that it does not hold where this round looked from.
    fn undone(&mut self) {
        let round = self.round;
        // What left and is there again protects as it did, whatever else was told of it.
        let is_back = |left: &SettingChange| {
            left.setting == Setting::Removed
                && match (&left.table, &left.group) {
                    (Some(table), _) => round.came.iter().any(|it| it.eq_ignore_ascii_case(table)),
                    (None, Some(group)) => round.groups.iter().any(|it| it.name == *group),
                    (None, None) => !round.groups.is_empty(),
                }
        };
        let back: Vec<SettingChange> = self
            .told_lately
            .iter()
            .map(|told| &told.change)
            .filter(|it| is_back(it))
            .cloned()
            .collect();
        for told in &mut self.told_lately {
            let of = |left: &SettingChange| {
                (left.group.is_none() || left.group == told.change.group)
                    && (left.table.is_none() || left.table == told.change.table)
            };
            let changed = round.changed.iter().find(|change| told.is_of(change));
            let undone = match changed {
                Some(change) => !told.brought(change),
                // Nobody brought it back since.
                None => back.iter().any(of) || (round.whole && !told.undone_from.is_empty()),
            };
            if undone {
                told.undo_from(&round.seen_from);
            }
        }
    }
}
