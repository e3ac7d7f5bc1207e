//! `IN (SELECT …)` in a WHERE: the query is carried out once, before any row is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Session;
use super::ast::Expr;
use super::datum::{Datum, key};
use super::error::{Result, SqlError};
use super::query::Named;

/// What a query came to, as values to be found among.
#[derive(Debug, PartialEq)]
pub(super) struct Members {
    width: usize,
    keys: BTreeSet<String>,
    /// One of them has a null, so that nothing is surely not among them.
    unsure: bool,
    /// The types of each place that has any value.
    kinds: Vec<Option<super::kind::Kind>>,
}

impl Members {
    fn of(rows: &[Vec<Datum>], width: usize) -> Members {
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
        let other = |(value, kind): (&Datum, &Option<super::kind::Kind>)| {
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

impl Session {
    /// The expression with what its queries came to in their places.
    pub(super) fn with_members<'a>(
        &'a self,
        expr: &'a Expr,
        named: &'a Named,
    ) -> BoxFuture<'a, Result<Expr>> {
        async move {
            Ok(match expr {
                Expr::InQuery(value, query) => {
                    let rows = self.query(query, named).await?;
                    let members = Members::of(&rows.rows, rows.columns.len());
                    Expr::Among(value.clone(), Arc::new(members))
                }
                Expr::Not(inner) => Expr::Not(Box::new(self.with_members(inner, named).await?)),
                Expr::Binary(one, sign @ ("AND" | "OR"), two) => Expr::Binary(
                    Box::new(self.with_members(one, named).await?),
                    sign,
                    Box::new(self.with_members(two, named).await?),
                ),
                // Anywhere else one is refused when it is met.
                expr => expr.clone(),
            })
        }
        .boxed()
    }
}
