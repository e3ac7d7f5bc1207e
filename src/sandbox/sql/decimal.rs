//! Decimals, which values carry as texts: read, rounded to their scale, refused where they do not fit.

use super::kind::Kind;

/// The most digits that a decimal has.
pub(super) const PRECISION_MAX: u8 = 38;

/// Why a text is no decimal of a type.
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

/// A number as a decimal with all digits of its scale; half is rounded away from zero.
pub(super) fn fitted(text: &str, precision: u8, scale: i8) -> Result<String, Misfit> {
    let (negative, digits, point) = read(text.trim())?;
    let shift = i32::from(scale) - point;
    let power = |by: u32| 10_i128.checked_pow(by);
    let unscaled = match shift {
        0.. => power(shift.unsigned_abs())
            .and_then(|power| digits.checked_mul(power))
            .or((digits == 0).then_some(0))
            .ok_or(Misfit::TooLarge)?,
        _ => power(shift.unsigned_abs()).map_or(0, |power| {
            digits / power + i128::from(digits % power >= power / 2)
        }),
    };
    let least_too_large = power(u32::from(precision)).unwrap_or(i128::MAX);
    if unscaled >= least_too_large {
        return Err(Misfit::TooLarge);
    }
    let places = usize::try_from(scale).unwrap_or(0);
    let mut shown = format!("{unscaled:0width$}", width = places + 1);
    if places > 0 {
        shown.insert(shown.len() - places, '.');
    }
    if negative && unscaled > 0 {
        shown.insert(0, '-');
    }
    Ok(shown)
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
        let fitted = |text, precision, scale| fitted(text, precision, scale);
        for (text, precision, scale, wanted) in [
            ("123.456", 10, 2, "123.46"),
            ("-0.005", 4, 2, "-0.01"),
            ("-0.004", 4, 2, "0.00"),
            ("1", 10, 0, "1"),
            ("1.5e3", 10, 1, "1500.0"),
            ("1e-9", 10, 2, "0.00"),
            (".5", 2, 1, "0.5"),
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
}
