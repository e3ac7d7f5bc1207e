//! Columns of `sync_metadata` that this version does not write, as a later version or somebody else gave it: their values stay with
//! the rows of their groups.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, Field, Schema};
use arrow_select::concat::concat;
use arrow_select::take::take;

use super::super::delta::DeltaError;
use super::columns::sync_metadata;

/// The values of those columns in rows as they were read, in the types of the table.
pub(super) fn take_others(table: &Schema, rows: &[RecordBatch]) -> Result<RecordBatch, DeltaError> {
    let count = rows.iter().map(RecordBatch::num_rows).sum();
    let columns = table.fields().iter().filter(|field| is_of_others(field));
    let values = columns.map(|field| {
        let parts = rows.iter().map(|batch| {
            let column = batch.column_by_name(field.name());
            let lacks = || ArrowError::SchemaError(format!("no column {}", field.name()));
            cast(column.ok_or_else(lacks)?, field.data_type())
        });
        let parts = parts.collect::<Result<Vec<ArrayRef>, _>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(|part| &**part).collect();
        Ok((
            field.clone(),
            if parts.is_empty() {
                arrow_array::new_empty_array(field.data_type())
            } else {
                concat(&parts)?
            },
        ))
    });
    let values = values.collect::<Result<Vec<_>, _>>();
    values.and_then(|values| batch(values, count)).map_err(unreadable)
}

/// The same of rows as they are written.
pub(super) fn others_in(rows: &RecordBatch) -> Result<RecordBatch, DeltaError> {
    take_others(&rows.schema(), std::slice::from_ref(rows))
}

/// Rows of ours with the values of others beside them, each with those at a place, or with none.
pub(super) fn beside(
    ours: RecordBatch,
    others: &RecordBatch,
    places: &UInt32Array,
) -> Result<RecordBatch, DeltaError> {
    if others.num_columns() == 0 {
        return Ok(ours);
    }
    let pairs = |batch: &RecordBatch| -> Vec<(Arc<Field>, ArrayRef)> {
        let fields = batch.schema().fields().clone();
        fields.iter().cloned().zip(batch.columns().iter().cloned()).collect()
    };
    let taken =
        pairs(others).into_iter().map(|(field, values)| Ok((field, take(&values, places, None)?)));
    let taken = taken.collect::<Result<Vec<_>, ArrowError>>();
    let count = ours.num_rows();
    taken.and_then(|taken| batch([pairs(&ours), taken].concat(), count)).map_err(unreadable)
}

fn is_of_others(field: &Field) -> bool {
    sync_metadata().fields().find(field.name()).is_none()
}

fn batch(columns: Vec<(Arc<Field>, ArrayRef)>, count: usize) -> Result<RecordBatch, ArrowError> {
    let (fields, values): (Vec<Arc<Field>>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), values, &options)
}

fn unreadable(error: ArrowError) -> DeltaError {
    DeltaError::corrupt("a column that this version does not write", error)
}
