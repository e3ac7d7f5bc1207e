//! How a warehouse refuses a statement: an error class, a message, an SQLSTATE.

use arrow_schema::ArrowError;

use crate::lakehouse::delta::DeltaError;

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct SqlError {
    /// `BAD_REQUEST` …
    pub(in crate::sandbox) code: &'static str,
    /// Begins with the class in brackets.
    pub(in crate::sandbox) message: String,
    /// Five letters.
    pub(in crate::sandbox) state: Option<&'static str>,
}

pub(super) type Result<T, E = SqlError> = std::result::Result<T, E>;

/// Where the statements stand that this warehouse understands.
const PAGE: &str = "docs/sandbox.md lists what the sandbox understands";

impl From<ArrowError> for SqlError {
    /// What a kernel refuses although its values were made fit for it.
    fn from(error: ArrowError) -> SqlError {
        SqlError { code: "INTERNAL_ERROR", message: error.to_string(), state: None }
    }
}

impl SqlError {
    pub(super) fn new(class: &str, state: &'static str, message: impl AsRef<str>) -> SqlError {
        SqlError {
            code: "BAD_REQUEST",
            message: format!("[{class}] {} SQLSTATE: {state}", message.as_ref()),
            state: Some(state),
        }
    }

    /// What cannot be read as a statement at all.
    pub(super) fn syntax(what: &str, sql: &str, at: usize) -> SqlError {
        let (line, column) = SqlError::line_and_column(sql, at);
        let error = SqlError::new("PARSE_SYNTAX_ERROR", "42601", format!("Syntax error: {what}."));
        SqlError {
            message: format!(
                "\n{} (line {line}, pos {column})\n\n== SQL ==\n{sql}\n{}^^^\n",
                error.message,
                "-".repeat(column)
            ),
            ..error
        }
    }

    /// The line of a place in a statement, counted from 1, and its column, from 0, as the service counts.
    pub(super) fn line_and_column(sql: &str, at: usize) -> (usize, usize) {
        let before = &sql[..at.min(sql.len())];
        let line = before.matches('\n').count() + 1;
        (line, before.len() - before.rfind('\n').map_or(0, |newline| newline + 1))
    }

    /// What Databricks may understand and this warehouse does not.
    pub(super) fn unsupported(what: impl AsRef<str>) -> SqlError {
        SqlError::new(
            "UNSUPPORTED_FEATURE.SANDBOX",
            "0A000",
            format!("{} is not understood here: {PAGE}.", what.as_ref()),
        )
    }

    /// A place in the list of what is selected that there is not.
    pub(super) fn out_of_range(clause: &str, at: i64, items: usize) -> SqlError {
        SqlError::new(
            &format!("{clause}_POS_OUT_OF_RANGE"),
            "42805",
            format!(
                "{} position {at} is not in select list (valid range is [1, {items}]).",
                clause.replace('_', " ")
            ),
        )
    }

    pub(super) fn table_not_found(name: &str) -> SqlError {
        SqlError::new(
            "TABLE_OR_VIEW_NOT_FOUND",
            "42P01",
            format!(
                "The table or view {name} cannot be found. Verify the spelling and correctness of the schema and catalog."
            ),
        )
    }

    pub(super) fn path_not_found(path: &str) -> SqlError {
        SqlError::new(
            "DELTA_PATH_DOES_NOT_EXIST",
            "42K03",
            format!("{path} doesn't exist, or is not a Delta table."),
        )
    }

    pub(super) fn denied(message: impl AsRef<str>) -> SqlError {
        SqlError::new("INSUFFICIENT_PERMISSIONS", "42501", message)
    }

    pub(super) fn canceled() -> SqlError {
        SqlError {
            code: "CANCELLED",
            message: "The statement was canceled.".to_owned(),
            state: None,
        }
    }

    pub(in crate::sandbox) fn is_canceled(&self) -> bool {
        self.code == "CANCELLED"
    }

    /// What the Delta layer said about a table.
    pub(super) fn delta(table: &str, error: &DeltaError) -> SqlError {
        let mut told = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            told.push_str(": ");
            told.push_str(&error.to_string());
            cause = error.source();
        }
        match error {
            DeltaError::NotATable { .. } => SqlError::path_not_found(table),
            DeltaError::VersionMissing { asked, oldest, newest } => SqlError::new(
                "DELTA_VERSION_NOT_FOUND",
                "22003",
                format!(
                    "Cannot time travel Delta table to version {asked}. Available versions: [{oldest}, {newest}]."
                ),
            ),
            DeltaError::UnsupportedFeature { feature, .. } => SqlError::new(
                "DELTA_UNSUPPORTED_FEATURES_FOR_READ",
                "56038",
                format!("{feature}, which {table} uses, is not understood here: {told}; {PAGE}."),
            ),
            DeltaError::Unsupported { .. }
            | DeltaError::Unreadable { .. }
            | DeltaError::NoPutIfAbsent { .. }
            | DeltaError::TooMuch { .. } => {
                SqlError::new("UNSUPPORTED_FEATURE.SANDBOX", "0A000", format!("{told}; {PAGE}."))
            }
            DeltaError::Conflict { .. } => SqlError::new(
                "DELTA_CONCURRENT_APPEND",
                "2D521",
                format!(
                    "ConcurrentAppendException: Files were added to {table} by a concurrent update. Please try the operation again."
                ),
            ),
            DeltaError::DataMissing { path } => SqlError::new(
                "DELTA_FILE_NOT_FOUND_DETAILED",
                "42K03",
                format!("File {path} referenced in the transaction log cannot be found."),
            ),
            DeltaError::Corrupt { .. } => SqlError {
                code: "INTERNAL_ERROR",
                ..SqlError::new("DELTA_LOG_FILE_NOT_FOUND", "42K03", format!("{told}."))
            },
            DeltaError::Cancelled => SqlError::canceled(),
            DeltaError::Io { .. } => {
                SqlError { code: "IO_ERROR", message: format!("{table}: {told}"), state: None }
            }
        }
    }
}
