//! How values are spelled: in results, in JSON, as texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::datum::Datum;
use super::kind::Kind;
use crate::text::hex;

impl Datum {
    /// Reads JSON as a type, as `from_json` does; what does not fit is null.
    pub(super) fn from_json(value: &Value, kind: &Kind, zone: Tz) -> Datum {
        match (value, kind) {
            (Value::Null, _) => Datum::Null,
            (Value::Array(items), Kind::List(of)) => {
                Datum::List(items.iter().map(|item| Datum::from_json(item, of, zone)).collect())
            }
            (Value::Object(members), Kind::Struct(fields)) => Datum::Struct(
                fields
                    .iter()
                    .map(|(name, kind)| {
                        let value = members.get(name).unwrap_or(&Value::Null);
                        (name.clone(), Datum::from_json(value, kind, zone))
                    })
                    .collect(),
            ),
            (Value::Object(members), Kind::Map(_, of)) => Datum::Map(
                members
                    .iter()
                    .map(|(key, value)| (Datum::text(key), Datum::from_json(value, of, zone)))
                    .collect(),
            ),
            (Value::Bool(yes), Kind::Boolean) => Datum::Boolean(*yes),
            (Value::Number(number), kind) if kind.whole().is_some() => number
                .as_i64()
                .and_then(|number| Datum::Int(number).cast(kind, zone).ok())
                .unwrap_or(Datum::Null),
            (Value::Number(number), Kind::Float | Kind::Double | Kind::Decimal(..)) => {
                let number = Datum::Text(number.to_string());
                number.cast(kind, zone).unwrap_or(Datum::Null)
            }
            (Value::String(text), kind) => {
                Datum::text(text).cast(kind, zone).unwrap_or(Datum::Null)
            }
            (other, Kind::Text) => Datum::Text(other.to_string()),
            _ => Datum::Null,
        }
    }

    /// The value as JSON that tables are written from: times in UTC, bytes in hexadecimal digits, decimals as texts.
    pub(super) fn json(&self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Boolean(yes) => (*yes).into(),
            Datum::Int(number) => (*number).into(),
            Datum::Float(number) if !number.is_finite() => number.to_string().into(),
            Datum::Double(number) if !number.is_finite() => number.to_string().into(),
            Datum::Float(number) => (*number).into(),
            Datum::Double(number) => (*number).into(),
            Datum::Decimal(number) => number.to_string().into(),
            Datum::Text(text) => text.as_str().into(),
            Datum::Binary(bytes) => hex(bytes).into(),
            Datum::Date(date) => date.to_string().into(),
            Datum::Time(moment) => moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
            Datum::Local(moment) => unzoned(*moment).into(),
            Datum::List(items) => items.iter().map(Datum::json).collect(),
            Datum::Map(pairs) => Value::Object(
                pairs.iter().map(|(key, value)| (key.spelled(Tz::UTC), value.json())).collect(),
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
    pub(super) fn told(&self, zone: Tz) -> String {
        let member = |name: &str, value: &Datum| format!("{}:{}", quoted(name), value.told(zone));
        match self {
            Datum::Null | Datum::Boolean(_) | Datum::Int(_) | Datum::Text(_) | Datum::Date(_) => {
                self.json().to_string()
            }
            Datum::Float(number) if !number.is_finite() => quoted(&java_text(number)),
            Datum::Double(number) if !number.is_finite() => quoted(&java_text(number)),
            Datum::Float(number) => java_text(number),
            Datum::Double(number) => java_text(number),
            Datum::Decimal(number) => number.to_string(),
            Datum::Binary(bytes) => quoted(&BASE64.encode(bytes)),
            Datum::Time(moment) => quoted(&zoned(*moment, zone)),
            Datum::Local(moment) => quoted(&unzoned(*moment)),
            Datum::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.told(zone)).collect();
                format!("[{}]", items.join(","))
            }
            Datum::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, value)| member(&key.spelled(zone), value)).collect();
                format!("{{{}}}", pairs.join(","))
            }
            Datum::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| member(name, value))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }
        }
    }

    /// The value as results carry it: text, or nothing for null. Times are in the session's zone, with its offset.
    pub(in crate::sandbox) fn wire(&self, zone: Tz) -> Option<String> {
        Some(match self {
            Datum::Null => return None,
            Datum::Binary(bytes) => BASE64.encode(bytes),
            Datum::Time(moment) => zoned(*moment, zone),
            Datum::Local(moment) => unzoned(*moment),
            Datum::List(_) | Datum::Map(_) | Datum::Struct(_) => self.wire_json(zone).to_string(),
            Datum::Boolean(_)
            | Datum::Int(_)
            | Datum::Float(_)
            | Datum::Double(_)
            | Datum::Decimal(_)
            | Datum::Text(_)
            | Datum::Date(_) => self.spelled(zone),
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
                fields.iter().map(|(name, value)| (name.clone(), value.wire_json(zone))).collect(),
            ),
            other => other.wire(zone).map_or(Value::Null, Value::String),
        }
    }

    /// The value as a cast to STRING gives it.
    pub(super) fn spelled(&self, zone: Tz) -> String {
        let clock = |at: NaiveDateTime| {
            let text = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match self {
            Datum::Null => "null".to_owned(),
            Datum::Boolean(yes) => yes.to_string(),
            Datum::Int(number) => number.to_string(),
            Datum::Float(number) => java_text(number),
            Datum::Double(number) => java_text(number),
            Datum::Decimal(number) => number.to_string(),
            Datum::Text(text) => text.clone(),
            Datum::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Datum::Date(date) => date.to_string(),
            Datum::Time(moment) => clock(moment.with_timezone(&zone).naive_local()),
            Datum::Local(moment) => clock(*moment),
            Datum::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.spelled(zone)).collect();
                format!("[{}]", items.join(", "))
            }
            Datum::Map(pairs) => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| format!("{} -> {}", key.spelled(zone), value.spelled(zone)))
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Datum::Struct(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(_, value)| value.spelled(zone)).collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
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
