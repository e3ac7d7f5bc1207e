//! A UNION ALL of histories that asks the same of each: they are read by a few threads and evaluated as one.

use std::iter::repeat_n;

use arrow_array::{Array, UInt32Array};
use arrow_select::concat::concat;
use arrow_select::take::take;

use super::Session;
use super::ast::{Expr, FromItem, FromSource, Query, Select, TableTarget};
use super::column_pruning::Reader;
use super::describe_history::{history_columns, row};
use super::error::{Result, SqlError};
use super::grouping::has_groups;
use super::query::is_generator;
use super::rows::{Column, Rows};
use crate::lakehouse::delta;

impl Session {
    /// The rows of such a query; `None`: it is another, whose parts are carried out one by one.
    pub(super) async fn histories_together(&self, query: &Query) -> Result<Option<Rows>> {
        let Some(histories) = find_histories(query) else {
            return Ok(None);
        };
        let mut places = Vec::new();
        for (target, limit) in histories {
            places.push((self.find(target).await?, limit));
        }
        let stores = places.iter().map(|(place, limit)| (place.store.clone(), *limit)).collect();
        let (mut rows, mut parts) = (Vec::new(), Vec::new());
        let read = delta::read_newest_commits(stores).await;
        for (part, (commits, (place, _))) in (0..).zip(read.into_iter().zip(&places)) {
            let commits = commits.map_err(|error| SqlError::delta(&place.shown, &error))?;
            parts.extend(repeat_n(part, commits.len()));
            rows.extend(commits.into_iter().rev().map(row));
        }
        let (Some(first), parts) = (query.parts.first(), UInt32Array::from(parts)) else {
            return Ok(None);
        };
        let Some(from) = &first.from else {
            return Ok(None);
        };
        let columns = history_columns();
        let names = columns.each_ref().map(|(name, _)| *name);
        let read = Reader::Select(first, &[]).columns_read(from, &names);
        let input = Rows::from_json_at(&columns, &rows, read)?;
        let mut input = input.under(from.alias.as_deref(), &from.columns)?;
        let mut items = first.items.clone();
        for (at, (item, alias)) in items.iter_mut().enumerate() {
            if let Expr::Literal(_) = item {
                let values = query.parts.iter().filter_map(|part| value_at(part, at));
                let values = take(&concat(&values.collect::<Vec<_>>())?, &parts, None)?;
                alias.get_or_insert_with(|| item.name());
                *item = Expr::At(input.columns.len());
                input.columns.push(Column::new("", values));
            }
        }
        self.evaluated(&items, &input).map(Some)
    }
}

/// The histories of a query that asks the same of each, values apart that it names itself.
fn find_histories<'a>(query: &'a Query) -> Option<Vec<(&'a TableTarget, Option<usize>)>> {
    let [first, _, ..] = query.parts.as_slice() else {
        return None;
    };
    let is_simple =
        |(item, _): &(Expr, Option<String>)| !is_generator(item) && !matches!(item, Expr::Star(_));
    if query.distinct_parts > 0 || has_groups(first) || !first.items.iter().all(is_simple) {
        return None;
    }
    let of_part = |part: &'a Select| match part {
        Select { distinct: false, items, from: Some(from), filter: None, group, having: None } => {
            let FromItem { of: FromSource::History { target, limit }, alias, columns } = from
            else {
                return None;
            };
            let as_first = first.from.as_ref()?;
            let same = (alias, columns, group)
                == (&as_first.alias, &as_first.columns, &first.group)
                && items.len() == first.items.len()
                && items.iter().zip(&first.items).enumerate().all(|(at, (item, as_first))| {
                    let kinds = [part, first].map(|of| value_at(of, at).map(Array::data_type));
                    item.1 == as_first.1
                        && (item.0 == as_first.0 || (kinds[0].is_some() && kinds[0] == kinds[1]))
                });
            same.then_some((target, *limit))
        }
        Select { .. } => None,
    };
    query.parts.iter().map(of_part).collect()
}

/// The value that is selected at a place, where it is one that stands there itself.
fn value_at(select: &Select, at: usize) -> Option<&dyn Array> {
    match select.items.get(at) {
        Some((Expr::Literal(value), _)) => Some(&**value),
        _ => None,
    }
}
