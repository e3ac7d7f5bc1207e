//! The data files of a table that is being written: read to rows, written from rows, named by actions.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use serde_json::{Map, Value, json};

use super::super::delta::{self, DeltaError, Result, Snapshot, TableStore};
use super::super::records::{to_batch, to_json};
use crate::off_thread::off_thread;

/// A live file with its rows, partition columns and all.
pub(super) struct Rows {
    path: String,
    size: u64,
    pub(super) partition: Map<String, Value>,
    pub(super) rows: Vec<Value>,
}

/// The rows of a table, file by file.
pub(super) async fn read(store: &TableStore, table: &Snapshot) -> Result<Vec<Rows>> {
    let mut all = Vec::new();
    for (key, file) in table.sorted_files() {
        if file.vector.is_some() {
            return Err(DeltaError::Unsupported {
                location: key.path.to_string(),
                why: "rows of a file with a deletion vector are not rewritten here".to_owned(),
            });
        }
        let action: Value = serde_json::from_str(file.action.as_deref().unwrap_or("{}"))
            .map_err(|error| DeltaError::corrupt(&*key.path, error))?;
        let values = action.get("partitionValues").and_then(Value::as_object);
        let partition = values.cloned().unwrap_or_default();
        let (store, inside) = (store.clone(), key.path.to_string());
        let mut rows = off_thread(move || read_file(&store, &inside)).await?;
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.extend(partition.clone());
        }
        let path = key.path.to_string();
        all.push(Rows { path, size: file.size, partition, rows });
    }
    Ok(all)
}

/// Writes rows of one partition as a file; the action makes them live.
pub(super) async fn add(
    store: &TableStore,
    table: &Snapshot,
    partition: &Map<String, Value>,
    rows: &[Value],
    now_ms: i64,
) -> Result<Value> {
    let columns = schema_of(table)?;
    let written = columns.fields().iter().filter(|it| !partition.contains_key(it.name()));
    let batch = to_batch(Schema::new(written.cloned().collect::<Fields>()), rows)?;
    add_batch(store, partition, batch, now_ms).await
}

/// The same for rows that are a batch already, without the partition columns.
pub(super) async fn add_batch(
    store: &TableStore,
    partition: &Map<String, Value>,
    batch: RecordBatch,
    now_ms: i64,
) -> Result<Value> {
    let rows = batch.num_rows();
    let folder: String = partition.iter().map(|(name, value)| folder(name, value)).collect();
    let path = format!("{folder}part-00000-{}.c000.parquet", uuid::Uuid::new_v4());
    let (store, inside) = (store.clone(), path.clone());
    let size = off_thread(move || write_file(&store, &inside, &batch)).await?;
    Ok(json!({"add": {
        "path": path,
        "partitionValues": partition,
        "size": size,
        "modificationTime": now_ms,
        "dataChange": true,
        "stats": json!({"numRecords": rows}).to_string(),
    }}))
}

/// The action after which a file is no longer live.
pub(super) fn remove(file: &Rows, now_ms: i64) -> Value {
    json!({"remove": {
        "path": file.path,
        "deletionTimestamp": now_ms,
        "dataChange": true,
        "extendedFileMetadata": true,
        "partitionValues": file.partition,
        "size": file.size,
    }})
}

/// The same action for a commit that changes no row.
pub(super) fn unchanged(mut action: Value) -> Value {
    for kind in ["add", "remove"] {
        if let Some(file) = action.get_mut(kind) {
            file["dataChange"] = false.into();
        }
    }
    action
}

/// The folder of a partition; a value that a path or the log would spell otherwise has one without its name.
fn folder(column: &str, value: &Value) -> String {
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match value.as_str().filter(plain) {
        Some(text) => format!("{column}={text}/"),
        None => "other/".to_owned(),
    }
}

/// The table's columns.
fn schema_of(table: &Snapshot) -> Result<Schema> {
    let text = table.metadata.schema_string();
    let read: Value =
        serde_json::from_str(text).map_err(|error| DeltaError::corrupt("the schema", error))?;
    match super::column_type(&read) {
        Some(DataType::Struct(fields)) => Ok(Schema::new(fields)),
        _ => Err(DeltaError::Unsupported {
            location: "the schema".to_owned(),
            why: format!("rows of these columns are not written here: {text}"),
        }),
    }
}

/// The values of a partition, and its rows.
type Part = (Map<String, Value>, Vec<Value>);

/// Rows parted by the values of the partition columns, which are strings in the log.
pub(super) fn by_partition(table: &Snapshot, rows: &RecordBatch) -> Result<Vec<Part>> {
    let columns = table.metadata.partition_columns();
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for row in to_json(std::slice::from_ref(rows))? {
        let value = |column: &&str| match row.get(*column) {
            None | Some(Value::Null) => Value::Null,
            Some(Value::String(text)) => text.as_str().into(),
            Some(other) => other.to_string().into(),
        };
        let values: Map<String, Value> =
            columns.iter().map(|column| ((*column).to_owned(), value(column))).collect();
        let key = Value::Object(values.clone()).to_string();
        parts.entry(key).or_insert((values, Vec::new())).1.push(row);
    }
    Ok(parts.into_values().collect())
}

fn read_file(store: &TableStore, path: &str) -> Result<Vec<Value>> {
    let opened = delta::parquet::open(store.read_all(path)?, path, ArrowReaderOptions::new())?;
    to_json(&delta::parquet::batches(opened, None, 1024)?.collect::<Result<Vec<_>>>()?)
}

fn write_file(store: &TableStore, path: &str, rows: &RecordBatch) -> Result<usize> {
    let failed = |error: parquet::errors::ParquetError| DeltaError::corrupt(path, error);
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    let content = writer.into_inner().map_err(failed)?;
    store.create(path, &content)?;
    Ok(content.len())
}
