//! Sentences are for people: what is said is read where it arrives, and decides nothing after that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What holds a sentence, by the names that fields and variables of it have.
const SENTENCES: [&str; 6] = ["message", "detail", "doing", "remedy", "answer", "reason"];

/// What looks into a text.
const READS: [&str; 14] = [
    ".contains(",
    ".starts_with(",
    ".ends_with(",
    ".strip_prefix(",
    ".strip_suffix(",
    ".split(",
    ".split_once(",
    ".rsplit_once(",
    ".trim_start_matches(",
    ".trim_end_matches(",
    ".find(",
    ".match_indices(",
    ".to_lowercase(",
    ".to_uppercase(",
];

/// Where it is done all the same, how often, and why nothing hangs on it.
const ALLOWED: [(&str, usize, &str); 2] = [
    ("src/databricks/refusal.rs", 6, "what a service said is read here and nowhere else"),
    ("src/ledger/row.rs", 4, "nine columns force its prefixes; they are written and read here"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            // A sandbox reads what it is sent, and a Delta log has sentences of nobody.
            if !["tests", "sandbox", "delta"].contains(&name) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The code of a file: without its tests, comments and the inside of texts, each white space one blank and none before a point.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    let code = lines.collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut chars = code.chars();
    let mut inside = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if inside => drop(chars.next()),
            '"' => {
                inside = !inside;
                plain.push(c);
            }
            _ if inside => {}
            // A quote as a character begins no text.
            '\'' if chars.as_str().starts_with("\"'") => drop(chars.nth(1)),
            _ => plain.push(c),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".")
}

/// Whether a name stands in code as one that is read, not as one that is given.
fn names(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let given = after.starts_with(": ") || after.starts_with(" = ") || after.starts_with('(');
        !before.ends_with(part) && !after.starts_with(part) && !given
    })
}

/// How often one expression of a file looks into a sentence.
fn reads(code: &str) -> usize {
    let expressions = code.split([';', '{', '}', ',']);
    let looks = expressions.filter(|expression| {
        READS.iter().any(|read| {
            let mut calls = expression.match_indices(read);
            calls.any(|(at, _)| SENTENCES.iter().any(|name| names(&expression[..at], name)))
        })
    });
    looks.count()
}

#[test]
fn no_sentence_is_read_outside_of_where_it_arrives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut found = BTreeMap::<String, usize>::new();
    for path in files {
        let count = reads(&code_of(&std::fs::read_to_string(&path).unwrap()));
        if count > 0 {
            found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), count);
        }
    }
    let allowed: BTreeMap<String, usize> =
        ALLOWED.iter().map(|(file, count, _)| ((*file).to_owned(), *count)).collect();
    assert_eq!(found, allowed, "a fact that is needed is a field beside the sentence");
}

#[test]
fn a_reading_is_seen_however_it_is_written() {
    for (code, count) in [
        ("if error.detail.contains(\"GRANT\") {", 1),
        (
            "let it = group\n    .message\n    .as_deref()\n    .is_some_and(|text| text.starts_with(words));",
            1,
        ),
        ("refusal.doing.strip_prefix(\"read \")?", 1),
        ("message.split(\"; \").count()", 1),
        ("let message = names.find(|it| it.is_odd());", 0),
        ("Warning { message: text, about: names.contains(&it) }", 0),
        ("// message.contains(\nlet x = \"message.contains(\";", 0),
    ] {
        assert_eq!(reads(&code_of(code)), count, "{code}");
    }
}
