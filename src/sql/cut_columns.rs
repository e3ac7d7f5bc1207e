//! The columns of a `sync_cuts` as it is: those that it lacks for some cuts, and the types in which cuts are written to it.
//! Pure.

use std::collections::BTreeSet;

use crate::ledger::{ColumnKind, CutColumn};
use crate::text::identifier;

/// Columns with their types, and the fields of `tables` with theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutColumns {
    columns: Vec<(String, String)>,
    of_table: Vec<(String, String)>,
}

impl CutColumns {
    /// The columns of a table by their names and types, as a result announces them; `None`: it cannot be a `sync_cuts`.
    pub fn described(columns: &[(String, String)]) -> Option<CutColumns> {
        let (_, tables) = columns.iter().find(|(name, _)| is(name, "tables"))?;
        let opening = "array<struct<";
        let inside = tables.get(opening.len()..)?.strip_suffix(">>")?;
        if !is(tables.get(..opening.len())?, opening) {
            return None;
        }
        Some(CutColumns { columns: columns.to_vec(), of_table: fields(inside)? })
    }

    /// Of these columns those that the table lacks.
    pub fn lacking(&self, needed: &BTreeSet<CutColumn>) -> Vec<CutColumn> {
        let has = |column: &&CutColumn| {
            let mut there =
                if column.of_table { self.of_table.iter() } else { self.columns.iter() };
            there.any(|(name, _)| is(name, &column.name))
        };
        needed.iter().filter(|it| !has(it)).cloned().collect()
    }

    /// The columns as fields of a struct type.
    pub(super) fn as_struct(&self) -> String {
        let whole = format!("array<struct<{}>>", joined(&self.of_table));
        let columns = self.columns.iter().map(|(name, kind)| {
            let kind = if is(name, "tables") { &whole } else { kind };
            (name.clone(), kind.clone())
        });
        joined(&columns.collect::<Vec<_>>())
    }

    /// The names of the columns, as SQL takes them.
    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| quoted(name)).collect()
    }
}

/// Adds columns that a table lacks; those of `tables` are fields of its elements.
pub(super) fn definitions(columns: &[CutColumn]) -> String {
    let one = |column: &CutColumn| {
        let path: Vec<String> = column.path().into_iter().map(identifier).collect();
        let kind = match column.kind {
            ColumnKind::Text => "string",
            ColumnKind::Number => "bigint",
            ColumnKind::Truth => "boolean",
        };
        format!("{} {kind}", path.join("."))
    };
    let all: Vec<String> = columns.iter().map(one).collect();
    all.join(", ")
}

fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

fn joined(fields: &[(String, String)]) -> String {
    let one = |(name, kind): &(String, String)| format!("{}:{kind}", quoted(name));
    fields.iter().map(one).collect::<Vec<_>>().join(",")
}

/// A name in backticks, unless it is plain.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(plain) { name.to_owned() } else { identifier(name) }
}

/// `a: STRING, b: DECIMAL(10,2), c: ARRAY<STRUCT<d: INT, e: INT>>`, taken apart.
fn fields(text: &str) -> Option<Vec<(String, String)>> {
    let (mut depth, mut quoted, mut from) = (0_u32, false, 0);
    let mut parts = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '`' => quoted = !quoted,
            _ if quoted => {}
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts.into_iter().map(field).collect()
}

fn field(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let (name, kind) = match text.strip_prefix('`') {
        // A backtick in a name is doubled, which no column of drsync's has.
        Some(rest) => rest.split_once('`')?,
        None => text.split_at(text.find(':')?),
    };
    let kind = kind.trim_start().strip_prefix(':')?.trim();
    Some((name.trim().to_owned(), kind.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::schemas::{CUT_SCHEMA, named_types};

    fn column(of_table: bool, name: &str) -> CutColumn {
        CutColumn { of_table, name: name.to_owned(), kind: ColumnKind::Text }
    }

    #[test]
    fn a_table_is_read_as_a_result_describes_it() {
        let described = [
            ("cut_number", "BIGINT"),
            (
                "TABLES",
                "ARRAY<STRUCT<table: STRING, odd: DECIMAL(10,2), `a, b`: ARRAY<STRUCT<x: INT, y: INT>>>>",
            ),
            ("later `on`", "STRING"),
        ];
        let described = described.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        let columns = CutColumns::described(&described).unwrap();
        assert_eq!(
            columns.as_struct(),
            "cut_number:BIGINT,TABLES:array<struct<table:STRING,odd:DECIMAL(10,2),`a, b`:ARRAY<STRUCT<x: INT, y: INT>>>>,`later ``on```:STRING"
        );
        let needed = BTreeSet::from([
            column(false, "Cut_Number"),
            column(false, "table"),
            column(true, "odd"),
            column(true, "new"),
        ]);
        let lacking = columns.lacking(&needed);
        assert_eq!(lacking, [column(false, "table"), column(true, "new")]);
        assert_eq!(definitions(&lacking), "`table` string, `tables`.`element`.`new` string");
    }

    #[test]
    fn a_new_table_has_every_column() {
        let columns = CutColumns::described(&named_types(CUT_SCHEMA)).unwrap();
        let needed = BTreeSet::from([
            column(false, "run_record_sha256"),
            column(false, "kind"),
            column(false, "active"),
            column(true, "source_commit_sha256"),
            column(true, "replica_files_sha256"),
            column(true, "replica_content_sha256"),
        ]);
        assert_eq!(columns.lacking(&needed), []);
        assert_eq!(columns.names().len(), 19);
    }

    #[test]
    fn what_is_no_cut_log_is_not_read() {
        let described =
            |kind: &str| CutColumns::described(&[("tables".to_owned(), kind.to_owned())]);
        for kind in
            ["", "STRING", "ARRAY<STRING>", "ARRAY<STRUCT<a STRING>>", "ARRAY<STRUCT<a: b>>>>"]
        {
            assert_eq!(described(kind), None, "{kind}");
        }
        assert_eq!(CutColumns::described(&[]), None);
    }
}
