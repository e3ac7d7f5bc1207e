//! Writes rows into a Delta table, as one commit.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Session;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::kind::{Kind, arrow_schema};
use super::tables::{Place, columns_of};
use crate::lakehouse::delta::{self, Change, DeltaError, Detail, NewFile, Operation, Snapshot};
use crate::lakehouse::write;
use crate::off_thread::off_thread;

/// A change of a table's rows, as a statement makes it.
pub(super) struct RowChange {
    /// `WRITE`, `MERGE` …
    pub(super) operation: &'static str,
    pub(super) parameters: Value,
    pub(super) metrics: Vec<(&'static str, u64)>,
    /// Rows to add, in the table's order of columns.
    pub(super) add: Vec<Vec<Datum>>,
    /// The live files go.
    pub(super) replace: bool,
    /// Actions besides.
    pub(super) actions: Vec<Value>,
}

impl Session {
    /// A table with everything that a commit on top of it needs.
    pub(super) async fn base(&self, place: &Place) -> Result<Snapshot> {
        let table = self.snapshot(place, None, Detail::Full).await?;
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
        place: &Place,
        base: &Snapshot,
        change: RowChange,
    ) -> Result<u64> {
        let failed = |error: DeltaError| SqlError::delta(&place.shown, &error);
        let RowChange { operation, parameters, metrics, add, replace, actions } = change;
        let author = self.author();
        let columns = columns_of(base);
        let operation = Operation {
            blind_append: !replace && operation == "WRITE",
            ..Operation::new(operation, parameters).metrics(metrics)
        };
        let mut change = Change::new(operation);
        if replace {
            for (key, file) in base.sorted_files() {
                change.remove(key, file, author.now_ms).map_err(failed)?;
            }
        }
        for (partition, rows) in parted(base, &columns, add) {
            let file = self.write_file(place, base, partition, rows).await.map_err(failed)?;
            change.add(&file, author.now_ms);
        }
        actions.iter().for_each(|action| change.action(action));
        delta::commit_change(&place.store, base, change, &author, None).await.map_err(failed)
    }

    async fn write_file(
        &self,
        place: &Place,
        base: &Snapshot,
        partition: Map<String, Value>,
        rows: Vec<Vec<Datum>>,
    ) -> Result<NewFile, DeltaError> {
        let columns = &columns_of(base);
        let written: Vec<(String, Kind)> =
            columns.iter().filter(|(name, _)| !partition.contains_key(name)).cloned().collect();
        let objects: Vec<Value> = rows.iter().map(|row| object(columns, row)).collect();
        let batch = write::rows(&arrow_schema(&written), &objects)?;
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
        let records = rows.len() as u64;
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

pub(in crate::sandbox) fn object(columns: &[(String, Kind)], row: &[Datum]) -> Value {
    let member = |((name, _), value): (&(String, Kind), &Datum)| (name.clone(), value.json());
    Value::Object(columns.iter().zip(row).map(member).collect())
}

/// The values of partition columns, and the rows that have them.
type Part = (Map<String, Value>, Vec<Vec<Datum>>);

/// Rows parted by the values of the partition columns; no rows are no parts.
fn parted(table: &Snapshot, columns: &[(String, Kind)], rows: Vec<Vec<Datum>>) -> Vec<Part> {
    let by = table.metadata.partition_columns();
    let places: Vec<(usize, &str)> = columns
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| by.contains(&name.as_str()))
        .map(|(at, (name, _))| (at, name.as_str()))
        .collect();
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for row in rows {
        let values: Map<String, Value> = places
            .iter()
            .map(|(at, name)| {
                let value = row.get(*at).and_then(|value| match value {
                    Datum::Local(_) => Some(value.spelled(chrono_tz::Tz::UTC)),
                    value => value.wire(chrono_tz::Tz::UTC),
                });
                ((*name).to_owned(), value.map_or(Value::Null, Value::String))
            })
            .collect();
        let key = Value::Object(values.clone()).to_string();
        parts.entry(key).or_insert_with(|| (values, Vec::new())).1.push(row);
    }
    parts.into_values().collect()
}
