//! Changes of the catalog: schemas, entries of tables, rights; and what lies in a folder.

use serde_json::{Value, json};

use super::Session;
use super::ast::{GrantStatement, TableTarget};
use super::error::{Result, SqlError};
use super::kind::{Kind, timestamp};
use super::rows::Rows;
use super::tables::TablePlace;
use crate::config::TableName;
use crate::sandbox::rights::not_applicable;

impl Session {
    pub(super) async fn create_schema(&self, name: &[String]) -> Result<Rows> {
        let full = match name {
            [schema] => format!("{}.{schema}", self.catalog),
            parts => parts.join("."),
        };
        if self
            .workspace
            .schemas()
            .iter()
            .any(|(catalog, schema)| format!("{catalog}.{schema}").eq_ignore_ascii_case(&full))
        {
            return Ok(Rows::default());
        }
        self.edit(|catalog| match catalog.get_mut("schemas").and_then(Value::as_array_mut) {
            Some(schemas) => schemas.push(json!(full)),
            None => catalog["schemas"] = json!([full]),
        })
        .await?;
        Ok(Rows::default())
    }

    pub(super) async fn drop_table(&self, target: &TableTarget, if_exists: bool) -> Result<Rows> {
        let TableTarget::Name(parts) = target else {
            return Err(SqlError::unsupported("DROP TABLE of a path"));
        };
        let name = self.full_name(parts)?;
        let Some(entry) = self.workspace.entry(&name) else {
            return if if_exists {
                Ok(Rows::default())
            } else {
                Err(SqlError::table_not_found(&name.sql()))
            };
        };
        self.edit(|catalog| {
            if let Some(tables) = catalog.get_mut("tables").and_then(Value::as_array_mut) {
                tables.retain(|table| {
                    let listed = table.get("full_name").and_then(Value::as_str).unwrap_or_default();
                    TableName::parse(listed).ok().as_ref() != Some(&name)
                });
            }
        })
        .await?;
        // The files of a managed table that was made here go with it; all others stay.
        let ours = self.workspace.folder.join("tables").join(name.path());
        if entry["table_type"] == "MANAGED"
            && entry["storage_location"] == json!(ours.display().to_string())
        {
            let _ = tokio::fs::remove_dir_all(ours).await;
        }
        Ok(Rows::default())
    }

    /// Writes a table into the catalog.
    pub(super) async fn register(
        &self,
        name: &TableName,
        place: &TablePlace,
        external: bool,
    ) -> Result<()> {
        if self.workspace.is_registered(name) {
            return Ok(());
        }
        let location = place.folder.display().to_string();
        let entry = json!({
            "full_name": name.to_string(),
            "table_type": if external { "EXTERNAL" } else { "MANAGED" },
            "data_source_format": "DELTA",
            "storage_location": location,
            "owner": self.scope.user,
        });
        self.edit(|catalog| match catalog.get_mut("tables").and_then(Value::as_array_mut) {
            Some(tables) => tables.push(entry.clone()),
            None => catalog["tables"] = json!([entry.clone()]),
        })
        .await
    }

    async fn edit(&self, edit: impl Fn(&mut Value)) -> Result<()> {
        self.workspace.edit_catalog(edit).await.map_err(|error| SqlError {
            code: "INTERNAL_ERROR",
            message: format!("the catalog cannot be written: {error}"),
            state: None,
        })
    }

    pub(super) async fn grant(&self, grant: &GrantStatement) -> Result<Rows> {
        let GrantStatement { give, privileges, kind, name, principal } = grant;
        let (list, key) = match kind.as_str() {
            "TABLE" => ("tables", "full_name"),
            "EXTERNAL LOCATION" => ("external_locations", "name"),
            // Rights on catalogs and schemas are not kept: everyone may use them.
            _ => return Ok(Rows::default()),
        };
        if let Some(why) = not_applicable(kind, privileges) {
            return Err(SqlError {
                code: "BAD_REQUEST",
                message: format!("INVALID_PARAMETER_VALUE: {why}"),
                state: None,
            });
        }
        let wanted = match kind.as_str() {
            "TABLE" => self.full_name(name)?.to_string(),
            _ => name.join("."),
        };
        let found =
            self.workspace.change_grants(list, key, &wanted, principal, privileges, *give).await;
        match found {
            Ok(true) => Ok(Rows::default()),
            Ok(false) => Err(SqlError::table_not_found(&wanted)),
            Err(error) => {
                Err(SqlError { code: "INTERNAL_ERROR", message: error.to_string(), state: None })
            }
        }
    }

    /// The files under a URL, not those below its folders.
    pub(super) async fn list(&self, url: &str, limit: Option<usize>) -> Result<Rows> {
        self.check_read(url)?;
        let folder = self.within(url)?;
        let looked = tokio::fs::read_dir(&folder).await;
        let mut entries = looked.map_err(|error| SqlError {
            code: "BAD_REQUEST",
            message: format!("Operation failed: \"The specified path does not exist.\", 404, GET, {url}, PathNotFound ({error})"),
            state: None,
        })?;
        let mut rows = Vec::new();
        while let Ok(Some(entry)) = entries.next_entry().await {
            let Ok(meta) = entry.metadata().await else {
                continue;
            };
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let modified = meta.modified().map(chrono::DateTime::<chrono::Utc>::from);
            let slash = if meta.is_dir() { "/" } else { "" };
            rows.push(vec![
                json!(format!("{}{slash}", path.display())),
                json!(format!("{name}{slash}")),
                json!(if meta.is_dir() { 0 } else { meta.len() }),
                json!(modified.ok().map(|it| it.to_rfc3339())),
            ]);
        }
        rows.sort_by(|one, two| one[0].as_str().cmp(&two[0].as_str()));
        rows.truncate(limit.unwrap_or(usize::MAX));
        let columns = [
            ("path", Kind::Utf8),
            ("name", Kind::Utf8),
            ("size", Kind::Int64),
            ("modification_time", timestamp()),
        ];
        Rows::from_json(&columns, &rows)
    }
}
