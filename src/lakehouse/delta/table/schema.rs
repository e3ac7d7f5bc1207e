//! Delta's schemas in JSON, and Arrow's.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use serde_json::{Value, json};

use super::super::error::{DeltaError, Result};

/// Writes an Arrow schema as Delta's `schemaString`.
pub fn schema_string(schema: &Schema) -> Result<String> {
    Ok(structure(schema.fields())?.to_string())
}

fn structure(fields: &Fields) -> Result<Value> {
    let fields = fields.iter().map(|field| {
        let kind = kind(field.data_type())?;
        Ok(json!({ "name": field.name(), "type": kind, "nullable": field.is_nullable(), "metadata": {} }))
    });
    Ok(json!({ "type": "struct", "fields": fields.collect::<Result<Vec<Value>>>()? }))
}

fn kind(kind_of: &DataType) -> Result<Value> {
    Ok(match kind_of {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "byte".into(),
        DataType::Int16 => "short".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "long".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Binary | DataType::LargeBinary => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".into(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})").into(),
        DataType::Struct(fields) => structure(fields)?,
        DataType::List(item) => {
            json!({ "type": "array", "elementType": kind(item.data_type())?, "containsNull": item.is_nullable() })
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(unknown(kind_of.to_string()));
            };
            json!({
                "type": "map",
                "keyType": kind(pair[0].data_type())?,
                "valueType": kind(pair[1].data_type())?,
                "valueContainsNull": pair[1].is_nullable(),
            })
        }
        other => return Err(unknown(other.to_string())),
    })
}

/// A `schemaString` with a nullable column more; `None`: it has one of that name there.
///
/// The path goes through structs by their fields' names and through arrays by `element`.
pub(super) fn with_column(
    schema: &str,
    path: &[String],
    kind_of: &DataType,
) -> Result<Option<String>> {
    let corrupt = |error: &dyn std::fmt::Display| DeltaError::corrupt("the schema", error);
    let mut schema: Value = serde_json::from_str(schema).map_err(|error| corrupt(&error))?;
    let Some((name, above)) = path.split_last() else {
        return Ok(None);
    };
    let mut at = &mut schema;
    for step in above {
        let found = match at.get("type").and_then(Value::as_str) {
            Some("array") if step == "element" => at.get_mut("elementType"),
            _ => field_of(at, step).and_then(|field| field.get_mut("type")),
        };
        at = found.ok_or_else(|| corrupt(&format!("it has no {}", path.join("."))))?;
    }
    if field_of(at, name).is_some() {
        return Ok(None);
    }
    let fields = at.get_mut("fields").and_then(Value::as_array_mut);
    let fields = fields.ok_or_else(|| corrupt(&"it is no struct with fields"))?;
    fields.push(json!({ "name": name, "type": kind(kind_of)?, "nullable": true, "metadata": {} }));
    Ok(Some(schema.to_string()))
}

/// A field of a struct; names differ in more than case.
fn field_of<'a>(structure: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let fields = structure.get_mut("fields").and_then(Value::as_array_mut)?;
    fields.iter_mut().find(|field| {
        let named = field.get("name").and_then(Value::as_str);
        named.is_some_and(|named| named.eq_ignore_ascii_case(name))
    })
}

/// Whether a type has times without a zone in it, which only readers of a feature read.
pub(super) fn has_local_times(kind: &DataType) -> bool {
    match kind {
        DataType::Timestamp(_, None) => true,
        DataType::Struct(fields) => fields.iter().any(|it| has_local_times(it.data_type())),
        DataType::List(of) | DataType::Map(of, _) => has_local_times(of.data_type()),
        _ => false,
    }
}

fn unknown(kind: String) -> DeltaError {
    DeltaError::feature(format!("type {kind}"), "drsync does not write or read rows of it")
}

/// Whether two schemas have the same columns, whatever they say about nulls and in whatever order.
pub(super) fn same_columns(one: &str, other: &str) -> bool {
    let named = |text: &str| -> Option<Vec<(String, DataType)>> {
        let mut columns: Vec<_> = columns(text)
            .ok()?
            .into_iter()
            .map(|field| (field.name().clone(), field.data_type().clone()))
            .collect();
        columns.sort_by(|one, other| one.0.cmp(&other.0));
        Some(columns)
    };
    named(one).is_some_and(|one| Some(one) == named(other))
}

/// The columns of a `schemaString` as Arrow's, every one nullable.
pub(super) fn columns(schema: &str) -> Result<Vec<Field>> {
    let schema: Value =
        serde_json::from_str(schema).map_err(|error| DeltaError::corrupt("the schema", error))?;
    fields(&schema)
}

fn fields(structure: &Value) -> Result<Vec<Field>> {
    let lacks = || DeltaError::corrupt("the schema", "it is no struct with fields");
    structure
        .get("fields")
        .and_then(Value::as_array)
        .ok_or_else(lacks)?
        .iter()
        .map(|field| {
            let name = field.get("name").and_then(Value::as_str).ok_or_else(lacks)?;
            Ok(Field::new(name, arrow(field.get("type").unwrap_or(&Value::Null))?, true))
        })
        .collect()
}

/// A type as Delta's schemas write it, as Arrow's, every field of it nullable.
pub(in super::super) fn arrow(kind: &Value) -> Result<DataType> {
    if let Some(name) = kind.as_str() {
        return primitive(name).ok_or_else(|| unknown(name.to_owned()));
    }
    let part = |name: &str| arrow(kind.get(name).unwrap_or(&Value::Null));
    match kind.get("type").and_then(Value::as_str) {
        Some("struct") => Ok(DataType::Struct(fields(kind)?.into())),
        Some("array") => Ok(DataType::new_list(part("elementType")?, true)),
        Some("map") => {
            let pair = Fields::from(vec![
                Field::new("key", part("keyType")?, false),
                Field::new("value", part("valueType")?, true),
            ]);
            Ok(DataType::Map(
                Arc::new(Field::new("key_value", DataType::Struct(pair), false)),
                false,
            ))
        }
        _ => Err(unknown(kind.to_string())),
    }
}

fn primitive(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Boolean,
        "byte" => DataType::Int8,
        "short" => DataType::Int16,
        "integer" => DataType::Int32,
        "long" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
        decimal => {
            let (precision, scale) =
                decimal.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            DataType::Decimal128(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
        }
    })
}
