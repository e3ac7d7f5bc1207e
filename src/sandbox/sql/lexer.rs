//! Cuts a statement into words, texts, numbers and signs.

use super::error::SqlError;

/// One piece of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SqlToken {
    /// A keyword or a plain name, as it was written.
    Word(String),
    /// A name in backticks.
    Quoted(String),
    /// A text in quotes.
    Text(String),
    /// A number, as it was written.
    Number(String),
    /// A named marker, `:name`.
    Marker(String),
    /// A sign such as `(` or `<=>`.
    Sign(&'static str),
}

/// Signs, the longer ones first.
const SIGNS: [&str; 27] = [
    "<=>", "<=", ">=", "<>", "!=", "==", "||", "::", "->", "=>", "(", ")", "[", "]", ",", ".", "=",
    "<", ">", "+", "-", "*", "/", "%", ";", "@", ":",
];

/// Signs of Databricks' SQL that no statement here has.
const BEYOND: &str = "&|^~!?{}";

/// Cuts a statement; each token comes with where it begins.
pub(super) fn tokens(sql: &str) -> Result<Vec<(SqlToken, usize)>, SqlError> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let begin = at;
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            continue;
        }
        let token = match first {
            '`' => {
                let (name, length) = quoted(rest, '`', false)
                    .ok_or_else(|| SqlError::syntax("a name has no closing backtick", sql, at))?;
                at += length;
                SqlToken::Quoted(name)
            }
            '\'' | '"' => {
                let (text, length) = quoted(rest, first, true)
                    .ok_or_else(|| SqlError::syntax("a text has no closing quote", sql, at))?;
                at += length;
                SqlToken::Text(text)
            }
            'r' | 'R' if matches!(bytes.get(at + 1), Some(b'\'' | b'"')) => {
                let quote = char::from(bytes[at + 1]);
                let (text, length) = quoted(&rest[1..], quote, false)
                    .ok_or_else(|| SqlError::syntax("a text has no closing quote", sql, at))?;
                at += 1 + length;
                SqlToken::Text(text)
            }
            ':' if bytes.get(at + 1).is_some_and(|next| is_word(*next)) => {
                let length = word_length(&rest[1..]);
                at += 1 + length;
                SqlToken::Marker(rest[1..=length].to_owned())
            }
            _ if first.is_ascii_digit() || first == '.' && begins_number(&sql[..at], rest) => {
                let length = number_length(rest);
                at += length;
                let letters = word_length(&sql[at..]);
                if letters > 0 {
                    let number = &rest[..length + letters];
                    return Err(SqlError::unsupported(format!("the number {number}")));
                }
                SqlToken::Number(rest[..length].to_owned())
            }
            _ if first == '_' || first.is_alphabetic() => {
                let length = word_length(rest);
                at += length;
                SqlToken::Word(rest[..length].to_owned())
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    at += sign.len();
                    SqlToken::Sign(sign)
                }
                None if BEYOND.contains(first) => {
                    return Err(SqlError::unsupported(format!("the sign `{first}`")));
                }
                None => {
                    let what = format!("`{first}` is no sign of SQL");
                    return Err(SqlError::syntax(&what, sql, at));
                }
            },
        };
        found.push((token, begin));
    }
    Ok(found)
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn word_length(text: &str) -> usize {
    text.find(|letter: char| letter != '_' && !letter.is_alphanumeric()).unwrap_or(text.len())
}

/// Whether a point begins a number, as in `.5`, and does not lead into what stands right before it.
fn begins_number(before: &str, text: &str) -> bool {
    let within = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '`' | ')' | ']');
    !before.ends_with(within) && text[1..].starts_with(|letter: char| letter.is_ascii_digit())
}

/// Digits, with a point before, among or behind them, and an exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if text[length..].starts_with('.') {
        length = digits(length + 1);
    }
    let exponent = text[length..].strip_prefix(['e', 'E']);
    let exponent = exponent.map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
    match exponent {
        Some(rest) if rest.starts_with(|letter: char| letter.is_ascii_digit()) => {
            digits(text.len() - rest.len())
        }
        _ => length,
    }
}

/// Reads up to the closing quote; a doubled quote stands for itself, and so does what a backslash precedes.
fn quoted(text: &str, quote: char, escapes: bool) -> Option<(String, usize)> {
    let mut read = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            match letters.peek() {
                Some((_, next)) if *next == quote => {
                    read.push(quote);
                    letters.next();
                }
                _ => return Some((read, at + quote.len_utf8())),
            }
        } else if letter == '\\' && escapes {
            let (_, next) = letters.next()?;
            match next {
                'n' => read.push('\n'),
                't' => read.push('\t'),
                'r' => read.push('\r'),
                '0' => read.push('\0'),
                'u' => {
                    let digits: String =
                        (0..4).filter_map(|_| letters.next().map(|(_, digit)| digit)).collect();
                    read.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                other => read.push(other),
            }
        } else {
            read.push(letter);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_texts_markers_and_signs_are_told_apart() {
        let sql = "a `b``c` 'd''e\\'f' :g 1.5e-3 <=> -- h\n r'\\d' x.y";
        let read: Vec<SqlToken> =
            tokens(sql).unwrap().into_iter().map(|(token, _)| token).collect();
        assert_eq!(
            read,
            [
                SqlToken::Word("a".into()),
                SqlToken::Quoted("b`c".into()),
                SqlToken::Text("d'e'f".into()),
                SqlToken::Marker("g".into()),
                SqlToken::Number("1.5e-3".into()),
                SqlToken::Sign("<=>"),
                SqlToken::Text("\\d".into()),
                SqlToken::Word("x".into()),
                SqlToken::Sign("."),
                SqlToken::Word("y".into()),
            ]
        );
    }

    #[test]
    fn a_number_may_begin_or_end_with_its_point() {
        let sql = ".5 1. 5.e1 2e-3 t.5 1.5 a .5";
        let read: Vec<SqlToken> =
            tokens(sql).unwrap().into_iter().map(|(token, _)| token).collect();
        let number = |digits: &str| SqlToken::Number(digits.into());
        let member = [SqlToken::Word("t".into()), SqlToken::Sign("."), number("5")];
        let numbers = [".5", "1.", "5.e1", "2e-3"].map(number);
        assert_eq!(
            read,
            [&numbers[..], &member, &[number("1.5"), SqlToken::Word("a".into()), number(".5")]]
                .concat()
        );
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        for sql in ["'a", "`a", "a ? b"] {
            assert!(tokens(sql).is_err(), "{sql}");
        }
    }
}
