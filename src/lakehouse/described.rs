//! The two files by which a folder describes itself as a workspace: reading them, and how they may be damaged.

use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::files;
use crate::limits::CONFIGURATION;

/// Why a file of a workspace folder says nothing; each is a fragment that names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It cannot be read, which may pass.
    #[error("{0}")]
    Unread(String),
    /// It was read and has to be repaired.
    #[error("{0}; repair the file")]
    Damaged(String),
}

impl FileError {
    /// A mistake in a file.
    pub(super) fn damaged(file: &Path, what: impl std::fmt::Display) -> FileError {
        FileError::Damaged(format!("{}: {what}", file.display()))
    }
}

/// Reads a file of JSON, with or without a byte order mark; `None`: there is no such file.
pub(super) fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, FileError> {
    let text = match files::read_text(file, &CONFIGURATION) {
        Ok(text) => text,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound => Ok(None),
                ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                    Err(FileError::damaged(file, error))
                }
                _ => Err(FileError::Unread(format!("{}: {error}", file.display()))),
            };
        }
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map(Some)
        .map_err(|error| FileError::damaged(file, error))
}
