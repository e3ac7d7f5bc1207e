//! The SQL warehouse: every workspace has one.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Site;
use super::http::{HttpRefusal, Reply};

fn info(site: &Site) -> Value {
    let workspace = &site.workspace;
    let id = &workspace.ids.warehouse;
    let state = *workspace.warehouse.lock().unwrap_or_else(PoisonError::into_inner);
    let (host, port) = address(&workspace.url);
    json!({
        "id": id, "name": "sandbox", "cluster_size": "2X-Small", "min_num_clusters": 1, "max_num_clusters": 1,
        "num_clusters": u8::from(state == "RUNNING"), "auto_stop_mins": 10, "creator_name": workspace.principal(), "state": state,
        "warehouse_type": "PRO", "enable_serverless_compute": true, "enable_photon": true,
        "odbc_params": {
            "hostname": host, "port": port, "path": format!("/sql/1.0/warehouses/{id}"), "protocol": "http",
        },
        "health": {"status": "HEALTHY"},
    })
}

/// The host of `http://HOST:PORT`, and its port.
fn address(url: &str) -> (&str, u16) {
    let address = url.trim_start_matches("http://");
    let (host, port) = address.split_once(':').unwrap_or((address, "80"));
    (host, port.parse().unwrap_or(80))
}

fn check(site: &Site, id: &str) -> Result<(), HttpRefusal> {
    if id == site.workspace.ids.warehouse {
        Ok(())
    } else {
        Err(HttpRefusal::not_found(
            "RESOURCE_DOES_NOT_EXIST",
            format!("SQL warehouse {id} does not exist."),
        ))
    }
}

/// `GET /api/2.0/sql/warehouses`.
pub(super) async fn list(State(site): State<Arc<Site>>) -> Json<Value> {
    Json(json!({"warehouses": [info(&site)]}))
}

/// `GET /api/2.0/sql/warehouses/{id}`.
pub(super) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    check(&site, &id)?;
    Ok(Json(info(&site)))
}

/// `POST /api/2.0/sql/warehouses/{id}/start`.
pub(super) async fn start(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    set(&site, &id, "RUNNING")
}

/// `POST /api/2.0/sql/warehouses/{id}/stop`.
pub(super) async fn stop(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Reply {
    set(&site, &id, "STOPPED")
}

fn set(site: &Site, id: &str, state: &'static str) -> Reply {
    check(site, id)?;
    *site.workspace.warehouse.lock().unwrap_or_else(PoisonError::into_inner) = state;
    Ok(Json(json!({})))
}

/// `GET /api/2.0/connector-service/feature-flags/{client}/{version}`: drivers ask what they are to try, and are told nothing.
pub(super) async fn feature_flags() -> Json<Value> {
    Json(json!({"flags": [], "ttl_seconds": 900}))
}
