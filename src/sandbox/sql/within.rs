//! What lies within a value: fields of structs, values of maps, places of lists.

use std::cmp::Ordering;

use super::datum::Datum;
use super::error::{Result, SqlError};

/// A field of a struct, a value of a map; of a list those of each of its items.
pub(super) fn member(value: &Datum, name: &str) -> Result<Datum> {
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Struct(fields) => {
            let field = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
            field.map(|(_, value)| value.clone()).ok_or_else(|| {
                let names: Vec<String> = fields.iter().map(|(it, _)| format!("`{it}`")).collect();
                SqlError::new(
                    "FIELD_NOT_FOUND",
                    "42704",
                    format!("No such struct field `{name}` in {}.", names.join(", ")),
                )
            })
        }
        Datum::Map(_) => index_of(value, &Datum::text(name), 0),
        Datum::List(items) => {
            let members = items.iter().map(|item| member(item, name));
            Ok(Datum::List(members.collect::<Result<_>>()?))
        }
        other => Err(SqlError::new(
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "42000",
            format!(
                "Can't extract `{name}` from a value of the type \"{}\": a struct, a map or an array is needed.",
                other.kind().sql()
            ),
        )),
    }
}

/// The value at a key of a map, where there may be none, or at a place of a list, counted from `first`, where there has to be one.
pub(super) fn index_of(value: &Datum, index: &Datum, first: i64) -> Result<Datum> {
    if value.is_null() || index.is_null() {
        return Ok(Datum::Null);
    }
    match (value, index) {
        (Datum::Map(_), _) => Ok(found_at(value, index, first).unwrap_or(Datum::Null)),
        (Datum::List(items), Datum::Int(at)) => found_at(value, index, first).ok_or_else(|| {
            SqlError::new(
                "INVALID_ARRAY_INDEX",
                "22003",
                format!("The index {at} is out of bounds. The array has {} elements.", items.len()),
            )
        }),
        (Datum::Struct(_), Datum::Text(name)) => member(value, name),
        _ => Err(SqlError::unsupported("this index of this value")),
    }
}

/// What is at a key of a map or at a place of a list; where places are counted from 1, those below 0 are from the end.
pub(super) fn found_at(value: &Datum, index: &Datum, first: i64) -> Option<Datum> {
    match (value, index) {
        (Datum::Map(pairs), key) => pairs
            .iter()
            .find(|(found, _)| found.order(key).is_some_and(Ordering::is_eq))
            .map(|(_, value)| value.clone()),
        (Datum::List(items), Datum::Int(at)) => {
            let at = match (*at, first) {
                (at @ ..0, 1) => at + i64::try_from(items.len()).ok()?,
                (at, first) => at - first,
            };
            items.get(usize::try_from(at).ok()?).cloned()
        }
        _ => None,
    }
}
