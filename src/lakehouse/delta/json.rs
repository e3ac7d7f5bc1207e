//! Writes rows of a checkpoint as the JSON that a commit would have held.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{Array, StructArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, TimeDelta};

/// How a bound in statistics is brought to the milliseconds that Delta writes.
#[derive(Clone, Copy)]
enum Rounding {
    Down,
    /// A greatest value may only grow, or readers would skip a file that has it.
    Up,
}

/// Writes a struct as an object, leaving out its null fields and those named.
pub(crate) fn write_struct(out: &mut String, array: &StructArray, row: usize, without: &[&str]) {
    object(out, array, row, without, Rounding::Down);
}

/// Writes `stats_parsed` as the text of `stats`.
pub(crate) fn write_stats(array: &StructArray, row: usize) -> String {
    let mut out = String::from("{");
    for (field, column) in array.fields().iter().zip(array.columns()) {
        if column.is_null(row) || !writable(column.data_type()) {
            continue;
        }
        let rounding = if field.name() == "maxValues" {
            Rounding::Up
        } else {
            Rounding::Down
        };
        member(&mut out, field.name());
        value(&mut out, column, row, rounding);
    }
    out.push('}');
    out
}

fn object(out: &mut String, array: &StructArray, row: usize, without: &[&str], rounding: Rounding) {
    out.push('{');
    for (field, column) in array.fields().iter().zip(array.columns()) {
        if column.is_null(row)
            || without.contains(&field.name().as_str())
            || !writable(column.data_type())
        {
            continue;
        }
        member(out, field.name());
        value(out, column, row, rounding);
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

fn value(out: &mut String, array: &dyn Array, row: usize, rounding: Rounding) {
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
            return float(
                out,
                array.as_primitive::<Float64Type>().value(row),
                |value| serde_json::Number::from_f64(value).map(|number| number.to_string()),
            );
        }
        DataType::Date32 => {
            let days = TimeDelta::days(i64::from(array.as_primitive::<Date32Type>().value(row)));
            match NaiveDate::default().checked_add_signed(days) {
                Some(date) => write!(out, "\"{date}\""),
                None => write!(out, "null"),
            }
        }
        DataType::Timestamp(unit, zone) => {
            let (value, per_ms) = match unit {
                TimeUnit::Nanosecond => (
                    array.as_primitive::<TimestampNanosecondType>().value(row),
                    1_000_000,
                ),
                TimeUnit::Microsecond => (
                    array.as_primitive::<TimestampMicrosecondType>().value(row),
                    1_000,
                ),
                TimeUnit::Second | TimeUnit::Millisecond => (
                    array.as_primitive::<TimestampMillisecondType>().value(row),
                    1,
                ),
            };
            let ms = match rounding {
                Rounding::Down => value.div_euclid(per_ms),
                Rounding::Up => value.div_euclid(per_ms) + i64::from(value.rem_euclid(per_ms) != 0),
            };
            match DateTime::from_timestamp_millis(ms) {
                Some(time) => {
                    let suffix = if zone.is_some() { "Z" } else { "" };
                    write!(out, "\"{}{suffix}\"", time.format("%Y-%m-%dT%H:%M:%S%.3f"))
                }
                None => write!(out, "null"),
            }
        }
        DataType::Decimal128(_, scale) => {
            write!(
                out,
                "{}",
                decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)
            )
        }
        DataType::Struct(_) => return object(out, array.as_struct(), row, &[], rounding),
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            out.push('{');
            for each in 0..entries.len() {
                if each > 0 {
                    out.push(',');
                }
                value(out, entries.column(0), each, rounding);
                out.push(':');
                // A null value is a value here: a partition may be null.
                value(out, entries.column(1), each, rounding);
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
                value(out, &items, each, rounding);
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
            let decimal = Decimal128Array::from(vec![unscaled])
                .with_precision_and_scale(9, 3)
                .unwrap();
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
            write_stats(&stats, 0),
            r#"{"numRecords":2,"minValues":{"t":"1970-01-01T00:00:00.001Z","d":-0.005},"maxValues":{"t":"1970-01-01T00:00:00.002Z","d":12.345}}"#
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
