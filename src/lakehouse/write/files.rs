//! The data files of a table that is being written: read to rows, and written from rows.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Fields, Schema};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use serde_json::{Map, Value};

use super::super::delta::{
    self, DeltaError, FileKey, LiveFile, NewFile, Result, Snapshot, TableChange, TableStore,
};
use super::super::records::{to_batch, to_json};
use crate::off_thread::off_thread;

/// A live file with its rows, partition columns and all.
pub(super) struct RowsOfFile {
    key: FileKey,
    file: LiveFile,
    pub(super) partition: Map<String, Value>,
    pub(super) rows: Vec<Value>,
}

/// The rows of a table, file by file.
pub(super) async fn read(store: &TableStore, table: &Snapshot) -> Result<Vec<RowsOfFile>> {
    let mut all = Vec::new();
    for (key, file) in table.sorted_files() {
        if file.vector.is_some() {
            return Err(DeltaError::Unsupported {
                location: key.path.to_string(),
                why: "rows of a file with a deletion vector are not rewritten here".into(),
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
        all.push(RowsOfFile { key: key.clone(), file: file.clone(), partition, rows });
    }
    Ok(all)
}

/// Writes rows of one partition as a file.
pub(super) async fn write_rows(
    store: &TableStore,
    table: &Snapshot,
    partition: &Map<String, Value>,
    rows: &[Value],
) -> Result<NewFile> {
    let columns = delta::columns(table)?;
    let written = columns.fields().iter().filter(|it| !partition.contains_key(it.name()));
    let batch = to_batch(Schema::new(written.cloned().collect::<Fields>()), rows)?;
    written_batch(store, partition, batch).await
}

/// The same for rows that are a batch already, without the partition columns.
pub(super) async fn written_batch(
    store: &TableStore,
    partition: &Map<String, Value>,
    batch: RecordBatch,
) -> Result<NewFile> {
    let records = batch.num_rows() as u64;
    let folder: String = partition.iter().map(|(name, value)| folder(name, value)).collect();
    let path = format!("{folder}part-00000-{}.c000.parquet", uuid::Uuid::new_v4());
    let (store, inside) = (store.clone(), path.clone());
    let size = off_thread(move || -> Result<usize> {
        let content = delta::encoded(&inside, &batch)?;
        store.create(&inside, &content)?;
        Ok(content.len())
    })
    .await?;
    Ok(NewFile { path, partition: partition.clone(), size: size as u64, records, tags: None })
}

impl RowsOfFile {
    /// They are live no more.
    pub(super) fn leave(&self, change: &mut TableChange, now_ms: i64) -> Result<()> {
        change.remove(&self.key, &self.file, now_ms)
    }
}

/// The folder of a partition; a value that a path or the log would spell otherwise has one without its name.
fn folder(column: &str, value: &Value) -> String {
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match value.as_str().filter(plain) {
        Some(text) => format!("{column}={text}/"),
        None => "other/".to_owned(),
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
