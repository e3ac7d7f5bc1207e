//! Moments in documents: RFC 3339, UTC, always with milliseconds. Pure.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer};

/// A moment as documents write it: `2026-11-22T09:41:07.500Z`.
pub fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The moment without what is finer than a millisecond, so that it reads back equal from every store.
pub fn millis(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(3)
}

/// The moment so much later, or the last one that can be held: what strangers date may be as late as that.
pub fn later(moment: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    moment.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// How documents write and read a moment; for `#[serde(with = "moment::Moment")]`.
#[derive(Debug)]
pub struct Moment;

impl Moment {
    /// Writes a moment.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        moment: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*moment))
    }

    /// Reads a moment.
    ///
    /// # Errors
    /// If the text is no RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        DateTime::<Utc>::deserialize(deserializer)
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The same for a moment that may be absent; for `#[serde(with = "moment::OptionalMoment")]`.
#[derive(Debug)]
pub struct OptionalMoment;

impl OptionalMoment {
    /// Writes a moment or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        moment: &Option<DateTime<Utc>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => Moment::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a moment or null.
    ///
    /// # Errors
    /// If the text is no RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::<DateTime<Utc>>::deserialize(deserializer)
    }
}

impl JsonSchema for OptionalMoment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OptionalMoment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "null"], "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_later_than_the_last_moment() {
        let last = DateTime::<Utc>::MAX_UTC;
        assert_eq!(later(last, TimeDelta::days(1)), last);
        assert_eq!(later(DateTime::UNIX_EPOCH, TimeDelta::MAX), last);
        assert_eq!(later(DateTime::UNIX_EPOCH, TimeDelta::seconds(1)).timestamp(), 1);
    }
}
