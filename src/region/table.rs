//! Tables as a catalog lists them.

use crate::config::TableName;

/// A table as the catalog lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name as the catalog spells it.
    pub name: TableName,
    /// The catalog's own id, where it has one.
    pub table_id: Option<String>,
    /// Where its files are; `None`: the service does not tell.
    pub location: Option<String>,
    /// Why it cannot be cloned, if so: a view, a row filter …, a fragment that follows its name.
    pub unsupported: Option<String>,
    /// The principal lacks the right to read it.
    pub denied: Option<Denied>,
}

/// A right that is missing, and the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What is missing, a sentence without a full stop.
    pub message: String,
    /// The statement that repairs it.
    pub remedy: Option<String>,
}

impl Denied {
    /// A principal may not read a table.
    pub fn select(table: &TableName, principal: &str) -> Denied {
        Denied {
            message: format!("{principal} has no SELECT on it"),
            remedy: Some(Denied::grant_select(table, principal)),
        }
    }

    /// The statement that lets a principal read a table.
    pub fn grant_select(table: &TableName, principal: &str) -> String {
        format!(
            "GRANT SELECT ON TABLE {} TO `{}`",
            table.sql_short(),
            principal.replace('`', "``")
        )
    }
}

/// The names that come nearest to one that is not there, best first.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .collect();
    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}
