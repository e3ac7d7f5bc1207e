//! How the columns of two versions of a table differ, from Delta's schemas in JSON. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::region::{ColumnChange, SchemaChange};

/// Columns that are told one by one: enough to judge a change, little enough for a plan of thousands of tables.
const TOLD_MAX: usize = 100;
/// Letters of a type that are told.
const TYPE_MAX: usize = 200;

/// A column, or a part of one: its type, and whether it may be null.
#[derive(Clone, Copy)]
struct Column<'a> {
    kind: &'a Value,
    nullable: bool,
}

/// Compares two `schemaString`s; `None`: one of them is no schema.
pub(super) fn changes(before: &str, after: &str) -> Option<SchemaChange> {
    let before: Value = serde_json::from_str(before).ok()?;
    let after: Value = serde_json::from_str(after).ok()?;
    let (before, after) = (required(&before), required(&after));
    if word(before.kind) != "struct" || word(after.kind) != "struct" {
        return None;
    }
    let mut columns = Vec::new();
    inside(None, before, after, &mut columns);
    columns.sort_by(|a, b| a.column.cmp(&b.column));
    let more = columns.len().saturating_sub(TOLD_MAX) as u64;
    columns.truncate(TOLD_MAX);
    Some(SchemaChange { columns, more })
}

fn required(kind: &Value) -> Column<'_> {
    Column { kind, nullable: false }
}

/// The name of a type: `long`, `decimal(10,2)`, `struct`, `array`, `map`.
fn word(kind: &Value) -> &str {
    let named = kind.as_str().or_else(|| kind.get("type")?.as_str());
    named.unwrap_or("unknown")
}

/// The parts of a type by name; a type without parts has none.
fn parts(kind: &Value) -> BTreeMap<&str, Column<'_>> {
    let flag = |of: &Value, key: &str| of.get(key).and_then(Value::as_bool).unwrap_or(true);
    let part = |key: &str, nullable: bool| Column {
        kind: kind.get(key).unwrap_or(&Value::Null),
        nullable,
    };
    match word(kind) {
        "struct" => {
            let fields = kind.get("fields").and_then(Value::as_array);
            let named = fields.into_iter().flatten().filter_map(|field| {
                let column = Column { kind: field.get("type")?, nullable: flag(field, "nullable") };
                Some((field.get("name")?.as_str()?, column))
            });
            named.collect()
        }
        "array" => BTreeMap::from([("element", part("elementType", flag(kind, "containsNull")))]),
        "map" => BTreeMap::from([
            ("key", part("keyType", false)),
            ("value", part("valueType", flag(kind, "valueContainsNull"))),
        ]),
        _ => BTreeMap::new(),
    }
}

/// Compares the parts of two types of one kind.
fn inside(
    path: Option<&str>,
    before: Column<'_>,
    after: Column<'_>,
    found: &mut Vec<ColumnChange>,
) {
    let (before, after) = (parts(before.kind), parts(after.kind));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for name in names {
        let column = match path {
            Some(path) => format!("{path}.{name}"),
            None => name.to_owned(),
        };
        compare(column, before.get(name).copied(), after.get(name).copied(), found);
    }
}

fn compare(
    column: String,
    before: Option<Column<'_>>,
    after: Option<Column<'_>>,
    found: &mut Vec<ColumnChange>,
) {
    let (Some(old), Some(new)) = (before, after) else {
        found.push(ColumnChange { column, before: before.map(whole), after: after.map(whole) });
        return;
    };
    let same = word(old.kind) == word(new.kind);
    if !same || old.nullable != new.nullable {
        // Of a struct that stays one, the parts are told by themselves.
        let text = |column: Column<'_>| {
            if same { describe_type(word(column.kind), column.nullable) } else { whole(column) }
        };
        found.push(ColumnChange {
            column: column.clone(),
            before: Some(text(old)),
            after: Some(text(new)),
        });
    }
    if same {
        inside(Some(&column), old, new, found);
    }
}

/// A column's whole type.
fn whole(column: Column<'_>) -> String {
    describe_type(&text(column.kind), column.nullable)
}

fn describe_type(kind: &str, nullable: bool) -> String {
    let kind = match kind.char_indices().nth(TYPE_MAX) {
        Some((at, _)) => format!("{}…", &kind[..at]),
        None => kind.to_owned(),
    };
    if nullable { kind } else { format!("{kind} not null") }
}

/// A type as SQL writes it, with Delta's names of simple types.
fn text(kind: &Value) -> String {
    let parts = parts(kind);
    let inner: Vec<String> = match word(kind) {
        "struct" => {
            parts.into_iter().map(|(name, part)| format!("{name}: {}", whole(part))).collect()
        }
        "array" | "map" => parts
            .into_iter()
            .map(|(name, part)| match name {
                "key" => text(part.kind),
                _ => whole(part),
            })
            .collect(),
        simple => return simple.to_owned(),
    };
    format!("{}<{}>", word(kind), inner.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, kind: Value, nullable: bool) -> Value {
        json!({"name": name, "type": kind, "nullable": nullable, "metadata": {}})
    }

    fn schema(fields: Vec<Value>) -> Value {
        json!({"type": "struct", "fields": fields})
    }

    /// Each change as `column: before -> after`.
    fn list_changes(before: &Value, after: &Value) -> Vec<String> {
        let change = changes(&before.to_string(), &after.to_string()).unwrap();
        let none = || "-".to_owned();
        let columns = change.columns.into_iter();
        columns
            .map(|one| {
                let (before, after) =
                    (one.before.unwrap_or_else(none), one.after.unwrap_or_else(none));
                format!("{}: {before} -> {after}", one.column)
            })
            .collect()
    }

    #[test]
    fn columns_are_added_removed_and_changed() {
        let before = schema(vec![
            field("id", json!("long"), false),
            field("old", json!("string"), true),
            field("qty", json!("integer"), true),
            field("note", json!("string"), true),
        ]);
        let after = schema(vec![
            field("note", json!("string"), false),
            field("qty", json!("long"), true),
            field("id", json!("long"), false),
            field("amount", json!("decimal(10,2)"), true),
        ]);
        assert_eq!(
            list_changes(&before, &after),
            [
                "amount: - -> decimal(10,2)",
                "note: string -> string not null",
                "old: string -> -",
                "qty: integer -> long"
            ]
        );
        assert_eq!(list_changes(&after, &after), Vec::<String>::new());
    }

    #[test]
    fn what_is_inside_a_column_has_its_path() {
        let item = |price: &str| schema(vec![field("price", json!(price), true)]);
        let list = |price: &str, nullable: bool| json!({"type": "array", "elementType": item(price), "containsNull": nullable});
        let tags = json!({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": false});
        let before = schema(vec![field("items", list("float", true), true)]);
        let after = schema(vec![
            field("items", list("double", false), true),
            field("tags", tags, true),
            field("who", item("string"), false),
        ]);
        assert_eq!(
            list_changes(&before, &after),
            [
                "items.element: struct -> struct not null",
                "items.element.price: float -> double",
                "tags: - -> map<string, long not null>",
                "who: - -> struct<price: string> not null"
            ]
        );
        let plain = schema(vec![field("items", json!("string"), true)]);
        assert_eq!(list_changes(&before, &plain), ["items: array<struct<price: float>> -> string"]);
    }

    #[test]
    fn a_thousand_changes_are_a_hundred_and_a_count() {
        let wide = (0..1_000).map(|at| field(&format!("c{at:04}"), json!("long"), true));
        let (none, wide) = (schema(vec![]), schema(wide.collect()));
        let change = changes(&none.to_string(), &wide.to_string()).unwrap();
        assert_eq!((change.columns.len(), change.more), (100, 900));
        let deep = field("deep", wide, true);
        let change = changes(&none.to_string(), &schema(vec![deep]).to_string()).unwrap();
        assert!(change.columns[0].after.as_ref().unwrap().len() < 250);
    }

    #[test]
    fn what_is_no_schema_is_not_known() {
        let good = schema(vec![]).to_string();
        for bad in ["", "{}", "[1]", "null"] {
            let known = changes(bad, &good).or_else(|| changes(&good, bad));
            assert_eq!(known, None, "{bad}");
        }
    }
}
