//! What a query came to, as values to be found among: three answers, as nulls are never surely equal to anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray};
use chrono_tz::Tz;

use super::cast::cast;
use super::compare::{any_known, keys};
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::rows::Rows;

/// What a query came to, as values to be found among.
#[derive(Debug, PartialEq)]
pub(super) struct Members {
    keys: BTreeSet<Vec<u8>>,
    /// One of them has a null, so that nothing is surely not among them.
    unsure: bool,
    /// The types of each place; of one that has no value nothing is known.
    kinds: Vec<Option<Kind>>,
}

impl Members {
    pub(super) fn of(rows: &Rows) -> Result<Members> {
        let values = whole(&rows.values())?;
        let known = known(&values, rows.count);
        Ok(Members {
            keys: keys(&values)?
                .into_iter()
                .zip(&known)
                .filter(|(_, it)| **it)
                .map(|(it, _)| it)
                .collect(),
            unsure: known.contains(&false),
            kinds: values.iter().map(|it| any_known(it).then(|| it.data_type().clone())).collect(),
        })
    }

    /// Whether values, or the values of tuples, are among them.
    pub(super) fn answer(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let width = self.kinds.len();
        let tuple = match values.data_type() {
            Kind::Struct(_) if width > 1 => values.as_struct().columns().to_vec(),
            _ => vec![values.clone()],
        };
        if tuple.len() != width {
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                "42K09",
                format!("{} values are looked for among rows of {width}.", tuple.len()),
            ));
        }
        if self.keys.is_empty() && !self.unsure {
            return Ok(Arc::new(BooleanArray::from(vec![false; values.len()])));
        }
        let tuple = whole(&tuple)?;
        let known = known(&tuple, values.len());
        let other = |(values, kind): (&ArrayRef, &Option<Kind>)| {
            kind.as_ref().is_some_and(|kind| kind != values.data_type())
        };
        if known.contains(&true) && tuple.iter().zip(&self.kinds).any(other) {
            return Err(SqlError::unsupported("IN (SELECT …) over values of two types"));
        }
        let found = keys(&tuple)?.into_iter().zip(known).map(|(key, known)| {
            let found = known && self.keys.contains(&key);
            (found || known && !self.unsure).then_some(found)
        });
        Ok(Arc::new(found.collect::<BooleanArray>()))
    }
}

/// Whole numbers as one type of them.
fn whole(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    let same = |it: &ArrayRef| {
        let whole = it.data_type().is_signed_integer();
        cast(it, if whole { &Kind::Int64 } else { it.data_type() }, Tz::UTC)
    };
    values.iter().map(same).collect()
}

/// Which rows have no null.
fn known(values: &[ArrayRef], count: usize) -> Vec<bool> {
    let nulls: Vec<_> = values.iter().filter_map(|it| it.logical_nulls()).collect();
    (0..count).map(|at| nulls.iter().all(|it| it.is_valid(at))).collect()
}
