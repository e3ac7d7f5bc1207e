//! Groups of rows, and what their aggregates come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{NullArray, UInt32Array};

use super::Session;
use super::aggregates::{self, AGGREGATES};
use super::ast::{Expr, GroupBy, Select, SelectItem};
use super::compare::{keys, places};
use super::error::{Result, SqlError};
use super::functions;
use super::literal;
use super::rows::{Column, Rows};

impl Session {
    pub(super) fn grouped(&self, select: &Select, input: &Rows) -> Result<Rows> {
        let by = self.group_of(select, input)?;
        for (at, (item, _)) in select.items.iter().enumerate() {
            if let Some(alias) = alias_within(item, &select.items[..at], input) {
                let what = format!("the alias {alias} within another expression beside aggregates");
                return Err(SqlError::unsupported(what));
            }
            self.check_grouped(item, &by, input)?;
        }
        let groups = self.groups(&by, input)?;
        // Each group as its first row, with what its aggregates come to beside it.
        let first = groups.iter().map(|group| group.values().first().copied());
        let mut each = input.take(&first.collect())?;
        let mut items = Vec::new();
        for (item, _) in &select.items {
            items.push(self.folded(item, input, &groups, &mut each)?);
        }
        if let Some(having) = &select.having {
            let having = self.having_of(having, &select.items, &by, input)?;
            self.check_grouped(&having, &by, input)?;
            let wanted = self.folded(&having, input, &groups, &mut each)?;
            each = each.filter(&self.scope.holds(Some(&wanted), &each)?)?;
        }
        let mut columns = Vec::new();
        for (item, (written, alias)) in items.iter().zip(&select.items) {
            let name = alias.clone().unwrap_or_else(|| written.name());
            columns.push(Column::new(name, self.scope.eval(item, &each)?));
        }
        Ok(Rows::of(columns))
    }

    /// The places of the rows of each group, in the order in which the groups begin.
    fn groups(&self, by: &[Expr], input: &Rows) -> Result<Vec<UInt32Array>> {
        if by.is_empty() {
            return Ok(vec![places(input.count)]);
        }
        let by = by.iter().map(|by| self.scope.eval(by, input)).collect::<Result<Vec<_>>>()?;
        let (mut found, mut groups) = (BTreeMap::new(), Vec::<Vec<u32>>::new());
        for (at, key) in (0..).zip(keys(&by)?) {
            let group = *found.entry(key).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(at);
        }
        Ok(groups.into_iter().map(UInt32Array::from).collect())
    }

    /// The expression with its aggregates replaced by columns of what they come to.
    fn folded(
        &self,
        expr: &Expr,
        input: &Rows,
        groups: &[UInt32Array],
        each: &mut Rows,
    ) -> Result<Expr> {
        let Expr::Call { name, args, distinct } = expr else {
            return expr.with_parts(&mut |part| self.folded(part, input, groups, each));
        };
        if !AGGREGATES.contains(&name.as_str()) {
            return expr.with_parts(&mut |part| self.folded(part, input, groups, each));
        }
        let values = match (args.as_slice(), name.as_str(), distinct) {
            ([Expr::Star(_)], _, true) => {
                return Err(SqlError::unsupported("an aggregate of DISTINCT *"));
            }
            ([Expr::Star(_)], "COUNT", false) => {
                self.scope.eval(&Expr::Literal(literal::text("")), input)?
            }
            ([arg], ..) => self.scope.eval(arg, input)?,
            _ => return Err(SqlError::unsupported("an aggregate of several values")),
        };
        let values = aggregates::aggregate_groups(name, &values, *distinct, groups)?;
        each.columns.push(Column::new("", values));
        Ok(Expr::At(each.columns.len() - 1))
    }

    /// What rows are grouped by; a number stands for a place in what is selected, and a name for its alias.
    fn group_of(&self, select: &Select, input: &Rows) -> Result<Vec<Expr>> {
        let items = &select.items;
        let group = match &select.group {
            GroupBy::By(group) => group,
            GroupBy::All => {
                let items = items.iter().map(|(item, _)| item);
                return Ok(items.filter(|item| !aggregates_in(item)).cloned().collect());
            }
        };
        let by = group.iter().map(|by| match by {
            Expr::Literal(_) if let Some(at) = literal::int(by) => {
                let item = usize::try_from(at - 1).ok().and_then(|at| items.get(at));
                let item =
                    item.ok_or_else(|| SqlError::out_of_range("GROUP_BY", at, items.len()))?;
                Ok(item.0.clone())
            }
            Expr::Column(_) => of_aliases(by, items, input),
            by => Ok(by.clone()),
        });
        by.collect()
    }

    /// What HAVING asks of a group: outside of aggregates a name that rows are not grouped by stands for what is selected under it.
    fn having_of(
        &self,
        expr: &Expr,
        items: &[SelectItem],
        by: &[Expr],
        input: &Rows,
    ) -> Result<Expr> {
        match expr {
            expr if by.contains(expr) => Ok(expr.clone()),
            Expr::Call { name, .. } if AGGREGATES.contains(&name.as_str()) => Ok(expr.clone()),
            Expr::Column(_) if self.check_grouped(expr, by, input).is_ok() => Ok(expr.clone()),
            Expr::Column(parts) => {
                let selected = items.iter().map(|(item, alias)| {
                    let name = alias.clone().unwrap_or_else(|| item.name());
                    Column::new(name, Arc::new(NullArray::new(0)))
                });
                let (at, used) = Rows::of(selected.collect()).place(parts)?;
                let member = |of, name: &String| Expr::Member(Box::new(of), name.clone());
                Ok(parts[used..].iter().fold(items[at].0.clone(), member))
            }
            expr => expr.with_parts(&mut |part| self.having_of(part, items, by, input)),
        }
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
            // It may be an aggregate that is unknown here.
            Expr::Call { name, .. } if let Some(error) = functions::unknown(name) => Err(error),
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
        GroupBy::By(group) => !group.is_empty(),
        GroupBy::All => true,
    };
    by || select.having.is_some() || select.items.iter().any(|(item, _)| aggregates_in(item))
}

/// An expression in which a name that no column has stands for what was selected under it.
fn of_aliases(expr: &Expr, items: &[SelectItem], input: &Rows) -> Result<Expr> {
    match expr {
        Expr::Column(parts) if input.place(parts).is_err() => {
            let named = |(_, alias): &&SelectItem| match (alias, parts.as_slice()) {
                (Some(alias), [name]) => alias.eq_ignore_ascii_case(name),
                _ => false,
            };
            Ok(items.iter().find(named).map_or(expr, |(item, _)| item).clone())
        }
        expr => expr.with_parts(&mut |part| of_aliases(part, items, input)),
    }
}

/// The name in an expression that is no column's, and was given to something that is selected before.
fn alias_within<'a>(expr: &'a Expr, before: &[SelectItem], input: &Rows) -> Option<&'a String> {
    match expr {
        Expr::Column(parts) => {
            let name = parts.first().filter(|_| input.place(parts).is_err())?;
            let named = |alias: &String| alias.eq_ignore_ascii_case(name);
            before.iter().any(|(_, alias)| alias.as_ref().is_some_and(named)).then_some(name)
        }
        expr => expr.parts().into_iter().find_map(|part| alias_within(part, before, input)),
    }
}

/// Whether an expression has an aggregate in it.
fn aggregates_in(expr: &Expr) -> bool {
    match expr {
        Expr::Call { name, .. } if AGGREGATES.contains(&name.as_str()) => true,
        expr => expr.parts().into_iter().any(aggregates_in),
    }
}
