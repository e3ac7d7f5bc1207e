//! Unity Catalog: tables, external locations, privileges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::or_default;

/// `GET /api/2.1/unity-catalog/tables`; a page may be empty and still have a successor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Tables {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub tables: Vec<TableInfo>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A table, from the list and from `GET /api/2.1/unity-catalog/tables/{full_name}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TableInfo {
    /// Its name alone.
    pub name: String,
    /// Its catalog.
    pub catalog_name: String,
    /// Its schema.
    pub schema_name: String,
    /// All three, parted by dots.
    pub full_name: String,
    /// The catalog's id of it.
    pub table_id: Option<String>,
    /// `MANAGED`, `EXTERNAL`, `VIEW` …, an open set.
    pub table_type: Option<String>,
    /// `DELTA` …, an open set.
    pub data_source_format: Option<String>,
    /// Where its files are.
    pub storage_location: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// Its columns.
    #[serde(deserialize_with = "or_default")]
    pub columns: Vec<ColumnInfo>,
    /// Its properties.
    #[serde(deserialize_with = "or_default")]
    pub properties: BTreeMap<String, String>,
    /// Its row filter.
    pub row_filter: Option<Value>,
    /// It can be seen and not read.
    #[serde(deserialize_with = "or_default")]
    pub browse_only: bool,
}

/// One column of a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type as SQL writes it.
    pub type_text: Option<String>,
    /// Its mask.
    pub mask: Option<Value>,
}

/// `GET /api/2.1/unity-catalog/external-locations`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExternalLocations {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub external_locations: Vec<ExternalLocationInfo>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// An external location.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExternalLocationInfo {
    /// Its name.
    pub name: String,
    /// What it covers.
    pub url: String,
    /// Nothing may be written.
    #[serde(deserialize_with = "or_default")]
    pub read_only: bool,
    /// Who owns it.
    pub owner: Option<String>,
    /// The credential it uses.
    pub credential_name: Option<String>,
}

/// `GET /api/2.1/unity-catalog/effective-permissions/{type}/{name}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub privilege_assignments: Vec<Assignment>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// What one principal may do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Assignment {
    /// The principal.
    pub principal: String,
    /// Its privileges.
    #[serde(deserialize_with = "or_default")]
    pub privileges: Vec<EffectivePrivilege>,
}

/// A privilege and where it comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EffectivePrivilege {
    /// `WRITE_FILES` …
    pub privilege: String,
    /// The kind of thing it was granted on.
    pub inherited_from_type: Option<String>,
    /// That thing's name.
    pub inherited_from_name: Option<String>,
}

/// `POST /api/2.0/unity-catalog/temporary-path-credentials`; drsync only ever asks with `dry_run`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PathCredentialRequest {
    /// The path.
    pub url: String,
    /// `PATH_READ_WRITE` …
    pub operation: String,
    /// Only say whether it would be given.
    pub dry_run: bool,
}

/// `GET /api/2.1/unity-catalog/current-metastore-assignment`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MetastoreAssignment {
    /// The metastore.
    pub metastore_id: String,
    /// The catalog of short names.
    pub default_catalog_name: Option<String>,
}

/// `GET /api/2.1/unity-catalog/metastore_summary`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MetastoreSummary {
    /// Its id.
    pub metastore_id: String,
    /// Its name.
    pub name: String,
    /// The region it is in.
    pub region: String,
}

/// `GET /api/2.1/unity-catalog/catalogs`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Catalogs {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub catalogs: Vec<CatalogInfo>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A catalog.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CatalogInfo {
    /// Its name.
    pub name: String,
    /// `MANAGED_CATALOG`, `DELTASHARING_CATALOG`, `SYSTEM_CATALOG` …, an open set.
    pub catalog_type: Option<String>,
}

/// `GET /api/2.1/unity-catalog/schemas`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Schemas {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub schemas: Vec<SchemaInfo>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A schema.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SchemaInfo {
    /// Its name alone.
    pub name: String,
}
