//! The schema of the configuration, from the table of its keys.
//!
//! It knows the shape of every value and nothing beyond: `drsync validate` has the last word.

use serde_json::{Map, Value, json};

use crate::config::{KEYS, Key, Level, ValueShape};

/// Keys that are comments at every level.
const COMMENT: &str = r"^(\$schema$|//)";

/// Text that is more than blanks.
const FILLED: &str = r"\S";

/// The schema of a configuration file.
pub fn configuration() -> Value {
    let mut body = object(Level::File);
    body.insert(
        "description".to_owned(),
        json!(
            "Numbers may be written as text. $schema and keys that begin with // are ignored at \
             every level; any other unknown key is a mistake."
        ),
    );
    super::named("config", "A drsync configuration", body)
}

/// An object of a level; a key of workspace or group has to be given in the workspace.
fn object(level: Level) -> Map<String, Value> {
    let keys = || KEYS.iter().filter(|key| level.holds(key.level));
    let properties: Map<String, Value> =
        keys().map(|key| (key.name.to_owned(), Value::Object(property(key)))).collect();
    let required: Vec<&str> = keys()
        .filter(|key| key.required && !(level == Level::Group && key.level != Level::Group))
        .map(|key| key.name)
        .collect();
    closed(json!({
        "type": "object",
        "properties": properties,
        "required": required,
    }))
}

/// An object schema that refuses unknown keys other than comments.
fn closed(object: Value) -> Map<String, Value> {
    let mut object = match object {
        Value::Object(object) => object,
        other => unreachable!("{other} is an object"),
    };
    object.insert("patternProperties".to_owned(), json!({ COMMENT: true }));
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

fn property(key: &Key) -> Map<String, Value> {
    let mut property = match value(key.shape) {
        Value::Object(property) => property,
        other => unreachable!("{other} is an object"),
    };
    let meaning = match key.default {
        Some(default) => format!("{}; without it: {default}", key.meaning),
        None => key.meaning.to_owned(),
    };
    property.insert("description".to_owned(), json!(meaning));
    // An example that only hints at its contents is none for a program.
    if let Ok(example) = serde_json::from_str::<Value>(key.example)
        && !key.example.contains('…')
    {
        property.insert("examples".to_owned(), json!([example]));
    }
    property
}

fn value(shape: ValueShape) -> Value {
    let text = json!({ "type": "string", "pattern": FILLED });
    match shape {
        ValueShape::Text => text,
        ValueShape::TextOrEmpty => json!({ "type": "string" }),
        ValueShape::Number(least, greatest) => json!({
            "anyOf": [
                { "type": "integer", "minimum": least, "maximum": greatest },
                { "type": "string", "pattern": "^[0-9]+$" },
            ]
        }),
        ValueShape::Entries(level) => {
            json!({ "type": "array", "minItems": 1, "items": object(level) })
        }
        ValueShape::Texts => {
            json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": text })
        }
        ValueShape::TextOrTexts => json!({
            "anyOf": [
                text,
                { "type": "array", "minItems": 1, "uniqueItems": true, "items": text },
            ]
        }),
        ValueShape::TextByName => json!({
            "type": "object",
            "patternProperties": { COMMENT: true },
            "additionalProperties": text,
        }),
        ValueShape::Object(level) => Value::Object(object(level)),
        ValueShape::EntriesOrNone(level) => json!({ "type": "array", "items": object(level) }),
        ValueShape::Choice(choices) => json!({ "enum": choices }),
        ValueShape::Choices(choices) => {
            json!({ "type": "array", "minItems": 1, "items": { "enum": choices } })
        }
    }
}
