//! Types of SQL are Arrow's: what they are called, in SQL and in results, and how tables keep them.

use std::sync::Arc;

use arrow_schema::{Field, Fields, Schema, TimeUnit};
use serde_json::Value;

use crate::lakehouse::delta;

/// A type.
pub(in crate::sandbox) use arrow_schema::DataType as Kind;

/// The most digits that a decimal has.
pub(super) const PRECISION_MAX: u8 = 38;

/// `TIMESTAMP_NTZ`: a date and a time of day, in no zone.
pub(super) const LOCAL: Kind = Kind::Timestamp(TimeUnit::Microsecond, None);

/// `TIMESTAMP`: a moment.
pub(super) fn timestamp() -> Kind {
    Kind::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(super) fn list(of: Kind) -> Kind {
    Kind::new_list(of, true)
}

pub(super) fn map(key: Kind, value: Kind) -> Kind {
    let pair = [Field::new("key", key, false), Field::new("value", value, true)];
    let pair = Kind::Struct(pair.into_iter().collect());
    Kind::Map(Arc::new(Field::new("key_value", pair, false)), false)
}

pub(super) fn structure<N: Into<String>>(fields: impl IntoIterator<Item = (N, Kind)>) -> Kind {
    Kind::Struct(fields.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect())
}

/// The types of a map's keys and values.
pub(super) fn of_pairs(entries: &Field) -> (&Kind, &Kind) {
    match entries.data_type() {
        Kind::Struct(pair) if pair.len() == 2 => (pair[0].data_type(), pair[1].data_type()),
        other => (other, other),
    }
}

/// A type by its name in SQL, without those made of others.
pub(super) fn named(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_uppercase().as_str() {
        "BOOLEAN" => Kind::Boolean,
        "TINYINT" | "BYTE" => Kind::Int8,
        "SMALLINT" | "SHORT" => Kind::Int16,
        "INT" | "INTEGER" => Kind::Int32,
        "BIGINT" | "LONG" => Kind::Int64,
        "FLOAT" | "REAL" => Kind::Float32,
        "DOUBLE" => Kind::Float64,
        "DECIMAL" | "DEC" | "NUMERIC" => Kind::Decimal128(10, 0),
        "STRING" | "VARCHAR" | "CHAR" => Kind::Utf8,
        "BINARY" => Kind::Binary,
        "DATE" => Kind::Date32,
        "TIMESTAMP" => timestamp(),
        "TIMESTAMP_NTZ" => LOCAL,
        "VOID" => Kind::Null,
        _ => return None,
    })
}

/// Why there is no decimal type of this many digits; nothing where there is.
pub(super) fn misshapen(precision: u8, scale: i8) -> Option<String> {
    if precision > PRECISION_MAX {
        return Some(format!(
            "Decimal precision {precision} exceeds max precision {PRECISION_MAX}."
        ));
    }
    (i16::from(scale) > i16::from(precision))
        .then(|| format!("Decimal scale {scale} cannot be greater than precision {precision}."))
}

pub(super) fn is_number(kind: &Kind) -> bool {
    as_decimal(kind).is_some() || matches!(kind, Kind::Float32 | Kind::Float64)
}

/// The digits of a decimal that has all values of an exact type, and how many of them come after the point.
pub(super) fn as_decimal(kind: &Kind) -> Option<(u8, i8)> {
    match *kind {
        Kind::Int8 => Some((3, 0)),
        Kind::Int16 => Some((5, 0)),
        Kind::Int32 => Some((10, 0)),
        Kind::Int64 => Some((20, 0)),
        Kind::Decimal128(precision, scale) => Some((precision, scale)),
        _ => None,
    }
}

/// The type as SQL writes it.
pub(in crate::sandbox) fn sql(kind: &Kind) -> String {
    write_kind(kind, [": ", ", "], str::to_owned)
}

/// The type as catalogs and DESCRIBE write it.
pub(super) fn in_catalog(kind: &Kind) -> String {
    write_kind(kind, [":", ","], str::to_lowercase)
}

/// The type with these between fields and kinds; words are cased, fields are called as they are.
fn write_kind(kind: &Kind, [colon, comma]: [&str; 2], cased: fn(&str) -> String) -> String {
    let inner = |kind: &Kind| write_kind(kind, [colon, comma], cased);
    let word = match kind {
        Kind::Null => "VOID",
        Kind::Int8 => "TINYINT",
        Kind::Int16 => "SMALLINT",
        Kind::Int64 => "BIGINT",
        kind => type_name(kind),
    };
    let of = match kind {
        Kind::Decimal128(precision, scale) => format!("({precision},{scale})"),
        Kind::List(of) => format!("<{}>", inner(of.data_type())),
        Kind::Map(entries, _) => {
            let (key, value) = of_pairs(entries);
            format!("<{}{comma}{}>", inner(key), inner(value))
        }
        Kind::Struct(fields) => {
            let field = |it: &Arc<Field>| format!("{}{colon}{}", it.name(), inner(it.data_type()));
            format!("<{}>", fields.iter().map(field).collect::<Vec<_>>().join(comma))
        }
        _ => String::new(),
    };
    cased(word) + &of
}

/// The name by which results announce it.
pub(in crate::sandbox) fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "NULL",
        Kind::Boolean => "BOOLEAN",
        Kind::Int8 => "BYTE",
        Kind::Int16 => "SHORT",
        Kind::Int32 => "INT",
        Kind::Int64 => "LONG",
        Kind::Float32 => "FLOAT",
        Kind::Float64 => "DOUBLE",
        Kind::Decimal128(..) => "DECIMAL",
        Kind::Binary => "BINARY",
        Kind::Date32 => "DATE",
        Kind::Timestamp(_, Some(_)) => "TIMESTAMP",
        Kind::Timestamp(_, None) => "TIMESTAMP_NTZ",
        Kind::List(_) => "ARRAY",
        Kind::Map(..) => "MAP",
        Kind::Struct(_) => "STRUCT",
        _ => "STRING",
    }
}

/// The columns of a `schemaString` that was read; a type that is not known reads as text.
pub(in crate::sandbox) fn fields_of_delta(schema: &Value) -> Vec<(String, Kind)> {
    let fields = schema.get("fields").and_then(Value::as_array);
    let column = |field: &Value| {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let kind = delta::arrow_type(field.get("type").unwrap_or(&Value::Null));
        (name.to_owned(), kind.unwrap_or(Kind::Utf8))
    };
    fields.into_iter().flatten().map(column).collect()
}

/// The type as Delta's schemas write it.
pub(in crate::sandbox) fn delta(kind: &Kind) -> Value {
    delta::type_of(&stored(kind)).expect("what we call a type is one of Delta's")
}

/// The type that values of a type are stored and sent with: where none is known, texts.
pub(in crate::sandbox) fn stored(kind: &Kind) -> Kind {
    let field = |it: &Arc<Field>| it.as_ref().clone().with_data_type(stored(it.data_type()));
    match kind {
        Kind::Null => Kind::Utf8,
        Kind::List(of) => Kind::List(field(of).into()),
        Kind::Map(entries, sorted) => Kind::Map(field(entries).into(), *sorted),
        Kind::Struct(fields) => Kind::Struct(fields.iter().map(field).collect::<Fields>()),
        kind => kind.clone(),
    }
}

/// Columns as Arrow's.
pub(in crate::sandbox) fn arrow_schema(columns: &[(String, Kind)]) -> Schema {
    let field = |(name, kind): &(String, Kind)| Field::new(name, stored(kind), true);
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}
