//! One text for one document: canonical JSON and its SHA-256. Pure.
//!
//! It leaves RFC 8785 in one thing: integers keep all their digits beyond 2^53, where the RFC rounds them to a double, because versions, byte counts and ids of runs may be larger.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::text::hex;

/// A document's bytes without the byte order mark that some editors and shells put before it.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// The canonical JSON of a document.
///
/// # Panics
/// If the document cannot be written as JSON: our own types always can.
pub fn to_string(document: &impl Serialize) -> String {
    let mut text = String::new();
    write(&value_of(document), &mut text);
    text
}

/// SHA-256 of the canonical JSON of a document, hex.
pub fn sha256(document: &impl Serialize) -> String {
    sha256_of_value(&value_of(document))
}

/// The same of JSON that is there already, which is not copied and of which no text is kept.
pub fn sha256_of_value(value: &Value) -> String {
    let mut hashed = Hashed::default();
    write(value, &mut hashed);
    hashed.digest()
}

/// The same of an object without some of its members.
pub fn sha256_without(object: &Map<String, Value>, without: &[&str]) -> String {
    let mut hashed = Hashed::default();
    let kept = object.iter().filter(|(key, _)| !without.contains(&key.as_str()));
    write_members(kept, &mut hashed);
    hashed.digest()
}

fn value_of(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("our own documents are JSON")
}

/// SHA-256 of bytes, hex.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Where canonical JSON goes: a text, or a digest that needs none.
trait Sink {
    fn push_str(&mut self, text: &str);
}

impl Sink for String {
    fn push_str(&mut self, text: &str) {
        String::push_str(self, text);
    }
}

/// A digest of text that comes in small pieces.
#[derive(Default)]
struct Hashed {
    hash: Sha256,
    waiting: String,
}

/// Hashing a piece costs more than keeping it: so many bytes are kept.
const WAITING_MAX: usize = 64 * 1024;

impl Hashed {
    fn digest(mut self) -> String {
        self.hash.update(self.waiting.as_bytes());
        hex(&self.hash.finalize())
    }
}

impl Sink for Hashed {
    fn push_str(&mut self, text: &str) {
        self.waiting.push_str(text);
        if self.waiting.len() > WAITING_MAX {
            self.hash.update(self.waiting.as_bytes());
            self.waiting.clear();
        }
    }
}

/// A string with its quotes; most need no more.
fn write_string(text: &str, sink: &mut impl Sink) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        sink.push_str("\"");
        sink.push_str(text);
        sink.push_str("\"");
    } else {
        sink.push_str(&Value::from(text).to_string())
    }
}

fn write(value: &Value, sink: &mut impl Sink) {
    match value {
        Value::Null => sink.push_str("null"),
        Value::Bool(true) => sink.push_str("true"),
        Value::Bool(false) => sink.push_str("false"),
        Value::String(text) => write_string(text, sink),
        Value::Number(number) => sink.push_str(&number_text(number)),
        Value::Array(items) => {
            sink.push_str("[");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    sink.push_str(",");
                }
                write(item, sink);
            }
            sink.push_str("]");
        }
        Value::Object(members) => write_members(members.iter(), sink),
    }
}

fn write_members<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, sink: &mut impl Sink) {
    let mut members: Vec<_> = members.collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    sink.push_str("{");
    for (index, (key, item)) in members.into_iter().enumerate() {
        if index > 0 {
            sink.push_str(",");
        }
        write_string(key, sink);
        sink.push_str(":");
        write(item, sink);
    }
    sink.push_str("}");
}

/// A number as ECMAScript writes it, integers with all their digits.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        None => number.to_string(),
        // Of minus zero the sign is lost.
        Some(0.0) => "0".to_owned(),
        Some(float) if (1e-6..1e21).contains(&float.abs()) => float.to_string(),
        Some(float) => {
            let text = format!("{float:e}");
            if text.contains("e-") { text } else { text.replace('e', "e+") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_utf_16_and_nothing_else_is_changed() {
        let document =
            serde_json::json!({"b": [1, 2.0, null], "a": {"\u{fb33}": 1, "\u{1f600}": "é\n"}});
        assert_eq!(
            to_string(&document),
            "{\"a\":{\"\u{1f600}\":\"é\\n\",\"\u{fb33}\":1},\"b\":[1,2,null]}"
        );
    }

    #[test]
    fn numbers_are_written_as_ecmascript_does() {
        for (read, written) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("0.1e1", "1"),
            ("0.00001", "0.00001"),
            ("0.000001", "0.000001"),
            ("1.5e-7", "1.5e-7"),
            ("1e16", "10000000000000000"),
            ("123456789012345680000.0", "123456789012345680000"),
            ("1e21", "1e+21"),
            ("-2.5E+30", "-2.5e+30"),
            ("5e-324", "5e-324"),
            ("333333333.33333329", "333333333.3333333"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let value: Value = serde_json::from_str(read).unwrap();
            assert_eq!(to_string(&value), written, "{read}");
        }
    }

    #[test]
    fn a_digest_is_that_of_the_text() {
        let long = "x\"\\\u{7}\n é".repeat(20_000);
        let document =
            serde_json::json!({"b": [1, {"y": "é", "x": {}, "z": long}], "a": [], "c": 3});
        let digest = sha256_of_bytes(to_string(&document).as_bytes());
        assert_eq!(sha256(&document), digest);
        assert_eq!(sha256_of_value(&document), digest);
        let object = document.as_object().unwrap();
        assert_eq!(sha256_without(object, &[]), digest);
        let bare = serde_json::json!({"a": [], "c": 3});
        assert_eq!(sha256_without(object, &["b"]), sha256(&bare));
    }
}
