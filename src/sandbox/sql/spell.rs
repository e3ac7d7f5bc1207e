//! How values are spelled: in results, in JSON, as texts.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::display::array_value_to_string;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::kind::{Kind, is_number};

/// Where values are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueStyle {
    /// As a cast to STRING gives them.
    Spelled,
    /// As `to_json` writes them: without nulls in structs.
    Json,
    /// As results carry them: inside arrays, maps and structs every value is a text too.
    Wire,
}

/// Texts as a cast to STRING gives them.
pub(super) fn spelled(values: &ArrayRef, zone: Tz) -> ArrayRef {
    texts(values, ValueStyle::Spelled, zone)
}

/// The values as texts; null where they are null.
pub(super) fn texts(values: &ArrayRef, style: ValueStyle, zone: Tz) -> ArrayRef {
    let known = |at: &usize| !values.is_null(*at) && *values.data_type() != Kind::Null;
    let text = |at: usize| known(&at).then(|| written(values, at, style, zone));
    Arc::new((0..values.len()).map(text).collect::<StringArray>())
}

/// The values as results carry them: texts, or nothing for null. Times are in the session's zone, with its offset.
pub(in crate::sandbox) fn wire(values: &ArrayRef, zone: Tz) -> Vec<Option<String>> {
    let known = |at: usize| !values.is_null(at) && *values.data_type() != Kind::Null;
    (0..values.len())
        .map(|at| known(at).then(|| bare(values, at, ValueStyle::Wire, zone)))
        .collect()
}

/// A value with what is in it.
pub(super) fn written(values: &dyn Array, at: usize, style: ValueStyle, zone: Tz) -> String {
    if values.is_null(at) || *values.data_type() == Kind::Null {
        return "null".to_owned();
    }
    let items = |values: &dyn Array| -> Vec<String> {
        (0..values.len()).map(|at| written(values, at, style, zone)).collect()
    };
    let spells = style == ValueStyle::Spelled;
    let comma = if spells { ", " } else { "," };
    match values.data_type() {
        Kind::List(_) => {
            format!("[{}]", items(&values.as_list::<i32>().value(at)).join(comma))
        }
        Kind::Map(..) => {
            let pairs = values.as_map().value(at);
            let pair = |at: usize| {
                let value = written(pairs.column(1), at, style, zone);
                let key = |style| bare(pairs.column(0), at, style, zone);
                match style {
                    ValueStyle::Spelled => format!("{} -> {value}", key(style)),
                    ValueStyle::Json => format!("{}:{value}", quoted(&key(ValueStyle::Spelled))),
                    ValueStyle::Wire => format!("{}:{value}", quoted(&key(style))),
                }
            };
            format!("{{{}}}", (0..pairs.len()).map(pair).collect::<Vec<_>>().join(comma))
        }
        Kind::Struct(fields) => {
            let columns = fields.iter().zip(values.as_struct().columns());
            let told = |column: &ArrayRef| {
                style != ValueStyle::Json
                    || !column.is_null(at) && *column.data_type() != Kind::Null
            };
            let columns = columns.filter(|(_, column)| told(column)).map(|(field, column)| {
                let value = written(column, at, style, zone);
                if spells { value } else { format!("{}:{value}", quoted(field.name())) }
            });
            format!("{{{}}}", columns.collect::<Vec<_>>().join(comma))
        }
        kind => {
            let text = plain(values, at, style, zone);
            let unquoted = match kind {
                Kind::Float32 | Kind::Float64 => !text.ends_with(char::is_alphabetic),
                kind => is_number(kind) || *kind == Kind::Boolean,
            };
            if spells || style == ValueStyle::Json && unquoted { text } else { quoted(&text) }
        }
    }
}

/// A value that is not null, without quotes around it.
fn bare(values: &dyn Array, at: usize, style: ValueStyle, zone: Tz) -> String {
    let spell = if values.data_type().is_nested() { written } else { plain };
    spell(values, at, style, zone)
}

/// A value that is not null and has none in it.
fn plain(values: &dyn Array, at: usize, style: ValueStyle, zone: Tz) -> String {
    let spells = style == ValueStyle::Spelled;
    match values.data_type() {
        Kind::Utf8 => values.as_string::<i32>().value(at).to_owned(),
        Kind::Float32 => java_text(&values.as_primitive::<Float32Type>().value(at)),
        Kind::Float64 => java_text(&values.as_primitive::<Float64Type>().value(at)),
        Kind::Decimal128(..) => values.as_primitive::<Decimal128Type>().value_as_string(at),
        Kind::Binary if spells => {
            String::from_utf8_lossy(values.as_binary::<i32>().value(at)).into_owned()
        }
        Kind::Binary => BASE64.encode(values.as_binary::<i32>().value(at)),
        Kind::Date32 => {
            let days = values.as_primitive::<Date32Type>().value(at);
            Date32Type::to_naive_date_opt(days).map(|it| it.to_string()).unwrap_or_default()
        }
        Kind::Timestamp(_, of) => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(at);
            let moment = DateTime::from_timestamp_micros(micros).unwrap_or_default();
            match of {
                Some(_) if spells => clock(moment.with_timezone(&zone).naive_local()),
                Some(_) => zoned(moment, zone),
                None if spells => clock(moment.naive_utc()),
                None => unzoned(moment.naive_utc()),
            }
        }
        _ => array_value_to_string(values, at).unwrap_or_default(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn clock(at: NaiveDateTime) -> String {
    let text = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn zoned(moment: DateTime<Utc>, zone: Tz) -> String {
    let local = moment.with_timezone(&zone);
    match moment.timestamp_subsec_micros() % 1000 {
        0 => local.to_rfc3339_opts(SecondsFormat::Millis, true),
        _ => local.to_rfc3339_opts(SecondsFormat::Micros, true),
    }
}

fn unzoned(moment: NaiveDateTime) -> String {
    let format = match moment.and_utc().timestamp_subsec_micros() % 1000 {
        0 => "%Y-%m-%dT%H:%M:%S%.3f",
        _ => "%Y-%m-%dT%H:%M:%S%.6f",
    };
    moment.format(format).to_string()
}

/// The fewest digits that tell a number from every other of its type, as Java writes them: `1.0`, `1.0E7`, `NaN`.
fn java_text(number: &(impl std::fmt::LowerExp + std::fmt::Debug)) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific.replace("inf", "Infinity");
    };
    let point = if digits.contains('.') { "" } else { ".0" };
    match exponent.parse::<i32>() {
        // Debug writes exponents of its own only beyond these.
        Ok(-3..7) => format!("{number:?}"),
        _ => format!("{digits}{point}E{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_floats_have_the_digits_that_they_need() {
        for (number, wanted) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.00012, "1.2E-4"),
            (9_999_999.0, "9999999.0"),
            (10_000_000.0, "1.0E7"),
            (-1.5e300, "-1.5E300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(java_text(&number), wanted);
        }
        assert_eq!(java_text(&0.1_f32), "0.1");
        assert_eq!(java_text(&16_777_216_f32), "1.6777216E7");
    }
}
