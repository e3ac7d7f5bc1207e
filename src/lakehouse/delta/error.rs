//! What can go wrong with a Delta table, in kinds a caller can act on.

use std::io;

use crate::limits::Exceeded;
use crate::pause::TryFailure;
use crate::sentence::Sentence;

/// Says why a Delta table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// There is no Delta log where a table was expected.
    #[error("{location} is not a Delta table: it has no log")]
    NotATable {
        /// Where the table was looked for.
        location: String,
    },
    /// The version cannot be reconstructed from what the log still holds.
    #[error("version {asked} cannot be read: the log holds versions {oldest} to {newest}")]
    VersionMissing {
        /// The version that was asked for.
        asked: u64,
        /// The oldest version that can be reconstructed.
        oldest: u64,
        /// The newest version.
        newest: u64,
    },
    /// The table needs something that drsync does not know how to keep true.
    #[error("unsupported table feature {feature}: {why}")]
    UnsupportedFeature {
        /// The feature, protocol version or property, as the table spells it.
        feature: String,
        /// What stands in the way.
        why: Sentence,
    },
    /// The place or the operation is not supported by this kind of store.
    #[error("unsupported location {location}: {why}")]
    Unsupported {
        /// The URL or path.
        location: String,
        /// What stands in the way.
        why: Sentence,
    },
    /// A file of the table says something that cannot be true, or cannot be read.
    #[error("{file} is corrupt: {why}")]
    Corrupt {
        /// The file, relative to the table where possible.
        file: String,
        /// What is wrong with it.
        why: Sentence,
        /// It may be right all the same: it is written in a way that the reader of its format does not know.
        unknown_form: bool,
    },
    /// A file of the table is written in a way that drsync does not read. Others may.
    #[error("{file} uses {what}, which drsync does not read")]
    Unreadable {
        /// The file, relative to the table where possible.
        file: String,
        /// A codec or encryption, by its name.
        what: String,
    },
    /// A file of the table has more of something than drsync reads.
    #[error("{file}: {over}")]
    TooMuch {
        /// The file, relative to the table where possible.
        file: String,
        /// The limit.
        over: Exceeded,
    },
    /// Someone else committed first, or the table is not at the version that was expected.
    #[error("the table is at version {}, which was not expected", version_or_none(*.newest))]
    Conflict {
        /// The newest version found; `None` when there is no table.
        newest: Option<u64>,
    },
    /// A file that the log names as live is not there.
    #[error("data file {path} is missing, though the log names it")]
    DataMissing {
        /// The file, relative to the table where possible.
        path: String,
    },
    /// The file system cannot refuse a taken name: two writers could both believe that they made a file.
    #[error(
        "{place} lies on a file system ({kind}) with neither hard links nor a rename that refuses a taken name, which a commit needs; \
         move the sync location to one that has them"
    )]
    NoPutIfAbsent {
        /// The folder that was written to.
        place: String,
        /// The file system, as the kernel names it.
        kind: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The caller asked to stop. Nothing was committed.
    #[error("stopped on request, nothing was committed")]
    Cancelled,
    /// The store refused or failed.
    #[error("{doing}")]
    Io {
        /// What was being done, as a fragment that reads after "failed to".
        doing: Sentence,
        /// The kind of trouble.
        kind: IoTrouble,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Kinds of trouble with a disk or bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoTrouble {
    /// The file or folder is not there.
    NotFound,
    /// The file or folder is there already.
    AlreadyExists,
    /// No permission.
    PermissionDenied,
    /// The disk or quota is full.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnly,
    /// Anything else.
    Other,
}

/// What the functions of this module return.
pub type Result<T, E = DeltaError> = std::result::Result<T, E>;

impl DeltaError {
    /// How a conditional commit failed: of a lost race nothing was written, and it may be tried on top of what others committed.
    pub(crate) fn of_commit(&self) -> TryFailure {
        TryFailure::of(matches!(self, DeltaError::Conflict { .. }), false)
    }

    /// Makes an error out of what the operating system said.
    pub(crate) fn io(doing: impl Into<Sentence>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => IoTrouble::NotFound,
            io::ErrorKind::AlreadyExists => IoTrouble::AlreadyExists,
            io::ErrorKind::PermissionDenied => IoTrouble::PermissionDenied,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => IoTrouble::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => IoTrouble::ReadOnly,
            _ => IoTrouble::Other,
        };
        Self::Io { doing: doing.into(), kind, source: Box::new(source) }
    }

    /// Makes an error out of what an object store said.
    pub(crate) fn store(doing: impl Into<Sentence>, source: object_store::Error) -> Self {
        let kind = match &source {
            object_store::Error::NotFound { .. } => IoTrouble::NotFound,
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => IoTrouble::PermissionDenied,
            _ => IoTrouble::Other,
        };
        Self::Io { doing: doing.into(), kind, source: Box::new(source) }
    }

    /// Makes an error about a file that its table's log may not name, with the line that would allow it.
    pub(crate) fn external(path: &std::path::Path) -> Self {
        let folder = path.parent().unwrap_or(path).display().to_string();
        Self::Unsupported {
            location: path.display().to_string(),
            why: format!(
                "the log names this file outside of its table; where that is meant, lakehouse.json has to say \"external_files\": [{}]",
                serde_json::Value::from(folder)
            )
            .into(),
        }
    }

    /// Makes an error about a file that cannot be what it should be.
    pub(crate) fn corrupt(file: impl Into<String>, why: impl ToString) -> Self {
        Self::Corrupt { file: file.into(), why: why.to_string().into(), unknown_form: false }
    }

    /// Makes an error about a file that is written in a way that the reader of its format does not know, as that says.
    pub(crate) fn unknown_form(file: impl Into<String>, why: impl ToString) -> Self {
        Self::Corrupt { file: file.into(), why: why.to_string().into(), unknown_form: true }
    }

    /// Makes an error about a file with more of something than drsync reads.
    pub(crate) fn too_much(file: impl Into<String>, over: Exceeded) -> Self {
        Self::TooMuch { file: file.into(), over }
    }

    /// Makes an error about something the table needs and drsync does not know.
    pub(crate) fn feature(feature: impl Into<String>, why: impl Into<Sentence>) -> Self {
        Self::UnsupportedFeature { feature: feature.into(), why: why.into() }
    }

    /// Makes an error about a name that another clone gave to a file of its own meanwhile.
    pub(crate) fn taken(name: &str) -> Self {
        Self::io(format!("write {name}"), io::Error::from(io::ErrorKind::AlreadyExists))
    }

    /// Whether a file was there that should have been made.
    pub fn already_exists(&self) -> bool {
        matches!(self, Self::Io { kind: IoTrouble::AlreadyExists, .. })
    }

    /// Whether a file or folder was not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { kind: IoTrouble::NotFound, .. })
    }
}

fn version_or_none(version: Option<u64>) -> String {
    match version {
        Some(version) => version.to_string(),
        None => "none (there is no table)".to_owned(),
    }
}
