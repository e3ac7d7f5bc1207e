//! Reads checkpoints: classic, multi-part, and V2 in Parquet or JSON with their sidecars.

mod write;

use std::borrow::Cow;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ArrowReaderOptions;
use ::parquet::file::metadata::{KeyValue, ParquetMetaData};
use ::parquet::file::reader::ChunkReader;
use ::parquet::schema::types::SchemaDescriptor;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use chrono::NaiveDate;
use percent_encoding::percent_decode_str;

use super::action::{Raw, Vector};
use super::error::{DeltaError, Result};
use super::json;
use super::log::{LOG, LogCheckpoint};
use super::odd::Odd;
use super::parquet;
use super::state::{AddFacts, ReplayState, SnapshotDetail};
use super::stats::num_records;
use super::store::{Blob, TableStore};
use crate::foreign::contained;
use crate::limits::{CHECKPOINT, CHECKPOINT_ROWS, Exceeded};

pub(crate) use write::{EVERY, deleted_ms, write_checkpoint};

/// A checkpoint of up to so many bytes is read at once: it has many columns, and each would be read page by page.
const SMALL: u64 = 1 << 20;

/// Applies a checkpoint. Any trouble with it is [`DeltaError::Corrupt`], so that another base can be tried.
pub(super) fn read_checkpoint(
    store: &TableStore,
    checkpoint: &LogCheckpoint,
    state: &mut ReplayState,
) -> Result<()> {
    state.within_checkpoint = true;
    for file in &checkpoint.files {
        let blob = open(store, file)?;
        state.packed += blob.length(file)?;
        if file.ends_with(".json") {
            state.read_lines(blob, file)?;
        } else {
            read_parquet(blob, file, state)?;
        }
    }
    let mut sidecars = std::mem::take(&mut state.sidecars);
    // One that is named a thousand times is still one.
    sidecars.sort_unstable();
    sidecars.dedup();
    if state.detail > SnapshotDetail::Header {
        for sidecar in sidecars {
            // A sidecar lies in its folder whatever its path says.
            let name = sidecar.rsplit('/').next().unwrap_or(&sidecar);
            let name = percent_decode_str(name)
                .decode_utf8()
                .map_err(|error| DeltaError::corrupt(&sidecar, error))?;
            let file = format!("_sidecars/{name}");
            let blob = open(store, &file)?;
            state.packed += blob.length(&file)?;
            read_parquet(blob, &file, state)?;
        }
    }
    state.within_checkpoint = false;
    Ok(())
}

fn open(store: &TableStore, file: &str) -> Result<Blob> {
    let blob = store.read(&format!("{LOG}/{file}")).map_err(|error| {
        if error.is_not_found() { DeltaError::corrupt(file, "it is missing") } else { error }
    })?;
    match &blob {
        Blob::File(opened) if opened.metadata().is_ok_and(|facts| facts.len() <= SMALL) => {
            blob.all(file, &CHECKPOINT).map(Blob::Bytes)
        }
        _ => Ok(blob),
    }
}

/// Where statistics are taken from. A writer may leave out either form.
#[derive(Clone, Copy, PartialEq)]
enum Stats {
    Text,
    Parsed,
    Both,
}

/// Where statistics are taken from, and which bounds of times are believed.
#[derive(Clone, Copy)]
struct From {
    stats: Stats,
    earliest: NaiveDate,
}

fn read_parquet(blob: Blob, file: &str, state: &mut ReplayState) -> Result<()> {
    let corrupt = |error: &dyn std::fmt::Display| DeltaError::corrupt(file, error);
    let too_much = |over| DeltaError::too_much(file, over);
    // Counting rows needs one number; copying needs the text if there is one. If some row lacks it, everything is read.
    let first = if state.detail >= SnapshotDetail::Live { Stats::Text } else { Stats::Parsed };
    let attempts: [(Blob, Stats); 2] = match blob {
        Blob::Bytes(bytes) => {
            [(Blob::Bytes(bytes.clone()), first), (Blob::Bytes(bytes), Stats::Both)]
        }
        Blob::File(opened) => {
            let again = opened.try_clone().map_err(|error| corrupt(&error))?;
            [(Blob::File(opened), first), (Blob::File(again), Stats::Both)]
        }
    };
    let (adds, unpacked_before) = (state.adds, state.unpacked);
    for (blob, stats) in attempts {
        state.adds = adds;
        state.unpacked = unpacked_before;
        let (earliest, batches) = match blob {
            Blob::File(opened) => batches(opened, file, state.detail, stats)?,
            Blob::Bytes(bytes) => batches(bytes, file, state.detail, stats)?,
        };
        let from = From { stats, earliest };
        let mut complete = true;
        for batch in batches {
            let batch = batch?;
            state.unpacked += batch.get_array_memory_size() as u64;
            CHECKPOINT.allow(state.unpacked - unpacked_before).map_err(too_much)?;
            let applied = contained(|| apply(&batch, state, from)).map_err(|why| corrupt(&why))?;
            complete &= applied.map_err(|why| corrupt(&why))?;
            state.check(file)?;
            if !complete {
                break;
            }
        }
        if complete {
            break;
        }
    }
    Ok(())
}

fn batches(
    input: impl ChunkReader + 'static,
    file: &str,
    detail: SnapshotDetail,
    stats: Stats,
) -> Result<(NaiveDate, parquet::RowBatches)> {
    // The writer's own Arrow schema is of no interest, and may name types that need more care.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let opened = parquet::open(input, file, options)?;
    let known = &opened.known;
    let mask = projection(known.parquet_schema(), detail, stats);
    check_promises(known.metadata(), &mask).map_err(|over| DeltaError::too_much(file, over))?;
    let earliest = earliest_bound(known.metadata().file_metadata().key_value_metadata());
    Ok((earliest, parquet::batches(opened, Some(mask), 4096)?))
}

/// Refuses a file whose footer promises more rows, or more bytes in the columns that are read, than drsync reads.
fn check_promises(metadata: &ParquetMetaData, mask: &ProjectionMask) -> Result<(), Exceeded> {
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        for (index, column) in group.columns().iter().enumerate() {
            if mask.leaf_included(index) {
                let promised = u64::try_from(column.uncompressed_size()).unwrap_or(u64::MAX);
                bytes = bytes.saturating_add(promised);
            }
        }
    }
    CHECKPOINT_ROWS.allow(rows)?;
    CHECKPOINT.allow(bytes)
}

/// The first day whose times mean the same to everyone.
///
/// Old versions of Spark, and newer ones told to do so, write times of the Julian calendar and of local zones for what is long ago,
/// and say so in the footer.
fn earliest_bound(metadata: Option<&Vec<KeyValue>>) -> NaiveDate {
    let said = |key: &str| metadata.into_iter().flatten().find(|said| said.key == key);
    let version = said("org.apache.spark.version").and_then(|said| said.value.as_deref());
    let old = match version {
        Some(version) => version.starts_with(['0', '1', '2']),
        None => said("org.apache.spark.sql.parquet.row.metadata").is_some(),
    };
    let told = ["legacyINT96", "legacyDateTime"]
        .iter()
        .any(|key| said(&format!("org.apache.spark.{key}")).is_some());
    if old || told { json::FIRST_DAY_OF_OLD_WRITERS } else { json::FIRST_DAY }
}

fn projection(schema: &SchemaDescriptor, detail: SnapshotDetail, stats: Stats) -> ProjectionMask {
    let paths: Vec<&[String]> =
        schema.columns().iter().map(|column| column.path().parts()).collect();
    let has = |name: &str| {
        paths.iter().any(|path| path[0] == "add" && path.get(1).is_some_and(|part| part == name))
    };
    let text = has("stats") && (stats != Stats::Parsed || !has("stats_parsed"));
    let parsed = stats != Stats::Text || !has("stats");
    let wanted = |path: &&[String]| {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts[..] {
            ["protocol" | "metaData" | "txn" | "domainMetadata" | "sidecar", ..] => true,
            ["add", ..] if detail == SnapshotDetail::Header => false,
            ["add", "stats"] => text,
            ["add", "stats_parsed", "numRecords"] => parsed,
            ["add", "stats_parsed", ..] => parsed && detail >= SnapshotDetail::Live,
            ["add", "partitionValues_parsed", ..] => false,
            ["add", "path" | "size" | "modificationTime", ..] | ["add", "deletionVector", ..] => {
                true
            }
            ["add", ..] => detail >= SnapshotDetail::Live,
            ["remove", ..] => detail == SnapshotDetail::Full,
            _ => false,
        }
    };
    ProjectionMask::leaves(
        schema,
        paths.iter().enumerate().filter(|(_, path)| wanted(path)).map(|(index, _)| index),
    )
}

/// Applies a batch of rows; false when statistics must be looked for in the other form too.
fn apply(batch: &RecordBatch, state: &mut ReplayState, from: From) -> Result<bool, Odd> {
    let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_struct_opt());
    let object = |column: &StructArray, row: usize| -> Result<Raw, Odd> {
        let mut text = String::new();
        json::write_struct(&mut text, column, row, &[]);
        Ok(serde_json::from_str(&text)?)
    };
    // Some writers leave the struct itself set and only its fields null; the required field decides.
    let set = |column: &StructArray, row: usize, required: &str| {
        column.is_valid(row)
            && column.column_by_name(required).is_some_and(|field| field.is_valid(row))
    };
    // Looked up once: a batch has thousands of rows, and most of them have one action.
    let [protocols, metadatas, txns, domains, sidecars, adds, removes] =
        ["protocol", "metaData", "txn", "domainMetadata", "sidecar", "add", "remove"].map(column);
    for row in 0..batch.num_rows() {
        if let Some(protocol) = protocols.filter(|column| set(column, row, "minReaderVersion")) {
            state.protocol = Some(object(protocol, row)?);
        }
        if let Some(metadata) = metadatas.filter(|column| set(column, row, "id")) {
            let mut metadata = object(metadata, row)?;
            metadata.entry("configuration").or_insert_with(|| Raw::new().into());
            metadata.entry("partitionColumns").or_insert_with(|| Vec::<String>::new().into());
            state.metadata = Some(metadata);
        }
        if let Some(txn) = txns.filter(|column| set(column, row, "appId")) {
            state.txn(object(txn, row)?);
        }
        if let Some(domain) = domains.filter(|column| set(column, row, "domain")) {
            state.domain(object(domain, row)?);
        }
        if let Some(sidecar) = sidecars.filter(|column| set(column, row, "path")) {
            let path = text(sidecar, "path", row)?.ok_or(Odd::SidecarWithoutPath)?;
            state.sidecars.push(path.into_owned());
        }
        if let Some(add) = adds.filter(|column| set(column, row, "path"))
            && !apply_add(add, row, state, from)?
        {
            return Ok(false);
        }
        if let Some(remove) = removes.filter(|column| set(column, row, "path")) {
            let facts = facts(remove, row)?;
            let mut action = String::new();
            json::write_struct(&mut action, remove, row, hidden_vector(&facts));
            state.remove(facts, Some(action.into()))?;
        }
    }
    Ok(true)
}

fn apply_add(
    add: &StructArray,
    row: usize,
    state: &mut ReplayState,
    from: From,
) -> Result<bool, Odd> {
    let mut facts = facts(add, row)?;
    let stats = text(add, "stats", row)?;
    let parsed = add
        .column_by_name("stats_parsed")
        .and_then(|column| column.as_struct_opt())
        .filter(|column| column.is_valid(row));
    // Where both are read the text counts, because it is what a clone carries.
    facts.records = match &stats {
        Some(stats) => num_records(stats),
        None => match parsed {
            Some(parsed) => count(parsed, "numRecords", row)?,
            None => None,
        },
    };
    if stats.is_none() && facts.records.is_none() && from.stats != Stats::Both {
        return Ok(false);
    }
    let action = if state.detail >= SnapshotDetail::Live {
        let Some(partition) = add.column_by_name("partitionValues") else {
            return Err(Odd::NoPartitionValues);
        };
        let mut action = String::new();
        let mut without = vec!["stats_parsed"];
        without.extend(hidden_vector(&facts));
        json::write_struct(&mut action, add, row, &without);
        action.pop();
        if partition.is_null(row) {
            action.push_str(r#","partitionValues":{}"#);
        }
        if let (None, Some(parsed)) = (&stats, parsed) {
            action.push_str(r#","stats":"#);
            json::string(&mut action, &json::write_stats(parsed, row, from.earliest));
        }
        action.push('}');
        Some(action.into())
    } else {
        None
    };
    state.add(facts, action)?;
    Ok(true)
}

/// Names the vector's field when it is set but empty, so that it is left out of the action.
fn hidden_vector(facts: &AddFacts<'_>) -> &'static [&'static str] {
    match facts.deletion_vector {
        Some(_) => &[],
        None => &["deletionVector"],
    }
}

fn facts<'a>(action: &'a StructArray, row: usize) -> Result<AddFacts<'a>, Odd> {
    let vector = action
        .column_by_name("deletionVector")
        .and_then(|column| column.as_struct_opt())
        .filter(|column| column.is_valid(row));
    let deletion_vector = match vector {
        None => None,
        Some(vector) => read_vector(vector, row)?,
    };
    Ok(AddFacts {
        path: text(action, "path", row)?.ok_or(Odd::FileWithoutPath)?,
        size: count(action, "size", row)?,
        modification_time: number(action, "modificationTime", row)?,
        partition_values: (),
        tags: (),
        deletion_vector,
        stats: None,
        records: None,
    })
}

fn read_vector(vector: &StructArray, row: usize) -> Result<Option<Vector>, Odd> {
    let storage_type = text(vector, "storageType", row)?;
    let reference = text(vector, "pathOrInlineDv", row)?;
    let (Some(storage_type), Some(reference)) = (storage_type, reference) else {
        return Ok(None);
    };
    Ok(Some(Vector {
        storage_type: storage_type.into_owned(),
        path_or_inline_dv: reference.into_owned(),
        offset: number(vector, "offset", row)?,
        size_in_bytes: count(vector, "sizeInBytes", row)?.unwrap_or(0),
        cardinality: count(vector, "cardinality", row)?.unwrap_or(0),
    }))
}

fn text<'a>(parent: &'a StructArray, name: &str, row: usize) -> Result<Option<Cow<'a, str>>, Odd> {
    let Some(column) = parent.column_by_name(name).filter(|column| column.is_valid(row)) else {
        return Ok(None);
    };
    match column.as_string_opt::<i32>() {
        Some(texts) => Ok(Some(Cow::Borrowed(texts.value(row)))),
        None => Err(of_type(name, column)),
    }
}

fn number(parent: &StructArray, name: &str, row: usize) -> Result<Option<i64>, Odd> {
    let Some(column) = parent.column_by_name(name).filter(|column| column.is_valid(row)) else {
        return Ok(None);
    };
    if let Some(longs) = column.as_primitive_opt::<Int64Type>() {
        return Ok(Some(longs.value(row)));
    }
    match column.as_primitive_opt::<Int32Type>() {
        Some(whole) => Ok(Some(i64::from(whole.value(row)))),
        None => Err(of_type(name, column)),
    }
}

fn of_type(field: &str, column: &ArrayRef) -> Odd {
    Odd::OfType { field: field.to_owned(), found: column.data_type().to_string() }
}

fn count(parent: &StructArray, name: &str, row: usize) -> Result<Option<u64>, Odd> {
    let number = number(parent, name, row)?;
    let negative = |number| Odd::Negative { field: name.to_owned(), number };
    number.map(|number| u64::try_from(number).map_err(|_| negative(number))).transpose()
}
