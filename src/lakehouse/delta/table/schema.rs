//! Delta's schemas in JSON, and Arrow's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde_json::{Value, json};

use super::super::columns::in_files;
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

/// A type as Delta's schemas write it.
pub(in super::super) fn kind(kind_of: &DataType) -> Result<Value> {
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

/// In what the columns of rows differ from those of a table, whatever both say about nulls and in whatever order; `None`: in nothing.
pub(super) fn find_difference(rows: &str, table: &str) -> Result<Option<String>> {
    let (rows, table) = (columns(rows)?, columns(table)?);
    let find = |columns: &[Field], name: &str| -> Option<Field> {
        columns.iter().find(|column| column.name() == name).cloned()
    };
    for ours in &rows {
        match find(&table, ours.name()) {
            None => return Ok(Some(format!("it has no column `{}`", ours.name()))),
            Some(theirs) if theirs.data_type() != ours.data_type() => {
                let (is, be) = (kind(theirs.data_type())?, kind(ours.data_type())?);
                return Ok(Some(format!(
                    "its column `{}` has the type {is} where {be} is written",
                    ours.name()
                )));
            }
            Some(_) => {}
        }
    }
    let more = table.iter().find(|theirs| find(&rows, theirs.name()).is_none());
    Ok(more
        .map(|more| format!("it has a column `{}`, for which the rows have nothing", more.name())))
}

/// The columns of a `schemaString` as Arrow's, every one nullable.
pub(super) fn columns(schema: &str) -> Result<Vec<Field>> {
    fields(&parsed(schema)?, CalledAs::OfTable)
}

/// The same under the names that files give them, with their ids.
pub(super) fn columns_in_files(schema: &str) -> Result<Vec<Field>> {
    fields(&parsed(schema)?, CalledAs::OfFiles)
}

/// By which names columns are called.
#[derive(Clone, Copy)]
enum CalledAs {
    OfTable,
    OfFiles,
}

fn parsed(schema: &str) -> Result<Value> {
    serde_json::from_str(schema).map_err(|error| DeltaError::corrupt("the schema", error))
}

fn fields(structure: &Value, names: CalledAs) -> Result<Vec<Field>> {
    let lacks = || DeltaError::corrupt("the schema", "it is no struct with fields");
    structure
        .get("fields")
        .and_then(Value::as_array)
        .ok_or_else(lacks)?
        .iter()
        .map(|field| {
            let name = field.get("name").and_then(Value::as_str).ok_or_else(lacks)?;
            let kind = arrow_called(field.get("type").unwrap_or(&Value::Null), names)?;
            let (in_files, id) = in_files(field);
            Ok(match names {
                CalledAs::OfTable => Field::new(name, kind, true),
                CalledAs::OfFiles => {
                    let id = id.map(|id| (PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string()));
                    Field::new(in_files.unwrap_or(name), kind, true)
                        .with_metadata(HashMap::from_iter(id))
                }
            })
        })
        .collect()
}

/// A type as Delta's schemas write it, as Arrow's, every field of it nullable.
pub(in super::super) fn arrow(kind: &Value) -> Result<DataType> {
    arrow_called(kind, CalledAs::OfTable)
}

fn arrow_called(kind: &Value, names: CalledAs) -> Result<DataType> {
    if let Some(name) = kind.as_str() {
        return primitive(name).ok_or_else(|| unknown(name.to_owned()));
    }
    let part = |name: &str| arrow_called(kind.get(name).unwrap_or(&Value::Null), names);
    match kind.get("type").and_then(Value::as_str) {
        Some("struct") => Ok(DataType::Struct(fields(kind, names)?.into())),
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
