//! The functions that expressions may call.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_arith::boolean::{is_null, or};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, Int32Array, ListArray, MapArray, StringArray, StructArray,
    TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use arrow_select::zip::zip;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono_tz::Tz;
use serde_json::Value;

use super::aggregates::AGGREGATES;
use super::arithmetic::negated;
use super::cast::{cast, moments, moments_of};
use super::compare::orders;
use super::error::{Result, SqlError};
use super::json::read_json;
use super::kind::{self, Kind, is_number, map, of_pairs, timestamp};
use super::lexer;
use super::meet::common_of;
use super::rows::differing;
use super::spell::{ValueStyle, spelled, texts, wire};
use super::within::{found_at, index_of};

/// The functions that there are, besides aggregates and generators.
const UNDERSTOOD: &str = "ABS ARRAY ARRAY_SIZE BASE64 BIGINT CARDINALITY CHAR_LENGTH COALESCE CONCAT CURRENT_CATALOG \
CURRENT_DATABASE CURRENT_DATE CURRENT_SCHEMA CURRENT_TIMESTAMP CURRENT_USER DATE ELEMENT_AT FROM_JSON GET GREATEST IF IFF \
IFNULL INT LCASE LEAST LEN LENGTH LOWER MAP NAMED_STRUCT NOW NVL OCTET_LENGTH SESSION_USER SIZE SPLIT STRING STRUCT \
TIMESTAMP TIMESTAMP_MICROS TIMESTAMP_MILLIS TO_DATE TO_JSON TO_TIMESTAMP TRIM TRY_ELEMENT_AT UCASE UNBASE64 UNIX_MICROS \
UNIX_MILLIS UNIX_SECONDS UNIX_TIMESTAMP UPPER USER";

/// What makes a text a pattern of others.
const PATTERNS: &[char] = &['.', '\\', '+', '*', '?', '[', ']', '(', ')', '{', '}', '^', '$', '|'];

/// Functions that make rows of one value.
pub(super) const GENERATORS: [&str; 2] = ["EXPLODE", "INLINE"];

/// Calls a function of values, for so many rows.
pub(super) fn call(name: &str, args: &[ArrayRef], count: usize, zone: Tz) -> Result<ArrayRef> {
    use Kind::{Binary, List, Map, Null, Utf8};
    let cast_to = |to: &Kind| cast(&args[0], to, zone);
    let kinds: Vec<&Kind> = args.iter().map(|arg| arg.data_type()).collect();
    Ok(match (name, kinds.as_slice()) {
        ("ARRAY", _) => list_of(args, count, zone)?,
        ("MAP", _) => map_of(args, count, zone)?,
        ("GREATEST" | "LEAST", [_, _, ..]) => best(args, name == "GREATEST", zone)?,
        ("TO_JSON", [_, ..]) => texts(&args[0], ValueStyle::Json, zone),
        ("UNBASE64", [Utf8 | Null]) => {
            Arc::new(each::<_, BinaryArray>(&args[0], |text| BASE64.decode(text.trim()).ok()))
        }
        ("BASE64", [Binary]) => Arc::new(wire(&args[0], zone).into_iter().collect::<StringArray>()),
        ("CONCAT", [_, ..]) if !kinds.iter().any(|kind| matches!(kind, List(_) | Binary)) => {
            concatenated(args, count, zone)
        }
        ("LENGTH" | "LEN" | "OCTET_LENGTH", [Binary]) => {
            counted(args[0].as_binary::<i32>().iter().map(|it| Some(it?.len())))
        }
        // Whatever is not made of others is taken for its text.
        ("LOWER" | "LCASE", [kind]) if !kind.is_nested() => changed(&args[0], str::to_lowercase),
        ("UPPER" | "UCASE", [kind]) if !kind.is_nested() => changed(&args[0], str::to_uppercase),
        ("TRIM", [kind]) if !kind.is_nested() => {
            changed(&args[0], |text| text.trim_matches(' ').to_owned())
        }
        ("LENGTH" | "LEN" | "CHAR_LENGTH", [kind]) if !kind.is_nested() => letters(&args[0]),
        ("SIZE" | "CARDINALITY" | "ARRAY_SIZE", [List(_)]) => {
            counted(args[0].as_list::<i32>().iter().map(|it| Some(it?.len())))
        }
        ("SIZE" | "CARDINALITY", [Map(..)]) => {
            counted(args[0].as_map().iter().map(|it| Some(it?.len())))
        }
        ("ELEMENT_AT", [_, _]) => index_of(&args[0], &args[1], 1)?,
        ("TRY_ELEMENT_AT", [List(_) | Map(..), _]) => found_at(&args[0], &args[1], 1)?,
        ("GET", [List(_), _]) => found_at(&args[0], &args[1], 0)?,
        ("SPLIT", [Utf8 | Null, Utf8 | Null]) => split(&args[0], &args[1])?,
        ("TO_TIMESTAMP" | "TIMESTAMP", [_]) => cast_to(&timestamp())?,
        ("TO_DATE" | "DATE", [_]) => cast_to(&Kind::Date32)?,
        ("STRING", [_]) => cast_to(&Utf8)?,
        ("INT", [_]) => cast_to(&Kind::Int32)?,
        ("BIGINT", [_]) => cast_to(&Kind::Int64)?,
        ("TIMESTAMP_MILLIS" | "TIMESTAMP_MICROS", [kind])
            if kind.is_signed_integer() || **kind == Null =>
        {
            moments_since_1970(&cast_to(&Kind::Int64)?, name == "TIMESTAMP_MILLIS")
        }
        ("UNIX_MILLIS", [_]) => since_1970(&moments(&args[0], zone)?, 1000),
        ("UNIX_MICROS", [_]) => since_1970(&moments(&args[0], zone)?, 1),
        ("UNIX_TIMESTAMP" | "UNIX_SECONDS", [_]) => {
            since_1970(&moments(&args[0], zone)?, 1_000_000)
        }
        ("ABS", [Utf8]) => call(name, &[cast_to(&Kind::Float64)?], count, zone)?,
        ("ABS", [kind]) if is_number(kind) => absolute(&args[0], count, zone)?,
        // Nothing is known of what is not known.
        (_, kinds) if is_understood(name) && kinds.contains(&&Null) => new_null_array(&Null, count),
        (_, kinds) => return Err(unresolved(name, kinds)),
    })
}

/// How many letters texts have.
fn letters(values: &ArrayRef) -> ArrayRef {
    let count = |text: &str| i32::try_from(text.chars().count()).ok();
    Arc::new(each::<_, Int32Array>(values, count))
}

/// The texts of values one behind the other, null where one of them is.
fn concatenated(args: &[ArrayRef], count: usize, zone: Tz) -> ArrayRef {
    let parts: Vec<ArrayRef> = args.iter().map(|arg| spelled(arg, zone)).collect();
    let row = |at: usize| -> Option<String> {
        let text = |part: &ArrayRef| {
            part.is_valid(at).then(|| part.as_string::<i32>().value(at).to_owned())
        };
        parts.iter().map(text).collect()
    };
    Arc::new((0..count).map(row).collect::<StringArray>())
}

/// Moments from milliseconds or microseconds since 1970.
fn moments_since_1970(numbers: &ArrayRef, in_millis: bool) -> ArrayRef {
    let by = if in_millis { 1000 } else { 1 };
    let numbers = numbers.as_primitive::<Int64Type>();
    moments_of(numbers.iter().map(|number| number?.checked_mul(by)))
}

/// Numbers without their signs.
fn absolute(numbers: &ArrayRef, count: usize, zone: Tz) -> Result<ArrayRef> {
    let zero: ArrayRef = Arc::new(Int32Array::from(vec![0; count]));
    let below = orders(numbers, &zero, zone)?.into_iter();
    let below = below.map(|it| Some(it == Some(Ordering::Less))).collect();
    Ok(zip(&below, &negated(numbers)?, numbers)?)
}

/// What becomes of each text.
fn each<T, A: FromIterator<Option<T>>>(values: &ArrayRef, change: impl Fn(&str) -> Option<T>) -> A {
    spelled(values, Tz::UTC).as_string::<i32>().iter().map(|text| change(text?)).collect()
}

fn changed(values: &ArrayRef, change: impl Fn(&str) -> String) -> ArrayRef {
    Arc::new(each::<_, StringArray>(values, |text| Some(change(text))))
}

fn counted(counts: impl Iterator<Item = Option<usize>>) -> ArrayRef {
    Arc::new(counts.map(|count| i32::try_from(count?).ok()).collect::<Int32Array>())
}

fn since_1970(moments: &TimestampMicrosecondArray, unit: i64) -> ArrayRef {
    Arc::new(moments.unary::<_, Int64Type>(|micros| micros.div_euclid(unit)))
}

/// Several columns, at least one, as the type that they have in common.
fn in_common(columns: &[ArrayRef], zone: Tz) -> Result<(ArrayRef, Vec<ArrayRef>)> {
    let to = common_of(columns.iter().map(|it| it.data_type()));
    let to = to.ok_or_else(|| differing(columns.iter().map(|it| it.data_type())))?;
    let mut columns = columns.iter().map(|it| cast(it, &to, zone)).collect::<Result<Vec<_>>>()?;
    Ok((columns.remove(0), columns))
}

/// Several columns as one, row by row behind each other.
fn woven(columns: &[ArrayRef], count: usize, zone: Tz) -> Result<ArrayRef> {
    if columns.is_empty() {
        return Ok(new_null_array(&Kind::Null, 0));
    }
    let (first, rest) = in_common(columns, zone)?;
    let places = (0..count).flat_map(|row| (0..columns.len()).map(move |column| (column, row)));
    let arrays: Vec<&dyn Array> = std::iter::once(&first).chain(&rest).map(|it| &**it).collect();
    Ok(interleave(&arrays, &places.collect::<Vec<_>>())?)
}

fn list_of(args: &[ArrayRef], count: usize, zone: Tz) -> Result<ArrayRef> {
    let items = woven(args, count, zone)?;
    let of = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(vec![args.len(); count]);
    Ok(Arc::new(ListArray::try_new(of, offsets, items, None)?))
}

fn map_of(args: &[ArrayRef], count: usize, zone: Tz) -> Result<ArrayRef> {
    if args.len() % 2 == 1 {
        return Err(miscounted("MAP", args.len()));
    }
    let every_other =
        |from: usize| args.iter().skip(from).step_by(2).cloned().collect::<Vec<ArrayRef>>();
    let keys = woven(&every_other(0), count, zone)?;
    let values = woven(&every_other(1), count, zone)?;
    if keys.logical_null_count() > 0 {
        let what = "Cannot use null as map key.";
        return Err(SqlError::new("NULL_MAP_KEY", "2200E", what));
    }
    let Kind::Map(entries, sorted) = map(keys.data_type().clone(), values.data_type().clone())
    else {
        unreachable!("a map is one");
    };
    let Kind::Struct(pair) = entries.data_type() else {
        unreachable!("a map has pairs");
    };
    let told = super::compare::keys(std::slice::from_ref(&keys))?;
    for pairs in told.chunks((args.len() / 2).max(1)) {
        if pairs.iter().collect::<BTreeSet<_>>().len() < pairs.len() {
            let what = "The keys of a map are not all different.";
            return Err(SqlError::new("DUPLICATED_MAP_KEY", "23505", what));
        }
    }
    let length = keys.len();
    let pairs = StructArray::try_new_with_length(pair.clone(), vec![keys, values], None, length)?;
    let offsets = OffsetBuffer::from_lengths(vec![args.len() / 2; count]);
    Ok(Arc::new(MapArray::try_new(entries, offsets, pairs, None, sorted)?))
}

/// The least of some values, or the greatest, in each row; nulls do not count.
fn best(values: &[ArrayRef], greatest: bool, zone: Tz) -> Result<ArrayRef> {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let (first, rest) = in_common(values, zone)?;
    rest.iter().try_fold(first, |best, next| {
        let better = orders(next, &best, zone)?.into_iter().map(|it| Some(it == Some(wanted)));
        Ok(zip(&or(&better.collect(), &is_null(&best)?)?, next, &best)?)
    })
}

fn split(texts: &ArrayRef, by: &ArrayRef) -> Result<ArrayRef> {
    let (texts, by) = (spelled(texts, Tz::UTC), spelled(by, Tz::UTC));
    let (texts, by) = (texts.as_string::<i32>(), by.as_string::<i32>());
    // A pattern is more than a text.
    if by.iter().flatten().any(|by| by.is_empty() || by.contains(PATTERNS)) {
        return Err(SqlError::unsupported("split at a pattern"));
    }
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (text, by) in texts.iter().zip(by) {
        let parts = text.zip(by).map(|(text, by)| text.split(by).map(Some));
        lists.append_option(parts);
    }
    Ok(Arc::new(lists.finish()))
}

/// Reads texts that are JSON.
pub(super) fn from_json(texts: &ArrayRef, kind: &Kind, zone: Tz) -> Result<ArrayRef> {
    if let Some(key) = key_of_no_text(kind) {
        return Err(SqlError::new(
            "INVALID_JSON_SCHEMA_MAP_TYPE",
            "22032",
            format!("A MAP in JSON has keys of the type \"STRING\", not \"{}\".", kind::sql(key)),
        ));
    }
    let read: Vec<Option<Value>> = each(texts, |text| serde_json::from_str(text).ok());
    let read: Vec<&Value> = read.iter().map(|it| it.as_ref().unwrap_or(&Value::Null)).collect();
    read_json(kind, &read, zone)
}

/// The type of a map's keys that are no texts.
fn key_of_no_text(kind: &Kind) -> Option<&Kind> {
    match kind {
        Kind::List(of) => key_of_no_text(of.data_type()),
        Kind::Struct(fields) => fields.iter().find_map(|it| key_of_no_text(it.data_type())),
        Kind::Map(entries, _) => match of_pairs(entries) {
            (Kind::Utf8, value) => key_of_no_text(value),
            (key, _) => Some(key),
        },
        _ => None,
    }
}

fn is_understood(name: &str) -> bool {
    UNDERSTOOD.split(' ').any(|known| known == name)
}

/// Why a function is not there for any values; nothing where it is.
pub(super) fn unknown(name: &str) -> Option<SqlError> {
    let known = is_understood(name) || AGGREGATES.contains(&name) || GENERATORS.contains(&name);
    let lower = name.to_lowercase();
    (!known && name != "AS").then(|| SqlError::unsupported(format!("the function {lower}")))
}

/// Why a call came to nothing: a warehouse may know a function that is unknown here, and take other values.
fn unresolved(name: &str, kinds: &[&Kind]) -> SqlError {
    let lower = name.to_lowercase();
    if GENERATORS.contains(&name) {
        return SqlError::unsupported(format!("{lower} within an expression"));
    }
    if let Some(error) = unknown(name) {
        return error;
    }
    let kinds: Vec<String> = kinds.iter().map(|kind| kind::sql(kind)).collect();
    SqlError::unsupported(format!("the function {lower}({})", kinds.join(", ")))
}

pub(super) fn miscounted(name: &str, args: usize) -> SqlError {
    SqlError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "42605",
        format!(
            "The {} function has {args} arguments, which is not what it takes.",
            name.to_lowercase()
        ),
    )
}

/// A type as `from_json` takes it: `array<struct<a:int>>`, or columns `a INT, b STRING`.
pub(super) fn kind_of(schema: &str) -> Result<Kind> {
    let columns = lexer::tokens(schema)?;
    let made_of_others = schema.trim_start().to_ascii_uppercase();
    let whole = ["ARRAY", "MAP", "STRUCT"].iter().any(|name| made_of_others.starts_with(name))
        || columns.len() == 1;
    if whole {
        super::parser::parse_kind(schema)
    } else {
        super::parser::parse_kind(&format!("struct<{schema}>"))
    }
}

/// The columns that a generator makes of values, with the row that each of their values is from.
pub(super) fn generate(
    name: &str,
    values: &ArrayRef,
) -> Result<(Vec<(String, ArrayRef)>, UInt32Array)> {
    let named = |names: [&str; 2], columns: Vec<ArrayRef>| {
        names.map(str::to_owned).into_iter().zip(columns).collect::<Vec<_>>()
    };
    let offsets = match (name, values.data_type()) {
        ("EXPLODE" | "INLINE", Kind::List(_)) => values.as_list::<i32>().value_offsets().to_vec(),
        ("EXPLODE", Kind::Map(..)) => values.as_map().value_offsets().to_vec(),
        (_, kind) if *kind != Kind::Null => {
            let (name, kind) = (name.to_lowercase(), kind::sql(kind));
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "42K09",
                format!("{name} takes an array or a map, and \"{kind}\" was given."),
            ));
        }
        _ => {
            let none = named(["col", ""], vec![new_null_array(&Kind::Null, 0)]);
            return Ok((none, UInt32Array::from(Vec::<u32>::new())));
        }
    };
    let row =
        |at: usize| offsets[at]..if values.is_null(at) { offsets[at] } else { offsets[at + 1] };
    let rows = (0..values.len()).flat_map(|at| row(at).map(move |_| at as u32)).collect();
    let items = (0..values.len()).flat_map(row).map(|at| at.unsigned_abs());
    let items: UInt32Array = items.collect();
    let columns = match values.data_type() {
        Kind::Map(..) => {
            let map = values.as_map();
            let parts = [map.keys(), map.values()].map(|it| take(it, &items, None));
            named(["key", "value"], parts.into_iter().collect::<Result<_, _>>()?)
        }
        _ => {
            let items = take(values.as_list::<i32>().values(), &items, None)?;
            match items.data_type() {
                Kind::Struct(fields) if name == "INLINE" => fields
                    .iter()
                    .map(|it| Ok((it.name().clone(), super::within::member(&items, it.name())?)))
                    .collect::<Result<_>>()?,
                _ => named(["col", ""], vec![items]),
            }
        }
    };
    Ok((columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_function() {
        let page = include_str!("../../../docs/sandbox.md");
        for name in UNDERSTOOD.split(' ').chain(AGGREGATES).chain(GENERATORS) {
            let name = name.to_lowercase();
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
