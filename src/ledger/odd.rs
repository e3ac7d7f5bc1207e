//! Rows of the cut log that are no cuts: somebody else wrote them, or a version of drsync that says what this one does not know.
//! Pure.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;

use super::{Cut, LaterColumns};
use crate::sentence::Sentence;

/// A row of the cut log that is none that drsync made, or none that this version can read.
///
/// It stops its group and no other, is never copied, and stays where it is: what it should have been is for people to judge.
/// One of no group stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OddCut {
    /// The group that it names; `None`: it is of none.
    pub group_name: Option<String>,
    /// What it calls itself: `cut -3`.
    pub cut: String,
    /// Why it is none, a fragment.
    pub why: Sentence,
}

/// What a row of the cut log is.
#[derive(Debug, Clone, PartialEq)]
pub enum CutRow {
    /// A cut.
    Cut(Box<Cut>),
    /// None.
    Odd(OddCut),
}

impl fmt::Display for OddCut {
    /// `cut -3 of orders`, `a row of no group`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group_name {
            Some(group) => write!(f, "{} of {group}", self.cut),
            None => write!(f, "{} of no group", self.cut),
        }
    }
}

impl CutRow {
    /// Reads a row as JSON.
    pub fn read(row: Value) -> CutRow {
        let number = row.get("cut_number").cloned().unwrap_or_default();
        let group_name = row.get("group_name").and_then(Value::as_str).map(str::to_owned);
        let why = match number.as_u64().filter(|number| Cut::may_have(*number)) {
            _ if group_name.is_none() => "it names no group".to_owned(),
            None => "its number is none that a cut can have".to_owned(),
            Some(_) => match serde_json::from_value::<Cut>(row) {
                Ok(cut) => match cut.oddity() {
                    None => return CutRow::Cut(Box::new(cut)),
                    Some(why) => why,
                },
                Err(error) => format!("it cannot be read: {error}"),
            },
        };
        let cut = match number {
            Value::Null => "a row".to_owned(),
            number => format!("cut {number}"),
        };
        CutRow::Odd(OddCut { group_name, cut, why: why.into() })
    }
}

impl Cut {
    /// Why a row that reads as a cut is none all the same, a fragment: no copy of it could be made that says what it says.
    fn oddity(&self) -> Option<String> {
        if let Some(time) = self.odd_time() {
            return Some(format!("its {time} is no time that can be held"));
        }
        let of_tables = self.tables.iter().map(|entry| &entry.later);
        let mut later = std::iter::once(&self.later).chain(of_tables);
        let column = later.find_map(LaterColumns::unwritable)?;
        Some(format!("it says something of {column} that no version of drsync writes"))
    }

    /// The name of a time that no document can hold: RFC 3339 ends with the year 9999.
    fn odd_time(&self) -> Option<&'static str> {
        let odd = |time: &DateTime<Utc>| !(1..=9999).contains(&time.year());
        let own = [
            ("recovery_point", &self.recovery_point),
            ("planned_at", &self.planned_at),
            ("committed_at", &self.committed_at),
        ];
        let of_tables = self.tables.iter();
        let of_tables = of_tables.map(|entry| ("source_committed_at", &entry.source_committed_at));
        own.into_iter().chain(of_tables).find(|(_, time)| odd(time)).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Value {
        json!({
            "group_name": "g", "cut_number": 2, "recovery_point": "2026-11-22T09:41:07.120Z",
            "consistency": "workflow-consistent", "trigger": "workflow", "workflow_run_id": 88,
            "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": "R",
            "tables": [{
                "table": "main.core.gold", "source_table_id": "id", "source_version": 7,
                "source_committed_at": "2026-11-22T09:40:00Z", "rows": null, "files": 2, "bytes": 10,
                "replica_location": "/west/main/core/gold", "replica_version": 3,
            }],
            "accepted": [], "epoch": 0, "committed_by": "someone",
            "committed_at": "2026-11-22T09:46:00.001Z", "previous_sha256": "bb",
        })
    }

    #[test]
    fn a_row_that_is_no_cut_is_told_with_its_group_and_why() {
        assert!(matches!(CutRow::read(row()), CutRow::Cut(_)));
        let beyond = (1_u64 << 53) - 1;
        let odd = [
            ("/cut_number", json!(-1), "its number is none"),
            ("/cut_number", json!(0), "its number is none"),
            ("/cut_number", json!(i64::MAX), "its number is none"),
            ("/cut_number", json!(beyond), "its number is none"),
            ("/cut_number", json!("2"), "its number is none"),
            ("/cut_number", Value::Null, "its number is none"),
            ("/epoch", json!(-1), "it cannot be read: "),
            ("/run_id", Value::Null, "it cannot be read: "),
            ("/consistency", json!("later"), "it cannot be read: "),
            ("/tables/0/files", json!(-2), "it cannot be read: "),
            ("/committed_at", json!("+012026-11-22T09:46:00Z"), "its committed_at is no time"),
            ("/recovery_point", json!("-0001-11-22T09:46:00Z"), "its recovery_point is no time"),
            ("/planned_at", json!("soon"), "it cannot be read: "),
            ("/note", json!(1.5), "it says something of note"),
            ("/note", json!(["a"]), "it says something of note"),
            ("/Note", json!("a"), "it says something of Note"),
            ("/group_name ", json!("a"), "it says something of group_name "),
            ("/tables/0/note", json!({"a": 1}), "it says something of note"),
            (
                "/tables/0/source_committed_at",
                json!("+10000-01-01T00:00:00Z"),
                "its source_committed_at",
            ),
        ];
        for (place, value, why) in odd {
            let mut row = row();
            let (of, name) = place.rsplit_once('/').unwrap();
            row.pointer_mut(of).unwrap()[name] = value.clone();
            let CutRow::Odd(odd) = CutRow::read(row) else {
                panic!("{place} {value}");
            };
            assert_eq!(odd.group_name.as_deref(), Some("g"));
            assert!(odd.why.to_string().starts_with(why), "{place} {value}: {}", odd.why);
        }
        let mut last = row();
        last["cut_number"] = json!(beyond - 1);
        assert!(matches!(CutRow::read(last), CutRow::Cut(_)));
        let mut nobody = row();
        nobody["group_name"] = Value::Null;
        let CutRow::Odd(odd) = CutRow::read(nobody) else {
            panic!("a row of no group is no cut");
        };
        assert_eq!(odd.to_string(), "cut 2 of no group");
    }
}
