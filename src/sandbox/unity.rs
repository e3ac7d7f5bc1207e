//! Unity Catalog: catalogs, schemas, tables, the metastore.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::http::{HttpRefusal, Params, Reply, catalog_page};
use super::sql::{kind, like};
use super::{Site, served_workspace::ServedWorkspace};
use crate::config::{LocationAddress, TableName};
use crate::lakehouse::delta::{self, SnapshotDetail, TableStore};
use crate::region::Workspace;

/// Entries of a page that nobody gave a size.
const PAGE: usize = 50;

fn stamped(workspace: &ServedWorkspace, mut value: Value) -> Value {
    value["metastore_id"] = workspace.ids.metastore.as_str().into();
    value["owner"] = value
        .get("owner")
        .cloned()
        .filter(Value::is_string)
        .unwrap_or_else(|| workspace.principal().into());
    value
}

/// `GET /api/2.1/unity-catalog/catalogs`.
pub(super) async fn catalogs(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let names = site.workspace.catalogs();
    let all = names.iter().map(|name| catalog_info(&site.workspace, name)).collect();
    catalog_page(&params, "catalogs", all, PAGE).map(Json)
}

fn catalog_info(workspace: &ServedWorkspace, name: &str) -> Value {
    stamped(
        workspace,
        json!({
            "name": name, "full_name": name, "catalog_type": "MANAGED_CATALOG", "securable_type": "CATALOG",
            "isolation_mode": "OPEN",
        }),
    )
}

/// `GET /api/2.1/unity-catalog/catalogs/{name}`.
pub(super) async fn catalog(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Reply {
    let names = site.workspace.catalogs();
    match names.iter().find(|it| it.eq_ignore_ascii_case(&name)) {
        Some(name) => Ok(Json(catalog_info(&site.workspace, name))),
        None => Err(HttpRefusal::not_found(
            "CATALOG_DOES_NOT_EXIST",
            format!("Catalog '{name}' does not exist."),
        )),
    }
}

fn check_catalog(workspace: &ServedWorkspace, name: &str) -> Result<(), HttpRefusal> {
    if workspace.catalogs().iter().any(|it| it.eq_ignore_ascii_case(name)) {
        Ok(())
    } else {
        Err(HttpRefusal::not_found(
            "CATALOG_DOES_NOT_EXIST",
            format!("Catalog '{name}' does not exist."),
        ))
    }
}

fn schema_info(workspace: &ServedWorkspace, (catalog, schema): &(String, String)) -> Value {
    stamped(
        workspace,
        json!({
            "name": schema, "catalog_name": catalog, "full_name": format!("{catalog}.{schema}"), "securable_type": "SCHEMA",
        }),
    )
}

/// `GET /api/2.1/unity-catalog/schemas`.
pub(super) async fn schemas(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let wanted = params.needed("catalog_name")?;
    check_catalog(&site.workspace, wanted)?;
    let all = site.workspace.schemas();
    let all = all.iter().filter(|(catalog, _)| catalog.eq_ignore_ascii_case(wanted));
    let all = all.map(|schema| schema_info(&site.workspace, schema)).collect();
    catalog_page(&params, "schemas", all, PAGE).map(Json)
}

/// `GET /api/2.1/unity-catalog/schemas/{full_name}`.
pub(super) async fn schema(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Reply {
    let all = site.workspace.schemas();
    let found = all
        .iter()
        .find(|(catalog, schema)| format!("{catalog}.{schema}").eq_ignore_ascii_case(&name));
    match found {
        Some(schema) => Ok(Json(schema_info(&site.workspace, schema))),
        None => Err(HttpRefusal::not_found(
            "SCHEMA_DOES_NOT_EXIST",
            format!("Schema '{name}' does not exist."),
        )),
    }
}

/// `GET /api/2.1/unity-catalog/tables`.
pub(super) async fn tables(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let (catalog, schema) = (params.needed("catalog_name")?, params.needed("schema_name")?);
    check_catalog(&site.workspace, catalog)?;
    let schemas = site.workspace.schemas();
    let same = |(c, s): &&(String, String)| {
        c.eq_ignore_ascii_case(catalog) && s.eq_ignore_ascii_case(schema)
    };
    if schemas.iter().find(same).is_none() {
        let message = format!("Schema '{catalog}.{schema}' does not exist.");
        return Err(HttpRefusal::not_found("SCHEMA_DOES_NOT_EXIST", message));
    }
    let mut all = Vec::new();
    for name in site.workspace.names() {
        if !(name.catalog.eq_ignore_ascii_case(catalog) && name.schema.eq_ignore_ascii_case(schema))
        {
            continue;
        }
        let Ok(mut info) = info(&site.workspace, &name, params.is_true("include_browse")).await
        else {
            continue;
        };
        for (omit, keys) in [
            ("omit_columns", ["columns", ""]),
            ("omit_properties", ["properties", ""]),
            ("omit_username", ["created_by", "updated_by"]),
        ] {
            if params.is_true(omit)
                && let Some(members) = info.as_object_mut()
            {
                members.retain(|key, _| !keys.contains(&key.as_str()));
            }
        }
        all.push(info);
    }
    catalog_page(&params, "tables", all, PAGE).map(Json)
}

/// `GET /api/2.1/unity-catalog/table-summaries`.
pub(super) async fn summaries(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let catalog = params.needed("catalog_name")?;
    let pattern = |name: &str| params.get(name).unwrap_or("%").to_lowercase();
    let (schemas, tables) = (pattern("schema_name_pattern"), pattern("table_name_pattern"));
    let fits = |name: &TableName| {
        name.catalog.eq_ignore_ascii_case(catalog)
            && like(&name.schema.to_lowercase(), &schemas)
            && like(&name.table.to_lowercase(), &tables)
    };
    let names = site.workspace.names();
    let shown = names.iter().filter(|name| fits(name)).map(|name| {
        let entry = site.workspace.entry(name).unwrap_or(Value::Null);
        let kind = entry.get("table_type").and_then(Value::as_str).unwrap_or("EXTERNAL");
        json!({"full_name": name.to_string(), "table_type": kind})
    });
    catalog_page(&params, "tables", shown.collect(), 10_000).map(Json)
}

/// `GET /api/2.1/unity-catalog/tables/{full_name}` and `…/exists`.
pub(super) async fn table(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    params: Params,
) -> Reply {
    if let Some(name) = path.strip_suffix("/exists") {
        let name = parse_table_name(name)?;
        return Ok(Json(if site.workspace.is_registered(&name) {
            json!({"table_exists": true})
        } else {
            json!({})
        }));
    }
    let name = parse_table_name(&path)?;
    info(&site.workspace, &name, params.is_true("include_browse")).await.map(Json)
}

/// A full name as paths carry it: parts are parted by dots and nothing is quoted.
pub(super) fn parse_table_name(text: &str) -> Result<TableName, HttpRefusal> {
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    match parts.as_slice() {
        [catalog, schema, table] if parts.iter().all(|part| !part.is_empty()) => {
            Ok(TableName::new(*catalog, *schema, *table))
        }
        _ => Err(HttpRefusal::bad(format!(
            "The full name {text} is not of the form catalog.schema.table."
        ))),
    }
}

async fn info(
    workspace: &ServedWorkspace,
    asked: &TableName,
    browse: bool,
) -> Result<Value, HttpRefusal> {
    let found = workspace.lakehouse.tables(std::slice::from_ref(asked)).await;
    let mut found = found.map_err(HttpRefusal::internal)?;
    let missing = || {
        HttpRefusal::not_found("TABLE_DOES_NOT_EXIST", format!("Table '{asked}' does not exist."))
    };
    let Some(Ok(table)) = found.pop() else {
        check_catalog(workspace, &asked.catalog)?;
        return Err(missing());
    };
    let entry = workspace.entry(asked).ok_or_else(missing)?;
    let denied = table.denied.is_some();
    if denied && !browse {
        return Err(HttpRefusal::denied(format!(
            "User does not have SELECT on Table '{}'.",
            table.name
        )));
    }
    let name = &table.name;
    let said = |key: &str| entry.get(key).cloned().filter(|value| !value.is_null());
    let mut info = json!({
        "name": name.table, "catalog_name": name.catalog, "schema_name": name.schema, "full_name": name.to_string(),
        "table_type": said("table_type").unwrap_or_else(|| "EXTERNAL".into()), "securable_type": "TABLE",
        "owner": said("owner"), "created_by": workspace.principal(), "updated_by": workspace.principal(),
    });
    for key in ["data_source_format", "row_filter", "view_definition", "comment"] {
        if let Some(value) = said(key) {
            info[key] = value;
        }
    }
    if let Some(location) = &table.location {
        info["storage_location"] = location.as_str().into();
    }
    if denied {
        info["browse_only"] = true.into();
    }
    let mut id = said("table_id");
    if let Some(folder) = table.location.as_deref().and_then(LocationAddress::literal_path) {
        let store = TableStore::local(folder);
        if let Ok(head) = delta::snapshot(&store, None, SnapshotDetail::Header).await {
            // The catalog's id outlives CREATE OR REPLACE, which gives the log another one.
            let first = delta::snapshot(&store, Some(0), SnapshotDetail::Header).await;
            let logged = first.as_ref().unwrap_or(&head).metadata.id();
            id = id.or_else(|| Some(logged.into()));
            tell_what_the_log_says(&mut info, &head, &entry);
        }
    }
    if let Some(id) = id {
        info["table_id"] = id;
    }
    Ok(stamped(workspace, info))
}

fn tell_what_the_log_says(info: &mut Value, head: &delta::Snapshot, entry: &Value) {
    info["columns"] = columns(head, entry);
    let mut properties = json!(head.metadata.properties());
    properties["delta.lastUpdateVersion"] = head.version.to_string().into();
    if let Some(time) = head.timestamp_ms() {
        properties["delta.lastCommitTimestamp"] = time.to_string().into();
        info["updated_at"] = time.into();
    }
    info["properties"] = properties;
    info["created_at"] = head.metadata.0.get("createdTime").cloned().unwrap_or_else(|| 1.into());
}

fn columns(table: &delta::Snapshot, entry: &Value) -> Value {
    let schema: Value = serde_json::from_str(table.metadata.schema_string()).unwrap_or(Value::Null);
    let masks = entry.get("columns").and_then(Value::as_array);
    let mask = |name: &str| {
        let column = masks
            .into_iter()
            .flatten()
            .find(|column| column.get("name").and_then(Value::as_str) == Some(name))?;
        column.get("mask").cloned().filter(|mask| !mask.is_null())
    };
    let partitions = table.metadata.partition_columns();
    let mut shown: Vec<Value> = kind::fields_of_delta(&schema)
        .into_iter()
        .enumerate()
        .map(|(position, (name, kind))| {
            let typed =
                json!({"name": name, "type": kind::delta(&kind), "nullable": true, "metadata": {}});
            let mut column = json!({
                "name": name, "type_text": kind::sql(&kind).to_lowercase(), "type_name": kind::type_name(&kind),
                "type_json": typed.to_string(), "position": position, "nullable": true,
            });
            if let Some(at) = partitions.iter().position(|it| *it == name) {
                column["partition_index"] = at.into();
            }
            if let Some(mask) = mask(&name) {
                column["mask"] = mask;
            }
            column
        })
        .collect();
    let masked = entry.get("column_masks").is_some_and(|masks| match masks {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(set) => *set,
        Value::String(text) => !text.is_empty(),
        _ => false,
    });
    if let (true, Some(first)) = (masked, shown.first_mut()) {
        first["mask"] = json!({"function_name": "mask"});
    }
    shown.into()
}

/// `GET /api/2.1/unity-catalog/metastore_summary`.
pub(super) async fn metastore(State(site): State<Arc<Site>>) -> Json<Value> {
    let catalog = site.workspace.catalog();
    let name = catalog.index.name.as_deref().unwrap_or("sandbox");
    let own = &site.workspace.region_name;
    let region = catalog.index.region.as_ref().unwrap_or(own);
    let id = &site.workspace.ids.metastore;
    Json(json!({
        "metastore_id": id, "name": name, "cloud": "sandbox",
        "region": region, "global_metastore_id": format!("sandbox:{region}:{id}"), "external_access_enabled": true,
        "privilege_model_version": "1.0", "owner": site.workspace.principal(), "created_at": 1_600_000_000_000_i64,
    }))
}

/// `GET /api/2.1/unity-catalog/current-metastore-assignment`.
pub(super) async fn assignment(State(site): State<Arc<Site>>) -> Json<Value> {
    Json(json!({
        "workspace_id": site.workspace.ids.workspace, "metastore_id": site.workspace.ids.metastore,
        "default_catalog_name": site.workspace.default_catalog(),
    }))
}
