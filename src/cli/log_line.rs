//! A line of a log as an object, where that is asked for.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The clock of whoever wants objects.
static OBJECTS: OnceLock<Now> = OnceLock::new();

/// From now on every line is an object.
pub(super) fn write_objects(now: Now) {
    // Whoever wanted them before wants them still.
    let _ = OBJECTS.set(now);
}

/// Whether every line is an object.
pub(super) fn are_objects() -> bool {
    OBJECTS.get().is_some()
}

/// The object of a line for people; `None`: it is written as it is.
pub(super) fn of_text(text: &str) -> Option<String> {
    let now = OBJECTS.get()?;
    let mut fields = Map::new();
    fields.insert("message".to_owned(), text.trim_end().into());
    Some(object(now(), "info", fields))
}

/// An object of one line.
pub(super) fn object(at: DateTime<Utc>, level: &str, fields: Map<String, Value>) -> String {
    let mut line = Map::new();
    line.insert("at".to_owned(), at.to_rfc3339_opts(SecondsFormat::Millis, true).into());
    line.insert("level".to_owned(), level.into());
    line.extend(fields);
    crate::harmless::json(&Value::Object(line).to_string()).into_owned()
}
