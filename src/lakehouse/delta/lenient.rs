//! Reads facts of actions in whatever JSON type their writer chose, as other readers do; what is no such fact is refused by its field.
//! Pure.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A whole number: `7`, `7.0` or `"7"`; `None` for null.
fn whole<'de, D: Deserializer<'de>>(from: D, field: &'static str) -> Result<Option<i64>, D::Error> {
    from.deserialize_any(Whole(field))
}

struct Whole(&'static str);

impl Whole {
    fn refuse<T, E: Error>(&self, found: impl fmt::Display) -> Result<T, E> {
        let Self(field) = self;
        Err(E::custom(format!("{field} is {found}, which is no whole number")))
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field) = self;
        write!(f, "a whole number for {field}")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<i64>, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<i64>, E> {
        match i64::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.refuse(number),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<i64>, E> {
        // Beyond this a float has no room for every whole number.
        if number.fract() == 0.0 && number.abs() < 9.0e15 {
            Ok(Some(number as i64))
        } else {
            self.refuse(number)
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<i64>, E> {
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.refuse(format!("{text:?}")),
        }
    }
}

/// A whole number that is not below zero.
fn count<'de, D: Deserializer<'de>>(from: D, field: &'static str) -> Result<Option<u64>, D::Error> {
    match whole(from, field)?.map(|number| (number, u64::try_from(number))) {
        None => Ok(None),
        Some((_, Ok(count))) => Ok(Some(count)),
        Some((number, Err(_))) => Err(D::Error::custom(format!("{field} is {number}"))),
    }
}

pub(super) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    count(from, "size")
}

pub(super) fn modification_time<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<i64>, D::Error> {
    whole(from, "modificationTime")
}

pub(super) fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    whole(from, "deletionVector.offset")
}

pub(super) fn size_in_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(count(from, "deletionVector.sizeInBytes")?.unwrap_or(0))
}

pub(super) fn cardinality<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(count(from, "deletionVector.cardinality")?.unwrap_or(0))
}

pub(super) fn partition_values<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    from.deserialize_any(Texts("partitionValues"))
}

pub(super) fn tags<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    from.deserialize_any(Texts("tags"))
}

/// An object of texts, or of what readers take for text. They are looked at and not kept.
struct Texts(&'static str);

impl<'de> Visitor<'de> for Texts {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field) = self;
        write!(f, "an object of texts for {field}")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(field) = self;
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Text(field))?;
        }
        Ok(())
    }
}

/// One value of such an object.
struct Text(&'static str);

impl<'de> serde::de::DeserializeSeed<'de> for Text {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field) = self;
        write!(f, "text in {field}")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
