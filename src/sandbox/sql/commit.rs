//! Writes rows into a Delta table, as one commit.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Session;
use super::compare::places;
use super::error::{Result, SqlError};
use super::kind::LOCAL;
use super::rows::{Column, Rows};
use super::spell::{spelled, wire};
use super::tables::TablePlace;
use crate::lakehouse::delta::{
    self, DeltaError, NewFile, Operation, Snapshot, SnapshotDetail, TableChange,
};
use crate::off_thread::off_thread;

/// A change of a table's rows, as a statement makes it.
pub(super) struct StatementChange {
    /// `WRITE`, `MERGE` …
    pub(super) operation: &'static str,
    pub(super) parameters: Value,
    pub(super) metrics: Vec<(&'static str, u64)>,
    /// Rows to add, in the table's order of columns.
    pub(super) add: Rows,
    /// The live files go.
    pub(super) replace: bool,
    /// Actions besides.
    pub(super) actions: Vec<Value>,
}

impl Session {
    /// A table with everything that a commit on top of it needs.
    pub(super) async fn base(&self, place: &TablePlace) -> Result<Snapshot> {
        let table = self.snapshot(place, None, SnapshotDetail::Full).await?;
        match beyond(&table) {
            Some(feature) => {
                let what =
                    format!("{feature}, which {} has, in a table that is changed", place.shown);
                Err(SqlError::unsupported(what))
            }
            None => Ok(table),
        }
    }

    /// Commits a change on top of a table as it was read; someone faster makes it a conflict.
    pub(super) async fn commit(
        &self,
        place: &TablePlace,
        base: &Snapshot,
        change: StatementChange,
    ) -> Result<u64> {
        let failed = |error: DeltaError| SqlError::delta(&place.shown, &error);
        let StatementChange { operation, parameters, metrics, add, replace, actions } = change;
        let author = self.author();
        let operation = Operation {
            blind_append: !replace && operation == "WRITE",
            ..Operation::new(operation, parameters).metrics(metrics)
        };
        let mut change = TableChange::new(operation);
        if replace {
            for (key, file) in base.sorted_files() {
                change.remove(key, file, author.now_ms).map_err(failed)?;
            }
        }
        for (partition, batch) in parted(base, &add)? {
            let file = self.write_file(place, base, partition, batch).await.map_err(failed)?;
            change.add(&file, author.now_ms);
        }
        actions.iter().for_each(|action| change.action(action));
        delta::commit_change(&place.store, base, change, &author, None).await.map_err(failed)
    }

    async fn write_file(
        &self,
        place: &TablePlace,
        base: &Snapshot,
        partition: Map<String, Value>,
        batch: RecordBatch,
    ) -> Result<NewFile, DeltaError> {
        let records = batch.num_rows() as u64;
        let batch = delta::as_in_files(&base.metadata, batch)?;
        let in_files = |(name, value)| (delta::name_in_files(&base.metadata, name), value);
        let partition = partition.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let partition = partition.map(in_files).collect();
        let path = format!("part-00000-{}.c000.snappy.parquet", uuid::Uuid::new_v4());
        let (store, inside) = (place.store.clone(), path.clone());
        let size = off_thread(move || -> Result<usize, DeltaError> {
            let content = delta::encoded(&inside, &batch)?;
            store.create(&inside, &content)?;
            Ok(content.len())
        })
        .await?;
        Ok(NewFile { path, partition, size: size as u64, records, tags: None })
    }
}

/// What a table has that a change made here would break.
fn beyond(table: &Snapshot) -> Option<&'static str> {
    let (protocol, metadata) = (&table.protocol, &table.metadata);
    let by_protocol =
        ["rowTracking", "catalogManaged"].into_iter().find(|feature| protocol.supports(feature));
    let by_schema = [
        ("delta.identity.", "identityColumns"),
        ("delta.generationExpression", "generatedColumns"),
        ("delta.invariants", "invariants"),
    ];
    let by_schema = by_schema.into_iter().find(|(key, _)| metadata.schema_string().contains(key));
    let checks = metadata.properties().into_keys().any(|key| key.starts_with("delta.constraints."));
    by_protocol
        .or(by_schema.map(|(_, feature)| feature))
        .or(checks.then_some("checkConstraints"))
        .or((metadata.column_mapping_mode() == "id").then_some("columnMapping by id"))
}

/// The values of partition columns, and the rows that have them.
type Part = (Map<String, Value>, RecordBatch);

/// Rows parted by the values of the partition columns, which are left out of them; no rows are no parts.
fn parted(table: &Snapshot, rows: &Rows) -> Result<Vec<Part>> {
    let by = table.metadata.partition_columns();
    let (by, others): (Vec<Column>, Vec<Column>) =
        rows.columns.iter().cloned().partition(|column| by.contains(&column.name.as_str()));
    let text = |column: &Column| {
        let values = &column.values;
        // Without a zone, a time is told as a cast tells it.
        wire(
            &if *column.kind() == LOCAL { spelled(values, Tz::UTC) } else { values.clone() },
            Tz::UTC,
        )
    };
    let told: Vec<Vec<Option<String>>> = by.iter().map(text).collect();
    let mut parts: BTreeMap<Vec<&Option<String>>, Vec<u32>> = BTreeMap::new();
    for at in places(rows.count).values() {
        let values = told.iter().map(|column| &column[*at as usize]).collect();
        parts.entry(values).or_default().push(*at);
    }
    let others = Rows { columns: others, count: rows.count };
    let part = |(values, at): (Vec<&Option<String>>, Vec<u32>)| {
        let values = by.iter().zip(values).map(|(column, value)| {
            (column.name.clone(), value.clone().map_or(Value::Null, Value::String))
        });
        Ok((values.collect(), others.take(&at.into())?.batch()?))
    };
    parts.into_iter().map(part).collect()
}
