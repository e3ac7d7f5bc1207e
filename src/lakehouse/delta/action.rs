//! The actions of a Delta log, kept as they were written: what is not understood is carried along. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::lenient;

/// The property that says how files call columns.
pub(super) const MAPPING_MODE: &str = "delta.columnMapping.mode";

/// A JSON object as it stands in the log.
pub type Raw = Map<String, Value>;

/// The `protocol` action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(pub Raw);

impl Protocol {
    /// The lowest reader version that may read the table.
    pub fn min_reader_version(&self) -> i64 {
        self.0.get("minReaderVersion").and_then(Value::as_i64).unwrap_or(0)
    }

    /// The lowest writer version that may write the table.
    pub fn min_writer_version(&self) -> i64 {
        self.0.get("minWriterVersion").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Features that a reader must know; none where the protocol is older than features.
    pub fn reader_features(&self) -> Vec<&str> {
        strings(self.0.get("readerFeatures"))
    }

    /// Features that a writer must know; none where the protocol is older than features.
    pub fn writer_features(&self) -> Vec<&str> {
        strings(self.0.get("writerFeatures"))
    }

    /// Whether a feature is named for writers.
    pub fn supports(&self, feature: &str) -> bool {
        self.writer_features().contains(&feature)
    }
}

/// The `metaData` action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata(pub Raw);

impl Metadata {
    /// The table's id in the log.
    pub fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The schema, as Delta's JSON in a string.
    pub fn schema_string(&self) -> &str {
        self.0.get("schemaString").and_then(Value::as_str).unwrap_or_default()
    }

    /// The partition columns, in order.
    pub fn partition_columns(&self) -> Vec<&str> {
        strings(self.0.get("partitionColumns"))
    }

    /// A table property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.0.get("configuration")?.get(name)?.as_str()
    }

    /// The table properties, sorted.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let Some(Value::Object(all)) = self.0.get("configuration") else {
            return BTreeMap::new();
        };
        all.iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// How files call columns: `none` as the table does, `name` by names of their own, `id` by numbers.
    pub fn column_mapping_mode(&self) -> String {
        self.property(MAPPING_MODE).unwrap_or("none").to_ascii_lowercase()
    }

    /// Whether files call columns by names of their own.
    pub fn maps_columns(&self) -> bool {
        self.column_mapping_mode() != "none"
    }

    /// Whether commits carry their own time.
    pub fn in_commit_timestamps(&self) -> bool {
        self.property("delta.enableInCommitTimestamps")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The version from which commits carry their own time; 0 when they did from the start.
    pub fn in_commit_timestamps_since(&self) -> Option<u64> {
        let since = self
            .property("delta.inCommitTimestampEnablementVersion")
            .and_then(|value| value.parse().ok());
        self.in_commit_timestamps().then(|| since.unwrap_or(0))
    }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The descriptor of a deletion vector.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vector {
    /// `u`: in the table by reference; `i`: in the log itself; `p`: at an absolute path.
    pub storage_type: String,
    /// The reference, the encoded vector or the path.
    pub path_or_inline_dv: String,
    /// Where in the file it begins.
    #[serde(default, deserialize_with = "lenient::offset")]
    pub offset: Option<i64>,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "lenient::size_in_bytes")]
    pub size_in_bytes: u64,
    /// How many rows it deletes.
    #[serde(default, deserialize_with = "lenient::cardinality")]
    pub cardinality: u64,
}

impl Vector {
    /// What tells two vectors of one file apart.
    pub fn unique_id(&self) -> String {
        let Self { storage_type, path_or_inline_dv, offset, .. } = self;
        match offset {
            Some(offset) => format!("{storage_type}{path_or_inline_dv}@{offset}"),
            None => format!("{storage_type}{path_or_inline_dv}"),
        }
    }
}

/// What identifies a live file: where it is and which of its rows are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    /// The path as the log spells it. Delta compares the strings: `a%20b` and `a b` are two files of a log, wherever they lie.
    pub path: Box<str>,
    /// The unique id of its deletion vector.
    pub vector: Option<Box<str>>,
}

/// Something about each of many files. Names come from strangers, so the hashes have keys that nobody knows.
pub type FileMap<T> = HashMap<FileKey, T, ahash::RandomState>;

/// A live file of a table at a version.
#[derive(Debug, Clone)]
pub struct LiveFile {
    /// Its deletion vector.
    pub vector: Option<Box<Vector>>,
    /// Bytes, as the log says.
    pub size: u64,
    /// When it was written, in milliseconds, as the log says.
    pub modified_ms: Option<i64>,
    /// Records in the file, deleted ones too; `None` without statistics.
    pub records: Option<u64>,
    /// The `add` action as JSON text; only from [`SnapshotDetail::Live`](super::SnapshotDetail::Live) on.
    pub action: Option<Box<str>>,
    /// Which of the commits that were read added it, counted from 1; 0: a checkpoint has it.
    pub(super) added_by: u32,
}

/// Alike is what the log says of both, whichever commit said it.
impl PartialEq for LiveFile {
    fn eq(&self, other: &LiveFile) -> bool {
        let said = |file: &LiveFile| (file.size, file.modified_ms, file.records);
        said(self) == said(other) && self.vector == other.vector && self.action == other.action
    }
}

impl LiveFile {
    /// Whether another description under the same path is of the same bytes: a file that is written again has another time.
    pub fn has_content_of(&self, other: &LiveFile) -> bool {
        self.size == other.size && self.modified_ms == other.modified_ms
    }

    /// Rows that a reader sees.
    pub fn rows(&self) -> Option<u64> {
        let deleted = self.vector.as_ref().map_or(0, |vector| vector.cardinality);
        Some(self.records?.saturating_sub(deleted))
    }
}
