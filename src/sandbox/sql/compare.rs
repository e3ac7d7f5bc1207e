//! How values compare, are sorted and told apart: Arrow's kernels do it. Above them stand that zero has no sign, that NaN is one value, and that what is compared has one type.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_arith::boolean::is_null;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array as _, ArrayRef, UInt32Array, make_array};
use arrow_ord::ord::make_comparator;
use arrow_ord::sort::{SortColumn, SortOptions, lexsort_to_indices};
use arrow_row::{RowConverter, SortField};
use arrow_select::nullif::nullif;
use chrono_tz::Tz;

use super::cast::cast;
use super::error::{Result, SqlError};
use super::kind::{self, Kind, as_decimal};
use super::meet::common;

/// Both, with a null wherever the other has one.
pub(super) fn known_together(one: &ArrayRef, two: &ArrayRef) -> Result<[ArrayRef; 2]> {
    Ok([nullif(one, &is_null(two)?)?, nullif(two, &is_null(one)?)?])
}

/// Whether any value is not null.
pub(super) fn any_known(values: &ArrayRef) -> bool {
    values.logical_null_count() < values.len()
}

/// How the values of two columns compare, pair by pair; nothing where either is null.
pub(super) fn orders(one: &ArrayRef, two: &ArrayRef, zone: Tz) -> Result<Vec<Option<Ordering>>> {
    let [one, two] = known_together(one, two)?;
    let (left, right) = alike(&one, &two, zone)?;
    if !any_known(&left) || !any_known(&right) {
        return Ok(vec![None; one.len()]);
    }
    let order = make_comparator(&left, &right, SortOptions::default())?;
    let known = |at: usize| !one.is_null(at) && !two.is_null(at);
    Ok((0..one.len()).map(|at| known(at).then(|| order(at, at))).collect())
}

/// Both as one type in which they compare.
fn alike(one: &ArrayRef, two: &ArrayRef, zone: Tz) -> Result<(ArrayRef, ArrayRef)> {
    let (left, right) = (one.data_type(), two.data_type());
    let to = match (as_decimal(left), as_decimal(right)) {
        (Some((_, one)), Some((_, two))) if left != right => Some(wide(one.max(two))),
        _ => common(left, right).filter(|to| !has_map(to)),
    };
    let Some(to) = to else {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Values of the types \"{}\" and \"{}\" cannot be compared.",
                kind::sql(left),
                kind::sql(right)
            ),
        ));
    };
    Ok((plain(&cast(one, &to, zone)?), plain(&cast(two, &to, zone)?)))
}

/// A type that has every exact number with so many places.
pub(super) fn wide(scale: i8) -> Kind {
    Kind::Decimal256(76, scale)
}

/// The same values with one zero and one NaN, as kernels tell them apart.
fn plain(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        Kind::Float32 => {
            let one = |number: f32| if number.is_nan() { f32::NAN } else { number + 0.0 };
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(one))
        }
        Kind::Float64 => {
            let one = |number: f64| if number.is_nan() { f64::NAN } else { number + 0.0 };
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(one))
        }
        kind if kind.is_nested() => {
            let data = values.to_data();
            let parts = data.child_data().iter().map(|part| plain(&make_array(part.clone())));
            let parts = parts.map(|part| part.to_data()).collect();
            let same = data.into_builder().child_data(parts).build();
            make_array(same.expect("numbers alone are others"))
        }
        _ => values.clone(),
    }
}

/// Whether values have maps in them, of which none is less than another.
pub(super) fn has_map(kind: &Kind) -> bool {
    match kind {
        Kind::Map(..) => true,
        Kind::List(of) => has_map(of.data_type()),
        Kind::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}

/// The places of rows in their order; those that are equal keep theirs.
pub(super) fn sorted(by: &[(ArrayRef, SortOptions)], count: usize) -> Result<UInt32Array> {
    if let Some((values, _)) = by.iter().find(|(values, _)| has_map(values.data_type())) {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
            "42K09",
            format!("Values of the type \"{}\" have no order.", kind::sql(values.data_type())),
        ));
    }
    let column = |(values, options): &(ArrayRef, SortOptions)| SortColumn {
        values: plain(values),
        options: Some(*options),
    };
    let mut columns: Vec<SortColumn> = by.iter().map(column).collect();
    let places = Arc::new(places(count));
    columns.push(SortColumn { values: places, options: None });
    Ok(lexsort_to_indices(&columns, None)?)
}

/// The places of so many rows.
pub(super) fn places(count: usize) -> UInt32Array {
    (0..u32::try_from(count).unwrap_or(u32::MAX)).collect()
}

/// What equal rows have in common and others do not.
pub(super) fn keys(columns: &[ArrayRef]) -> Result<Vec<Vec<u8>>> {
    let columns: Vec<ArrayRef> = columns.iter().map(plain).collect();
    let fields = columns.iter().map(|values| SortField::new(values.data_type().clone()));
    let rows = RowConverter::new(fields.collect())?.convert_columns(&columns)?;
    Ok(rows.iter().map(|row| row.as_ref().to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use arrow_array::{Decimal128Array, Float64Array, Int64Array};

    use super::*;

    fn decimals(unscaled: &[i128], precision: u8, scale: i8) -> ArrayRef {
        let values = Decimal128Array::from(unscaled.to_vec());
        Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
    }

    #[test]
    fn exact_numbers_compare_by_what_they_are() {
        let most = 10_i128.pow(38) - 1;
        for (one, two, wanted) in [
            (decimals(&[150], 3, 2), decimals(&[15], 2, 1), Ordering::Equal),
            (decimals(&[-10], 2, 0), decimals(&[-95], 2, 1), Ordering::Less),
            (decimals(&[most], 38, 0), decimals(&[1], 38, 38), Ordering::Greater),
            (decimals(&[most - 1], 38, 38), decimals(&[most], 38, 38), Ordering::Less),
            (decimals(&[100], 4, 1), Arc::new(Int64Array::from(vec![10])), Ordering::Equal),
        ] {
            assert_eq!(orders(&one, &two, Tz::UTC).unwrap(), [Some(wanted)]);
            assert_eq!(orders(&two, &one, Tz::UTC).unwrap(), [Some(wanted.reverse())]);
        }
    }

    #[test]
    fn zero_has_no_sign_and_nan_is_the_greatest() {
        let one: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, -f64::NAN, f64::INFINITY]));
        let two: ArrayRef = Arc::new(Float64Array::from(vec![0.0, f64::NAN, f64::NAN]));
        let wanted = [Ordering::Equal, Ordering::Equal, Ordering::Less].map(Some);
        assert_eq!(orders(&one, &two, Tz::UTC).unwrap(), wanted);
        let (one, two) = (keys(&[one]).unwrap(), keys(&[two]).unwrap());
        assert_eq!((&one[0], &one[1]), (&two[0], &two[1]));
        assert_ne!(one[2], two[2]);
    }
}
