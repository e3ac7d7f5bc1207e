//! JSON with the line of every key and value, and with every key, also one that comes twice. Pure.
//!
//! The grammar is serde_json's: each level is taken apart into raw slices of the text, whose places are their lines.

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::not_json::{SyntaxError, explained, shown_by_init};
use crate::sentence::Sentence;

/// A value and the line it begins in.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Json,
}

/// A JSON value as it is written.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The digits as they are written.
    Number(String),
    Text(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A key of an object with its value. A key may come more than once.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: Node,
}

/// What to do about a text that nobody wrote by hand.
fn remedy() -> Sentence {
    shown_by_init("write it anew").into()
}

/// Levels of nesting a configuration may have; it needs fewer than ten, and reading one costs a pass over its text.
const DEPTH_MAX: usize = 64;

/// Reads UTF-8 JSON, with or without a byte order mark.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, SyntaxError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| SyntaxError {
        line: line_at(bytes, error.valid_up_to()),
        message: "is not UTF-8 text".into(),
        remedy: "save it as UTF-8".into(),
    })?;
    if text.trim().is_empty() {
        return Err(SyntaxError { line: 1, message: "is empty".into(), remedy: remedy() });
    }
    let ends = line_ends(text);
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|error| explained(text, place_of(text, &ends, &error, 0), &not_json(&error)))?;
    Text { whole: text, ends }.node(raw, 0)
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

fn line_ends(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}

/// Where serde_json gave up, in bytes from the beginning; it counts lines from the first byte that it was given.
fn place_of(text: &str, ends: &[usize], error: &serde_json::Error, begin: usize) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let before = error.line().saturating_sub(1);
    let line = match ends.partition_point(|end| *end < begin) + before {
        at if before > 0 => ends.get(at - 1).map_or(0, |end| end + 1),
        _ => begin,
    };
    line + error.column().saturating_sub(1)
}

/// What serde_json says, with the column but without the line, which stands beside it.
fn not_json(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = said.strip_suffix(&place).unwrap_or(&said);
    format!("{said} in column {}", error.column())
}

struct Text<'a> {
    whole: &'a str,
    ends: Vec<usize>,
}

impl<'a> Text<'a> {
    fn line(&self, raw: &RawValue) -> usize {
        let offset = (raw.get().as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        1 + self.ends.partition_point(|end| *end < offset)
    }

    fn node(&self, raw: &'a RawValue, depth: usize) -> Result<Node, SyntaxError> {
        let line = self.line(raw);
        if depth > DEPTH_MAX {
            let message = format!("is nested deeper than {DEPTH_MAX} levels").into();
            return Err(SyntaxError { line, message, remedy: remedy() });
        }
        let text = raw.get();
        let value = match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = self.read(raw)?;
                let read = members.into_iter().map(|(key, value)| {
                    Ok(Member {
                        line: self.line(key),
                        key: self.read(key)?,
                        value: self.node(value, depth + 1)?,
                    })
                });
                Json::Object(read.collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let items: Vec<&'a RawValue> = self.read(raw)?;
                let read = items.into_iter().map(|item| self.node(item, depth + 1));
                Json::Array(read.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Json::Text(self.read(raw)?),
            Some(b't' | b'f') => Json::Bool(text == "true"),
            Some(b'n') => Json::Null,
            _ => Json::Number(text.to_string()),
        };
        Ok(Node { line, value })
    }

    fn read<T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, SyntaxError> {
        serde_json::from_str(raw.get()).map_err(|error| {
            let begin = raw.get().as_ptr() as usize - self.whole.as_ptr() as usize;
            let at = place_of(self.whole, &self.ends, &error, begin);
            explained(self.whole, at, &not_json(&error))
        })
    }
}

struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members).map_err(de::Error::custom)
    }
}

impl Json {
    /// What it is, with its article: `a number`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(true) => "true",
            Json::Bool(false) => "false",
            Json::Number(_) => "a number",
            Json::Text(_) => "text",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

/// Whether a key is a comment or the schema's address, at any level.
pub(super) fn is_comment(key: &str) -> bool {
    key == "$schema" || key.starts_with("//")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(node: &Node, out: &mut Vec<(String, usize)>) {
        match &node.value {
            Json::Object(members) => {
                for member in members {
                    out.push((member.key.clone(), member.line));
                    lines(&member.value, out);
                }
            }
            Json::Array(items) => items.iter().for_each(|item| lines(item, out)),
            other => out.push((other.kind().to_string(), node.line)),
        }
    }

    #[test]
    fn every_key_and_value_has_its_line_and_a_double_key_comes_twice() {
        let text =
            "\u{FEFF}{\r\n \"a\": [1,\r\n  true],\n\n \"a\\u0062\":\n \"x\\ny\", \"a\": null}\n";
        let node = parse(text.as_bytes()).expect("is JSON");
        let mut out = Vec::new();
        lines(&node, &mut out);
        let shown: Vec<_> = out.iter().map(|(what, line)| (what.as_str(), *line)).collect();
        let want =
            [("a", 2), ("a number", 2), ("true", 3), ("ab", 5), ("text", 6), ("a", 6), ("null", 6)];
        assert_eq!(shown, want);
    }

    #[test]
    fn a_text_that_is_not_json_is_refused_with_its_line() {
        let refused = |text: &[u8]| parse(text).map(|_| ()).expect_err("is not JSON");
        assert_eq!(refused(b"{\n \"a\": 1,\n}").line, 2, "that of the comma");
        assert_eq!(refused(b"{\n} x").line, 2);
        assert_eq!(refused(b"").message, "is empty");
        assert_eq!(
            refused(b"{\n\"a\": \"\xFF\"}"),
            SyntaxError {
                line: 2,
                message: "is not UTF-8 text".into(),
                remedy: "save it as UTF-8".into()
            }
        );
        assert_eq!(refused(b"[\n\n\"\\ud800\"]").line, 3);
        assert_eq!(refused(b"[01]").line, 1);
        assert!(refused(&[b'['; 100_000]).message.to_string().starts_with("is not JSON"));
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(refused(&deep).message.to_string().starts_with("is nested deeper"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_as_serde_json_does(text in "[\\[\\]{}\",:0-9a-z\\\\ .\n-]{0,24}") {
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
            let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert_eq!(parse(text.as_bytes()).is_ok(), theirs.is_ok() || too_large);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
