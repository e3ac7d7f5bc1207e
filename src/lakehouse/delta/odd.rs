//! What an action of a log or of a checkpoint says that cannot be. Pure.

use thiserror::Error;

/// What of an action cannot be; whoever reads the file of it names that.
#[derive(Debug, Error)]
pub(super) enum Odd {
    /// A commit says two things of one file.
    #[error("it names {0} twice, which Delta forbids and readers read differently")]
    NamedTwice(String),
    /// A file has no path.
    #[error("a file has no path")]
    FileWithoutPath,
    /// A sidecar has no path.
    #[error("a sidecar has no path")]
    SidecarWithoutPath,
    /// Adds without the values of their partition.
    #[error("it holds no partitionValues")]
    NoPartitionValues,
    /// A field is of another type than the protocol gives it.
    #[error("{field} has the type {found}")]
    OfType {
        /// Which.
        field: String,
        /// Of what type it is, as Arrow calls it.
        found: String,
    },
    /// A count is less than nothing.
    #[error("{field} is {number}")]
    Negative {
        /// Which.
        field: String,
        /// What it is.
        number: i64,
    },
    /// It is no JSON of an action.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}
