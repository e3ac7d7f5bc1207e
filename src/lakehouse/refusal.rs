//! How trouble with a Delta table or a disk reads as a region's refusal.

use std::error::Error;
use std::io;

use super::delta::{DeltaError, IoTrouble};
use crate::region::{RegionError, RegionErrorKind};

/// Turns what the Delta layer said into a refusal; `doing` is a fragment that names the table.
pub(super) fn refusal(doing: impl Into<String>, error: &DeltaError) -> RegionError {
    let (kind, transient) = match error {
        DeltaError::NotATable { .. }
        | DeltaError::VersionMissing { .. }
        | DeltaError::DataMissing { .. } => (RegionErrorKind::NotFound, false),
        DeltaError::UnsupportedFeature { .. } | DeltaError::Unsupported { .. } => {
            (RegionErrorKind::Unsupported, false)
        }
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
    let refusal = RegionError::new(kind, doing, told(error));
    if transient {
        refusal.transient()
    } else {
        refusal
    }
}

/// The error and what caused it, in one line.
fn told(error: &DeltaError) -> String {
    let mut told = match error {
        DeltaError::Io {
            kind: IoTrouble::NoSpace,
            doing,
            ..
        } => format!("no space left to {doing}"),
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
