//! What lies within values: fields of structs, values of maps, places of lists.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_arith::boolean::is_null;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, ArrayRef, ListArray, StructArray, UInt32Array, new_null_array};
use arrow_ord::ord::make_comparator;
use arrow_schema::{Field, SortOptions};
use arrow_select::nullif::nullif;
use arrow_select::take::take;
use chrono_tz::Tz;

use super::cast::cast;
use super::compare::any_known;
use super::error::{Result, SqlError};
use super::kind::{self, Kind, structure};
use super::literal;
use super::meet::common;
use super::rows::repeated;

/// Structs of these fields, so many.
pub(super) fn structure_of(fields: Vec<(String, ArrayRef)>, count: usize) -> Result<ArrayRef> {
    let kinds = fields.iter().map(|(name, values)| (name.clone(), values.data_type().clone()));
    let Kind::Struct(kinds) = structure(kinds) else {
        unreachable!("a struct is one");
    };
    let columns = fields.into_iter().map(|(_, values)| values).collect();
    Ok(Arc::new(StructArray::try_new_with_length(kinds, columns, None, count)?))
}

/// A field of structs, a value of maps; of lists those of each of their items.
pub(super) fn member(values: &ArrayRef, name: &str) -> Result<ArrayRef> {
    match values.data_type() {
        Kind::Null => Ok(values.clone()),
        Kind::Struct(fields) => {
            let field = fields.iter().position(|it| it.name().eq_ignore_ascii_case(name));
            let field = field.ok_or_else(|| {
                let names: Vec<String> =
                    fields.iter().map(|it| format!("`{}`", it.name())).collect();
                SqlError::new(
                    "FIELD_NOT_FOUND",
                    "42704",
                    format!("No such struct field `{name}` in {}.", names.join(", ")),
                )
            })?;
            Ok(nullif(values.as_struct().column(field), &is_null(values)?)?)
        }
        Kind::Map(..) => index_of(values, &repeated(&literal::text(name), values.len())?, 0),
        Kind::List(_) => {
            let list = values.as_list::<i32>();
            let items = member(list.values(), name)?;
            let of = Arc::new(Field::new_list_field(items.data_type().clone(), true));
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(of, offsets, items, nulls)?))
        }
        other => Err(SqlError::new(
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "42000",
            format!(
                "Can't extract `{name}` from a value of the type \"{}\": a struct, a map or an array is needed.",
                kind::sql(other)
            ),
        )),
    }
}

/// The values at keys of maps, where there may be none, or at places of lists, counted from `first`, where there have to be some.
pub(super) fn index_of(values: &ArrayRef, index: &ArrayRef, first: i64) -> Result<ArrayRef> {
    match (values.data_type(), index.data_type()) {
        (Kind::Null, _) => Ok(values.clone()),
        (Kind::Map(..), _) => found_at(values, index, first),
        (Kind::List(_), at) if at.is_signed_integer() || *at == Kind::Null => {
            let (list, places) = (values.as_list::<i32>(), places_in(values, index, first)?);
            let known = |at: &usize| !list.is_null(*at) && !index.is_null(*at) && any_known(index);
            match (0..values.len()).find(|at| known(at) && places.is_null(*at)) {
                None => found_at(values, index, first),
                Some(row) => Err(SqlError::new(
                    "INVALID_ARRAY_INDEX",
                    "22003",
                    format!(
                        "The index {} is out of bounds. The array has {} elements.",
                        cast(index, &Kind::Int64, Tz::UTC)?.as_primitive::<Int64Type>().value(row),
                        list.value_length(row)
                    ),
                )),
            }
        }
        (Kind::Struct(_), Kind::Utf8) if !index.is_empty() && !index.is_null(0) => {
            member(values, index.as_string::<i32>().value(0))
        }
        _ if !any_known(values) || !any_known(index) => {
            Ok(new_null_array(&Kind::Null, values.len()))
        }
        _ => Err(SqlError::unsupported("this index of this value")),
    }
}

/// What is at keys of maps or at places of lists, null where there is nothing; where places are counted from 1, those below 0 are from the end.
pub(super) fn found_at(values: &ArrayRef, index: &ArrayRef, first: i64) -> Result<ArrayRef> {
    let places = places_in(values, index, first)?;
    match values.data_type() {
        Kind::Map(..) => Ok(take(values.as_map().values(), &places, None)?),
        _ => Ok(take(values.as_list::<i32>().values(), &places, None)?),
    }
}

/// The places among all items of lists, or all pairs of maps.
fn places_in(values: &ArrayRef, index: &ArrayRef, first: i64) -> Result<UInt32Array> {
    if !any_known(index) {
        return Ok(new_null_array(&Kind::UInt32, values.len()).as_primitive().clone());
    }
    let place = |at: i64| u32::try_from(at).ok();
    if let Kind::Map(..) = values.data_type() {
        let map = values.as_map();
        let Some(to) = common(map.keys().data_type(), index.data_type()) else {
            return Ok(new_null_array(&Kind::UInt32, values.len()).as_primitive().clone());
        };
        let (keys, index) = (cast(map.keys(), &to, Tz::UTC)?, cast(index, &to, Tz::UTC)?);
        let order = make_comparator(&keys, &index, SortOptions::default())?;
        let found = |row: usize| {
            let pairs = map.value_offsets()[row]..map.value_offsets()[row + 1];
            let mut pairs = pairs.filter(|_| !map.is_null(row) && !index.is_null(row));
            place(pairs.find(|at| order(*at as usize, row) == Ordering::Equal)?.into())
        };
        return Ok((0..values.len()).map(found).collect());
    }
    let (list, index) = (values.as_list::<i32>(), cast(index, &Kind::Int64, Tz::UTC)?);
    let index = index.as_primitive::<Int64Type>();
    let found = |row: usize| {
        let (start, length) =
            (i64::from(list.value_offsets()[row]), i64::from(list.value_length(row)));
        let known = !list.is_null(row) && !index.is_null(row);
        let at = match (known.then(|| index.value(row))?, first) {
            (at @ ..0, 1) => at + length,
            (at, first) => at - first,
        };
        (0..length).contains(&at).then_some(start + at).and_then(place)
    };
    Ok((0..values.len()).map(found).collect())
}
