//! What kind of statement a text is: the text with every name, value and number left out.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::built;

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// What stands outside of quotes.
    Plain(String),
    /// What stands between backticks, undoubled.
    Name(String),
    /// What stands between single quotes, unescaped.
    Text(String),
}

/// A statement, taken apart at its quotes.
pub(crate) fn pieces(statement: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut letters = statement.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '`' && letter != '\'' {
            plain.push(letter);
            continue;
        }
        let mut quoted = String::new();
        loop {
            match letters.next().expect("a quote is closed") {
                '\\' if letter == '\'' => quoted.push(letters.next().expect("a letter is escaped")),
                '`' if letter == '`' && letters.peek() == Some(&'`') => {
                    quoted.extend(letters.next())
                }
                it if it == letter => break,
                it => quoted.push(it),
            }
        }
        pieces.push(Piece::Plain(std::mem::take(&mut plain)));
        pieces.push(match letter {
            '`' => Piece::Name(quoted),
            _ => Piece::Text(quoted),
        });
    }
    pieces.push(Piece::Plain(plain));
    pieces
}

/// `SELECT count(*) AS n FROM TABLE VERSION AS OF N`: properties, parts of a union and ends of groups' logs are there once.
pub(crate) fn kind(statement: &str) -> String {
    let mut plain = String::new();
    for piece in pieces(statement) {
        match piece {
            Piece::Plain(text) => plain.push_str(&without_numbers(&text)),
            Piece::Name(_) => plain.push_str("NAME"),
            Piece::Text(_) => plain.push_str("TEXT"),
        }
    }
    let mut plain = plain.replace("NAME.NAME.NAME", "TABLE").replace("delta.NAME", "TABLE");
    while plain.contains("TEXT = TEXT, TEXT = TEXT") {
        plain = plain.replace("TEXT = TEXT, TEXT = TEXT", "TEXT = TEXT");
    }
    for at in 1..64 {
        let end = format!(
            " OR (group_name = :group_{at} AND (cut_number >= :from_{at} OR (cut_number < N OR cut_number IS NULL)))"
        );
        plain = plain.replace(&end, "");
    }
    let mut parts: Vec<&str> = plain.split(" UNION ALL ").collect();
    parts.dedup();
    parts.join(" UNION ALL ")
}

/// Numbers that stand alone become `N`.
fn without_numbers(text: &str) -> String {
    text.split_inclusive([' ', ')'])
        .map(|word| {
            let digits = word.trim_end_matches([' ', ')']);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                word.replace(digits, "N")
            } else {
                word.to_owned()
            }
        })
        .collect()
}

/// The kinds that parsers were asked about.
static KNOWN: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| built::all().iter().map(|it| kind(&it.text)).collect());

/// Nothing is sent that no parser was asked about.
pub(crate) fn assert_known(statement: &str) {
    let kind = kind(statement);
    assert!(
        KNOWN.contains(&kind),
        "no parser was asked about this kind of statement; add it to tests/regions/sql/built.rs: {kind}"
    );
}
