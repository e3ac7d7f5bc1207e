//! Casts from type to type: Arrow's, with the rules of Spark where they differ; a value that does not fit is refused, as in ANSI mode.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Date32Array, ListArray, MapArray,
    StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::Field;
use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;

use super::error::{Result, SqlError};
use super::kind::{self, Kind, is_number, of_pairs, timestamp};
use super::spell::{ValueStyle, spelled, written};
use super::times::{clock_of, day_of, moment_at, moment_of};

/// Casts to a type; what has no zone is in the session's.
pub(super) fn cast(values: &ArrayRef, to: &Kind, zone: Tz) -> Result<ArrayRef> {
    converted(values, to, zone, Rule::Strict)
}

/// The same, with null for what does not fit.
pub(super) fn try_cast(values: &ArrayRef, to: &Kind, zone: Tz) -> Result<ArrayRef> {
    converted(values, to, zone, Rule::Lenient)
}

/// Values of a table's file as its column: fields are found by their names, and one that came later than the file is null.
pub(super) fn as_column(values: &ArrayRef, to: &Kind, zone: Tz) -> Result<ArrayRef> {
    converted(values, to, zone, Rule::ByName)
}

/// What becomes of what does not fit, and how the fields of structs are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A value that does not fit is refused; fields go by their places.
    Strict,
    /// A value that does not fit is null; fields go by their places.
    Lenient,
    /// A value that does not fit is refused; fields go by their names.
    ByName,
}

fn converted(values: &ArrayRef, to: &Kind, zone: Tz, rule: Rule) -> Result<ArrayRef> {
    let part = |values: &ArrayRef, to: &Kind| converted(values, to, zone, rule);
    match (values.data_type(), to) {
        (from, to) if from == to || *to == Kind::Null => return Ok(values.clone()),
        (Kind::List(_), Kind::List(of)) => {
            let list = values.as_list::<i32>();
            let items = part(list.values(), of.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            return Ok(Arc::new(ListArray::try_new(of.clone(), offsets, items, nulls)?));
        }
        (Kind::Map(..), Kind::Map(entries, sorted)) => {
            let (map, (key, value)) = (values.as_map(), of_pairs(entries));
            // A key is never null, so that one that does not fit is refused.
            let strict = if rule == Rule::Lenient { Rule::Strict } else { rule };
            let keys = converted(map.keys(), key, zone, strict)?;
            let Kind::Struct(pair) = entries.data_type() else {
                unreachable!("a map has pairs");
            };
            let pairs = vec![keys, part(map.values(), value)?];
            let pairs = StructArray::try_new(pair.clone(), pairs, None)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            return Ok(Arc::new(MapArray::try_new(
                entries.clone(),
                offsets,
                pairs,
                nulls,
                *sorted,
            )?));
        }
        (Kind::Struct(from), Kind::Struct(fields))
            if rule == Rule::ByName || from.len() == fields.len() =>
        {
            let (structs, length) = (values.as_struct(), values.len());
            let column = |(at, field): (usize, &Arc<Field>)| {
                let column = match rule {
                    Rule::ByName => structs.column_by_name(field.name()),
                    Rule::Strict | Rule::Lenient => Some(structs.column(at)),
                };
                let none = || Ok(new_null_array(field.data_type(), length));
                column.map_or_else(none, |column| part(column, field.data_type()))
            };
            let columns = fields.iter().enumerate().map(column);
            let (columns, nulls) = (columns.collect::<Result<_>>()?, values.nulls().cloned());
            let made = StructArray::try_new_with_length(fields.clone(), columns, nulls, length)?;
            return Ok(Arc::new(made));
        }
        _ => {}
    }
    let cast = simple(values, to, zone).ok_or_else(|| no_cast(values.data_type(), to))?;
    let known =
        |values: &dyn Array, at: usize| !values.is_null(at) && *values.data_type() != Kind::Null;
    let lost = (0..values.len()).find(|at| known(values, *at) && !known(&cast, *at));
    match lost.filter(|_| rule != Rule::Lenient) {
        Some(at) => Err(refused(values, at, to)),
        None => Ok(cast),
    }
}

/// A kernel's cast, with null for what does not fit.
fn kernel(values: &dyn Array, to: &Kind) -> Option<ArrayRef> {
    cast_with_options(values, to, &CastOptions { safe: true, ..CastOptions::default() }).ok()
}

/// A cast of what is not made of parts, with null for what does not fit; nothing where there is no such cast.
fn simple(values: &ArrayRef, to: &Kind, zone: Tz) -> Option<ArrayRef> {
    let from = values.data_type();
    match (from, to) {
        (Kind::Null, _) => Some(new_null_array(to, values.len())),
        (_, Kind::Utf8) => Some(spelled(values, zone)),
        (Kind::Utf8, Kind::Boolean) => {
            let truths = values.as_string::<i32>().iter().map(|text| truth(text?));
            Some(Arc::new(truths.collect::<BooleanArray>()))
        }
        (Kind::Utf8, Kind::Binary) => kernel(values, to),
        (Kind::Utf8, to) if is_number(to) => kernel(values, to),
        (Kind::Boolean, to) if is_number(to) => kernel(&kernel(values, &Kind::Int64)?, to),
        // By its digits a decimal becomes the nearest double, and a double the decimal that it is written as.
        (Kind::Decimal128(..), Kind::Float32 | Kind::Float64) => {
            kernel(&kernel(values, &Kind::Utf8)?, to)
        }
        (Kind::Float32, Kind::Decimal128(..) | Kind::Decimal256(..)) => {
            kernel(&as_written::<Float32Type>(values), to)
        }
        (Kind::Float64, Kind::Decimal128(..) | Kind::Decimal256(..)) => {
            kernel(&as_written::<Float64Type>(values), to)
        }
        (from, Kind::Boolean) if is_number(from) => kernel(&kernel(values, &Kind::Float64)?, to),
        (from, to) if is_number(from) && (is_number(to) || matches!(to, Kind::Decimal256(..))) => {
            kernel(values, to)
        }
        // The result of a calculation with decimals.
        (Kind::Decimal256(..), Kind::Decimal128(..) | Kind::Decimal256(..)) => kernel(values, to),
        (Kind::Timestamp(_, Some(_)), to) if to.is_signed_integer() => {
            let moments = values.as_primitive::<TimestampMicrosecondType>();
            kernel(&moments.unary::<_, Int64Type>(|micros| micros.div_euclid(1_000_000)), to)
        }
        (from, Kind::Timestamp(_, Some(_))) if from.is_signed_integer() => {
            let seconds = kernel(values, &Kind::Int64)?;
            let seconds = seconds.as_primitive::<Int64Type>();
            Some(moments_of(seconds.iter().map(|it| it?.checked_mul(1_000_000))))
        }
        (Kind::Utf8, Kind::Timestamp(_, Some(_))) => {
            let texts = values.as_string::<i32>().iter();
            let read = texts.map(|text| Some(moment_of(text?, zone)?.timestamp_micros()));
            Some(moments_of(read))
        }
        (_, Kind::Timestamp(_, Some(_))) => {
            let clocks = clocks(values, zone)?.into_iter();
            Some(moments_of(clocks.map(|at| Some(moment_at(at?, zone)?.timestamp_micros()))))
        }
        (_, Kind::Timestamp(_, None)) => {
            let micros = |at: NaiveDateTime| at.and_utc().timestamp_micros();
            let clocks = clocks(values, zone)?.into_iter().map(|at| at.map(micros));
            Some(Arc::new(clocks.collect::<TimestampMicrosecondArray>()))
        }
        (_, Kind::Date32) => days(values, zone),
        _ => None,
    }
}

/// The days of texts and of moments.
fn days(values: &ArrayRef, zone: Tz) -> Option<ArrayRef> {
    let days: Date32Array = match values.data_type() {
        Kind::Utf8 => {
            let texts = values.as_string::<i32>().iter();
            texts.map(|text| Some(day_of(text?)?.to_epoch_days())).collect()
        }
        _ => {
            let day = |at: Option<NaiveDateTime>| Some(at?.date().to_epoch_days());
            clocks(values, zone)?.into_iter().map(day).collect()
        }
    };
    Some(Arc::new(days))
}

/// The numbers of a column as they are written.
fn as_written<T: ArrowPrimitiveType<Native: ToString>>(values: &ArrayRef) -> StringArray {
    let numbers = values.as_primitive::<T>().iter();
    numbers.map(|number| Some(number?.to_string())).collect()
}

/// Why there is no cast from a type to another: Databricks has none between what is made of others and what is not, nor from a day to a number; of others it has more than are here.
fn no_cast(from: &Kind, to: &Kind) -> SqlError {
    let (one, two) = (kind::sql(from), kind::sql(to));
    let number = |kind: &Kind| is_number(kind) || *kind == Kind::Boolean;
    let day = |from: &Kind, to: &Kind| *from == Kind::Date32 && number(to);
    if from.is_nested() || to.is_nested() || day(from, to) || day(to, from) {
        let message = format!("Cannot cast \"{one}\" to \"{two}\".");
        return SqlError::new("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", message);
    }
    SqlError::unsupported(format!("a cast from {one} to {two}"))
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Why a value is not cast: it is too large, or no such value at all.
fn refused(values: &ArrayRef, at: usize, to: &Kind) -> SqlError {
    let from = values.data_type();
    let text = match from {
        Kind::Utf8 => values.as_string::<i32>().value(at).trim(),
        _ => "",
    };
    let too_large = match from {
        Kind::Utf8 if to.is_signed_integer() => text.parse::<i128>().is_ok(),
        // Neither NaN nor infinity, which end in letters.
        Kind::Utf8 if matches!(to, Kind::Decimal128(..)) => {
            !text.ends_with(char::is_alphabetic) && text.parse::<f64>().is_ok()
        }
        Kind::Float32 | Kind::Float64 => {
            let number = kernel(values, &Kind::Float64);
            let number = number.map(|it| it.as_primitive::<Float64Type>().value(at));
            number.is_some_and(|it| it.is_finite() || it.is_infinite() && to.is_signed_integer())
        }
        from => is_number(from) && is_number(to) || *to != Kind::Boolean && *from == Kind::Boolean,
    };
    let (class, state, why) = if too_large {
        ("CAST_OVERFLOW", "22003", "it is out of range")
    } else {
        ("CAST_INVALID_INPUT", "22018", "it is malformed")
    };
    let message = format!(
        "The value {} of the type \"{}\" cannot be cast to \"{}\" because {why}.",
        written(values, at, ValueStyle::Json, Tz::UTC),
        kind::sql(from),
        kind::sql(to)
    );
    SqlError::new(class, state, message)
}

/// Moments as the microseconds since 1970 that they are.
pub(super) fn moments_of(micros: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let moments = micros.collect::<TimestampMicrosecondArray>();
    // Of a year that no calendar has there is no moment.
    let there = |micros: &i64| DateTime::from_timestamp_micros(*micros).is_some();
    let moments = moments.unary_opt::<_, TimestampMicrosecondType>(|it| Some(it).filter(there));
    Arc::new(moments.with_timezone("UTC"))
}

/// Dates, times, and texts that are one as moments; without a zone they are in the session's, and of other types there are none.
pub(super) fn moments(values: &ArrayRef, zone: Tz) -> Result<TimestampMicrosecondArray> {
    let none = values.data_type().is_signed_integer();
    let values = if none { new_null_array(&timestamp(), values.len()) } else { values.clone() };
    Ok(try_cast(&values, &timestamp(), zone)?.as_primitive().clone())
}

/// What a clock in the session's zone shows; of a text, what it says. Nothing for other types.
fn clocks(values: &ArrayRef, zone: Tz) -> Option<Vec<Option<NaiveDateTime>>> {
    match values.data_type() {
        Kind::Utf8 => Some(values.as_string::<i32>().iter().map(|text| clock_of(text?)).collect()),
        Kind::Date32 | Kind::Timestamp(..) => {
            let local = kernel(values, &kind::LOCAL)?;
            let zoned = matches!(values.data_type(), Kind::Timestamp(_, Some(_)));
            let clock = |micros: Option<i64>| {
                let moment = DateTime::from_timestamp_micros(micros?)?;
                Some(if zoned {
                    moment.with_timezone(&zone).naive_local()
                } else {
                    moment.naive_utc()
                })
            };
            let micros = local.as_primitive::<TimestampMicrosecondType>();
            Some(micros.iter().map(clock).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &ArrayRef, to: &Kind) -> Result<String, String> {
        let cast = cast(values, to, Tz::UTC).map_err(|error| error.message)?;
        Ok(written(&cast, 0, ValueStyle::Spelled, Tz::UTC))
    }

    fn text(text: &str) -> ArrayRef {
        Arc::new(StringArray::from(vec![text]))
    }

    #[test]
    fn a_number_is_rounded_to_the_scale_and_refused_beyond_the_precision() {
        for (number, precision, scale, wanted) in [
            ("123.456", 10, 2, "123.46"),
            ("-0.005", 4, 2, "-0.01"),
            ("-0.004", 4, 2, "0.00"),
            ("1", 10, 0, "1"),
            ("1.5e3", 10, 1, "1500.0"),
            ("1e-9", 10, 2, "0.00"),
            (".5", 2, 1, "0.5"),
            ("0", 1, 1, "0.0"),
            ("1e-999", 38, 0, "0"),
        ] {
            let to = Kind::Decimal128(precision, scale);
            assert_eq!(shown(&text(number), &to).as_deref(), Ok(wanted), "{number}");
        }
        for (number, precision, scale) in [("12345.6", 4, 2), ("9.996", 3, 2), ("1e99", 38, 0)] {
            let refused = shown(&text(number), &Kind::Decimal128(precision, scale)).unwrap_err();
            assert!(refused.starts_with("[CAST_OVERFLOW]"), "{number}: {refused}");
        }
        for number in ["", ".", "NaN", "1,5", "1e", "0x1"] {
            let refused = shown(&text(number), &Kind::Decimal128(10, 0)).unwrap_err();
            assert!(refused.starts_with("[CAST_INVALID_INPUT]"), "{number}: {refused}");
        }
    }

    #[test]
    fn a_decimal_becomes_the_nearest_double_and_a_double_what_it_is_written_as() {
        let exact =
            cast(&text("0.1000000000000000055"), &Kind::Decimal128(30, 19), Tz::UTC).unwrap();
        assert_eq!(shown(&exact, &Kind::Float64).as_deref(), Ok("0.1"));
        let double = cast(&text("2.675"), &Kind::Float64, Tz::UTC).unwrap();
        assert_eq!(shown(&double, &Kind::Decimal128(5, 2)).as_deref(), Ok("2.68"));
        let float = cast(&text("0.1"), &Kind::Float32, Tz::UTC).unwrap();
        assert_eq!(shown(&float, &Kind::Decimal128(20, 10)).as_deref(), Ok("0.1000000000"));
    }

    #[test]
    fn what_is_too_large_is_told_from_what_is_malformed() {
        let double = |number| cast(&text(number), &Kind::Float64, Tz::UTC).unwrap();
        for (values, to, class) in [
            (text("2147483648"), Kind::Int32, "[CAST_OVERFLOW]"),
            (text("1.5"), Kind::Int32, "[CAST_INVALID_INPUT]"),
            (double("1e20"), Kind::Int64, "[CAST_OVERFLOW]"),
            (double("NaN"), Kind::Int64, "[CAST_INVALID_INPUT]"),
            (text("maybe"), Kind::Boolean, "[CAST_INVALID_INPUT]"),
            (text("2024-13-01"), timestamp(), "[CAST_INVALID_INPUT]"),
        ] {
            let refused = shown(&values, &to).unwrap_err();
            assert!(refused.starts_with(class), "{refused}");
        }
        assert_eq!(shown(&double("-1.9"), &Kind::Int32).as_deref(), Ok("-1"));
        assert_eq!(shown(&text(" 7 "), &Kind::Int8).as_deref(), Ok("7"));
    }

    #[test]
    fn seconds_of_a_time_before_1970_are_cut_downwards() {
        let before: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![-1]).with_timezone("UTC"));
        assert_eq!(shown(&before, &Kind::Int64).as_deref(), Ok("-1"), "seconds are cut downwards");
    }
}
