//! One text for one document: canonical JSON (RFC 8785) and its SHA-256.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical JSON of a document.
///
/// # Panics
/// If the document cannot be written as JSON: our own types always can.
pub fn to_string(document: &impl Serialize) -> String {
    let value = serde_json::to_value(document).expect("our own documents are JSON");
    let mut text = String::new();
    write(&value, &mut text);
    text
}

/// SHA-256 of the canonical JSON of a document, hex.
pub fn sha256(document: &impl Serialize) -> String {
    sha256_of_bytes(to_string(document).as_bytes())
}

/// SHA-256 of bytes, hex.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Number(number) => text.push_str(&number_text(number)),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_cached_key(|(key, _)| key.encode_utf16().collect::<Vec<u16>>());
            text.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
    }
}

/// A number as ECMAScript writes it; integers keep all their digits, because versions and byte counts may pass 2^53.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
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
}
