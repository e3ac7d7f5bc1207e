//! Makes the files of each partition of a table one, as OPTIMIZE does: no row changes.

use std::collections::BTreeMap;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ArrowReaderOptions;
use arrow_array::RecordBatch;
use serde::Deserialize;
use serde_json::json;

use super::action::{FileKey, LiveFile, Raw};
use super::change::{Author, NewFile, Operation, TableChange};
use super::commit::commit_on;
use super::error::{DeltaError, Result};
use super::features;
use super::log::versions;
use super::parquet;
use super::path::{self, FileLocation};
use super::replay::snapshot_of;
use super::snapshot::Snapshot;
use super::state::SnapshotDetail;
use super::store::{TableStore, missing};
use super::table::{FileRows, withdraw};
use crate::limits::{ROWS, ROWS_FILE};

/// Bytes of a file at most; one that is as long is left alone.
const FILE_BYTES: u64 = 1 << 30;

/// What became of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// The bytes of each file that was written.
    pub added: Vec<u64>,
    /// The bytes of each that it took the place of.
    pub removed: Vec<u64>,
    /// Partitions that have other files now.
    pub partitions: u64,
    /// Files that were looked at.
    pub considered: u64,
}

/// Files of one partition that become one.
struct Bin<'a> {
    partition: Raw,
    files: Vec<(&'a FileKey, &'a LiveFile)>,
    bytes: u64,
}

pub(super) fn compact(store: &TableStore, author: &Author) -> Result<Compacted> {
    let base = snapshot_of(store, &versions(store)?, None, SnapshotDetail::Live)?;
    features::check_writer(&base.protocol)?;
    if base.protocol.supports("rowTracking") {
        let why = "drsync rewrites files only where rows have no numbers";
        return Err(DeltaError::feature("rowTracking", why));
    }
    let bins = bins(&base)?;
    let mut done = Compacted { considered: base.files.len() as u64, ..Compacted::default() };
    if bins.is_empty() {
        return Ok(done);
    }
    let mut written = Vec::new();
    let committed = written_anew(store, &base, &bins, &mut written)
        .and_then(|()| commit(store, &base, author, (&bins, &written)));
    if let Err(error) = committed {
        let paths: Vec<String> = written.into_iter().map(|file| file.path).collect();
        withdraw(store, &paths);
        return Err(error);
    }
    done.added = written.iter().map(|file| file.size).collect();
    done.removed = bins.iter().flat_map(|bin| &bin.files).map(|(_, file)| file.size).collect();
    let mut partitions: Vec<String> =
        bins.into_iter().map(|bin| json!(bin.partition).to_string()).collect();
    partitions.dedup();
    done.partitions = partitions.len() as u64;
    Ok(done)
}

/// Files that can become one, in the order of their partitions; files whose rows are deleted by vectors stay.
fn bins(base: &Snapshot) -> Result<Vec<Bin<'_>>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        #[serde(default)]
        partition_values: Raw,
    }
    let mut open: BTreeMap<String, Bin<'_>> = BTreeMap::new();
    let mut full = Vec::new();
    for (key, file) in base.sorted_files() {
        if file.vector.is_some() || file.size >= FILE_BYTES {
            continue;
        }
        let said: Said = serde_json::from_str(file.action.as_deref().unwrap_or("{}"))
            .map_err(|error| DeltaError::corrupt(&*key.path, error))?;
        let name = json!(said.partition_values).to_string();
        let empty =
            || Bin { partition: said.partition_values.clone(), files: Vec::new(), bytes: 0 };
        let bin = open.entry(name).or_insert_with(empty);
        if bin.bytes + file.size > FILE_BYTES {
            full.push(std::mem::replace(bin, empty()));
        }
        bin.bytes += file.size;
        bin.files.push((key, file));
    }
    full.extend(open.into_values());
    full.retain(|bin| bin.files.len() > 1);
    full.sort_by_key(|bin| json!(bin.partition).to_string());
    Ok(full)
}

/// Writes one file for each bin.
fn written_anew(
    store: &TableStore,
    base: &Snapshot,
    bins: &[Bin<'_>],
    written: &mut Vec<NewFile>,
) -> Result<()> {
    for bin in bins {
        let shape = FileRows::of(&base.metadata)?;
        let (mut batches, mut records, mut bytes) = (Vec::new(), 0, 0);
        for (key, _) in &bin.files {
            for batch in read(store, key, &shape)? {
                records += batch.num_rows() as u64;
                bytes += batch.get_array_memory_size() as u64;
                ROWS.allow(bytes).map_err(|over| DeltaError::too_much(&*key.path, over))?;
                batches.push(batch);
            }
        }
        let first = &*bin.files[0].0.path;
        let folder = match first.rsplit_once('/') {
            Some((folder, _)) if !path::is_absolute(first) => format!("{folder}/"),
            _ => String::new(),
        };
        let name = format!("{folder}part-00000-{}.c000.parquet", uuid::Uuid::new_v4());
        let content = encoded(&name, &batches)?;
        let FileLocation::Inside(inside) = path::locate(&name, store.folder())? else {
            return Err(DeltaError::corrupt(first, "its folder lies out of the table"));
        };
        store.create(&inside, &content)?;
        let (partition, size) = (bin.partition.clone(), content.len() as u64);
        written.push(NewFile { path: name, partition, size, records, tags: None });
    }
    Ok(())
}

/// The rows of a file in the columns that all files of its table are to have.
fn read(store: &TableStore, key: &FileKey, shape: &FileRows) -> Result<Vec<RecordBatch>> {
    let name = &*key.path;
    let FileLocation::Inside(inside) = path::locate(name, store.folder())? else {
        let why = "drsync rewrites files of the table's own folder only".into();
        return Err(DeltaError::Unsupported { location: name.to_owned(), why });
    };
    let opened = store.read(&inside).map_err(|error| missing(error, name))?;
    let bytes = opened.all(name, &ROWS_FILE)?;
    let opened = parquet::open(bytes, name, ArrowReaderOptions::new())?;
    parquet::batches(opened, None, 1024)?.map(|batch| shape.arranged(&batch?)).collect()
}

fn encoded(path: &str, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let unwritten = |error: ::parquet::errors::ParquetError| DeltaError::Unsupported {
        location: path.to_owned(),
        why: format!("its rows cannot be written as one file: {error}").into(),
    };
    let Some(first) = batches.first() else {
        return Err(DeltaError::corrupt(path, "the files that it is to be made of are empty"));
    };
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), None).map_err(unwritten)?;
    batches.iter().try_for_each(|batch| writer.write(batch)).map_err(unwritten)?;
    writer.into_inner().map_err(unwritten)
}

fn commit(
    store: &TableStore,
    base: &Snapshot,
    author: &Author,
    (bins, written): (&[Bin<'_>], &[NewFile]),
) -> Result<()> {
    let sum = |sizes: &[u64]| sizes.iter().sum();
    let mut added: Vec<u64> = written.iter().map(|file| file.size).collect();
    added.sort_unstable();
    let removed: Vec<u64> =
        bins.iter().flat_map(|bin| &bin.files).map(|(_, file)| file.size).collect();
    let at = |part: usize| added[added.len() * part / 4];
    let parameters =
        json!({ "predicate": "[]", "zOrderBy": "[]", "clusterBy": "[]", "auto": false });
    let metrics = vec![
        ("numAddedFiles", added.len() as u64),
        ("numRemovedFiles", removed.len() as u64),
        ("numAddedBytes", sum(&added)),
        ("numRemovedBytes", sum(&removed)),
        ("minFileSize", added[0]),
        ("p25FileSize", at(1)),
        ("p50FileSize", at(2)),
        ("p75FileSize", at(3)),
        ("maxFileSize", added[added.len() - 1]),
        ("numDeletionVectorsRemoved", 0),
    ];
    let mut change =
        TableChange::maintenance(Operation::new("OPTIMIZE", parameters).metrics(metrics));
    for (key, file) in bins.iter().flat_map(|bin| &bin.files) {
        change.remove(key, file, author.now_ms)?;
    }
    written.iter().for_each(|file| change.add(file, author.now_ms));
    commit_on(store, base, author, change).map(drop)
}
