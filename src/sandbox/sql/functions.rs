//! The functions that expressions may call.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_arith::aggregate::sum_checked;
use arrow_arith::boolean::{is_not_null, is_null, or};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array,
    Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray,
    UInt32Array, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, SortOptions};
use arrow_select::concat::concat;
use arrow_select::filter::filter;
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use arrow_select::zip::zip;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono_tz::Tz;
use serde_json::Value;

use super::arithmetic::{self, calculated, negated, overflow};
use super::cast::{cast, moments, moments_of};
use super::compare::{keys, orders, sorted};
use super::error::{Result, SqlError};
use super::json::read_json;
use super::kind::{self, Kind, PRECISION_MAX, is_number, map, timestamp};
use super::lexer;
use super::meet::common_of;
use super::rows::differing;
use super::spell::{Style, spelled, texts, wire};
use super::within::{found_at, index_of};

/// Functions over the rows of a group.
pub(super) const AGGREGATES: [&str; 7] =
    ["COUNT", "SUM", "MIN", "MAX", "AVG", "COLLECT_LIST", "ANY_VALUE"];

/// The functions that there are.
const UNDERSTOOD: &str = "abs, array, base64, coalesce, concat, current_catalog, current_date, current_schema, \
current_timestamp, current_user, element_at, from_json, get, greatest, if, least, length, lower, map, named_struct, \
size, split, struct, timestamp_micros, timestamp_millis, to_date, to_json, to_timestamp, trim, try_element_at, unbase64, \
unix_micros, unix_millis, unix_timestamp, upper, and over rows any_value, avg, collect_list, count, max, min and sum";

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
        ("TO_JSON", [_, ..]) => texts(&args[0], Style::Json, zone),
        ("UNBASE64", [Utf8 | Null]) => {
            Arc::new(each::<_, BinaryArray>(&args[0], |text| BASE64.decode(text.trim()).ok()))
        }
        ("BASE64", [Binary]) => Arc::new(wire(&args[0], zone).into_iter().collect::<StringArray>()),
        ("CONCAT", [_, ..]) if !kinds.iter().any(|kind| matches!(kind, List(_))) => {
            let parts: Vec<ArrayRef> = args.iter().map(|arg| spelled(arg, zone)).collect();
            let row = |at: usize| -> Option<String> {
                let text = |part: &ArrayRef| {
                    part.is_valid(at).then(|| part.as_string::<i32>().value(at).to_owned())
                };
                parts.iter().map(text).collect()
            };
            Arc::new((0..count).map(row).collect::<StringArray>())
        }
        ("LOWER" | "LCASE", [Utf8 | Null]) => changed(&args[0], str::to_lowercase),
        ("UPPER" | "UCASE", [Utf8 | Null]) => changed(&args[0], str::to_uppercase),
        ("TRIM", [Utf8 | Null]) => changed(&args[0], |text| text.trim_matches(' ').to_owned()),
        ("LENGTH" | "LEN" | "CHAR_LENGTH", [Utf8 | Null]) => {
            Arc::new(each::<_, Int32Array>(&args[0], |text| {
                i32::try_from(text.chars().count()).ok()
            }))
        }
        ("LENGTH" | "LEN" | "OCTET_LENGTH", [Binary]) => {
            counted(args[0].as_binary::<i32>().iter().map(|it| Some(it?.len())))
        }
        ("SIZE" | "CARDINALITY" | "ARRAY_SIZE", [List(_)]) => {
            counted(args[0].as_list::<i32>().iter().map(|it| Some(it?.len())))
        }
        ("SIZE" | "CARDINALITY", [Map(..)]) => {
            counted(args[0].as_map().iter().map(|it| Some(it?.len())))
        }
        ("ELEMENT_AT", [_, _]) => index_of(&args[0], &args[1], 1)?,
        ("TRY_ELEMENT_AT", [List(_) | Map(..), _]) => found_at(&args[0], &args[1], 1)?,
        ("GET", [List(_), _]) => found_at(&args[0], &args[1], 0)?,
        ("SPLIT", [Utf8 | Null, Utf8 | Null]) => {
            split(&args[0], &args[1]).ok_or_else(|| unresolved(name, args.len()))?
        }
        ("TO_TIMESTAMP" | "TIMESTAMP", [_]) => cast_to(&timestamp())?,
        ("TO_DATE" | "DATE", [_]) => cast_to(&Kind::Date32)?,
        ("STRING", [_]) => cast_to(&Utf8)?,
        ("INT", [_]) => cast_to(&Kind::Int32)?,
        ("BIGINT", [_]) => cast_to(&Kind::Int64)?,
        ("TIMESTAMP_MILLIS" | "TIMESTAMP_MICROS", [kind])
            if kind.is_signed_integer() || **kind == Null =>
        {
            let by = if name == "TIMESTAMP_MILLIS" { 1000 } else { 1 };
            let numbers = cast_to(&Kind::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>();
            moments_of(numbers.iter().map(|number| number?.checked_mul(by)))
        }
        ("UNIX_MILLIS", [_]) => since_1970(&moments(&args[0], zone)?, 1000),
        ("UNIX_MICROS", [_]) => since_1970(&moments(&args[0], zone)?, 1),
        ("UNIX_TIMESTAMP" | "UNIX_SECONDS", [_]) => {
            since_1970(&moments(&args[0], zone)?, 1_000_000)
        }
        ("ABS", [kind]) if is_number(kind) => {
            let zero: ArrayRef = Arc::new(Int32Array::from(vec![0; count]));
            let below = orders(&args[0], &zero, zone)?.into_iter();
            let below = below.map(|it| Some(it == Some(Ordering::Less))).collect();
            zip(&below, &negated(&args[0])?, &args[0])?
        }
        // Nothing is known of what is not known.
        (_, kinds) if is_understood(name) && kinds.contains(&&Null) => new_null_array(&Null, count),
        _ => return Err(unresolved(name, args.len())),
    })
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

fn split(texts: &ArrayRef, by: &ArrayRef) -> Option<ArrayRef> {
    let (texts, by) = (spelled(texts, Tz::UTC), spelled(by, Tz::UTC));
    let (texts, by) = (texts.as_string::<i32>(), by.as_string::<i32>());
    // A pattern is more than a text.
    if by.iter().flatten().any(|by| by.is_empty() || by.contains(PATTERNS)) {
        return None;
    }
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (text, by) in texts.iter().zip(by) {
        let parts = text.zip(by).map(|(text, by)| text.split(by).map(Some));
        lists.append_option(parts);
    }
    Some(Arc::new(lists.finish()))
}

/// Reads texts that are JSON.
pub(super) fn from_json(texts: &ArrayRef, kind: &Kind, zone: Tz) -> Result<ArrayRef> {
    let read: Vec<Option<Value>> = each(texts, |text| serde_json::from_str(text).ok());
    let read: Vec<&Value> = read.iter().map(|it| it.as_ref().unwrap_or(&Value::Null)).collect();
    read_json(kind, &read, zone)
}

fn is_understood(name: &str) -> bool {
    let lower = name.to_lowercase();
    UNDERSTOOD.split([',', ' ', '\n']).any(|known| known == lower)
}

/// Why a call came to nothing: a warehouse may know a function that is unknown here, or take other values.
fn unresolved(name: &str, args: usize) -> SqlError {
    let lower = name.to_lowercase();
    if GENERATORS.contains(&name) {
        return SqlError::unsupported(format!("{lower} within an expression"));
    }
    if !is_understood(name) {
        return SqlError::unsupported(format!("the function {lower}"));
    }
    let what = format!("Cannot resolve routine `{lower}` with these {args} arguments.");
    SqlError::new("UNRESOLVED_ROUTINE", "42883", what)
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

/// An aggregate of the values of a group, as one value.
pub(super) fn aggregate(name: &str, values: &ArrayRef, distinct: bool) -> Result<ArrayRef> {
    let of = values.data_type();
    let mut known = filter(values, &is_not_null(values)?)?;
    if distinct {
        let mut seen = std::collections::BTreeSet::new();
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
pub(super) fn aggregates(
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
