//! Carries out queries.

use std::collections::BTreeSet;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::SortOptions;
use chrono_tz::Tz;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::Session;
use super::ast::{Expr, FromSource, NamedQuery, Order, Query, Select, SelectItem};
use super::cast::cast;
use super::column_pruning::Reader;
use super::compare::{has_map, keys, sorted};
use super::error::{Result, SqlError};
use super::functions::{self, GENERATORS};
use super::grouping;
use super::kind::{self, Kind};
use super::literal;
use super::meet::common;
use super::rows::{Column, NamedQueries, Rows};
use super::within::member;

/// Parts of a UNION that are carried out at once: each waits for files.
const PARTS_AT_ONCE: usize = 8;

impl Session {
    pub(super) fn query<'a>(
        &'a self,
        query: &'a Query,
        named: &'a NamedQueries,
    ) -> BoxFuture<'a, Result<Rows>> {
        self.run(query, named).boxed()
    }

    async fn run(&self, query: &Query, named: &NamedQueries) -> Result<Rows> {
        let mut named = named.clone();
        for NamedQuery { name, columns, query } in &query.with {
            let rows = self.query(query, &named).await?;
            named.insert(name.to_lowercase(), rows.under(None, columns)?);
        }
        let histories = query.parts.iter().filter(|part| {
            part.from.as_ref().is_some_and(|from| matches!(from.of, FromSource::History { .. }))
        });
        if self.workspace.quirks.refuse_history_queries && histories.count() > 0 {
            return Err(SqlError::new(
                "PARSE_SYNTAX_ERROR",
                "42601",
                "Syntax error at or near 'DESCRIBE'.",
            ));
        }
        let order = if query.parts.len() == 1 { query.order.as_slice() } else { &[] };
        let mut parts = match self.histories_together(query).await? {
            Some(rows) => vec![rows],
            None => {
                let parts = query.parts.iter().map(|part| self.select(part, order, &named));
                let parts = stream::iter(parts.collect::<Vec<_>>());
                parts.buffered(PARTS_AT_ONCE).try_collect::<Vec<Rows>>().await?
            }
        };
        if query.distinct_parts > 0 {
            let rest = parts.split_off(query.distinct_parts);
            parts = vec![distinct(united(parts, self.scope.zone)?)?];
            parts.extend(rest);
        }
        let mut rows = united(parts, self.scope.zone)?;
        if query.parts.len() > 1 {
            rows = self.sorted(&query.order, &[], rows, None)?;
        }
        let end = query.offset.saturating_add(query.limit.unwrap_or(usize::MAX));
        if query.offset == 0 && end >= rows.count {
            return Ok(rows);
        }
        rows.range(query.offset..end)
    }

    async fn select(&self, select: &Select, order: &[Order], named: &NamedQueries) -> Result<Rows> {
        if let Some(count) = self.counted(select, named).await? {
            return Ok(count);
        }
        let mut input = match &select.from {
            None => Rows::ONE,
            Some(relation) => self.relation(relation, named, Reader::Select(select, order)).await?,
        };
        let filter = match &select.filter {
            Some(filter) => Some(self.with_members(filter, named).await?),
            None => None,
        };
        if filter.is_some() {
            input = input.filter(&self.scope.holds(filter.as_ref(), &input)?)?;
        }
        let grouped = grouping::has_groups(select);
        let mut output = if grouped {
            self.grouped(select, &input)?
        } else {
            self.projected(&select.items, &input)?
        };
        if !order.is_empty() {
            let generates = select.items.iter().any(|(item, _)| is_generator(item));
            let from = (!grouped && !generates).then_some(&input);
            output = self.sorted(order, &select.items, output, from)?;
        }
        if select.distinct {
            output = distinct(output)?;
        }
        Ok(output)
    }

    fn projected(&self, items: &[SelectItem], input: &Rows) -> Result<Rows> {
        let mut generators = (0..items.len()).filter(|at| is_generator(&items[*at].0));
        match (generators.next(), generators.count()) {
            (None, _) => self.evaluated(items, input),
            (Some(at), 0) => self.exploded(items, at, input),
            (Some(_), more) => Err(SqlError::new(
                "UNSUPPORTED_GENERATOR.MULTI_GENERATOR",
                "42K0E",
                format!(
                    "The generator is not supported: only one generator allowed per SELECT clause but found {}.",
                    more + 1
                ),
            )),
        }
    }

    /// As many rows of each as the generator at a place makes of it, each with what is selected beside it.
    fn exploded(&self, items: &[SelectItem], at: usize, input: &Rows) -> Result<Rows> {
        let (Expr::Call { name, args, .. }, alias) = &items[at] else {
            return self.evaluated(items, input);
        };
        let [arg] = args.as_slice() else {
            return Err(SqlError::unsupported(format!(
                "{} of several values",
                name.to_lowercase()
            )));
        };
        let (mut made, rows) = functions::generate(name, &self.scope.eval(arg, input)?)?;
        if let (Some(alias), [column]) = (alias, made.as_mut_slice()) {
            column.0.clone_from(alias);
        }
        let made = made.into_iter().map(|(name, values)| Column::new(name, values)).collect();
        let made = Rows { columns: made, count: rows.len() };
        let beside = input.take(&rows)?;
        let before = self.evaluated(&items[..at], &beside)?;
        let after = self.evaluated(&items[at + 1..], &beside)?;
        Ok(before.beside(made).beside(after))
    }

    /// What is selected of each row; a name that no column has is looked for among what was named before.
    pub(super) fn evaluated(&self, items: &[SelectItem], input: &Rows) -> Result<Rows> {
        let mut columns = Vec::new();
        let mut named: Option<Rows> = None;
        for (item, alias) in items {
            // `r.*` of a column that is a struct: its fields.
            if let Expr::Star(Some(of)) = item
                && let Ok((at, 1)) = input.place(std::slice::from_ref(of))
                && let Kind::Struct(fields) = input.columns[at].kind()
            {
                for field in fields {
                    let values = member(&input.columns[at].values, field.name())?;
                    columns.push(Column::new(field.name(), values));
                }
                continue;
            }
            if let Expr::Star(of) = item {
                let wanted = |column: &&Column| match of {
                    None => true,
                    Some(of) => column.of.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(of)),
                };
                let before = columns.len();
                columns.extend(input.columns.iter().filter(wanted).cloned());
                if let (Some(of), true) = (of, columns.len() == before) {
                    return Err(SqlError::new(
                        "CANNOT_RESOLVE_STAR_EXPAND",
                        "42704",
                        format!("Cannot resolve `{of}`.*: there is no such relation here."),
                    ));
                }
                continue;
            }
            let name = alias.clone().unwrap_or_else(|| item.name());
            let values = self.scope.eval(item, input).or_else(|error| match &named {
                Some(named) => self.scope.eval(item, named).map_err(|_| error),
                None => Err(error),
            })?;
            let column = Column::new(name, values);
            if alias.is_some() && input.place(std::slice::from_ref(&column.name)).is_err() {
                named.get_or_insert_with(|| input.clone()).columns.push(column.clone());
            }
            columns.push(column);
        }
        Ok(Rows { columns, count: input.count })
    }

    /// Rows in the order that is wanted of them; what is not among what was selected is looked for where that is from.
    fn sorted(
        &self,
        order: &[Order],
        items: &[SelectItem],
        own: Rows,
        from: Option<&Rows>,
    ) -> Result<Rows> {
        let key = |Order { by, down, nulls_first }: &Order| {
            let options = SortOptions { descending: *down, nulls_first: *nulls_first };
            let at = |at: usize| own.columns.get(at).map(|column| column.values.clone());
            let values = match (literal::int(by), self.scope.eval(by, &own), from) {
                (Some(place), ..) => {
                    let values = usize::try_from(place - 1).ok().and_then(at);
                    let columns = own.columns.len();
                    values.ok_or_else(|| SqlError::out_of_range("ORDER_BY", place, columns))
                }
                (_, Ok(values), _) => Ok(values),
                (_, Err(_), Some(from)) => self.scope.eval(by, from),
                // What is selected is sorted by as it came out.
                (_, Err(error), None) => {
                    let selected = items.iter().position(|(item, _)| item == by);
                    selected.and_then(at).ok_or(error)
                }
            };
            Ok((values?, options))
        };
        let keys: Vec<(ArrayRef, SortOptions)> = order.iter().map(key).collect::<Result<_>>()?;
        own.take(&sorted(&keys, own.count)?)
    }
}

/// Whether an expression makes several rows of one.
pub(super) fn is_generator(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { name, .. } if GENERATORS.contains(&name.as_str()))
}

/// The first of rows that are equal.
fn distinct(rows: Rows) -> Result<Rows> {
    if let Some(column) = rows.columns.iter().find(|column| has_map(column.kind())) {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
            "0A000",
            format!(
                "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), but the type of column `{}` is \"{}\".",
                column.name,
                kind::sql(column.kind())
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    let first = keys(&rows.values())?.into_iter().map(|key| Some(seen.insert(key)));
    rows.filter(&first.collect::<BooleanArray>())
}

/// The rows of all parts of a UNION behind each other, in the types that fit them all and under the names of the first.
fn united(mut parts: Vec<Rows>, zone: Tz) -> Result<Rows> {
    let (Some(first), true) = (parts.first(), parts.len() > 1) else {
        return Ok(parts.pop().unwrap_or_default());
    };
    let mut kinds: Vec<Kind> = first.columns.iter().map(|it| it.kind().clone()).collect();
    for part in &parts[1..] {
        if part.columns.len() != kinds.len() {
            return Err(SqlError::new(
                "NUM_COLUMNS_MISMATCH",
                "42826",
                "UNION can only be performed on inputs with the same number of columns.",
            ));
        }
        for ((kind, other), named) in kinds.iter_mut().zip(&part.columns).zip(&first.columns) {
            *kind = common(kind, other.kind()).ok_or_else(|| {
                SqlError::new(
                    "INCOMPATIBLE_COLUMN_TYPE",
                    "42825",
                    format!(
                        "UNION can only be performed on tables with compatible column types. The column `{}` is \"{}\" here and \"{}\" there.",
                        named.name,
                        kind::sql(kind),
                        kind::sql(other.kind())
                    ),
                )
            })?;
        }
    }
    for part in &mut parts {
        for (column, kind) in part.columns.iter_mut().zip(&kinds) {
            column.values = cast(&column.values, kind, zone)?;
        }
    }
    Rows::concat(&parts)
}
