//! Records to Arrow and back, by way of JSON: what other writers made of a file does not matter.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::writer::LineDelimited;
use arrow_json::{ReaderBuilder, WriterBuilder};
use arrow_schema::Schema;
use chrono::NaiveDateTime;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::delta::DeltaError;
use super::columns_of_others::take_others;
use crate::ledger::{Cut, CutRow, OddCut, Row, RowStatus};

/// A record that a ledger table holds.
pub(in super::super) trait Record: Sized {
    /// Reads a row.
    fn read(value: Value) -> Result<ReadRow<Self>, DeltaError>;

    /// What rows as they were read have in columns that no record carries along.
    fn take_others(table: &Schema, rows: &[RecordBatch]) -> Result<RecordBatch, DeltaError>;
}

/// A row as read.
pub(in super::super) enum ReadRow<T> {
    /// A record.
    Record(T),
    /// None, which stops its group alone.
    Odd(OddCut),
}

impl Record for Cut {
    fn read(value: Value) -> Result<ReadRow<Cut>, DeltaError> {
        match CutRow::read(value) {
            CutRow::Cut(cut) => Ok(ReadRow::Record(*cut)),
            CutRow::Odd(odd) => Ok(ReadRow::Odd(odd)),
        }
    }

    fn take_others(_: &Schema, _: &[RecordBatch]) -> Result<RecordBatch, DeltaError> {
        Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
    }
}

impl Record for Row {
    fn read(mut value: Value) -> Result<ReadRow<Row>, DeltaError> {
        Row::heal(&mut value);
        let group = value.get("group_name").and_then(Value::as_str).unwrap_or("no group");
        let named = format!("the row of {group}");
        let row = serde_json::from_value(value).map_err(|error| DeltaError::corrupt(named, error));
        row.map(ReadRow::Record)
    }

    fn take_others(table: &Schema, rows: &[RecordBatch]) -> Result<RecordBatch, DeltaError> {
        take_others(table, rows)
    }
}

impl Row {
    /// Heals what somebody else may have written into a column of which nothing depends.
    fn heal(value: &mut Value) {
        // A row tells and is never asked: a status that is none of ours is as good as none.
        let status = value.get("current_sync_status").and_then(Value::as_str);
        if status.is_some_and(|status| RowStatus::parse(status).is_none()) {
            value["current_sync_status"] = Value::Null;
        }
        if value.get("tables").is_none_or(Value::is_null) {
            value["tables"] = Value::Array(Vec::new());
        }
    }
}

/// Records as one batch of the given columns.
pub(in super::super) fn to_batch(
    schema: Schema,
    records: &[impl Serialize],
) -> Result<RecordBatch, DeltaError> {
    let failed = |error| DeltaError::corrupt("the rows to write", error);
    let schema = Arc::new(schema);
    let reader = ReaderBuilder::new(schema.clone()).with_batch_size(records.len().max(1));
    let mut decoder = reader.build_decoder().map_err(failed)?;
    decoder.serialize(records).map_err(failed)?;
    let batch = decoder.flush().map_err(failed)?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(schema)))
}

/// Rows as JSON objects, with times in UTC as RFC 3339.
pub(in super::super) fn to_json(batches: &[RecordBatch]) -> Result<Vec<Value>, DeltaError> {
    let failed = |error| DeltaError::corrupt("the rows read", error);
    let mut writer =
        WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    let lines = writer.into_inner();
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| DeltaError::corrupt("the rows read", error))
}

/// The records of a ledger table, and its rows that are none.
pub(super) fn records<T: Record>(
    batches: &[RecordBatch],
) -> Result<(Vec<T>, Vec<OddCut>), DeltaError> {
    let (mut records, mut odd) = (Vec::new(), Vec::new());
    for mut value in values(batches)? {
        in_utc(&mut value);
        match T::read(value)? {
            ReadRow::Record(record) => records.push(record),
            ReadRow::Odd(row) => odd.push(row),
        }
    }
    Ok((records, odd))
}

/// Rows as JSON objects. Of a row with a value that JSON cannot hold, as a time after all times, that value is text which says so.
fn values(batches: &[RecordBatch]) -> Result<Vec<Value>, DeltaError> {
    if let Ok(all) = to_json(batches) {
        return Ok(all);
    }
    let mut all = Vec::new();
    for batch in batches {
        for row in (0..batch.num_rows()).map(|place| batch.slice(place, 1)) {
            match to_json(std::slice::from_ref(&row)) {
                Ok(whole) => all.extend(whole),
                Err(_) => all.push(by_columns(&row)?),
            }
        }
    }
    Ok(all)
}

fn by_columns(row: &RecordBatch) -> Result<Value, DeltaError> {
    let mut members = Map::new();
    for (place, field) in row.schema().fields().iter().enumerate() {
        let column = row.project(&[place]);
        let column = column.map_err(|error| DeltaError::corrupt("the rows read", error))?;
        match to_json(&[column]).ok().and_then(|values| values.into_iter().next()) {
            Some(Value::Object(value)) => members.extend(value),
            Some(_) | None => {
                let odd = format!("a {} that cannot be held", field.name());
                members.insert(field.name().clone(), odd.into());
            }
        }
    }
    Ok(members.into())
}

/// Gives times their zone where a file lacks it, as those of some writers do.
fn in_utc(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let time = name.ends_with("_at")
                    || name.ends_with("_timestamp")
                    || ["date_created", "date_updated", "recovery_point"].contains(&name.as_str());
                match member {
                    Value::String(text) if time && text.parse::<NaiveDateTime>().is_ok() => {
                        text.push('Z');
                    }
                    other => in_utc(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(in_utc),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
