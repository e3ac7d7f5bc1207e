//! Whether two `add` actions describe a file alike, however their JSON is written. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

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
        let Self { modification_time, partition_values, tags, clustering_provider, stats } = self;
        let texts = |values: &Option<BTreeMap<String, Value>>| -> BTreeMap<String, Value> {
            let values = values.iter().flatten();
            values.map(|(name, value)| (name.clone(), as_text(value))).collect()
        };
        same_number(modification_time, &other.modification_time)
            && texts(partition_values) == texts(&other.partition_values)
            && texts(tags) == texts(&other.tags)
            && *clustering_provider == other.clustering_provider
            && same_stats(stats, &other.stats)
    }
}

/// Whether two numbers are one, written as 7 or as 7.0; anything else is compared as it is.
fn same_number(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            number(&one.to_string()) == number(&other.to_string())
        }
        (one, other) => one == other,
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
    let read = |stats: &Value| RawValue::from_string(stats.as_str()?.trim().to_owned()).ok();
    match (read(one), read(other)) {
        (Some(one), Some(other)) => same_json(&one, &other, DEPTH),
        _ => one == other,
    }
}

/// How deep statistics are compared by their meaning: a schema in a log cannot be deeper.
const DEPTH: usize = 100;

/// Whether two JSON texts mean the same: a null says what an absent member says, and 1.0 is 1.
fn same_json(one: &RawValue, other: &RawValue, depth: usize) -> bool {
    if one.get() == other.get() {
        return true;
    }
    let Some(deeper) = depth.checked_sub(1) else {
        return false;
    };
    if let (Some(one), Some(other)) = (members(one), members(other)) {
        let mut names = one.keys().chain(other.keys());
        return names.all(|name| match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) if says(one) && says(other) => same_json(one, other, deeper),
            (one, other) => !one.is_some_and(|it| says(it)) && !other.is_some_and(|it| says(it)),
        });
    }
    if let (Some(one), Some(other)) = (items(one), items(other)) {
        let mut pairs = one.iter().zip(&other);
        return one.len() == other.len() && pairs.all(|(one, other)| same_json(one, other, deeper));
    }
    if let (Ok(one), Ok(other)) = (text(one), text(other)) {
        return one == other || moment(&one).is_some_and(|one| Some(one) == moment(&other));
    }
    number(one.get()).is_some_and(|one| Some(one) == number(other.get()))
}

fn members(json: &RawValue) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(json.get()).ok()
}

fn items(json: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json.get()).ok()
}

fn text(json: &RawValue) -> serde_json::Result<String> {
    serde_json::from_str(json.get())
}

/// Whether a value says anything: `null` and `{}` do not.
fn says(value: &RawValue) -> bool {
    let inside = value.get().trim_matches(['{', '}']).trim();
    inside != "null" && !inside.is_empty()
}

/// A JSON number, exactly: its sign, its digits without zeros around them, and the power of ten that they are multiplied by.
fn number(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|each| each.is_ascii_digit()) {
        return None;
    }
    let kept = digits.trim_end_matches('0');
    let power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let power = power.checked_add(i64::try_from(digits.len() - kept.len()).ok()?)?;
    let kept = kept.trim_start_matches('0');
    Some(if kept.is_empty() {
        (false, String::new(), 0)
    } else {
        (negative, kept.to_owned(), power)
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
            added_by: 0,
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

    #[test]
    fn numbers_are_compared_by_all_their_digits() {
        let bound = |number: &str| with_stats(&format!(r#"{{"maxValues":{{"d":{number}}}}}"#));
        for alike in ["12345678901234567.80", "1234567890123456780e-2", "1.23456789012345678E16"] {
            assert!(same(bound("12345678901234567.8"), bound(alike)), "{alike}");
        }
        assert!(same(bound("0"), bound("-0.0")));
        for other in ["12345678901234567.81", "-12345678901234567.8", "12345678901234567"] {
            assert!(!same(bound("12345678901234567.8"), bound(other)), "{other}");
        }
    }

    #[test]
    fn statistics_of_any_depth_are_compared() {
        let deep = |inner: &str| {
            let (open, close) = (r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
            with_stats(&format!("{open}{inner}{close}"))
        };
        assert!(same(deep("1"), deep("1")));
        assert!(!same(deep("1"), deep("2")));
    }
}
