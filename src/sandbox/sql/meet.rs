//! Where types meet: what two of them have in common, and how their values compare.

use std::cmp::Ordering;

use chrono_tz::Tz;

use super::datum::Datum;
use super::decimal::PRECISION_MAX;
use super::error::{Result, SqlError};
use super::kind::Kind;

/// The type that values of both types have; nothing where there is none.
pub(super) fn common(one: &Kind, two: &Kind) -> Option<Kind> {
    if one == two {
        return Some(one.clone());
    }
    Some(match (one, two) {
        (Kind::Null, kind) | (kind, Kind::Null) => kind.clone(),
        // A text is read as what it meets; as a number it may have places.
        (Kind::Text, kind) | (kind, Kind::Text) if kind.whole().is_some() => Kind::Long,
        (Kind::Text, kind) | (kind, Kind::Text) if kind.is_number() => Kind::Double,
        (Kind::Text, kind @ (Kind::Boolean | Kind::Binary | Kind::Date))
        | (kind @ (Kind::Boolean | Kind::Binary | Kind::Date), Kind::Text)
        | (Kind::Text, kind @ (Kind::Timestamp | Kind::Local))
        | (kind @ (Kind::Timestamp | Kind::Local), Kind::Text) => kind.clone(),
        (Kind::Date | Kind::Local, Kind::Timestamp)
        | (Kind::Timestamp, Kind::Date | Kind::Local) => Kind::Timestamp,
        (Kind::Date, Kind::Local) | (Kind::Local, Kind::Date) => Kind::Local,
        (Kind::List(one), Kind::List(two)) => Kind::List(Box::new(common(one, two)?)),
        (Kind::Map(key, value), Kind::Map(other_key, other_value)) => {
            Kind::Map(Box::new(common(key, other_key)?), Box::new(common(value, other_value)?))
        }
        (Kind::Struct(one), Kind::Struct(two)) if one.len() == two.len() => Kind::Struct(
            one.iter()
                .zip(two)
                .map(|((name, one), (_, two))| Some((name.clone(), common(one, two)?)))
                .collect::<Option<_>>()?,
        ),
        (one, two) if one.is_number() && two.is_number() => number(one, two),
        _ => return None,
    })
}

fn number(one: &Kind, two: &Kind) -> Kind {
    match (one, two) {
        (Kind::Double, _) | (_, Kind::Double) => Kind::Double,
        // A float would lose digits of a long number.
        (Kind::Float, Kind::Byte | Kind::Short) | (Kind::Byte | Kind::Short, Kind::Float) => {
            Kind::Float
        }
        (Kind::Float, _) | (_, Kind::Float) => Kind::Double,
        (Kind::Decimal(..), _) | (_, Kind::Decimal(..)) => {
            let (p1, s1) = one.as_decimal().unwrap_or_default();
            let (p2, s2) = two.as_decimal().unwrap_or_default();
            let whole = |precision: u8, scale: i8| precision.saturating_sub(scale.unsigned_abs());
            let scale = s1.max(s2);
            let digits = whole(p1, s1).max(whole(p2, s2)) + scale.unsigned_abs();
            Kind::Decimal(digits.min(PRECISION_MAX), scale)
        }
        (one, two) => {
            if one.whole().map(|it| *it.end()) >= two.whole().map(|it| *it.end()) {
                one.clone()
            } else {
                two.clone()
            }
        }
    }
}

/// The type that all have, as far as types are known.
pub(super) fn common_of(kinds: impl IntoIterator<Item = Option<Kind>>) -> Option<Kind> {
    kinds.into_iter().try_fold(Kind::Null, |all, kind| common(&all, &kind?))
}

/// Compares two values in the session's zone; nothing where either is null.
pub(super) fn compare(one: &Datum, two: &Datum, zone: Tz) -> Result<Option<Ordering>> {
    if one.is_null() || two.is_null() {
        return Ok(None);
    }
    if let Some(order) = one.order(two) {
        return Ok(Some(order));
    }
    let order = match common(&one.kind(), &two.kind()) {
        Some(kind) => one.clone().cast(&kind, zone)?.order(&two.clone().cast(&kind, zone)?),
        None => None,
    };
    match order {
        Some(order) => Ok(Some(order)),
        None => Err(SqlError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Values of the types \"{}\" and \"{}\" cannot be compared.",
                one.kind().sql(),
                two.kind().sql()
            ),
        )),
    }
}

/// Whether two values are equal; nothing where either is null.
pub(super) fn equal(one: &Datum, two: &Datum, zone: Tz) -> Result<Option<bool>> {
    Ok(compare(one, two, zone)?.map(Ordering::is_eq))
}
