//! Values of SQL, and how values of one type are ordered.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::decimal::Decimal;
use super::kind::Kind;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum Datum {
    Null,
    Boolean(bool),
    /// Of every type of whole numbers.
    Int(i64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
    Text(String),
    Binary(Vec<u8>),
    Date(NaiveDate),
    Time(DateTime<Utc>),
    /// A date and a time of day, in no zone.
    Local(NaiveDateTime),
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
            Datum::Float(_) => Kind::Float,
            Datum::Double(_) => Kind::Double,
            Datum::Decimal(number) => number.kind(),
            Datum::Text(_) => Kind::Text,
            Datum::Binary(_) => Kind::Binary,
            Datum::Date(_) => Kind::Date,
            Datum::Time(_) => Kind::Timestamp,
            Datum::Local(_) => Kind::Local,
            Datum::List(items) => {
                let known = items.iter().find(|item| !item.is_null());
                Kind::List(Box::new(known.map_or(Kind::Text, Datum::kind)))
            }
            Datum::Map(pairs) => {
                let (key, value) = pairs
                    .first()
                    .map_or((Kind::Text, Kind::Text), |(key, value)| (key.kind(), value.kind()));
                Kind::Map(Box::new(key), Box::new(value))
            }
            Datum::Struct(fields) => Kind::Struct(
                fields.iter().map(|(name, value)| (name.clone(), value.kind())).collect(),
            ),
        }
    }

    /// A number as a double; of anything else nothing.
    pub(super) fn double(&self) -> Option<f64> {
        match self {
            Datum::Int(number) => Some(*number as f64),
            Datum::Float(number) => Some((*number).into()),
            Datum::Double(number) => Some(*number),
            Datum::Decimal(number) => Some(number.double()),
            Datum::Null
            | Datum::Boolean(_)
            | Datum::Text(_)
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::Time(_)
            | Datum::Local(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Struct(_) => None,
        }
    }

    /// Orders two numbers, or two values of one type; nothing where they have no order or are null.
    pub(super) fn order(&self, other: &Datum) -> Option<Ordering> {
        match (self, other) {
            (Datum::Int(one), Datum::Int(two)) => Some(one.cmp(two)),
            (Datum::Decimal(one), Datum::Decimal(two)) => Some(one.order(*two)),
            (Datum::Decimal(one), Datum::Int(two)) => Some(one.order(Decimal::whole(*two))),
            (Datum::Int(one), Datum::Decimal(two)) => Some(Decimal::whole(*one).order(*two)),
            (Datum::Text(one), Datum::Text(two)) => Some(one.cmp(two)),
            (Datum::Boolean(one), Datum::Boolean(two)) => Some(one.cmp(two)),
            (Datum::Binary(one), Datum::Binary(two)) => Some(one.cmp(two)),
            (Datum::Date(one), Datum::Date(two)) => Some(one.cmp(two)),
            (Datum::Time(one), Datum::Time(two)) => Some(one.cmp(two)),
            (Datum::Local(one), Datum::Local(two)) => Some(one.cmp(two)),
            (Datum::List(one), Datum::List(two)) => {
                in_turn(one.iter().zip(two)).map(|order| order.then(one.len().cmp(&two.len())))
            }
            (Datum::Struct(one), Datum::Struct(two)) if one.len() == two.len() => {
                in_turn(one.iter().zip(two).map(|((_, one), (_, two))| (one, two)))
            }
            (one, two) => Some(doubles(one.double()?, two.double()?)),
        }
    }

    /// Orders values as ORDER BY does, nulls first.
    pub(super) fn order_with_nulls(&self, other: &Datum) -> Option<Ordering> {
        match (self.is_null(), other.is_null()) {
            (false, false) => self.order(other),
            (one, two) => Some(two.cmp(&one)),
        }
    }

    /// Writes what equal values have in common and others do not.
    pub(super) fn write_key(&self, to: &mut String) {
        let _ = match self {
            Datum::Null => write!(to, "-"),
            Datum::Boolean(yes) => write!(to, "{yes}"),
            Datum::Int(number) => write!(to, "{number}"),
            Datum::Decimal(number) => write!(to, "{}", number.shortest()),
            // Zero has no sign here.
            Datum::Float(number) => write!(to, "f{}", number + 0.0),
            Datum::Double(number) => write!(to, "d{}", number + 0.0),
            Datum::Text(text) => write!(to, "{text:?}"),
            Datum::Binary(bytes) => write!(to, "{bytes:?}"),
            Datum::Date(date) => write!(to, "{date}"),
            Datum::Time(moment) => write!(to, "t{}", moment.timestamp_micros()),
            Datum::Local(moment) => write!(to, "l{moment}"),
            Datum::List(items) => keys(to, items),
            Datum::Map(pairs) => keys(to, pairs.iter().flat_map(|(key, value)| [key, value])),
            Datum::Struct(fields) => keys(to, fields.iter().map(|(_, value)| value)),
        };
    }
}

fn keys<'a>(to: &mut String, values: impl IntoIterator<Item = &'a Datum>) -> std::fmt::Result {
    to.push('[');
    for value in values {
        value.write_key(to);
        to.push(',');
    }
    to.write_char(']')
}

/// The key of several values together.
pub(super) fn key(values: &[Datum]) -> String {
    let mut key = String::new();
    for value in values {
        value.write_key(&mut key);
        key.push(',');
    }
    key
}

/// The order of the first pair that has one.
fn in_turn<'a>(pairs: impl Iterator<Item = (&'a Datum, &'a Datum)>) -> Option<Ordering> {
    for (one, two) in pairs {
        let order = one.order_with_nulls(two)?;
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

/// NaN is equal to itself and greater than every number.
fn doubles(one: f64, two: f64) -> Ordering {
    one.partial_cmp(&two).unwrap_or_else(|| one.is_nan().cmp(&two.is_nan()))
}
