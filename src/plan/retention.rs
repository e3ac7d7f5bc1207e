//! Retention: how long a replica keeps what a cut names. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::interval;
use crate::region::Pin;

/// Property: how long files that no version needs any more are kept.
pub const DELETED_FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";
/// Property: how long the log is kept.
pub const LOG_RETENTION: &str = "delta.logRetentionDuration";

/// Delta's default for [`LOG_RETENTION`]; the one for deleted files is shorter than any useful replica's.
const LOG_RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The two retention properties of a replica: the longer of the source's value and what the configuration asks for.
pub(super) fn properties(pin: &Pin, days: u32) -> BTreeMap<String, String> {
    let asked = Duration::from_secs(u64::from(days) * 24 * 3600);
    let longer = |source: Option<&String>, default: Duration| match source {
        Some(text) if interval::parse(text).is_some_and(|kept| kept > asked) => text.clone(),
        None if default > asked => format!("interval {} days", default.as_secs() / (24 * 3600)),
        Some(_) | None => format!("interval {days} days"),
    };
    BTreeMap::from([
        (
            DELETED_FILE_RETENTION.to_owned(),
            longer(pin.deleted_file_retention.as_ref(), Duration::ZERO),
        ),
        (LOG_RETENTION.to_owned(), longer(pin.log_retention.as_ref(), LOG_RETENTION_DEFAULT)),
    ])
}
