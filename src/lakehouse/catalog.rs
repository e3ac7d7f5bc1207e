//! The catalog of an embedded lakehouse: `lakehouse.json`, its tables, grants, locations and secrets.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::described::{self, FileError};
use super::grants::{Grants, Right};
use crate::config::{LocationAddress, TableName};
use crate::region::{
    Denied, RegionError, RegionErrorKind, Table, TableRights, Unclonable, nearest,
};

/// Name of the catalog's file in a workspace folder.
pub const CATALOG_FILE: &str = "lakehouse.json";

/// What `lakehouse.json` says. Keys that are not known are left alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Catalog {
    /// The workspace's name.
    pub name: Option<String>,
    /// The region it is in.
    pub region: Option<String>,
    /// The catalog of short table names.
    pub default_catalog: Option<String>,
    /// Who asks, as the catalog knows them.
    pub principal: Option<String>,
    /// Every table, view and the like.
    pub tables: Vec<TableEntry>,
    /// The places it may write to; `None`: every place.
    pub external_locations: Option<Vec<ExternalLocation>>,
    /// Folders whose files a table may name that does not lie there, as shallow clones do.
    pub external_files: Vec<String>,
    /// Secrets by scope and key.
    pub secrets: BTreeMap<String, BTreeMap<String, StoredSecret>>,
}

/// One entry of the catalog.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TableEntry {
    /// `catalog.schema.table`.
    pub full_name: String,
    /// `MANAGED`, `EXTERNAL`, `VIEW` …
    pub table_type: Option<String>,
    /// `DELTA`, `PARQUET` …
    pub data_source_format: Option<String>,
    /// Where its files are: relative to the workspace's folder, absolute, or a URL.
    pub storage_location: Option<String>,
    /// The catalog's own id, where it differs from the log's.
    pub table_id: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// Privileges by principal; `None`: everyone may read.
    pub grants: Option<Grants>,
    /// Its row filter, in whatever form.
    pub row_filter: Option<Value>,
    /// Its column masks, in whatever form.
    pub column_masks: Option<Value>,
    /// Its columns; a mask may stand there.
    pub columns: Vec<ColumnEntry>,
}

/// A column as far as it matters here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ColumnEntry {
    /// Its mask, in whatever form.
    pub mask: Option<Value>,
}

/// A place that the catalog's tables may lie in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExternalLocation {
    /// Its name.
    pub name: String,
    /// The folder, as a URL or a path.
    pub url: String,
    /// Nothing may be written there.
    pub read_only: bool,
    /// Who owns it.
    pub owner: Option<String>,
    /// Privileges by principal; `None`: everyone may write.
    pub grants: Option<Grants>,
}

/// A value that never reaches a screen.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct StoredSecret(String);

impl StoredSecret {
    /// The value, for whoever has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A catalog whose tables are found by name, whatever its case.
#[derive(Debug, Default)]
pub struct Index {
    catalog: Catalog,
    /// Places among the catalog's tables by name, of several entries the first.
    places: HashMap<TableName, usize>,
    /// Places of the entries whose names differ by case at most, by their name.
    several: HashMap<TableName, Vec<usize>>,
}

impl Catalog {
    /// Reads the catalog of a workspace folder, afresh; the refusal names the file and what is wrong with it.
    ///
    /// # Errors
    /// A fragment that names the file.
    pub fn read(workspace: &Path) -> Result<Catalog, FileError> {
        let file = workspace.join(CATALOG_FILE);
        let missing =
            || FileError::Unread(format!("{}: No such file or directory", file.display()));
        described::read(&file)?.ok_or_else(missing)
    }

    /// Makes its tables known by name; one whose name cannot be read is not there for anybody who asks.
    pub fn index(self) -> Index {
        let mut all: HashMap<TableName, Vec<usize>> = HashMap::new();
        for (place, entry) in self.tables.iter().enumerate() {
            if let Ok(name) = TableName::parse(&entry.full_name) {
                all.entry(name).or_default().push(place);
            }
        }
        let places = all.iter().map(|(name, places)| (name.clone(), places[0]));
        Index {
            places: places.collect(),
            several: all.into_iter().filter(|(_, it)| it.len() > 1).collect(),
            catalog: self,
        }
    }

    /// The folders on this machine whose files any table may name.
    pub fn external_files(&self, workspace: &Path) -> Vec<PathBuf> {
        let folders = self.external_files.iter();
        folders.map(|folder| PathBuf::from(resolve_location(workspace, folder))).collect()
    }

    /// The external location whose folder covers a path or URL most closely.
    pub fn external_location(
        &self,
        workspace: &Path,
        location: &str,
    ) -> Option<Option<&ExternalLocation>> {
        let entries = self.external_locations.as_ref()?;
        let asked = PathBuf::from(resolve_location(workspace, location));
        let covers = |entry: &&ExternalLocation| {
            asked.starts_with(resolve_location(workspace, entry.url.trim_end_matches('/')))
        };
        Some(entries.iter().filter(covers).max_by_key(|entry| {
            resolve_location(workspace, &entry.url).trim_end_matches('/').len()
        }))
    }
}

impl Deref for Index {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.catalog
    }
}

/// The catalog has no such table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTable {
    /// The table that was asked for.
    pub asked: TableName,
    /// Those whose names come nearest, none where none comes near.
    pub nearest: Vec<String>,
}

/// A fragment.
impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoTable { asked, nearest } = self;
        write!(f, "the catalog has no table {asked}")?;
        match nearest.as_slice() {
            [] => Ok(()),
            near => write!(f, "; nearest: {}", near.join(", ")),
        }
    }
}

impl std::error::Error for NoTable {}

impl Index {
    /// Finds a table, whatever the case of its name.
    ///
    /// # Errors
    /// There is none; with what comes nearest.
    pub fn find(&self, asked: &TableName) -> Result<(&TableName, &TableEntry), NoTable> {
        if let Some((name, place)) = self.places.get_key_value(asked) {
            return Ok((name, &self.catalog.tables[*place]));
        }
        let names: Vec<String> = self.names().map(TableName::to_string).collect();
        let near = nearest(&asked.to_string(), names.iter().map(String::as_str));
        let nearest = near.into_iter().map(str::to_owned).collect();
        Err(NoTable { asked: asked.clone(), nearest })
    }

    /// What is wrong with a table that has several entries: each with where it lies.
    pub(super) fn ambiguity(&self, asked: &TableName) -> Option<String> {
        let entries = self.several.get(asked)?.iter();
        let told: Vec<String> = entries
            .map(|place| {
                let entry = &self.catalog.tables[*place];
                let lies = entry.storage_location.as_deref().unwrap_or("no place");
                format!("{} in {lies}", entry.full_name)
            })
            .collect();
        Some(format!(
            "{CATALOG_FILE} has {} entries for it, and names are compared without case: {}; keep one of them",
            told.len(),
            told.join(", ")
        ))
    }

    /// The place of a table among the catalog's tables.
    pub fn position_of(&self, asked: &TableName) -> Option<usize> {
        self.places.get(asked).copied()
    }

    /// The names of all tables, in no order.
    pub fn names(&self) -> impl Iterator<Item = &TableName> {
        self.places.keys()
    }

    /// Who may use a table: everybody, where nothing is said about grants.
    pub(super) fn rights(&self, asked: &TableName) -> Result<TableRights, RegionError> {
        let found = self.find(asked);
        let (_, entry) = found.map_err(|detail| {
            let doing = format!("read who may use {asked}");
            RegionError::new(RegionErrorKind::NotFound, doing, detail.to_string())
        })?;
        let mut rights = TableRights::default();
        match &entry.grants {
            None => rights.take_in("account users", "ALL PRIVILEGES"),
            Some(grants) => {
                for (principal, privileges) in grants {
                    privileges.iter().for_each(|held| rights.take_in(principal, held));
                }
            }
        }
        Ok(rights)
    }

    /// A table as the region's port shows it.
    pub(super) fn table(
        &self,
        workspace: &Path,
        asked: &TableName,
        principal: &str,
    ) -> Result<Table, NoTable> {
        let (name, entry) = self.find(asked)?;
        let denied = if entry.may(principal, Right::Select) {
            None
        } else {
            Some(Denied::select(name, principal))
        };
        let location = entry.storage_location.as_deref();
        Ok(Table {
            name: name.clone(),
            table_id: entry.table_id.clone(),
            location: location.map(|text| resolve_location(workspace, text)),
            unsupported: entry.unsupported(),
            denied,
        })
    }
}

impl TableEntry {
    /// What it is, where that cannot be cloned.
    pub fn unsupported(&self) -> Option<Unclonable> {
        let kind = self.table_type.as_deref().unwrap_or("EXTERNAL");
        let format = self.data_source_format.as_deref();
        let there = |value: &Option<Value>| value.as_ref().is_some_and(|value| !is_nothing(value));
        let masked = there(&self.column_masks) || self.columns.iter().any(|it| there(&it.mask));
        match kind.to_ascii_uppercase().as_str() {
            "VIEW" => Some(Unclonable::View),
            "METRIC_VIEW" => Some(Unclonable::MetricView),
            "MATERIALIZED_VIEW" => Some(Unclonable::MaterializedView),
            "STREAMING_TABLE" => Some(Unclonable::StreamingTable),
            "FOREIGN" => Some(Unclonable::ForeignTable),
            "MANAGED" | "EXTERNAL" | "MANAGED_SHALLOW_CLONE" | "EXTERNAL_SHALLOW_CLONE" => {
                match format {
                    Some(format) if !format.eq_ignore_ascii_case("DELTA") => {
                        Some(Unclonable::InFormat(format.to_uppercase()))
                    }
                    _ if there(&self.row_filter) => Some(Unclonable::RowFilter),
                    _ if masked => Some(Unclonable::ColumnMasks),
                    _ => None,
                }
            }
            _ => Some(Unclonable::OfType(kind.to_owned())),
        }
    }

    fn may(&self, principal: &str, right: Right) -> bool {
        super::grants::may(self.owner.as_deref(), self.grants.as_ref(), principal, right)
    }
}

/// An absolute path, or the URL of another kind of store; relative ones lie in the workspace's folder.
pub(super) fn resolve_location(workspace: &Path, text: &str) -> String {
    let base = std::path::absolute(workspace).unwrap_or_else(|_| workspace.to_path_buf());
    match LocationAddress::parse(text, &base) {
        Ok(location) => match location.is_local() {
            Some(path) => path.display().to_string(),
            None => location.as_str().to_owned(),
        },
        // Refused when it is opened.
        Err(_) => text.to_owned(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
