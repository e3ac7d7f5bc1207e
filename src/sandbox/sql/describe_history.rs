//! `DESCRIBE HISTORY` and `DESCRIBE DETAIL`.

use chrono::DateTime;
use serde_json::{Value, json};

use super::Session;
use super::ast::TableTarget;
use super::column_pruning::ColumnsRead;
use super::error::{Result, SqlError};
use super::kind::{self, Kind, structure, timestamp};
use super::rows::Rows;
use crate::lakehouse::delta::{self, Snapshot, SnapshotDetail, TableCommit};

fn texts() -> Kind {
    kind::map(Kind::Utf8, Kind::Utf8)
}

pub(super) fn history_columns() -> [(&'static str, Kind); 15] {
    let id = |name: &str| structure([(name, Kind::Utf8)]);
    [
        ("version", Kind::Int64),
        ("timestamp", timestamp()),
        ("userId", Kind::Utf8),
        ("userName", Kind::Utf8),
        ("operation", Kind::Utf8),
        ("operationParameters", texts()),
        ("job", id("jobId")),
        ("notebook", id("notebookId")),
        ("clusterId", Kind::Utf8),
        ("readVersion", Kind::Int64),
        ("isolationLevel", Kind::Utf8),
        ("isBlindAppend", Kind::Boolean),
        ("operationMetrics", texts()),
        ("userMetadata", Kind::Utf8),
        ("engineInfo", Kind::Utf8),
    ]
}

impl Session {
    /// The newest commits of a table, newest first, in the columns that are read.
    pub(super) async fn history(
        &self,
        target: &TableTarget,
        limit: Option<usize>,
        columns_read: ColumnsRead<'_>,
    ) -> Result<Rows> {
        let place = self.find(target).await?;
        let failed = |error| SqlError::delta(&place.shown, &error);
        let commits = delta::newest_commits(&place.store, limit).await;
        let mut commits = commits.map_err(failed)?;
        commits.reverse();
        let columns = history_columns();
        let places = columns_read(&columns.each_ref().map(|(name, _)| *name));
        let rows: Vec<Vec<Value>> = commits.into_iter().map(row).collect();
        Rows::from_json_at(&columns, &rows, places)
    }

    /// What a table is at its newest version, in the columns that are read.
    pub(super) async fn detail(
        &self,
        target: &TableTarget,
        columns_read: ColumnsRead<'_>,
    ) -> Result<Rows> {
        let place = self.find(target).await?;
        let table = self.snapshot(&place, None, SnapshotDetail::Summary).await?;
        let totals = table.totals();
        let created = table.metadata.0.get("createdTime").and_then(Value::as_i64);
        let mut features = table.protocol.reader_features();
        features.extend(table.protocol.writer_features());
        features.sort_unstable();
        features.dedup();
        let list = || kind::list(Kind::Utf8);
        let columns = [
            ("format", Kind::Utf8),
            ("id", Kind::Utf8),
            ("name", Kind::Utf8),
            ("description", Kind::Utf8),
            ("location", Kind::Utf8),
            ("createdAt", timestamp()),
            ("lastModified", timestamp()),
            ("partitionColumns", list()),
            ("clusteringColumns", list()),
            ("numFiles", Kind::Int64),
            ("sizeInBytes", Kind::Int64),
            ("properties", texts()),
            ("minReaderVersion", Kind::Int32),
            ("minWriterVersion", Kind::Int32),
            ("tableFeatures", list()),
        ];
        let row = vec![
            "delta".into(),
            table.metadata.id().into(),
            place.name.as_ref().map(ToString::to_string).into(),
            table.metadata.0.get("description").and_then(Value::as_str).into(),
            place.folder.display().to_string().into(),
            created.map_or(Value::Null, moment),
            table.timestamp_ms().map_or(Value::Null, moment),
            json!(table.metadata.partition_columns()),
            clustering(&table).into(),
            totals.files.into(),
            totals.bytes.into(),
            json!(table.metadata.properties()),
            table.protocol.min_reader_version().into(),
            table.protocol.min_writer_version().into(),
            json!(features),
        ];
        let places = columns_read(&columns.each_ref().map(|(name, _)| *name));
        Rows::from_json_at(&columns, &[row], places)
    }
}

/// A moment, in milliseconds since 1970.
fn moment(millis: i64) -> Value {
    DateTime::from_timestamp_millis(millis).map(|it| it.to_rfc3339()).into()
}

/// The columns by which a table is clustered, as its files call them.
pub(super) fn clustering(table: &Snapshot) -> Vec<String> {
    let domain = table.domains.get("delta.clustering");
    let text = domain.and_then(|domain| domain.get("configuration")?.as_str());
    let read = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let columns = read.as_ref().and_then(|read| read.get("clusteringColumns")?.as_array());
    let first = |column: &Value| {
        let part = column.as_array().and_then(|parts| parts.first()).unwrap_or(column);
        part.as_str().unwrap_or_default().to_owned()
    };
    columns.into_iter().flatten().map(first).collect()
}

pub(super) fn row(commit: TableCommit) -> Vec<Value> {
    let TableCommit {
        version,
        timestamp_ms,
        operation,
        operation_parameters,
        operation_metrics,
        user_name,
        user_id,
        engine_info,
        upkeep: _,
        unjudged: _,
        sha256: _,
        table_id: _,
        commit_info,
    } = commit;
    let said = |name: &str| commit_info.get(name);
    let text = |name: &str| said(name).and_then(Value::as_str).into();
    let part = |name: &str, id: &str| {
        said(name).and_then(|it| it.get(id)).map(|it| json!({ id: it })).into()
    };
    vec![
        version.into(),
        moment(timestamp_ms),
        user_id.into(),
        user_name.into(),
        operation.unwrap_or_else(|| "Manual Update".to_owned()).into(),
        json!(operation_parameters),
        part("job", "jobId"),
        part("notebook", "notebookId"),
        text("clusterId"),
        said("readVersion").and_then(Value::as_i64).into(),
        text("isolationLevel"),
        said("isBlindAppend").and_then(Value::as_bool).into(),
        json!(operation_metrics),
        text("userMetadata"),
        engine_info.into(),
    ]
}
