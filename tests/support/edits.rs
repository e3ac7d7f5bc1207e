//! Every edit of one value of a plan, with digests that are recomputed as someone would who may write the file.

use std::collections::BTreeMap;

use chrono::Duration;
use drsync::plan::{Plan, StoredPlan, StoredPlanError};
use serde_json::{Value, json};

/// A document whose digests are those of what it says, as someone would make it who knows how they are computed.
pub(crate) fn resealed(mut document: Value) -> Result<StoredPlan, StoredPlanError> {
    let Ok(plan) = serde_json::from_value::<Plan>(document.clone()) else {
        return Err(StoredPlanError::Unreadable("no plan".to_owned()));
    };
    document["effect_sha256"] = plan.sealed().effect_sha256.into();
    let mut bare = document.clone();
    for digest in ["effect_sha256", "document_sha256"] {
        bare.as_object_mut().unwrap().shift_remove(digest);
    }
    document["document_sha256"] = drsync::canonical::sha256(&bare).into();
    StoredPlan::read(&serde_json::to_vec(&document).unwrap())
}

/// A value at its place: the keys that lead to it, and the same without numbers, `groups[].steps[].action`.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) pointer: String,
    pub(crate) field: String,
}

fn places(value: &Value, at: &Place, found: &mut Vec<Place>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let dot = if at.field.is_empty() { "" } else { "." };
                let here = Place {
                    pointer: format!(
                        "{}/{}",
                        at.pointer,
                        key.replace('~', "~0").replace('/', "~1")
                    ),
                    field: format!("{}{dot}{key}", at.field),
                };
                places(value, &here, found);
            }
        }
        Value::Array(items) => {
            found.push(at.clone());
            for (index, item) in items.iter().enumerate() {
                let here = Place {
                    pointer: format!("{}/{index}", at.pointer),
                    field: format!("{}[]", at.field),
                };
                places(item, &here, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(at.clone())
        }
    }
}

/// Other values that could stand in a place: of its own kind, and those that stand in such a place elsewhere.
fn others(value: &Value, elsewhere: &[Value]) -> Vec<Value> {
    let mut others = match value {
        Value::Null => vec![json!(1), json!("x"), json!(true)],
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![json!(number + 1), json!(0), Value::Null]
        }
        Value::String(text) => {
            let mut others = vec![json!(format!("{text}x")), json!(""), Value::Null];
            if let Ok(moment) = text.parse::<chrono::DateTime<chrono::Utc>>() {
                for hours in [-1, 24 * 365] {
                    let moved = moment + Duration::hours(hours);
                    others.push(json!(drsync::moment::text(moved)));
                }
            }
            others
        }
        Value::Array(items) => {
            let mut others = vec![json!([])];
            if let [first, rest @ ..] = items.as_slice() {
                others.push(json!(rest));
                others.push(json!([items.as_slice(), std::slice::from_ref(first)].concat()));
            }
            if items.len() > 1 {
                others.push(json!(items.iter().rev().collect::<Vec<_>>()));
            }
            others
        }
        Value::Object(_) => vec![],
    };
    others.extend(elsewhere.iter().filter(|other| other.is_string()).cloned());
    let mut seen = vec![value.clone()];
    others.retain(|other| {
        let new = !seen.contains(other);
        seen.push(other.clone());
        new
    });
    others
}

/// Every edit of one value: where, and the document with it.
pub(crate) fn edits(document: &Value) -> Vec<(Place, Value)> {
    let mut found = Vec::new();
    let root = Place { pointer: String::new(), field: String::new() };
    places(document, &root, &mut found);
    let mut by_field: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for place in &found {
        let value = document.pointer(&place.pointer).unwrap().clone();
        by_field.entry(&place.field).or_default().push(value);
    }
    let mut edits = Vec::new();
    for place in &found {
        let value = document.pointer(&place.pointer).unwrap();
        for other in others(value, &by_field[place.field.as_str()]) {
            let mut edited = document.clone();
            *edited.pointer_mut(&place.pointer).unwrap() = other;
            edits.push((place.clone(), edited));
        }
    }
    edits
}
