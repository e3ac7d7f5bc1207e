//! Writes rows of a checkpoint as the JSON that a commit would have held.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{Array, StructArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};

/// How times are written: each is what it was, or a bound that excludes nothing, or left out.
#[derive(Clone, Copy)]
struct Times {
    /// A greatest value may only grow where it is finer than the microseconds of Delta, or readers would skip a file that has it.
    round_up: bool,
    /// What is earlier is left out.
    earliest: NaiveDate,
}

impl Times {
    const ALL: Self = Self { round_up: false, earliest: FIRST_DAY };

    /// Whether a day is one that all readers take to be the same.
    fn hold(self, day: NaiveDate) -> bool {
        day >= self.earliest && day.year() <= 9999
    }
}

/// The first day that dates and times of Delta have. Of earlier ones readers make what they like.
pub(crate) const FIRST_DAY: NaiveDate = day(1, 1, 1);
/// The first day whose times are the same in the calendar and the time zones of old writers.
pub(crate) const FIRST_DAY_OF_OLD_WRITERS: NaiveDate = day(1900, 1, 1);

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => day,
        None => panic!("a day that is in no calendar"),
    }
}

/// Writes a struct as an object, leaving out its null fields and those named.
pub(crate) fn write_struct(out: &mut String, array: &StructArray, row: usize, without: &[&str]) {
    object(out, array, row, without, Times::ALL);
}

/// Writes `stats_parsed` as the text of `stats`, without bounds earlier than a day.
pub(crate) fn write_stats(array: &StructArray, row: usize, earliest: NaiveDate) -> String {
    let mut out = String::from("{");
    for (field, column) in array.fields().iter().zip(array.columns()) {
        if column.is_null(row) || !writable(column.data_type()) {
            continue;
        }
        let times = Times { round_up: field.name() == "maxValues", earliest };
        member(&mut out, field.name());
        value(&mut out, column, row, times);
    }
    out.push('}');
    out
}

fn object(out: &mut String, array: &StructArray, row: usize, without: &[&str], times: Times) {
    out.push('{');
    for (field, column) in array.fields().iter().zip(array.columns()) {
        if column.is_null(row)
            || without.contains(&field.name().as_str())
            || !writable(column.data_type())
        {
            continue;
        }
        member(out, field.name());
        value(out, column, row, times);
    }
    out.push('}');
}

fn member(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

/// Appends a JSON string.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Whether a type has a JSON form. What has none (bytes, in statistics) is left out, as the protocol allows.
fn writable(kind: &DataType) -> bool {
    use DataType::*;
    match kind {
        Utf8 | LargeUtf8 | Utf8View | Boolean | Int8 | Int16 | Int32 | Int64 | Float32
        | Float64 | Date32 => true,
        Timestamp(unit, _) => *unit != TimeUnit::Second,
        Decimal128(_, _) | Struct(_) | Map(_, _) => true,
        List(item) => writable(item.data_type()),
        _ => false,
    }
}

fn value(out: &mut String, array: &dyn Array, row: usize, times: Times) {
    if array.is_null(row) {
        return out.push_str("null");
    }
    // Writing to a String cannot fail.
    let _ = match array.data_type() {
        DataType::Utf8 => return string(out, array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => return string(out, array.as_string::<i64>().value(row)),
        DataType::Utf8View => return string(out, array.as_string_view().value(row)),
        DataType::Boolean => write!(out, "{}", array.as_boolean().value(row)),
        DataType::Int8 => write!(out, "{}", array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => write!(out, "{}", array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => write!(out, "{}", array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            return float(
                out,
                f64::from(array.as_primitive::<Float32Type>().value(row)),
                |value| serde_json::Number::from_f64(value).map(|_| format!("{:?}", value as f32)),
            );
        }
        DataType::Float64 => {
            return float(out, array.as_primitive::<Float64Type>().value(row), |value| {
                serde_json::Number::from_f64(value).map(|number| number.to_string())
            });
        }
        DataType::Date32 => {
            let days = TimeDelta::days(i64::from(array.as_primitive::<Date32Type>().value(row)));
            let date = NaiveDate::default().checked_add_signed(days);
            match date.filter(|date| times.hold(*date)) {
                Some(date) => write!(out, "\"{date}\""),
                None => write!(out, "null"),
            }
        }
        DataType::Timestamp(unit, zone) => {
            let time = match unit {
                TimeUnit::Nanosecond => {
                    let value = array.as_primitive::<TimestampNanosecondType>().value(row);
                    let part = i64::from(value.rem_euclid(1_000) != 0);
                    DateTime::from_timestamp_micros(if !times.round_up {
                        value.div_euclid(1_000)
                    } else {
                        value.div_euclid(1_000) + part
                    })
                }
                TimeUnit::Microsecond => DateTime::from_timestamp_micros(
                    array.as_primitive::<TimestampMicrosecondType>().value(row),
                ),
                TimeUnit::Second | TimeUnit::Millisecond => DateTime::from_timestamp_millis(
                    array.as_primitive::<TimestampMillisecondType>().value(row),
                ),
            };
            match time.filter(|time| times.hold(time.date_naive())) {
                Some(time) => {
                    let zone = if zone.is_some() { "Z" } else { "" };
                    let whole = time.timestamp_subsec_micros().is_multiple_of(1_000);
                    let digits = if whole { "%.3f" } else { "%.6f" };
                    let shown = time.format("%Y-%m-%dT%H:%M:%S");
                    write!(out, "\"{shown}{}{zone}\"", time.format(digits))
                }
                None => write!(out, "null"),
            }
        }
        DataType::Decimal128(_, scale) => {
            write!(out, "{}", decimal(array.as_primitive::<Decimal128Type>().value(row), *scale))
        }
        DataType::Struct(_) => return object(out, array.as_struct(), row, &[], times),
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            out.push('{');
            for each in 0..entries.len() {
                if each > 0 {
                    out.push(',');
                }
                value(out, entries.column(0), each, times);
                out.push(':');
                // A null value is a value here: a partition may be null.
                value(out, entries.column(1), each, times);
            }
            out.push('}');
            return;
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push('[');
            for each in 0..items.len() {
                if each > 0 {
                    out.push(',');
                }
                value(out, &items, each, times);
            }
            out.push(']');
            return;
        }
        _ => write!(out, "null"),
    };
}

/// JSON has no NaN and no infinity; Delta writes them as strings.
fn float(out: &mut String, value: f64, finite: impl Fn(f64) -> Option<String>) {
    let text = match finite(value) {
        Some(text) => text,
        None if value.is_nan() => "\"NaN\"".to_owned(),
        None if value > 0.0 => "\"Infinity\"".to_owned(),
        None => "\"-Infinity\"".to_owned(),
    };
    out.push_str(&text);
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let Ok(scale @ 1..) = usize::try_from(scale) else {
        return unscaled.to_string();
    };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };

    use super::*;

    fn structure(fields: Vec<(&str, ArrayRef)>) -> StructArray {
        StructArray::try_from(fields).unwrap()
    }

    #[test]
    fn statistics_become_the_text_that_a_commit_would_hold() {
        let time = |us| {
            Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC")) as ArrayRef
        };
        let bounds = |us, unscaled: i128| {
            let decimal =
                Decimal128Array::from(vec![unscaled]).with_precision_and_scale(9, 3).unwrap();
            Arc::new(structure(vec![
                ("t", time(us)),
                ("d", Arc::new(decimal)),
                ("n", Arc::new(StringArray::from(vec![None::<&str>]))),
            ]))
        };
        let stats = structure(vec![
            ("numRecords", Arc::new(Int64Array::from(vec![2]))),
            ("minValues", bounds(1_500, -5)),
            ("maxValues", bounds(1_500, 12_345)),
        ]);
        assert_eq!(
            write_stats(&stats, 0, FIRST_DAY),
            r#"{"numRecords":2,"minValues":{"t":"1970-01-01T00:00:00.001500Z","d":-0.005},"maxValues":{"t":"1970-01-01T00:00:00.001500Z","d":12.345}}"#
        );
    }

    #[test]
    fn numbers_that_json_lacks_are_strings() {
        let values = structure(vec![(
            "f",
            Arc::new(Float64Array::from(vec![f64::NAN, f64::NEG_INFINITY, 1.5])),
        )]);
        let mut out = String::new();
        (0..3).for_each(|row| write_struct(&mut out, &values, row, &[]));
        assert_eq!(out, r#"{"f":"NaN"}{"f":"-Infinity"}{"f":1.5}"#);
    }
}
