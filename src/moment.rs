//! Moments in documents: RFC 3339, UTC, always with milliseconds.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Deserializer, Serializer};

/// A moment as documents write it: `2026-11-22T09:41:07.500Z`.
pub fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The moment without what is finer than a millisecond, so that it reads back equal from every store.
pub fn millis(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(3)
}

/// Writes a moment; for `#[serde(with = "moment")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*moment))
}

/// Reads a moment; for `#[serde(with = "moment")]`.
///
/// # Errors
/// If the text is no RFC 3339 time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    DateTime::<Utc>::deserialize(deserializer)
}

/// The same for a moment that may be absent; for `#[serde(with = "moment::option")]`.
pub mod option {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc};

    /// Writes a moment or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        moment: &Option<DateTime<Utc>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => super::serialize(moment, serializer),
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
