//! Small tables of drsync's own, such as the ledger: create, append, replace all rows, read.

mod mapped;
mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ArrowReaderOptions;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use serde::Deserialize;
use serde_json::json;

use super::action::{LiveFile, Metadata, Protocol, Raw};
use super::change::{Author, NewFile, Operation, TableChange};
use super::clone::wanted;
use super::columns::{ColumnObstacle, ColumnPlace, TableColumns};
use super::commit::{Expect, commit_on, put};
use super::error::{DeltaError, Result};
use super::features;
use super::log::versions;
use super::parquet;
use super::path::FileLocation;
use super::properties::{TableStage, with_properties};
use super::replay::{snapshot, snapshot_of};
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::{Blob, TableStore, missing};
use crate::files;
use crate::limits::{ROWS, ROWS_FILE, allow_unpacked};
use crate::pause::{Twice, may_try_again};
pub(super) use mapped::FileRows;
use mapped::Mapped;
pub use mapped::{as_in_files, name_in_files};
pub(super) use schema::arrow as arrow_type;
pub(super) use schema::kind as type_of;
pub use schema::schema_string;

/// How often a lost race is run again before giving up.
const ATTEMPTS: u32 = 100;

/// A table to create.
#[derive(Debug, Clone)]
pub struct NewTable {
    /// The columns; timestamps are microseconds, in UTC or in no zone.
    pub schema: Schema,
    /// The partition columns, in order.
    pub partition_columns: Vec<String>,
    /// The table properties; what they ask of the protocol and of the columns is done.
    pub properties: BTreeMap<String, String>,
}

pub(super) fn create(store: &TableStore, table: &NewTable, author: &Author) -> Result<()> {
    let NewTable { schema, partition_columns, properties } = table;
    let parameters = json!({
        "partitionBy": json!(partition_columns).to_string(),
        "properties": json!(properties).to_string(),
    });
    let mut change = TableChange::new(Operation::new("CREATE TABLE", parameters));
    let metadata = Raw::from_iter([
        ("id".to_owned(), uuid::Uuid::new_v4().to_string().into()),
        ("format".to_owned(), json!({ "provider": "parquet", "options": {} })),
        ("schemaString".to_owned(), schema_string(schema)?.into()),
        ("partitionColumns".to_owned(), json!(partition_columns)),
        ("configuration".to_owned(), json!({})),
        ("createdTime".to_owned(), author.now_ms.into()),
    ]);
    let oldest = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
    let mut protocol = Protocol(serde_json::from_value(oldest).unwrap_or_default());
    if schema::has_local_times(&DataType::Struct(schema.fields().clone())) {
        protocol = protocol.with_feature("timestampNtz");
    }
    let (protocol, metadata) = with_properties(protocol, metadata, properties, TableStage::Made)
        .map_err(|error| error.of(store))?;
    change.action(&json!({ "protocol": protocol.0 }));
    change.action(&json!({ "metaData": metadata }));
    put(store, 0, &change.into_lines(author, None, None))
}

/// The columns of a table as Arrow's, every one nullable.
pub(super) fn columns_of(table: &Snapshot) -> Result<Schema> {
    schema::columns(table.metadata.schema_string()).map(Schema::new)
}

/// A nullable column to add to a table.
#[derive(Debug, Clone)]
pub struct NewColumn {
    /// Its place: names of fields from the outermost in, `element` for an array's.
    pub path: Vec<String>,
    /// Its type.
    pub kind: DataType,
}

pub(super) fn add_columns(
    store: &TableStore,
    columns: &[NewColumn],
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    with_retries(store, expect, |base| {
        let mut schema = TableColumns::of(&base.metadata)?;
        let mut added = Vec::new();
        for NewColumn { path, kind } in columns {
            let kind = schema::kind(kind)?;
            match schema.add(path, kind.clone(), None, &ColumnPlace::Last) {
                Ok(()) => added.push(json!({ "column": { "name": path.join("."), "type": kind } })),
                Err(ColumnObstacle::There(_)) => {}
                Err(
                    ColumnObstacle::Missing(path)
                    | ColumnObstacle::NoStruct(path)
                    | ColumnObstacle::Only(path),
                ) => {
                    let lacks = format!("it has no struct {}", path.join("."));
                    return Err(DeltaError::corrupt("the schema", lacks));
                }
            }
        }
        if added.is_empty() {
            return Ok(base.version);
        }
        let metadata = schema.into_metadata(base.metadata.0.clone());
        let parameters = json!({ "columns": json!(added).to_string() });
        let mut change = TableChange::new(Operation::new("ADD COLUMNS", parameters));
        change.action(&json!({ "metaData": metadata }));
        commit_on(store, base, author, change)
    })
}

pub(super) fn append(
    store: &TableStore,
    rows: &RecordBatch,
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    let mut written: Option<NewFile> = None;
    let done = with_retries(store, expect, |base| {
        let mut change = TableChange::new(write_operation("Append", rows));
        change.add(written_once(&mut written, store, base, rows)?, author.now_ms);
        commit_on(store, base, author, change)
    });
    take_back(store, &done, written.as_ref());
    done
}

pub(super) fn overwrite(
    store: &TableStore,
    rows: &RecordBatch,
    expect: Expect,
    author: &Author,
) -> Result<u64> {
    let mut written: Option<NewFile> = None;
    let done = with_retries(store, expect, |base| {
        let mut change = TableChange::new(write_operation("Overwrite", rows));
        for (key, file) in base.sorted_files() {
            change.remove(key, file, author.now_ms)?;
        }
        if rows.num_rows() > 0 {
            change.add(written_once(&mut written, store, base, rows)?, author.now_ms);
        }
        commit_on(store, base, author, change)
    });
    take_back(store, &done, written.as_ref());
    done
}

/// The file with the rows, which is written for the first attempt.
fn written_once<'a>(
    written: &'a mut Option<NewFile>,
    store: &TableStore,
    base: &Snapshot,
    rows: &RecordBatch,
) -> Result<&'a NewFile> {
    let file = match written.take() {
        Some(file) => file,
        None => write_file(store, base, rows)?,
    };
    Ok(written.insert(file))
}

/// Removes the file that was written for a commit that somebody else was faster than. After any other trouble it stays: the
/// commit may be there all the same.
fn take_back(store: &TableStore, done: &Result<u64>, written: Option<&NewFile>) {
    if let (Err(DeltaError::Conflict { .. }), Some(file)) = (done, written) {
        withdraw(store, std::slice::from_ref(&file.path));
    }
}

/// Removes files that no commit names. What stays does no harm.
pub(super) fn withdraw(store: &TableStore, paths: &[String]) {
    for path in paths {
        let _ = store.remove(path);
    }
}

fn with_retries(
    store: &TableStore,
    expect: Expect,
    mut attempt: impl FnMut(&Snapshot) -> Result<u64>,
) -> Result<u64> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let log = versions(store)?;
        expect.check(Some(log.newest))?;
        let base = snapshot_of(store, &log, None, SnapshotDetail::Live)?;
        features::check_writer(&base.protocol)?;
        match attempt(&base) {
            Err(error)
                if expect == Expect::Anything
                    && may_try_again(error.of_commit(), Twice::Harmless, attempts, ATTEMPTS) => {}
            done => return done,
        }
    }
}

fn write_operation(mode: &str, rows: &RecordBatch) -> Operation {
    Operation::new("WRITE", json!({ "mode": mode, "partitionBy": "[]" })).metrics(vec![
        ("numFiles", u64::from(rows.num_rows() > 0)),
        ("numOutputRows", rows.num_rows() as u64),
    ])
}

/// Writes rows as a data file of the table, which a change makes live.
pub(super) fn write_file(
    store: &TableStore,
    table: &Snapshot,
    rows: &RecordBatch,
) -> Result<NewFile> {
    let unsupported =
        |why: String| DeltaError::Unsupported { location: store.location(), why: why.into() };
    if !table.metadata.partition_columns().is_empty() {
        return Err(unsupported("rows cannot be written to a partitioned table".to_owned()));
    }
    let simple_only = "drsync writes rows to simple tables only";
    if table.metadata.maps_columns() {
        return Err(DeltaError::feature("columnMapping", simple_only));
    }
    for feature in ["rowTracking", "identityColumns", "generatedColumns"] {
        if table.protocol.supports(feature) {
            return Err(DeltaError::feature(feature, simple_only));
        }
    }
    let ours = schema_string(&rows.schema())?;
    if let Some(difference) = schema::find_difference(&ours, table.metadata.schema_string())? {
        return Err(unsupported(difference));
    }
    let path = format!("part-00000-{}-c000.zstd.parquet", uuid::Uuid::new_v4());
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let content = encoded(&path, rows, Some(properties))?;
    store.create(&path, &content)?;
    Ok(NewFile {
        path,
        partition: Raw::new(),
        size: content.len() as u64,
        records: rows.num_rows() as u64,
        tags: None,
    })
}

/// Rows as the bytes of a Parquet file; `path` names it where it cannot be written.
pub(super) fn encoded(
    path: &str,
    rows: &RecordBatch,
    properties: Option<WriterProperties>,
) -> Result<Vec<u8>> {
    let failed = |error: ::parquet::errors::ParquetError| {
        DeltaError::corrupt(path, format!("it cannot be written: {error}"))
    };
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), properties).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

pub(super) fn read_rows(store: &TableStore, version: Option<u64>) -> Result<Vec<RecordBatch>> {
    rows_of(store, &snapshot(store, version, SnapshotDetail::Live)?, |_| true)
}

/// The rows of some of a table's live files.
pub(super) fn rows_of(
    store: &TableStore,
    table: &Snapshot,
    chosen: impl Fn(&LiveFile) -> bool,
) -> Result<Vec<RecordBatch>> {
    let columns = mapped::columns(&table.metadata)?;
    let mut found = Vec::new();
    let mut unpacked = 0;
    let wanted = wanted(table, store.folder())?;
    for want in wanted.into_iter().filter(|want| chosen(want.file)) {
        if want.file.vector.is_some() {
            return Err(DeltaError::feature(
                "deletionVectors",
                "drsync reads rows of simple tables only",
            ));
        }
        let opened = match &want.from {
            FileLocation::Inside(path) => store.read(path).map_err(|error| missing(error, path))?,
            FileLocation::Elsewhere(path) => {
                let failed = |error| DeltaError::io(format!("read {}", path.display()), error);
                Blob::File(files::open_regular(&store.external(path)?).map_err(failed)?)
            }
            FileLocation::Foreign(_) => {
                unreachable!("a wanted file is on this machine or in its table")
            }
        };
        let bytes = opened.all(want.to(), &ROWS_FILE)?;
        let (length, mut of_file) = (bytes.len() as u64, 0);
        let opened = parquet::open(bytes, want.to(), ArrowReaderOptions::new())?;
        for batch in parquet::batches(opened, None, 1024)? {
            let batch = batch?;
            let size = batch.get_array_memory_size() as u64;
            (unpacked, of_file) = (unpacked + size, of_file + size);
            ROWS.allow(unpacked)
                .and_then(|()| allow_unpacked(of_file, length))
                .map_err(|over| DeltaError::too_much(want.to(), over))?;
            found.push(arranged(&batch, &columns, &table.metadata, want.file.action.as_deref())?);
        }
    }
    Ok(found)
}

/// The table's columns in its order: from the file, from the partition, or null where the file is older than the column.
fn arranged(
    batch: &RecordBatch,
    columns: &[Mapped],
    metadata: &Metadata,
    action: Option<&str>,
) -> Result<RecordBatch> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase")]
    struct Partition {
        partition_values: BTreeMap<String, Option<String>>,
    }
    let partition: Partition =
        action.and_then(|action| serde_json::from_str(action).ok()).unwrap_or_default();
    let partitioned = metadata.partition_columns();
    let rows = batch.num_rows();
    let arrays = columns.iter().map(|mapped| -> Result<(Field, ArrayRef)> {
        let (column, in_files) = (&mapped.in_table, mapped.in_files.name());
        let array = if partitioned.contains(&column.name().as_str()) {
            if *column.data_type() != DataType::Utf8 {
                return Err(DeltaError::feature(
                    format!("partition column {}", column.name()),
                    "drsync reads partitions of strings only",
                ));
            }
            let value = partition.partition_values.get(in_files).cloned().flatten();
            Arc::new(StringArray::from(vec![value; rows])) as ArrayRef
        } else {
            match batch.column_by_name(in_files) {
                Some(array) => mapped.read(array)?,
                None => new_null_array(column.data_type(), rows),
            }
        };
        Ok((Field::new(column.name(), array.data_type().clone(), true), array))
    });
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        arrays.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| DeltaError::corrupt("a data file", error))
}
