//! The columns of a table as its log tells of them, while they change: added, renamed, dropped, given names of their own in files.
//! Pure.

use serde_json::{Value, json};

use super::action::{Metadata, Raw};
use super::error::{DeltaError, Result};

/// The property with the highest id that a column ever had: ids are not given twice.
const MAX_ID: &str = "delta.columnMapping.maxColumnId";
/// Where a column's id stands in the metadata of its field.
const ID: &str = "delta.columnMapping.id";
/// Where the name stands that files give a column.
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// The columns of a table, to be changed.
#[derive(Debug, Clone)]
pub struct TableColumns {
    schema: Value,
    partition_by: Vec<String>,
    /// The highest id so far; `None`: files call columns as the table does.
    max_id: Option<i64>,
}

/// Where a new column stands among its siblings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnPlace {
    /// Behind all others.
    Last,
    /// Before all others.
    First,
    /// Behind the one of this name.
    After(String),
}

/// Why columns cannot be changed as they were to be; with the path of the column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnObstacle {
    /// There is none at this path.
    Missing(Vec<String>),
    /// There is one at this path.
    There(Vec<String>),
    /// What is at this path has no fields.
    NoStruct(Vec<String>),
    /// It has no sibling that would stay.
    Only(Vec<String>),
}

impl TableColumns {
    /// The columns that a table's metadata tells of.
    ///
    /// # Errors
    /// If they are not the JSON that a log has.
    pub fn of(metadata: &Metadata) -> Result<TableColumns> {
        let schema: Value = serde_json::from_str(metadata.schema_string())
            .map_err(|error| DeltaError::corrupt("the schema", error))?;
        let said = metadata.property(MAX_ID).and_then(|id| id.parse().ok()).unwrap_or(0);
        let max_id = metadata.maps_columns().then(|| highest(&schema).max(said));
        let partition_by = metadata.partition_columns().into_iter().map(str::to_owned).collect();
        Ok(TableColumns { schema, partition_by, max_id })
    }

    /// The same columns in another metadata of their table.
    #[must_use]
    pub fn into_metadata(self, mut metadata: Raw) -> Raw {
        let TableColumns { schema, partition_by, max_id } = self;
        metadata.insert("schemaString".to_owned(), schema.to_string().into());
        metadata.insert("partitionColumns".to_owned(), json!(partition_by));
        if let Some(id) = max_id {
            let configuration = metadata.entry("configuration").or_insert_with(|| json!({}));
            configuration[MAX_ID] = id.to_string().into();
        }
        metadata
    }

    /// Whether a column of the table's own is one by which it is partitioned.
    pub fn partitions_by(&self, path: &[String]) -> bool {
        matches!(path, [name] if self.partition_by.iter().any(|it| it.eq_ignore_ascii_case(name)))
    }

    /// The field at a path, as the log has it.
    pub fn field(&self, path: &[String]) -> Option<&Value> {
        let (name, above) = path.split_last()?;
        let fields = fields_at(&self.schema, above).ok()?;
        fields.get(position(fields, name)?)
    }

    /// Adds a nullable column; the path goes through structs by the names of their fields, and through lists by `element`.
    ///
    /// # Errors
    /// If it is there, or has no parent.
    pub fn add(
        &mut self,
        path: &[String],
        kind: Value,
        comment: Option<&str>,
        place: &ColumnPlace,
    ) -> Result<(), ColumnObstacle> {
        let (name, above) = parted(path)?;
        let fields = fields_at_mut(&mut self.schema, above)?;
        if position(fields, name).is_some() {
            return Err(ColumnObstacle::There(path.to_vec()));
        }
        let at = match place {
            ColumnPlace::Last => fields.len(),
            ColumnPlace::First => 0,
            ColumnPlace::After(sibling) => {
                let before = position(fields, sibling);
                let of = || [above, std::slice::from_ref(sibling)].concat();
                before.ok_or_else(|| ColumnObstacle::Missing(of()))? + 1
            }
        };
        let metadata = comment.map_or_else(|| json!({}), |comment| json!({ "comment": comment }));
        let mut field =
            json!({ "name": name, "type": kind, "nullable": true, "metadata": metadata });
        if let Some(max_id) = &mut self.max_id {
            give_names(&mut field, max_id, NameInFiles::Anew);
        }
        fields.insert(at, field);
        Ok(())
    }

    /// Gives a column another name. What files call it stays.
    ///
    /// # Errors
    /// If there is no such column, or another one of that name.
    pub fn rename(&mut self, path: &[String], to: &str) -> Result<(), ColumnObstacle> {
        let (name, above) = parted(path)?;
        let fields = fields_at_mut(&mut self.schema, above)?;
        let at = position(fields, name).ok_or_else(|| ColumnObstacle::Missing(path.to_vec()))?;
        // One that differs in case alone is the same column.
        if position(fields, to).is_some_and(|other| other != at) {
            return Err(ColumnObstacle::There([above, &[to.to_owned()]].concat()));
        }
        fields[at]["name"] = to.into();
        if above.is_empty() {
            let partitions = self.partition_by.iter_mut();
            for column in partitions.filter(|it| it.eq_ignore_ascii_case(name)) {
                to.clone_into(column);
            }
        }
        Ok(())
    }

    /// Takes a column out. What files have of it stays in them.
    ///
    /// # Errors
    /// If there is no such column, or no other beside it.
    pub fn remove(&mut self, path: &[String]) -> Result<(), ColumnObstacle> {
        let (name, above) = parted(path)?;
        let fields = fields_at_mut(&mut self.schema, above)?;
        let at = position(fields, name).ok_or_else(|| ColumnObstacle::Missing(path.to_vec()))?;
        if fields.len() == 1 {
            return Err(ColumnObstacle::Only(path.to_vec()));
        }
        fields.remove(at);
        Ok(())
    }

    /// Gives every column an id and a name in files, where it has none: its own in a table that has files, else a new one.
    pub fn map(&mut self, has_files: bool) {
        let mut max_id = self.max_id.unwrap_or_else(|| highest(&self.schema));
        let named = if has_files { NameInFiles::AsBefore } else { NameInFiles::Anew };
        each_field(&mut self.schema, &mut |field| give_names(field, &mut max_id, named));
        self.max_id = Some(max_id);
    }
}

/// Which name a column gets in files.
#[derive(Debug, Clone, Copy)]
enum NameInFiles {
    AsBefore,
    Anew,
}

fn parted(path: &[String]) -> Result<(&str, &[String]), ColumnObstacle> {
    let (name, above) = path.split_last().ok_or_else(|| ColumnObstacle::Missing(Vec::new()))?;
    Ok((name, above))
}

/// The place of a field; names differ in more than case.
fn position(fields: &[Value], name: &str) -> Option<usize> {
    let named = |field: &Value| {
        field.get("name").and_then(Value::as_str).is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    fields.iter().position(named)
}

/// The key under which a type has the type of one of its parts, where that is no field.
fn part(kind: &Value, step: &str) -> Option<&'static str> {
    match (kind.get("type").and_then(Value::as_str)?, step) {
        ("array", "element") => Some("elementType"),
        ("map", "key") => Some("keyType"),
        ("map", "value") => Some("valueType"),
        _ => None,
    }
}

fn fields_at<'a>(schema: &'a Value, above: &[String]) -> Result<&'a Vec<Value>, ColumnObstacle> {
    let mut at = schema;
    for (step, name) in above.iter().enumerate() {
        let path = || above[..=step].to_vec();
        at = match part(at, name) {
            Some(key) => &at[key],
            None => {
                let fields = at.get("fields").and_then(Value::as_array);
                let fields =
                    fields.ok_or_else(|| ColumnObstacle::NoStruct(above[..step].to_vec()))?;
                let found =
                    position(fields, name).ok_or_else(|| ColumnObstacle::Missing(path()))?;
                &fields[found]["type"]
            }
        };
    }
    let fields = at.get("fields").and_then(Value::as_array);
    fields.ok_or_else(|| ColumnObstacle::NoStruct(above.to_vec()))
}

fn fields_at_mut<'a>(
    schema: &'a mut Value,
    above: &[String],
) -> Result<&'a mut Vec<Value>, ColumnObstacle> {
    // What is not there is told by the same walk without a right to change.
    fields_at(schema, above)?;
    let mut at = schema;
    for name in above {
        at = match part(at, name) {
            Some(key) => &mut at[key],
            None => {
                let fields = at["fields"].as_array_mut().expect("it was walked just now");
                let found = position(fields, name).expect("it was walked just now");
                &mut fields[found]["type"]
            }
        };
    }
    Ok(at["fields"].as_array_mut().expect("it was walked just now"))
}

/// Does something with every field of a type, parents first.
fn each_field(kind: &mut Value, each: &mut impl FnMut(&mut Value)) {
    for field in kind.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
        each(field);
        if let Some(kind) = field.get_mut("type") {
            each_field(kind, each);
        }
    }
    for key in ["elementType", "keyType", "valueType"] {
        if let Some(kind) = kind.get_mut(key).filter(|kind| kind.is_object()) {
            each_field(kind, each);
        }
    }
}

/// The highest id of a column.
fn highest(schema: &Value) -> i64 {
    let mut highest = 0;
    each_field(&mut schema.clone(), &mut |field| {
        highest = highest.max(field["metadata"][ID].as_i64().unwrap_or(0));
    });
    highest
}

/// Gives a field, and those in it, an id and a name in files, where it has none.
fn give_names(field: &mut Value, max_id: &mut i64, named: NameInFiles) {
    let name = field["name"].clone();
    if !field.get("metadata").is_some_and(Value::is_object) {
        field["metadata"] = json!({});
    }
    let metadata = &mut field["metadata"];
    if metadata.get(ID).is_none() {
        *max_id += 1;
        metadata[ID] = (*max_id).into();
    }
    if metadata.get(PHYSICAL_NAME).is_none() {
        metadata[PHYSICAL_NAME] = match named {
            NameInFiles::AsBefore => name,
            NameInFiles::Anew => format!("col-{}", uuid::Uuid::new_v4()).into(),
        };
    }
    if let Some(kind) = field.get_mut("type").filter(|kind| kind.is_object()) {
        each_field(kind, &mut |field| give_names(field, max_id, named));
    }
}

/// What files call a field, and its id there.
pub(super) fn in_files(field: &Value) -> (Option<&str>, Option<i64>) {
    let said = |key: &str| field.get("metadata").and_then(|metadata| metadata.get(key));
    (said(PHYSICAL_NAME).and_then(Value::as_str), said(ID).and_then(Value::as_i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lakehouse::delta::action::MAPPING_MODE;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    /// A table of an id, a struct in a list, and a partition.
    fn table(mode: &str) -> Metadata {
        let field = |name: &str, kind: Value| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
        let inner = json!({"type": "struct", "fields": [field("sku", "string".into())]});
        let items = json!({"type": "array", "elementType": inner, "containsNull": true});
        let schema = json!({"type": "struct", "fields": [
            field("id", "long".into()), field("items", items), field("day", "string".into()),
        ]});
        let metadata = json!({
            "schemaString": schema.to_string(), "partitionColumns": ["day"], "configuration": {MAPPING_MODE: mode},
        });
        Metadata(serde_json::from_value(metadata).unwrap())
    }

    fn after(metadata: &Metadata, change: impl FnOnce(&mut TableColumns)) -> Metadata {
        let mut columns = TableColumns::of(metadata).unwrap();
        change(&mut columns);
        Metadata(columns.into_metadata(metadata.0.clone()))
    }

    fn names(metadata: &Metadata) -> Vec<(String, Option<String>, Option<i64>)> {
        let mut schema: Value = serde_json::from_str(metadata.schema_string()).unwrap();
        let mut found = Vec::new();
        each_field(&mut schema, &mut |field| {
            let (name, id) = in_files(field);
            found.push((field["name"].as_str().unwrap().to_owned(), name.map(str::to_owned), id));
        });
        found
    }

    #[test]
    fn columns_of_a_table_with_files_keep_their_names_there_and_get_ids_parents_first() {
        let mapped = after(&table("name"), |columns| columns.map(true));
        let named: Vec<_> = names(&mapped);
        let expected = [("id", 1), ("items", 2), ("sku", 3), ("day", 4)]
            .map(|(name, id)| (name.to_owned(), Some(name.to_owned()), Some(id)));
        assert_eq!(named, expected);
        assert_eq!(mapped.property(MAX_ID), Some("4"));
    }

    #[test]
    fn a_column_that_is_renamed_keeps_its_name_in_files_and_a_new_one_never_gets_an_id_again() {
        let mapped = after(&table("name"), |columns| columns.map(true));
        let changed = after(&mapped, |columns| {
            columns.rename(&path("day"), "date").unwrap();
            columns.rename(&path("items.element.sku"), "article").unwrap();
            columns.remove(&path("id")).unwrap();
        });
        assert_eq!(changed.partition_columns(), ["date"]);
        let named = names(&changed);
        assert_eq!(named[2], ("date".to_owned(), Some("day".to_owned()), Some(4)));
        assert_eq!(named[1], ("article".to_owned(), Some("sku".to_owned()), Some(3)));
        let dropped = after(&changed, |columns| columns.remove(&path("date")).unwrap());
        let added = after(&dropped, |columns| {
            columns.add(&path("note"), "string".into(), Some("why"), &ColumnPlace::First).unwrap();
        });
        let (name, in_files, id) = names(&added).remove(0);
        assert_eq!((name.as_str(), id), ("note", Some(5)));
        assert!(in_files.unwrap().starts_with("col-"));
        assert_eq!(added.property(MAX_ID), Some("5"));
    }

    #[test]
    fn what_is_there_or_missing_or_alone_is_said_by_its_path() {
        let mut columns = TableColumns::of(&table("none")).unwrap();
        let mut add = |text: &str, place| columns.add(&path(text), "long".into(), None, &place);
        assert_eq!(add("ID", ColumnPlace::Last), Err(ColumnObstacle::There(path("ID"))));
        assert_eq!(add("a.b", ColumnPlace::Last), Err(ColumnObstacle::Missing(path("a"))));
        assert_eq!(add("id.b", ColumnPlace::Last), Err(ColumnObstacle::NoStruct(path("id"))));
        let after = ColumnPlace::After("nope".to_owned());
        assert_eq!(add("b", after), Err(ColumnObstacle::Missing(path("nope"))));
        assert_eq!(add("items.element.n", ColumnPlace::First), Ok(()));
        assert_eq!(columns.field(&path("items.element.n")).unwrap()["metadata"], json!({}));
        assert_eq!(columns.rename(&path("id"), "DAY"), Err(ColumnObstacle::There(path("DAY"))));
        assert_eq!(columns.rename(&path("id"), "Id"), Ok(()));
        assert_eq!(columns.remove(&path("items.element.n")), Ok(()));
        let alone = path("items.element.sku");
        assert_eq!(columns.remove(&alone), Err(ColumnObstacle::Only(alone.clone())));
    }
}
