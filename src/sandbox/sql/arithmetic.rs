//! Sums, products and quotients: Arrow calculates, decimals in more digits than any has; the types that they have, and what is refused, are Spark's.

use std::sync::Arc;

use arrow_arith::numeric::{add, div, mul, rem, sub};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{Array as _, ArrayRef, Decimal128Array};
use arrow_cast::parse::parse_decimal;
use arrow_schema::ArrowError;
use chrono_tz::Tz;

use super::cast::{cast, try_cast};
use super::compare::{known_together, wide};
use super::error::{Result, SqlError};
use super::kind::{self, Kind, PRECISION_MAX, as_decimal, is_number};
use super::meet;
use super::spell::{ValueStyle, written};

/// Places after the point that are not given up for digits before it.
const PLACES_KEPT: i32 = 6;

/// The type of what a calculation comes to; nothing where the two cannot be calculated with.
fn kind_of(left: &Kind, sign: &str, right: &Kind) -> Option<Kind> {
    if let (Some((p1, s1)), Some((p2, s2))) = (as_decimal(left), as_decimal(right))
        && [left, right].into_iter().any(|kind| matches!(kind, Kind::Decimal128(..)))
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
    let calculable = |kind: &Kind| matches!(kind, Kind::Null | Kind::Utf8) || is_number(kind);
    match (calculable(left) && calculable(right), sign) {
        (false, _) => None,
        (true, "/") => Some(Kind::Float64),
        (true, _) => match meet::common(left, right) {
            Some(Kind::Null | Kind::Utf8) | None => Some(Kind::Float64),
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
    Kind::Decimal128(
        u8::try_from(small(precision)).unwrap_or(PRECISION_MAX),
        i8::try_from(small(scale)).unwrap_or(0),
    )
}

/// A whole number as a decimal of the digits that it has.
pub(super) fn whole(number: i64) -> ArrayRef {
    decimal(number.into(), 0)
}

/// A decimal with the digits that it is written with; nothing where they are too many.
pub(super) fn read(digits: &str) -> Option<ArrayRef> {
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let places = digits.split_once('.').map_or(0, |(_, places)| places.len());
    let places = i8::try_from(places).ok().filter(|it| it.unsigned_abs() <= PRECISION_MAX)?;
    let number = parse_decimal::<Decimal128Type>(digits, PRECISION_MAX, places).ok()?;
    Some(decimal(number, places))
}

fn decimal(unscaled: i128, scale: i8) -> ArrayRef {
    let digits = unscaled.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    let digits = u8::try_from(digits).unwrap_or(PRECISION_MAX).max(scale.unsigned_abs());
    let number = Decimal128Array::from(vec![unscaled]).with_precision_and_scale(digits, scale);
    Arc::new(number.expect("as many digits as it has"))
}

/// What the values of two columns come to, pair by pair, as a type or as that which they have; null where either is.
pub(super) fn calculated(
    left: &ArrayRef,
    sign: &str,
    right: &ArrayRef,
    to: Option<&Kind>,
) -> Result<ArrayRef> {
    let [left, right] = known_together(left, right)?;
    let (one, two) = (left.data_type(), right.data_type());
    let to = to.cloned().or_else(|| kind_of(one, sign, two));
    let to = to.ok_or_else(|| refused(one, sign, two))?;
    // Where the kernel divides by nothing, and where a double would be infinite.
    if matches!(sign, "/" | "%") {
        let divisors = cast(&right, &Kind::Float64, Tz::UTC)?;
        if divisors.as_primitive::<Float64Type>().iter().flatten().any(|number| number == 0.0) {
            return Err(SqlError::new("DIVIDE_BY_ZERO", "22012", "Division by zero."));
        }
    }
    let kernel = match sign {
        "+" => add,
        "-" => sub,
        "*" => mul,
        "%" => rem,
        _ => div,
    };
    match to {
        Kind::Decimal128(_, scale) => {
            let places = |kind: &Kind| as_decimal(kind).map_or(0, |(_, scale)| scale);
            // A quotient has four places more than what is divided: at least one more than are kept, so that it is rounded once.
            let least = if sign == "/" { scale - 3 } else { 0 };
            let above = try_cast(&left, &wide(places(one).max(least)), Tz::UTC)?;
            let below = try_cast(&right, &wide(places(two)), Tz::UTC)?;
            let exact = kernel(&above, &below);
            let fitted = exact.ok().map(|exact| try_cast(&exact, &to, Tz::UTC)).transpose()?;
            let lost = match &fitted {
                Some(fitted) => (0..left.len()).find(|at| fitted.is_null(*at) != left.is_null(*at)),
                None => (0..left.len()).find(|at| !left.is_null(*at)),
            };
            match (lost, fitted) {
                (None, Some(fitted)) => Ok(fitted),
                (at, _) => Err(beyond((&left, sign, &right), at.unwrap_or(0), &to)),
            }
        }
        to => {
            let (one, two) = (cast(&left, &to, Tz::UTC)?, cast(&right, &to, Tz::UTC)?);
            kernel(&one, &two).map_err(|error| overflow(error, &to))
        }
    }
}

/// A number with its sign turned; a text is read as a `DOUBLE`.
pub(super) fn negated(values: &ArrayRef) -> Result<ArrayRef> {
    match values.data_type() {
        Kind::Null => Ok(values.clone()),
        kind if is_number(kind) => {
            arrow_arith::numeric::neg(values).map_err(|error| overflow(error, kind))
        }
        Kind::Utf8 => negated(&cast(values, &Kind::Float64, Tz::UTC)?),
        kind => Err(SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!("- takes a number, and \"{}\" was given.", kind::sql(kind)),
        )),
    }
}

pub(super) fn overflow(error: ArrowError, to: &Kind) -> SqlError {
    match error {
        ArrowError::ArithmeticOverflow(_) => SqlError::new(
            "ARITHMETIC_OVERFLOW",
            "22003",
            format!("{} overflow.", kind::sql(to).to_lowercase()),
        ),
        error => error.into(),
    }
}

/// Why two types are not calculated with: with days and times a warehouse calculates, though not this one.
fn refused(left: &Kind, sign: &str, right: &Kind) -> SqlError {
    if [left, right].iter().any(|kind| matches!(kind, Kind::Date32 | Kind::Timestamp(..))) {
        let (left, right) = (kind::sql(left), kind::sql(right));
        return SqlError::unsupported(format!("the calculation {left} {sign} {right}"));
    }
    SqlError::new(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        "42K09",
        format!(
            "Cannot resolve {} {sign} {}: only numbers are calculated with.",
            kind::sql(left),
            kind::sql(right)
        ),
    )
}

fn beyond((left, sign, right): (&ArrayRef, &str, &ArrayRef), at: usize, to: &Kind) -> SqlError {
    let text = |values: &ArrayRef| written(values, at, ValueStyle::Spelled, Tz::UTC);
    let (precision, scale) = as_decimal(to).unwrap_or_default();
    SqlError::new(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
        "22003",
        format!(
            "{} {sign} {} cannot be represented as Decimal({precision}, {scale}).",
            text(left),
            text(right)
        ),
    )
}

#[cfg(test)]
mod tests {
    use arrow_array::new_null_array;

    use super::*;

    fn came(left: &ArrayRef, sign: &str, right: &ArrayRef) -> Result<(String, String), String> {
        let came = calculated(left, sign, right, None).map_err(|error| error.message)?;
        Ok((kind::sql(came.data_type()), written(&came, 0, ValueStyle::Spelled, Tz::UTC)))
    }

    #[test]
    fn decimals_are_exact_up_to_their_scale_and_rounded_once() {
        for (left, sign, right, to, wanted) in [
            ("0.1", "+", "0.2", "DECIMAL(2,1)", "0.3"),
            ("1", "-", "0.01", "DECIMAL(4,2)", "0.99"),
            ("1.10", "*", "-1.1", "DECIMAL(6,3)", "-1.210"),
            ("2", "/", "3", "DECIMAL(7,6)", "0.666667"),
            ("-2", "/", "3", "DECIMAL(7,6)", "-0.666667"),
            ("1.0", "/", "16", "DECIMAL(7,6)", "0.062500"),
            ("0.0000009", "/", "2", "DECIMAL(9,9)", "0.000000450"),
            ("7.5", "%", "2", "DECIMAL(2,1)", "1.5"),
            // On the way they have more digits than a decimal.
            (
                "0.12345678901234567890",
                "*",
                "0.12345678901234567890",
                "DECIMAL(38,37)",
                "0.0152415787532388367501905199875019052",
            ),
            (
                "1.0000000000000000000000000000000000000",
                "/",
                "3.0000000000000000000000000000000000000",
                "DECIMAL(38,6)",
                "0.333333",
            ),
            ("12345678901234567890123456789012345678", "/", "0.5", "DECIMAL(38,6)", ""),
        ] {
            let came = came(&read(left).unwrap(), sign, &read(right).unwrap());
            let shown = format!("{left} {sign} {right}");
            match wanted {
                "" => {
                    assert!(came.unwrap_err().starts_with("[NUMERIC_VALUE_OUT_OF_RANGE"), "{shown}")
                }
                wanted => assert_eq!(came, Ok((to.to_owned(), wanted.to_owned())), "{shown}"),
            }
        }
    }

    #[test]
    fn a_decimal_has_the_digits_that_it_is_written_with() {
        for (digits, wanted) in [
            ("1.50", Some("DECIMAL(3,2)")),
            ("-0.5", Some("DECIMAL(1,1)")),
            (".5", Some("DECIMAL(1,1)")),
            ("5.", Some("DECIMAL(1,0)")),
            ("12345678901234567890", Some("DECIMAL(20,0)")),
            ("123456789012345678901234567890123456789", None),
        ] {
            let kind = read(digits).map(|it| kind::sql(it.data_type()));
            assert_eq!(kind.as_deref(), wanted, "{digits}");
        }
    }

    #[test]
    fn what_overflows_or_divides_by_nothing_is_refused_and_null_is_not() {
        let int = |number: &str| cast(&read(number).unwrap(), &Kind::Int32, Tz::UTC).unwrap();
        let none = |kind: &Kind| new_null_array(kind, 1);
        for (left, sign, right, class) in [
            (int("2147483647"), "+", int("1"), "[ARITHMETIC_OVERFLOW] int overflow."),
            (int("1"), "/", int("0"), "[DIVIDE_BY_ZERO]"),
            (int("1"), "%", int("0"), "[DIVIDE_BY_ZERO]"),
            (read("1.5").unwrap(), "/", read("0.0").unwrap(), "[DIVIDE_BY_ZERO]"),
            (
                int("1"),
                "+",
                cast(&int("1"), &Kind::Boolean, Tz::UTC).unwrap(),
                "[DATATYPE_MISMATCH",
            ),
        ] {
            let refused = came(&left, sign, &right).unwrap_err();
            assert!(refused.starts_with(class), "{refused}");
        }
        for (left, sign, right, kind) in [
            (none(&Kind::Int32), "/", int("0"), "DOUBLE"),
            (int("1"), "+", none(&Kind::Null), "INT"),
            (none(&Kind::Decimal128(3, 1)), "*", int("2"), "DECIMAL(14,1)"),
        ] {
            assert_eq!(came(&left, sign, &right), Ok((kind.to_owned(), "null".to_owned())));
        }
    }
}
