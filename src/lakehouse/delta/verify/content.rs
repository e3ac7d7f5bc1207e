//! The rows of a clone: of a small table all of them, of a large one a sample. Each file that is read must be what Parquet
//! says, have as many records as its statistics say, none less than its deletion vector deletes, and no value out of bounds.

use std::sync::{Arc, Mutex};

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::basic::Type;
use ::parquet::file::reader::ChunkReader;
use ::parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use roaring::RoaringTreemap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::action::{FileKey, LiveFile};
use super::super::error::DeltaError;
use super::super::log::{commit_path, versions};
use super::super::parallel::{in_parallel, lock_or_recover};
use super::super::parquet;
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::super::store::TableStore;
use super::super::vector::deleted_rows;
use super::CloneDifference;
use super::bounds::{ColumnStatistics, Statistics};
use crate::files::open_regular;
use crate::sentence::Sentence;

/// A table with no more files and bytes than these is read whole.
const SMALL_FILES: usize = 64;
const SMALL_BYTES: u64 = 8 << 20;

/// Files read of any other.
const SAMPLE_FILES: usize = 8;

/// Bytes, about, read of a file of a sample.
const SAMPLE_BYTES: u64 = 256 << 10;

/// Up to so many bytes a table is read whole when its content is looked at long after its clone.
const LOOK_BYTES: u64 = 64 << 20;

/// How much of a table is read. A small one is read whole in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadDepth {
    /// A sample of its files, and of each what comes first.
    Sample,
    /// The footer of every file, and a sample; of no more than [`LOOK_BYTES`] everything.
    Look,
    /// Everything.
    Whole,
}

/// Rows decoded at once.
const BATCH: usize = 4096;

/// Reads files of a clone and notes what is not as its log says.
///
/// Bounds that are false in the source's own words are no fault of its clone. What the log of the source only has in a
/// checkpoint was put into words by the code that the clone used, too, and proves nothing.
pub(super) fn check(
    store: &TableStore,
    version: &Snapshot,
    source: Option<(&TableStore, u64)>,
    depth: ReadDepth,
    found: &mut Vec<CloneDifference>,
) {
    let files = version.sorted_files();
    let whole = |files: Vec<_>| files.into_iter().map(|file| (file, u64::MAX)).collect();
    let chosen: Vec<((&FileKey, &LiveFile), u64)> = match depth {
        _ if is_small(version) => whole(files),
        ReadDepth::Whole => whole(files),
        ReadDepth::Look if version.totals().bytes <= LOOK_BYTES => whole(files),
        ReadDepth::Look => {
            let some = sample(files.clone(), version.version).into_iter();
            let footers = files.into_iter().map(|file| (file, 0));
            some.map(|file| (file, SAMPLE_BYTES)).chain(footers).collect()
        }
        ReadDepth::Sample => {
            let some = sample(files, version.version).into_iter();
            some.map(|file| (file, SAMPLE_BYTES)).collect()
        }
    };
    let wrong = Mutex::new(Vec::new());
    let _ = in_parallel(&chosen, |((key, file), bytes_max)| {
        let reading = Reading { store, key, file, bytes_max: *bytes_max };
        if let Err(why) = reading.check() {
            let why = match why {
                Wrong::Content(why) => why,
                Wrong::Bound(_) if source.is_some_and(|source| reading.is_said_by(source)) => {
                    return Ok(());
                }
                Wrong::Bound(why) => why,
            };
            lock_or_recover(&wrong)
                .push(CloneDifference::Content { file: key.path.to_string(), why });
        }
        Ok(())
    });
    found.extend(wrong.into_inner().unwrap_or_default());
}

/// Whether a table is small enough to be read whole.
pub(super) fn is_small(version: &Snapshot) -> bool {
    let totals = version.totals();
    version.files.len() <= SMALL_FILES && totals.bytes <= SMALL_BYTES
}

/// Some files: others at every version, the same whenever that version is looked at.
fn sample<'a>(
    mut files: Vec<(&'a FileKey, &'a LiveFile)>,
    version: u64,
) -> Vec<(&'a FileKey, &'a LiveFile)> {
    let step = files.len().div_ceil(SAMPLE_FILES).max(1);
    let digest = Sha256::digest(version.to_be_bytes());
    let from = usize::from(digest[0]) % step;
    files = files.into_iter().skip(from).step_by(step).collect();
    files
}

/// What is wrong with a file, a fragment that follows its name.
enum Wrong {
    /// It does not hold what the log says.
    Content(Sentence),
    /// A value lies out of the bounds of its statistics.
    Bound(Sentence),
}

/// One file, being read.
struct Reading<'a> {
    store: &'a TableStore,
    key: &'a FileKey,
    file: &'a LiveFile,
    /// Bytes, about, that are read; 0: the footer only.
    bytes_max: u64,
}

impl Reading<'_> {
    /// Whether a commit of the source has these very statistics of a file of this size, word for word.
    fn is_said_by(&self, (source, version): (&TableStore, u64)) -> bool {
        #[derive(Deserialize)]
        struct Line {
            add: Option<Add>,
        }
        #[derive(Deserialize)]
        struct Add {
            size: Option<u64>,
            stats: Option<String>,
        }
        let action = self.file.action.as_deref().unwrap_or("{}");
        let Ok(Add { stats: Some(own), .. }) = serde_json::from_str(action) else {
            return false;
        };
        let Ok(log) = versions(source) else {
            return false;
        };
        let commits = log.commits.iter().rev();
        commits.filter(|commit| **commit <= version).any(|commit| {
            let lines = source.read_data(&commit_path(*commit)).unwrap_or_default();
            let mut adds = lines
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.add);
            adds.any(|add| add.size == Some(self.file.size) && add.stats.as_ref() == Some(&own))
        })
    }

    /// Reads the file.
    fn check(&self) -> Result<(), Wrong> {
        let root = self.store.folder();
        let place = path::locate(&self.key.path, root)
            .map_err(|error| Wrong::Content(error.to_string().into()))?;
        match place {
            FileLocation::Inside(inside) => match root {
                Some(folder) => self.read(|| open_regular(&folder.join(&inside)).ok()),
                None => self.read(|| self.store.read_data(&inside).ok()),
            },
            FileLocation::Elsewhere(path) => {
                self.read(|| open_regular(&self.store.external(&path).ok()?).ok())
            }
            FileLocation::Foreign(_) => Ok(()),
        }
    }

    fn read<R: ChunkReader + 'static>(&self, input: impl Fn() -> Option<R>) -> Result<(), Wrong> {
        let name = &*self.key.path;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        // What is missing is told by whoever looked at the disk.
        let Some(opened) = input() else {
            return Ok(());
        };
        let opened = match parquet::open(opened, name, options.clone()) {
            Ok(opened) => opened,
            Err(error) => return unreadable(error),
        };
        let records = opened.known.metadata().file_metadata().num_rows();
        let records = u64::try_from(records).unwrap_or(0);
        if let Some(said) = self.file.records.filter(|said| *said != records) {
            let why = format!("has {records} records where the log says {said}");
            return Err(Wrong::Content(why.into()));
        }
        let deleted = match self.file.vector.as_deref() {
            // One that cannot be read is told by whoever looked at the disk.
            Some(vector) => deleted_rows(vector, self.store, self.store.folder()).ok(),
            None => None,
        };
        if let Some(last) = deleted.as_ref().and_then(RoaringTreemap::max)
            && last >= records
        {
            let why =
                format!("has {records} records, and its deletion vector deletes number {last}");
            return Err(Wrong::Content(why.into()));
        }
        match self.bytes_max {
            0 => Ok(()),
            _ => self.bounds(opened, options, deleted.as_ref()),
        }
    }

    /// The statistics of the file as its action has them, as text.
    fn statistics(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Said {
            stats: Option<String>,
        }
        let action = self.file.action.as_deref().unwrap_or("{}");
        serde_json::from_str::<Said>(action).ok()?.stats
    }

    fn bounds<R: ChunkReader + 'static>(
        &self,
        mut opened: parquet::Opened<R>,
        options: ArrowReaderOptions,
        deleted: Option<&RoaringTreemap>,
    ) -> Result<(), Wrong> {
        let Some(text) = self.statistics() else {
            return Ok(());
        };
        // Statistics that do not parse bound nothing.
        let Ok(statistics) = serde_json::from_str::<Statistics<'_>>(&text) else {
            return Ok(());
        };
        let file = opened.known.metadata().file_metadata();
        let records = u64::try_from(file.num_rows()).unwrap_or(0);
        let schema = file.schema_descr_ptr();
        let judged: Vec<(usize, Vec<String>)> =
            leaves(&schema).filter(|(_, path)| statistics.speaks_of(path)).collect();
        if judged.is_empty() || records == 0 {
            return Ok(());
        }
        if let Some(hint) = with_wide_times(opened.known.schema(), &schema)
            && let Ok(wide) = ArrowReaderMetadata::try_new(
                opened.known.metadata().clone(),
                options.with_schema(Arc::new(hint)),
            )
        {
            opened = opened.with_known(wide);
        }
        let numbers = judged.iter().map(|(number, _)| *number);
        let mask = ProjectionMask::leaves(&schema, numbers);
        let a_row = (self.file.size / records).max(1);
        let rows = usize::try_from(self.bytes_max / a_row).unwrap_or(usize::MAX).max(1);
        let at_once = BATCH.min(rows);
        let batches = match parquet::batches_of_first(opened, Some(mask), at_once, Some(rows)) {
            Ok(batches) => batches,
            Err(error) => return unreadable(error),
        };
        let mut columns: Vec<ColumnStatistics<'_>> =
            judged.iter().map(|(_, path)| statistics.column(path)).collect();
        let mut first = 0_u64;
        for batch in batches {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => return unreadable(error),
            };
            let length = batch.num_rows() as u64;
            let live: Vec<bool> = (first..first + length)
                .map(|row| deleted.is_none_or(|deleted| !deleted.contains(row)))
                .collect();
            for ((_, path), column) in judged.iter().zip(&mut columns) {
                judge_batch(column, path, &batch, live.clone(), records)?;
            }
            first += length;
        }
        Ok(())
    }
}

/// Judges a column by a batch; rows whose outer structs are null are none of its own.
fn judge_batch(
    column: &mut ColumnStatistics<'_>,
    path: &[String],
    batch: &RecordBatch,
    mut live: Vec<bool>,
    records: u64,
) -> Result<(), Wrong> {
    let mut array = batch.column_by_name(&path[0]).cloned();
    let mut absent = vec![false; live.len()];
    for part in &path[1..] {
        let Some(outer) = array else { break };
        for (row, absent) in absent.iter_mut().enumerate() {
            *absent |= outer.is_null(row);
        }
        array = outer.as_struct_opt().and_then(|outer| outer.column_by_name(part).cloned());
    }
    let Some(array) = array else { return Ok(()) };
    if absent.iter().any(|absent| *absent) {
        column.inner_nulls = true;
        for (live, absent) in live.iter_mut().zip(absent) {
            *live &= !absent;
        }
    }
    column.judge(&array, &live, records).map_err(|why| Wrong::Bound(why.into()))
}

/// What needs a codec, an encoding or a key that this build does not have says nothing; anything else is damage.
fn unreadable(error: DeltaError) -> Result<(), Wrong> {
    match error {
        DeltaError::Corrupt { why, unknown_form: false, .. } => {
            Err(Wrong::Content(format!("cannot be read: {why}").into()))
        }
        _ => Ok(()),
    }
}

/// The leaf columns that are in structs at most, by their number, with their paths.
fn leaves(schema: &SchemaDescriptor) -> impl Iterator<Item = (usize, Vec<String>)> + '_ {
    let columns = schema.columns().iter().enumerate();
    columns
        .filter(|(_, column)| column.max_rep_level() == 0)
        .map(|(number, column)| (number, column.path().parts().to_vec()))
}

/// A schema that reads INT96 as microseconds, where the file has any: nanoseconds end in the year 2262.
fn with_wide_times(read: &Schema, schema: &SchemaDescriptor) -> Option<Schema> {
    let columns = schema.columns();
    let old = |column: &ColumnDescPtr| column.physical_type() == Type::INT96;
    columns.iter().any(old).then(|| {
        fn wide(field: &Field) -> Field {
            let kind = match field.data_type() {
                DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
                    DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
                }
                DataType::Struct(fields) => {
                    DataType::Struct(fields.iter().map(|field| wide(field)).collect::<Fields>())
                }
                other => other.clone(),
            };
            field.clone().with_data_type(kind)
        }
        let fields: Fields = read.fields().iter().map(|field| wide(field)).collect();
        Schema::new(fields)
    })
}
