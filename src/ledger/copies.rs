//! Two copies become one: commutative, associative, idempotent, and without trust in any clock.

use std::collections::BTreeMap;

use super::{Cut, Row};

/// What both copies of the ledger say together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    /// Rows by group name.
    pub rows: BTreeMap<String, Row>,
    /// Cuts by group and number.
    pub cuts: Cuts,
}

/// Cuts by group and number; more than one under a number is a divergence, and both are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cuts(BTreeMap<(String, u64), BTreeMap<String, Cut>>);

/// Two truths under one number, or a chain that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The group.
    pub group: String,
    /// The number at which the copies part.
    pub cut_number: u64,
    /// The runs that committed the cuts under that number.
    pub runs: Vec<String>,
}

impl Cuts {
    /// Collects cuts from any number of copies.
    pub fn new(cuts: impl IntoIterator<Item = Cut>) -> Cuts {
        let mut all = Cuts::default();
        for cut in cuts {
            all.0
                .entry((cut.group_name.clone(), cut.cut_number))
                .or_default()
                .insert(cut.sha256(), cut);
        }
        all
    }

    /// The newest cut of a group.
    pub fn newest(&self, group: &str) -> Option<&Cut> {
        self.of(group).last()
    }

    /// All cuts of a group, oldest first; of a diverged number all.
    pub fn of<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a Cut> + use<'a> {
        let from = (group.to_owned(), 0);
        let to = (group.to_owned(), u64::MAX);
        self.0.range(from..=to).flat_map(|(_, cuts)| cuts.values())
    }

    /// The newest cut of every group that has one.
    pub fn newest_of_each(&self) -> impl Iterator<Item = &Cut> {
        let mut newest: BTreeMap<&str, &Cut> = BTreeMap::new();
        for ((group, _), cuts) in &self.0 {
            newest.extend(cuts.values().next_back().map(|cut| (group.as_str(), cut)));
        }
        newest.into_values()
    }

    /// All cuts, by group and number.
    pub fn iter(&self) -> impl Iterator<Item = &Cut> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// Whether there is no cut at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first number of a group at which the log is not one chain.
    pub fn divergence(&self, group: &str) -> Option<Divergence> {
        let mut previous: Option<&Cut> = None;
        for ((name, number), cuts) in self
            .0
            .range((group.to_owned(), 0)..=(group.to_owned(), u64::MAX))
        {
            let cut = cuts.values().next()?;
            if cuts.len() > 1 || !cut.follows(previous) {
                let runs = cuts.values().map(|cut| cut.run_id.clone()).collect();
                return Some(Divergence {
                    group: name.clone(),
                    cut_number: *number,
                    runs,
                });
            }
            previous = Some(cut);
        }
        None
    }

    /// The cuts of `self` that `other` lacks, in an order in which they may be appended.
    pub fn missing_from(&self, other: &[Cut]) -> Vec<Cut> {
        let there = Cuts::new(other.iter().cloned());
        self.0
            .iter()
            .flat_map(|(place, cuts)| cuts.iter().map(move |(hash, cut)| (place, hash, cut)))
            .filter(|(place, hash, _)| {
                !there
                    .0
                    .get(*place)
                    .is_some_and(|cuts| cuts.contains_key(*hash))
            })
            .map(|(_, _, cut)| cut.clone())
            .collect()
    }
}

/// The union of two cut logs by group and number.
pub fn merge_cuts(a: &Cuts, b: &Cuts) -> Cuts {
    let mut all = a.clone();
    for (place, cuts) in &b.0 {
        all.0
            .entry(place.clone())
            .or_default()
            .extend(cuts.iter().map(|(hash, cut)| (hash.clone(), cut.clone())));
    }
    all
}

/// Of each group the row that changed later; of two that changed at once the one with the greater text.
pub fn merge_rows(a: &BTreeMap<String, Row>, b: &BTreeMap<String, Row>) -> BTreeMap<String, Row> {
    let mut all = a.clone();
    for (group, row) in b {
        let newer = match all.remove(group) {
            Some(other) if rank(&other) > rank(row) => other,
            Some(_) | None => row.clone(),
        };
        all.insert(group.clone(), newer);
    }
    all
}

fn rank(row: &Row) -> (chrono::DateTime<chrono::Utc>, String) {
    (row.date_updated, crate::canonical::to_string(row))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::{Consistency, Status};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn cut(group: &str, number: u64, run: &str, previous: Option<&Cut>) -> Cut {
        Cut {
            group_name: group.to_owned(),
            cut_number: number,
            recovery_point: at(number as i64),
            consistency: Consistency::PointInTime,
            trigger: "schedule".to_owned(),
            workflow_run_id: None,
            planned_at: at(0),
            tables: vec![],
            accepted: vec![],
            plan_id: "P".to_owned(),
            plan_sha256: String::new(),
            run_id: run.to_owned(),
            epoch: 0,
            committed_by: "someone".to_owned(),
            committed_at: at(0),
            previous_sha256: previous.map(Cut::sha256),
        }
    }

    fn rows() -> impl Strategy<Value = BTreeMap<String, Row>> {
        let row = ("[ab]", 0i64..3, 0usize..3, proptest::option::of("[xy]")).prop_map(
            |(group, seconds, status, message)| Row {
                current_sync_status: [None, Some(Status::Success), Some(Status::Failed)][status],
                message,
                date_updated: at(seconds),
                ..Row::first_seen(&group, None, vec![], at(0))
            },
        );
        proptest::collection::vec(row, 0..4).prop_map(|rows| {
            rows.into_iter()
                .map(|row| (row.group_name.clone(), row))
                .collect()
        })
    }

    fn cuts() -> impl Strategy<Value = Cuts> {
        proptest::collection::vec(("[ab]", 1u64..3, "[xy]"), 0..5).prop_map(|cuts| {
            Cuts::new(
                cuts.iter()
                    .map(|(group, number, run)| cut(group, *number, run, None)),
            )
        })
    }

    proptest! {
        #[test]
        fn merging_rows_is_commutative_associative_and_idempotent(a in rows(), b in rows(), c in rows()) {
            prop_assert_eq!(merge_rows(&a, &b), merge_rows(&b, &a));
            prop_assert_eq!(merge_rows(&merge_rows(&a, &b), &c), merge_rows(&a, &merge_rows(&b, &c)));
            prop_assert_eq!(merge_rows(&a, &a), a);
        }

        #[test]
        fn merging_cuts_is_commutative_associative_and_idempotent(a in cuts(), b in cuts(), c in cuts()) {
            prop_assert_eq!(merge_cuts(&a, &b), merge_cuts(&b, &a));
            prop_assert_eq!(merge_cuts(&merge_cuts(&a, &b), &c), merge_cuts(&a, &merge_cuts(&b, &c)));
            prop_assert_eq!(merge_cuts(&a, &a), a);
        }

        #[test]
        fn no_cut_is_lost_by_merging(a in cuts(), b in cuts()) {
            let merged = merge_cuts(&a, &b);
            let here: Vec<Cut> = merged.iter().cloned().collect();
            prop_assert!(a.missing_from(&here).is_empty());
            prop_assert!(b.missing_from(&here).is_empty());
        }
    }

    #[test]
    fn a_chain_of_cuts_does_not_diverge() {
        let first = cut("g", 1, "r1", None);
        let second = cut("g", 2, "r2", Some(&first));
        let cuts = Cuts::new([second.clone(), first]);
        assert_eq!(cuts.divergence("g"), None);
        assert_eq!(cuts.newest("g"), Some(&second));
    }

    #[test]
    fn two_cuts_under_one_number_are_kept_and_named() {
        let first = cut("g", 1, "r1", None);
        let (a, b) = (
            cut("g", 2, "r2", Some(&first)),
            cut("g", 2, "r3", Some(&first)),
        );
        let merged = merge_cuts(&Cuts::new([first.clone(), a]), &Cuts::new([first, b]));
        let found = merged.divergence("g").unwrap();
        assert_eq!(found.cut_number, 2);
        assert_eq!(merged.of("g").count(), 3);
    }

    #[test]
    fn a_chain_with_a_hole_diverges_where_the_hole_is() {
        let first = cut("g", 1, "r1", None);
        let second = cut("g", 2, "r2", Some(&first));
        let third = cut("g", 3, "r3", Some(&second));
        assert_eq!(
            Cuts::new([first, third])
                .divergence("g")
                .unwrap()
                .cut_number,
            3
        );
    }
}
