//! A Delta table as its owner writes it: inserts, updates, deletes, maintenance, each one commit with a time of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Fields, Schema};
use chrono::{DateTime, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::delta::{
    self, DeltaError, Detail, Expect, NewTable, Result, Snapshot, TableStore,
};
use super::super::records::{to_batch, to_json};
use super::super::{Writer, off_thread};

/// A table to write to. Simple tables only: no deletion vectors, no column mapping.
#[derive(Debug, Clone)]
pub struct Table {
    store: TableStore,
    writer: Writer,
    time: Option<DateTime<Utc>>,
}

/// A live file with its rows, partition columns and all.
struct Rows {
    path: String,
    size: u64,
    partition: Map<String, Value>,
    rows: Vec<Value>,
}

impl Table {
    /// A table in a folder, whether it is there yet or not.
    pub fn at(folder: impl AsRef<Path>, writer: Writer) -> Table {
        Table::of(TableStore::local(folder), writer)
    }

    pub(in super::super) fn of(store: TableStore, writer: Writer) -> Table {
        Table {
            store,
            writer,
            time: None,
        }
    }

    /// The same table, with commits that are made at a moment of the past or future.
    #[must_use]
    pub fn when(&self, time: DateTime<Utc>) -> Table {
        Table {
            time: Some(time),
            ..self.clone()
        }
    }

    /// The same table, written by somebody else.
    #[must_use]
    pub fn by(&self, user: &str) -> Table {
        let writer = Writer {
            user: user.to_owned(),
            ..self.writer.clone()
        };
        Table {
            writer,
            ..self.clone()
        }
    }

    /// Where it lies.
    pub fn store(&self) -> &TableStore {
        &self.store
    }

    /// Creates it, empty, as version 0.
    pub async fn create(
        &self,
        schema: Schema,
        partition_by: &[&str],
        properties: &[(&str, &str)],
    ) -> Result<()> {
        if let Some(above) = self.store.folder().and_then(Path::parent) {
            std::fs::create_dir_all(above)
                .map_err(|error| DeltaError::io(format!("make {}", above.display()), error))?;
        }
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let table = NewTable {
            schema,
            partition_columns: partition_by.iter().map(|name| (*name).to_owned()).collect(),
            properties: properties.iter().map(owned).collect(),
        };
        let author = delta::Author {
            now_ms: self.now_ms(),
            ..self.writer.author()
        };
        delta::create_table(&self.store, table, author).await?;
        self.set_time(0)
    }

    /// Appends rows, one file a partition.
    pub async fn insert(&self, rows: &RecordBatch) -> Result<u64> {
        let table = self.read().await?;
        let rows = to_json(std::slice::from_ref(rows))?;
        let count = rows.len();
        let mut actions = Vec::new();
        for (partition, rows) in by_partition(&table, rows) {
            actions.push(self.add(&table, &partition, rows, true).await?);
        }
        let metrics =
            json!({"numFiles": actions.len().to_string(), "numOutputRows": count.to_string()});
        self.commit(&table, "WRITE", json!({"mode": "Append"}), metrics, actions)
            .await
    }

    /// Removes the rows that `which` says, by writing the files that hold them anew.
    pub async fn delete(&self, which: impl Fn(&Value) -> bool) -> Result<u64> {
        self.rewrite("DELETE", "numDeletedRows", |rows| {
            let before = rows.len();
            rows.retain(|row| !which(row));
            before - rows.len()
        })
        .await
    }

    /// Changes rows in place; `change` says whether it changed one. Partition columns stay as they are.
    pub async fn update(&self, change: impl Fn(&mut Value) -> bool) -> Result<u64> {
        self.rewrite("UPDATE", "numUpdatedRows", |rows| {
            rows.iter_mut()
                .filter_map(|row| change(row).then_some(()))
                .count()
        })
        .await
    }

    /// Makes the files of each partition one; no row changes.
    pub async fn optimize(&self) -> Result<u64> {
        let table = self.read().await?;
        let mut files: BTreeMap<String, Vec<Rows>> = BTreeMap::new();
        for file in self.files(&table).await? {
            let partition = Value::Object(file.partition.clone()).to_string();
            files.entry(partition).or_default().push(file);
        }
        let mut actions = Vec::new();
        for files in files.into_values().filter(|files| files.len() > 1) {
            let partition = files[0].partition.clone();
            actions.extend(files.iter().map(|file| self.remove(file, false)));
            let rows = files.into_iter().flat_map(|file| file.rows).collect();
            actions.push(self.add(&table, &partition, rows, false).await?);
        }
        let metrics = json!({"numRemovedFiles": (actions.len().saturating_sub(1)).to_string()});
        self.commit(
            &table,
            "OPTIMIZE",
            json!({"predicate": "[]"}),
            metrics,
            actions,
        )
        .await
    }

    /// Sets table properties.
    pub async fn set_properties(&self, properties: &[(&str, &str)]) -> Result<u64> {
        let table = self.read().await?;
        let mut metadata = table.metadata.0.clone();
        let set: Map<String, Value> = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        match metadata
            .get_mut("configuration")
            .and_then(Value::as_object_mut)
        {
            Some(configuration) => configuration.extend(set.clone()),
            None => drop(metadata.insert("configuration".to_owned(), json!(set))),
        }
        let parameters = json!({"properties": Value::Object(set).to_string()});
        let actions = vec![json!({"metaData": metadata})];
        self.commit(&table, "SET TBLPROPERTIES", parameters, json!({}), actions)
            .await
    }

    /// Replaces it by an empty table of the same schema with another id, as CREATE OR REPLACE TABLE does.
    pub async fn replace(&self) -> Result<u64> {
        let table = self.read().await?;
        let mut metadata = table.metadata.0.clone();
        metadata.insert("id".to_owned(), uuid::Uuid::new_v4().to_string().into());
        let mut actions = vec![json!({"metaData": metadata})];
        actions.extend(
            self.files(&table)
                .await?
                .iter()
                .map(|file| self.remove(file, true)),
        );
        self.commit(
            &table,
            "CREATE OR REPLACE TABLE",
            json!({}),
            json!({}),
            actions,
        )
        .await
    }

    /// Commits actions of your own, or none, under an operation's name.
    pub async fn other(&self, operation: &str, actions: Vec<Value>) -> Result<u64> {
        let table = self.read().await?;
        self.commit(&table, operation, json!({}), json!({}), actions)
            .await
    }

    /// Goes back to an older version.
    pub async fn restore(&self, version: u64) -> Result<u64> {
        let author = delta::Author {
            now_ms: self.now_ms(),
            ..self.writer.author()
        };
        let done = delta::restore(&self.store, version, Expect::Anything, author).await?;
        self.set_time(done.version)?;
        Ok(done.version)
    }

    async fn rewrite(
        &self,
        operation: &str,
        metric: &str,
        change: impl Fn(&mut Vec<Value>) -> usize,
    ) -> Result<u64> {
        let table = self.read().await?;
        let mut actions = Vec::new();
        let mut changed = 0;
        for mut file in self.files(&table).await? {
            let here = change(&mut file.rows);
            if here == 0 {
                continue;
            }
            changed += here;
            actions.push(self.remove(&file, true));
            if !file.rows.is_empty() {
                actions.push(self.add(&table, &file.partition, file.rows, true).await?);
            }
        }
        let metrics = Map::from_iter([(metric.to_owned(), changed.to_string().into())]);
        self.commit(&table, operation, json!({}), metrics.into(), actions)
            .await
    }

    async fn read(&self) -> Result<Snapshot> {
        delta::snapshot(&self.store, None, Detail::Full).await
    }

    async fn files(&self, table: &Snapshot) -> Result<Vec<Rows>> {
        let mut all = Vec::new();
        for (key, file) in table.sorted_files() {
            let action: Value = serde_json::from_str(file.action.as_deref().unwrap_or("{}"))
                .map_err(|error| DeltaError::corrupt(&*key.path, error))?;
            let partition = action
                .get("partitionValues")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            let (store, inside) = (self.store.clone(), key.path.to_string());
            let mut rows = off_thread(move || read_file(&store, &inside)).await?;
            for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                row.extend(partition.clone());
            }
            let path = file.path(key).to_owned();
            all.push(Rows {
                path,
                size: file.size,
                partition,
                rows,
            });
        }
        Ok(all)
    }

    async fn add(
        &self,
        table: &Snapshot,
        partition: &Map<String, Value>,
        rows: Vec<Value>,
        data_change: bool,
    ) -> Result<Value> {
        let columns = schema_of(table)?;
        let written = columns
            .fields()
            .iter()
            .filter(|it| !partition.contains_key(it.name()));
        let batch = to_batch(Schema::new(written.cloned().collect::<Fields>()), &rows)?;
        let folder: String = partition
            .iter()
            .map(|(name, value)| folder(name, value))
            .collect();
        let path = format!(
            "{folder}part-00000-{}.c000.snappy.parquet",
            uuid::Uuid::new_v4()
        );
        let (store, inside) = (self.store.clone(), path.clone());
        let size = off_thread(move || write_file(&store, &inside, &batch)).await?;
        Ok(json!({"add": {
            "path": path,
            "partitionValues": partition,
            "size": size,
            "modificationTime": self.now_ms(),
            "dataChange": data_change,
            "stats": json!({"numRecords": rows.len()}).to_string(),
        }}))
    }

    fn remove(&self, file: &Rows, data_change: bool) -> Value {
        json!({"remove": {
            "path": file.path,
            "deletionTimestamp": self.now_ms(),
            "dataChange": data_change,
            "extendedFileMetadata": true,
            "partitionValues": file.partition,
            "size": file.size,
        }})
    }

    async fn commit(
        &self,
        table: &Snapshot,
        operation: &str,
        parameters: Value,
        metrics: Value,
        actions: Vec<Value>,
    ) -> Result<u64> {
        let version = table.version + 1;
        let mut info = json!({
            "timestamp": self.now_ms(),
            "userName": self.writer.user,
            "operation": operation,
            "operationParameters": parameters,
            "operationMetrics": metrics,
            "readVersion": table.version,
            "engineInfo": "lakehouse",
            "txnId": uuid::Uuid::new_v4().to_string(),
        });
        if table.metadata.in_commit_timestamps() {
            info["inCommitTimestamp"] = self.now_ms().into();
        }
        let first = json!({"commitInfo": info});
        let lines = std::iter::once(first)
            .chain(actions)
            .map(|action| action.to_string());
        delta::commit(&self.store, version, lines.collect()).await?;
        self.set_time(version)?;
        Ok(version)
    }

    fn now_ms(&self) -> i64 {
        self.time
            .unwrap_or_else(|| (self.writer.clock)())
            .timestamp_millis()
    }

    /// Delta takes a commit's time from its file.
    fn set_time(&self, version: u64) -> Result<()> {
        let (Some(time), Some(folder)) = (self.time, self.store.folder()) else {
            return Ok(());
        };
        let file = folder.join(format!("_delta_log/{version:020}.json"));
        let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
        File::options()
            .write(true)
            .open(&file)
            .and_then(|file| file.set_modified(UNIX_EPOCH + Duration::from_millis(millis)))
            .map_err(|error| DeltaError::io(format!("set the time of {}", file.display()), error))
    }
}

/// The folder of a partition; a value that a path or the log would spell otherwise has one without its name.
fn folder(column: &str, value: &Value) -> String {
    let plain = |text: &&str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match value.as_str().filter(plain) {
        Some(text) => format!("{column}={text}/"),
        None => "other/".to_owned(),
    }
}

/// The table's columns.
fn schema_of(table: &Snapshot) -> Result<Schema> {
    #[derive(Deserialize)]
    struct Column {
        name: String,
        r#type: Value,
    }
    #[derive(Deserialize)]
    struct Struct {
        fields: Vec<Column>,
    }
    let corrupt = |error| DeltaError::corrupt("the schema", error);
    let read: Struct = serde_json::from_str(table.metadata.schema_string()).map_err(corrupt)?;
    let columns = read.fields.iter().map(|Column { name, r#type }| {
        let kind = super::data_type(r#type.as_str().unwrap_or_default());
        let kind = kind.ok_or_else(|| DeltaError::Unsupported {
            location: format!("column {name}"),
            why: format!("rows of type {} are not written here", r#type),
        })?;
        Ok(Field::new(name, kind, true))
    });
    Ok(Schema::new(columns.collect::<Result<Vec<_>>>()?))
}

/// Rows parted by the values of the partition columns, which are strings in the log.
fn by_partition(table: &Snapshot, rows: Vec<Value>) -> Vec<(Map<String, Value>, Vec<Value>)> {
    let columns = table.metadata.partition_columns();
    let mut parts: BTreeMap<String, (Map<String, Value>, Vec<Value>)> = BTreeMap::new();
    for row in rows {
        let value = |column: &&str| match row.get(*column) {
            None | Some(Value::Null) => Value::Null,
            Some(Value::String(text)) => text.as_str().into(),
            Some(other) => other.to_string().into(),
        };
        let values: Map<String, Value> = columns
            .iter()
            .map(|column| ((*column).to_owned(), value(column)))
            .collect();
        let key = Value::Object(values.clone()).to_string();
        parts.entry(key).or_insert((values, Vec::new())).1.push(row);
    }
    parts.into_values().collect()
}

fn read_file(store: &TableStore, path: &str) -> Result<Vec<Value>> {
    let corrupt = |error: parquet::errors::ParquetError| DeltaError::corrupt(path, error);
    let reader = ParquetRecordBatchReaderBuilder::try_new(store.read_all(path)?)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(corrupt)?;
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>();
    to_json(&batches.map_err(|error| DeltaError::corrupt(path, error))?)
}

fn write_file(store: &TableStore, path: &str, rows: &RecordBatch) -> Result<usize> {
    let failed = |error: parquet::errors::ParquetError| DeltaError::corrupt(path, error);
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    let content = writer.into_inner().map_err(failed)?;
    store.create(path, &content)?;
    Ok(content.len())
}
