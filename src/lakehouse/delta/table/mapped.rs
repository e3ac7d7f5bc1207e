//! Rows between a table and its files, where files call columns by names of their own.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, ListArray, MapArray, RecordBatch, StructArray, new_null_array,
};
use arrow_schema::{DataType, Field, Fields, Schema};

use super::super::action::Metadata;
use super::super::error::{DeltaError, Result};
use super::schema;

/// A column as its table has it, and as its files do.
pub(super) struct Mapped {
    pub(super) in_table: Field,
    pub(super) in_files: Field,
    /// The two may differ.
    differ: bool,
}

/// The columns of a table. A mode in which files tell columns by their ids is refused.
pub(super) fn columns(metadata: &Metadata) -> Result<Vec<Mapped>> {
    let mode = metadata.column_mapping_mode();
    if !matches!(mode.as_str(), "none" | "name") {
        let why = "drsync reads and writes rows by the names of columns only";
        return Err(DeltaError::feature(format!("column mapping by {mode}"), why));
    }
    let differ = metadata.maps_columns();
    let in_table = schema::columns(metadata.schema_string())?;
    let in_files =
        if differ { schema::columns_in_files(metadata.schema_string())? } else { in_table.clone() };
    let both = in_table.into_iter().zip(in_files);
    Ok(both.map(|(in_table, in_files)| Mapped { in_table, in_files, differ }).collect())
}

impl Mapped {
    /// A file's column as the table has it.
    pub(super) fn read(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if self.differ { shaped(array, &self.in_files, &self.in_table) } else { Ok(array.clone()) }
    }
}

/// Rows of a table as its files have them; columns by which it is partitioned are not among them.
///
/// # Errors
/// If files tell columns by their ids.
pub fn as_in_files(metadata: &Metadata, rows: RecordBatch) -> Result<RecordBatch> {
    if !metadata.maps_columns() {
        return Ok(rows);
    }
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for column in columns(metadata)? {
        let Some(array) = rows.column_by_name(column.in_table.name()) else {
            continue;
        };
        let array = shaped(array, &column.in_table, &column.in_files)?;
        fields.push(field(&column.in_files, &array));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(unlike)
}

/// What files call a column of a table.
pub fn name_in_files(metadata: &Metadata, column: &str) -> String {
    let columns = columns(metadata).unwrap_or_default();
    let found = columns.into_iter().find(|it| it.in_table.name() == column);
    found.map_or_else(|| column.to_owned(), |it| it.in_files.name().clone())
}

/// The columns that files of a table have, those left out by which it is partitioned.
pub(in super::super) struct FileRows(Vec<Field>);

impl FileRows {
    pub(in super::super) fn of(metadata: &Metadata) -> Result<FileRows> {
        let partitioned = metadata.partition_columns();
        let columns = columns(metadata)?.into_iter();
        let own = columns.filter(|it| !partitioned.contains(&it.in_table.name().as_str()));
        Ok(FileRows(own.map(|it| it.in_files).collect()))
    }

    /// The rows of a file with all of them: null where it is older than the column.
    pub(in super::super) fn arranged(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for column in &self.0 {
            let array = match rows.column_by_name(column.name()) {
                Some(array) => shaped(array, column, column)?,
                None => new_null_array(column.data_type(), rows.num_rows()),
            };
            fields.push(field(column, &array));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(unlike)
    }
}

fn field(like: &Field, array: &ArrayRef) -> Field {
    Field::new(like.name(), array.data_type().clone(), true).with_metadata(like.metadata().clone())
}

fn unlike(error: arrow_schema::ArrowError) -> DeltaError {
    DeltaError::corrupt("a data file", error)
}

/// A column under the names that another field has for it and its parts; a part that it lacks is null.
///
/// The two fields are of one schema, so their parts stand in one order.
fn shaped(array: &ArrayRef, from: &Field, to: &Field) -> Result<ArrayRef> {
    let other = || {
        let why = "its files have it in a form that drsync does not read rows of";
        DeltaError::feature(format!("column {}", to.name()), why)
    };
    Ok(match (from.data_type(), to.data_type()) {
        (DataType::Struct(from), DataType::Struct(to)) => {
            let array = array.as_struct_opt().ok_or_else(other)?;
            let mut fields = Vec::new();
            let mut parts = Vec::new();
            for (from, to) in from.iter().zip(to) {
                let part = match array.column_by_name(from.name()) {
                    Some(part) => shaped(part, from, to)?,
                    None => new_null_array(to.data_type(), array.len()),
                };
                fields.push(field(to, &part));
                parts.push(part);
            }
            let nulls = array.nulls().cloned();
            Arc::new(StructArray::try_new(Fields::from(fields), parts, nulls).map_err(unlike)?)
        }
        (DataType::List(from), DataType::List(to)) => {
            let array = array.as_list_opt::<i32>().ok_or_else(other)?;
            let items = shaped(array.values(), from, to)?;
            let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
            let item = Arc::new(field(to, &items));
            Arc::new(ListArray::try_new(item, offsets, items, nulls).map_err(unlike)?)
        }
        (DataType::Map(from, _), DataType::Map(to, _)) => {
            let array = array.as_map_opt().ok_or_else(other)?;
            let (DataType::Struct(from), DataType::Struct(to)) = (from.data_type(), to.data_type())
            else {
                return Err(other());
            };
            let keys = shaped(array.keys(), &from[0], &to[0])?;
            let values = shaped(array.values(), &from[1], &to[1])?;
            let pair = Fields::from(vec![
                Field::new(to[0].name(), keys.data_type().clone(), false),
                field(&to[1], &values),
            ]);
            let pairs = StructArray::try_new(pair, vec![keys, values], None).map_err(unlike)?;
            let entries = Arc::new(Field::new("key_value", pairs.data_type().clone(), false));
            let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
            Arc::new(MapArray::try_new(entries, offsets, pairs, nulls, false).map_err(unlike)?)
        }
        _ => array.clone(),
    })
}
