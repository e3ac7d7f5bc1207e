//! Groups of rows, and what their aggregates come to.

use super::Session;
use super::ast::{Expr, Select};
use super::datum::{Datum, key as key_of};
use super::error::{Result, SqlError};
use super::eval::Row;
use super::functions::{self, AGGREGATES};
use super::query::{kind_at, name_of};
use super::rows::{Column, Rows};

impl Session {
    pub(super) fn grouped(&self, select: &Select, input: &Rows) -> Result<Rows> {
        let mut groups: Vec<(String, Vec<&Vec<Datum>>)> = Vec::new();
        if select.group.is_empty() {
            groups.push((String::new(), input.rows.iter().collect()));
        } else {
            for values in &input.rows {
                let row = Row {
                    columns: &input.columns,
                    values,
                };
                let key: Vec<Datum> = select
                    .group
                    .iter()
                    .map(|by| self.scope.eval(by, row))
                    .collect::<Result<_>>()?;
                let key = key_of(&key);
                match groups.iter_mut().find(|(found, _)| *found == key) {
                    Some((_, rows)) => rows.push(values),
                    None => groups.push((key, vec![values])),
                }
            }
        }
        let nothing = vec![Datum::Null; input.columns.len()];
        let mut kinds = Vec::new();
        for (item, _) in &select.items {
            kinds.push(self.scope.kind_of(item, &input.columns)?);
        }
        let mut rows = Vec::new();
        for (_, members) in &groups {
            let first = members.first().copied().unwrap_or(&nothing);
            let row = Row {
                columns: &input.columns,
                values: first,
            };
            let values = select.items.iter().zip(&kinds).map(|((item, _), kind)| {
                let item = self.folded(item, members, &input.columns)?;
                self.scope.eval_as(&item, row, kind.as_ref())
            });
            rows.push(values.collect::<Result<Vec<_>>>()?);
        }
        let mut columns = Vec::new();
        for (at, ((item, alias), kind)) in select.items.iter().zip(kinds).enumerate() {
            columns.push(Column {
                of: None,
                name: alias.clone().unwrap_or_else(|| name_of(item)),
                kind: kind.unwrap_or_else(|| kind_at(&rows, at)),
            });
        }
        Ok(Rows { columns, rows })
    }

    /// The expression with its aggregates replaced by what they come to.
    fn folded(&self, expr: &Expr, members: &[&Vec<Datum>], columns: &[Column]) -> Result<Expr> {
        Ok(match expr {
            Expr::Call {
                name,
                args,
                distinct,
            } if AGGREGATES.contains(&name.as_str()) => {
                if let [Expr::Star(_)] = args.as_slice() {
                    return Ok(Expr::Literal(Datum::count(members.len() as u64)));
                }
                let [arg] = args.as_slice() else {
                    return Err(SqlError::unsupported("an aggregate of several values"));
                };
                let values = members
                    .iter()
                    .map(|values| self.scope.eval(arg, Row { columns, values }))
                    .collect::<Result<_>>()?;
                let of = self.scope.kind_of(arg, columns)?;
                let value = functions::aggregate(name, values, *distinct, of)?;
                let kind = self.scope.kind_of(expr, columns)?;
                Expr::Cast {
                    to: kind.unwrap_or_else(|| value.kind()),
                    value: Box::new(Expr::Literal(value)),
                    lenient: false,
                }
            }
            Expr::Call {
                name,
                args,
                distinct,
            } => Expr::Call {
                name: name.clone(),
                args: args
                    .iter()
                    .map(|arg| self.folded(arg, members, columns))
                    .collect::<Result<_>>()?,
                distinct: *distinct,
            },
            Expr::Cast { value, to, lenient } => Expr::Cast {
                value: Box::new(self.folded(value, members, columns)?),
                to: to.clone(),
                lenient: *lenient,
            },
            Expr::Binary(left, sign, right) => Expr::Binary(
                Box::new(self.folded(left, members, columns)?),
                sign,
                Box::new(self.folded(right, members, columns)?),
            ),
            other => other.clone(),
        })
    }
}

/// Whether an expression has an aggregate in it.
pub(super) fn aggregates(expr: &Expr) -> bool {
    match expr {
        Expr::Call { name, args, .. } => {
            AGGREGATES.contains(&name.as_str()) || args.iter().any(aggregates)
        }
        Expr::Cast { value, .. } => aggregates(value),
        Expr::Binary(left, _, right) => aggregates(left) || aggregates(right),
        _ => false,
    }
}
