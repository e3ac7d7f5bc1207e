//! `information_schema`: its views of tables, schemas and privileges.

use serde_json::Value;

use super::Session;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::kind::Kind;
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
        let text = |text: &str| Datum::text(text);
        let texts = |names: &[&'static str], rows| {
            let columns: Vec<(&str, Kind)> = names.iter().map(|name| (*name, Kind::Text)).collect();
            Rows::new(&columns, rows)
        };
        let mut rows = Vec::new();
        match view.to_ascii_lowercase().as_str() {
            "schemata" => {
                for (catalog, schema) in self.workspace.schemas() {
                    if inside(&catalog) {
                        rows.push(vec![text(&catalog), text(&schema), text(&self.scope.user)]);
                    }
                }
                Ok(texts(&["catalog_name", "schema_name", "schema_owner"], rows))
            }
            "tables" => {
                for name in self.workspace.names().into_iter().filter(|name| inside(&name.catalog))
                {
                    let entry = self.workspace.entry(&name).unwrap_or(Value::Null);
                    let said = |key: &str| Datum::optional(entry.get(key).and_then(Value::as_str));
                    rows.push(vec![
                        text(&name.catalog),
                        text(&name.schema),
                        text(&name.table),
                        said("table_type"),
                        said("data_source_format"),
                        said("owner"),
                        // Discontinued: always null.
                        Datum::Null,
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
                Ok(texts(&names, rows))
            }
            "table_privileges" => {
                for name in self.workspace.names().into_iter().filter(|name| inside(&name.catalog))
                {
                    let entry = self.workspace.entry(&name).unwrap_or(Value::Null);
                    for (principal, privileges) in
                        entry.get("grants").and_then(Value::as_object).into_iter().flatten()
                    {
                        for privilege in
                            privileges.as_array().into_iter().flatten().filter_map(Value::as_str)
                        {
                            rows.push(vec![
                                text(principal),
                                text(&name.catalog),
                                text(&name.schema),
                                text(&name.table),
                                text(privilege),
                                text("NONE"),
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
                Ok(texts(&names, rows))
            }
            _ => Err(SqlError::table_not_found(&parts.join("."))),
        }
    }
}
