//! Rows with named columns: what relations give and results hold.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::datum::Datum;
use super::error::{Result, SqlError};
use super::kind::Kind;

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Column {
    /// The relation it belongs to.
    pub(super) of: Option<String>,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) kind: Kind,
}

/// Columns and rows. Without columns: a statement that has no result.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::sandbox) struct Rows {
    pub(in crate::sandbox) columns: Vec<Column>,
    pub(in crate::sandbox) rows: Vec<Vec<Datum>>,
}

/// Queries named by WITH, as they came out.
pub(super) type Named = BTreeMap<String, Rows>;

impl Rows {
    /// Rows of the given columns.
    pub(super) fn new(columns: &[(&str, Kind)], rows: Vec<Vec<Datum>>) -> Rows {
        let columns = columns
            .iter()
            .map(|(name, kind)| Column { of: None, name: (*name).to_owned(), kind: kind.clone() })
            .collect();
        Rows { columns, rows }
    }

    /// One row of counts.
    pub(super) fn counts(counts: &[(&str, u64)]) -> Rows {
        let columns: Vec<(&str, Kind)> =
            counts.iter().map(|(name, _)| (*name, Kind::Long)).collect();
        Rows::new(&columns, vec![counts.iter().map(|(_, count)| Datum::count(*count)).collect()])
    }

    /// The same rows with those of another relation, as many, beside them.
    pub(super) fn beside(mut self, other: Rows) -> Rows {
        self.columns.extend(other.columns);
        self.rows.iter_mut().zip(other.rows).for_each(|(row, more)| row.extend(more));
        self
    }

    /// The same rows under another relation's name.
    pub(super) fn under(mut self, alias: Option<&str>, columns: &[String]) -> Rows {
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.of = alias.map(str::to_owned).or(column.of.take());
            if let Some(name) = columns.get(at) {
                column.name.clone_from(name);
            }
        }
        self
    }

    /// The place of a column; names are compared without case.
    pub(super) fn place(&self, parts: &[String]) -> Result<(usize, usize)> {
        place(&self.columns, parts)
    }
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

/// The type of the values at a place, by the first that there is.
pub(super) fn kind_at(rows: &[Vec<Datum>], at: usize) -> Kind {
    let found = rows.iter().filter_map(|row| row.get(at)).find(|value| !value.is_null());
    found.map_or(Kind::Null, Datum::kind)
}

/// Casts the values of a column.
pub(super) fn cast_column(rows: &mut [Vec<Datum>], at: usize, kind: &Kind, zone: Tz) -> Result<()> {
    for row in rows {
        row[at] = std::mem::replace(&mut row[at], Datum::Null).cast(kind, zone)?;
    }
    Ok(())
}
