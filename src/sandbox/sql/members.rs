//! What a query came to, as values to be found among: three answers, as nulls are never surely equal to anything.

use std::collections::BTreeSet;

use super::datum::{Datum, key};
use super::error::{Result, SqlError};
use super::kind::Kind;

/// What a query came to, as values to be found among.
#[derive(Debug, PartialEq)]
pub(super) struct Members {
    width: usize,
    keys: BTreeSet<String>,
    /// One of them has a null, so that nothing is surely not among them.
    unsure: bool,
    /// The types of each place that has any value.
    kinds: Vec<Option<Kind>>,
}

impl Members {
    pub(super) fn of(rows: &[Vec<Datum>], width: usize) -> Members {
        let whole = |row: &&Vec<Datum>| !row.iter().any(Datum::is_null);
        let first = |at: usize| {
            let mut values = rows.iter().map(|row| &row[at]);
            values.find(|value| !value.is_null()).map(Datum::kind)
        };
        Members {
            width,
            keys: rows.iter().filter(whole).map(|row| key(row)).collect(),
            unsure: rows.iter().any(|row| row.iter().any(Datum::is_null)),
            kinds: (0..width).map(first).collect(),
        }
    }

    /// Whether a value, or the values of a tuple, are among them.
    pub(super) fn answer(&self, value: &Datum) -> Result<Datum> {
        let tuple: Vec<Datum> = match value {
            Datum::Struct(fields) if self.width > 1 => {
                fields.iter().map(|(_, value)| value.clone()).collect()
            }
            value => vec![value.clone()],
        };
        if tuple.len() != self.width {
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                "42K09",
                format!("{} values are looked for among rows of {}.", tuple.len(), self.width),
            ));
        }
        if self.keys.is_empty() && !self.unsure {
            return Ok(Datum::Boolean(false));
        }
        if tuple.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        let other = |(value, kind): (&Datum, &Option<Kind>)| {
            kind.as_ref().is_some_and(|kind| *kind != value.kind())
        };
        if tuple.iter().zip(&self.kinds).any(other) {
            return Err(SqlError::unsupported("IN (SELECT …) over values of two types"));
        }
        Ok(match (self.keys.contains(&key(&tuple)), self.unsure) {
            (true, _) => Datum::Boolean(true),
            (false, true) => Datum::Null,
            (false, false) => Datum::Boolean(false),
        })
    }
}
