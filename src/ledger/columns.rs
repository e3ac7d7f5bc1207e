//! The columns of `sync_cuts` beyond those of its first version: which of them a cut needs, and those that are not known here.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The columns that every `sync_cuts` has.
const FIRST: [&str; 16] = [
    "group_name",
    "cut_number",
    "recovery_point",
    "consistency",
    "trigger",
    "workflow_run_id",
    "planned_at",
    "tables",
    "accepted",
    "plan_id",
    "plan_sha256",
    "run_id",
    "epoch",
    "committed_by",
    "committed_at",
    "previous_sha256",
];

/// The fields of `tables` that every `sync_cuts` has.
const FIRST_OF_TABLE: [&str; 9] = [
    "table",
    "source_table_id",
    "source_version",
    "source_committed_at",
    "rows",
    "files",
    "bytes",
    "replica_location",
    "replica_version",
];

/// The longest name that a column of a later version has: services take 255 characters.
const NAME_BYTES_MAX: usize = 255;

/// Columns of a later version of drsync, by name: kept as they are, so that its rows keep their hashes.
///
/// Those that are null say nothing and are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LaterColumns(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for LaterColumns {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<LaterColumns, D::Error> {
        let mut columns: BTreeMap<String, Value> = BTreeMap::deserialize(from)?;
        columns.retain(|_, value| !value.is_null());
        Ok(LaterColumns(columns))
    }
}

/// A column that a table made by the first version lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutColumn {
    /// It is a field of each of `tables`, not a column of the row.
    pub of_table: bool,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column that was added later holds: types whose values are written in one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnKind {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// A truth.
    Truth,
}

impl ColumnKind {
    /// What a later column of this name and with this value holds; `None`: no version of drsync writes it.
    ///
    /// Delta compares names without case and takes few characters unless it maps them, so that versions of drsync give plain ones.
    fn of(name: &str, value: &Value) -> Option<ColumnKind> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            return None;
        }
        match value {
            Value::String(_) => Some(ColumnKind::Text),
            Value::Bool(_) => Some(ColumnKind::Truth),
            Value::Number(number) if number.is_i64() => Some(ColumnKind::Number),
            Value::Number(_) | Value::Array(_) | Value::Object(_) | Value::Null => None,
        }
    }
}

impl LaterColumns {
    /// The name of a column with what no version of drsync writes.
    pub(super) fn unwritable(&self) -> Option<&str> {
        let mut columns = self.0.iter();
        let found = columns.find(|(name, value)| ColumnKind::of(name, value).is_none());
        found.map(|(name, _)| name.as_str())
    }
}

impl CutColumn {
    /// Its place as SQL names it: fields of `tables` are those of its elements.
    pub fn path(&self) -> Vec<&str> {
        if self.of_table { vec!["tables", "element", &self.name] } else { vec![&self.name] }
    }
}

/// The columns that a change of role needs: whoever writes one by hand, without drsync, finds them in every log that this version
/// appended to.
const OF_ROLES: [&str; 2] = ["kind", "active"];

/// The columns beyond the first version's that a log has when these cuts were appended to it.
///
/// # Errors
/// The name of a column that holds what this version cannot write.
pub fn columns_appended(cuts: &[impl Serialize]) -> Result<BTreeSet<CutColumn>, String> {
    let mut needed = columns_needed(cuts)?;
    needed.extend(OF_ROLES.map(|name| CutColumn {
        of_table: false,
        name: name.to_owned(),
        kind: ColumnKind::Text,
    }));
    Ok(needed)
}

/// The columns beyond the first version's in which these cuts say something.
///
/// # Errors
/// The name of a column that holds what this version cannot write.
fn columns_needed(cuts: &[impl Serialize]) -> Result<BTreeSet<CutColumn>, String> {
    let mut needed = BTreeSet::new();
    for cut in cuts {
        let row = serde_json::to_value(cut).unwrap_or_default();
        let tables = row.get("tables").and_then(Value::as_array);
        for table in tables.into_iter().flatten().filter_map(Value::as_object) {
            collect(table, &FIRST_OF_TABLE, true, &mut needed)?;
        }
        if let Some(row) = row.as_object() {
            collect(row, &FIRST, false, &mut needed)?;
        }
    }
    Ok(needed)
}

fn collect(
    values: &Map<String, Value>,
    first: &[&str],
    of_table: bool,
    needed: &mut BTreeSet<CutColumn>,
) -> Result<(), String> {
    let later =
        values.iter().filter(|(name, value)| !first.contains(&name.as_str()) && !value.is_null());
    for (name, value) in later {
        let kind = ColumnKind::of(name, value).ok_or_else(|| name.clone())?;
        needed.insert(CutColumn { of_table, name: name.clone(), kind });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::Cut;

    /// A row as the first version of `sync_cuts` has it, and its hash as that version computed it.
    fn first_row() -> (Value, &'static str) {
        let row = json!({
            "group_name": "core", "cut_number": 2, "recovery_point": "2026-11-22T09:41:07.120Z",
            "consistency": "workflow-consistent", "trigger": "workflow", "workflow_run_id": 88,
            "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": "R",
            "tables": [{
                "table": "main.core.gold", "source_table_id": "id", "source_version": 7,
                "source_committed_at": "2026-11-22T09:40:00Z", "rows": null, "files": 2, "bytes": 10,
                "replica_location": "/west/main/core/gold", "replica_version": 3,
            }],
            "accepted": [{"code": "source_shrank", "scope": "core", "reason": "it is right"}],
            "epoch": 0, "committed_by": "someone", "committed_at": "2026-11-22T09:46:00.001Z",
            "previous_sha256": "bb",
        });
        (row, "0d40c6e7209b231580f21465110c7b558e0b1012611f58933fe93a1c2eb8aa6d")
    }

    fn read(row: &Value) -> Cut {
        serde_json::from_value(row.clone()).unwrap()
    }

    #[test]
    fn a_row_of_the_first_version_hashes_as_it_did() {
        let (mut row, hash) = first_row();
        assert_eq!(read(&row).sha256(), hash);
        // In a table that was given columns since, they are null in it.
        for name in ["run_record_sha256", "a_later_column"] {
            row[name] = Value::Null;
            row["tables"][0][name] = Value::Null;
        }
        for name in ["source_commit_sha256", "replica_files_sha256", "replica_content_sha256"] {
            row["tables"][0][name] = Value::Null;
        }
        assert_eq!(read(&row).sha256(), hash);
        assert_eq!(columns_needed(&[read(&row)]), Ok(BTreeSet::new()));
    }

    #[test]
    fn what_a_later_version_says_is_kept_and_hashed() {
        let (mut row, hash) = first_row();
        row["kind"] = "role".into();
        row["tables"][0]["a_count"] = 7.into();
        let cut = read(&row);
        assert_ne!(cut.sha256(), hash);
        assert_eq!(cut.sha256(), crate::canonical::sha256(&row));
        assert_eq!(serde_json::to_value(&cut).unwrap(), row);
        let column =
            |of_table, name: &str, kind| CutColumn { of_table, name: name.to_owned(), kind };
        let needed =
            [column(false, "kind", ColumnKind::Text), column(true, "a_count", ColumnKind::Number)];
        assert_eq!(columns_needed(&[cut]), Ok(BTreeSet::from(needed)));
        row["a_list"] = json!([1]);
        assert_eq!(columns_needed(&[read(&row)]), Err("a_list".to_owned()));
    }
}
