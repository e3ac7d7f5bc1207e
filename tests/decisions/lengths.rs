//! A function is read from top to bottom: none is longer than a screen shows, but tables, whose every line is read by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines from the name of a function to its last brace.
const LONGEST: usize = 60;

/// Functions that are one list, each with what it lists.
const TABLES: [(&str, &str, &str); 6] = [
    ("cli/examples.rs", "examples_of", "the examples of every command"),
    ("lakehouse/delta/checkpoint/write.rs", "schema", "the columns of a checkpoint"),
    ("lakehouse/delta/json.rs", "value", "the kinds of values that statistics have"),
    ("plan/deed.rs", "describe_deed", "a sentence for everything that people are told to do"),
    ("sandbox/routes.rs", "router", "every path that is served"),
    ("sandbox/sql/lexer.rs", "tokens", "every kind of token, by its first letter"),
];

/// The name of the function that a line begins.
fn name_of(line: &str) -> Option<&str> {
    let (before, name) = line.trim_start().split_once("fn ")?;
    let qualifies = |word: &str| {
        ["const", "async"].contains(&word) || word.starts_with("pub") || word.ends_with(')')
    };
    let is_item = before.split_whitespace().all(qualifies);
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    is_item.then_some(&name[..end]).filter(|name| !name.is_empty())
}

/// The functions of a formatted source and their lines, those of its tests aside.
fn lengths(source: &str) -> Vec<(String, usize)> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let Some(name) = name_of(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        // Rustfmt ends an item where it began; what ends with its own first line, or is a declaration, is short.
        let ends = |line: &&str| {
            line.strip_prefix(indent).is_some_and(|line| {
                line == "}" || (!line.starts_with(' ') && line.ends_with([';', '}']))
            })
        };
        let length = lines[begin..].iter().position(ends).expect("every function has an end") + 1;
        found.push((name.to_owned(), length));
    }
    found
}

fn read(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn no_function_is_longer_than_a_screen_but_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    read(&root, &mut files);
    let (mut long, mut seen) = (BTreeSet::new(), 0);
    for (path, source) in &files {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
        if file.contains("tests") {
            continue;
        }
        for (name, length) in lengths(source) {
            seen += 1;
            if length > LONGEST {
                long.insert((file.to_owned(), name));
            }
        }
    }
    assert!(seen > 5_000, "{seen} functions");
    let tables = TABLES.map(|(file, name, _)| (file.to_owned(), name.to_owned()));
    assert_eq!(long, BTreeSet::from(tables), "each part of what is longer has a name of its own");
}

#[test]
fn a_function_is_counted_wherever_it_stands() {
    let body = "        a();\n".repeat(70);
    for (source, expected) in [
        (format!("fn a() {{\n{body}}}\n"), 72),
        (
            format!(
                "impl A {{\n    pub(super) async fn a(\n        &self,\n    ) {{\n{body}    }}\n}}\n"
            ),
            74,
        ),
        (format!("trait A {{\n    fn a(&self);\n    fn b(&self) {{\n{body}    }}\n}}\n"), 1),
        (format!("const fn a() {{}}\nmod b {{\n{body}}}\n"), 1),
        (format!("    fn a(\n        &self,\n    ) -> A;\n{body}"), 3),
    ] {
        assert_eq!(lengths(&source)[0], ("a".to_owned(), expected), "{source}");
    }
    assert!(lengths("// fn a() {\nlet b = |fn a| {};\n").is_empty());
}
