//! `SHOW …` and `DESCRIBE TABLE`.

use std::sync::PoisonError;

use arrow_array::new_empty_array;
use serde_json::{Value, json};

use super::ast::{ShowStatement, TableTarget};
use super::error::{Result, SqlError};
use super::eval::like;
use super::kind::{self, Kind};
use super::rows::{Column, Rows};
use super::tables::columns_of;
use super::{DefaultNames, Session};
use crate::config::TableName;
use crate::lakehouse::delta::{Snapshot, SnapshotDetail, TableColumns};
use crate::sandbox::locations::locations;

/// Patterns of SHOW take `*` for anything, `|` between several, and `%` as drivers write it; case does not matter.
fn fits(name: &str, pattern: Option<&str>) -> bool {
    let name = name.to_lowercase();
    let any = |patterns: &str| {
        let mut each = patterns.split('|').map(|one| one.trim().to_lowercase().replace('*', "%"));
        each.any(|one| like(&name, &one))
    };
    pattern.is_none_or(any)
}

fn tables_of_schema(names: &[TableName]) -> Result<Rows> {
    let row = |name: &TableName| vec![json!(name.schema), json!(name.table), false.into()];
    let columns =
        [("database", Kind::Utf8), ("tableName", Kind::Utf8), ("isTemporary", Kind::Boolean)];
    Rows::from_json(&columns, &names.iter().map(row).collect::<Vec<_>>())
}

/// What is said of a column of a table.
fn comment_of(table: &Snapshot, column: &str) -> Option<String> {
    let columns = TableColumns::of(&table.metadata).ok()?;
    let field = columns.field(&[column.to_owned()])?;
    field.get("metadata")?.get("comment")?.as_str().map(str::to_owned)
}

impl Session {
    /// Takes names for those of the session; in a statement without one they hold for it alone.
    pub(super) fn use_names(&self, names: DefaultNames) -> Result<Rows> {
        let DefaultNames { catalog, schema } = &names;
        self.check_names_are_there(catalog.as_deref(), schema.as_deref())?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = match names.catalog {
            Some(_) => names,
            None => DefaultNames { catalog: Some(self.catalog.clone()), ..names },
        };
        Ok(Rows::default())
    }

    /// Refuses a catalog, or a schema in it, that is not there.
    pub(super) fn check_names_are_there(
        &self,
        catalog: Option<&str>,
        schema: Option<&str>,
    ) -> Result<()> {
        let catalog = catalog.unwrap_or(&self.catalog);
        let catalogs = self.workspace.catalogs();
        if !catalogs.iter().any(|name| name.eq_ignore_ascii_case(catalog)) {
            let what = format!("Catalog `{catalog}` was not found.");
            return Err(SqlError::new("NO_SUCH_CATALOG_EXCEPTION", "42704", what));
        }
        let Some(schema) = schema else {
            return Ok(());
        };
        let schemas = self.workspace.schemas();
        let there = schemas.iter().any(|(of, name)| {
            of.eq_ignore_ascii_case(catalog) && name.eq_ignore_ascii_case(schema)
        });
        // Every catalog has these two, listed or not.
        let own = ["default", "information_schema"];
        if there || own.iter().any(|name| name.eq_ignore_ascii_case(schema)) {
            return Ok(());
        }
        let what = format!("The schema `{catalog}`.`{schema}` cannot be found.");
        Err(SqlError::new("SCHEMA_NOT_FOUND", "42704", what))
    }

    pub(super) async fn show(&self, show: &ShowStatement) -> Result<Rows> {
        match show {
            ShowStatement::Catalogs { like } => {
                let names = self.workspace.catalogs();
                let names = names.iter().filter(|name| fits(name, like.as_deref()));
                Rows::texts(&["catalog"], &names.map(|name| vec![json!(name)]).collect::<Vec<_>>())
            }
            ShowStatement::Locations { like } => {
                let all = locations(&self.workspace);
                let names = ["name", "url", "comment"];
                let rows = all
                    .iter()
                    .filter(|it| fits(it["name"].as_str().unwrap_or_default(), like.as_deref()))
                    .map(|it| names.map(|key| it[key].as_str().into()).into());
                Rows::texts(&names, &rows.collect::<Vec<_>>())
            }
            ShowStatement::Schemas { catalog, like } => {
                let wanted = catalog.as_deref().unwrap_or(&self.catalog);
                self.check_names_are_there(Some(wanted), None)?;
                let schemas = self.workspace.schemas();
                let rows = schemas
                    .iter()
                    .filter(|(catalog, schema)| {
                        catalog.eq_ignore_ascii_case(wanted) && fits(schema, like.as_deref())
                    })
                    .map(|(_, schema)| vec![json!(schema)]);
                Rows::texts(&["databaseName"], &rows.collect::<Vec<_>>())
            }
            ShowStatement::Tables { schema, like } => self.show_tables(schema, like.as_deref()),
            ShowStatement::AllTables { catalog, schemas_like, like } => {
                let names = self.workspace.names().into_iter().filter(|name| {
                    catalog.as_ref().is_none_or(|it| name.catalog.eq_ignore_ascii_case(it))
                        && fits(&name.schema, schemas_like.as_deref())
                        && fits(&name.table, like.as_deref())
                });
                self.tables_of_catalogs(&names.collect::<Vec<_>>())
            }
            ShowStatement::Columns(target) => {
                let place = self.find(target).await?;
                let table = self.snapshot(&place, None, SnapshotDetail::Header).await?;
                let rows = columns_of(&table).into_iter().map(|(name, _)| vec![json!(name)]);
                Rows::texts(&["col_name"], &rows.collect::<Vec<_>>())
            }
            ShowStatement::AllColumns { catalog, schemas_like, tables_like, like } => {
                let names = self.workspace.names().into_iter().filter(|name| {
                    name.catalog.eq_ignore_ascii_case(catalog)
                        && fits(&name.schema, schemas_like.as_deref())
                        && fits(&name.table, tables_like.as_deref())
                });
                self.columns_of_all(names.collect(), like.as_deref()).await
            }
            ShowStatement::Properties { target, key } => {
                self.show_properties(target, key.as_deref()).await
            }
            ShowStatement::Grants { kind, name } => self.show_grants(kind, name),
        }
    }

    /// `schema` as it is written: nothing, a schema, or a catalog and a schema.
    fn show_tables(&self, schema: &[String], like: Option<&str>) -> Result<Rows> {
        let (catalog, schema) = match schema {
            [] => (&self.catalog, &self.schema),
            [schema] => (&self.catalog, schema),
            [catalog, schema, ..] => (catalog, schema),
        };
        self.check_names_are_there(Some(catalog), Some(schema))?;
        let names = self.workspace.names().into_iter().filter(|name| {
            name.catalog.eq_ignore_ascii_case(catalog)
                && name.schema.eq_ignore_ascii_case(schema)
                && fits(&name.table, like)
        });
        tables_of_schema(&names.collect::<Vec<_>>())
    }

    async fn show_properties(&self, target: &TableTarget, key: Option<&str>) -> Result<Rows> {
        let place = self.find(target).await?;
        let table = self.snapshot(&place, None, SnapshotDetail::Header).await?;
        let mut properties = table.metadata.properties();
        let version = |version: i64| version.to_string();
        properties
            .insert("delta.minReaderVersion".into(), version(table.protocol.min_reader_version()));
        properties
            .insert("delta.minWriterVersion".into(), version(table.protocol.min_writer_version()));
        for feature in table.protocol.writer_features() {
            properties.insert(format!("delta.feature.{feature}"), "supported".to_owned());
        }
        let rows = match key {
            Some(key) => {
                let missing = format!("Table {} does not have property: {key}", place.shown);
                let value = properties.remove(key).unwrap_or(missing);
                vec![vec![json!(key), json!(value)]]
            }
            None => {
                properties.into_iter().map(|(key, value)| vec![json!(key), json!(value)]).collect()
            }
        };
        Rows::texts(&["key", "value"], &rows)
    }

    fn show_grants(&self, kind: &str, name: &[String]) -> Result<Rows> {
        let (list, key) = match kind {
            "EXTERNAL LOCATION" => ("external_locations", "name"),
            _ => ("tables", "full_name"),
        };
        let full = match list {
            "tables" => self.full_name(name)?.to_string(),
            _ => name.join("."),
        };
        let entry = self.workspace.listed(list, key, &full);
        let grants = entry.as_ref().and_then(|entry| entry.get("grants")?.as_object());
        let mut rows = Vec::new();
        for (principal, privileges) in grants.into_iter().flatten() {
            for privilege in privileges.as_array().into_iter().flatten().filter_map(Value::as_str) {
                rows.push(vec![
                    json!(principal),
                    json!(privilege.replace('_', " ")),
                    json!(kind),
                    json!(full),
                ]);
            }
        }
        let names = ["Principal", "ActionType", "ObjectType", "ObjectKey"];
        Rows::texts(&names, &rows)
    }

    /// The wider list that drivers read, and read by place.
    fn tables_of_catalogs(&self, names: &[TableName]) -> Result<Rows> {
        let row = |name: &TableName| {
            vec![
                json!(name.schema),
                json!(name.table),
                json!(false),
                Value::Null,
                json!(name.catalog),
                json!(self.driver_type(name)),
                Value::Null,
            ]
        };
        let columns = [
            ("database", Kind::Utf8),
            ("tableName", Kind::Utf8),
            ("isTemporary", Kind::Boolean),
            ("information", Kind::Utf8),
            ("catalogName", Kind::Utf8),
            ("tableType", Kind::Utf8),
            ("remarks", Kind::Utf8),
        ];
        Rows::from_json(&columns, &names.iter().map(row).collect::<Vec<_>>())
    }

    /// `TABLE` or `VIEW`: drivers know no other types.
    fn driver_type(&self, name: &TableName) -> &'static str {
        let entry = self.workspace.entry(name).unwrap_or_default();
        let said = entry.get("table_type").and_then(Value::as_str);
        if said.is_some_and(|said| said.ends_with("VIEW")) { "VIEW" } else { "TABLE" }
    }

    /// The columns of tables that can be read.
    async fn columns_of_all(&self, names: Vec<TableName>, like: Option<&str>) -> Result<Rows> {
        let mut rows = Vec::new();
        for name in names {
            let TableName { catalog, schema, table } = &name;
            let target = TableTarget::Name(vec![catalog.clone(), schema.clone(), table.clone()]);
            let Ok(place) = self.find(&target).await else {
                continue;
            };
            let Ok(head) = self.snapshot(&place, None, SnapshotDetail::Header).await else {
                continue;
            };
            let columns = columns_of(&head).into_iter();
            for (column, kind) in columns.filter(|(column, _)| fits(column, like)) {
                rows.push(vec![
                    json!(catalog),
                    json!(schema),
                    json!(table),
                    json!(column),
                    json!(kind::sql(&kind)),
                ]);
            }
        }
        let names = ["catalogName", "namespace", "tableName", "col_name", "columnType"];
        Rows::texts(&names, &rows)
    }

    pub(super) async fn describe(&self, target: &TableTarget, extended: bool) -> Result<Rows> {
        let place = self.find(target).await?;
        let table = self.snapshot(&place, None, SnapshotDetail::Header).await?;
        let row = |name: &str, value: &str| vec![json!(name), json!(value), Value::Null];
        let of_column = |(name, kind): (String, Kind)| {
            let comment = json!(comment_of(&table, &name));
            vec![json!(name), json!(kind::in_catalog(&kind)), comment]
        };
        let mut rows: Vec<Vec<Value>> = columns_of(&table).into_iter().map(of_column).collect();
        let partitions = table.metadata.partition_columns();
        if !partitions.is_empty() {
            rows.push(row("# Partition Information", ""));
            rows.push(vec![json!("# col_name"), json!("data_type"), json!("comment")]);
            let kind = |name: &str| {
                let mut columns = columns_of(&table).into_iter();
                columns.find(|(column, _)| column == name).map(|(_, kind)| kind::in_catalog(&kind))
            };
            let of = |name: &str| row(name, &kind(name).unwrap_or_default());
            rows.extend(partitions.into_iter().map(of));
        }
        if extended {
            rows.push(row("", ""));
            rows.push(row("# Detailed Table Information", ""));
            if let Some(name) = &place.name {
                rows.push(row("Catalog", &name.catalog));
                rows.push(row("Database", &name.schema));
                rows.push(row("Table", &name.table));
                let entry = self.workspace.entry(name);
                let said = |key: &str| entry.as_ref().and_then(|entry| entry.get(key)?.as_str());
                rows.push(row("Type", said("table_type").unwrap_or("EXTERNAL")));
                rows.push(row("Owner", said("owner").unwrap_or_default()));
            }
            rows.push(row("Location", &place.folder.display().to_string()));
            rows.push(row("Provider", "delta"));
            let properties: Vec<String> = table
                .metadata
                .properties()
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            rows.push(row("Table Properties", &format!("[{}]", properties.join(","))));
        }
        let names = ["col_name", "data_type", "comment"];
        Rows::texts(&names, &rows)
    }

    pub(super) async fn describe_column(
        &self,
        target: &TableTarget,
        column: &[String],
    ) -> Result<Rows> {
        let place = self.find(target).await?;
        let table = self.snapshot(&place, None, SnapshotDetail::Header).await?;
        let columns = columns_of(&table);
        let none = columns.iter().map(|(name, kind)| Column::new(name, new_empty_array(kind)));
        let (at, _) = Rows::of(none.collect()).place(column)?;
        let (name, kind) = &columns[at];
        if column.len() > 1 {
            return Err(SqlError::unsupported("DESCRIBE of what is within a column"));
        }
        let comment = comment_of(&table, name).unwrap_or_else(|| "NULL".to_owned());
        let kind = kind::in_catalog(kind);
        let said = [("col_name", name), ("data_type", &kind), ("comment", &comment)];
        let rows = said.map(|(what, value)| vec![json!(what), json!(value)]);
        Rows::texts(&["info_name", "info_value"], &rows)
    }
}
