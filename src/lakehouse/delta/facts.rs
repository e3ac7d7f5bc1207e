//! Whether two `add` actions describe a file alike, however their JSON is written.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::action::LiveFile;

/// Whether two actions describe a file alike. Texts may differ where one went through a checkpoint.
///
/// Statistics count: readers skip files by them, so bounds that a source repaired belong into its replica.
pub(super) fn same_facts(one: &LiveFile, other: &LiveFile) -> bool {
    if one.size != other.size || one.records != other.records {
        return false;
    }
    if one.action == other.action {
        return true;
    }
    let facts = |file: &LiveFile| serde_json::from_str::<Facts>(file.action.as_deref()?).ok();
    match (facts(one), facts(other)) {
        (Some(one), Some(other)) => one.same(&other),
        _ => false,
    }
}

/// What an `add` says of its file, beside its path and its size, in whatever type it says it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    // Another time is another file, whatever its name.
    #[serde(default)]
    modification_time: Value,
    #[serde(default)]
    partition_values: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    tags: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    clustering_provider: Value,
    #[serde(default)]
    stats: Value,
}

impl Facts {
    fn same(&self, other: &Self) -> bool {
        let Self {
            modification_time,
            partition_values,
            tags,
            clustering_provider,
            stats,
        } = self;
        let texts = |values: &Option<BTreeMap<String, Value>>| -> BTreeMap<String, Value> {
            let values = values.iter().flatten();
            values
                .map(|(name, value)| (name.clone(), as_text(value)))
                .collect()
        };
        same_value(modification_time, &other.modification_time)
            && texts(partition_values) == texts(&other.partition_values)
            && texts(tags) == texts(&other.tags)
            && *clustering_provider == other.clustering_provider
            && same_stats(stats, &other.stats)
    }
}

/// A partition value or tag as every reader takes it: text, or null. A checkpoint can hold nothing else.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(truth) => truth.to_string().into(),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

/// Whether two statistics say the same. Those that do not parse are compared as they are written.
fn same_stats(one: &Value, other: &Value) -> bool {
    fn read(stats: &Value) -> Option<Map<String, Value>> {
        serde_json::from_str(stats.as_str()?).ok()
    }
    match (read(one), read(other)) {
        (Some(one), Some(other)) => same_object(&one, &other),
        _ => one == other,
    }
}

/// Whether two values mean the same: a null says what an absent member says, and 1.0 is 1.
fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => same_object(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_value(one, other))
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::String(one), Value::String(other)) => {
            one == other || moment(one).is_some_and(|one| Some(one) == moment(other))
        }
        (one, other) => one == other,
    }
}

fn same_object(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let found = |object: &Map<String, Value>, name: &String| {
        object.get(name).cloned().unwrap_or(Value::Null)
    };
    let empty = |value: &Value| match value {
        Value::Object(object) => object.is_empty(),
        value => value.is_null(),
    };
    let mut names = one.keys().chain(other.keys());
    names.all(|name| {
        let (one, other) = (found(one, name), found(other, name));
        (empty(&one) && empty(&other)) || same_value(&one, &other)
    })
}

/// A time as statistics spell it: in microseconds, and whether it has a zone.
fn moment(text: &str) -> Option<(i64, bool)> {
    // Long texts are bounds of strings.
    if text.len() < "2024-01-01T00:00:00".len() || text.len() > 40 {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some((time.timestamp_micros(), true));
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some((local.and_utc().timestamp_micros(), false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(action: Value) -> LiveFile {
        LiveFile {
            vector: None,
            size: 1,
            modified_ms: None,
            records: None,
            action: Some(action.to_string().into()),
        }
    }

    fn same(one: Value, other: Value) -> bool {
        same_facts(&file(one), &file(other))
    }

    fn with_stats(stats: &str) -> Value {
        json!({"path": "a", "modificationTime": 1, "partitionValues": {}, "stats": stats})
    }

    #[test]
    fn a_fact_of_another_type_is_the_same_fact() {
        let usual = json!({"modificationTime": 1763800000000_i64, "partitionValues": {"p": "1", "q": null}, "tags": {"n": "1"}});
        let other = json!({"modificationTime": 1763800000000.0, "partitionValues": {"p": 1, "q": null}, "tags": {"n": 1}});
        assert!(same(usual.clone(), other));
        for changed in [
            json!({"modificationTime": 1763800000001_i64, "partitionValues": {"p": "1", "q": null}, "tags": {"n": "1"}}),
            json!({"modificationTime": 1763800000000_i64, "partitionValues": {"p": "01", "q": null}, "tags": {"n": "1"}}),
            json!({"modificationTime": 1763800000000_i64, "partitionValues": {"p": "1", "q": ""}, "tags": {"n": "1"}}),
            json!({"modificationTime": 1763800000000_i64, "partitionValues": {"p": "1", "q": null}, "tags": {"n": 2}}),
        ] {
            assert!(!same(usual.clone(), changed.clone()), "{changed}");
        }
    }

    #[test]
    fn statistics_are_compared_by_what_they_say() {
        let whole = r#"{"numRecords":2,"minValues":{"t":"2024-01-01T00:00:00.000Z","f":1.0},"nullCount":{"t":0},"tightBounds":true}"#;
        for alike in [
            r#"{"nullCount":{"t":0},"numRecords":2,"tightBounds":true,"minValues":{"f":1,"t":"2024-01-01T00:00:00Z"},"maxValues":{}}"#,
            r#"{"numRecords":2,"minValues":{"t":"2024-01-01T01:00:00+01:00","f":1.0,"x":null},"nullCount":{"t":0},"tightBounds":true}"#,
        ] {
            assert!(same(with_stats(whole), with_stats(alike)), "{alike}");
        }
        for changed in [
            r#"{"numRecords":2}"#,
            r#"{"numRecords":2,"minValues":{"t":"2024-01-01T00:00:00.000Z","f":1.0},"nullCount":{"t":0},"tightBounds":false}"#,
            r#"{"numRecords":2,"minValues":{"t":"2024-01-01T00:00:00.000","f":1.0},"nullCount":{"t":0},"tightBounds":true}"#,
            r#"{"numRecords":2,"minValues":{"t":"2023-01-01T00:00:00.000Z","f":1.0},"nullCount":{"t":0},"tightBounds":true}"#,
            "no JSON",
        ] {
            assert!(!same(with_stats(whole), with_stats(changed)), "{changed}");
        }
    }
}
