//! Who asks: SCIM, OAuth for service principals, secrets.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Site;
use super::http::{HttpRefusal, Params, Reply};

/// Scope of the secrets that the sandbox has by itself: the tokens of both workspaces.
pub(super) const SCOPE: &str = "sandbox";
/// Seconds for which an access token is good.
const LIFETIME: i64 = 3600;

/// `GET /.well-known/databricks-config`.
pub(super) async fn discovery(State(site): State<Arc<Site>>) -> Json<Value> {
    let workspace = &site.workspace;
    Json(json!({
        "oidc_endpoint": format!("{}/oidc", workspace.url),
        "workspace_id": workspace.ids.workspace.to_string(),
        "host_type": "workspace",
    }))
}

/// `GET /oidc/.well-known/oauth-authorization-server`.
pub(super) async fn oidc(State(site): State<Arc<Site>>) -> Json<Value> {
    let issuer = format!("{}/oidc", site.workspace.url);
    Json(json!({
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "issuer": issuer,
        "scopes_supported": ["all-apis", "offline_access", "sql"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }))
}

/// `POST /oidc/v1/token`, for client credentials in the header or the form.
pub(super) async fn token(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    let refused = |error: &str, description: &str| {
        let body = json!({"error": error, "error_description": description});
        let status = if error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        (status, Json(body)).into_response()
    };
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&form).into_owned().collect();
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if field("grant_type").as_deref() != Some("client_credentials") {
        return refused(
            "unsupported_grant_type",
            "Only client_credentials is supported by this sandbox.",
        );
    }
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|coded| String::from_utf8(BASE64.decode(coded).ok()?).ok());
    let (client, secret) = match basic.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((client, secret)) => (client.to_owned(), secret.to_owned()),
        None => {
            (field("client_id").unwrap_or_default(), field("client_secret").unwrap_or_default())
        }
    };
    let workspace = &site.workspace;
    if client != workspace.ids.client || secret != workspace.ids.client_secret {
        return refused("invalid_client", "Client authentication failed");
    }
    let token = format!("eyJ{}", uuid::Uuid::new_v4().simple());
    let end = workspace.now() + chrono::Duration::seconds(LIFETIME);
    let mut given = workspace.oauth.lock().unwrap_or_else(PoisonError::into_inner);
    given.retain(|_, end| *end > workspace.now());
    given.insert(token.clone(), end);
    let scope = field("scope").unwrap_or_else(|| "all-apis".to_owned());
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": scope})).into_response()
}

/// `GET /api/2.0/preview/scim/v2/Me`.
pub(super) async fn me(State(site): State<Arc<Site>>) -> Json<Value> {
    let principal = site.workspace.principal();
    Json(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": site.workspace.ids.workspace.to_string(),
        "userName": principal,
        "displayName": principal,
        "active": true,
        "emails": [{"type": "work", "value": principal, "primary": true}],
        "groups": [{"display": "users", "type": "direct", "value": "1", "$ref": "Groups/1"}],
        "entitlements": [{"value": "workspace-access"}, {"value": "databricks-sql-access"}],
    }))
}

/// `GET /api/2.0/secrets/get`.
pub(super) async fn secret(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let (scope, key) = (params.needed("scope")?, params.needed("key")?);
    let catalog = site.workspace.catalog();
    let value = match (scope == SCOPE, catalog.index.secrets.get(scope)) {
        (true, _) => site.workspace.secrets.get(key).map(String::as_str),
        (false, Some(keys)) => keys.get(key).map(|secret| secret.reveal()),
        (false, None) => {
            return Err(HttpRefusal::not_found(
                "RESOURCE_DOES_NOT_EXIST",
                format!("Scope {scope} does not exist!"),
            ));
        }
    };
    match value {
        Some(value) => Ok(Json(json!({"key": key, "value": BASE64.encode(value)}))),
        None => Err(HttpRefusal::not_found(
            "RESOURCE_DOES_NOT_EXIST",
            format!("Secret does not exist with scope: {scope} and key: {key}"),
        )),
    }
}

/// `GET /api/2.0/secrets/list`.
pub(super) async fn secrets(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let scope = params.needed("scope")?;
    let catalog = site.workspace.catalog();
    let keys: Vec<String> = match (scope == SCOPE, catalog.index.secrets.get(scope)) {
        (true, _) => site.workspace.secrets.keys().cloned().collect(),
        (false, Some(keys)) => keys.keys().cloned().collect(),
        (false, None) => {
            return Err(HttpRefusal::not_found(
                "RESOURCE_DOES_NOT_EXIST",
                format!("Scope {scope} does not exist!"),
            ));
        }
    };
    let shown: Vec<Value> =
        keys.iter().map(|key| json!({"key": key, "last_updated_timestamp": 1})).collect();
    Ok(Json(if shown.is_empty() { json!({}) } else { json!({"secrets": shown}) }))
}

/// `GET /api/2.0/secrets/scopes/list`.
pub(super) async fn scopes(State(site): State<Arc<Site>>) -> Json<Value> {
    let catalog = site.workspace.catalog();
    let names = catalog.index.secrets.keys().map(String::as_str).chain([SCOPE]);
    let scopes: Vec<Value> =
        names.map(|name| json!({"name": name, "backend_type": "DATABRICKS"})).collect();
    Json(json!({"scopes": scopes}))
}
