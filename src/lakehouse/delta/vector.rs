//! Deletion vectors: which rows of a data file are no longer there, as a file beside it or the log itself says.

use std::io;
use std::os::unix::fs::FileExt;

use roaring::RoaringTreemap;

use super::action::Vector;
use super::error::{DeltaError, Result};
use super::path::{self, FileLocation};
use super::store::{Blob, TableStore, missing};
use crate::files::open_regular;

/// The first byte of a file of vectors.
const FILE_VERSION: u8 = 1;

/// What a vector in the portable format begins with.
const PORTABLE: u32 = 1_681_511_377;

/// Bytes around a vector in its file: its size before it, its CRC-32 after it, both big-endian.
const AROUND: u64 = 4;

/// The deleted rows of a file, by their position in it.
pub(super) fn deleted_rows(
    vector: &Vector,
    store: &TableStore,
    root: Option<&std::path::Path>,
) -> Result<RoaringTreemap> {
    match vector_location(vector, root)? {
        None => decode(&inline(vector)?, vector, "an inline deletion vector"),
        Some(from) => VectorFile::open(store, &from)?.rows(vector),
    }
}

/// Where the file of a vector lies; `None` where the vector is in the log.
pub(super) fn vector_location(
    vector: &Vector,
    root: Option<&std::path::Path>,
) -> Result<Option<FileLocation>> {
    match vector.storage_type.as_str() {
        "i" => Ok(None),
        "u" => Ok(Some(FileLocation::Inside(path::vector_file(&vector.path_or_inline_dv)?))),
        "p" => Ok(Some(path::locate(&vector.path_or_inline_dv, root)?)),
        other => Err(DeltaError::feature(
            format!("deletion vector storage type {other}"),
            "drsync does not know it",
        )),
    }
}

/// Refuses a vector of the log itself that is not whole.
pub(super) fn check_inline(vector: &Vector) -> Result<()> {
    decode(&inline(vector)?, vector, "an inline deletion vector").map(drop)
}

/// The bytes of a vector that is in the log.
fn inline(vector: &Vector) -> Result<Vec<u8>> {
    let refused = |why: String| DeltaError::corrupt("an inline deletion vector", why);
    let mut bytes = z85::decode(&vector.path_or_inline_dv)
        .map_err(|_| refused("it is not Base85".to_owned()))?;
    let (size, found) = (vector.size_in_bytes, bytes.len() as u64);
    // Base85 fills up to four bytes.
    if found < size || found >= size.saturating_add(4) {
        return Err(refused(format!("it has {found} bytes where the log says {size}")));
    }
    bytes.truncate(usize::try_from(size).unwrap_or(bytes.len()));
    Ok(bytes)
}

/// A file of vectors, opened.
pub(super) struct VectorFile {
    name: String,
    content: Blob,
    /// Its bytes.
    pub(super) length: u64,
}

impl VectorFile {
    /// Opens one in or near a table. [`DeltaError::DataMissing`] where it is not there.
    pub(super) fn open(store: &TableStore, from: &FileLocation) -> Result<Self> {
        let (name, content) = match from {
            FileLocation::Inside(inside) => {
                (inside.clone(), store.read(inside).map_err(|error| missing(error, inside))?)
            }
            FileLocation::Elsewhere(path) => {
                let shown = path.display().to_string();
                let file = open_regular(&store.external(path)?).map_err(|error| {
                    missing(DeltaError::io(format!("open {shown}"), error), &shown)
                })?;
                (shown, Blob::File(file))
            }
            FileLocation::Foreign(url) => {
                return Err(DeltaError::Unsupported {
                    location: url.clone(),
                    why: "the file lies on another store than its table".into(),
                });
            }
        };
        let length = match &content {
            Blob::File(file) => file
                .metadata()
                .map_err(|error| DeltaError::io(format!("look at {name}"), error))?
                .len(),
            Blob::Bytes(bytes) => bytes.len() as u64,
        };
        Ok(Self { name, content, length })
    }

    /// A vector as it lies here, with its size before it and its checksum after it: refused unless all of it is what the log
    /// and its checksum say.
    pub(super) fn stored(&self, vector: &Vector) -> Result<Vec<u8>> {
        let corrupt = |why: String| DeltaError::corrupt(&self.name, why);
        let at = u64::try_from(vector.offset.unwrap_or(1))
            .map_err(|_| corrupt("a deletion vector begins before it".to_owned()))?;
        let size = vector.size_in_bytes;
        let end = size
            .checked_add(2 * AROUND)
            .and_then(|length| at.checked_add(length))
            .unwrap_or(u64::MAX);
        if end > self.length {
            return Err(corrupt(format!(
                "it has {} bytes where the deletion vector at {at} reaches to {end}",
                self.length
            )));
        }
        let failed = |error| DeltaError::io(format!("read {}", self.name), error);
        let mut version = [0];
        self.read_at(&mut version, 0).map_err(failed)?;
        if version[0] != FILE_VERSION {
            return Err(corrupt(format!(
                "it is no file of deletion vectors: it begins with {} instead of {FILE_VERSION}",
                version[0]
            )));
        }
        let mut bytes = vec![0; usize::try_from(end - at).unwrap_or(usize::MAX)];
        self.read_at(&mut bytes, at).map_err(failed)?;
        let (before, rest) = bytes.split_at(AROUND as usize);
        let (body, after) = rest.split_at(rest.len() - AROUND as usize);
        let said = big_endian(before);
        if u64::from(said) != size {
            return Err(corrupt(format!(
                "the deletion vector at {at} has {said} bytes where the log says {size}"
            )));
        }
        if crc32fast::hash(body) != big_endian(after) {
            return Err(corrupt(format!(
                "the deletion vector at {at} does not match its checksum"
            )));
        }
        Ok(bytes)
    }

    /// The rows that a vector here deletes.
    pub(super) fn rows(&self, vector: &Vector) -> Result<RoaringTreemap> {
        let bytes = self.stored(vector)?;
        decode(&bytes[AROUND as usize..bytes.len() - AROUND as usize], vector, &self.name)
    }

    /// Whether some bytes lie here where a vector begins.
    pub(super) fn holds(&self, vector: &Vector, bytes: &[u8]) -> bool {
        let mut found = vec![0; bytes.len()];
        let at = u64::try_from(vector.offset.unwrap_or(1)).unwrap_or(u64::MAX);
        let mut version = [0];
        self.read_at(&mut version, 0).is_ok()
            && version[0] == FILE_VERSION
            && self.read_at(&mut found, at).is_ok()
            && found == bytes
    }

    /// All of it.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(usize::MAX)];
        self.read_at(&mut bytes, 0)
            .map_err(|error| DeltaError::io(format!("read {}", self.name), error))?;
        Ok(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        match &self.content {
            Blob::File(file) => file.read_exact_at(buffer, at),
            Blob::Bytes(bytes) => {
                let from = usize::try_from(at).unwrap_or(usize::MAX);
                let part = from.checked_add(buffer.len()).and_then(|to| bytes.get(from..to));
                buffer.copy_from_slice(
                    part.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?,
                );
                Ok(())
            }
        }
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn decode(bytes: &[u8], vector: &Vector, name: &str) -> Result<RoaringTreemap> {
    let corrupt = |why: String| DeltaError::corrupt(name, why);
    let magic = bytes.first_chunk().map(|magic| u32::from_le_bytes(*magic)).unwrap_or_default();
    if magic != PORTABLE {
        return Err(corrupt(format!(
            "a deletion vector begins with {magic} instead of {PORTABLE}"
        )));
    }
    let rows = RoaringTreemap::deserialize_from(&bytes[4..])
        .map_err(|error| corrupt(format!("a deletion vector cannot be read: {error}")))?;
    if rows.len() != vector.cardinality {
        return Err(corrupt(format!(
            "a deletion vector deletes {} rows where the log says {}",
            rows.len(),
            vector.cardinality
        )));
    }
    Ok(rows)
}
