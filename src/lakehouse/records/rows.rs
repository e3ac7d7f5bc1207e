//! Records to Arrow and back, by way of JSON: what other writers made of a file does not matter.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::writer::LineDelimited;
use arrow_json::{ReaderBuilder, WriterBuilder};
use arrow_schema::Schema;
use chrono::NaiveDateTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::delta::DeltaError;
use crate::ledger::{Cut, Row, Status};

/// A record that a ledger table holds.
pub(in super::super) trait Record: DeserializeOwned {
    /// Heals what somebody else may have written into a column of which nothing depends.
    fn heal(_value: &mut Value) {}
}

impl Record for Cut {}

impl Record for Row {
    fn heal(value: &mut Value) {
        // A row tells and is never asked: a status that is none of ours is as good as none.
        let status = value.get("current_sync_status").and_then(Value::as_str);
        if status.is_some_and(|status| Status::parse(status).is_none()) {
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

/// The records of a ledger table.
pub(super) fn records<T: Record>(batches: &[RecordBatch]) -> Result<Vec<T>, DeltaError> {
    let record = |mut value: Value| {
        in_utc(&mut value);
        T::heal(&mut value);
        let shown = |value: &Value| {
            let group = value.get("group_name").and_then(Value::as_str).unwrap_or("no group");
            match value.get("cut_number") {
                Some(number) => format!("cut {number} of {group}"),
                None => format!("the row of {group}"),
            }
        };
        let named = shown(&value);
        serde_json::from_value(value).map_err(|error| DeltaError::corrupt(named, error))
    };
    to_json(batches)?.into_iter().map(record).collect()
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
