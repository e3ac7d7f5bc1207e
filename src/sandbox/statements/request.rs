//! What a submission says of its values and of how its result is wanted.

use std::collections::BTreeMap;

use arrow_array::ArrayRef;
use chrono_tz::Tz;
use serde_json::Value;

use super::result::{Disposition, ResultShape};
use crate::sandbox::Site;
use crate::sandbox::http::{HttpRefusal, text};
use crate::sandbox::sql::marker;

pub(super) fn shape(site: &Site, request: &Value) -> Result<ResultShape, HttpRefusal> {
    let said = |name: &str| request.get(name).and_then(Value::as_str);
    let disposition = match said("disposition") {
        None | Some("INLINE") => Disposition::Inline,
        Some("EXTERNAL_LINKS") => Disposition::Links,
        Some("INLINE_OR_EXTERNAL_LINKS") => Disposition::InlineOrLinks,
        Some(other) => {
            return Err(HttpRefusal::bad(format!(
                "The disposition {other} is not supported by this sandbox: INLINE, EXTERNAL_LINKS and INLINE_OR_EXTERNAL_LINKS are."
            )));
        }
    };
    let arrow = match said("format") {
        None | Some("JSON_ARRAY") => false,
        Some("ARROW_STREAM") if disposition != Disposition::Inline => true,
        Some("ARROW_STREAM") => {
            return Err(HttpRefusal::bad(
                "The format ARROW_STREAM needs the disposition EXTERNAL_LINKS or INLINE_OR_EXTERNAL_LINKS.",
            ));
        }
        Some(other) => {
            return Err(HttpRefusal::bad(format!(
                "The format {other} is not supported by this sandbox: JSON_ARRAY and ARROW_STREAM are."
            )));
        }
    };
    let quirks = &site.workspace.quirks;
    Ok(ResultShape {
        disposition,
        arrow,
        row_limit: limit(request, "row_limit")?,
        byte_limit: limit(request, "byte_limit")?,
        chunk_rows: quirks.chunk_rows.max(1),
        inline_bytes: quirks.inline_bytes,
        zone: quirks.time_zone,
    })
}

/// How much of a result is wanted at most; where nothing is said, all of it.
fn limit(request: &Value, name: &str) -> Result<usize, HttpRefusal> {
    let said = match request.get(name) {
        None | Some(Value::Null) => return Ok(usize::MAX),
        Some(said) => said,
    };
    match said.as_i64().and_then(|limit| usize::try_from(limit).ok()) {
        Some(limit @ 1..) => Ok(limit),
        _ => Err(HttpRefusal::bad(format!("{name} must be a whole number from 1, not {said}."))),
    }
}

pub(super) fn markers(
    request: &Value,
    zone: Tz,
) -> Result<BTreeMap<String, ArrayRef>, HttpRefusal> {
    let parameters = match request.get("parameters") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(parameters)) => parameters.as_slice(),
        Some(other) => {
            return Err(HttpRefusal::bad(format!(
                "parameters must be a list of {{\"name\", \"value\", \"type\"}}, not {other}."
            )));
        }
    };
    let mut markers = BTreeMap::new();
    for parameter in parameters {
        let name = text(parameter, "name")?;
        let said = |key: &str| member(parameter, name, key);
        let value = marker(said("value")?, said("type")?, zone).map_err(|error| {
            HttpRefusal::bad(format!("The parameter {name} cannot be read: {}", error.message))
        })?;
        if markers.insert(name.to_owned(), value).is_some() {
            return Err(HttpRefusal::bad(format!("The parameter {name} is given more than once.")));
        }
    }
    Ok(markers)
}

/// A member of a parameter, which is a text or not there: the service takes no other JSON, numbers included.
fn member<'a>(parameter: &'a Value, name: &str, key: &str) -> Result<Option<&'a str>, HttpRefusal> {
    match parameter.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(HttpRefusal::bad(format!(
            "The {key} {other} of the parameter {name} is not a string: send \"{}\".",
            other.to_string().replace('"', "\\\"")
        ))),
    }
}
