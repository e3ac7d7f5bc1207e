//! Unity Catalog: external locations, and credentials for them.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::http::{HttpRefusal, Params, Reply, body, catalog_page, text};
use super::{Site, served_workspace::ServedWorkspace};
use crate::config::LocationAddress;
use crate::region::{RegionErrorKind, Workspace, WriteAccess};

/// Names of the locations of a catalog that lists none, which are the world's sync locations.
pub(super) const UNLISTED: [&str; 2] = ["sync_primary", "sync_secondary"];

/// The external locations of a workspace's catalog.
pub(super) fn locations(workspace: &ServedWorkspace) -> Vec<Value> {
    let catalog = workspace.catalog();
    let Some(listed) = &catalog.index.external_locations else {
        let roots = UNLISTED.iter().zip(workspace.roots());
        let url = |root: &std::path::Path| format!("file://{}/", root.display());
        return roots
            .map(|(name, root)| location_json(workspace, name, &url(root), false, None))
            .collect();
    };
    let url =
        |text: &str| match LocationAddress::parse(text.trim_end_matches('/'), &workspace.folder) {
            Ok(location) => format!("{}/", location.url().trim_end_matches('/')),
            Err(_) => text.to_owned(),
        };
    listed
        .iter()
        .map(|it| {
            location_json(workspace, &it.name, &url(&it.url), it.read_only, it.owner.as_deref())
        })
        .collect()
}

/// Whether a folder lies in an external location or in the place of a table.
fn is_known(workspace: &ServedWorkspace, folder: &FilePath) -> bool {
    let catalog = workspace.catalog();
    let tables = catalog.index.tables.iter();
    let tables =
        tables.filter_map(|table| workspace.folder_of_url(table.storage_location.as_deref()?));
    let all = locations(workspace);
    let roots = all
        .iter()
        .filter_map(|it| workspace.folder_of_url(it["url"].as_str()?.trim_end_matches('/')));
    roots.chain(tables).any(|root| folder.starts_with(root))
}

fn location_json(
    workspace: &ServedWorkspace,
    name: &str,
    url: &str,
    read_only: bool,
    owner: Option<&str>,
) -> Value {
    json!({
        "name": name, "url": url, "read_only": read_only, "credential_name": "sandbox", "credential_id": workspace.ids.metastore,
        "owner": owner.unwrap_or("sandbox-admins"), "metastore_id": workspace.ids.metastore,
        "isolation_mode": "ISOLATION_MODE_OPEN", "fallback": false, "created_at": 1_600_000_000_000_i64,
        "updated_at": 1_600_000_000_000_i64,
    })
}

/// `GET /api/2.1/unity-catalog/external-locations`: the first page is empty, which the service allows itself too.
pub(super) async fn external_locations(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let all = locations(&site.workspace);
    if params.get("max_results").is_some() && params.get("page_token").is_none() {
        return Ok(Json(json!({"next_page_token": "CAE0"})));
    }
    catalog_page(&params, "external_locations", all, 50).map(Json)
}

/// `GET /api/2.1/unity-catalog/external-locations/{name}`.
pub(super) async fn external_location(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Reply {
    let all = locations(&site.workspace);
    let found = all
        .into_iter()
        .find(|it| it["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(&name)));
    found.map(Json).ok_or_else(|| {
        HttpRefusal::not_found(
            "EXTERNAL_LOCATION_DOES_NOT_EXIST",
            format!("External Location '{name}' does not exist."),
        )
    })
}

/// `PATCH /api/2.1/unity-catalog/external-locations/{name}`: only `read_only` and `owner` can be changed.
pub(super) async fn change_location(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Reply {
    let request = body(&bytes)?;
    let edit = |catalog: &mut Value| {
        let list = catalog.get_mut("external_locations").and_then(Value::as_array_mut);
        for entry in list.into_iter().flatten() {
            if entry
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(|it| it.eq_ignore_ascii_case(&name))
            {
                for key in ["read_only", "owner"] {
                    if let Some(value) = request.get(key) {
                        entry[key] = value.clone();
                    }
                }
            }
        }
    };
    site.workspace.edit_catalog(edit).await.map_err(HttpRefusal::internal)?;
    external_location(State(site), Path(name)).await
}

/// The folder of a URL that the catalog knows.
fn known(workspace: &ServedWorkspace, url: &str) -> Result<PathBuf, HttpRefusal> {
    let folder = workspace
        .folder_of_url(url)
        .ok_or_else(|| HttpRefusal::bad(format!("{url} is not a folder of this machine.")))?;
    if is_known(workspace, &folder) { Ok(folder) } else { Err(uncovered(url)) }
}

fn uncovered(url: &str) -> HttpRefusal {
    HttpRefusal::not_found(
        "EXTERNAL_LOCATION_DOES_NOT_EXIST",
        format!("No external location found for path '{url}'."),
    )
}

async fn access(workspace: &ServedWorkspace, url: &str) -> Result<WriteAccess, HttpRefusal> {
    let folder = known(workspace, url)?;
    match workspace.lakehouse.write_access(&folder.display().to_string()).await {
        Ok(access) => Ok(access),
        Err(error) if error.kind == RegionErrorKind::NotFound => Err(uncovered(url)),
        Err(error) => Err(HttpRefusal::internal(error)),
    }
}

/// `POST /api/2.1/unity-catalog/validate-storage-credentials`.
pub(super) async fn validate(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let said = |name: &str| request.get(name).and_then(Value::as_str);
    let named = match said("external_location_name") {
        Some(name) => {
            let found = external_location(State(site.clone()), Path(name.to_owned())).await?;
            found.0["url"].as_str().map(str::to_owned)
        }
        None => None,
    };
    let Some(url) = said("url").map(str::to_owned).or(named) else {
        return Err(HttpRefusal::bad("url or external_location_name must be given."));
    };
    let exists = site.workspace.folder_of_url(&url).is_some_and(|folder| folder.is_dir());
    let write = match access(&site.workspace, &url).await? {
        WriteAccess::Allowed => Ok(()),
        WriteAccess::Refused(denied) => Err(denied.message.to_string()),
        WriteAccess::NotProved(_) => Err("It cannot be seen without writing.".to_owned()),
    };
    let result = |operation: &str, done: &Result<(), String>| match done {
        Ok(()) => json!({"operation": operation, "result": "PASS", "message": ""}),
        Err(why) => json!({"operation": operation, "result": "FAIL", "message": why}),
    };
    let read = if exists { Ok(()) } else { Err("The path does not exist.".to_owned()) };
    Ok(Json(json!({"isDir": exists, "results": [
        result("LIST", &read), result("READ", &read), result("WRITE", &write), result("DELETE", &write), result("PATH_EXISTS", &read),
    ]})))
}

/// `POST /api/2.0/unity-catalog/temporary-path-credentials`: the credential opens nothing, as folders need none.
pub(super) async fn path_credential(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let (url, operation) = (text(&request, "url")?, text(&request, "operation")?);
    let folder = known(&site.workspace, url)?;
    if site.workspace.is_managed(&folder) {
        return Err(HttpRefusal::bad(format!("The path {url} belongs to a managed table.")));
    }
    if operation != "PATH_READ"
        && let WriteAccess::Refused(denied) = access(&site.workspace, url).await?
    {
        return Err(HttpRefusal::denied(format!(
            "User may not write to {url}: {}.",
            denied.message
        )));
    }
    match request.get("dry_run").and_then(Value::as_bool) {
        Some(true) => Ok(Json(json!({}))),
        _ => Ok(Json(credential(&site.workspace, url))),
    }
}

fn credential(workspace: &ServedWorkspace, url: &str) -> Value {
    json!({
        "url": url, "expiration_time": workspace.now_ms() + 3_600_000,
        "aws_temp_credentials": {"access_key_id": "sandbox", "secret_access_key": "sandbox", "session_token": "sandbox"},
    })
}

/// `POST /api/2.0/unity-catalog/temporary-table-credentials`.
pub(super) async fn table_credential(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let id = text(&request, "table_id")?;
    for name in site.workspace.names() {
        let path = Path(format!("{}.{}.{}", name.catalog, name.schema, name.table));
        let Ok(Json(info)) =
            super::unity::table(State(site.clone()), path, Params::default()).await
        else {
            continue;
        };
        if info["table_id"] == id {
            return Ok(Json(credential(
                &site.workspace,
                info["storage_location"].as_str().unwrap_or_default(),
            )));
        }
    }
    Err(HttpRefusal::not_found("TABLE_DOES_NOT_EXIST", format!("Table '{id}' does not exist.")))
}
