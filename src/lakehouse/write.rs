//! Builds worlds: writes Delta tables as a workspace would, and edits its catalog and workflows.
//!
//! For tests, the demo and the sandbox; a synchronization writes by other ways.

mod files;
mod table;
mod workspace_folder;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use serde_json::Value;

pub use table::WritableTable;
pub use workspace_folder::WorkspaceFolder;

use super::delta::{self, DeltaError};

/// Columns from names and types: `string`, `bigint`, `int`, `double`, `boolean`, `date`, `timestamp`.
///
/// # Errors
/// If a type is none of these.
pub fn columns(columns: &[(&str, &str)]) -> Result<Schema, DeltaError> {
    let column = |(name, kind): &(&str, &str)| {
        // Two of them have another name in Delta's schemas.
        let kind = match *kind {
            "bigint" => "long",
            "int" => "integer",
            kind => kind,
        };
        Ok(Field::new(*name, delta::arrow_type(&kind.into())?, true))
    };
    Ok(Schema::new(columns.iter().map(column).collect::<Result<Vec<_>, _>>()?))
}

/// Rows from JSON objects, one a row; a column that an object lacks is null.
///
/// # Errors
/// If a value is not of its column's type.
pub fn rows(schema: &Schema, rows: &[Value]) -> Result<RecordBatch, DeltaError> {
    super::records::to_batch(schema.clone(), rows)
}
