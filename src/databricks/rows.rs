//! A statement's result: rows addressed by column name, because services only ever add columns. Pure.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// A whole result.
#[derive(Debug, Clone, Default)]
pub(super) struct ResultRows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// One row of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResultRow<'a> {
    columns: &'a [String],
    values: &'a [Option<String>],
}

impl ResultRows {
    pub(super) fn new(columns: Vec<String>, rows: Vec<Vec<Option<String>>>) -> ResultRows {
        ResultRows { columns, rows }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ResultRow<'_>> {
        self.rows.iter().map(|values| ResultRow { columns: &self.columns, values })
    }

    pub(super) fn first(&self) -> Option<ResultRow<'_>> {
        self.iter().next()
    }

    /// The rows of each of several tables, by the column `asked`.
    pub(super) fn split(self, tables: usize) -> Vec<ResultRows> {
        let mut parts =
            vec![ResultRows { columns: self.columns.clone(), rows: Vec::new() }; tables];
        let at = self.columns.iter().position(|name| name == "asked");
        for values in self.rows {
            let place = at.and_then(|at| values.get(at)?.as_deref()?.parse::<usize>().ok());
            if let Some(part) = place.and_then(|place| parts.get_mut(place)) {
                part.rows.push(values);
            }
        }
        parts
    }
}

impl<'a> ResultRow<'a> {
    /// A value as text; `None`: NULL, or no such column.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.values.get(at)?.as_deref()
    }

    pub(super) fn number(&self, column: &str) -> Option<u64> {
        whole(self.text(column)?.trim())
    }

    /// A time, whatever zone the session is in.
    pub(super) fn moment(&self, column: &str) -> Option<DateTime<Utc>> {
        moment(self.text(column)?)
    }

    /// A map or struct.
    pub(super) fn object(&self, column: &str) -> Map<String, Value> {
        self.text(column).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// A number that counts something. Services count in signed numbers of 64 bits: no version or count is beyond, and whatever is
/// reckoned with them is not either.
fn whole(text: &str) -> Option<u64> {
    text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())
}

/// RFC 3339 with any offset; some drivers write a blank for the T, or no zone, which is UTC.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let read = DateTime::parse_from_rfc3339(text).map(|it| it.to_utc()).ok();
    let read = read.or_else(|| {
        let naive =
            chrono::NaiveDateTime::parse_from_str(&text.replace('T', " "), "%Y-%m-%d %H:%M:%S%.f")
                .ok()?;
        Some(naive.and_utc())
    });
    read.map(crate::moment::millis)
}

/// A number in a map, which is text there.
pub(super) fn number(map: &Map<String, Value>, key: &str) -> Option<u64> {
    match map.get(key)? {
        Value::Number(number) => whole(&number.to_string()),
        Value::String(text) => whole(text.trim_matches('"')),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_zone_they_are_written_in() {
        let winter = moment("2021-06-15T12:34:56.789-07:00").unwrap();
        assert_eq!(crate::moment::text(winter), "2021-06-15T19:34:56.789Z");
        assert_eq!(moment("2021-06-15 19:34:56.789"), Some(winter));
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn rows_are_split_by_the_table_that_was_asked() {
        let value = |text: &str| Some(text.to_owned());
        let rows = ResultRows::new(
            vec!["asked".into(), "version".into()],
            vec![
                vec![value("1"), value("7")],
                vec![value("0"), None],
                vec![value("9"), value("1")],
            ],
        );
        let parts = rows.split(2);
        assert_eq!(parts[1].first().unwrap().number("VERSION"), Some(7));
        assert_eq!(parts[0].first().unwrap().number("version"), None);
    }
}
