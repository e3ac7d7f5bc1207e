//! Writes a classic checkpoint: one Parquet file that any Delta reader understands.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use serde_json::json;

use super::super::error::{DeltaError, Result};
use super::super::log::LOG;
use super::super::snapshot::Snapshot;
use super::super::store::TableStore;
use crate::interval;

/// Commits between two checkpoints: Delta's own default.
pub(crate) const EVERY: u64 = 10;

/// How long Delta keeps removed files when the table does not say: a week.
const RETENTION_MS: i64 = 7 * 24 * 3_600_000;

/// Rows in flight between JSON and Parquet.
const BATCH: usize = 8192;

/// Writes the checkpoint of a full snapshot and points `_last_checkpoint` at it.
pub(crate) fn write_checkpoint(store: &TableStore, snapshot: &Snapshot, now_ms: i64) -> Result<()> {
    let file = format!("{:020}.checkpoint.parquet", snapshot.version);
    let failed = |error: &dyn std::fmt::Display| {
        DeltaError::corrupt(&file, format!("it cannot be written: {error}"))
    };
    let schema = Arc::new(schema());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))
        .map_err(|error| failed(&error))?;
    let decoder = ReaderBuilder::new(schema)
        .with_batch_size(BATCH)
        // Writers put numbers where the protocol has texts; a text of the same value is the same fact.
        .with_coerce_primitive(true)
        .build_decoder()
        .map_err(|error| failed(&error))?;
    let mut rows = Rows { decoder, count: 0 };
    for line in lines(snapshot, now_ms) {
        if let Some(batch) = rows.push(&line).map_err(|error| failed(&error))? {
            writer.write(&batch).map_err(|error| failed(&error))?;
        }
    }
    if let Some(batch) = rows.decoder.flush().map_err(|error| failed(&error))? {
        writer.write(&batch).map_err(|error| failed(&error))?;
    }
    let content = writer.into_inner().map_err(|error| failed(&error))?;
    store.replace(&format!("{LOG}/{file}"), &content)?;
    let pointer = json!({
        "version": snapshot.version,
        "size": rows.count,
        "sizeInBytes": content.len(),
        "numOfAddFiles": snapshot.files.len(),
    });
    store.replace(&format!("{LOG}/_last_checkpoint"), pointer.to_string().as_bytes())
}

struct Rows {
    decoder: Decoder,
    count: u64,
}

impl Rows {
    fn push(
        &mut self,
        line: &str,
    ) -> Result<Option<arrow_array::RecordBatch>, arrow_schema::ArrowError> {
        self.decoder.decode(line.as_bytes())?;
        self.count += 1;
        if self.count.is_multiple_of(BATCH as u64) { self.decoder.flush() } else { Ok(None) }
    }
}

/// The actions of a table's state as JSON lines.
fn lines(snapshot: &Snapshot, now_ms: i64) -> impl Iterator<Item = String> + '_ {
    let Snapshot {
        version: _,
        time: _,
        protocol,
        metadata,
        txns,
        domains,
        files: _,
        absolute: _,
        tombstones,
        detail: _,
        read_around: _,
    } = snapshot;
    let kept_since = now_ms
        .saturating_sub(retention_ms(metadata.property("delta.deletedFileRetentionDuration")));
    let sorted: BTreeSet<_> = tombstones.iter().collect();
    let heads = [json!({ "protocol": protocol.0 }), json!({ "metaData": metadata.0 })];
    heads
        .into_iter()
        .chain(txns.values().map(|txn| json!({ "txn": txn })))
        .chain(domains.values().map(|domain| json!({ "domainMetadata": domain })))
        .map(|action| action.to_string())
        .chain(
            sorted
                .into_iter()
                .filter(move |(_, action)| deleted_ms(action) >= kept_since)
                .map(|(_, action)| format!(r#"{{"remove":{action}}}"#)),
        )
        .chain(snapshot.sorted_files().into_iter().filter_map(|(_, file)| {
            // Nothing in a checkpoint is a change. Inside a string the quotes would be escaped, so this finds the field only.
            let action = file.action.as_deref()?.replacen(
                r#""dataChange":true"#,
                r#""dataChange":false"#,
                1,
            );
            Some(format!(r#"{{"add":{action}}}"#))
        }))
}

/// When a `remove` action says that its file was replaced.
pub(crate) fn deleted_ms(remove: &str) -> i64 {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Removed {
        #[serde(default)]
        deletion_timestamp: Option<i64>,
    }
    serde_json::from_str::<Removed>(remove)
        .ok()
        .and_then(|removed| removed.deletion_timestamp)
        .unwrap_or(0)
}

/// How long removed files stay in a checkpoint. What cannot be read keeps everything.
fn retention_ms(property: Option<&str>) -> i64 {
    match property.map(interval::parse) {
        None => RETENTION_MS,
        Some(Some(kept)) => kept.as_millis().try_into().unwrap_or(i64::MAX),
        Some(None) => i64::MAX,
    }
}

fn schema() -> Schema {
    use DataType::{Boolean, Int32, Int64, Utf8};
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    let structure = |name: &str, fields: Vec<Field>| {
        Field::new(name, DataType::Struct(Fields::from(fields)), true)
    };
    let strings = |name: &str| Field::new_list(name, Field::new("element", Utf8, true), true);
    let map = |name: &str| {
        Field::new_map(
            name,
            "key_value",
            Field::new("key", Utf8, false),
            Field::new("value", Utf8, true),
            false,
            true,
        )
    };
    let vector = || {
        structure(
            "deletionVector",
            vec![
                field("storageType", Utf8),
                field("pathOrInlineDv", Utf8),
                field("offset", Int32),
                field("sizeInBytes", Int32),
                field("cardinality", Int64),
                field("maxRowIndex", Int64),
            ],
        )
    };
    Schema::new(vec![
        structure(
            "txn",
            vec![field("appId", Utf8), field("version", Int64), field("lastUpdated", Int64)],
        ),
        structure(
            "add",
            vec![
                field("path", Utf8),
                map("partitionValues"),
                field("size", Int64),
                field("modificationTime", Int64),
                field("dataChange", Boolean),
                field("stats", Utf8),
                map("tags"),
                vector(),
                field("baseRowId", Int64),
                field("defaultRowCommitVersion", Int64),
                field("clusteringProvider", Utf8),
            ],
        ),
        structure(
            "remove",
            vec![
                field("path", Utf8),
                field("deletionTimestamp", Int64),
                field("dataChange", Boolean),
                field("extendedFileMetadata", Boolean),
                map("partitionValues"),
                field("size", Int64),
                field("stats", Utf8),
                map("tags"),
                vector(),
                field("baseRowId", Int64),
                field("defaultRowCommitVersion", Int64),
            ],
        ),
        structure(
            "metaData",
            vec![
                field("id", Utf8),
                field("name", Utf8),
                field("description", Utf8),
                structure("format", vec![field("provider", Utf8), map("options")]),
                field("schemaString", Utf8),
                strings("partitionColumns"),
                map("configuration"),
                field("createdTime", Int64),
            ],
        ),
        structure(
            "protocol",
            vec![
                field("minReaderVersion", Int32),
                field("minWriterVersion", Int32),
                strings("readerFeatures"),
                strings("writerFeatures"),
            ],
        ),
        structure(
            "domainMetadata",
            vec![field("domain", Utf8), field("configuration", Utf8), field("removed", Boolean)],
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_read_as_spark_writes_it() {
        assert_eq!(retention_ms(Some("interval 30 days")), 30 * 24 * 3_600_000);
        assert_eq!(retention_ms(Some("interval 1 week 2 hours")), (7 * 24 + 2) * 3_600_000);
        assert_eq!(retention_ms(Some("a while")), i64::MAX);
        assert_eq!(retention_ms(None), RETENTION_MS);
    }
}
