//! One statement of every kind that drsync sends or tells people to run, with names that try to break out of their quotes.

use drsync::config::TableName;
use drsync::ledger::{ColumnKind, Cut, CutColumn, NewRole};
use drsync::region::{Grant, Mark, RecordRange};
use drsync::sql::{self, CutColumns, Relation, Statement};

/// What people and attackers call things.
const NAMES: [&str; 9] = [
    "gold",
    "with space",
    "quo'te\"s",
    "back``ticks`",
    "dot.in.name",
    "back\\slash\\",
    "ünïcödé 表 🦀",
    "x`; DROP TABLE t; --",
    "' OR 1 = 1 /* DEEP CLONE */ UNION ALL \\' --",
];

/// Every kind of statement, for every name.
pub(crate) fn all() -> Vec<Statement> {
    let long = "long ".repeat(50);
    let names = NAMES.into_iter().chain([long.as_str()]);
    names.flat_map(of_name).collect()
}

/// A cut log with columns of every type that it has, as a warehouse describes one.
fn cut_columns() -> CutColumns {
    let tables = "array<struct<table:string,source_version:bigint,source_committed_at:timestamp>>";
    let columns = [
        ("group_name", "string"),
        ("cut_number", "bigint"),
        ("recovery_point", "timestamp"),
        ("consistency", "string"),
        ("trigger", "string"),
        ("workflow_run_id", "bigint"),
        ("planned_at", "timestamp"),
        ("tables", tables),
        ("accepted", "array<struct<code:string,scope:string,reason:string>>"),
        ("plan_id", "string"),
        ("plan_sha256", "string"),
        ("run_id", "string"),
        ("epoch", "bigint"),
        ("committed_by", "string"),
        ("committed_at", "timestamp"),
        ("previous_sha256", "string"),
        ("run_record_sha256", "string"),
        ("kind", "string"),
        ("active", "string"),
    ];
    let columns = columns.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    CutColumns::described(&columns).unwrap()
}

fn of_name(name: &str) -> Vec<Statement> {
    let table = TableName::new("main", name, name);
    let named = Relation::Named(table.clone());
    let location = format!("abfss://dr@acc.test/sync/{name}");
    let path = Relation::Path(location.clone());
    let both = [&named, &path];
    let bound = || Some("01JD".to_owned());
    let ranges = [(None, None), (bound(), None), (None, bound()), (bound(), bound())];
    let records = ranges.map(|(from, until)| RecordRange { from, until, newest: None });
    let mut all = vec![
        sql::list(&location, None),
        sql::list(&location, Some(1)),
        sql::history(&named, 50),
        sql::history(&path, 50),
        sql::histories(&both, 50),
        sql::writers(&both, 20),
        sql::detail(&named),
        sql::detail(&path),
        sql::details(&both),
        sql::count(&named, 7),
        sql::counts(&[(&named, 7), (&path, 0)]),
        sql::columns(&named, 7),
        sql::register(&table, &location),
        sql::sync_metadata(&table),
        sql::create_metadata(&path, name),
        sql::create_cuts(&path, name),
        sql::create_evidence(&path),
        sql::clone_table(&path, &Relation::Path(format!("{location}/other"))),
        sql::shallow_clone_table(&path, &Relation::Path(format!("{location}/other"))),
        sql::replace_metadata(&path, None),
        sql::replace_metadata(&path, Some(name)),
        sql::replace_cuts(&path, None),
        sql::replace_cuts(&path, Some(name)),
        sql::read_rows(&path),
        sql::read_cuts(&path),
        sql::read_heads(&path),
        sql::read_heads_of(&path, &[name]),
        sql::read_cuts_from(&path, &[(name, 3), (name, 0)]),
        sql::merge_rows(&path, "[]".to_owned()),
        sql::cut_columns(&path),
        sql::add_cut_columns(&path, &[later(false, name), later(true, name)]),
        sql::add_cut_columns(&path, &[later(false, name)]),
        sql::add_cut_columns(&path, &[later(true, name)]),
        sql::append_cut(&path, &cut_columns(), "[]".to_owned()),
        sql::copy_cuts(&path, &cut_columns(), "[]".to_owned()),
        sql::keep_evidence(&path, name, 0, String::new(), name),
        sql::read_evidence(&path, name, 0),
        sql::evidence_kept(&path, name),
        clone(&table, &path),
        Statement::new(Grant::select(&table, name).to_string()),
    ];
    all.extend(by_hand(name, &path));
    for range in records {
        all.push(sql::read_run_records(&path, &range, 16));
        all.push(sql::read_record_signatures(&path, &range, 16));
        all.push(sql::evidence_names(&path, &range));
    }
    all
}

/// What people are told to run on a bad day.
fn by_hand(name: &str, path: &Relation) -> Vec<Statement> {
    let cut: Cut = serde_json::from_value(serde_json::json!({
        "group_name": name, "cut_number": 7, "recovery_point": "2026-11-22T09:41:07.120Z",
        "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
        "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": name, "tables": [],
        "accepted": [], "epoch": 0, "committed_by": "someone", "committed_at": "2026-11-22T09:46:00Z",
        "previous_sha256": null,
    }))
    .unwrap();
    let role = NewRole { newest: &cut, held: &cut, active: name, known_epoch: 0 };
    let expected = |rows| sql::ExpectedContent {
        table: path.clone(),
        name: name.to_owned(),
        files: 2,
        bytes: 10,
        rows,
    };
    let both = [expected(Some(12)), expected(None)];
    let texts = [
        sql::fence(path, &role),
        sql::add_role_columns(path),
        sql::restore(path, 7),
        sql::mark(path, 1),
        sql::check_files(&both),
        sql::check_rows(&both).unwrap(),
    ];
    texts.into_iter().map(Statement::new).collect()
}

/// A column of `sync_cuts` that came later.
fn later(of_table: bool, name: &str) -> CutColumn {
    CutColumn { of_table, name: name.to_owned(), kind: ColumnKind::Text }
}

/// A clone as plans have it.
fn clone(table: &TableName, replica: &Relation) -> Statement {
    let mark =
        Mark { source_table_id: "b1c2".to_owned(), source_version: 7, replica: table.to_string() };
    Statement::new(format!(
        "CREATE OR REPLACE TABLE {replica} DEEP CLONE {} VERSION AS OF 7 {}",
        table.sql(),
        sql::properties(&mark.properties())
    ))
}
