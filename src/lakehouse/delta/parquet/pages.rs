//! Looks at the header of every page before it is unpacked, and at dictionaries before their values are repeated.
//!
//! A page of a few KiB may claim two GiB, and a dictionary with one long value be referred to by every row.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::super::error::{DeltaError, Result};
use super::footer::{I32, Wire, WrongFooter};
use super::prefixes;
use crate::foreign::contained;
use crate::limits::{PARQUET_BATCH, PARQUET_PAGE, PARQUET_PAGES, allow_unpacked, most_unpacked};

/// Bytes of a header that are looked at first: most have some 50; with statistics of long texts they have more.
const HEADER: usize = 512;
/// A header may have so many.
const HEADER_MOST: usize = 16 << 20;
/// So many times its own length a file may have in unpacked pages at a time, where that is more than the limit.
const PACKED: u64 = 64;
/// Old writers counted up to so many bytes too much in the length of a column.
const SLACK: u64 = 100;
/// Rows that are read at a time where a value may be put together from those before it.
const ROWS_OF_PREFIXES: usize = 64;

/// A file of which no page is unpacked that is beyond the limits.
pub(crate) struct PageGuard<R>(Arc<Guarded<R>>);

struct Guarded<R> {
    input: R,
    metadata: Arc<ParquetMetaData>,
    file: String,
    /// Where the columns' chunks begin, and whose they are.
    chunks: BTreeMap<u64, usize>,
    /// The largest page of each column.
    largest: Mutex<BTreeMap<usize, u64>>,
}

impl<R> Clone for PageGuard<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: ChunkReader + 'static> PageGuard<R> {
    /// Guards an input whose footer was read.
    pub(super) fn of(input: R, metadata: Arc<ParquetMetaData>, file: &str) -> Result<Self> {
        let mut chunks = BTreeMap::new();
        let mut ranges = Vec::new();
        for group in metadata.row_groups() {
            for (number, column) in group.columns().iter().enumerate() {
                let (start, length) = contained(|| column.byte_range())
                    .map_err(|why| DeltaError::corrupt(file, why))?;
                if length > 0 {
                    ranges.push((start, start.saturating_add(length)));
                    chunks.insert(start, number);
                }
            }
        }
        ranges.sort_unstable();
        // One bomb would be held once for each column that lies over it.
        if ranges.windows(2).any(|pair| pair[1].0.saturating_add(SLACK) < pair[0].1) {
            return Err(DeltaError::corrupt(file, "its columns lie over each other"));
        }
        Ok(Self(Arc::new(Guarded {
            input,
            metadata,
            file: file.to_owned(),
            chunks,
            largest: Mutex::default(),
        })))
    }

    /// How many rows of some columns may be read at a time, `most` if nothing in them is long.
    pub(crate) fn rows_at_once(&self, mask: &ProjectionMask, most: usize) -> Result<usize> {
        let Guarded { input, metadata, file, .. } = &*self.0;
        let too_much = |over| DeltaError::too_much(file.as_str(), over);
        let bytes = PARQUET_BATCH.most.min(most_unpacked(input.len()));
        let mut rows = most;
        for group in metadata.row_groups() {
            // What a row has at most, of all columns whose values are long.
            let mut row_bytes = 0_u64;
            for (number, column) in group.columns().iter().enumerate() {
                let long = matches!(
                    column.column_type(),
                    PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY
                );
                if !long || !mask.leaf_included(number) || column.compressed_size() <= 0 {
                    continue;
                }
                let of_prefixes = column.encodings().any(|it| it == Encoding::DELTA_BYTE_ARRAY);
                if of_prefixes {
                    rows = rows.min(ROWS_OF_PREFIXES);
                }
                let looked = contained(|| self.longest(column, group.num_rows()))
                    .map_err(|why| DeltaError::corrupt(file, why))?;
                let longest = looked.map_err(|error| self.to_delta_error(&error))?;
                // How many values one row has is not known before it is read: it may have all.
                let repeated = column.column_descr().max_rep_level() > 0;
                if repeated && of_prefixes {
                    let looked = contained(|| self.put_together(column, group.num_rows()))
                        .map_err(|why| DeltaError::corrupt(file, why))?;
                    let all = looked.map_err(|error| self.to_delta_error(&error))?;
                    allow_unpacked(all, input.len())
                        .and_then(|()| PARQUET_BATCH.allow(all))
                        .map_err(too_much)?;
                }
                if repeated {
                    let values = u64::try_from(column.num_values()).unwrap_or(u64::MAX);
                    let all = longest.saturating_mul(values);
                    allow_unpacked(all, input.len()).map_err(too_much)?;
                    if longest > PARQUET_BATCH.most / most as u64 {
                        PARQUET_BATCH.allow(all).map_err(too_much)?;
                    }
                }
                row_bytes = row_bytes.saturating_add(longest);
            }
            let of_bytes = bytes.checked_div(row_bytes).unwrap_or(u64::MAX);
            rows = rows.min(usize::try_from(of_bytes).unwrap_or(usize::MAX)).max(1);
        }
        Ok(rows)
    }

    /// The longest value of a column's dictionary; 0 where it has none.
    fn longest(&self, column: &ColumnChunkMetaData, rows: i64) -> Result<u64, ParquetError> {
        let rows = usize::try_from(rows).unwrap_or(0);
        let mut pages = SerializedPageReader::new(Arc::new(self.clone()), column, rows, None)?;
        // Where the first page is none, no other may be.
        if !pages.peek_next_page()?.is_some_and(|page| page.is_dict) {
            return Ok(0);
        }
        let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else {
            return Ok(0);
        };
        if column.column_type() == PhysicalType::FIXED_LEN_BYTE_ARRAY {
            return Ok(u64::try_from(column.column_descr().type_length()).unwrap_or(0));
        }
        let (mut rest, mut longest) = (&buf[..], 0);
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length);
            longest = longest.max(u64::from(length));
            rest = more.get(length as usize..).unwrap_or_default();
        }
        Ok(longest.min(buf.len() as u64))
    }

    /// Bytes of all values of a column that are put together from those before them.
    fn put_together(&self, column: &ColumnChunkMetaData, rows: i64) -> Result<u64, ParquetError> {
        let rows = usize::try_from(rows).unwrap_or(0);
        let levels = column.column_descr();
        let levels = [levels.max_rep_level() > 0, levels.max_def_level() > 0];
        let mut all = 0_u64;
        let pages = SerializedPageReader::new(Arc::new(self.clone()), column, rows, None)?;
        for page in pages {
            let page = page?;
            if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
                let bytes =
                    prefixes::put_together(&page, levels, PARQUET_BATCH.most).ok_or_else(|| {
                        ParquetError::General("a page of texts ends too early".to_owned())
                    })?;
                all = all.saturating_add(bytes);
            }
        }
        Ok(all)
    }

    /// What the reader says, with the file's name where it does not have it.
    fn to_delta_error(&self, error: &ParquetError) -> DeltaError {
        DeltaError::corrupt(&self.0.file, error)
    }
}

impl<R: ChunkReader> PageGuard<R> {
    /// Refuses a page that is too large, or with which too much is unpacked at a time.
    fn check(&self, start: u64) -> Result<(), ParquetError> {
        let Guarded { input, chunks, largest, .. } = &*self.0;
        let Some(left) = input.len().checked_sub(start) else {
            return Ok(());
        };
        let mut length = HEADER;
        let size = loop {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(length);
            let header = input.get_bytes(start, here)?;
            match unpacked_size(&mut Wire(&header)) {
                Ok(size) => break size,
                Err(_) if (here as u64) < left && length < HEADER_MOST => length *= 8,
                // The reader finds what is wrong with it too.
                Err(WrongFooter::Malformed(why)) => {
                    return Err(ParquetError::General(why.to_owned()));
                }
                Err(WrongFooter::Exceeded(over)) => return Err(refused(over)),
            }
        };
        PARQUET_PAGE.allow(size).map_err(refused)?;
        let column = chunks.range(..=start).next_back().map_or(usize::MAX, |(_, column)| *column);
        let mut largest = largest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = largest.entry(column).or_default();
        if size > *known {
            *known = size;
            let held: u64 = largest.values().sum();
            allow_unpacked(held, input.len()).map_err(refused)?;
            if held > input.len().saturating_mul(PACKED) {
                PARQUET_PAGES.allow(held).map_err(refused)?;
            }
        }
        Ok(())
    }
}

fn refused(over: crate::limits::Exceeded) -> ParquetError {
    ParquetError::External(Box::new(over))
}

/// Bytes of a page once it is unpacked, of its header.
fn unpacked_size(wire: &mut Wire<'_>) -> Result<u64, WrongFooter> {
    let mut last = 0;
    let mut size = None;
    while let Some((id, kind)) = wire.field(&mut last)? {
        match (id, kind) {
            (2, I32) if size.is_none() => size = Some(wire.number()?),
            (2, _) => return Err(WrongFooter::Malformed("a page's header has two sizes")),
            (_, kind) => wire.skip(kind)?,
        }
    }
    let size = size.ok_or(WrongFooter::Malformed("a page's header has no size"))?;
    u64::try_from(size).map_err(|_| WrongFooter::Malformed("a page has less than no bytes"))
}

impl<R: ChunkReader> Length for PageGuard<R> {
    fn len(&self) -> u64 {
        self.0.input.len()
    }
}

impl<R: ChunkReader> ChunkReader for PageGuard<R> {
    type T = FromHeader<R>;

    /// What is read bytewise is a page's header; pages are taken by their length.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(FromHeader { guard: self.clone(), start, opened: None })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.input.get_bytes(start, length)
    }
}

/// Reads a page's header once it was looked at. A header that is known already is not read again, and its page follows there.
pub(crate) struct FromHeader<R: ChunkReader> {
    guard: PageGuard<R>,
    start: u64,
    /// There since the header was looked at: to look moves the place in a file that all its readers have in common.
    opened: Option<R::T>,
}

impl<R: ChunkReader> Read for FromHeader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => {
                self.guard.check(self.start).map_err(io::Error::other)?;
                let opened = self.guard.0.input.get_read(self.start);
                opened.map_err(io::Error::other)?
            }
        };
        self.opened.insert(opened).read(into)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ArrowReaderOptions;
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::{WriterProperties, WriterVersion};

    use super::super::{batches, open};
    use super::*;

    /// A file of columns of texts, by the names of their columns.
    fn packed(columns: Vec<Vec<String>>, page: usize, dictionary: bool) -> Vec<u8> {
        let columns = columns.into_iter().enumerate().map(|(number, texts)| {
            let texts: ArrayRef = Arc::new(StringArray::from(texts));
            (format!("c{number}"), texts)
        });
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(dictionary)
            .set_dictionary_page_size_limit(page)
            .set_data_page_size_limit(page)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.into_inner().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<usize> {
        let opened = open(Bytes::from(bytes), "x.parquet", ArrowReaderOptions::new())?;
        batches(opened, None, 4096)?.try_fold(0, |most, batch| Ok(most.max(batch?.num_rows())))
    }

    #[test]
    fn a_page_that_unpacks_to_far_more_than_it_is_is_refused_with_the_limit() {
        let bomb = packed(vec![vec!["x".repeat(257 << 20)]], 1 << 30, false);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let said = read(bomb).unwrap_err().to_string();
        assert!(
            said.contains("x.parquet") && said.contains("256 MiB of one Parquet page"),
            "{said}"
        );
    }

    #[test]
    fn pages_that_are_held_together_are_counted_together() {
        let columns = |count| vec![vec!["x".repeat(60 << 20)]; count];
        let said = read(packed(columns(2), 1 << 30, false)).unwrap_err().to_string();
        assert!(said.contains("500 times a file's own length, unpacked"), "{said}");
        // A file that is long enough for them still holds only so many at a time.
        let mut columns = columns(9);
        columns.push(vec![noise(2 << 20)]);
        let said = read(packed(columns, 1 << 30, false)).unwrap_err().to_string();
        assert!(said.contains("512 MiB of Parquet pages at a time"), "{said}");
    }

    #[test]
    fn a_list_that_repeats_one_value_is_not_put_together() {
        let mut list = ListBuilder::new(StringBuilder::new());
        (0..300_000).for_each(|_| list.values().append_value("x".repeat(300)));
        list.append(true);
        let column: ArrayRef = Arc::new(list.finish());
        let rows = RecordBatch::try_from_iter([("c", column)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        let said = read(writer.into_inner().unwrap()).unwrap_err().to_string();
        assert!(said.contains("500 times a file's own length, unpacked"), "{said}");
    }

    /// A file of one row with a list of texts, each written as what it adds to the one before it.
    fn list_of_prefixes(texts: impl Iterator<Item = String>, version: WriterVersion) -> Vec<u8> {
        let mut list = ListBuilder::new(StringBuilder::new());
        texts.for_each(|text| list.values().append_value(text));
        list.append(true);
        let column: ArrayRef = Arc::new(list.finish());
        let rows = RecordBatch::try_from_iter([("c", column)]).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_writer_version(version)
            .set_encoding(Encoding::DELTA_BYTE_ARRAY)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn a_list_of_values_that_repeat_the_one_before_them_is_not_put_together() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let bomb = list_of_prefixes((0..300_000).map(|_| "x".repeat(300)), version);
            assert!(bomb.len() < 10_000, "{}", bomb.len());
            let said = read(bomb).unwrap_err().to_string();
            assert!(said.contains("500 times a file's own length, unpacked"), "{said}");
            // What writers of partitions and tags make.
            let days = (0..200_000).map(|day| format!("day={day:06}"));
            assert_eq!(read(list_of_prefixes(days, version)).unwrap(), 1);
        }
    }

    /// Text that cannot be packed well.
    fn noise(length: usize) -> String {
        let mut state = 1_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + (state >> 58) as u8)
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_long_value_of_a_dictionary_makes_batches_short() {
        let texts = vec!["x".repeat(1 << 19); 1000];
        let rows = read(packed(vec![texts], 4 << 20, true)).unwrap();
        assert_eq!(rows, 128, "64 MiB of a short file");
        let short = vec!["x".to_owned(); 5000];
        assert_eq!(read(packed(vec![short], 1 << 20, true)).unwrap(), 4096);
    }
}
