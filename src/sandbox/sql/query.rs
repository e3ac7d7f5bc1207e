//! Carries out queries.

use chrono_tz::Tz;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::Session;
use super::ast::{Expr, Order, Query, Select, Source};
use super::datum::{Datum, key};
use super::error::{Result, SqlError};
use super::eval::Row;
use super::functions::{self, GENERATORS};
use super::grouping;
use super::kind::Kind;
use super::meet::common;
use super::rows::{Column, Named, Rows, cast_column, kind_at};

impl Session {
    pub(super) fn query<'a>(
        &'a self,
        query: &'a Query,
        named: &'a Named,
    ) -> BoxFuture<'a, Result<Rows>> {
        self.run(query, named).boxed()
    }

    async fn run(&self, query: &Query, named: &Named) -> Result<Rows> {
        let mut named = named.clone();
        for (name, query) in &query.with {
            let rows = self.query(query, &named).await?;
            named.insert(name.to_lowercase(), rows);
        }
        let histories = query.parts.iter().filter(|part| {
            part.from.as_ref().is_some_and(|from| matches!(from.of, Source::History { .. }))
        });
        if self.workspace.quirks.refuse_history_queries && histories.count() > 0 {
            return Err(SqlError::new(
                "PARSE_SYNTAX_ERROR",
                "42601",
                "Syntax error at or near 'DESCRIBE'.",
            ));
        }
        let mut all: Option<Rows> = None;
        for part in &query.parts {
            let order = if query.parts.len() == 1 { query.order.as_slice() } else { &[] };
            let rows = self.select(part, order, &named).await?;
            match &mut all {
                None => all = Some(rows),
                Some(all) => join(all, rows, self.scope.zone)?,
            }
        }
        let mut rows = all.unwrap_or_default();
        if query.parts.len() > 1 {
            let keys = rows
                .rows
                .iter()
                .map(|values| {
                    self.keys(&query.order, &[], Row { columns: &rows.columns, values }, None)
                })
                .collect::<Result<Vec<_>>>()?;
            sort(&mut rows.rows, keys, &query.order);
        }
        rows.rows.drain(..query.offset.min(rows.rows.len()));
        rows.rows.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(rows)
    }

    async fn select(&self, select: &Select, order: &[Order], named: &Named) -> Result<Rows> {
        if let Some(count) = self.counted(select, named).await? {
            return Ok(count);
        }
        let mut input = match &select.from {
            None => Rows { columns: Vec::new(), rows: vec![Vec::new()] },
            Some(relation) => self.relation(relation, named).await?,
        };
        let filter = match &select.filter {
            Some(filter) => Some(self.with_members(filter, named).await?),
            None => None,
        };
        let mut failed = None;
        let columns = std::mem::take(&mut input.columns);
        input.rows.retain(|values| {
            let held = self.scope.holds(filter.as_ref(), Row { columns: &columns, values });
            held.unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        input.columns = columns;
        let grouped = grouping::has_groups(select);
        let mut output = if grouped {
            self.grouped(select, &input)?
        } else {
            self.projected(&select.items, &input)?
        };
        if !order.is_empty() {
            let generates = select.items.iter().any(|(item, _)| is_generator(item));
            let one_to_one = !grouped && !generates;
            let mut keys = Vec::new();
            for (at, values) in output.rows.iter().enumerate() {
                let own = Row { columns: &output.columns, values };
                let from =
                    one_to_one.then(|| Row { columns: &input.columns, values: &input.rows[at] });
                keys.push(self.keys(order, &select.items, own, from)?);
            }
            sort(&mut output.rows, keys, order);
        }
        if select.distinct {
            let mut seen = std::collections::BTreeSet::new();
            output.rows.retain(|row| seen.insert(key(row)));
        }
        Ok(output)
    }

    fn projected(&self, items: &[Item], input: &Rows) -> Result<Rows> {
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
    fn exploded(&self, items: &[Item], at: usize, input: &Rows) -> Result<Rows> {
        let (Expr::Call { name, args, .. }, alias) = &items[at] else {
            return self.evaluated(items, input);
        };
        let [arg] = args.as_slice() else {
            return Err(SqlError::unsupported(format!(
                "{} of several values",
                name.to_lowercase()
            )));
        };
        let mut kind = self.scope.kind_of(arg, &input.columns)?;
        let (mut made, mut beside) = (Vec::new(), Vec::new());
        for values in &input.rows {
            let value = self.scope.eval(arg, Row { columns: &input.columns, values })?;
            kind = kind.or_else(|| Some(value.kind()));
            for row in functions::generate(name, value) {
                made.push(row);
                beside.push(values.clone());
            }
        }
        let mut columns = functions::generated(name, &kind.unwrap_or(Kind::Null));
        if let (Some(alias), [column]) = (alias, columns.as_mut_slice()) {
            column.0.clone_from(alias);
        }
        let columns: Vec<(&str, Kind)> =
            columns.iter().map(|(name, kind)| (name.as_str(), kind.clone())).collect();
        let beside = Rows { columns: input.columns.clone(), rows: beside };
        let before = self.evaluated(&items[..at], &beside)?;
        let after = self.evaluated(&items[at + 1..], &beside)?;
        Ok(before.beside(Rows::new(&columns, made)).beside(after))
    }

    fn evaluated(&self, items: &[Item], input: &Rows) -> Result<Rows> {
        let mut rows: Vec<Vec<Datum>> = vec![Vec::new(); input.rows.len()];
        let mut columns = Vec::new();
        for (item, alias) in items {
            // `r.*` of a column that is a struct: its fields.
            if let Expr::Star(Some(of)) = item
                && let Ok((at, 1)) = input.place(std::slice::from_ref(of))
                && let Kind::Struct(fields) = &input.columns[at].kind
            {
                for (name, kind) in fields {
                    columns.push(Column { of: None, name: name.clone(), kind: kind.clone() });
                    let field = Expr::Column(vec![of.clone(), name.clone()]);
                    for (row, values) in rows.iter_mut().zip(&input.rows) {
                        row.push(self.scope.eval(&field, Row { columns: &input.columns, values })?);
                    }
                }
                continue;
            }
            if let Expr::Star(of) = item {
                let before = columns.len();
                for (at, column) in input.columns.iter().enumerate() {
                    let wanted = |of: &String| {
                        column.of.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(of))
                    };
                    if of.as_ref().is_none_or(wanted) {
                        columns.push(column.clone());
                        for (row, values) in rows.iter_mut().zip(&input.rows) {
                            row.push(values.get(at).cloned().unwrap_or(Datum::Null));
                        }
                    }
                }
                if let (Some(of), true) = (of, columns.len() == before) {
                    return Err(SqlError::new(
                        "CANNOT_RESOLVE_STAR_EXPAND",
                        "42704",
                        format!("Cannot resolve `{of}`.*: there is no such relation here."),
                    ));
                }
                continue;
            }
            let at = columns.len();
            let kind = self.scope.kind_of(item, &input.columns)?;
            for (row, values) in rows.iter_mut().zip(&input.rows) {
                let from = Row { columns: &input.columns, values };
                row.push(self.scope.eval_as(item, from, kind.as_ref())?);
            }
            columns.push(Column {
                of: None,
                name: alias.clone().unwrap_or_else(|| item.name()),
                kind: kind.unwrap_or_else(|| kind_at(&rows, at)),
            });
        }
        Ok(Rows { columns, rows })
    }

    fn keys(
        &self,
        order: &[Order],
        items: &[(Expr, Option<String>)],
        own: Row<'_>,
        from: Option<Row<'_>>,
    ) -> Result<Vec<Datum>> {
        let key = |Order { by, .. }: &Order| {
            match (by, self.scope.eval(by, own), from) {
                (Expr::Literal(Datum::Int(at)), ..) => {
                    let value = usize::try_from(*at - 1).ok();
                    let value = value.and_then(|at| own.values.get(at)).cloned();
                    value.ok_or_else(|| SqlError::out_of_range("ORDER_BY", *at, own.values.len()))
                }
                (_, Ok(key), _) => Ok(key),
                (_, Err(_), Some(from)) => self.scope.eval(by, from),
                // What is selected is sorted by as it came out.
                (_, Err(error), None) => {
                    let selected = items.iter().position(|(item, _)| item == by);
                    let value = selected.and_then(|at| own.values.get(at)).cloned();
                    value.ok_or(error)
                }
            }
        };
        order.iter().map(key).collect()
    }
}

/// What is selected, and what it is to be called.
type Item = (Expr, Option<String>);

/// Whether an expression makes several rows of one.
fn is_generator(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { name, .. } if GENERATORS.contains(&name.as_str()))
}

fn join(all: &mut Rows, mut more: Rows, zone: Tz) -> Result<()> {
    if all.columns.len() != more.columns.len() {
        return Err(SqlError::new(
            "NUM_COLUMNS_MISMATCH",
            "42826",
            "UNION can only be performed on inputs with the same number of columns.",
        ));
    }
    for (at, (column, other)) in all.columns.iter_mut().zip(&more.columns).enumerate() {
        let kind = common(&column.kind, &other.kind).ok_or_else(|| {
            SqlError::new(
                "INCOMPATIBLE_COLUMN_TYPE",
                "42825",
                format!(
                    "UNION can only be performed on tables with compatible column types. The column `{}` is \"{}\" here and \"{}\" there.",
                    column.name,
                    column.kind.sql(),
                    other.kind.sql()
                ),
            )
        })?;
        if kind != column.kind {
            cast_column(&mut all.rows, at, &kind, zone)?;
        }
        if kind != other.kind {
            cast_column(&mut more.rows, at, &kind, zone)?;
        }
        column.kind = kind;
    }
    all.rows.extend(more.rows);
    Ok(())
}

fn sort(rows: &mut Vec<Vec<Datum>>, keys: Vec<Vec<Datum>>, order: &[Order]) {
    let mut keyed: Vec<(Vec<Datum>, Vec<Datum>)> =
        keys.into_iter().zip(std::mem::take(rows)).collect();
    keyed.sort_by(|(one, _), (two, _)| {
        for (at, Order { down, nulls_first, .. }) in order.iter().enumerate() {
            let order = one[at].order_with_nulls(&two[at]);
            let order = order.unwrap_or(std::cmp::Ordering::Equal);
            let nulls = one[at].is_null() || two[at].is_null();
            let reverse = if nulls { !nulls_first } else { *down };
            let order = if reverse { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}
