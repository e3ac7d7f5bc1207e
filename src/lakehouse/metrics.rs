//! What commits count, as writers of every kind put it down. Pure.

use serde_json::{Map, Value};

/// A parameter or count, which writers put as a number or as text.
pub(super) fn number(values: &Map<String, Value>, name: &str) -> Option<u64> {
    match values.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim_matches('"').parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Rows that a commit changed, by what its operation counts.
pub(super) fn rows_touched(metrics: &Map<String, Value>) -> Option<u64> {
    let merged = ["numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"];
    let sum = |names: &[&str]| {
        names.iter().filter_map(|name| number(metrics, name)).reduce(u64::saturating_add)
    };
    sum(&merged)
        .or_else(|| sum(&["numUpdatedRows", "numDeletedRows"]))
        .or_else(|| sum(&["numOutputRows"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_the_operation_did_not_by_what_it_wrote() {
        let metrics = |json: Value| json.as_object().cloned().unwrap();
        let update =
            metrics(serde_json::json!({"numUpdatedRows": "1204", "numOutputRows": "90000"}));
        assert_eq!(rows_touched(&update), Some(1204));
        let merge = metrics(
            serde_json::json!({"numTargetRowsInserted": 2, "numTargetRowsDeleted": "1", "numOutputRows": 9}),
        );
        assert_eq!(rows_touched(&merge), Some(3));
        assert_eq!(rows_touched(&metrics(serde_json::json!({"numOutputRows": "7"}))), Some(7));
        assert_eq!(rows_touched(&Map::new()), None);
    }
}
