//! JSON Schemas (2020-12) of the documents and of the configuration, generated from their types.
//!
//! A document of any minor version fits: fields may be absent that came later, and others may be there.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::cut_history::CutHistory;
use super::diff::PlanDifference;
use super::error::ErrorDocument;
use super::validation::Validation;
use crate::apply::{Event, PlanCheck};
use crate::formats::{self, Format};
use crate::notify::ToldDocument;
use crate::plan::Plan;
use crate::plan::status::StatusDocument;
use crate::record::RunRecord;

mod configuration;

pub use configuration::configuration;

/// The schema of a stored plan.
pub fn plan() -> Value {
    document::<Plan>("plan", "A stored drsync plan", Some(formats::PLAN))
}

/// The schema of a run record.
pub fn run() -> Value {
    document::<RunRecord>("run", "A drsync run record", Some(formats::RUN))
}

/// The schema of one event, a line of `apply --events`.
pub fn event() -> Value {
    document::<Event>("event", "An event of drsync apply", None)
}

/// The schema of the status document.
pub fn status() -> Value {
    document::<StatusDocument>("status", "A drsync status", Some(formats::STATUS))
}

/// The schema of a check of a stored plan.
pub fn check() -> Value {
    document::<PlanCheck>("check", "A check of a stored drsync plan", Some(formats::CHECK))
}

/// The schema of what changed between two plans.
pub fn diff() -> Value {
    document::<PlanDifference>("diff", "What changed between two drsync plans", Some(formats::DIFF))
}

/// The schema of a history.
pub fn history() -> Value {
    document::<CutHistory>("history", "A drsync history", Some(formats::HISTORY))
}

/// The schema of what `validate` found.
pub fn validation() -> Value {
    let title = "What drsync validate found";
    document::<Validation>("validation", title, Some(formats::VALIDATION))
}

/// The schema of what servers answered to the messages of an apply.
pub fn told_document() -> Value {
    let title = "What servers answered to messages of drsync";
    document::<ToldDocument>("told", title, Some(formats::TOLD))
}

/// The schema of what a command that failed says of it.
pub fn error() -> Value {
    document::<ErrorDocument>("error", "A failure of drsync", Some(formats::ERROR))
}

/// Names a schema; the names are addresses of nothing, so that nobody asks the network for them.
fn id(name: &str) -> String {
    format!("urn:drsync:schema:{name}:1")
}

/// A schema with what stands at its top.
fn named(name: &str, title: &str, body: Map<String, Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(id(name)));
    schema.insert("title".to_owned(), json!(title));
    for (key, value) in body {
        schema.entry(key).or_insert(value);
    }
    Value::Object(schema)
}

/// The schema of a document, with the kind and the major version that it says of itself.
fn document<T: JsonSchema>(name: &str, title: &str, said: Option<Format>) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    RecursiveTransform(plain).transform(&mut schema);
    let mut body = std::mem::take(schema.ensure_object());
    if let Some(format) = said
        && let Some(Value::Object(properties)) = body.get_mut("properties")
    {
        let Format { kind, version: _ } = format;
        let major = format.major();
        let fixed = [
            ("kind", "const", json!(kind)),
            ("format_version", "pattern", json!(format!("^{major}\\.(0|[1-9][0-9]*)$"))),
        ];
        for (property, keyword, value) in fixed {
            if let Some(Value::Object(property)) = properties.get_mut(property) {
                property.insert(keyword.to_owned(), value);
            }
        }
    }
    named(name, title, body)
}

/// Leaves out what only Rust knows: widths of integers, and a default that is nothing.
fn plain(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}
