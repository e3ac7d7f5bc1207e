//! Carries out INSERT, UPDATE and DELETE.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::json;

use super::Session;
use super::ast::{Expr, Query, Target};
use super::commit::RowChange;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::eval::Row;
use super::kind::Kind;
use super::rows::Rows;
use super::tables::columns_of;

/// How often an append that lost its race is made again.
const ATTEMPTS: usize = 20;

impl Session {
    pub(super) async fn insert(
        &self,
        target: &Target,
        columns: Option<Vec<String>>,
        rows: &Query,
        overwrite: bool,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let base = self.base(&place).await?;
            // Read after the version that it is to follow, and again after a lost race: the rows may be those of the table itself.
            let rows = self.query(rows, &BTreeMap::new()).await?;
            let add = arranged(&columns_of(&base), columns.as_deref(), &rows, self.scope.zone)?;
            let count = add.len() as u64;
            let change = RowChange {
                operation: "WRITE",
                parameters: json!({"mode": if overwrite { "Overwrite" } else { "Append" }, "partitionBy": "[]"}),
                metrics: vec![("numFiles", u64::from(count > 0)), ("numOutputRows", count)],
                add,
                replace: overwrite,
                actions: Vec::new(),
            };
            match self.commit(&place, &base, change).await {
                // Appends do not conflict with each other.
                Err(error) if error.state == Some("2D521") && !overwrite && attempt < ATTEMPTS => {}
                done => {
                    done?;
                    return Ok(Rows::counts(&[
                        ("num_affected_rows", count),
                        ("num_inserted_rows", count),
                    ]));
                }
            }
        }
    }

    pub(super) async fn update(
        &self,
        target: &Target,
        set: &[(String, Expr)],
        filter: Option<&Expr>,
    ) -> Result<Rows> {
        self.rewrite(target, "UPDATE", "numUpdatedRows", |columns, row| {
            let from = Row { columns: &columns.columns, values: row };
            if !self.scope.holds(filter, from)? {
                return Ok((false, Some(row.to_vec())));
            }
            let mut values = row.to_vec();
            for (name, value) in set {
                let (at, _) = columns.place(std::slice::from_ref(name))?;
                values[at] = self
                    .scope
                    .eval(value, from)?
                    .cast(&columns.columns[at].kind, self.scope.zone)?;
            }
            Ok((true, Some(values)))
        })
        .await
    }

    pub(super) async fn delete(&self, target: &Target, filter: Option<&Expr>) -> Result<Rows> {
        self.rewrite(target, "DELETE", "numDeletedRows", |columns, row| {
            let from = Row { columns: &columns.columns, values: row };
            if self.scope.holds(filter, from)? {
                Ok((true, None))
            } else {
                Ok((false, Some(row.to_vec())))
            }
        })
        .await
    }

    /// Writes a table anew, row by row: whether a row changed, and what becomes of it.
    async fn rewrite(
        &self,
        target: &Target,
        operation: &'static str,
        metric: &'static str,
        change: impl Fn(&Rows, &[Datum]) -> Result<(bool, Option<Vec<Datum>>)>,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let rows = self.read(&place, Some(base.version)).await?;
        let (mut after, mut changed) = (Vec::new(), 0);
        for row in &rows.rows {
            let (touched, row) = change(&rows, row)?;
            changed += u64::from(touched);
            after.extend(row);
        }
        if changed > 0 {
            let change = RowChange {
                operation,
                parameters: json!({"predicate": "[]"}),
                metrics: vec![(metric, changed)],
                add: after,
                replace: true,
                actions: Vec::new(),
            };
            self.commit(&place, &base, change).await?;
        }
        Ok(Rows::counts(&[("num_affected_rows", changed)]))
    }
}

/// Rows in a table's order of columns, each value of its column's type.
pub(super) fn arranged(
    table: &[(String, Kind)],
    columns: Option<&[String]>,
    rows: &Rows,
    zone: Tz,
) -> Result<Vec<Vec<Datum>>> {
    let names: Vec<&str> = match columns {
        Some(columns) => columns.iter().map(String::as_str).collect(),
        None => table.iter().map(|(name, _)| name.as_str()).collect(),
    };
    if let Some(unknown) =
        names.iter().find(|name| !table.iter().any(|(column, _)| column.eq_ignore_ascii_case(name)))
    {
        return Err(SqlError::new(
            "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
            "42703",
            format!(
                "A column, variable, or function parameter with name `{unknown}` cannot be resolved."
            ),
        ));
    }
    let twice = names
        .iter()
        .enumerate()
        .find(|(at, name)| names[..*at].iter().any(|it| it.eq_ignore_ascii_case(name)));
    if let Some((_, name)) = twice {
        return Err(SqlError::new(
            "COLUMN_ALREADY_EXISTS",
            "42711",
            format!("The column `{name}` is named twice."),
        ));
    }
    if rows.columns.len() != names.len() {
        return Err(SqlError::new(
            "INSERT_COLUMN_ARITY_MISMATCH",
            "21S01",
            format!("Cannot write {} values into {} columns.", rows.columns.len(), names.len()),
        ));
    }
    let places: Vec<Option<usize>> = table
        .iter()
        .map(|(column, _)| names.iter().position(|name| column.eq_ignore_ascii_case(name)))
        .collect();
    let arrange = |row: &Vec<Datum>| {
        let values = places.iter().zip(table).map(|(at, (_, kind))| match at {
            Some(at) => row[*at].clone().cast(kind, zone),
            None => Ok(Datum::Null),
        });
        values.collect()
    };
    rows.rows.iter().map(arrange).collect()
}
