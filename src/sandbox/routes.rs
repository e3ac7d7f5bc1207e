//! What is answered where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};

use super::http::HttpRefusal;
use super::{Site, files, identity, jobs, layer, locations, rights, statements, unity, warehouses};

/// The largest body: a statement with its parameters.
const BODY_MAX: usize = 64 << 20;

pub(super) fn router(site: Arc<Site>) -> Router {
    let uc = "/api/2.1/unity-catalog";
    let mut router = Router::new()
        .route("/.well-known/databricks-config", get(identity::discovery))
        .route("/oidc/.well-known/oauth-authorization-server", get(identity::oidc))
        .route("/oidc/v1/token", post(identity::token))
        .route("/api/2.0/preview/scim/v2/Me", get(identity::me))
        .route("/api/2.0/secrets/get", get(identity::secret))
        .route("/api/2.0/secrets/list", get(identity::secrets))
        .route("/api/2.0/secrets/scopes/list", get(identity::scopes))
        .route("/api/2.0/sql/statements", post(statements::submit))
        .route("/api/2.0/sql/statements/", post(statements::submit))
        .route("/api/2.0/sql/statements/{id}", get(statements::poll).delete(statements::close))
        .route("/api/2.0/sql/statements/{id}/cancel", post(statements::cancel))
        .route("/api/2.0/sql/statements/{id}/result/chunks/{index}", get(statements::chunk))
        .route("/api/2.0/sql/history/queries", get(statements::history))
        .route("/api/2.0/sql/sessions", post(statements::open_session))
        .route("/api/2.0/sql/sessions/", post(statements::open_session))
        .route("/api/2.0/sql/sessions/{id}", delete(statements::close_session))
        .route("/results/{id}/{index}", get(statements::linked))
        .route("/api/2.0/sql/warehouses", get(warehouses::list))
        .route("/api/2.0/sql/warehouses/{id}", get(warehouses::get))
        .route("/api/2.0/sql/warehouses/{id}/start", post(warehouses::start))
        .route("/api/2.0/sql/warehouses/{id}/stop", post(warehouses::stop))
        .route(
            "/api/2.0/connector-service/feature-flags/{client}/{version}",
            get(warehouses::feature_flags),
        )
        .route("/api/2.0/workspace/get-status", get(files::status))
        .route("/api/2.0/workspace/list", get(files::list))
        .route("/api/2.0/workspace/export", get(files::export))
        .route("/api/2.0/workspace/import", post(files::import))
        .route("/api/2.0/workspace/mkdirs", post(files::mkdirs))
        .route(
            "/api/2.0/fs/files/{*path}",
            get(files::download).put(files::upload).delete(files::remove),
        )
        .route("/api/2.0/fs/directories/{*path}", get(files::directory).put(files::make_directory))
        .route(
            "/api/2.0/unity-catalog/temporary-path-credentials",
            post(locations::path_credential),
        )
        .route(
            "/api/2.0/unity-catalog/temporary-table-credentials",
            post(locations::table_credential),
        )
        .route(&format!("{uc}/temporary-path-credentials"), post(locations::path_credential))
        .route(&format!("{uc}/temporary-table-credentials"), post(locations::table_credential))
        .route(&format!("{uc}/catalogs"), get(unity::catalogs))
        .route(&format!("{uc}/catalogs/{{name}}"), get(unity::catalog))
        .route(&format!("{uc}/schemas"), get(unity::schemas))
        .route(&format!("{uc}/schemas/{{name}}"), get(unity::schema))
        .route(&format!("{uc}/tables"), get(unity::tables))
        .route(&format!("{uc}/tables/{{*name}}"), get(unity::table))
        .route(&format!("{uc}/table-summaries"), get(unity::summaries))
        .route(&format!("{uc}/metastore_summary"), get(unity::metastore))
        .route(&format!("{uc}/current-metastore-assignment"), get(unity::assignment))
        .route(
            &format!("{uc}/permissions/{{kind}}/{{*name}}"),
            get(rights::permissions).patch(rights::change),
        )
        .route(&format!("{uc}/privilege-assignments/{{kind}}/{{*name}}"), get(rights::permissions))
        .route(&format!("{uc}/effective-permissions/{{kind}}/{{*name}}"), get(rights::effective))
        .route(&format!("{uc}/external-locations"), get(locations::external_locations))
        .route(
            &format!("{uc}/external-locations/{{name}}"),
            patch(locations::change_location).get(locations::external_location),
        )
        .route(&format!("{uc}/validate-storage-credentials"), post(locations::validate));
    for version in ["2.1", "2.2"] {
        let jobs_at = format!("/api/{version}/jobs");
        router = router
            .route(&format!("{jobs_at}/list"), get(jobs::list))
            .route(&format!("{jobs_at}/get"), get(jobs::get))
            .route(&format!("{jobs_at}/run-now"), post(jobs::run_now))
            .route(&format!("{jobs_at}/runs/list"), get(jobs::runs))
            .route(&format!("{jobs_at}/runs/get"), get(jobs::run))
            .route(&format!("{jobs_at}/runs/cancel"), post(jobs::cancel));
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(site.clone(), layer::surround))
        .with_state(site)
}

async fn unknown(request: Request) -> HttpRefusal {
    let (method, path) = (request.method(), request.uri().path());
    HttpRefusal::new(
        StatusCode::NOT_FOUND,
        "ENDPOINT_NOT_FOUND",
        format!("No API found for '{method} {path}'"),
    )
}
