//! Groups of rows, and what their aggregates come to.

use super::Session;
use super::ast::{Expr, Group, Select};
use super::datum::{Datum, key as key_of};
use super::error::{Result, SqlError};
use super::eval::Row;
use super::functions::{self, AGGREGATES};
use super::rows::{Column, Rows, kind_at};

impl Session {
    pub(super) fn grouped(&self, select: &Select, input: &Rows) -> Result<Rows> {
        let by = self.group_of(select, input)?;
        for (item, _) in &select.items {
            self.check_grouped(item, &by, input)?;
        }
        let mut groups: Vec<(String, Vec<&Vec<Datum>>)> = Vec::new();
        if by.is_empty() {
            groups.push((String::new(), input.rows.iter().collect()));
        } else {
            for values in &input.rows {
                let row = Row { columns: &input.columns, values };
                let key: Vec<Datum> =
                    by.iter().map(|by| self.scope.eval(by, row)).collect::<Result<_>>()?;
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
            let row = Row { columns: &input.columns, values: first };
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
                name: alias.clone().unwrap_or_else(|| item.name()),
                kind: kind.unwrap_or_else(|| kind_at(&rows, at)),
            });
        }
        Ok(Rows { columns, rows })
    }

    /// The expression with its aggregates replaced by what they come to.
    fn folded(&self, expr: &Expr, members: &[&Vec<Datum>], columns: &[Column]) -> Result<Expr> {
        Ok(match expr {
            Expr::Call { name, args, distinct } if AGGREGATES.contains(&name.as_str()) => {
                if let ([Expr::Star(_)], true) = (args.as_slice(), *distinct) {
                    return Err(SqlError::unsupported("an aggregate of DISTINCT *"));
                }
                if let ([Expr::Star(_)], "COUNT") = (args.as_slice(), name.as_str()) {
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
            other => other.with_parts(|part| self.folded(part, members, columns))?,
        })
    }

    /// What rows are grouped by; a number stands for a place in what is selected, and a name for its alias.
    fn group_of(&self, select: &Select, input: &Rows) -> Result<Vec<Expr>> {
        let items = &select.items;
        let group = match &select.group {
            Group::By(group) => group,
            Group::All => {
                let items = items.iter().map(|(item, _)| item);
                return Ok(items.filter(|item| !aggregates(item)).cloned().collect());
            }
        };
        let by = group.iter().map(|by| match by {
            Expr::Literal(Datum::Int(at)) => {
                let item = usize::try_from(*at - 1).ok().and_then(|at| items.get(at));
                let item =
                    item.ok_or_else(|| SqlError::out_of_range("GROUP_BY", *at, items.len()))?;
                Ok(item.0.clone())
            }
            Expr::Column(parts) if input.place(parts).is_err() => {
                let named = |alias: &Option<String>| match (alias, parts.as_slice()) {
                    (Some(alias), [name]) => alias.eq_ignore_ascii_case(name),
                    _ => false,
                };
                let item = items.iter().find(|(_, alias)| named(alias));
                Ok(item.map_or(by, |(item, _)| item).clone())
            }
            by => Ok(by.clone()),
        });
        by.collect()
    }

    /// Refuses what differs within a group and is in no aggregate.
    fn check_grouped(&self, item: &Expr, by: &[Expr], input: &Rows) -> Result<()> {
        let same = |one: &Expr| match (one, item) {
            (Expr::Column(one), Expr::Column(two)) => match (input.place(one), input.place(two)) {
                (Ok((at, used)), Ok((other, also))) => {
                    at == other && two[also..].starts_with(&one[used..])
                }
                _ => false,
            },
            (one, two) => one == two,
        };
        match item {
            _ if by.iter().any(same) => Ok(()),
            Expr::Call { name, .. } if AGGREGATES.contains(&name.as_str()) => Ok(()),
            Expr::Column(parts) => {
                input.place(parts)?;
                Err(SqlError::new(
                    "MISSING_AGGREGATION",
                    "42803",
                    format!(
                        "The column `{}` is in no aggregate, and the rows are not grouped by it.",
                        parts.join("`.`")
                    ),
                ))
            }
            item => {
                item.parts().into_iter().try_for_each(|part| self.check_grouped(part, by, input))
            }
        }
    }
}

/// Whether the rows of a query are put into groups.
pub(super) fn has_groups(select: &Select) -> bool {
    let by = match &select.group {
        Group::By(group) => !group.is_empty(),
        Group::All => true,
    };
    by || select.items.iter().any(|(item, _)| aggregates(item))
}

/// Whether an expression has an aggregate in it.
fn aggregates(expr: &Expr) -> bool {
    match expr {
        Expr::Call { name, .. } if AGGREGATES.contains(&name.as_str()) => true,
        expr => expr.parts().into_iter().any(aggregates),
    }
}
