//! Values of SQL: compared, cast, read from tables and written into results.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::decimal::{self, Misfit};
use super::error::{Result, SqlError};
use super::kind::Kind;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum Datum {
    Null,
    Boolean(bool),
    Int(i64),
    Double(f64),
    /// Texts, and decimals as text.
    Text(String),
    Binary(Vec<u8>),
    Date(NaiveDate),
    Time(DateTime<Utc>),
    List(Vec<Datum>),
    Map(Vec<(Datum, Datum)>),
    Struct(Vec<(String, Datum)>),
}

impl Datum {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    pub(super) fn text(text: impl Into<String>) -> Datum {
        Datum::Text(text.into())
    }

    /// A count.
    pub(super) fn count(count: u64) -> Datum {
        Datum::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A moment in milliseconds since 1970.
    pub(super) fn millis(millis: i64) -> Datum {
        DateTime::from_timestamp_millis(millis).map_or(Datum::Null, Datum::Time)
    }

    pub(super) fn optional(text: Option<impl Into<String>>) -> Datum {
        text.map_or(Datum::Null, |text| Datum::Text(text.into()))
    }

    /// The type a value has by itself.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Datum::Null => Kind::Null,
            Datum::Boolean(_) => Kind::Boolean,
            Datum::Int(_) => Kind::Long,
            Datum::Double(_) => Kind::Double,
            Datum::Text(_) => Kind::Text,
            Datum::Binary(_) => Kind::Binary,
            Datum::Date(_) => Kind::Date,
            Datum::Time(_) => Kind::Timestamp,
            Datum::List(items) => {
                Kind::List(Box::new(items.first().map_or(Kind::Text, Datum::kind)))
            }
            Datum::Map(pairs) => {
                let (key, value) = pairs
                    .first()
                    .map_or((Kind::Text, Kind::Text), |(key, value)| {
                        (key.kind(), value.kind())
                    });
                Kind::Map(Box::new(key), Box::new(value))
            }
            Datum::Struct(fields) => Kind::Struct(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.kind()))
                    .collect(),
            ),
        }
    }

    /// Compares two values of one type, or of types that meet; `None` where either is null.
    pub(super) fn compare(&self, other: &Datum) -> Option<Ordering> {
        let number = |datum: &Datum| match datum {
            Datum::Int(number) => Some(*number as f64),
            Datum::Double(number) => Some(*number),
            Datum::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match (self, other) {
            (Datum::Null, _) | (_, Datum::Null) => None,
            (Datum::Int(one), Datum::Int(two)) => Some(one.cmp(two)),
            (Datum::Int(_) | Datum::Double(_), _) | (_, Datum::Int(_) | Datum::Double(_)) => {
                number(self)?.partial_cmp(&number(other)?)
            }
            (Datum::Time(_) | Datum::Date(_), _) | (_, Datum::Time(_) | Datum::Date(_)) => {
                Some(moment(self)?.cmp(&moment(other)?))
            }
            (Datum::Text(one), Datum::Text(two)) => Some(one.cmp(two)),
            (Datum::Boolean(one), Datum::Boolean(two)) => Some(one.cmp(two)),
            (one, two) => Some(one.json().to_string().cmp(&two.json().to_string())),
        }
    }

    /// Casts to a type; a value that does not fit is refused, as in ANSI mode.
    pub(super) fn cast(self, to: &Kind) -> Result<Datum> {
        let refused = |value: &Datum| {
            SqlError::new(
                "CAST_INVALID_INPUT",
                "22018",
                format!(
                    "The value {} of the type \"{}\" cannot be cast to \"{}\" because it is malformed.",
                    value.json(),
                    value.kind().sql(),
                    to.sql()
                ),
            )
        };
        let too_large = |value: &Datum| {
            SqlError::new(
                "CAST_OVERFLOW",
                "22003",
                format!(
                    "The value {} of the type \"{}\" cannot be cast to \"{}\" because it is out of range.",
                    value.json(),
                    value.kind().sql(),
                    to.sql()
                ),
            )
        };
        if self.is_null() {
            return Ok(self);
        }
        if let Kind::Decimal(precision, scale) = *to
            && let Some(number) = self.number()
        {
            return match decimal::fitted(&number, precision, scale) {
                Ok(number) => Ok(Datum::Text(number)),
                Err(Misfit::Malformed) => Err(refused(&self)),
                Err(Misfit::TooLarge) => Err(too_large(&self)),
            };
        }
        if let Some(range) = to.whole() {
            return match self.whole_number() {
                None => Err(refused(&self)),
                Some(number) => match i64::try_from(number) {
                    Ok(number) if range.contains(&number) => Ok(Datum::Int(number)),
                    _ => Err(too_large(&self)),
                },
            };
        }
        let cast = match (&self, to) {
            (_, Kind::Null) => return Ok(self),
            (Datum::Text(_), Kind::Text) | (Datum::Binary(_), Kind::Binary) => return Ok(self),
            (Datum::Text(text), Kind::Binary) => Some(Datum::Binary(text.clone().into_bytes())),
            (Datum::Binary(bytes), Kind::Text) => {
                Some(Datum::Text(String::from_utf8_lossy(bytes).into_owned()))
            }
            (Datum::Text(text), Kind::Boolean) => match text.trim().to_lowercase().as_str() {
                "true" | "t" | "yes" | "1" => Some(Datum::Boolean(true)),
                "false" | "f" | "no" | "0" => Some(Datum::Boolean(false)),
                _ => None,
            },
            (Datum::Text(text), Kind::Double) => text.trim().parse().ok().map(Datum::Double),
            (Datum::Text(_) | Datum::Date(_), Kind::Timestamp) => moment(&self).map(Datum::Time),
            (Datum::Text(_) | Datum::Time(_), Kind::Date) => {
                moment(&self).map(|moment| Datum::Date(moment.date_naive()))
            }
            (Datum::Boolean(_), Kind::Boolean)
            | (Datum::Double(_), Kind::Double)
            | (Datum::Date(_), Kind::Date)
            | (Datum::Time(_), Kind::Timestamp) => return Ok(self),
            (Datum::Int(number), Kind::Double) => Some(Datum::Double(*number as f64)),
            (Datum::Int(number), Kind::Boolean) => Some(Datum::Boolean(*number != 0)),
            (Datum::Int(seconds), Kind::Timestamp) => {
                DateTime::from_timestamp(*seconds, 0).map(Datum::Time)
            }
            (Datum::List(items), Kind::List(of)) => {
                let items = items.iter().map(|item| item.clone().cast(of));
                return Ok(Datum::List(items.collect::<Result<_>>()?));
            }
            (Datum::Map(pairs), Kind::Map(key, value)) => {
                let pairs = pairs
                    .iter()
                    .map(|(k, v)| Ok((k.clone().cast(key)?, v.clone().cast(value)?)));
                return Ok(Datum::Map(pairs.collect::<Result<_>>()?));
            }
            (Datum::Struct(values), Kind::Struct(fields)) if values.len() == fields.len() => {
                let cast = fields.iter().zip(values).map(|((name, kind), (_, value))| {
                    Ok((name.clone(), value.clone().cast(kind)?))
                });
                return Ok(Datum::Struct(cast.collect::<Result<_>>()?));
            }
            (value, Kind::Text) => value.wire(Tz::UTC).map(Datum::Text),
            _ => None,
        };
        cast.ok_or_else(|| refused(&self))
    }

    /// A value that can be a decimal, as text.
    fn number(&self) -> Option<String> {
        match self {
            Datum::Int(number) => Some(number.to_string()),
            Datum::Double(number) => Some(number.to_string()),
            Datum::Text(text) => Some(text.clone()),
            Datum::Null
            | Datum::Boolean(_)
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::Time(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Struct(_) => None,
        }
    }

    /// A value that can be a whole number; what a double has after the point is cut off.
    fn whole_number(&self) -> Option<i128> {
        match self {
            Datum::Int(number) => Some((*number).into()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "casting a double cuts it off"
            )]
            Datum::Double(number) => Some(*number as i128),
            Datum::Boolean(yes) => Some((*yes).into()),
            Datum::Time(moment) => Some(moment.timestamp().into()),
            Datum::Text(text) => text.trim().parse().ok(),
            Datum::Null
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Struct(_) => None,
        }
    }

    /// Reads JSON as a type, as `from_json` and the rows of tables do; what does not fit is null.
    pub(super) fn from_json(value: &Value, kind: &Kind) -> Datum {
        match (value, kind) {
            (Value::Null, _) => Datum::Null,
            (Value::Array(items), Kind::List(of)) => Datum::List(
                items
                    .iter()
                    .map(|item| Datum::from_json(item, of))
                    .collect(),
            ),
            (Value::Object(members), Kind::Struct(fields)) => Datum::Struct(
                fields
                    .iter()
                    .map(|(name, kind)| {
                        let value = members.get(name).unwrap_or(&Value::Null);
                        (name.clone(), Datum::from_json(value, kind))
                    })
                    .collect(),
            ),
            (Value::Object(members), Kind::Map(_, of)) => Datum::Map(
                members
                    .iter()
                    .map(|(key, value)| (Datum::text(key), Datum::from_json(value, of)))
                    .collect(),
            ),
            (Value::Bool(yes), Kind::Boolean) => Datum::Boolean(*yes),
            (Value::Number(number), kind) if kind.whole().is_some() => {
                number.as_i64().map_or(Datum::Null, Datum::Int)
            }
            (Value::Number(number), Kind::Double) => {
                number.as_f64().map_or(Datum::Null, Datum::Double)
            }
            // Rows of tables carry bytes in hexadecimal digits.
            (Value::String(text), Kind::Binary) => {
                from_hex(text).map_or(Datum::Null, Datum::Binary)
            }
            (Value::String(text), kind) => Datum::text(text).cast(kind).unwrap_or(Datum::Null),
            (other, Kind::Text | Kind::Decimal(..)) => Datum::Text(other.to_string()),
            _ => Datum::Null,
        }
    }

    /// The value as JSON, times in UTC.
    pub(super) fn json(&self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Boolean(yes) => (*yes).into(),
            Datum::Int(number) => (*number).into(),
            Datum::Double(number) => (*number).into(),
            Datum::Text(text) => text.as_str().into(),
            Datum::Binary(bytes) => to_hex(bytes).into(),
            Datum::Date(date) => date.to_string().into(),
            Datum::Time(moment) => moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
            Datum::List(items) => items.iter().map(Datum::json).collect(),
            Datum::Map(pairs) => Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (key.wire(Tz::UTC).unwrap_or_default(), value.json()))
                    .collect(),
            ),
            Datum::Struct(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The value as `to_json` writes it: without nulls in structs, times in the session's zone.
    pub(super) fn told(&self, zone: Tz) -> Value {
        match self {
            Datum::Time(moment) => zoned(*moment, zone).into(),
            Datum::Binary(_) => self.wire(zone).map_or(Value::Null, Value::String),
            Datum::List(items) => items.iter().map(|item| item.told(zone)).collect(),
            Datum::Struct(fields) => Value::Object(
                fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), value.told(zone)))
                    .collect(),
            ),
            other => other.json(),
        }
    }

    /// The value as results carry it: text, or nothing for null. Times are in the session's zone, with its offset.
    pub(in crate::sandbox) fn wire(&self, zone: Tz) -> Option<String> {
        Some(match self {
            Datum::Null => return None,
            Datum::Boolean(yes) => yes.to_string(),
            Datum::Int(number) => number.to_string(),
            Datum::Double(number) => format!("{number:?}"),
            Datum::Text(text) => text.clone(),
            Datum::Binary(bytes) => BASE64.encode(bytes),
            Datum::Date(date) => date.to_string(),
            Datum::Time(moment) => zoned(*moment, zone),
            Datum::List(_) | Datum::Map(_) | Datum::Struct(_) => self.wire_json(zone).to_string(),
        })
    }

    /// Inside arrays, maps and structs every value is text too.
    fn wire_json(&self, zone: Tz) -> Value {
        match self {
            Datum::List(items) => items.iter().map(|item| item.wire_json(zone)).collect(),
            Datum::Map(pairs) => Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (key.wire(zone).unwrap_or_default(), value.wire_json(zone)))
                    .collect(),
            ),
            Datum::Struct(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.wire_json(zone)))
                    .collect(),
            ),
            Datum::Null
            | Datum::Boolean(_)
            | Datum::Int(_)
            | Datum::Double(_)
            | Datum::Text(_)
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::Time(_) => self.wire(zone).map_or(Value::Null, Value::String),
        }
    }
}

fn zoned(moment: DateTime<Utc>, zone: Tz) -> String {
    let local = moment.with_timezone(&zone);
    match moment.timestamp_subsec_micros() % 1000 {
        0 => local.to_rfc3339_opts(SecondsFormat::Millis, true),
        _ => local.to_rfc3339_opts(SecondsFormat::Micros, true),
    }
}

/// A date, a moment, or a text that is one; without a zone it is UTC.
pub(super) fn moment(datum: &Datum) -> Option<DateTime<Utc>> {
    match datum {
        Datum::Time(moment) => Some(*moment),
        Datum::Date(date) => Some(Utc.from_utc_datetime(&date.and_hms_opt(0, 0, 0)?)),
        Datum::Text(text) => {
            let text = text.trim();
            if let Ok(date) = text.parse::<NaiveDate>() {
                return moment(&Datum::Date(date));
            }
            let text = text.replacen(' ', "T", 1);
            if let Ok(moment) = DateTime::parse_from_rfc3339(&text) {
                return Some(moment.with_timezone(&Utc));
            }
            Some(Utc.from_utc_datetime(&text.parse::<NaiveDateTime>().ok()?))
        }
        Datum::Null
        | Datum::Boolean(_)
        | Datum::Int(_)
        | Datum::Double(_)
        | Datum::Binary(_)
        | Datum::List(_)
        | Datum::Map(_)
        | Datum::Struct(_) => None,
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
