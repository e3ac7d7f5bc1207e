//! Functions over the rows of a group: Arrow adds and sorts, the types of what comes out are Spark's.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_arith::aggregate::sum_checked;
use arrow_arith::boolean::is_not_null;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray,
    UInt32Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, SortOptions};
use arrow_select::concat::concat;
use arrow_select::filter::filter;
use arrow_select::take::take;
use chrono_tz::Tz;

use super::arithmetic::{self, calculated, overflow};
use super::cast::cast;
use super::compare::{keys, sorted};
use super::error::{Result, SqlError};
use super::kind::{self, Kind, PRECISION_MAX, is_number};

/// Functions over the rows of a group.
pub(super) const AGGREGATES: [&str; 7] =
    ["COUNT", "SUM", "MIN", "MAX", "AVG", "COLLECT_LIST", "ANY_VALUE"];

/// An aggregate of the values of a group, as one value.
fn aggregate(name: &str, values: &ArrayRef, distinct: bool) -> Result<ArrayRef> {
    let of = values.data_type();
    let mut known = filter(values, &is_not_null(values)?)?;
    if distinct {
        let mut seen = BTreeSet::new();
        let first = keys(std::slice::from_ref(&known))?.into_iter();
        let first: BooleanArray = first.map(|key| Some(seen.insert(key))).collect();
        known = filter(&known, &first)?;
    }
    let count = known.len();
    if matches!(name, "SUM" | "AVG") && !is_number(of) && !matches!(of, Kind::Null | Kind::Utf8) {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!("{} takes numbers, and \"{}\" was given.", name.to_lowercase(), kind::sql(of)),
        ));
    }
    // The place of a null where there is no value.
    let at = |place: Option<u32>| Ok(take(&known, &UInt32Array::from(vec![place]), None)?);
    match name {
        "COUNT" => Ok(Arc::new(Int64Array::from(vec![i64::try_from(count).unwrap_or(i64::MAX)]))),
        "MIN" | "MAX" => {
            let options = SortOptions { descending: name == "MAX", nulls_first: false };
            at(sorted(&[(known.clone(), options)], count)?.values().first().copied())
        }
        "COLLECT_LIST" => {
            let of = Arc::new(Field::new_list_field(of.clone(), true));
            let offsets = OffsetBuffer::from_lengths([count]);
            Ok(Arc::new(ListArray::try_new(of, offsets, known, None)?))
        }
        "ANY_VALUE" => at((count > 0).then_some(0)),
        "AVG" => {
            let count: ArrayRef =
                Arc::new(Int64Array::from(vec![i64::try_from(count.max(1)).unwrap_or(i64::MAX)]));
            let to = match of {
                Kind::Decimal128(precision, scale) => {
                    arithmetic::bounded(i32::from(*precision) + 4, i32::from(*scale) + 4)
                }
                _ => Kind::Float64,
            };
            calculated(&sum(&known)?, "/", &count, Some(&to))
        }
        _ => sum(&known),
    }
}

/// A sum, in a type that has room for it.
fn sum(values: &ArrayRef) -> Result<ArrayRef> {
    let to = match values.data_type() {
        Kind::Decimal128(precision, scale) => {
            Kind::Decimal128((precision + 10).min(PRECISION_MAX), *scale)
        }
        of if of.is_signed_integer() => Kind::Int64,
        _ => Kind::Float64,
    };
    let values = cast(values, &to, Tz::UTC)?;
    let failed = |error| overflow(error, &to);
    Ok(match to {
        Kind::Decimal128(precision, scale) => {
            let beyond = || {
                SqlError::new(
                    "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
                    "22003",
                    format!("The sum cannot be represented as Decimal({precision}, {scale})."),
                )
            };
            let sum = sum_checked(values.as_primitive::<Decimal128Type>()).map_err(|_| beyond())?;
            let sum =
                Decimal128Array::from(vec![sum]).with_precision_and_scale(precision, scale)?;
            sum.validate_decimal_precision(precision).map_err(|_| beyond())?;
            Arc::new(sum)
        }
        Kind::Int64 => {
            let sum = sum_checked(values.as_primitive::<Int64Type>()).map_err(failed)?;
            Arc::new(Int64Array::from(vec![sum]))
        }
        _ => {
            let sum = sum_checked(values.as_primitive::<Float64Type>()).map_err(failed)?;
            Arc::new(Float64Array::from(vec![sum]))
        }
    })
}

/// An aggregate of each group of rows.
pub(super) fn aggregate_groups(
    name: &str,
    values: &ArrayRef,
    distinct: bool,
    groups: &[UInt32Array],
) -> Result<ArrayRef> {
    // Of no rows it has its type at least.
    let mut all = vec![aggregate(name, &values.slice(0, 0), distinct)?.slice(0, 0)];
    for group in groups {
        all.push(aggregate(name, &take(values, group, None)?, distinct)?);
    }
    let all: Vec<&dyn Array> = all.iter().map(|it| &**it).collect();
    Ok(concat(&all)?)
}
