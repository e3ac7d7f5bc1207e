//! What a cut log says of a cut that is to be appended, whichever region it lies in. Pure: it is decided by what was read.

use super::{Cut, Cuts};

/// What came of appending a cut, decided by reading back.
#[derive(Debug, Clone, PartialEq)]
pub enum Appended {
    /// The cut is in the log.
    Committed,
    /// Another cut has the number, after the same predecessor: a lost race.
    Lost(Box<Cut>),
    /// The log's newest cut of the group is not the one this cut follows.
    Diverged(Option<Box<Cut>>),
    /// The log has a row of the group that is no cut: what it should have been nobody knows, so nothing follows it.
    Unreadable,
}

impl Cuts {
    /// What the log says of a cut that is to be appended, of whose group it has at least what comes after its predecessor;
    /// `None`: the cut comes next.
    pub fn answer_to(&self, cut: &Cut) -> Option<Appended> {
        if self.holds(cut) {
            return Some(Appended::Committed);
        }
        let newest = self.newest(&cut.group_name);
        let diverged = || Some(Appended::Diverged(newest.cloned().map(Box::new)));
        if self.has_odd(&cut.group_name) {
            return Some(Appended::Unreadable);
        }
        let mut same_number = self.of(&cut.group_name).filter(|other| cut.has_place_of(other));
        if let Some(other) = same_number.next() {
            return Some(Appended::Lost(Box::new(other.clone())));
        }
        let is_newest = |other: &&Cut| newest.is_some_and(|it| it.cut_number == other.cut_number);
        let has_rival = self.of(&cut.group_name).filter(is_newest).count() > 1;
        if !has_rival && cut.follows(newest) { None } else { diverged() }
    }

    /// What the copy of the log in another region, which may lack the newest cuts, says of a cut that is to be appended; `None`:
    /// nothing that is newer.
    pub fn newer_than(&self, cut: &Cut) -> Option<Appended> {
        // The copy may hold this very cut: it was appended, and the answer was lost.
        if self.holds(cut) {
            return None;
        }
        if self.has_odd(&cut.group_name) {
            return Some(Appended::Unreadable);
        }
        let newest = self.newest(&cut.group_name)?;
        let beyond = newest.cut_number >= cut.cut_number || newest.epoch > cut.epoch;
        beyond.then(|| {
            let newest = Box::new(newest.clone());
            if cut.has_place_of(&newest) {
                Appended::Lost(newest)
            } else {
                Appended::Diverged(Some(newest))
            }
        })
    }
}

impl Cut {
    /// Whether another cut stands where this one is to stand: with its number, after the same predecessor.
    fn has_place_of(&self, other: &Cut) -> bool {
        self.cut_number == other.cut_number && self.previous_sha256 == other.previous_sha256
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::CutKind;

    fn cut(number: u64, run: &str, previous: Option<&Cut>) -> Cut {
        serde_json::from_value(json!({
            "group_name": "g", "cut_number": number, "recovery_point": "2026-11-22T09:41:07.120Z",
            "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
            "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": run, "tables": [],
            "accepted": [], "epoch": 0, "committed_by": "someone", "committed_at": "2026-11-22T09:46:00.001Z",
            "previous_sha256": previous.map(Cut::sha256),
        }))
        .unwrap()
    }

    #[test]
    fn a_cut_comes_next_is_there_was_beaten_or_has_no_place() {
        let first = cut(1, "one", None);
        let second = cut(2, "one", Some(&first));
        let log = Cuts::new([first.clone(), second.clone()]);
        let rival = cut(2, "two", Some(&first));
        assert_eq!(log.answer_to(&cut(3, "two", Some(&second))), None);
        assert_eq!(log.answer_to(&second), Some(Appended::Committed));
        assert_eq!(log.answer_to(&rival), Some(Appended::Lost(Box::new(second.clone()))));
        let stray = cut(3, "two", Some(&rival));
        let diverged = Some(Appended::Diverged(Some(Box::new(second.clone()))));
        assert_eq!(log.answer_to(&stray), diverged);
        // What follows one of two rivals follows neither.
        let parted = Cuts::new([first.clone(), second.clone(), rival]);
        assert!(matches!(
            parted.answer_to(&cut(3, "three", Some(&second))),
            Some(Appended::Diverged(Some(_)))
        ));
        let odd = Cuts::new([first, second.clone()]).with_odd(["g".to_owned()]);
        assert_eq!(odd.answer_to(&cut(3, "two", Some(&second))), Some(Appended::Unreadable));
        assert_eq!(Cuts::default().answer_to(&cut(1, "two", None)), None);
    }

    #[test]
    fn a_copy_elsewhere_stops_what_it_knows_a_newer_cut_of() {
        let first = cut(1, "one", None);
        let second = cut(2, "one", Some(&first));
        let behind = Cuts::new([first.clone()]);
        assert_eq!(behind.newer_than(&second), None);
        let level = Cuts::new([first.clone(), second.clone()]);
        assert_eq!(level.newer_than(&second), None);
        let rival = cut(2, "two", Some(&first));
        assert_eq!(level.newer_than(&rival), Some(Appended::Lost(Box::new(second))));
        let role = Cut { kind: Some(CutKind::Role), epoch: 9, ..first.clone() };
        let moved = Cuts::new([role.clone()]);
        assert_eq!(moved.newer_than(&rival), Some(Appended::Diverged(Some(Box::new(role)))));
        for cuts in [vec![], vec![first]] {
            let odd = Cuts::new(cuts).with_odd(["g".to_owned()]);
            assert_eq!(odd.newer_than(&rival), Some(Appended::Unreadable));
        }
    }
}
