//! Casts from type to type; a value that does not fit is refused, as in ANSI mode.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::datum::Datum;
use super::decimal::{Decimal, Misfit};
use super::error::{Result, SqlError};
use super::kind::Kind;

impl Datum {
    /// Casts to a type; what has no zone is in the session's.
    pub(super) fn cast(self, to: &Kind, zone: Tz) -> Result<Datum> {
        if self.is_null() || *to == Kind::Null {
            return Ok(self);
        }
        if let Some(range) = to.whole() {
            return match self.whole_number() {
                None => Err(malformed(&self, to)),
                Some(number) => match i64::try_from(number) {
                    Ok(number) if range.contains(&number) => Ok(Datum::Int(number)),
                    _ => Err(too_large(&self, to)),
                },
            };
        }
        let cast = match (&self, to) {
            (_, Kind::Decimal(precision, scale)) => {
                return match self.decimal(*precision, *scale) {
                    Ok(number) => Ok(Datum::Decimal(number)),
                    Err(Misfit::Malformed) => Err(malformed(&self, to)),
                    Err(Misfit::TooLarge) => Err(too_large(&self, to)),
                };
            }
            (Datum::Text(_), Kind::Text)
            | (Datum::Binary(_), Kind::Binary)
            | (Datum::Boolean(_), Kind::Boolean)
            | (Datum::Float(_), Kind::Float)
            | (Datum::Double(_), Kind::Double)
            | (Datum::Date(_), Kind::Date)
            | (Datum::Time(_), Kind::Timestamp)
            | (Datum::Local(_), Kind::Local) => return Ok(self),
            (_, Kind::Double) => self.as_double().map(Datum::Double),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a double becomes the nearest float"
            )]
            (_, Kind::Float) => match &self {
                Datum::Text(text) => text.trim().parse().ok().map(Datum::Float),
                other => other.as_double().map(|number| Datum::Float(number as f32)),
            },
            (Datum::Text(text), Kind::Binary) => Some(Datum::Binary(text.clone().into_bytes())),
            (Datum::Text(text), Kind::Boolean) => match text.trim().to_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "1" => Some(Datum::Boolean(true)),
                "false" | "f" | "no" | "n" | "0" => Some(Datum::Boolean(false)),
                _ => None,
            },
            (number, Kind::Boolean) => number.double().map(|it| Datum::Boolean(it != 0.0)),
            (Datum::Int(seconds), Kind::Timestamp) => {
                DateTime::from_timestamp(*seconds, 0).map(Datum::Time)
            }
            (value, Kind::Timestamp) => moment(value, zone).map(Datum::Time),
            (value, Kind::Local) => local(value, zone).map(Datum::Local),
            (value, Kind::Date) => local(value, zone).map(|at| Datum::Date(at.date())),
            (Datum::List(items), Kind::List(of)) => {
                let items = items.iter().map(|item| item.clone().cast(of, zone));
                return Ok(Datum::List(items.collect::<Result<_>>()?));
            }
            (Datum::Map(pairs), Kind::Map(key, value)) => {
                let pairs = pairs
                    .iter()
                    .map(|(k, v)| Ok((k.clone().cast(key, zone)?, v.clone().cast(value, zone)?)));
                return Ok(Datum::Map(pairs.collect::<Result<_>>()?));
            }
            (Datum::Struct(values), Kind::Struct(fields)) if values.len() == fields.len() => {
                let cast = fields.iter().zip(values).map(|((name, kind), (_, value))| {
                    Ok((name.clone(), value.clone().cast(kind, zone)?))
                });
                return Ok(Datum::Struct(cast.collect::<Result<_>>()?));
            }
            (value, Kind::Text) => Some(Datum::Text(value.spelled(zone))),
            _ => None,
        };
        cast.ok_or_else(|| malformed(&self, to))
    }

    /// A number, a text that is one, or a truth as 1 or 0.
    fn as_double(&self) -> Option<f64> {
        match self {
            Datum::Text(text) => text.trim().parse().ok(),
            Datum::Boolean(yes) => Some(f64::from(u8::from(*yes))),
            other => other.double(),
        }
    }

    fn decimal(&self, precision: u8, scale: i8) -> Result<Decimal, Misfit> {
        let text = match self {
            Datum::Decimal(number) => return number.fitted(precision, scale),
            Datum::Int(number) => return Decimal::whole(*number).fitted(precision, scale),
            Datum::Boolean(yes) => {
                return Decimal::whole((*yes).into()).fitted(precision, scale);
            }
            Datum::Float(number) => number.to_string(),
            Datum::Double(number) => number.to_string(),
            Datum::Text(text) => text.clone(),
            Datum::Null
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::Time(_)
            | Datum::Local(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Struct(_) => return Err(Misfit::Malformed),
        };
        Decimal::read_as(&text, precision, scale)
    }

    /// A value that can be a whole number; what comes after the point is cut off.
    fn whole_number(&self) -> Option<i128> {
        #[expect(clippy::cast_possible_truncation, reason = "casting a double cuts it off")]
        let cut = |number: f64| (!number.is_nan()).then_some(number as i128);
        match self {
            Datum::Int(number) => Some((*number).into()),
            Datum::Float(number) => cut((*number).into()),
            Datum::Double(number) => cut(*number),
            Datum::Decimal(number) => Some(number.truncated()),
            Datum::Boolean(yes) => Some((*yes).into()),
            Datum::Time(moment) => Some(moment.timestamp().into()),
            Datum::Text(text) => text.trim().parse().ok(),
            Datum::Null
            | Datum::Binary(_)
            | Datum::Date(_)
            | Datum::Local(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Struct(_) => None,
        }
    }
}

fn malformed(value: &Datum, to: &Kind) -> SqlError {
    refused("CAST_INVALID_INPUT", "22018", value, to, "it is malformed")
}

fn too_large(value: &Datum, to: &Kind) -> SqlError {
    refused("CAST_OVERFLOW", "22003", value, to, "it is out of range")
}

fn refused(class: &str, state: &'static str, value: &Datum, to: &Kind, why: &str) -> SqlError {
    let message = format!(
        "The value {} of the type \"{}\" cannot be cast to \"{}\" because {why}.",
        value.json(),
        value.kind().sql(),
        to.sql()
    );
    SqlError::new(class, state, message)
}

/// A date, a moment, or a text that is one; without a zone it is in the session's.
pub(super) fn moment(datum: &Datum, zone: Tz) -> Option<DateTime<Utc>> {
    if let Datum::Time(moment) = datum {
        return Some(*moment);
    }
    if let Datum::Text(text) = datum
        && let Ok(moment) = DateTime::parse_from_rfc3339(&text.trim().replacen(' ', "T", 1))
    {
        return whole_micros(moment.to_utc());
    }
    let naive = local(datum, zone)?;
    match zone.from_local_datetime(&naive).earliest() {
        Some(moment) => Some(moment.to_utc()),
        // A clock that was put forward skipped this time: the offset before counts.
        None => {
            let before = zone.from_local_datetime(&(naive - TimeDelta::hours(3)));
            Some(before.earliest()?.to_utc() + TimeDelta::hours(3))
        }
    }
}

/// What a clock in the session's zone shows; of a text, what it says.
fn local(datum: &Datum, zone: Tz) -> Option<NaiveDateTime> {
    match datum {
        Datum::Time(moment) => Some(moment.with_timezone(&zone).naive_local()),
        Datum::Local(moment) => Some(*moment),
        Datum::Date(date) => date.and_hms_opt(0, 0, 0),
        Datum::Text(text) => {
            let text = text.trim();
            if let Ok(date) = text.parse::<NaiveDate>() {
                return date.and_hms_opt(0, 0, 0);
            }
            let text = text.replacen(' ', "T", 1);
            let read = text
                .parse()
                .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M"))
                .or_else(|_| DateTime::parse_from_rfc3339(&text).map(|it| it.naive_local()));
            whole_micros(read.ok()?)
        }
        Datum::Null
        | Datum::Boolean(_)
        | Datum::Int(_)
        | Datum::Float(_)
        | Datum::Double(_)
        | Datum::Decimal(_)
        | Datum::Binary(_)
        | Datum::List(_)
        | Datum::Map(_)
        | Datum::Struct(_) => None,
    }
}

/// Times have microseconds; more digits are cut off.
fn whole_micros<T: Timelike>(time: T) -> Option<T> {
    let micros = time.nanosecond() / 1000;
    time.with_nanosecond(micros * 1000)
}
