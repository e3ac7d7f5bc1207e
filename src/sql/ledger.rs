//! The statements of the metadata table, the cut log and the evidence. Pure.
//!
//! Structured values travel as one JSON parameter, read back with `to_json`, so that a row is the same text both ways.

use std::collections::BTreeMap;
use std::fmt;

use super::cut_columns::{CutColumns, definitions};
use super::schemas::{CUT_SCHEMA, EVIDENCE_SCHEMA, ROW_SCHEMA, named_types, names};
use super::{Relation, Statement, properties};
use crate::ledger::{CutColumn, KEPT, WORKSPACE_PROPERTY};
use crate::region::{RUN_RECORD_ENDING, RecordRange, SIGNATURE_ENDING};
use crate::text::literal;

/// Has the engine keep a metadata table small by itself: it removes commits and checkpoints past the retention whenever it writes a
/// checkpoint, and makes small files one after a write.
const KEPT_SMALL: [(&str, &str); 3] = [
    ("delta.autoOptimize.autoCompact", "true"),
    ("delta.deletedFileRetentionDuration", KEPT),
    ("delta.logRetentionDuration", KEPT),
];

/// A number that no cut can have, below all that one can.
const ODD: &str = "(cut_number < 1 OR cut_number IS NULL)";
/// A cut that is not crash-consistent.
const TIED: &str = "consistency <> 'crash-consistent'";

/// How times are written in JSON: milliseconds are never lost.
const TIMES: &str = "'timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSXXX'";

fn create(table: &Relation, schema: &str, tags: &[(&str, &str)]) -> Statement {
    let tags: BTreeMap<String, String> =
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Statement::new(format!(
        "CREATE TABLE IF NOT EXISTS {table} ({schema}) USING DELTA {}",
        properties(&tags)
    ))
}

/// Makes an empty `sync_metadata` that belongs to a workspace, unless there is one.
pub fn create_metadata(table: &Relation, workspace: &str) -> Statement {
    let mut tags = KEPT_SMALL.to_vec();
    tags.push((WORKSPACE_PROPERTY, workspace));
    create(table, ROW_SCHEMA, &tags)
}

/// Makes a `sync_metadata` empty that cannot be read; what it was stays in its history.
pub fn replace_metadata(table: &Relation, workspace: Option<&str>) -> Statement {
    replace(table, ROW_SCHEMA, workspace, &[])
}

/// The same of a `sync_cuts`.
pub fn replace_cuts(table: &Relation, workspace: Option<&str>) -> Statement {
    replace(table, CUT_SCHEMA, workspace, &[SERIALIZABLE])
}

fn replace(
    table: &Relation,
    schema: &str,
    workspace: Option<&str>,
    more: &[(&str, &str)],
) -> Statement {
    let claim = workspace.map(|workspace| (WORKSPACE_PROPERTY, workspace));
    let tags: BTreeMap<String, String> = KEPT_SMALL
        .into_iter()
        .chain(claim)
        .chain(more.iter().copied())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Statement::new(format!(
        "CREATE OR REPLACE TABLE {table} ({schema}) USING DELTA {}",
        properties(&tags)
    ))
}

/// What lets a conditional append see every other one.
const SERIALIZABLE: (&str, &str) = ("delta.isolationLevel", "Serializable");

/// Makes an empty `sync_cuts` that belongs to a workspace, unless there is one.
pub fn create_cuts(table: &Relation, workspace: &str) -> Statement {
    let mut tags = KEPT_SMALL.to_vec();
    tags.extend([(WORKSPACE_PROPERTY, workspace), SERIALIZABLE]);
    create(table, CUT_SCHEMA, &tags)
}

/// No rows of a `sync_cuts`, which come with its columns.
pub fn cut_columns(table: &Relation) -> Statement {
    Statement::new(format!("SELECT * FROM {table} LIMIT 0"))
}

/// Gives a `sync_cuts` columns that it lacks.
pub fn add_cut_columns(table: &Relation, columns: &[CutColumn]) -> Statement {
    Statement::new(format!("ALTER TABLE {table} ADD COLUMNS ({})", definitions(columns)))
}

/// Makes an empty evidence table, unless there is one.
pub fn create_evidence(table: &Relation) -> Statement {
    create(table, EVIDENCE_SCHEMA, &[SERIALIZABLE])
}

/// Makes a copy of a whole table where there is none.
pub fn clone_table(to: &Relation, from: &Relation) -> Statement {
    Statement::new(format!("CREATE TABLE IF NOT EXISTS {to} DEEP CLONE {from}"))
}

/// Makes a table that refers to the files of another where there is none.
pub fn shallow_clone_table(to: &Relation, from: &Relation) -> Statement {
    Statement::new(format!("CREATE TABLE IF NOT EXISTS {to} SHALLOW CLONE {from}"))
}

/// All rows, one JSON text each, in the column `row`.
pub fn read_rows(table: &Relation) -> Statement {
    read(table, &names(ROW_SCHEMA).join(", "), "")
}

/// All cuts, one JSON text each, in the column `row`.
///
/// All columns are read, whichever they are: a table of an earlier version lacks some, one of a later version has more.
pub fn read_cuts(table: &Relation) -> Statement {
    read_all(table, "")
}

/// Of every group the newest cut and the newest that is not crash-consistent, as [`read_cuts`] has them; of a diverged number all.
/// And whatever has a number that no cut can have, wherever it would stand.
///
/// To find them two columns are read of the whole log; what travels does not grow with it.
pub fn read_heads(table: &Relation) -> Statement {
    read_heads_of(table, &[])
}

/// The same of some groups alone; none given: of all.
pub fn read_heads_of(table: &Relation, groups: &[&str]) -> Statement {
    let names: Vec<String> = (0..groups.len()).map(|at| format!(":group_{at}")).collect();
    let among = if names.is_empty() {
        String::new()
    } else {
        format!("group_name IN ({})", names.join(", "))
    };
    let newest = |conditions: &[&str]| {
        let conditions: Vec<&str> =
            conditions.iter().copied().filter(|it| !it.is_empty()).collect();
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        format!("SELECT group_name, max(cut_number) FROM {table}{condition} GROUP BY group_name")
    };
    let odd = if among.is_empty() { ODD.to_owned() } else { format!("{among} AND {ODD}") };
    let condition = format!(
        " WHERE (group_name, cut_number) IN ({} UNION ALL {}) OR ({odd})",
        newest(&[&among]),
        newest(&[TIED, &among])
    );
    let statement = read_all(table, &condition);
    let groups = groups.iter().enumerate();
    groups.fold(statement, |statement, (at, group)| statement.with(&format!("group_{at}"), *group))
}

/// Of each of these groups the cuts from a number on, and whatever has a number that no cut can have.
pub fn read_cuts_from(table: &Relation, ends: &[(&str, u64)]) -> Statement {
    let one =
        |at: usize| format!("(group_name = :group_{at} AND (cut_number >= :from_{at} OR {ODD}))");
    let any: Vec<String> = (0..ends.len()).map(one).collect();
    let mut statement = read_all(table, &format!(" WHERE {}", any.join(" OR ")));
    for (at, (group, from)) in ends.iter().enumerate() {
        statement = statement
            .with(&format!("group_{at}"), *group)
            .with_number(&format!("from_{at}"), *from);
    }
    statement
}

fn read_all(table: &Relation, condition: &str) -> Statement {
    read(table, "*", condition)
}

fn read(table: &Relation, columns: &str, condition: &str) -> Statement {
    Statement::new(format!(
        "SELECT to_json(struct({columns}), map({TIMES})) AS row FROM {table}{condition}"
    ))
}

/// Writes rows by group name: the parameter `rows` is a JSON array of them. Repeating it changes nothing.
///
/// A row that is there as it is to be is left alone, so that a write of nothing new is no commit.
pub fn merge_rows(table: &Relation, rows: String) -> Statement {
    let columns = names(ROW_SCHEMA);
    let same: Vec<String> =
        columns[1..].iter().map(|name| format!("t.{name} <=> s.{name}")).collect();
    let sets: Vec<String> =
        columns[1..].iter().map(|name| format!("t.{name} = s.{name}")).collect();
    Statement::new(format!(
        "MERGE INTO {table} t USING ({}) s ON t.group_name = s.group_name \
         WHEN MATCHED AND NOT ({}) THEN UPDATE SET {} WHEN NOT MATCHED THEN INSERT {}",
        source("rows", &names_with_types(ROW_SCHEMA)),
        same.join(" AND "),
        sets.join(", "),
        insert(&columns)
    ))
    .with("rows", rows)
}

/// Appends cuts whose number is greater than any of their group's: the parameter `cuts` is a JSON array of them.
///
/// Repeating it changes nothing.
pub fn append_cut(table: &Relation, columns: &CutColumns, cuts: String) -> Statement {
    Statement::new(format!(
        "MERGE INTO {table} t USING ({}) s ON t.group_name = s.group_name AND t.cut_number >= s.cut_number \
         WHEN NOT MATCHED THEN INSERT {}",
        source("cuts", &columns.as_struct()),
        insert(&columns.names())
    ))
    .with("cuts", cuts)
}

/// Appends cuts that another copy has: the parameter `cuts` is a JSON array of them. Repeating it changes nothing.
///
/// Two cuts under one number are both kept: a divergence is for people to judge.
pub fn copy_cuts(table: &Relation, columns: &CutColumns, cuts: String) -> Statement {
    Statement::new(format!(
        "MERGE INTO {table} t USING ({}) s ON t.group_name = s.group_name AND t.cut_number = s.cut_number \
         AND t.run_id = s.run_id AND t.committed_at = s.committed_at WHEN NOT MATCHED THEN INSERT {}",
        source("cuts", &columns.as_struct()),
        insert(&columns.names())
    ))
    .with("cuts", cuts)
}

/// A JSON array in a parameter as rows with these fields.
fn source(parameter: &str, fields: &str) -> String {
    let kind = literal(&format!("array<struct<{fields}>>"));
    format!("SELECT r.* FROM (SELECT explode(from_json(:{parameter}, {kind})) AS r)")
}

/// `name type` as `name:type`, which is how a struct is written.
fn names_with_types(schema: &str) -> String {
    let fields = named_types(schema).into_iter();
    let fields = fields.map(|(name, kind)| format!("{name}:{kind}"));
    fields.collect::<Vec<_>>().join(",")
}

fn insert(columns: &[impl fmt::Display]) -> String {
    let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
    format!("({}) VALUES ({})", names.join(", "), values.join(", "))
}

/// Keeps one part of a document, unless it is there.
pub fn keep_evidence(
    table: &Relation,
    name: &str,
    part: u64,
    base64: String,
    sha256: &str,
) -> Statement {
    Statement::new(format!(
        "MERGE INTO {table} t USING (SELECT :name AS name, :part AS part, unbase64(:content) AS content, \
         :sha256 AS sha256, current_timestamp() AS kept_at) s ON t.name = s.name AND t.part = s.part \
         WHEN NOT MATCHED THEN INSERT (name, part, content, sha256, kept_at) \
         VALUES (s.name, s.part, s.content, s.sha256, s.kept_at)"
    ))
    .with("name", name)
    .with_number("part", part)
    .with("content", base64)
    .with("sha256", sha256)
}

/// One part of a document, in base64: `content`.
pub fn read_evidence(table: &Relation, name: &str, part: u64) -> Statement {
    Statement::new(format!(
        "SELECT base64(content) AS content FROM {table} WHERE name = :name AND part = :part"
    ))
    .with("name", name)
    .with_number("part", part)
}

/// The digests and parts under which a document is kept: `sha256`, `parts`.
pub fn evidence_kept(table: &Relation, name: &str) -> Statement {
    Statement::new(format!(
        "SELECT sha256, count(*) AS parts FROM {table} WHERE name = :name GROUP BY sha256"
    ))
    .with("name", name)
}

/// Parts of run records, the newest record first and of each the last part first: `name`, `content` in base64.
pub fn read_run_records(table: &Relation, range: &RecordRange, parts: usize) -> Statement {
    read_documents(table, RUN_RECORD_ENDING, range, parts)
}

/// The same of their signatures.
pub fn read_record_signatures(table: &Relation, range: &RecordRange, parts: usize) -> Statement {
    read_documents(table, &format!("{RUN_RECORD_ENDING}{SIGNATURE_ENDING}"), range, parts)
}

fn read_documents(table: &Relation, ending: &str, range: &RecordRange, parts: usize) -> Statement {
    within(range, &format!("name LIKE '%{ending}'"), |conditions| {
        format!(
            "SELECT name, part, base64(content) AS content FROM {table} WHERE {conditions} ORDER BY name DESC, part DESC LIMIT {parts}"
        )
    })
}

/// The names of the documents that are kept: `name`, with `parts`.
pub fn evidence_names(table: &Relation, range: &RecordRange) -> Statement {
    within(range, "name IS NOT NULL", |conditions| {
        format!("SELECT name, count(*) AS parts FROM {table} WHERE {conditions} GROUP BY name")
    })
}

/// A statement about documents with names within the bounds.
fn within(range: &RecordRange, first: &str, text: impl Fn(&str) -> String) -> Statement {
    let mut conditions = vec![first.to_owned()];
    conditions.extend(range.from.iter().map(|_| "name >= :oldest".to_owned()));
    conditions.extend(range.until.iter().map(|_| "name <= :newest".to_owned()));
    let statement = Statement::new(text(&conditions.join(" AND ")));
    let bounds = [("oldest", &range.from), ("newest", &range.until)];
    bounds.into_iter().fold(statement, |statement, (name, bound)| match bound {
        Some(bound) => statement.with(name, bound),
        None => statement,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_taken_from_the_schema() {
        assert_eq!(names(CUT_SCHEMA).len(), 19);
        assert_eq!(names(ROW_SCHEMA)[2], "tables");
        assert!(
            names_with_types(ROW_SCHEMA)
                .starts_with("group_name:string,workflow:string,tables:array<string>,")
        );
        assert!(names_with_types(CUT_SCHEMA).contains(",trigger:string,workflow_run_id:bigint,"));
        assert!(names_with_types(CUT_SCHEMA).contains(",tables:array<struct<table:string,"));
        assert!(names_with_types(CUT_SCHEMA).contains(",plan_id:string,"));
    }

    #[test]
    fn heads_are_those_that_a_plan_needs() {
        let crash = serde_json::to_value(crate::ledger::Consistency::CrashConsistent).unwrap();
        assert_eq!(TIED, format!("consistency <> '{}'", crash.as_str().unwrap()));
        let table = Relation::Path("s3://b/_drsync/sync_cuts".to_owned());
        let heads = read_heads_of(&table, &["g"]);
        assert!(heads.text.ends_with(
            " AS row FROM delta.`s3://b/_drsync/sync_cuts` WHERE (group_name, cut_number) IN \
             (SELECT group_name, max(cut_number) FROM delta.`s3://b/_drsync/sync_cuts` \
             WHERE group_name IN (:group_0) GROUP BY group_name \
             UNION ALL SELECT group_name, max(cut_number) FROM delta.`s3://b/_drsync/sync_cuts` \
             WHERE consistency <> 'crash-consistent' AND group_name IN (:group_0) GROUP BY group_name) \
             OR (group_name IN (:group_0) AND (cut_number < 1 OR cut_number IS NULL))"
        ), "{}", heads.text);
    }

    #[test]
    fn a_cut_is_appended_only_beyond_its_groups_newest() {
        let table = Relation::Path("s3://b/_drsync/sync_cuts".to_owned());
        let columns = CutColumns::described(&named_types(CUT_SCHEMA)).unwrap();
        let statement = append_cut(&table, &columns, "[]".to_owned());
        assert!(statement.text.starts_with("MERGE INTO delta.`s3://b/_drsync/sync_cuts` t USING (SELECT r.* FROM (SELECT explode(from_json(:cuts, 'array<struct<group_name:string,"));
        assert!(statement.text.contains(") s ON t.group_name = s.group_name AND t.cut_number >= s.cut_number WHEN NOT MATCHED THEN INSERT (group_name, cut_number,"));
        assert_eq!(statement.parameters.len(), 1);
    }
}
