//! The one number that drsync reads out of a file's statistics. Pure.

use serde::Deserialize;

/// The record count in a file's statistics. Statistics that do not parse are as good as none.
pub(super) fn num_records(stats: &str) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stats {
        num_records: Option<u64>,
    }
    leading_count(stats, r#"{"numRecords":"#)
        .or_else(|| serde_json::from_str::<Stats>(stats).ok()?.num_records)
}

/// The same, of statistics that are still a JSON string, as they stand in a commit.
pub(super) fn quoted_num_records(quoted: &str) -> Option<u64> {
    leading_count(quoted, r#""{\"numRecords\":"#)
        .or_else(|| num_records(&serde_json::from_str::<String>(quoted).ok()?))
}

/// The number right after a beginning. Nearly every writer puts the count first, and a log has many of them.
fn leading_count(text: &str, beginning: &str) -> Option<u64> {
    let rest = text.strip_prefix(beginning)?;
    let (count, _) = rest.split_at(rest.find(|each: char| !each.is_ascii_digit())?);
    let whole = rest[count.len()..].starts_with([',', '}']);
    if whole { count.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_wherever_the_statistics_say_so() {
        for (stats, count) in [
            (r#"{"numRecords":7}"#, Some(7)),
            (r#"{"numRecords":7,"minValues":{"numRecords":9}}"#, Some(7)),
            (r#"{"minValues":{"numRecords":9},"numRecords": 7}"#, Some(7)),
            (r#"{"minValues":{"numRecords":9}}"#, None),
            (r#"{"numRecords":7.5}"#, None),
            (r#"{"numRecords":"#, None),
            ("", None),
        ] {
            assert_eq!(num_records(stats), count, "{stats}");
            let quoted = serde_json::Value::from(stats).to_string();
            assert_eq!(quoted_num_records(&quoted), count, "{quoted}");
        }
    }
}
