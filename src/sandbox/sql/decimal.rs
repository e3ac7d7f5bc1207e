//! Decimals: read, rounded to their scale, compared and calculated exactly, refused where they do not fit.

use std::cmp::Ordering;
use std::fmt;

use super::kind::Kind;

/// The most digits that a decimal has.
pub(super) const PRECISION_MAX: u8 = 38;

/// A decimal of a type with so many digits, of which `scale` come after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct Decimal {
    unscaled: i128,
    precision: u8,
    scale: i8,
}

/// Why there is no decimal of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is not a number.
    Malformed,
    /// It has more digits than the type.
    TooLarge,
}

/// Why there is no decimal type of this many digits; nothing where there is.
pub(super) fn misshapen(kind: &Kind) -> Option<String> {
    let Kind::Decimal(precision, scale) = *kind else {
        return None;
    };
    if precision > PRECISION_MAX {
        return Some(format!(
            "Decimal precision {precision} exceeds max precision {PRECISION_MAX}."
        ));
    }
    let digits = i8::try_from(precision).unwrap_or(i8::MAX);
    (scale > digits)
        .then(|| format!("Decimal scale {scale} cannot be greater than precision {precision}."))
}

/// Ten to a power; nothing where that has too many digits.
fn power(by: u32) -> Option<i128> {
    10_i128.checked_pow(by)
}

impl Decimal {
    /// A whole number, with the digits that it has.
    pub(super) fn whole(number: i64) -> Decimal {
        Decimal { unscaled: number.into(), precision: digits_of(number.into()), scale: 0 }
    }

    /// As Arrow keeps it.
    pub(super) fn from_unscaled(unscaled: i128, precision: u8, scale: i8) -> Decimal {
        Decimal { unscaled, precision, scale }
    }

    /// A number as it is written, with the digits that it is written with.
    pub(super) fn read(text: &str) -> Result<Decimal, Misfit> {
        let (negative, digits, places) = read(text.trim())?;
        let shift = u32::try_from(-places).unwrap_or(0);
        let digits = power(shift).and_then(|power| digits.checked_mul(power));
        let digits = digits.ok_or(Misfit::TooLarge)?;
        let scale = i8::try_from(places.max(0)).map_err(|_| Misfit::TooLarge)?;
        let precision = digits_of(digits).max(scale.unsigned_abs());
        if precision > PRECISION_MAX {
            Err(Misfit::TooLarge)
        } else {
            Ok(Decimal { unscaled: if negative { -digits } else { digits }, precision, scale })
        }
    }

    /// A number as it is written, rounded to a type.
    pub(super) fn read_as(text: &str, precision: u8, scale: i8) -> Result<Decimal, Misfit> {
        let (negative, digits, places) = read(text.trim())?;
        let digits = if negative { -digits } else { digits };
        rounded(digits, places, precision, scale)
    }

    /// The number rounded to a type; half is rounded away from zero.
    pub(super) fn fitted(self, precision: u8, scale: i8) -> Result<Decimal, Misfit> {
        rounded(self.unscaled, self.scale.into(), precision, scale)
    }

    pub(super) fn kind(self) -> Kind {
        Kind::Decimal(self.precision, self.scale)
    }

    pub(super) fn is_zero(self) -> bool {
        self.unscaled == 0
    }

    pub(super) fn negated(self) -> Decimal {
        Decimal { unscaled: -self.unscaled, ..self }
    }

    pub(super) fn absolute(self) -> Decimal {
        Decimal { unscaled: self.unscaled.abs(), ..self }
    }

    /// The nearest double.
    pub(super) fn double(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// What comes before the point.
    pub(super) fn truncated(self) -> i128 {
        self.parts().0
    }

    /// The number without zeros at its end, as text: equal numbers have the same.
    pub(super) fn shortest(self) -> String {
        let shown = self.to_string();
        if shown.contains('.') {
            shown.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            shown
        }
    }

    /// What comes before the point, and what comes after it in as many places as there can be.
    fn parts(self) -> (i128, i128) {
        let scale = self.scale.unsigned_abs();
        let one = power(scale.into()).unwrap_or(i128::MAX);
        let rest = power(u32::from(PRECISION_MAX.saturating_sub(scale))).unwrap_or(1);
        (self.unscaled / one, self.unscaled % one * rest)
    }

    /// Compares by what the numbers are, whatever their types.
    pub(super) fn order(self, other: Decimal) -> Ordering {
        self.parts().cmp(&other.parts())
    }

    /// A sum, difference, product, quotient or remainder, rounded to its type.
    pub(super) fn calculated(
        self,
        sign: &str,
        other: Decimal,
        (precision, scale): (u8, i8),
    ) -> Result<Decimal, Misfit> {
        let places = self.scale.max(other.scale);
        let aligned = |decimal: Decimal| {
            power((places - decimal.scale).unsigned_abs().into())
                .and_then(|power| decimal.unscaled.checked_mul(power))
        };
        let both = || aligned(self).zip(aligned(other));
        let (exact, places) = match sign {
            "+" => (both().and_then(|(one, two)| one.checked_add(two)), places),
            "-" => (both().and_then(|(one, two)| one.checked_sub(two)), places),
            "%" => (both().and_then(|(one, two)| one.checked_rem(two)), places),
            "*" => (self.unscaled.checked_mul(other.unscaled), self.scale + other.scale),
            _ => (self.quotient(other, scale), scale),
        };
        rounded(exact.ok_or(Misfit::TooLarge)?, places.into(), precision, scale)
    }

    /// A quotient with so many places, half rounded away from zero.
    fn quotient(self, other: Decimal, scale: i8) -> Option<i128> {
        let shift = i32::from(scale) + i32::from(other.scale) - i32::from(self.scale);
        let by = power(shift.unsigned_abs())?;
        let (above, below) = match shift {
            0.. => (self.unscaled.checked_mul(by)?, other.unscaled),
            _ => (self.unscaled, other.unscaled.checked_mul(by)?),
        };
        let (whole, rest) = (above.checked_div(below)?, above % below);
        let away = if (above < 0) == (below < 0) { 1 } else { -1 };
        let up = rest.unsigned_abs() >= below.unsigned_abs().div_ceil(2);
        Some(if up { whole + away } else { whole })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.scale.unsigned_abs());
        let mut shown = format!("{:0width$}", self.unscaled.unsigned_abs(), width = places + 1);
        if places > 0 {
            shown.insert(shown.len() - places, '.');
        }
        let sign = if self.unscaled < 0 { "-" } else { "" };
        write!(to, "{sign}{shown}")
    }
}

fn digits_of(number: i128) -> u8 {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    u8::try_from(digits).unwrap_or(u8::MAX)
}

/// A number with so many places, rounded to a type.
fn rounded(number: i128, places: i32, precision: u8, scale: i8) -> Result<Decimal, Misfit> {
    let shift = i32::from(scale) - places;
    let unscaled = match shift {
        0.. => power(shift.unsigned_abs())
            .and_then(|power| number.checked_mul(power))
            .or((number == 0).then_some(0))
            .ok_or(Misfit::TooLarge)?,
        _ => power(shift.unsigned_abs()).map_or(0, |power| {
            let half = i128::from((number % power).abs() >= power / 2);
            number / power + half * number.signum()
        }),
    };
    if digits_of(unscaled) > precision && unscaled != 0 {
        Err(Misfit::TooLarge)
    } else {
        Ok(Decimal { unscaled, precision, scale })
    }
}

/// A number's sign, its digits, and how many of them come after the point.
fn read(text: &str) -> Result<(bool, i128, i32), Misfit> {
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match number.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            let exponent: i16 = exponent.parse().map_err(|_| Misfit::Malformed)?;
            (number, i32::from(exponent))
        }
        None => (number, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Malformed);
    }
    let places = i32::try_from(fraction.len()).map_err(|_| Misfit::TooLarge)?;
    let digits = digits.parse().map_err(|_| Misfit::TooLarge)?;
    Ok((negative, digits, places - exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_to_the_scale_and_refused_beyond_the_precision() {
        let fitted = |text, precision, scale| {
            Decimal::read_as(text, precision, scale).map(|read| read.to_string())
        };
        for (text, precision, scale, wanted) in [
            ("123.456", 10, 2, "123.46"),
            ("-0.005", 4, 2, "-0.01"),
            ("-0.004", 4, 2, "0.00"),
            ("1", 10, 0, "1"),
            ("1.5e3", 10, 1, "1500.0"),
            ("1e-9", 10, 2, "0.00"),
            (".5", 2, 1, "0.5"),
            ("0.4", 1, 1, "0.4"),
            ("0", 1, 1, "0.0"),
            ("1e-999", 38, 0, "0"),
        ] {
            assert_eq!(fitted(text, precision, scale).as_deref(), Ok(wanted));
        }
        assert_eq!(fitted("12345.6", 4, 2), Err(Misfit::TooLarge));
        assert_eq!(fitted("9.996", 3, 2), Err(Misfit::TooLarge));
        assert_eq!(fitted("1e99", 38, 0), Err(Misfit::TooLarge));
        for text in ["", ".", "NaN", "1,5", "1e", "0x1"] {
            assert_eq!(fitted(text, 10, 0), Err(Misfit::Malformed), "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_what_they_are() {
        let read = |text: &str| Decimal::read(text).unwrap();
        for (one, two, wanted) in [
            ("1.50", "1.5", Ordering::Equal),
            ("10", "9.5", Ordering::Greater),
            ("-10", "-9.5", Ordering::Less),
            ("-0.5", "0.3", Ordering::Less),
            (
                "12345678901234567890123456789012345678",
                "0.00000000000000000000000000000000000001",
                Ordering::Greater,
            ),
            (
                "0.12345678901234567890123456789012345678",
                "0.12345678901234567890123456789012345679",
                Ordering::Less,
            ),
        ] {
            assert_eq!(read(one).order(read(two)), wanted, "{one} {two}");
            assert_eq!(read(two).order(read(one)), wanted.reverse(), "{two} {one}");
        }
        assert_eq!(read("100.00").shortest(), read("1e2").shortest());
    }

    #[test]
    fn sums_products_and_quotients_are_exact_up_to_their_scale() {
        let read = |text: &str| Decimal::read(text).unwrap();
        for (one, sign, two, scale, wanted) in [
            ("0.1", "+", "0.2", 1, "0.3"),
            ("1", "-", "0.01", 2, "0.99"),
            ("1.10", "*", "-1.1", 3, "-1.210"),
            ("2", "/", "3", 6, "0.666667"),
            ("-2", "/", "3", 6, "-0.666667"),
            ("1", "/", "8", 2, "0.13"),
            ("7.5", "%", "2", 1, "1.5"),
        ] {
            let came = read(one).calculated(sign, read(two), (38, scale)).unwrap();
            assert_eq!(came.to_string(), wanted, "{one} {sign} {two}");
        }
        let large = read("99999999999999999999999999999999999999");
        assert_eq!(large.calculated("+", large, (38, 0)), Err(Misfit::TooLarge));
    }
}
