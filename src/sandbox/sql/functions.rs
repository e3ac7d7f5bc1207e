//! The functions that expressions may call.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono_tz::Tz;
use serde_json::Value;

use super::arithmetic;
use super::cast::moment;
use super::datum::{Datum, key};
use super::decimal::PRECISION_MAX;
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::lexer;
use super::within::{found_at, index_of};

/// Functions over the rows of a group.
pub(super) const AGGREGATES: [&str; 7] =
    ["COUNT", "SUM", "MIN", "MAX", "AVG", "COLLECT_LIST", "ANY_VALUE"];

/// The functions that there are.
const UNDERSTOOD: &str = "abs, array, base64, coalesce, concat, current_catalog, current_date, current_schema, \
current_timestamp, current_user, element_at, from_json, get, greatest, if, least, length, lower, map, named_struct, \
size, split, struct, timestamp_micros, timestamp_millis, to_date, to_json, to_timestamp, trim, try_element_at, unbase64, \
unix_micros, unix_millis, unix_timestamp, upper, and over rows any_value, avg, collect_list, count, max, min and sum";

/// What makes a text a pattern of others.
const PATTERNS: &[char] = &['.', '\\', '+', '*', '?', '[', ']', '(', ')', '{', '}', '^', '$', '|'];

/// Functions that make rows of one value.
pub(super) const GENERATORS: [&str; 2] = ["EXPLODE", "INLINE"];

/// Calls a function of values.
pub(super) fn call(name: &str, args: Vec<Datum>, zone: Tz) -> Result<Datum> {
    let wrong = || {
        SqlError::new(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            "42605",
            format!(
                "The {} function has {} arguments, which is not what it takes.",
                name.to_lowercase(),
                args.len()
            ),
        )
    };
    let null = args.iter().any(Datum::is_null);
    Ok(match (name, args.as_slice()) {
        ("ARRAY", _) => Datum::List(args),
        ("NAMED_STRUCT", _) => Datum::Struct(
            args.chunks(2)
                .map(|pair| match pair {
                    [Datum::Text(name), value] => Ok((name.clone(), value.clone())),
                    _ => Err(wrong()),
                })
                .collect::<Result<_>>()?,
        ),
        ("MAP", _) => Datum::Map(
            args.chunks(2)
                .map(|pair| match pair {
                    [key, value] => Ok((key.clone(), value.clone())),
                    _ => Err(wrong()),
                })
                .collect::<Result<_>>()?,
        ),
        ("FROM_JSON", [text, Datum::Text(schema), ..]) => {
            let kind = kind_of(schema)?;
            match text {
                Datum::Text(text) => {
                    let read: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                    Datum::from_json(&read, &kind, zone)
                }
                _ => Datum::Null,
            }
        }
        // Nulls are passed over.
        ("GREATEST" | "LEAST", [_, _, ..]) => best(args, name == "GREATEST"),
        (_, _) if null && !args.is_empty() => Datum::Null,
        ("TO_JSON", [value, ..]) => Datum::Text(value.told(zone)),
        ("UNBASE64", [Datum::Text(text)]) => {
            BASE64.decode(text.trim()).map_or(Datum::Null, Datum::Binary)
        }
        ("BASE64", [Datum::Binary(bytes)]) => Datum::Text(BASE64.encode(bytes)),
        ("LENGTH" | "LEN" | "OCTET_LENGTH", [Datum::Binary(bytes)]) => {
            Datum::count(bytes.len() as u64)
        }
        ("CONCAT", values) if !values.iter().any(|it| matches!(it, Datum::List(_))) => {
            Datum::Text(values.iter().map(|value| value.spelled(zone)).collect())
        }
        ("LOWER" | "LCASE", [Datum::Text(text)]) => Datum::text(text.to_lowercase()),
        ("UPPER" | "UCASE", [Datum::Text(text)]) => Datum::text(text.to_uppercase()),
        ("TRIM", [Datum::Text(text)]) => Datum::text(text.trim_matches(' ')),
        ("LENGTH" | "LEN" | "CHAR_LENGTH", [Datum::Text(text)]) => {
            Datum::count(text.chars().count() as u64)
        }
        ("SIZE" | "CARDINALITY" | "ARRAY_SIZE", [Datum::List(items)]) => {
            Datum::count(items.len() as u64)
        }
        ("SIZE" | "CARDINALITY", [Datum::Map(pairs)]) => Datum::count(pairs.len() as u64),
        ("ELEMENT_AT", [value, index]) => index_of(value, index, 1)?,
        ("TRY_ELEMENT_AT", [value, index]) => found_at(value, index, 1).unwrap_or(Datum::Null),
        ("GET", [value @ Datum::List(_), index]) => {
            found_at(value, index, 0).unwrap_or(Datum::Null)
        }
        // A pattern is more than a text.
        ("SPLIT", [Datum::Text(text), Datum::Text(by)])
            if !by.is_empty() && !by.contains(PATTERNS) =>
        {
            Datum::List(text.split(by.as_str()).map(Datum::text).collect())
        }
        ("TO_TIMESTAMP" | "TIMESTAMP", [value]) => value.clone().cast(&Kind::Timestamp, zone)?,
        ("TO_DATE" | "DATE", [value]) => value.clone().cast(&Kind::Date, zone)?,
        ("STRING", [value]) => value.clone().cast(&Kind::Text, zone)?,
        ("INT", [value]) => value.clone().cast(&Kind::Int, zone)?,
        ("BIGINT", [value]) => value.clone().cast(&Kind::Long, zone)?,
        ("TIMESTAMP_MILLIS", [Datum::Int(millis)]) => Datum::millis(*millis),
        ("TIMESTAMP_MICROS", [Datum::Int(micros)]) => {
            chrono::DateTime::from_timestamp_micros(*micros).map_or(Datum::Null, Datum::Time)
        }
        ("UNIX_MILLIS", [value]) => {
            moment(value, zone).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp_millis()))
        }
        ("UNIX_MICROS", [value]) => {
            moment(value, zone).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp_micros()))
        }
        ("UNIX_TIMESTAMP" | "UNIX_SECONDS", [value]) => {
            moment(value, zone).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp()))
        }
        ("ABS", [Datum::Int(number)]) if *number > i64::MIN => Datum::Int(number.abs()),
        ("ABS", [Datum::Float(number)]) => Datum::Float(number.abs()),
        ("ABS", [Datum::Double(number)]) => Datum::Double(number.abs()),
        ("ABS", [Datum::Decimal(number)]) => Datum::Decimal(number.absolute()),
        _ => return Err(unresolved(name, args.len())),
    })
}

/// Why a call came to nothing: a warehouse may know a function that is unknown here, or take other values.
fn unresolved(name: &str, args: usize) -> SqlError {
    let lower = name.to_lowercase();
    if GENERATORS.contains(&name) {
        return SqlError::unsupported(format!("{lower} within an expression"));
    }
    let known = UNDERSTOOD.split([',', ' ', '\n']).any(|known| known == lower);
    if !known {
        return SqlError::unsupported(format!("the function {lower}"));
    }
    let what = format!("Cannot resolve routine `{lower}` with these {args} arguments.");
    SqlError::new("UNRESOLVED_ROUTINE", "42883", what)
}

/// A type as `from_json` takes it: `array<struct<a:int>>`, or columns `a INT, b STRING`.
pub(super) fn kind_of(schema: &str) -> Result<Kind> {
    let columns = lexer::tokens(schema)?;
    let made_of_others = schema.trim_start().to_ascii_uppercase();
    let whole = ["ARRAY", "MAP", "STRUCT"].iter().any(|name| made_of_others.starts_with(name))
        || columns.len() == 1;
    if whole {
        super::parser::parse_kind(schema)
    } else {
        super::parser::parse_kind(&format!("struct<{schema}>"))
    }
}

/// The least of some values, or the greatest; nulls do not count.
fn best(values: Vec<Datum>, greatest: bool) -> Datum {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let values = values.into_iter().filter(|value| !value.is_null());
    let best =
        values.reduce(|best, value| if value.order(&best) == Some(wanted) { value } else { best });
    best.unwrap_or(Datum::Null)
}

/// An aggregate of the values of a group, which are of one type.
pub(super) fn aggregate(
    name: &str,
    mut values: Vec<Datum>,
    distinct: bool,
    of: Option<Kind>,
) -> Result<Datum> {
    values.retain(|value| !value.is_null());
    if distinct {
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(key(std::slice::from_ref(value))));
    }
    let of = of.or_else(|| values.first().map(Datum::kind));
    let of = of.unwrap_or(Kind::Null);
    let count = values.len() as u64;
    let adds = of.is_number() || matches!(of, Kind::Null | Kind::Text);
    if matches!(name, "SUM" | "AVG") && !adds {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!("{} takes numbers, and \"{}\" was given.", name.to_lowercase(), of.sql()),
        ));
    }
    let sum = |to: &Kind, values: Vec<Datum>| {
        values
            .into_iter()
            .map(|value| value.cast(to, Tz::UTC))
            .reduce(|sum, value| arithmetic::value(&sum?, "+", &value?, Some(to.clone())))
            .unwrap_or(Ok(Datum::Null))
    };
    Ok(match name {
        "COUNT" => Datum::count(count),
        "MIN" => best(values, false),
        "MAX" => best(values, true),
        "COLLECT_LIST" => Datum::List(values),
        "ANY_VALUE" => values.into_iter().next().unwrap_or(Datum::Null),
        _ if values.is_empty() => Datum::Null,
        "AVG" => {
            let to = average_kind(&of);
            let sum = sum(&sum_kind(&of), values)?;
            arithmetic::value(&sum, "/", &Datum::count(count), Some(to))?
        }
        _ => sum(&sum_kind(&of), values)?,
    })
}

/// The type of a sum.
pub(super) fn sum_kind(of: &Kind) -> Kind {
    match of {
        Kind::Decimal(precision, scale) => {
            Kind::Decimal((precision + 10).min(PRECISION_MAX), *scale)
        }
        of if of.whole().is_some() => Kind::Long,
        _ => Kind::Double,
    }
}

/// The type of an average.
pub(super) fn average_kind(of: &Kind) -> Kind {
    match of {
        Kind::Decimal(precision, scale) => {
            arithmetic::bounded(i32::from(*precision) + 4, i32::from(*scale) + 4)
        }
        _ => Kind::Double,
    }
}

/// The columns that a generator makes of values of a type.
pub(super) fn generated(name: &str, of: &Kind) -> Vec<(String, Kind)> {
    match (name, of) {
        ("INLINE", Kind::List(of)) => match &**of {
            Kind::Struct(fields) => fields.clone(),
            other => vec![("col".to_owned(), other.clone())],
        },
        ("EXPLODE", Kind::Map(key, value)) => {
            vec![("key".to_owned(), (**key).clone()), ("value".to_owned(), (**value).clone())]
        }
        ("EXPLODE", Kind::List(of)) => vec![("col".to_owned(), (**of).clone())],
        _ => vec![("col".to_owned(), Kind::Null)],
    }
}

/// The rows that a generator makes of a value.
pub(super) fn generate(name: &str, value: Datum) -> Vec<Vec<Datum>> {
    match (name, value) {
        ("INLINE", Datum::List(items)) => items
            .into_iter()
            .map(|item| match item {
                Datum::Struct(fields) => fields.into_iter().map(|(_, value)| value).collect(),
                other => vec![other],
            })
            .collect(),
        ("EXPLODE", Datum::List(items)) => items.into_iter().map(|item| vec![item]).collect(),
        ("EXPLODE", Datum::Map(pairs)) => {
            pairs.into_iter().map(|(key, value)| vec![key, value]).collect()
        }
        _ => Vec::new(),
    }
}
