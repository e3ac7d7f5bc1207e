//! `information_schema`: its views of tables, schemas and privileges.

use serde_json::{Value, json};

use super::Session;
use super::error::{Result, SqlError};
use super::rows::Rows;

/// Whether a name is a view of an information schema.
pub(super) fn is_schema_view(parts: &[String]) -> bool {
    matches!(parts, [.., schema, _] if schema.eq_ignore_ascii_case("information_schema"))
}

impl Session {
    pub(super) async fn schema_view(&self, parts: &[String]) -> Result<Rows> {
        let (catalog, view) = match parts {
            [catalog, _, view] => (catalog.as_str(), view.as_str()),
            [_, view] => (self.catalog.as_str(), view.as_str()),
            _ => ("", ""),
        };
        let inside = |name: &str| {
            catalog.eq_ignore_ascii_case("system") || name.eq_ignore_ascii_case(catalog)
        };
        match view.to_ascii_lowercase().as_str() {
            "schemata" => {
                let mut rows = Vec::new();
                for (catalog, schema) in self.workspace.schemas() {
                    if inside(&catalog) {
                        rows.push(vec![json!(catalog), json!(schema), json!(self.scope.user)]);
                    }
                }
                Rows::texts(&["catalog_name", "schema_name", "schema_owner"], &rows)
            }
            "tables" => self.tables_view(inside),
            "table_privileges" => self.privileges_view(inside),
            _ => Err(SqlError::table_not_found(&parts.join("."))),
        }
    }

    /// The tables of the catalogs that lie `inside` what is asked for.
    fn tables_view(&self, inside: impl Fn(&str) -> bool) -> Result<Rows> {
        let mut rows = Vec::new();
        for name in self.workspace.names().into_iter().filter(|name| inside(&name.catalog)) {
            let entry = self.workspace.entry(&name).unwrap_or(Value::Null);
            let said = |key: &str| json!(entry.get(key).and_then(Value::as_str));
            rows.push(vec![
                json!(name.catalog),
                json!(name.schema),
                json!(name.table),
                said("table_type"),
                said("data_source_format"),
                said("owner"),
                // Discontinued: always null.
                Value::Null,
            ]);
        }
        let names = [
            "table_catalog",
            "table_schema",
            "table_name",
            "table_type",
            "data_source_format",
            "table_owner",
            "storage_path",
        ];
        Rows::texts(&names, &rows)
    }

    /// Every privilege on these tables.
    fn privileges_view(&self, inside: impl Fn(&str) -> bool) -> Result<Rows> {
        let mut rows = Vec::new();
        for name in self.workspace.names().into_iter().filter(|name| inside(&name.catalog)) {
            let entry = self.workspace.entry(&name).unwrap_or(Value::Null);
            for (principal, privileges) in
                entry.get("grants").and_then(Value::as_object).into_iter().flatten()
            {
                for privilege in
                    privileges.as_array().into_iter().flatten().filter_map(Value::as_str)
                {
                    rows.push(vec![
                        json!(principal),
                        json!(name.catalog),
                        json!(name.schema),
                        json!(name.table),
                        json!(privilege),
                        json!("NONE"),
                    ]);
                }
            }
        }
        let names = [
            "grantee",
            "table_catalog",
            "table_schema",
            "table_name",
            "privilege_type",
            "inherited_from",
        ];
        Rows::texts(&names, &rows)
    }
}
