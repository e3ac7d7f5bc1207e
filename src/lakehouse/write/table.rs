//! A Delta table as its owner writes it: inserts, updates, deletes, maintenance, each one commit with a time of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::super::Writer;
use super::super::delta::{
    self, DeltaError, Expect, NewTable, Operation, Result, Snapshot, SnapshotDetail, TableChange,
    TableStore,
};
use super::files::{self, RowsOfFile};

/// A table to write to. Simple tables only: no deletion vectors, no column mapping.
#[derive(Debug, Clone)]
pub struct WritableTable {
    store: TableStore,
    writer: Writer,
    time: Option<DateTime<Utc>>,
    job: Option<(i64, String)>,
}

impl WritableTable {
    /// A table in a folder, whether it is there yet or not.
    pub fn at(folder: impl AsRef<Path>, writer: Writer) -> WritableTable {
        WritableTable::of(TableStore::local(folder), writer)
    }

    pub(in super::super) fn of(store: TableStore, writer: Writer) -> WritableTable {
        WritableTable { store, writer, time: None, job: None }
    }

    /// The same table, with commits that are made at a moment of the past or future.
    #[must_use]
    pub fn when(&self, time: DateTime<Utc>) -> WritableTable {
        WritableTable { time: Some(time), ..self.clone() }
    }

    /// The same table, written by the runs of a job.
    #[must_use]
    pub fn run_by(&self, id: i64, name: &str) -> WritableTable {
        WritableTable { job: Some((id, name.to_owned())), ..self.clone() }
    }

    /// The same table, written by somebody else.
    #[must_use]
    pub fn by(&self, user: &str) -> WritableTable {
        let writer = Writer { user: user.to_owned(), ..self.writer.clone() };
        WritableTable { writer, ..self.clone() }
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
        let author =
            delta::Author { now_ms: self.now_ms(), job: self.job.clone(), ..self.writer.author() };
        delta::create_table(&self.store, table, author).await?;
        self.set_time(0)
    }

    /// Writes a checkpoint of a version, as other writers do every few commits, and removes what is past the log's retention.
    pub async fn checkpoint(&self, version: u64) -> Result<()> {
        delta::write_checkpoint(&self.store, version, self.now_ms()).await?;
        delta::clean_log(&self.store, version, self.now_ms()).await
    }

    /// Appends rows, one file a partition.
    pub async fn insert(&self, rows: &RecordBatch) -> Result<u64> {
        let table = self.read().await?;
        let mut files = Vec::new();
        if table.metadata.partition_columns().is_empty() {
            files.push(files::written_batch(&self.store, &Map::new(), rows.clone()).await?);
        } else {
            for (partition, rows) in files::by_partition(&table, rows)? {
                files.push(files::write_rows(&self.store, &table, &partition, &rows).await?);
            }
        }
        let operation = Operation::new("WRITE", json!({"mode": "Append"})).metrics(vec![
            ("numFiles", files.len() as u64),
            ("numOutputRows", rows.num_rows() as u64),
        ]);
        let mut change = TableChange::new(operation);
        files.iter().for_each(|file| change.add(file, self.now_ms()));
        self.commit(&table, change).await
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
            rows.iter_mut().filter_map(|row| change(row).then_some(())).count()
        })
        .await
    }

    /// Makes the files of each partition one; no row changes.
    pub async fn optimize(&self) -> Result<u64> {
        let (table, now) = (self.read().await?, self.now_ms());
        let mut files: BTreeMap<String, Vec<RowsOfFile>> = BTreeMap::new();
        for file in files::read(&self.store, &table).await? {
            let partition = Value::Object(file.partition.clone()).to_string();
            files.entry(partition).or_default().push(file);
        }
        let many: Vec<Vec<RowsOfFile>> =
            files.into_values().filter(|files| files.len() > 1).collect();
        let removed: usize = many.iter().map(Vec::len).sum();
        let operation = Operation::new("OPTIMIZE", json!({"predicate": "[]"}))
            .metrics(vec![("numRemovedFiles", removed as u64)]);
        let mut change = TableChange::maintenance(operation);
        for files in many {
            let partition = files[0].partition.clone();
            for file in &files {
                file.leave(&mut change, now)?;
            }
            let rows: Vec<Value> = files.into_iter().flat_map(|file| file.rows).collect();
            let file = files::write_rows(&self.store, &table, &partition, &rows).await?;
            change.add(&file, now);
        }
        self.commit(&table, change).await
    }

    /// Sets table properties.
    pub async fn set_properties(&self, properties: &[(&str, &str)]) -> Result<u64> {
        let table = self.read().await?;
        let mut metadata = table.metadata.0.clone();
        let set: Map<String, Value> =
            properties.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        match metadata.get_mut("configuration").and_then(Value::as_object_mut) {
            Some(configuration) => configuration.extend(set.clone()),
            None => drop(metadata.insert("configuration".to_owned(), json!(set))),
        }
        let parameters = json!({"properties": Value::Object(set).to_string()});
        let mut change = TableChange::new(Operation::new("SET TBLPROPERTIES", parameters));
        change.action(&json!({"metaData": metadata}));
        self.commit(&table, change).await
    }

    /// Replaces it by an empty table of the same schema with another id, as CREATE OR REPLACE TABLE does.
    pub async fn replace(&self) -> Result<u64> {
        let table = self.read().await?;
        let mut metadata = table.metadata.0.clone();
        metadata.insert("id".to_owned(), uuid::Uuid::new_v4().to_string().into());
        let mut change = TableChange::new(Operation::new("CREATE OR REPLACE TABLE", json!({})));
        change.action(&json!({"metaData": metadata}));
        for file in files::read(&self.store, &table).await? {
            file.leave(&mut change, self.now_ms())?;
        }
        self.commit(&table, change).await
    }

    /// Commits actions of your own, or none, under an operation's name.
    pub async fn other(&self, operation: &str, actions: Vec<Value>) -> Result<u64> {
        let table = self.read().await?;
        let mut change = TableChange::new(Operation::new(operation, json!({})));
        actions.iter().for_each(|action| change.action(action));
        self.commit(&table, change).await
    }

    /// Goes back to an older version.
    pub async fn restore(&self, version: u64) -> Result<u64> {
        let author =
            delta::Author { now_ms: self.now_ms(), job: self.job.clone(), ..self.writer.author() };
        let done = delta::restore(&self.store, version, Expect::Anything, author).await?;
        self.set_time(done.version)?;
        Ok(done.version)
    }

    async fn rewrite(
        &self,
        operation: &str,
        metric: &'static str,
        change: impl Fn(&mut Vec<Value>) -> usize,
    ) -> Result<u64> {
        let table = self.read().await?;
        let mut touched = Vec::new();
        let mut changed = 0;
        for mut file in files::read(&self.store, &table).await? {
            let here = change(&mut file.rows);
            if here > 0 {
                changed += here;
                touched.push(file);
            }
        }
        let operation =
            Operation::new(operation, json!({})).metrics(vec![(metric, changed as u64)]);
        let mut change = TableChange::new(operation);
        for file in &touched {
            file.leave(&mut change, self.now_ms())?;
            let RowsOfFile { partition, rows, .. } = file;
            if !rows.is_empty() {
                let file = files::write_rows(&self.store, &table, partition, rows).await?;
                change.add(&file, self.now_ms());
            }
        }
        self.commit(&table, change).await
    }

    async fn read(&self) -> Result<Snapshot> {
        delta::snapshot(&self.store, None, SnapshotDetail::Full).await
    }

    async fn commit(&self, table: &Snapshot, change: TableChange) -> Result<u64> {
        let now_ms = self.now_ms();
        let author = delta::Author {
            now_ms,
            engine_info: "lakehouse".to_owned(),
            user_name: Some(self.writer.user.clone()),
            job: self.job.clone(),
        };
        // The moment as it was given, be it before that of the last commit.
        let version =
            delta::commit_change(&self.store, table, change, &author, Some(now_ms)).await?;
        self.set_time(version)?;
        Ok(version)
    }

    fn now_ms(&self) -> i64 {
        self.time.unwrap_or_else(|| (self.writer.clock)()).timestamp_millis()
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
