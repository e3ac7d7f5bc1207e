//! What a file of a table holds, opened for reading: whole, or line by line, and never more than a limit.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _};

use bytes::Bytes;

use crate::files;
use crate::lakehouse::delta::error::{DeltaError, Result};
use crate::limits::{LOG_LINE, Limit};

/// The content of a file, opened for reading.
#[derive(Debug)]
pub(crate) enum Blob {
    File(File),
    Bytes(Bytes),
}

impl Blob {
    /// How many bytes it has. `file` is its name for messages.
    pub(crate) fn length(&self, file: &str) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(opened) => {
                let facts = opened.metadata();
                let facts = facts.map_err(|error| DeltaError::io(format!("read {file}"), error));
                Ok(facts?.len())
            }
        }
    }

    /// Reads all of it, up to a limit. `file` is its name for messages.
    pub(crate) fn all(self, file: &str, limit: &'static Limit) -> Result<Bytes> {
        let too_much = |over| DeltaError::too_much(file, over);
        match self {
            Self::Bytes(bytes) => {
                limit.allow(bytes.len() as u64).map_err(too_much)?;
                Ok(bytes)
            }
            Self::File(opened) => {
                let failed = |error| DeltaError::io(format!("read {file}"), error);
                limit.allow(opened.metadata().map_err(failed)?.len()).map_err(too_much)?;
                let bytes = files::read(opened, limit).map_err(failed)?;
                Ok(bytes.into())
            }
        }
    }

    /// Reads it line by line.
    pub(crate) fn lines(self) -> Box<dyn BufRead> {
        match self {
            Self::File(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        }
    }
}

/// The lines of a log's file, one at a time and none longer than the limit.
pub(crate) struct Lines {
    from: Box<dyn BufRead>,
    line: Vec<u8>,
    file: String,
    number: u64,
}

impl Lines {
    /// The lines of what was opened; `file` is its name for messages.
    pub(crate) fn of(blob: Blob, file: &str) -> Self {
        Self {
            from: blob.lines(),
            line: Vec::with_capacity(1 << 12),
            file: file.to_owned(),
            number: 0,
        }
    }

    /// The line that was read last, as it stands in the file.
    pub(crate) fn as_written(&self) -> &[u8] {
        &self.line
    }

    /// The next line with its number, blanks around it aside; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        let Self { from, line, file, number } = self;
        line.clear();
        let read = (&mut *from)
            .take(LOG_LINE.most + 1)
            .read_until(b'\n', line)
            .map_err(|error| DeltaError::io(format!("read {file}"), error))?;
        if read == 0 {
            return Ok(None);
        }
        LOG_LINE.allow(read as u64).map_err(|over| DeltaError::too_much(file.as_str(), over))?;
        *number += 1;
        Ok(Some((*number, line.trim_ascii())))
    }
}
