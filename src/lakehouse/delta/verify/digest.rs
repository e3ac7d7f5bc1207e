//! Two digests of the live files of a version: of what the log says of them, and of what lies on the disk.
//!
//! Both are of lines of JSON, one a file in the order of their paths, so that anybody can compute them again.

use std::io::Read;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::action::{FileKey, LiveFile, Raw};
use super::super::error::{DeltaError, Result};
use super::super::parallel::{in_parallel, lock_or_recover};
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::super::store::TableStore;
use super::super::vector::{VectorFile, vector_location};
use super::FileSeen;
use super::content::is_small;
use crate::files::open_regular;
use crate::text::hex;

/// Bytes read of a file at once.
const CHUNK: usize = 256 << 10;

/// Digests of the live files of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesDigest {
    /// Of what the log says: columns, properties, and of each file path, deletion vector and size. Hex.
    pub listed: String,
    /// Of what the files are: `bytes:` and hex of their contents, of a large table `times:` and hex of the times at which they
    /// were last changed, or `times-vectors:` with a second hex of its deletion vectors, behind a colon. `None` where a file lies on another store or a time is not told.
    pub content: Option<String>,
}

/// What the digest of a content is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// Every byte.
    Bytes,
    /// The times at which files were last changed.
    Times,
    /// The same, and beside it every byte of their deletion vectors, which are small.
    TimesAndVectors,
}

/// How a digest that was kept stands against one that was taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Nothing differs.
    Same,
    /// Only times do, which is a reason to read the files.
    OtherTimes,
    /// The content does.
    OtherContent,
}

impl ContentKind {
    const ALL: [ContentKind; 3] =
        [ContentKind::Bytes, ContentKind::Times, ContentKind::TimesAndVectors];

    fn prefix(self) -> &'static str {
        match self {
            ContentKind::Bytes => "bytes:",
            ContentKind::Times => "times:",
            ContentKind::TimesAndVectors => "times-vectors:",
        }
    }

    /// Compares two digests of this kind.
    pub(super) fn compare(self, named: &str, now: &str) -> Agreement {
        let vectors = |digest: &str| digest.rsplit(':').next().map(str::to_owned);
        match self {
            _ if named == now => Agreement::Same,
            ContentKind::Bytes => Agreement::OtherContent,
            ContentKind::Times => Agreement::OtherTimes,
            ContentKind::TimesAndVectors => {
                if vectors(named) == vectors(now) {
                    Agreement::OtherTimes
                } else {
                    Agreement::OtherContent
                }
            }
        }
    }

    /// What a digest was taken of, where that is known here.
    pub fn of(digest: &str) -> Option<ContentKind> {
        let mut known = ContentKind::ALL.into_iter();
        known.find(|kind| digest.starts_with(kind.prefix()))
    }
}

/// Digests of a version that was just verified.
pub(super) fn of(store: &TableStore, version: &Snapshot, seen: &[FileSeen]) -> FilesDigest {
    let vectors = || version.files.values().any(|file| file.vector.is_some());
    let kind = if is_small(version) {
        ContentKind::Bytes
    } else if vectors() {
        ContentKind::TimesAndVectors
    } else {
        ContentKind::Times
    };
    FilesDigest { listed: listed_digest(version), content: content(store, version, seen, kind) }
}

/// The digest of what the log says.
pub(in super::super) fn listed_digest(version: &Snapshot) -> String {
    let metadata = &version.metadata;
    let head =
        json!([metadata.schema_string(), metadata.partition_columns(), metadata.properties(),]);
    let mut digest = Sha256::new();
    line(&mut digest, &head);
    for (key, file) in version.sorted_files() {
        line(&mut digest, &(&key.path, &key.vector, file.size));
    }
    hex(&digest.finalize())
}

/// Whether two versions of a table are the same to a reader, as the log says: schema, properties, files, vectors, partitions.
///
/// Both were read whole.
pub(in super::super) fn is_same_state(one: &Snapshot, other: &Snapshot) -> bool {
    let partitions = |version: &Snapshot| -> Vec<Value> {
        version.sorted_files().into_iter().map(|(_, file)| partition(file)).collect()
    };
    // Statistics decide what readers skip; an engine may leave them out.
    let statistics = |version: &Snapshot| -> Vec<Option<Value>> {
        version.sorted_files().into_iter().map(|(_, file)| statistics(file)).collect()
    };
    let agree =
        |(one, other): (Option<Value>, Option<Value>)| one.zip(other).is_none_or(|(a, b)| a == b);
    listed_digest(one) == listed_digest(other)
        && partitions(one) == partitions(other)
        && statistics(one).into_iter().zip(statistics(other)).all(agree)
}

/// The statistics of a file, as the log has them; `None`: it has none.
fn statistics(file: &LiveFile) -> Option<Value> {
    #[derive(Deserialize)]
    struct Said {
        stats: Option<String>,
    }
    let said: Said = serde_json::from_str(file.action.as_deref()?).ok()?;
    serde_json::from_str(&said.stats?).ok()
}

/// The digest of what the files are; `None` where one could not be looked at.
pub(in super::super) fn content(
    store: &TableStore,
    version: &Snapshot,
    seen: &[FileSeen],
    kind: ContentKind,
) -> Option<String> {
    let files = version.sorted_files();
    if files.len() != seen.len() {
        return None;
    }
    let facts: Vec<Value> = match kind {
        ContentKind::Bytes => bytes(store, &files)?,
        ContentKind::Times | ContentKind::TimesAndVectors => {
            let times = seen.iter().map(|file| Some(json!(file.modified_ms?)));
            times.collect::<Option<_>>()?
        }
    };
    let mut digest = Sha256::new();
    for ((key, file), fact) in files.iter().zip(facts) {
        let partition = partition(file);
        line(&mut digest, &(&key.path, &key.vector, partition, fact));
    }
    let own = hex(&digest.finalize());
    Some(match kind {
        ContentKind::Bytes | ContentKind::Times => format!("{}{own}", kind.prefix()),
        ContentKind::TimesAndVectors => {
            format!("{}{own}:{}", kind.prefix(), vectors(store, &files)?)
        }
    })
}

/// The digest of the deletion vectors alone, one line a file that has one.
fn vectors(store: &TableStore, files: &[(&FileKey, &LiveFile)]) -> Option<String> {
    let mut digest = Sha256::new();
    let with: Vec<_> = files.iter().copied().filter(|(_, file)| file.vector.is_some()).collect();
    let read = each(&with, |(_, file)| Ok(json!(vector_digest(store, file)?)))?;
    for ((key, _), vector) in with.iter().zip(read) {
        line(&mut digest, &json!([key.path, key.vector, vector]));
    }
    Some(hex(&digest.finalize()))
}

fn line(digest: &mut Sha256, value: &impl Serialize) {
    let line = serde_json::to_vec(value).expect("texts and numbers are always JSON");
    digest.update(line);
    digest.update(b"\n");
}

/// The partition values as text, sorted by column: writers put a number as one or as text.
fn partition(file: &LiveFile) -> Value {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        #[serde(default)]
        partition_values: Option<Raw>,
    }
    let action = file.action.as_deref().unwrap_or("{}");
    let said: Option<Said> = serde_json::from_str(action).ok();
    let values = said.and_then(|said| said.partition_values).unwrap_or_default();
    let mut values: Vec<(String, Option<String>)> = values
        .into_iter()
        .map(|(column, value)| match value {
            Value::Null => (column, None),
            Value::String(text) => (column, Some(text)),
            other => (column, Some(other.to_string())),
        })
        .collect();
    values.sort();
    json!(values)
}

/// Of each file the digest of its bytes, with that of its deletion vector where it has one in a file.
fn bytes(store: &TableStore, files: &[(&FileKey, &LiveFile)]) -> Option<Vec<Value>> {
    each(files, |(key, file)| {
        let own = digest_of(store, &path::locate(&key.path, store.folder())?)?;
        Ok(json!([own, vector_digest(store, file)?]))
    })
}

/// What is found of each file, in their order; `None` where one could not be read.
fn each(
    files: &[(&FileKey, &LiveFile)],
    find: impl Fn(&(&FileKey, &LiveFile)) -> Result<Value> + Sync,
) -> Option<Vec<Value>> {
    let read: Mutex<Vec<(usize, Value)>> = Mutex::new(Vec::with_capacity(files.len()));
    let numbered: Vec<(usize, _)> = files.iter().enumerate().collect();
    in_parallel(&numbered, |(number, file)| {
        let found = find(file)?;
        lock_or_recover(&read).push((*number, found));
        Ok(())
    })
    .ok()?;
    let mut read = read.into_inner().ok()?;
    read.sort_unstable_by_key(|(number, _)| *number);
    Some(read.into_iter().map(|(_, found)| found).collect())
}

/// The digest of the bytes of a file's deletion vector as they lie in a file of vectors; `None`: it has none there.
pub(super) fn vector_digest(store: &TableStore, file: &LiveFile) -> Result<Option<String>> {
    let Some(vector) = file.vector.as_deref() else {
        return Ok(None);
    };
    let Some(lies) = vector_location(vector, store.folder())? else {
        return Ok(None);
    };
    let stored = VectorFile::open(store, &lies)?.stored(vector)?;
    Ok(Some(hex(&Sha256::digest(stored))))
}

/// The digest of one file's bytes.
pub(super) fn digest_of(store: &TableStore, place: &FileLocation) -> Result<String> {
    let path = match (place, store.folder()) {
        (FileLocation::Inside(inside), Some(folder)) => folder.join(inside),
        (FileLocation::Inside(inside), None) => {
            return Ok(hex(&Sha256::digest(store.read_data(inside)?)));
        }
        (FileLocation::Elsewhere(path), _) => store.external(path)?,
        (FileLocation::Foreign(url), _) => return Err(super::super::clone::foreign(url)),
    };
    let failed = |error| DeltaError::io(format!("read {}", path.display()), error);
    let mut file = open_regular(&path).map_err(failed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}
