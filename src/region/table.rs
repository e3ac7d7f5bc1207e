//! Tables as a catalog lists them. Pure.

use std::fmt;

use super::grant::Grant;
use crate::config::TableName;
use crate::sentence::Sentence;
use crate::text::shell_word;

/// A table as the catalog lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name as the catalog spells it.
    pub name: TableName,
    /// The catalog's own id, where it has one.
    pub table_id: Option<String>,
    /// Where its files are; `None`: the service does not tell.
    pub location: Option<String>,
    /// What it is, where that cannot be cloned.
    pub unsupported: Option<Unclonable>,
    /// The principal lacks the right to read it.
    pub denied: Option<Denied>,
}

/// What a catalog lists and nothing can clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unclonable {
    /// A view.
    View,
    /// A metric view.
    MetricView,
    /// A materialized view.
    MaterializedView,
    /// A streaming table.
    StreamingTable,
    /// A foreign table.
    ForeignTable,
    /// A table of a type that drsync does not know.
    OfType(String),
    /// A table in another format than Delta's.
    InFormat(String),
    /// A table with a row filter.
    RowFilter,
    /// A table with column masks.
    ColumnMasks,
}

impl Unclonable {
    /// What it is called, before and after the word that has a plural.
    fn noun(&self) -> (&'static str, String) {
        let table = |rest: String| ("table", rest);
        match self {
            Unclonable::View => ("view", String::new()),
            Unclonable::MetricView => ("metric view", String::new()),
            Unclonable::MaterializedView => ("materialized view", String::new()),
            Unclonable::StreamingTable => ("streaming table", String::new()),
            Unclonable::ForeignTable => ("foreign table", String::new()),
            Unclonable::OfType(kind) => table(format!(" of type {kind}")),
            Unclonable::InFormat(format) => table(format!(" in {format} format")),
            Unclonable::RowFilter => table(" with a row filter".to_owned()),
            Unclonable::ColumnMasks => table(" with column masks".to_owned()),
        }
    }

    /// `view`, `tables with a row filter`: the noun for so many.
    pub fn noun_of(&self, number: usize) -> String {
        let (noun, rest) = self.noun();
        match number {
            1 => format!("{noun}{rest}"),
            _ => format!("{noun}s{rest}"),
        }
    }
}

/// The noun with its article.
impl fmt::Display for Unclonable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.noun_of(1))
    }
}

/// A right that is missing, and the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What is missing, a sentence without a full stop.
    pub message: Sentence,
    /// What gives it.
    pub remedy: Option<Repair>,
}

/// What gives a right that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// A statement to run in the workspace.
    Grant(Grant),
    /// A command to run in a shell.
    Shell(String),
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Grant(grant) => grant.fmt(f),
            Repair::Shell(command) => f.write_str(command),
        }
    }
}

impl Denied {
    /// An external location may only be read. There is no SQL for it.
    pub fn read_only(name: &str) -> Denied {
        Denied {
            message: format!("the external location {name} is read-only").into(),
            // The name comes last, after what ends the flags: it may begin with a dash.
            remedy: Some(Repair::Shell(if name.starts_with('-') {
                format!(
                    "databricks external-locations update --json '{{\"read_only\": false}}' -- {}",
                    shell_word(name)
                )
            } else {
                format!(
                    "databricks external-locations update {} --json '{{\"read_only\": false}}'",
                    shell_word(name)
                )
            })),
        }
    }

    /// A principal may not read a table.
    pub fn select(table: &TableName, principal: &str) -> Denied {
        Denied {
            message: format!("{principal} has no SELECT on it").into(),
            remedy: Some(Repair::Grant(Grant::select(table, principal))),
        }
    }
}

/// Letters that are compared for all names together: about a second's worth, for strangers decide how many and how long they are.
const COMPARED_MOST: usize = 200_000_000;

/// The names that come nearest to one that is not there, best first.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut compared = 0_usize;
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|name| {
            // Each letter of one with each of the other.
            let more = wanted.len().saturating_mul(name.len());
            let worth = more <= COMPARED_MOST - compared;
            compared += more * usize::from(worth);
            worth
        })
        .map(|name| (strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .collect();
    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_compared_in_a_moment() {
        let long = "x".repeat(1 << 19);
        let all = [long.as_str(), "main.shop.order", &long[1..]];
        assert_eq!(nearest("main.shop.orders", all), ["main.shop.order"]);
        assert_eq!(nearest(&long, all), Vec::<&str>::new());
    }
}
