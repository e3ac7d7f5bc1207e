//! Retention: Delta's intervals, and how long a replica keeps what a cut names.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::region::Pin;

/// Property: how long files that no version needs any more are kept.
pub const DELETED_FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";
/// Property: how long the log is kept.
pub const LOG_RETENTION: &str = "delta.logRetentionDuration";

/// Delta's default for [`LOG_RETENTION`]; the one for deleted files is shorter than any useful replica's.
const LOG_RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads an interval as Delta writes it: `interval 30 days`, `interval 1 week 2 hours`, with or without `interval`.
pub fn parse_interval(text: &str) -> Option<Duration> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower
        .strip_prefix("interval")
        .unwrap_or(&lower)
        .split_whitespace()
        .collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    words.chunks(2).try_fold(Duration::ZERO, |sum, pair| {
        let count: f64 = pair[0].parse().ok().filter(|count: &f64| *count >= 0.0)?;
        let seconds = match pair[1].trim_end_matches('s') {
            "week" => 7.0 * 24.0 * 3600.0,
            "day" => 24.0 * 3600.0,
            "hour" => 3600.0,
            "minute" => 60.0,
            "second" => 1.0,
            "millisecond" => 1e-3,
            "microsecond" => 1e-6,
            "nanosecond" => 1e-9,
            _ => return None,
        };
        sum.checked_add(Duration::try_from_secs_f64(count * seconds).ok()?)
    })
}

/// The two retention properties of a replica: the longer of the source's value and what the configuration asks for.
pub(super) fn properties(pin: &Pin, days: u32) -> BTreeMap<String, String> {
    let asked = Duration::from_secs(u64::from(days) * 24 * 3600);
    let longer = |source: Option<&String>, default: Duration| match source {
        Some(text) if parse_interval(text).is_some_and(|kept| kept > asked) => text.clone(),
        None if default > asked => format!("interval {} days", default.as_secs() / (24 * 3600)),
        Some(_) | None => format!("interval {days} days"),
    };
    BTreeMap::from([
        (
            DELETED_FILE_RETENTION.to_owned(),
            longer(pin.deleted_file_retention.as_ref(), Duration::ZERO),
        ),
        (
            LOG_RETENTION.to_owned(),
            longer(pin.log_retention.as_ref(), LOG_RETENTION_DEFAULT),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_delta_writes_them() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(parse_interval("interval 30 days"), hours(720));
        assert_eq!(parse_interval("INTERVAL 1 week 2 hours"), hours(170));
        assert_eq!(parse_interval("168 hours"), hours(168));
        assert_eq!(parse_interval("interval 6 months"), None);
        assert_eq!(parse_interval(""), None);
    }
}
