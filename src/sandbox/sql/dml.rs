//! Carries out INSERT, UPDATE and DELETE.

use std::collections::BTreeMap;

use arrow_arith::boolean::not;
use arrow_array::{BooleanArray, new_null_array};
use chrono_tz::Tz;
use serde_json::json;

use super::Session;
use super::ast::{Expr, Query, TableTarget};
use super::cast::cast;
use super::commit::StatementChange;
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::rows::{Column, Rows, put_together, which};
use super::tables::columns_of;

/// How often an append that lost its race is made again.
const ATTEMPTS: usize = 20;

impl Session {
    pub(super) async fn insert(
        &self,
        target: &TableTarget,
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
            let count = add.count as u64;
            let change = StatementChange {
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
                    return Rows::counts(&[
                        ("num_affected_rows", count),
                        ("num_inserted_rows", count),
                    ]);
                }
            }
        }
    }

    pub(super) async fn update(
        &self,
        target: &TableTarget,
        set: &[(String, Expr)],
        filter: Option<&Expr>,
    ) -> Result<Rows> {
        self.rewrite(target, filter, "UPDATE", "numUpdatedRows", |rows, hit| {
            let (hits, mut after) = (rows.filter(hit)?, rows.clone());
            let places = |is: bool| which(hit.iter().map(|hit| hit == Some(is)));
            let others = rows.filter(&not(hit)?)?;
            for (name, value) in set {
                let (at, _) = rows.place(std::slice::from_ref(name))?;
                let value = self.scope.eval(value, &hits)?;
                let value = cast(&value, rows.columns[at].kind(), self.scope.zone)?;
                let parts =
                    [(value, places(true)), (others.columns[at].values.clone(), places(false))];
                after.columns[at].values = put_together(rows.count, &parts, self.scope.zone)?;
            }
            Ok(after)
        })
        .await
    }

    pub(super) async fn delete(&self, target: &TableTarget, filter: Option<&Expr>) -> Result<Rows> {
        self.rewrite(target, filter, "DELETE", "numDeletedRows", |rows, hit| {
            rows.filter(&not(hit)?)
        })
        .await
    }

    /// Writes a table anew where any row is hit.
    async fn rewrite(
        &self,
        target: &TableTarget,
        filter: Option<&Expr>,
        operation: &'static str,
        metric: &'static str,
        change: impl Fn(&Rows, &BooleanArray) -> Result<Rows>,
    ) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let rows = self.read(&place, Some(base.version)).await?;
        let hit = self.scope.holds(filter, &rows)?;
        let changed = hit.iter().filter(|hit| *hit == Some(true)).count() as u64;
        if changed > 0 {
            let change = StatementChange {
                operation,
                parameters: json!({"predicate": "[]"}),
                metrics: vec![(metric, changed)],
                add: change(&rows, &hit)?,
                replace: true,
                actions: Vec::new(),
            };
            self.commit(&place, &base, change).await?;
        }
        Rows::counts(&[("num_affected_rows", changed)])
    }
}

/// Rows in a table's order of columns, each value of its column's type.
pub(super) fn arranged(
    table: &[(String, Kind)],
    columns: Option<&[String]>,
    rows: &Rows,
    zone: Tz,
) -> Result<Rows> {
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
    let column = |(column, kind): &(String, Kind)| {
        let values = match names.iter().position(|name| column.eq_ignore_ascii_case(name)) {
            Some(at) => cast(&rows.columns[at].values, kind, zone)?,
            None => new_null_array(kind, rows.count),
        };
        Ok(Column::new(column, values))
    };
    Ok(Rows { columns: table.iter().map(column).collect::<Result<_>>()?, count: rows.count })
}
