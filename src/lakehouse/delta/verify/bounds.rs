//! Whether statistics are true of rows: what a reader takes from them to leave a file out must hold of every row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A file's statistics, as far as readers skip files by them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statistics<'a> {
    #[serde(borrow, default)]
    min_values: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_values: Option<&'a RawValue>,
    #[serde(borrow, default)]
    null_count: Option<&'a RawValue>,
}

impl<'a> Statistics<'a> {
    /// Whether they say anything of a column.
    pub(super) fn speaks_of(&self, path: &[String]) -> bool {
        let Statistics { min_values, max_values, null_count } = self;
        [min_values, max_values, null_count].into_iter().any(|part| value_at(*part, path).is_some())
    }

    /// What they say of a column.
    pub(super) fn column(&self, path: &[String]) -> ColumnStatistics<'a> {
        ColumnStatistics {
            name: path.join("."),
            min: value_at(self.min_values, path),
            max: value_at(self.max_values, path),
            nulls: value_at(self.null_count, path).and_then(|text| text.parse().ok()),
            inner_nulls: false,
        }
    }
}

/// What an object says under a path, as it is written.
fn value_at<'a>(object: Option<&'a RawValue>, path: &[String]) -> Option<&'a str> {
    let mut at = object?;
    for part in path {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(at.get()).ok()?;
        at = fields.get(part)?;
    }
    let text = at.get();
    (!text.starts_with(['{', 'n'])).then_some(text)
}

/// What statistics say of one column of one file.
pub(super) struct ColumnStatistics<'a> {
    name: String,
    min: Option<&'a str>,
    max: Option<&'a str>,
    nulls: Option<u64>,
    /// Whether a struct around it is null somewhere: writers do not agree on what its columns are then.
    pub(super) inner_nulls: bool,
}

impl ColumnStatistics<'_> {
    /// Compares with values, those of rows that are live; an error is a fragment that says which bound is false.
    pub(super) fn judge(
        &self,
        array: &ArrayRef,
        live: &[bool],
        records: u64,
    ) -> Result<(), String> {
        if let Some(nulls) = self.nulls.filter(|_| !self.inner_nulls) {
            let mut rows = (0..array.len()).filter(|row| live[*row]);
            if nulls == 0 && rows.clone().any(|row| array.is_null(row)) {
                return Err(format!(
                    "has nulls in {} where its statistics say that there are none",
                    self.name
                ));
            }
            if nulls == records && rows.any(|row| array.is_valid(row)) {
                return Err(format!(
                    "has values in {} where its statistics say that there are only nulls",
                    self.name
                ));
            }
        }
        for (text, wrong, which) in [
            (self.min, Ordering::Less, "less than the least"),
            (self.max, Ordering::Greater, "more than the greatest"),
        ] {
            let Some(text) = text else { continue };
            let Some(is_wrong) = out_of_bound(array, text, wrong) else {
                continue;
            };
            if (0..array.len()).any(|row| live[row] && array.is_valid(row) && is_wrong(row)) {
                return Err(format!(
                    "has a value in {} that is {which} of its statistics, {text}",
                    self.name
                ));
            }
        }
        Ok(())
    }
}

type Judge<'a> = Box<dyn Fn(usize) -> bool + 'a>;

/// Says of a row whether its value lies on the wrong side of a bound; `None` where the bound is of a kind that nothing is skipped by.
fn out_of_bound<'a>(array: &'a ArrayRef, text: &str, wrong: Ordering) -> Option<Judge<'a>> {
    macro_rules! whole {
        ($kind:ty) => {{
            let bound: i128 = text.parse().ok()?;
            let values = array.as_primitive::<$kind>();
            Some(Box::new(move |row| i128::from(values.value(row)).cmp(&bound) == wrong))
        }};
    }
    match array.data_type() {
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::Float32 => {
            let bound: f32 = number(text)?.parse().ok()?;
            let values = array.as_primitive::<Float32Type>();
            Some(Box::new(move |row| values.value(row).partial_cmp(&bound) == Some(wrong)))
        }
        DataType::Float64 => {
            let bound: f64 = number(text)?.parse().ok()?;
            let values = array.as_primitive::<Float64Type>();
            Some(Box::new(move |row| values.value(row).partial_cmp(&bound) == Some(wrong)))
        }
        DataType::Utf8 => {
            let bound: String = serde_json::from_str(text).ok()?;
            let values = array.as_string::<i32>();
            Some(Box::new(move |row| values.value(row).as_bytes().cmp(bound.as_bytes()) == wrong))
        }
        DataType::Date32 => {
            let text: String = serde_json::from_str(text).ok()?;
            let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?;
            let bound = date.signed_duration_since(NaiveDate::default()).num_days();
            let values = array.as_primitive::<Date32Type>();
            Some(Box::new(move |row| i64::from(values.value(row)).cmp(&bound) == wrong))
        }
        DataType::Timestamp(unit, _) => {
            let bound = micros(&serde_json::from_str::<String>(text).ok()?)?;
            let value = micros_of_rows(array, *unit)?;
            // Statistics have milliseconds, which some writers cut off and others round.
            Some(Box::new(move |row| {
                let apart = value(row).saturating_sub(bound);
                match wrong {
                    Ordering::Greater => apart >= 1_000,
                    Ordering::Less | Ordering::Equal => apart <= -1_000,
                }
            }))
        }
        DataType::Decimal128(_, scale) => {
            let bound = unscaled(text.trim_matches('"'), u32::try_from(*scale).ok()?)?;
            let values = array.as_primitive::<Decimal128Type>();
            Some(Box::new(move |row| {
                // A bound with more digits than the column lies between two of its values.
                let value = (values.value(row), 0);
                value.cmp(&bound) == wrong
            }))
        }
        _ => None,
    }
}

/// The times of a column in microseconds, by row.
fn micros_of_rows<'a>(
    array: &'a ArrayRef,
    unit: TimeUnit,
) -> Option<Box<dyn Fn(usize) -> i64 + 'a>> {
    match unit {
        TimeUnit::Second => None,
        TimeUnit::Millisecond => {
            let values = array.as_primitive::<TimestampMillisecondType>();
            Some(Box::new(move |row| values.value(row).saturating_mul(1_000)))
        }
        TimeUnit::Microsecond => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Some(Box::new(move |row| values.value(row)))
        }
        TimeUnit::Nanosecond => {
            let values = array.as_primitive::<TimestampNanosecondType>();
            Some(Box::new(move |row| values.value(row).div_euclid(1_000)))
        }
    }
}

/// A number as JSON has it, or as Delta writes those that JSON lacks.
fn number(text: &str) -> Option<&str> {
    match text.trim_matches('"') {
        "NaN" => None,
        "Infinity" => Some("inf"),
        "-Infinity" => Some("-inf"),
        number => Some(number),
    }
}

/// Microseconds since 1970 of a time as Delta writes it: with an offset, or without one in UTC.
fn micros(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(time.timestamp_micros());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| time.and_utc().timestamp_micros())
}

/// A decimal in units of a scale, rounded down, and whether anything was left: 1 if so.
fn unscaled(text: &str, scale: u32) -> Option<(i128, u8)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !(whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = scale as usize;
    let kept = fraction.len().min(scale);
    let all = format!("{whole}{:0<scale$}", &fraction[..kept]);
    let value: i128 = all.parse().ok()?;
    let left = fraction[kept..].bytes().any(|byte| byte != b'0');
    Some(match (negative, left) {
        (false, left) => (value, u8::from(left)),
        (true, false) => (-value, 0),
        (true, true) => (-value - 1, 1),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };

    use super::*;

    /// What is said of values under a column's statistics; all of them are live.
    fn judged(values: impl Array + 'static, min: &str, max: &str) -> Result<(), String> {
        let text = format!(r#"{{"minValues":{{"c":{min}}},"maxValues":{{"c":{max}}}}}"#);
        let statistics: Statistics<'_> = serde_json::from_str(&text).unwrap();
        let path = ["c".to_owned()];
        assert!(statistics.speaks_of(&path));
        let values: ArrayRef = Arc::new(values);
        let live = vec![true; values.len()];
        let records = values.len() as u64;
        statistics.column(&path).judge(&values, &live, records)
    }

    fn whole(values: &[i64]) -> Int64Array {
        Int64Array::from(values.to_vec())
    }

    #[test]
    fn a_value_out_of_bounds_is_found_whatever_its_type() {
        let texts = || StringArray::from(vec!["b", "y"]);
        let dates = || Date32Array::from(vec![-1, 1]);
        let amounts = || {
            let cents = Decimal128Array::from(vec![-150, 150]);
            cents.with_precision_and_scale(10, 2).unwrap()
        };
        let numbers = || Float64Array::from(vec![-0.5, 0.5]);
        assert!(judged(whole(&[1, 9]), "1", "9").is_ok());
        assert!(judged(whole(&[0, 9]), "1", "9").is_err());
        assert!(judged(whole(&[1, i64::MAX]), "1", "9223372036854775806").is_err());
        assert!(judged(texts(), r#""b""#, r#""y""#).is_ok());
        assert!(judged(texts(), r#""c""#, r#""z""#).is_err());
        assert!(judged(texts(), r#""a""#, r#""x""#).is_err());
        assert!(judged(dates(), r#""1969-12-31""#, r#""1970-01-02""#).is_ok());
        assert!(judged(dates(), r#""1970-01-01""#, r#""1970-01-02""#).is_err());
        assert!(judged(amounts(), "-1.50", "1.500").is_ok());
        assert!(judged(amounts(), "-1.49", "1.5").is_err());
        assert!(judged(amounts(), "-1.5", "1.499").is_err());
        assert!(judged(numbers(), "-0.5", r#""Infinity""#).is_ok());
        assert!(judged(numbers(), "-0.4", "1").is_err());
    }

    #[test]
    fn times_may_be_cut_off_or_rounded_to_milliseconds_and_no_further() {
        let micros = |micros: i64| TimestampMicrosecondArray::from(vec![micros]);
        let second = |bound: &str, micros_value: i64| {
            judged(micros(micros_value), bound, r#""9999-12-31T23:59:59Z""#)
        };
        assert!(second(r#""1970-01-01T00:00:01.001Z""#, 1_000_001).is_ok());
        assert!(second(r#""1970-01-01T00:00:01.002Z""#, 1_000_001).is_err());
        assert!(second(r#""1970-01-01 00:00:02""#, 1_000_001).is_err());
        assert!(second(r#""1970-01-01T01:00:01+01:00""#, 1_000_000).is_ok());
    }

    #[test]
    fn numbers_that_are_none_bound_nothing_and_are_in_no_bounds() {
        let values = Float64Array::from(vec![f64::NAN, 1.0]);
        assert!(judged(values.clone(), "1", "1").is_ok());
        assert!(judged(values.clone(), r#""NaN""#, r#""NaN""#).is_ok());
        assert!(judged(Float64Array::from(vec![-0.0]), "0.0", "0.0").is_ok());
    }

    #[test]
    fn counts_of_nulls_are_compared_where_they_say_none_or_all() {
        let statistics = |nulls: u64| format!(r#"{{"nullCount":{{"c":{nulls}}}}}"#);
        let judged = |nulls: u64, values: Vec<Option<i64>>| {
            let text = statistics(nulls);
            let statistics: Statistics<'_> = serde_json::from_str(&text).unwrap();
            let values: ArrayRef = Arc::new(Int64Array::from(values));
            let live = vec![true; values.len()];
            statistics.column(&["c".to_owned()]).judge(&values, &live, values.len() as u64)
        };
        assert!(judged(0, vec![Some(1), Some(2)]).is_ok());
        assert!(judged(0, vec![Some(1), None]).is_err());
        assert!(judged(2, vec![None, None]).is_ok());
        assert!(judged(2, vec![Some(1), None]).is_err());
        assert!(judged(1, vec![Some(1), Some(2)]).is_ok());
    }
}
