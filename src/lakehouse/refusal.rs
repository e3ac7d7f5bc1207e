//! How trouble with a Delta table or a disk reads as a region's refusal.

use std::error::Error;
use std::io;

use super::delta::{DeltaError, IoTrouble};
use crate::region::{RegionError, RegionErrorKind};
use crate::sentence::Sentence;

/// Turns what the Delta layer said into a refusal; `doing` is a fragment that names the table.
pub(super) fn refusal(doing: impl Into<Sentence>, error: &DeltaError) -> RegionError {
    let (kind, transient) = match error {
        DeltaError::NotATable { .. }
        | DeltaError::VersionMissing { .. }
        | DeltaError::DataMissing { .. } => (RegionErrorKind::NotFound, false),
        DeltaError::UnsupportedFeature { .. }
        | DeltaError::Unsupported { .. }
        | DeltaError::Unreadable { .. }
        | DeltaError::NoPutIfAbsent { .. }
        | DeltaError::TooMuch { .. } => (RegionErrorKind::Unsupported, false),
        DeltaError::Conflict { .. } => (RegionErrorKind::Conflict, false),
        DeltaError::Corrupt { .. } | DeltaError::Cancelled => (RegionErrorKind::Other, false),
        DeltaError::Io { kind, source, .. } => match kind {
            IoTrouble::NotFound => (RegionErrorKind::NotFound, false),
            IoTrouble::PermissionDenied | IoTrouble::ReadOnly => (RegionErrorKind::Denied, false),
            IoTrouble::NoSpace => (RegionErrorKind::Other, false),
            IoTrouble::AlreadyExists | IoTrouble::Other => {
                (RegionErrorKind::Other, may_pass(source.as_ref()))
            }
        },
    };
    let refusal = RegionError::new(kind, doing, describe_with_causes(error));
    if transient { refusal.transient() } else { refusal }
}

/// The same of the table in a folder: a file that cannot be read is named with its whole path.
pub(super) fn refusal_in(folder: &str, doing: &str, error: &DeltaError) -> RegionError {
    let refused = refusal(doing, error);
    let DeltaError::Corrupt { file, .. } = error else {
        return refused;
    };
    // Commits are named by their file alone, everything else from the table's folder on.
    let commit = file
        .strip_suffix(".json")
        .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()));
    let log = if commit { "/_delta_log" } else { "" };
    RegionError { detail: format!("{folder}{log}/{}", refused.detail).into(), ..refused }
}

/// The error and what caused it, in one line.
fn describe_with_causes(error: &DeltaError) -> String {
    let mut told = match error {
        DeltaError::Io { kind: IoTrouble::NoSpace, doing, .. } => {
            format!("no space left to {doing}")
        }
        error => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

/// Whether trouble of no known kind may be gone at the next attempt: a busy or failing disk, not a wrong name.
fn may_pass(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<io::Error>() else {
        return true;
    };
    !matches!(
        error.kind(),
        io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::TooManyLinks
            | io::ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_whole_path() {
        let said = |file: &str| {
            let error = DeltaError::corrupt(file, "line 1: no JSON");
            refusal_in("/west/main/a/b", "look", &error).detail
        };
        assert_eq!(
            said("00000000000000000001.json"),
            "/west/main/a/b/_delta_log/00000000000000000001.json is corrupt: line 1: no JSON"
        );
        assert_eq!(
            said("_delta_log/_last_checkpoint"),
            "/west/main/a/b/_delta_log/_last_checkpoint is corrupt: line 1: no JSON"
        );
    }
}
