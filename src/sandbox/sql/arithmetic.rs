//! Sums, products and quotients, and the types that they have.

use super::datum::Datum;
use super::decimal::{Decimal, PRECISION_MAX};
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::meet;

/// Places after the point that are not given up for digits before it.
const PLACES_KEPT: i32 = 6;

/// The type of what a calculation comes to; nothing where the two cannot be calculated with.
pub(super) fn kind(left: &Kind, sign: &str, right: &Kind) -> Option<Kind> {
    if let (Some((p1, s1)), Some((p2, s2))) = (left.as_decimal(), right.as_decimal())
        && [left, right].into_iter().any(|kind| matches!(kind, Kind::Decimal(..)))
    {
        let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
        let (whole, places) = ((p1 - s1).max(p2 - s2), s1.max(s2));
        return Some(match sign {
            "*" => bounded(p1 + p2 + 1, s1 + s2),
            "/" => {
                let places = PLACES_KEPT.max(s1 + p2 + 1);
                bounded(p1 - s1 + s2 + places, places)
            }
            "%" => bounded((p1 - s1).min(p2 - s2) + places, places),
            _ => bounded(whole + places + 1, places),
        });
    }
    let numbers = [left, right].into_iter().all(|kind| match kind {
        Kind::Null | Kind::Text => true,
        kind => kind.is_number(),
    });
    match (numbers, sign) {
        (false, _) => None,
        (true, "/") => Some(Kind::Double),
        (true, _) => match meet::common(left, right) {
            Some(Kind::Null | Kind::Text) | None => Some(Kind::Double),
            met => met,
        },
    }
}

/// The decimal type of so many digits; where those are too many, places after the point go first.
pub(super) fn bounded(precision: i32, scale: i32) -> Kind {
    let most = i32::from(PRECISION_MAX);
    let scale = if precision > most {
        (most - (precision - scale)).max(scale.min(PLACES_KEPT))
    } else {
        scale
    };
    let small = |number: i32| number.clamp(0, most);
    Kind::Decimal(
        u8::try_from(small(precision)).unwrap_or(PRECISION_MAX),
        i8::try_from(small(scale)).unwrap_or(0),
    )
}

/// What two values come to as a value of that type. Neither is null.
pub(super) fn value(left: &Datum, sign: &str, right: &Datum, to: Option<Kind>) -> Result<Datum> {
    let to = to.or_else(|| kind(&left.kind(), sign, &right.kind()));
    let refused = || {
        SqlError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve {} {sign} {}: only numbers are calculated with here.",
                left.kind().sql(),
                right.kind().sql()
            ),
        )
    };
    let by_zero = || SqlError::new("DIVIDE_BY_ZERO", "22012", "Division by zero.");
    let divides = matches!(sign, "/" | "%");
    match to {
        Some(Kind::Decimal(precision, scale)) => {
            let decimal = |datum: &Datum| match datum {
                Datum::Int(number) => Ok(Decimal::whole(*number)),
                Datum::Decimal(decimal) => Ok(*decimal),
                _ => Err(refused()),
            };
            let (one, two) = (decimal(left)?, decimal(right)?);
            if divides && two.is_zero() {
                return Err(by_zero());
            }
            one.calculated(sign, two, (precision, scale)).map(Datum::Decimal).map_err(|_| {
                SqlError::new(
                    "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
                    "22003",
                    format!(
                        "{one} {sign} {two} cannot be represented as Decimal({precision}, {scale})."
                    ),
                )
            })
        }
        Some(to) if to.whole().is_some() => {
            let whole = |datum: &Datum| match datum.clone().cast(&Kind::Long, chrono_tz::Tz::UTC)? {
                Datum::Int(number) => Ok(number),
                _ => Err(refused()),
            };
            let (one, two) = (whole(left)?, whole(right)?);
            let exact = match sign {
                "+" => one.checked_add(two),
                "-" => one.checked_sub(two),
                "*" => one.checked_mul(two),
                _ if two == 0 => return Err(by_zero()),
                _ => one.checked_rem(two),
            };
            let range = to.whole();
            exact
                .filter(|exact| range.is_some_and(|range| range.contains(exact)))
                .map(Datum::Int)
                .ok_or_else(|| {
                    SqlError::new(
                        "ARITHMETIC_OVERFLOW",
                        "22003",
                        format!("{} overflow.", to.sql().to_lowercase()),
                    )
                })
        }
        Some(to) if to.is_number() => {
            let double = |datum: &Datum| match datum {
                Datum::Text(_) => match datum.clone().cast(&Kind::Double, chrono_tz::Tz::UTC)? {
                    Datum::Double(number) => Ok(number),
                    _ => Err(refused()),
                },
                datum => datum.double().ok_or_else(refused),
            };
            let (one, two) = (double(left)?, double(right)?);
            if divides && two == 0.0 {
                return Err(by_zero());
            }
            let came = Datum::Double(match sign {
                "+" => one + two,
                "-" => one - two,
                "*" => one * two,
                "%" => one % two,
                _ => one / two,
            });
            came.cast(&to, chrono_tz::Tz::UTC)
        }
        _ => Err(refused()),
    }
}
