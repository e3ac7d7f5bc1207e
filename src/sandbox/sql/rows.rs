//! Rows with named columns: what relations give and results hold.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow_select::concat::concat;
use arrow_select::filter::filter;
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use chrono_tz::Tz;
use serde_json::Value;

use super::cast::cast;
use super::compare::places;
use super::error::{Result, SqlError};
use super::json::read_json;
use super::kind::{self, Kind, arrow_schema, stored};
use super::meet::common_of;

/// A column of a relation.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Column {
    /// The relation it belongs to.
    pub(super) of: Option<String>,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) values: ArrayRef,
}

impl Column {
    pub(super) fn new(name: impl Into<String>, values: ArrayRef) -> Column {
        Column { of: None, name: name.into(), values }
    }

    pub(in crate::sandbox) fn kind(&self) -> &Kind {
        self.values.data_type()
    }
}

/// Columns of as many values each. Without columns: a statement that has no result.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Rows {
    pub(in crate::sandbox) columns: Vec<Column>,
    pub(in crate::sandbox) count: usize,
}

/// Queries named by WITH, as they came out.
pub(super) type NamedQueries = BTreeMap<String, Rows>;

impl Rows {
    /// One row without columns, over which what speaks of no column is evaluated.
    pub(super) const ONE: Rows = Rows { columns: Vec::new(), count: 1 };

    /// Columns of as many values each.
    pub(super) fn of(columns: Vec<Column>) -> Rows {
        Rows { count: columns.first().map_or(0, |it| it.values.len()), columns }
    }

    /// Rows in JSON, each value in the place of its column.
    pub(super) fn from_json(columns: &[(&str, Kind)], rows: &[Vec<Value>]) -> Result<Rows> {
        Rows::from_json_at(columns, rows, 0..columns.len())
    }

    /// The same of the columns at some places alone.
    pub(super) fn from_json_at(
        columns: &[(&str, Kind)],
        rows: &[Vec<Value>],
        places: impl IntoIterator<Item = usize>,
    ) -> Result<Rows> {
        let column = |at: usize| {
            let (name, kind) = &columns[at];
            let values: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
            Ok(Column::new(*name, read_json(kind, &values, Tz::UTC)?))
        };
        let columns = places.into_iter().map(column).collect::<Result<_>>()?;
        Ok(Rows { columns, count: rows.len() })
    }

    /// Rows of texts, or of nulls.
    pub(super) fn texts(names: &[&str], rows: &[Vec<Value>]) -> Result<Rows> {
        let columns: Vec<(&str, Kind)> = names.iter().map(|name| (*name, Kind::Utf8)).collect();
        Rows::from_json(&columns, rows)
    }

    /// One row of counts.
    pub(super) fn counts(counts: &[(&str, u64)]) -> Result<Rows> {
        let (columns, row): (Vec<_>, Vec<_>) =
            counts.iter().map(|(name, count)| ((*name, Kind::Int64), (*count).into())).unzip();
        Rows::from_json(&columns, &[row])
    }

    /// The same rows with those of another relation, as many, beside them.
    pub(super) fn beside(mut self, other: Rows) -> Rows {
        self.columns.extend(other.columns);
        self
    }

    /// The same rows under another relation's name; their columns are called as they are given names, of which there is none or
    /// one for each.
    pub(super) fn under(mut self, alias: Option<&str>, columns: &[String]) -> Result<Rows> {
        if !columns.is_empty() && columns.len() != self.columns.len() {
            return Err(SqlError::new(
                "ASSIGNMENT_ARITY_MISMATCH",
                "42802",
                format!(
                    "The number of columns or variables assigned or aliased: {} does not match the number of source expressions: {}.",
                    columns.len(),
                    self.columns.len()
                ),
            ));
        }
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.of = alias.map(str::to_owned).or(column.of.take());
            if let Some(name) = columns.get(at) {
                column.name.clone_from(name);
            }
        }
        Ok(self)
    }

    /// The rows as tables store and results carry them.
    pub(in crate::sandbox) fn batch(&self) -> Result<RecordBatch> {
        let columns: Vec<(String, Kind)> =
            self.columns.iter().map(|it| (it.name.clone(), it.kind().clone())).collect();
        let values = self.columns.iter().map(|it| cast(&it.values, &stored(it.kind()), Tz::UTC));
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        let (schema, values) = (arrow_schema(&columns), values.collect::<Result<_>>()?);
        Ok(RecordBatch::try_new_with_options(schema.into(), values, &options)?)
    }

    pub(super) fn values(&self) -> Vec<ArrayRef> {
        self.columns.iter().map(|column| column.values.clone()).collect()
    }

    /// The same columns with other values.
    fn with(&self, count: usize, other: impl Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<Rows> {
        let column = |it: &Column| Ok(Column { values: other(&it.values)?, ..it.clone() });
        Ok(Rows { columns: self.columns.iter().map(column).collect::<Result<_>>()?, count })
    }

    /// The rows at some places; all null where there is no place.
    pub(super) fn take(&self, at: &UInt32Array) -> Result<Rows> {
        self.with(at.len(), |values| Ok(take(values, at, None)?))
    }

    /// The rows of a range, as far as there are any.
    pub(in crate::sandbox) fn range(&self, range: Range<usize>) -> Result<Rows> {
        let all = places(self.count);
        let from = range.start.min(self.count);
        self.take(&all.slice(from, range.end.min(self.count).max(from) - from))
    }

    /// The rows for which it is true.
    pub(super) fn filter(&self, which: &BooleanArray) -> Result<Rows> {
        let count = which.iter().filter(|which| *which == Some(true)).count();
        self.with(count, |values| Ok(filter(values, which)?))
    }

    /// The rows of all behind each other; their columns are of the same types.
    pub(super) fn concat(parts: &[Rows]) -> Result<Rows> {
        let mut all = parts.first().cloned().unwrap_or_default();
        for (at, column) in all.columns.iter_mut().enumerate() {
            let values: Vec<&dyn Array> =
                parts.iter().map(|part| &*part.columns[at].values).collect();
            column.values = concat(&values)?;
        }
        all.count = parts.iter().map(|part| part.count).sum();
        Ok(all)
    }

    /// The place of a column; names are compared without case.
    pub(super) fn place(&self, parts: &[String]) -> Result<(usize, usize)> {
        place(&self.columns, parts)
    }
}

/// Parts of a column put together, each with the places of its values among so many, where the last one counts; null in the others.
pub(super) fn put_together(
    count: usize,
    parts: &[(ArrayRef, Vec<u32>)],
    zone: Tz,
) -> Result<ArrayRef> {
    let kinds = || parts.iter().map(|(values, _)| values.data_type());
    let to = common_of(kinds()).ok_or_else(|| differing(kinds()))?;
    let mut from = vec![(0, 0); count];
    let mut arrays = vec![new_null_array(&to, 1)];
    for (values, places) in parts {
        for (at, place) in places.iter().enumerate() {
            from[*place as usize] = (arrays.len(), at);
        }
        arrays.push(cast(values, &to, zone)?);
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(|it| &**it).collect();
    Ok(interleave(&arrays, &from)?)
}

/// Why values do not stand together.
pub(super) fn differing<'a>(kinds: impl Iterator<Item = &'a Kind>) -> SqlError {
    let kinds: Vec<String> = kinds.map(|it| format!("\"{}\"", kind::sql(it))).collect();
    SqlError::new(
        "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
        "42K09",
        format!("Values of the types {} have no type in common.", kinds.join(", ")),
    )
}

/// One value, so many times.
pub(super) fn repeated(value: &ArrayRef, count: usize) -> Result<ArrayRef> {
    match count {
        1 => Ok(value.clone()),
        _ => Ok(take(value, &UInt32Array::from(vec![0; count]), None)?),
    }
}

/// The places of what is true.
pub(super) fn which(truths: impl Iterator<Item = bool>) -> Vec<u32> {
    (0..).zip(truths).filter(|(_, truth)| *truth).map(|(at, _)| at).collect()
}

/// The place of a column, and how many parts of the name it took; the rest are members of its struct.
pub(super) fn place(columns: &[Column], parts: &[String]) -> Result<(usize, usize)> {
    let named = |column: &Column, name: &str| column.name.eq_ignore_ascii_case(name);
    let of = |column: &Column, name: &str| {
        column.of.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(name))
    };
    if let [relation, name, ..] = parts {
        let mut found = (0..columns.len())
            .filter(|at| of(&columns[*at], relation) && named(&columns[*at], name));
        match (found.next(), found.next()) {
            (Some(at), None) => return Ok((at, 2)),
            (Some(_), Some(_)) => return Err(ambiguous(parts)),
            (None, _) => {}
        }
    }
    // A full name before the column: its last part is what the relation is called.
    if let [_, .., relation, name] = parts
        && let Some(at) = columns.iter().position(|it| of(it, relation) && named(it, name))
    {
        return Ok((at, parts.len()));
    }
    let found: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| parts.first().is_some_and(|name| named(column, name)))
        .map(|(at, _)| at)
        .collect();
    let shown = parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
    match found.as_slice() {
        [at] => Ok((*at, 1)),
        [] => {
            let names: Vec<String> = columns.iter().map(|it| format!("`{}`", it.name)).collect();
            Err(SqlError::new(
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                "42703",
                format!(
                    "A column, variable, or function parameter with name {shown} cannot be resolved. Did you mean one of the following? [{}].",
                    names.join(", ")
                ),
            ))
        }
        _ => Err(ambiguous(parts)),
    }
}

fn ambiguous(parts: &[String]) -> SqlError {
    let shown: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    let message = format!("Reference {} is ambiguous.", shown.join("."));
    SqlError::new("AMBIGUOUS_REFERENCE", "42704", message)
}
