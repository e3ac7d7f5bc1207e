//! Why a text is not JSON, as whoever wrote it would say it: a comma too many, a bracket that nobody closed, YAML. Pure.

use crate::command::{Command, Verb};
use crate::sentence::Sentence;

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) message: Sentence,
    /// What to do about it.
    pub(super) remedy: Sentence,
}

/// What to do where nothing better is known.
const REMEDY: &str = "correct it; a comment is a key that begins with //";

/// What to do, and the command that shows a configuration as it is to be.
pub(super) fn shown_by_init(what: &str) -> String {
    format!("{what}: {} shows how", Command::new(Verb::Init).word("--stdout"))
}

/// What is wrong with a text at the place where a parser gave up, in bytes from its beginning; `said` is what the parser said.
pub(super) fn explained(text: &str, at: usize, said: &str) -> SyntaxError {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let error = |at: usize, message: String, remedy: &str| SyntaxError {
        line: line(at),
        message: message.into(),
        remedy: remedy.into(),
    };
    if let Some((format, at)) = other_format(text) {
        let message = format!("is {format}, not JSON");
        return error(at, message, &shown_by_init("write it as JSON"));
    }
    let read = Read::until(text, at);
    let inner = read.open.last();
    let here = text.as_bytes().get(at).copied();
    match (read.before, here) {
        (Some((comma, b',')), Some(b'}' | b']' | b',')) => {
            error(comma, "is not JSON: a comma too many".to_owned(), "remove the comma")
        }
        (Some((bracket, b'{' | b'[')), Some(b',')) => {
            error(bracket, "is not JSON: a comma too many".to_owned(), "remove the comma")
        }
        (_, Some(b'/' | b'#')) => {
            let message = "is not JSON: a comment".to_owned();
            error(at, message, "write it as a key that begins with //, with a text as its value")
        }
        (_, Some(b'\'')) => {
            error(at, "is not JSON: single quotes".to_owned(), "write \" around texts")
        }
        (_, Some(_))
            if text.get(at..).is_some_and(|rest| rest.starts_with(['“', '”', '„', '‘', '’'])) =>
        {
            let message = "is not JSON: quotes of a word processor".to_owned();
            error(at, message, "write \" around texts")
        }
        (Some((end, b'"' | b'}' | b']' | b'0'..=b'9' | b'a'..=b'z')), Some(b'"' | b'{' | b'['))
            if inner.is_some_and(|it| it.colon || it.bracket == b'[') =>
        {
            let message = "is not JSON: no comma after this line's value".to_owned();
            error(end, message, "add a comma")
        }
        (Some((_, b'{' | b',')), Some(letter))
            if letter.is_ascii_alphabetic() && inner.is_some_and(|it| it.bracket == b'{') =>
        {
            error(at, "is not JSON: a key without quotes".to_owned(), "write \" around keys")
        }
        (_, None) if inner.is_some() => {
            let (bracket, opened) = inner.map_or((b'{', 0), |it| (it.bracket, it.at));
            let message = format!(
                "is not JSON: it ends before the `{}` of line {} is closed",
                char::from(bracket),
                line(opened)
            );
            error(text.trim_end().len(), message, "add what is missing at its end")
        }
        _ => error(at, format!("is not JSON: {said}"), REMEDY),
    }
}

/// What stands before a place of a text, as far as it is JSON.
struct Read {
    /// The last letter that is no blank, and where.
    before: Option<(usize, u8)>,
    /// Brackets that are open.
    open: Vec<Open>,
}

/// A bracket that is open.
struct Open {
    at: usize,
    bracket: u8,
    /// A colon came since the last comma.
    colon: bool,
}

impl Read {
    fn until(text: &str, end: usize) -> Read {
        let mut read = Read { before: None, open: Vec::new() };
        let (mut quoted, mut escaped) = (false, false);
        for (at, byte) in text.bytes().enumerate().take(end) {
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => read.open.push(Open { at, bracket: byte, colon: false }),
                    b'}' | b']' => drop(read.open.pop()),
                    b':' | b',' => {
                        read.open.last_mut().into_iter().for_each(|it| it.colon = byte == b':');
                    }
                    _ => {}
                }
            }
            if !byte.is_ascii_whitespace() {
                read.before = Some((at, byte));
            }
        }
        read
    }
}

/// The format of a text that was never meant as JSON, and where it shows.
fn other_format(text: &str) -> Option<(&'static str, usize)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at + (line.len() - line.trim_start().len());
        at += line.len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = |end: char| {
            let (key, rest) = line.split_once(end)?;
            let key = key.trim_end();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.$".contains(letter);
            (!key.is_empty() && key.chars().all(plain)).then_some(rest)
        };
        let yaml = line == "---"
            || line.starts_with("- ")
            || key(':').is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        let toml = (line.starts_with("[[") && line.ends_with("]]")) || key('=').is_some();
        return match (yaml, toml) {
            (true, _) => Some(("YAML", begin)),
            (false, true) => Some(("TOML", begin)),
            (false, false) => None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::SyntaxError;

    fn describe_error(text: &str) -> String {
        let SyntaxError { line, message, remedy } =
            json::parse(text.as_bytes()).expect_err("is not JSON");
        format!("line {line} {message}: {remedy}")
    }

    #[test]
    fn a_text_that_is_not_json_is_told_in_words_of_whoever_wrote_it() {
        for (text, expected) in [
            ("{\n \"a\": 1,\n}", "line 2 is not JSON: a comma too many: remove the comma"),
            ("{\"a\": [1,\n 2,\n\n]}", "line 2 is not JSON: a comma too many: remove the comma"),
            ("{\"a\": 1,, \"b\": 2}", "line 1 is not JSON: a comma too many: remove the comma"),
            ("[,1]", "line 1 is not JSON: a comma too many: remove the comma"),
            (
                "{\n \"a\": \"x\"\n \"b\": 2}",
                "line 2 is not JSON: no comma after this line's value: add a comma",
            ),
            (
                "{\n \"a\": [1]\n \"b\": 2}",
                "line 2 is not JSON: no comma after this line's value: add a comma",
            ),
            ("[{}\n{}]", "line 1 is not JSON: no comma after this line's value: add a comma"),
            (
                "{\n // why\n \"a\": 1}",
                "line 2 is not JSON: a comment: write it as a key that begins with //, with a text as its value",
            ),
            ("{'a': 1}", "line 1 is not JSON: single quotes: write \" around texts"),
            ("{“a”: 1}", "line 1 is not JSON: quotes of a word processor: write \" around texts"),
            ("{\n a: 1}", "line 2 is not JSON: a key without quotes: write \" around keys"),
            (
                "{\n \"a\": [1,\n 2\n",
                "line 3 is not JSON: it ends before the `[` of line 2 is closed: add what is missing at its end",
            ),
            (
                "# ours\n---\nworkspaces:\n  - a",
                "line 2 is YAML, not JSON: write it as JSON: drsync init --stdout shows how",
            ),
            (
                "workspaces:\n  - workspace_name: a",
                "line 1 is YAML, not JSON: write it as JSON: drsync init --stdout shows how",
            ),
            (
                "secret_scope = \"x\"\n[[workspaces]]",
                "line 1 is TOML, not JSON: write it as JSON: drsync init --stdout shows how",
            ),
        ] {
            assert_eq!(describe_error(text), expected, "{text}");
        }
        for other in ["{\"a\": 01}", "{\"a\": tru}", "{} x", "\"a", "{\"a\" \"b\"}"] {
            assert!(describe_error(other).contains("is not JSON: "), "{}", describe_error(other));
        }
    }
}
