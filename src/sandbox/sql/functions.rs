//! The functions that expressions may call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono_tz::Tz;
use serde_json::Value;

use super::datum::{Datum, moment};
use super::error::{Result, SqlError};
use super::eval::index_of;
use super::kind::Kind;
use super::lexer;

/// Functions over the rows of a group.
pub(super) const AGGREGATES: [&str; 7] = [
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "COLLECT_LIST",
    "ANY_VALUE",
];

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
                    Datum::from_json(&read, &kind)
                }
                _ => Datum::Null,
            }
        }
        (_, _) if null && !args.is_empty() => Datum::Null,
        ("TO_JSON", [value, ..]) => Datum::Text(value.told(zone).to_string()),
        ("UNBASE64", [Datum::Text(text)]) => BASE64
            .decode(text.trim())
            .map_or(Datum::Null, Datum::Binary),
        ("BASE64", [Datum::Binary(bytes)]) => Datum::Text(BASE64.encode(bytes)),
        ("LENGTH" | "LEN" | "OCTET_LENGTH", [Datum::Binary(bytes)]) => {
            Datum::count(bytes.len() as u64)
        }
        ("CONCAT", _) => {
            let texts: Vec<Datum> = args
                .into_iter()
                .map(|value| value.cast(&Kind::Text))
                .collect::<Result<_>>()?;
            let mut joined = String::new();
            for value in &texts {
                if let Datum::Text(text) = value {
                    joined.push_str(text);
                }
            }
            Datum::Text(joined)
        }
        ("LOWER" | "LCASE", [Datum::Text(text)]) => Datum::text(text.to_lowercase()),
        ("UPPER" | "UCASE", [Datum::Text(text)]) => Datum::text(text.to_uppercase()),
        ("TRIM", [Datum::Text(text)]) => Datum::text(text.trim()),
        ("LENGTH" | "LEN" | "CHAR_LENGTH", [Datum::Text(text)]) => {
            Datum::count(text.chars().count() as u64)
        }
        ("SIZE" | "CARDINALITY" | "ARRAY_SIZE", [Datum::List(items)]) => {
            Datum::count(items.len() as u64)
        }
        ("SIZE" | "CARDINALITY", [Datum::Map(pairs)]) => Datum::count(pairs.len() as u64),
        ("ELEMENT_AT", [Datum::List(items), Datum::Int(at)]) => {
            index_of(&Datum::List(items.clone()), &Datum::Int(at - 1))
        }
        ("ELEMENT_AT" | "TRY_ELEMENT_AT" | "GET", [value, index]) => index_of(value, index),
        ("SPLIT", [Datum::Text(text), Datum::Text(by)]) => {
            Datum::List(text.split(by.as_str()).map(Datum::text).collect())
        }
        ("TO_TIMESTAMP" | "TIMESTAMP", [value]) => value.clone().cast(&Kind::Timestamp)?,
        ("TO_DATE" | "DATE", [value]) => value.clone().cast(&Kind::Date)?,
        ("STRING", [value]) => value.clone().cast(&Kind::Text)?,
        ("INT", [value]) => value.clone().cast(&Kind::Int)?,
        ("BIGINT", [value]) => value.clone().cast(&Kind::Long)?,
        ("TIMESTAMP_MILLIS", [Datum::Int(millis)]) => Datum::millis(*millis),
        ("TIMESTAMP_MICROS", [Datum::Int(micros)]) => {
            chrono::DateTime::from_timestamp_micros(*micros).map_or(Datum::Null, Datum::Time)
        }
        ("UNIX_MILLIS", [value]) => {
            moment(value).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp_millis()))
        }
        ("UNIX_MICROS", [value]) => {
            moment(value).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp_micros()))
        }
        ("UNIX_TIMESTAMP" | "UNIX_SECONDS", [value]) => {
            moment(value).map_or(Datum::Null, |moment| Datum::Int(moment.timestamp()))
        }
        ("ABS", [Datum::Int(number)]) => Datum::Int(number.abs()),
        ("GREATEST" | "LEAST", [first, rest @ ..]) => {
            let wanted = if name == "GREATEST" {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Less
            };
            rest.iter()
                .fold(first, |best, value| {
                    if value.compare(best) == Some(wanted) {
                        value
                    } else {
                        best
                    }
                })
                .clone()
        }
        ("CURRENT_CATALOG" | "CURRENT_DATABASE" | "CURRENT_SCHEMA", []) => Datum::text("default"),
        _ => {
            return Err(SqlError::new(
                "UNRESOLVED_ROUTINE",
                "42883",
                format!(
                    "Cannot resolve routine `{}` with {} arguments: this sandbox does not have it.",
                    name.to_lowercase(),
                    args.len()
                ),
            ));
        }
    })
}

/// A type as `from_json` takes it: `array<struct<a:int>>`, or columns `a INT, b STRING`.
pub(super) fn kind_of(schema: &str) -> Result<Kind> {
    let columns = lexer::tokens(schema)?;
    let made_of_others = schema.trim_start().to_ascii_uppercase();
    let whole = ["ARRAY", "MAP", "STRUCT"]
        .iter()
        .any(|name| made_of_others.starts_with(name))
        || columns.len() == 1;
    match whole {
        true => super::parser::parse_kind(schema),
        false => super::parser::parse_kind(&format!("struct<{schema}>")),
    }
}

/// An aggregate of the values of a group.
pub(super) fn aggregate(name: &str, mut values: Vec<Datum>, distinct: bool) -> Result<Datum> {
    values.retain(|value| !value.is_null());
    if distinct {
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.json().to_string()));
    }
    let best = |wanted| {
        values
            .iter()
            .cloned()
            .reduce(|best, value| match value.compare(&best) == Some(wanted) {
                true => value,
                false => best,
            })
    };
    let sum = || {
        values
            .iter()
            .cloned()
            .try_fold(Datum::Int(0), |sum, value| match (&sum, &value) {
                (Datum::Int(one), Datum::Int(two)) => Ok(Datum::Int(one.saturating_add(*two))),
                _ => match (sum.cast(&Kind::Double)?, value.cast(&Kind::Double)?) {
                    (Datum::Double(one), Datum::Double(two)) => Ok(Datum::Double(one + two)),
                    _ => Ok(Datum::Null),
                },
            })
    };
    Ok(match name {
        "COUNT" => Datum::count(values.len() as u64),
        "MIN" => best(std::cmp::Ordering::Less).unwrap_or(Datum::Null),
        "MAX" => best(std::cmp::Ordering::Greater).unwrap_or(Datum::Null),
        "COLLECT_LIST" => Datum::List(values),
        "ANY_VALUE" => values.into_iter().next().unwrap_or(Datum::Null),
        _ if values.is_empty() => Datum::Null,
        "AVG" => match sum()?.cast(&Kind::Double)? {
            Datum::Double(sum) => Datum::Double(sum / values.len() as f64),
            other => other,
        },
        _ => sum()?,
    })
}

/// The columns that a generator makes of values of a type.
pub(super) fn generated(name: &str, of: &Kind) -> Vec<(String, Kind)> {
    match (name, of) {
        ("INLINE", Kind::List(of)) => match &**of {
            Kind::Struct(fields) => fields.clone(),
            other => vec![("col".to_owned(), other.clone())],
        },
        ("EXPLODE", Kind::Map(key, value)) => {
            vec![
                ("key".to_owned(), (**key).clone()),
                ("value".to_owned(), (**value).clone()),
            ]
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
        ("EXPLODE", Datum::Map(pairs)) => pairs
            .into_iter()
            .map(|(key, value)| vec![key, value])
            .collect(),
        _ => Vec::new(),
    }
}
