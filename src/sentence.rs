//! A sentence for people. Pure.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A sentence for people: it is made, shown and stored, and nobody looks into it. Whoever decides by what it tells of has that as
/// a field beside it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sentence(String);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Sentence {
        Sentence(text)
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Sentence {
        Sentence(text.to_owned())
    }
}

impl From<&String> for Sentence {
    fn from(text: &String) -> Sentence {
        Sentence(text.clone())
    }
}

/// For tests, which hold a whole sentence against the one that they expect.
impl PartialEq<str> for Sentence {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// The same of a text that is borrowed.
impl PartialEq<&str> for Sentence {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// A text in documents.
impl JsonSchema for Sentence {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_stored_and_shown_as_its_text() {
        let sentence: Sentence = serde_json::from_str("\"a table is missing\"").unwrap();
        assert_eq!(sentence.to_string(), "a table is missing");
        assert_eq!(format!("{sentence:?}"), "\"a table is missing\"");
        assert_eq!(serde_json::to_string(&sentence).unwrap(), "\"a table is missing\"");
    }
}
