//! Two copies become one: commutative, associative, idempotent, and without trust in any clock. Pure.

use std::collections::BTreeMap;

use super::{Cuts, Row};

/// What both copies of the ledger say together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    /// Rows by group name.
    pub rows: BTreeMap<String, Row>,
    /// Cuts by group and number.
    pub cuts: Cuts,
}

/// Of each group the row that changed later.
pub fn merge_rows(a: &BTreeMap<String, Row>, b: &BTreeMap<String, Row>) -> BTreeMap<String, Row> {
    let mut all = a.clone();
    for (group, row) in b {
        let newer = match all.remove(group) {
            Some(other) => newer_row(other, row.clone()),
            None => row.clone(),
        };
        all.insert(group.clone(), newer);
    }
    all
}

/// Of two rows of one group the one that changed later; of two that changed at once the one with the greater text.
pub fn newer_row(one: Row, other: Row) -> Row {
    if rank(&one) > rank(&other) { one } else { other }
}

fn rank(row: &Row) -> (chrono::DateTime<chrono::Utc>, String) {
    (row.date_updated, crate::canonical::to_string(row))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::{Consistency, Cut, RowStatus};

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
            run_record_sha256: None,
            kind: None,
            active: None,
            later: Default::default(),
        }
    }

    fn rows() -> impl Strategy<Value = BTreeMap<String, Row>> {
        let row = ("[ab]", 0i64..3, 0usize..3, proptest::option::of("[xy]")).prop_map(
            |(group, seconds, status, message)| Row {
                current_sync_status: [None, Some(RowStatus::Success), Some(RowStatus::Failed)]
                    [status],
                message: message.map(Into::into),
                date_updated: at(seconds),
                ..Row::first_seen(&group, None, vec![], at(0))
            },
        );
        proptest::collection::vec(row, 0..4)
            .prop_map(|rows| rows.into_iter().map(|row| (row.group_name.clone(), row)).collect())
    }

    fn cuts() -> impl Strategy<Value = Cuts> {
        proptest::collection::vec(("[ab]", 1u64..3, "[xy]"), 0..5).prop_map(|cuts| {
            Cuts::new(cuts.iter().map(|(group, number, run)| cut(group, *number, run, None)))
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
            prop_assert_eq!(Cuts::merged(&a, &b), Cuts::merged(&b, &a));
            prop_assert_eq!(Cuts::merged(&Cuts::merged(&a, &b), &c), Cuts::merged(&a, &Cuts::merged(&b, &c)));
            prop_assert_eq!(Cuts::merged(&a, &a), a);
        }

        #[test]
        fn no_cut_is_lost_by_merging(a in cuts(), b in cuts()) {
            let merged = Cuts::merged(&a, &b);
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
        let (a, b) = (cut("g", 2, "r2", Some(&first)), cut("g", 2, "r3", Some(&first)));
        let merged = Cuts::merged(&Cuts::new([first.clone(), a]), &Cuts::new([first, b]));
        let found = merged.divergence("g").unwrap();
        assert_eq!(found.cut_number, 2);
        assert_eq!(merged.of("g").count(), 3);
    }

    #[test]
    fn a_chain_with_a_hole_diverges_where_the_hole_is() {
        let first = cut("g", 1, "r1", None);
        let second = cut("g", 2, "r2", Some(&first));
        let third = cut("g", 3, "r3", Some(&second));
        assert_eq!(Cuts::new([first, third]).divergence("g").unwrap().cut_number, 3);
    }
}
