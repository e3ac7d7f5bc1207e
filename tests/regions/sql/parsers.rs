//! Two parsers of Databricks' SQL, and what each of them does not know of it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use sqlparser::dialect::DatabricksDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::kind::{Piece, pieces};

/// What a parser saw in a statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// In backticks, sorted.
    pub(crate) names: Vec<String>,
    /// In single quotes, sorted.
    pub(crate) texts: Vec<String>,
    /// Named markers.
    pub(crate) markers: BTreeSet<String>,
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Sqlparser,
    Sqlglot,
}

/// A construct of Databricks that a parser does not know, and what it is asked to read instead.
pub(crate) struct StandIn {
    readers: &'static [Reader],
    /// Every text of it in a statement outside of quotes.
    construct: &'static [&'static str],
    pub(crate) reason: &'static str,
    instead: fn(&str) -> String,
}

const BOTH: &[Reader] = &[Reader::Sqlparser, Reader::Sqlglot];

/// Everything else is read as it is sent.
pub(crate) const STAND_INS: [StandIn; 12] = [
    StandIn {
        readers: BOTH,
        construct: &["DESCRIBE HISTORY ", " LIMIT "],
        reason: "sqlglot knows DESCRIBE HISTORY without LIMIT, sqlparser takes HISTORY for a table",
        instead: |text| text.replace("DESCRIBE HISTORY ", "SELECT * FROM "),
    },
    StandIn {
        readers: BOTH,
        construct: &["DESCRIBE DETAIL "],
        reason: "both take DETAIL for a table",
        instead: |text| text.replace("DESCRIBE DETAIL ", "SELECT * FROM "),
    },
    StandIn {
        readers: &[Reader::Sqlparser],
        construct: &["LIST "],
        reason: "sqlparser knows no LIST",
        instead: list_as_select,
    },
    StandIn {
        readers: &[Reader::Sqlglot],
        construct: &["LIST ", " LIMIT "],
        reason: "sqlglot takes LIST for a column, and knows no LIMIT of it",
        instead: list_as_select,
    },
    StandIn {
        readers: BOTH,
        construct: &["RESTORE TABLE ", " TO VERSION AS OF "],
        reason: "both know no RESTORE",
        instead: |text| {
            let text = text.replace("RESTORE TABLE ", "SELECT * FROM ");
            text.replace(" TO VERSION AS OF ", " VERSION AS OF ")
        },
    },
    StandIn {
        readers: BOTH,
        construct: &["REPAIR TABLE ", " SYNC METADATA"],
        reason: "both know SYNC of partitions at most",
        instead: |text| {
            text.replace("REPAIR TABLE ", "SELECT * FROM ").replace(" SYNC METADATA", "")
        },
    },
    StandIn {
        readers: BOTH,
        construct: &[" DEEP CLONE "],
        reason: "sqlparser knows no DEEP, sqlglot neither a version nor properties of a clone",
        instead: |text| {
            let (begin, from) = text.split_once(" DEEP CLONE ").expect("a clone has a source");
            let (from, properties) = match from.split_once(" TBLPROPERTIES ") {
                Some((from, properties)) => (from, format!(" TBLPROPERTIES {properties}")),
                None => (from, String::new()),
            };
            format!("{begin}{properties} AS SELECT * FROM {from}")
        },
    },
    StandIn {
        readers: &[Reader::Sqlparser],
        construct: &[" SHALLOW CLONE "],
        reason: "sqlparser knows no SHALLOW",
        instead: |text| text.replace(" SHALLOW CLONE ", " AS SELECT * FROM "),
    },
    StandIn {
        readers: &[Reader::Sqlparser],
        construct: &["struct(*)"],
        reason: "sqlparser takes stars in counts, and in no struct",
        instead: |text| text.replace("struct(*)", "count(*)"),
    },
    StandIn {
        readers: &[Reader::Sqlparser],
        construct: &["ALTER TABLE ", " ADD COLUMNS ("],
        reason: "sqlparser knows single columns to add",
        instead: |text| {
            let inside = text.trim_start_matches("ALTER TABLE ");
            let (table, columns) =
                inside.split_once(" ADD COLUMNS (").expect("columns are added to a table");
            let columns = columns.trim_end_matches(')').replace(" string", "");
            format!("SELECT {columns} FROM {table}")
        },
    },
    StandIn {
        readers: &[Reader::Sqlparser],
        construct: &[" USING DELTA"],
        reason: "sqlparser knows USING for virtual tables only",
        instead: |text| text.replace(" USING DELTA", ""),
    },
    StandIn {
        readers: &[Reader::Sqlglot],
        construct: &["GRANT ", " ON EXTERNAL LOCATION "],
        reason: "sqlglot knows grants on one word's kinds of objects",
        instead: |text| text.replace(" EXTERNAL LOCATION ", " TABLE "),
    },
];

fn list_as_select(text: &str) -> String {
    text.replacen("LIST ", "SELECT ", 1)
}

impl StandIn {
    pub(crate) fn is_needed(&self, reader: Reader, statement: &str) -> bool {
        let outside = masked(statement).0;
        self.readers.contains(&reader) && self.construct.iter().all(|text| outside.contains(text))
    }
}

/// What stands where a quoted part was.
const MASK: char = '\u{e000}';

/// A statement with its quoted parts taken out, and these.
fn masked(statement: &str) -> (String, Vec<String>) {
    let (mut outside, mut quoted) = (String::new(), Vec::new());
    for piece in pieces(statement) {
        match piece {
            Piece::Plain(text) => outside.push_str(&text),
            Piece::Name(name) => {
                outside.push_str(&format!("{MASK}{}{MASK}", quoted.len()));
                quoted.push(drsync::text::identifier(&name));
            }
            Piece::Text(text) => {
                outside.push_str(&format!("{MASK}{}{MASK}", quoted.len()));
                quoted.push(drsync::text::literal(&text));
            }
        }
    }
    (outside, quoted)
}

/// The statement as a reader is asked to read it.
pub(crate) fn bridged(reader: Reader, statement: &str) -> String {
    let (mut outside, quoted) = masked(statement);
    for stand_in in STAND_INS {
        if stand_in.is_needed(reader, statement) {
            outside = (stand_in.instead)(&outside);
        }
    }
    let mut text = String::new();
    for (place, part) in outside.split(MASK).enumerate() {
        match place % 2 {
            0 => text.push_str(part),
            _ => text.push_str(&quoted[part.parse::<usize>().unwrap()]),
        }
    }
    text
}

/// What `sqlparser` sees; the error is its refusal.
pub(crate) fn sqlparser(statement: &str) -> Result<Seen, String> {
    let dialect = DatabricksDialect {};
    let read = Parser::parse_sql(&dialect, statement).map_err(|error| error.to_string())?;
    if read.len() != 1 {
        return Err(format!("{} statements", read.len()));
    }
    let tokens = Tokenizer::new(&dialect, statement).tokenize();
    let mut seen = Seen { names: Vec::new(), texts: Vec::new(), markers: BTreeSet::new() };
    let mut before = Vec::new();
    for token in tokens.map_err(|error| error.to_string())? {
        match &token {
            Token::Word(word) if word.quote_style.is_some() => seen.names.push(word.value.clone()),
            // A colon after a word is of a struct's field.
            Token::Word(word) if before.ends_with(&[Token::Colon]) && !within_struct(&before) => {
                seen.markers.insert(word.value.clone());
            }
            Token::SingleQuotedString(text) => seen.texts.push(text.clone()),
            _ => {}
        }
        before.push(token);
    }
    seen.names.sort();
    seen.texts.sort();
    Ok(seen)
}

/// Whether the colon at the end stands between a field and its type.
fn within_struct(before: &[Token]) -> bool {
    matches!(before, [.., Token::Word(_), Token::Colon])
}

/// What `sqlglot` sees in each statement; an error is its refusal.
pub(crate) fn sqlglot(python: &PathBuf, statements: &[String]) -> Vec<Result<Seen, String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/sql_check.py");
    let mut process = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> =
        statements.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
    let mut input = process.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.join("\n").as_bytes()));
    let output = process.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let answers: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(answer).collect();
    assert_eq!(answers.len(), statements.len(), "an answer a statement");
    answers
}

fn answer(line: &str) -> Result<Seen, String> {
    let value: Value = serde_json::from_str(line).unwrap();
    if let Some(reason) = value["refused"].as_str() {
        return Err(reason.to_owned());
    }
    let list = |key: &str| -> Vec<String> {
        let all = value[key].as_array().unwrap().iter();
        all.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut seen = Seen {
        names: list("names"),
        texts: list("texts"),
        markers: list("markers").into_iter().collect(),
    };
    seen.names.sort();
    seen.texts.sort();
    Ok(seen)
}
