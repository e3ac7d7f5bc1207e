//! `DESCRIBE HISTORY` and `DESCRIBE DETAIL`.

use serde_json::Value;

use super::Session;
use super::ast::Target;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::rows::Rows;
use crate::lakehouse::delta::{self, Commit, Detail, Raw, Snapshot};

fn texts() -> Kind {
    Kind::Map(Box::new(Kind::Text), Box::new(Kind::Text))
}

fn history_columns() -> [(&'static str, Kind); 15] {
    let id = |name: &str| Kind::Struct(vec![(name.to_owned(), Kind::Text)]);
    [
        ("version", Kind::Long),
        ("timestamp", Kind::Timestamp),
        ("userId", Kind::Text),
        ("userName", Kind::Text),
        ("operation", Kind::Text),
        ("operationParameters", texts()),
        ("job", id("jobId")),
        ("notebook", id("notebookId")),
        ("clusterId", Kind::Text),
        ("readVersion", Kind::Long),
        ("isolationLevel", Kind::Text),
        ("isBlindAppend", Kind::Boolean),
        ("operationMetrics", texts()),
        ("userMetadata", Kind::Text),
        ("engineInfo", Kind::Text),
    ]
}

impl Session {
    /// The newest commits of a table, newest first.
    pub(super) async fn history(&self, target: &Target, limit: Option<usize>) -> Result<Rows> {
        let place = self.find(target).await?;
        let failed = |error| SqlError::delta(&place.shown, &error);
        let log = delta::versions(&place.store).await.map_err(failed)?;
        let from = limit.map(|limit| (log.newest + 1).saturating_sub(limit as u64));
        let mut commits = match limit {
            Some(0) => Vec::new(),
            _ => delta::history(&place.store, from).await.map_err(failed)?,
        };
        commits.reverse();
        commits.truncate(limit.unwrap_or(usize::MAX));
        Ok(Rows::new(&history_columns(), commits.into_iter().map(row).collect()))
    }

    pub(super) async fn detail(&self, target: &Target) -> Result<Rows> {
        let place = self.find(target).await?;
        let table = self.snapshot(&place, None, Detail::Summary).await?;
        let totals = table.totals();
        let strings = |items: Vec<&str>| Datum::List(items.into_iter().map(Datum::text).collect());
        let created = table.metadata.0.get("createdTime").and_then(Value::as_i64);
        let mut features = table.protocol.reader_features();
        features.extend(table.protocol.writer_features());
        features.sort_unstable();
        features.dedup();
        let properties = table.metadata.properties();
        let list = || Kind::List(Box::new(Kind::Text));
        let columns = [
            ("format", Kind::Text),
            ("id", Kind::Text),
            ("name", Kind::Text),
            ("description", Kind::Text),
            ("location", Kind::Text),
            ("createdAt", Kind::Timestamp),
            ("lastModified", Kind::Timestamp),
            ("partitionColumns", list()),
            ("clusteringColumns", list()),
            ("numFiles", Kind::Long),
            ("sizeInBytes", Kind::Long),
            ("properties", texts()),
            ("minReaderVersion", Kind::Int),
            ("minWriterVersion", Kind::Int),
            ("tableFeatures", list()),
        ];
        let row = vec![
            Datum::text("delta"),
            Datum::text(table.metadata.id()),
            Datum::optional(place.name.as_ref().map(ToString::to_string)),
            Datum::optional(table.metadata.0.get("description").and_then(Value::as_str)),
            Datum::text(place.folder.display().to_string()),
            created.map_or(Datum::Null, Datum::millis),
            table.timestamp_ms().map_or(Datum::Null, Datum::millis),
            strings(table.metadata.partition_columns()),
            strings(clustering(&table).iter().map(String::as_str).collect()),
            Datum::count(totals.files),
            Datum::count(totals.bytes),
            Datum::Map(
                properties
                    .into_iter()
                    .map(|(key, value)| (Datum::Text(key), Datum::Text(value)))
                    .collect(),
            ),
            Datum::Int(table.protocol.min_reader_version()),
            Datum::Int(table.protocol.min_writer_version()),
            strings(features),
        ];
        Ok(Rows::new(&columns, vec![row]))
    }
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

fn row(commit: Commit) -> Vec<Datum> {
    let Commit {
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
    let text = |name: &str| Datum::optional(said(name).and_then(Value::as_str));
    let part = |name: &str, id: &str| match said(name).and_then(|value| value.get(id)) {
        Some(value) => Datum::Struct(vec![(
            id.to_owned(),
            Datum::from_json(value, &Kind::Text, chrono_tz::Tz::UTC),
        )]),
        None => Datum::Null,
    };
    vec![
        Datum::count(version),
        Datum::millis(timestamp_ms),
        Datum::optional(user_id),
        Datum::optional(user_name),
        Datum::text(operation.unwrap_or_else(|| "Manual Update".to_owned())),
        map(&operation_parameters),
        part("job", "jobId"),
        part("notebook", "notebookId"),
        text("clusterId"),
        said("readVersion").and_then(Value::as_i64).map_or(Datum::Null, Datum::Int),
        text("isolationLevel"),
        said("isBlindAppend").and_then(Value::as_bool).map_or(Datum::Null, Datum::Boolean),
        map(&operation_metrics),
        text("userMetadata"),
        Datum::optional(engine_info),
    ]
}

fn map(values: &Raw) -> Datum {
    let pair = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Null => Datum::Null,
            Value::String(text) => Datum::text(text),
            other => Datum::Text(other.to_string()),
        };
        (Datum::text(key), value)
    };
    Datum::Map(values.iter().map(pair).collect())
}
