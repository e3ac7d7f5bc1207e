//! Every SQL statement that drsync sends to Databricks, built from typed parts. Pure.
//!
//! Values are named parameters. What cannot be one (identifiers, paths, versions, properties) is quoted here and nowhere else.
//! The clone is not here: it is in the plan, and is sent as it was reviewed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::text::{identifier, literal};

mod cut_columns;
mod ledger;
mod roles;
mod schemas;

pub use cut_columns::CutColumns;
pub use ledger::{
    add_cut_columns, append_cut, clone_table, copy_cuts, create_cuts, create_evidence,
    create_metadata, cut_columns, evidence_kept, evidence_names, keep_evidence, merge_rows,
    read_cuts, read_cuts_from, read_evidence, read_heads, read_heads_of, read_record_signatures,
    read_rows, read_run_records, replace_cuts, replace_metadata, shallow_clone_table,
};
pub use roles::{
    ExpectedContent, add_role_columns, check_files, check_rows, fence, mark, newest_row, restore,
};
pub use schemas::{CUT_SCHEMA, ROW_SCHEMA};

/// A statement and the values of its named markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The text.
    pub text: String,
    /// The values.
    pub parameters: Vec<Parameter>,
}

/// The value of a named marker; without a value it is NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The marker's name.
    pub name: String,
    /// The value as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its SQL type; `STRING` where absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Statement {
    /// A statement without markers.
    pub fn new(text: impl Into<String>) -> Statement {
        Statement { text: text.into(), parameters: Vec::new() }
    }

    /// With the text value of a marker.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<String>) -> Statement {
        self.typed(name, value.into(), None)
    }

    /// With the whole number of a marker.
    #[must_use]
    pub fn with_number(self, name: &str, value: u64) -> Statement {
        self.typed(name, value.to_string(), Some("BIGINT".to_owned()))
    }

    fn typed(mut self, name: &str, value: String, kind: Option<String>) -> Statement {
        self.parameters.push(Parameter { name: name.to_owned(), value: Some(value), kind });
        self
    }
}

/// What a statement reads or writes: a table by name, or one by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// A table of the catalog.
    Named(TableName),
    /// A Delta table by its path, taken literally.
    Path(String),
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Relation::Named(name) => f.write_str(&name.sql()),
            Relation::Path(path) => write!(f, "delta.{}", identifier(path)),
        }
    }
}

/// `TBLPROPERTIES (…)`, sorted by key.
pub fn properties(properties: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{} = {}", literal(key), literal(value)))
        .collect();
    format!("TBLPROPERTIES ({})", pairs.join(", "))
}

/// What is directly in a folder: `path`, `name`, `size`, `modification_time`.
pub fn list(location: &str, limit: Option<u64>) -> Statement {
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    Statement::new(format!("LIST {}{limit}", literal(location)))
}

/// A table's newest commits, newest first.
pub fn history(table: &Relation, limit: u64) -> Statement {
    Statement::new(format!("DESCRIBE HISTORY {table} LIMIT {limit}"))
}

/// The newest commits of several tables in one statement; `asked` is the table's place.
pub fn histories(tables: &[&Relation], limit: u64) -> Statement {
    let columns =
        "version, timestamp, userId, userName, operation, operationParameters, operationMetrics";
    union(tables, |table| (columns.to_owned(), format!("(DESCRIBE HISTORY {table} LIMIT {limit})")))
}

/// What wrote several tables last, in one statement; `asked` is the table's place.
pub fn writers(tables: &[&Relation], limit: u64) -> Statement {
    union(tables, |table| {
        (
            "timestamp, operation, job".to_owned(),
            format!("(DESCRIBE HISTORY {table} LIMIT {limit})"),
        )
    })
}

/// A table's format, files, bytes, properties …
pub fn detail(table: &Relation) -> Statement {
    Statement::new(format!("DESCRIBE DETAIL {table}"))
}

/// The same of several tables in one statement; `asked` is the table's place.
pub fn details(tables: &[&Relation]) -> Statement {
    let columns = "format, id, location, numFiles, sizeInBytes, properties";
    union(tables, |table| (columns.to_owned(), format!("(DESCRIBE DETAIL {table})")))
}

/// The rows of a table at a version: also the proof that this version can be read.
pub fn count(table: &Relation, version: u64) -> Statement {
    Statement::new(format!("SELECT count(*) AS n FROM {table} VERSION AS OF {version}"))
}

/// The same of several tables in one statement; `asked` is the table's place.
pub fn counts(tables: &[(&Relation, u64)]) -> Statement {
    let parts = tables.iter().enumerate().map(|(place, (table, version))| {
        format!("SELECT {place} AS asked, count(*) AS n FROM {table} VERSION AS OF {version}")
    });
    Statement::new(parts.collect::<Vec<_>>().join(" UNION ALL "))
}

/// No rows of a version, which come with the version's columns.
pub fn columns(table: &Relation, version: u64) -> Statement {
    Statement::new(format!("SELECT * FROM {table} VERSION AS OF {version} LIMIT 0"))
}

fn union(tables: &[&Relation], part: impl Fn(&Relation) -> (String, String)) -> Statement {
    let parts = tables.iter().enumerate().map(|(place, table)| {
        let (columns, from) = part(table);
        format!("SELECT {place} AS asked, {columns} FROM {from}")
    });
    Statement::new(parts.collect::<Vec<_>>().join(" UNION ALL "))
}

/// Registers a Delta table that is at a path, under a name that is free.
pub fn register(name: &TableName, location: &str) -> Statement {
    Statement::new(format!(
        "CREATE TABLE IF NOT EXISTS {} USING DELTA LOCATION {}",
        name.sql(),
        literal(location)
    ))
}

/// Takes the schema of an external table from its files into the catalog.
pub fn sync_metadata(name: &TableName) -> Statement {
    Statement::new(format!("REPAIR TABLE {} SYNC METADATA", name.sql()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_quotes() {
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(literal("it's \\ here"), "'it\\'s \\\\ here'");
        let path = Relation::Path("s3://b/x`; DROP TABLE t; --".to_owned());
        assert_eq!(path.to_string(), "delta.`s3://b/x``; DROP TABLE t; --`");
        let named = Relation::Named(TableName::new("main", "odd.schema", "a`b"));
        assert_eq!(history(&named, 5).text, "DESCRIBE HISTORY `main`.`odd.schema`.`a``b` LIMIT 5");
    }

    #[test]
    fn several_tables_are_one_statement() {
        let one = Relation::Named(TableName::new("main", "core", "gold"));
        let two = Relation::Path("abfss://dr@acc.test/x".to_owned());
        assert_eq!(
            counts(&[(&one, 3), (&two, 0)]).text,
            "SELECT 0 AS asked, count(*) AS n FROM `main`.`core`.`gold` VERSION AS OF 3 UNION ALL \
             SELECT 1 AS asked, count(*) AS n FROM delta.`abfss://dr@acc.test/x` VERSION AS OF 0"
        );
        assert!(
            histories(&[&one, &two], 50)
                .text
                .ends_with("FROM (DESCRIBE HISTORY delta.`abfss://dr@acc.test/x` LIMIT 50)")
        );
    }
}
