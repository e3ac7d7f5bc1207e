//! Where types meet: what two of them have in common.

use super::kind::{
    Kind, LOCAL, PRECISION_MAX, as_decimal, is_number, list, map, of_pairs, structure,
};

/// The type that values of both types have; nothing where there is none.
pub(super) fn common(one: &Kind, two: &Kind) -> Option<Kind> {
    if one == two {
        return Some(one.clone());
    }
    Some(match (one, two) {
        (Kind::Null, kind) | (kind, Kind::Null) => kind.clone(),
        // A text is read as what it meets; as a number it may have places.
        (Kind::Utf8, kind) | (kind, Kind::Utf8) => match kind {
            kind if kind.is_signed_integer() => Kind::Int64,
            kind if is_number(kind) => Kind::Float64,
            Kind::Boolean | Kind::Binary | Kind::Date32 | Kind::Timestamp(..) => kind.clone(),
            _ => return None,
        },
        (Kind::Date32 | Kind::Timestamp(_, None), zoned @ Kind::Timestamp(_, Some(_)))
        | (zoned @ Kind::Timestamp(_, Some(_)), Kind::Date32 | Kind::Timestamp(_, None)) => {
            zoned.clone()
        }
        (Kind::Date32, Kind::Timestamp(..)) | (Kind::Timestamp(..), Kind::Date32) => LOCAL,
        (Kind::List(one), Kind::List(two)) => list(common(one.data_type(), two.data_type())?),
        (Kind::Map(one, _), Kind::Map(two, _)) => {
            let ((key, value), (other_key, other_value)) = (of_pairs(one), of_pairs(two));
            map(common(key, other_key)?, common(value, other_value)?)
        }
        (Kind::Struct(one), Kind::Struct(two)) if one.len() == two.len() => {
            let both = one
                .iter()
                .zip(two)
                .map(|(one, two)| Some((one.name(), common(one.data_type(), two.data_type())?)));
            structure(both.collect::<Option<Vec<_>>>()?)
        }
        (one, two) if is_number(one) && is_number(two) => number(one, two),
        _ => return None,
    })
}

fn number(one: &Kind, two: &Kind) -> Kind {
    match (one, two) {
        // A float would lose digits of other numbers.
        (Kind::Float32 | Kind::Float64, _) | (_, Kind::Float32 | Kind::Float64) => Kind::Float64,
        (Kind::Decimal128(..), _) | (_, Kind::Decimal128(..)) => {
            let (p1, s1) = as_decimal(one).unwrap_or_default();
            let (p2, s2) = as_decimal(two).unwrap_or_default();
            let whole = |precision: u8, scale: i8| precision.saturating_sub(scale.unsigned_abs());
            let scale = s1.max(s2);
            let digits = whole(p1, s1).max(whole(p2, s2)) + scale.unsigned_abs();
            Kind::Decimal128(digits.min(PRECISION_MAX), scale)
        }
        (one, two) if one.primitive_width() >= two.primitive_width() => one.clone(),
        (_, two) => two.clone(),
    }
}

/// The type that all have.
pub(super) fn common_of<'a>(kinds: impl IntoIterator<Item = &'a Kind>) -> Option<Kind> {
    kinds.into_iter().try_fold(Kind::Null, |all, kind| common(&all, kind))
}
