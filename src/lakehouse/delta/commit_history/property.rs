//! Commits that give a table one property and change nothing else: by their actions, whatever they call themselves.

use serde_json::Value;

use super::super::action::Raw;
use super::super::error::{DeltaError, Result};
use super::super::log::{Versions, commit_file, commit_path};
use super::super::replay::snapshot_of;
use super::super::state::SnapshotDetail;
use super::super::store::{Lines, TableStore};

/// The value that a commit gives a property, where it changes nothing else.
pub(in super::super) fn set_alone(
    store: &TableStore,
    log: &Versions,
    version: u64,
    property: &str,
) -> Result<Option<String>> {
    let (Some(set), Some(before)) = (metadata_alone(store, version)?, version.checked_sub(1))
    else {
        return Ok(None);
    };
    let before = snapshot_of(store, log, Some(before), SnapshotDetail::Header)?;
    if without(&set, property) != without(&before.metadata.0, property) {
        return Ok(None);
    }
    let value = set.get("configuration").and_then(|all| all.get(property)?.as_str());
    Ok(value.map(str::to_owned))
}

/// The metadata that a commit sets, where that is all that it does.
fn metadata_alone(store: &TableStore, version: u64) -> Result<Option<Raw>> {
    let file = commit_file(version);
    let mut lines = Lines::of(store.read(&commit_path(version))?, &file);
    let mut found = None;
    while let Some((number, line)) = lines.next()? {
        let action: Raw = serde_json::from_slice(line)
            .map_err(|error| DeltaError::corrupt(&file, format!("line {number}: {error}")))?;
        for (kind, value) in action {
            match (kind.as_str(), value) {
                ("commitInfo", _) => {}
                ("metaData", Value::Object(set)) if found.is_none() => found = Some(set),
                (_, _) => return Ok(None),
            }
        }
    }
    Ok(found)
}

/// What metadata says but for one property, however a writer spells it.
fn without(metadata: &Raw, property: &str) -> Raw {
    let mut said = metadata.clone();
    said.retain(|_, value| !value.is_null());
    if let Some(Value::Object(properties)) = said.get_mut("configuration") {
        properties.remove(property);
    }
    let schema = said.get("schemaString").and_then(Value::as_str);
    if let Some(schema) = schema.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        said.insert("schemaString".to_owned(), schema);
    }
    said
}
