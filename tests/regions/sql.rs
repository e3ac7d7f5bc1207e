//! Every statement that drsync sends is SQL of Databricks, and whatever a thing is called stays inside its quotes.
//!
//! `sqlglot` is asked where `DRSYNC_TEST_PYTHON` names a Python that has it; the test says so and skips elsewhere.

mod built;
pub(crate) mod kind;
mod parsers;
mod sent;

use std::collections::BTreeSet;

use drsync::sql::Statement;

use crate::support::able::python;
use kind::{Piece, kind, pieces};
use parsers::{Reader, STAND_INS, Seen, bridged, sqlglot, sqlparser};

/// What there is to see in a statement.
fn written(statement: &Statement) -> Seen {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for piece in pieces(&statement.text) {
        match piece {
            Piece::Plain(_) => {}
            Piece::Name(name) => names.push(name),
            Piece::Text(text) => texts.push(text),
        }
    }
    names.sort();
    texts.sort();
    let markers = statement.parameters.iter().map(|it| it.name.clone());
    Seen { names, texts, markers: markers.collect() }
}

/// A reader sees in each statement what was written, and not in what it is said not to know.
fn assert_read(
    reader: Reader,
    statements: &[Statement],
    read: impl Fn(&[String]) -> Vec<Result<Seen, String>>,
) {
    let texts: Vec<String> = statements.iter().map(|it| bridged(reader, &it.text)).collect();
    for ((statement, text), seen) in statements.iter().zip(&texts).zip(read(&texts)) {
        let seen = seen.unwrap_or_else(|why| panic!("{reader:?} refuses {text}: {why}"));
        assert_eq!(seen, written(statement), "{reader:?} reads {text}");
    }
    for stand_in in STAND_INS {
        let needed = statements.iter().filter(|it| stand_in.is_needed(reader, &it.text));
        let needed: Vec<&Statement> = needed.collect();
        let texts: Vec<String> = needed.iter().map(|it| it.text.clone()).collect();
        for (statement, seen) in needed.iter().zip(read(&texts)) {
            let why = stand_in.reason;
            let read = seen == Ok(written(statement));
            assert!(!read, "{reader:?} reads {}, although {why}", statement.text);
        }
    }
}

fn assert_read_by_sqlparser(statements: &[Statement]) {
    assert_read(Reader::Sqlparser, statements, |texts| {
        texts.iter().map(|text| sqlparser(text)).collect()
    });
}

fn assert_read_by_sqlglot(statements: &[Statement]) {
    let Some(python) = python("sqlglot") else {
        return;
    };
    assert_read(Reader::Sqlglot, statements, |texts| sqlglot(&python, texts));
}

#[test]
fn every_statement_is_read_by_sqlparser_as_it_was_written() {
    assert_read_by_sqlparser(&built::all());
}

#[test]
fn every_statement_is_read_by_sqlglot_as_it_was_written() {
    assert_read_by_sqlglot(&built::all());
}

#[test]
fn kinds_leave_out_names_values_and_numbers() {
    let one = "SELECT 0 AS asked, count(*) AS n FROM `a`.`b`.`c``d` VERSION AS OF 12 UNION ALL \
               SELECT 1 AS asked, count(*) AS n FROM delta.`s3://b/x` VERSION AS OF 0";
    assert_eq!(kind(one), "SELECT N AS asked, count(*) AS n FROM TABLE VERSION AS OF N");
    let other = "LIST 'it\\'s UNION ALL' LIMIT 10";
    assert_eq!(kind(other), "LIST TEXT LIMIT N");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_over_a_sandbox_send_nothing_that_no_parser_was_asked_about() {
    let sent = sent::by_rounds().await;
    for statement in &sent {
        kind::assert_known(&statement.text);
    }
    let kinds: BTreeSet<String> = sent.iter().map(|it| kind(&it.text)).collect();
    assert!(kinds.len() > 20, "{kinds:#?}");
    assert_read_by_sqlparser(&sent);
    assert_read_by_sqlglot(&sent);
}
