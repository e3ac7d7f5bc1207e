//! Opens Parquet files of strangers: nothing recurses before their schema's depth is known, and no panic gets out.

mod footer;
mod pages;
mod prefixes;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataOptions, ParquetMetaDataReader};
use parquet::file::reader::ChunkReader;

use super::error::{DeltaError, Result};
use crate::foreign::contained;
use crate::limits::PARQUET_FOOTER;
use pages::PageGuard;

/// The end of every file: the length of its footer, and a mark.
const TAIL: u64 = 8;
const MARK: &[u8; 4] = b"PAR1";
/// The mark of a file whose footer is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";

/// A file that was opened: what it holds is known, and no row was read.
pub(crate) struct Opened<R> {
    guard: PageGuard<R>,
    /// Its metadata, as the reader takes them.
    pub(crate) known: ArrowReaderMetadata,
    file: String,
}

impl<R: ChunkReader + 'static> Opened<R> {
    /// The same file, read by another schema.
    pub(crate) fn with_known(self, known: ArrowReaderMetadata) -> Self {
        Self { known, ..self }
    }
}

/// Opens a file whose name is told where it cannot be read.
pub(crate) fn open<R: ChunkReader + 'static>(
    input: R,
    file: &str,
    options: ArrowReaderOptions,
) -> Result<Opened<R>> {
    let corrupt = |why: &dyn std::fmt::Display| DeltaError::corrupt(file, why);
    let length = input.len();
    let Some(body) = length.checked_sub(TAIL).filter(|body| *body >= 4) else {
        return Err(corrupt(&"it is too short for a Parquet file"));
    };
    let tail = input.get_bytes(body, TAIL as usize).map_err(|error| corrupt(&error))?;
    let [a, b, c, d, mark @ ..] = &tail[..] else {
        return Err(corrupt(&"it is too short for a Parquet file"));
    };
    if mark == ENCRYPTED {
        return Err(unreadable(file, "Parquet encryption"));
    }
    if mark != MARK {
        return Err(corrupt(&"it is no Parquet file: its last bytes are not PAR1"));
    }
    let size = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    let Some(start) = body.checked_sub(size).filter(|start| *start >= 4) else {
        return Err(corrupt(&"its footer is longer than the file"));
    };
    PARQUET_FOOTER.allow(size).map_err(|over| DeltaError::too_much(file, over))?;
    let footer = input.get_bytes(start, size as usize).map_err(|error| corrupt(&error))?;
    footer::check(&footer, file)?;
    let opened = contained(move || {
        // Decoded where the check looked for it: a schema that stands further on in the footer is not read at all.
        let schema = ParquetMetaDataReader::decode_schema(&footer)?;
        let known = ParquetMetaDataOptions::new().with_schema(schema);
        let metadata = ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&known))?;
        let metadata = Arc::new(metadata);
        let opened = ArrowReaderMetadata::try_new(metadata.clone(), options)?;
        match with_whole_times(&opened) {
            None => Ok(opened),
            Some(schema) => {
                let options = ArrowReaderOptions::new().with_schema(schema);
                ArrowReaderMetadata::try_new(metadata, options)
            }
        }
    });
    let known = opened
        .map_err(|why| corrupt(&why))?
        .map_err(|error: ParquetError| of_reader(file, &error))?;
    let mut columns = known.metadata().row_groups().iter().flat_map(|group| group.columns());
    match columns.find(|column| matches!(column.compression(), Compression::LZO)) {
        Some(_) => Err(unreadable(file, "the codec LZO")),
        None => Ok(Opened {
            guard: PageGuard::of(input, known.metadata().clone(), file)?,
            known,
            file: file.to_owned(),
        }),
    }
}

/// What the reader of Parquet files says of one that it cannot read. Whether it lacks a codec, an encoding or a key for it, or the file
/// is damaged, it tells in words alone, which are read here and nowhere else.
fn of_reader(file: &str, said: &dyn std::fmt::Display) -> DeltaError {
    let said = said.to_string();
    let unknown = ["Disabled feature", "NYI", "not yet implemented", "encrypt"];
    if unknown.iter().any(|word| said.contains(word)) {
        DeltaError::unknown_form(file, said)
    } else {
        DeltaError::corrupt(file, said)
    }
}

fn unreadable(file: &str, what: &str) -> DeltaError {
    DeltaError::Unreadable { file: file.to_owned(), what: what.to_owned() }
}

/// A file's schema with its INT96 times in microseconds of UTC, where it has such.
///
/// In nanoseconds, as they are read otherwise, they end at the years 1677 and 2262 and wrap around.
fn with_whole_times(opened: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let columns = opened.parquet_schema().columns();
    let mut kinds = columns.iter().map(|column| column.physical_type());
    if !kinds.clone().any(|kind| kind == PhysicalType::INT96) {
        return None;
    }
    let fields = opened.schema().fields();
    let fields: Fields = fields.iter().map(|field| whole_times(field, &mut kinds)).collect();
    Some(Arc::new(Schema::new(fields)))
}

/// A field with the same done in all its leaves, whose kinds come in their order.
fn whole_times(field: &FieldRef, kinds: &mut impl Iterator<Item = PhysicalType>) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| whole_times(field, kinds));
            DataType::Struct(fields.collect())
        }
        DataType::List(item) => DataType::List(whole_times(item, kinds)),
        DataType::Map(entries, sorted) => DataType::Map(whole_times(entries, kinds), *sorted),
        leaf => match kinds.next() {
            Some(PhysicalType::INT96) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            _ => leaf.clone(),
        },
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

/// The batches of an opened file: of some of its columns, or of all, so many rows at a time or fewer where values are long.
pub(crate) fn batches<R: ChunkReader + 'static>(
    opened: Opened<R>,
    columns: Option<ProjectionMask>,
    rows: usize,
) -> Result<RowBatches> {
    batches_of_first(opened, columns, rows, None)
}

/// The batches of the first rows of an opened file.
pub(crate) fn batches_of_first<R: ChunkReader + 'static>(
    opened: Opened<R>,
    columns: Option<ProjectionMask>,
    rows: usize,
    first: Option<usize>,
) -> Result<RowBatches> {
    let Opened { guard, known, file } = opened;
    let columns = columns.unwrap_or_else(ProjectionMask::all);
    let rows = guard.rows_at_once(&columns, rows)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(guard, known)
        .with_projection(columns)
        .with_batch_size(rows);
    let builder = match first {
        Some(first) => builder.with_limit(first),
        None => builder,
    };
    let reader = contained(|| builder.build())
        .map_err(|why| DeltaError::corrupt(&file, why))?
        .map_err(|error| of_reader(&file, &error))?;
    Ok(RowBatches { reader: Some(reader), file })
}

/// Batches of rows, until one cannot be read.
pub(crate) struct RowBatches {
    /// Gone once it has failed: what it would say then is not known.
    reader: Option<ParquetRecordBatchReader>,
    file: String,
}

impl Iterator for RowBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let read = contained(move || {
            let batch = reader.next();
            (batch, reader)
        });
        match read {
            Err(why) => Some(Err(DeltaError::corrupt(&self.file, why))),
            Ok((None, _)) => None,
            Ok((Some(Err(error)), _)) => Some(Err(of_reader(&self.file, &error))),
            Ok((Some(Ok(batch)), reader)) => {
                self.reader = Some(reader);
                Some(Ok(batch))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, RecordBatch};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;

    use super::footer::tests::nested;
    use super::*;

    fn read(bytes: Vec<u8>) -> Result<usize> {
        let opened = open(Bytes::from(bytes), "x.parquet", ArrowReaderOptions::new())?;
        batches(opened, None, 1024)?.try_fold(0, |rows, batch| Ok(rows + batch?.num_rows()))
    }

    fn whole() -> Vec<u8> {
        let column: arrow_array::ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let rows = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn a_file_is_read_and_a_damaged_one_is_refused_by_name() {
        assert_eq!(read(whole()).unwrap(), 3);
        for end in [0, 4, 11, 12, whole().len() - 1] {
            let error = read(whole()[..end].to_vec()).unwrap_err();
            assert!(error.to_string().starts_with("x.parquet is corrupt"), "{error}");
        }
    }

    #[test]
    fn every_flipped_byte_is_read_or_refused() {
        let whole = whole();
        for at in 0..whole.len() {
            for bits in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= bits;
                let _ = read(bytes);
            }
        }
    }

    #[test]
    fn a_schema_of_a_thousand_levels_is_refused_before_anything_recurses() {
        for depth in [101, 1_000, 50_000] {
            let error = read(nested(depth)).unwrap_err().to_string();
            let limit = "x.parquet: it has more than 100 levels of one Parquet schema, the most that drsync reads";
            assert_eq!(error, limit);
        }
        assert_eq!(read(nested(99)).unwrap(), 0);
        let many = read(nested(200_000)).unwrap_err().to_string();
        assert!(many.contains("100 000 elements"), "{many}");
    }
}
