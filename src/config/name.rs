//! Names of tables and workflows as a configuration gives them, and as a catalog resolves them. Pure.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::sentence::Sentence;
use crate::text::{identifier, identifier_short};

/// A name that could not be read: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NameError {
    /// What is wrong, a lowercase fragment.
    pub message: Sentence,
    /// What to do about it.
    pub remedy: Option<Sentence>,
}

/// A table as it is written: `table`, `schema.table` or `catalog.schema.table`. Compared without case.
#[derive(Debug, Clone)]
pub struct TableRef {
    parts: Vec<String>,
}

/// A table's full name. Compared without case, shown as it is spelled.
#[derive(Debug, Clone)]
pub struct TableName {
    /// The catalog.
    pub catalog: String,
    /// The schema.
    pub schema: String,
    /// The table itself.
    pub table: String,
}

/// A workflow as it is written: a job's name, or `id:<job id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkflowRef {
    /// The job of this name.
    Name(String),
    /// The job of this id.
    Id(i64),
}

impl TableRef {
    /// Reads one to three parts, parted by dots; backticks keep dots and blanks inside a part.
    pub fn parse(text: &str) -> Result<TableRef, NameError> {
        parts(text).map(|parts| TableRef { parts })
    }

    /// The one to three parts, outermost first, without backticks.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The full name, with the catalog and schema that short names have.
    pub fn resolve(&self, default_catalog: &str, default_schema: &str) -> TableName {
        match self.parts.as_slice() {
            [catalog, schema, table] => TableName::new(catalog, schema, table),
            [schema, table] => TableName::new(default_catalog, schema, table),
            parts => TableName::new(default_catalog, default_schema, parts.join(".")),
        }
    }
}

impl TableName {
    /// Puts the three parts together as they are; none may be empty.
    pub fn new(
        catalog: impl Into<String>,
        schema: impl Into<String>,
        table: impl Into<String>,
    ) -> TableName {
        TableName { catalog: catalog.into(), schema: schema.into(), table: table.into() }
    }

    /// Reads a full name, `catalog.schema.table`, as `Display` writes it.
    pub fn parse(text: &str) -> Result<TableName, NameError> {
        let [catalog, schema, table] =
            <[String; 3]>::try_from(parts(text)?).map_err(|_| NameError {
                message: format!("`{}` is not a full table name", text.escape_debug()).into(),
                remedy: Some("write catalog.schema.table".into()),
            })?;
        Ok(TableName { catalog, schema, table })
    }

    /// The name in SQL: every part in backticks, backticks in it doubled.
    pub fn sql(&self) -> String {
        let TableName { catalog, schema, table } = self;
        [catalog, schema, table].map(|part| identifier(part)).join(".")
    }

    /// The same with backticks only around the parts that need them, for statements that people run.
    pub fn sql_short(&self) -> String {
        let TableName { catalog, schema, table } = self;
        [catalog, schema, table].map(|part| identifier_short(part)).join(".")
    }

    fn compared(&self) -> impl Iterator<Item = Folded<'_>> {
        [&self.catalog, &self.schema, &self.table].into_iter().map(|part| Folded(part))
    }
}

/// The most letters Unity Catalog allows in one part of a name.
const PART_LETTERS_MAX: usize = 255;

fn wrong(message: impl Into<Sentence>, remedy: &str) -> NameError {
    NameError { message: message.into(), remedy: Some(remedy.into()) }
}

/// Takes a written name apart. What stands in backticks is taken as it is, a doubled backtick as one.
fn parts(text: &str) -> Result<Vec<String>, NameError> {
    const FORM: &str = "write table, schema.table or catalog.schema.table";
    if text.trim().is_empty() {
        return Err(wrong("is empty", FORM));
    }
    let unquoted = text.split('`').next().unwrap_or_default();
    if unquoted.contains("://") || text.starts_with('/') {
        return Err(wrong("is a location, not the name of a table", FORM));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('`') {
            Some(quoted) => quoted_part(quoted)?,
            None => plain_part(rest)?,
        };
        check_part(&part)?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => {
                return Err(wrong(
                    "goes on after a closing backtick",
                    "put the whole part in backticks",
                ));
            }
        }
    }
    match parts.len() {
        1..=3 => Ok(parts),
        many => Err(wrong(
            format!("has {many} parts"),
            "write catalog.schema.table, with backticks around a part that has a dot in it",
        )),
    }
}

fn quoted_part(quoted: &str) -> Result<(String, &str), NameError> {
    let mut part = String::new();
    let mut rest = quoted;
    loop {
        let Some((before, after)) = rest.split_once('`') else {
            return Err(wrong(
                "has a backtick that is not closed",
                "close it, or double it if it is part of the name",
            ));
        };
        part.push_str(before);
        match after.strip_prefix('`') {
            Some(more) => {
                part.push('`');
                rest = more;
            }
            None => return Ok((part, after)),
        }
    }
}

fn plain_part(text: &str) -> Result<(String, &str), NameError> {
    let end = text.find('.').unwrap_or(text.len());
    let (part, after) = text.split_at(end);
    let remedy = "put that part in backticks, a backtick in it doubled";
    if part.contains('`') {
        return Err(wrong("has a backtick in a part without backticks", remedy));
    }
    if part.contains('/') {
        return Err(wrong("has a `/` in a part without backticks", remedy));
    }
    if part != part.trim() {
        return Err(wrong(
            "has a blank at the end of a part",
            "remove it, or put that part in backticks",
        ));
    }
    Ok((part.to_string(), after))
}

fn check_part(part: &str) -> Result<(), NameError> {
    if part.is_empty() {
        return Err(wrong(
            "has an empty part",
            "write table, schema.table or catalog.schema.table",
        ));
    }
    if part.chars().any(char::is_control) {
        return Err(wrong("has a control character in it", "remove it"));
    }
    if part.chars().count() > PART_LETTERS_MAX {
        return Err(wrong(
            format!("has a part of more than {PART_LETTERS_MAX} letters"),
            "use the name as the catalog spells it",
        ));
    }
    Ok(())
}

fn show(part: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !part.is_empty() && part.chars().all(plain) { part.to_string() } else { identifier(part) }
}

impl WorkflowRef {
    /// Reads a job's name, or `id:` and a job id.
    pub fn parse(text: &str) -> Result<WorkflowRef, NameError> {
        if text.trim().is_empty() {
            return Err(wrong("is empty", "leave the key out for a group without a workflow"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("has a control character in it", "remove it"));
        }
        if text != text.trim() {
            return Err(wrong("has a blank at its end", "remove it"));
        }
        let Some(id) = text.strip_prefix("id:") else {
            return Ok(WorkflowRef::Name(text.to_string()));
        };
        match id.trim().parse() {
            Ok(id) if id > 0 => Ok(WorkflowRef::Id(id)),
            _ => Err(wrong(
                "has no job id after `id:`",
                "put the number of the job there, for example id:1016",
            )),
        }
    }
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(|part| show(part)).collect();
        f.write_str(&parts.join("."))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TableName { catalog, schema, table } = self;
        write!(f, "{}.{}.{}", show(catalog), show(schema), show(table))
    }
}

impl fmt::Display for WorkflowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkflowRef::Name(name) => f.write_str(name),
            WorkflowRef::Id(id) => write!(f, "id:{id}"),
        }
    }
}

impl TableRef {
    fn compared(&self) -> impl Iterator<Item = Folded<'_>> {
        self.parts.iter().map(|part| Folded(part))
    }
}

/// A part of a name as it is compared: without case. What is ASCII, as most are, comes out as by its characters, and faster.
struct Folded<'a>(&'a str);

impl Folded<'_> {
    fn characters(&self) -> impl Iterator<Item = char> {
        self.0.chars().flat_map(char::to_lowercase)
    }

    /// The bytes of its characters, where each is one.
    fn ascii(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.0.is_ascii() && other.0.is_ascii() {
            self.0.eq_ignore_ascii_case(other.0)
        } else {
            self.0 == other.0 || self.characters().eq(other.characters())
        }
    }
}

impl Eq for Folded<'_> {}

impl PartialOrd for Folded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.is_ascii() && other.0.is_ascii() {
            self.ascii().cmp(other.ascii())
        } else {
            self.characters().cmp(other.characters())
        }
    }
}

impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does, so that parts do not run into each other.
        if self.0.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
            self.0.hash(state);
        } else {
            self.characters().collect::<String>().hash(state);
        }
    }
}

macro_rules! compared_without_case {
    ($name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.compared().eq(other.compared())
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.compared().cmp(other.compared())
            }
        }
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.compared().for_each(|part| part.hash(state));
            }
        }
    };
}

compared_without_case!(TableRef);
compared_without_case!(TableName);

macro_rules! written_as_text {
    ($name:ident) => {
        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                $name::parse(text)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

impl JsonSchema for TableName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TableName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

written_as_text!(TableRef);
written_as_text!(TableName);
written_as_text!(WorkflowRef);

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
