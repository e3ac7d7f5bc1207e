//! Builds worlds: writes Delta tables as a workspace would, and edits its catalog and workflows.
//!
//! For tests, the demo and the sandbox; a synchronization writes by other ways.

mod files;
mod table;
mod workspace;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde_json::Value;

pub use table::Table;
pub use workspace::Workspace;

use super::delta::DeltaError;

/// Columns from names and types: `string`, `bigint`, `int`, `double`, `boolean`, `date`, `timestamp`.
///
/// # Errors
/// If a type is none of these.
pub fn columns(columns: &[(&str, &str)]) -> Result<Schema, DeltaError> {
    let column = |(name, kind): &(&str, &str)| match data_type(kind) {
        Some(kind) => Ok(Field::new(*name, kind, true)),
        None => Err(DeltaError::Unsupported {
            location: format!("column {name}"),
            why: format!("rows of type {kind} are not written here"),
        }),
    };
    Ok(Schema::new(columns.iter().map(column).collect::<Result<Vec<_>, _>>()?))
}

/// A type by its name in SQL or in Delta's schemas.
fn data_type(name: &str) -> Option<DataType> {
    Some(match name {
        "string" => DataType::Utf8,
        "bigint" | "long" => DataType::Int64,
        "int" | "integer" => DataType::Int32,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => return None,
    })
}

/// A column's type as Delta's schemas write it, lists and structures too.
fn column_type(kind: &Value) -> Option<DataType> {
    match (kind, kind.get("type").and_then(Value::as_str)) {
        (Value::String(name), _) => data_type(name),
        (_, Some("array")) => {
            let element = column_type(kind.get("elementType")?)?;
            let field = Field::new("element", element, true);
            Some(DataType::List(std::sync::Arc::new(field)))
        }
        (_, Some("struct")) => {
            let fields = kind.get("fields")?.as_array()?.iter().map(|field| {
                let name = field.get("name")?.as_str()?;
                Some(Field::new(name, column_type(field.get("type")?)?, true))
            });
            Some(DataType::Struct(fields.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Rows from JSON objects, one a row; a column that an object lacks is null.
///
/// # Errors
/// If a value is not of its column's type.
pub fn rows(schema: &Schema, rows: &[Value]) -> Result<RecordBatch, DeltaError> {
    super::records::to_batch(schema.clone(), rows)
}
