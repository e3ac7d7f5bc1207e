//! The workspace's REST interface, but for statements.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::{State, TOKEN, What, answer, error, ok};

impl State {
    pub(super) fn route(
        &mut self,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &str,
        sign: &str,
        fault: Option<&What>,
    ) -> Response<Body> {
        let tail = |prefix: &str| path.strip_prefix(prefix).map(str::to_owned);
        let page = query.get("page_token").cloned();
        if path.ends_with("/scim/v2/Me") {
            return answer(
                200,
                &[("date", "Sun, 22 Nov 2026 09:41:07 GMT".to_owned())],
                json!({"id": "1", "userName": "dr@example.com"}).to_string(),
            );
        }
        if path == "/.well-known/databricks-config" {
            return error(404, "NOT_FOUND", "no metadata");
        }
        if path.ends_with("/oauth-authorization-server") {
            return ok(json!({"token_endpoint": format!("{}/oidc/v1/token", self.base)}));
        }
        if path == "/oidc/v1/token" {
            let mut form: BTreeMap<String, String> =
                url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            form.insert("sign".to_owned(), sign.to_owned());
            let good = sign.ends_with("aWQ6czNjcjN0LWNhbmFyeQ==")
                || form.get("subject_token").is_some_and(|it| it == "jwt-canary");
            self.oidc.push(form);
            return if good {
                ok(json!({"access_token": TOKEN, "expires_in": "3600"}))
            } else {
                answer(
                    401,
                    &[],
                    json!({"error": "invalid_client", "error_description": "unknown"}).to_string(),
                )
            };
        }
        if path == "/id-token" {
            return ok(
                json!({"value": if query.get("audience").is_some() { "jwt-canary" } else { "" }}),
            );
        }
        if path == "/api/2.0/secrets/get" {
            let name = format!("{}/{}", query["scope"], query["key"]);
            return match self.secrets.get(&name) {
                Some(value) => ok(json!({"key": query["key"], "value": value})),
                None => error(404, "RESOURCE_DOES_NOT_EXIST", "Secret does not exist"),
            };
        }
        if path == "/api/2.0/sql/warehouses" {
            // Two pages.
            let at = usize::from(page.is_some());
            let next = (at == 0).then_some("2");
            return ok(
                json!({"warehouses": self.warehouses.get(at).into_iter().collect::<Vec<_>>(), "next_page_token": next}),
            );
        }
        if let Some(id) = tail("/api/2.0/sql/warehouses/") {
            let mut all = self.warehouses.iter();
            return match all.find(|it| it["id"].as_str() == Some(id.as_str())) {
                Some(warehouse) => ok(warehouse.clone()),
                None => error(404, "RESOURCE_DOES_NOT_EXIST", "no such warehouse"),
            };
        }
        if path == "/api/2.0/sql/history/queries" {
            let one = |(id, request): (&String, &Value)| json!({"query_id": id, "query_text": request["statement"], "status": "RUNNING"});
            return ok(json!({"res": self.held.iter().map(one).collect::<Vec<_>>()}));
        }
        if let Some(id) = tail("/signed/") {
            assert_eq!(
                (sign, query["sig"].as_str()),
                ("", "canary"),
                "the token is none of the store's business"
            );
            let rows: Vec<Value> = self.chunks[&id]
                .iter()
                .flat_map(|chunk| chunk.as_array().cloned().unwrap_or_default())
                .collect();
            return ok(json!(rows));
        }
        if path == "/api/2.0/sql/statements" {
            return self.submit(&serde_json::from_str(body).unwrap(), fault);
        }
        if let Some(id) = tail("/api/2.0/sql/statements/") {
            return self.poll(&id);
        }
        if path == "/api/2.1/unity-catalog/current-metastore-assignment" {
            return ok(json!({"default_catalog_name": "main"}));
        }
        if path == "/api/2.1/unity-catalog/external-locations" {
            // An empty page first, which has a successor.
            return match page {
                None => ok(json!({"next_page_token": "x"})),
                Some(_) => ok(json!({"external_locations": self.locations})),
            };
        }
        if path.starts_with("/api/2.1/unity-catalog/effective-permissions/external_location/") {
            let privileges: Vec<Value> =
                self.privileges.iter().map(|it| json!({"privilege": it})).collect();
            return ok(
                json!({"privilege_assignments": [{"principal": query["principal"], "privileges": privileges}]}),
            );
        }
        if path.ends_with("/temporary-path-credentials") {
            return error(403, "PERMISSION_DENIED", "User does not have EXTERNAL USE LOCATION");
        }
        if let Some(name) = tail("/api/2.1/unity-catalog/tables/") {
            return match self.catalog.get(&name) {
                Some(Value::String(code)) => error(403, code, "User does not have USE SCHEMA"),
                Some(info) => ok(info.clone()),
                None => {
                    error(404, "TABLE_DOES_NOT_EXIST", &format!("Table '{name}' does not exist."))
                }
            };
        }
        if path == "/api/2.1/unity-catalog/tables" {
            let all: Vec<&Value> = self.catalog.values().filter(|it| it.is_object()).collect();
            let at: usize = page.map_or(0, |page| page.parse().unwrap());
            let next = (at + 10 < all.len()).then(|| (at + 10).to_string());
            return ok(
                json!({"tables": all.iter().skip(at).take(10).collect::<Vec<_>>(), "next_page_token": next}),
            );
        }
        if path == "/api/2.2/jobs/list" {
            let fits = |job: &&Value| {
                let name = job["settings"]["name"].as_str().unwrap();
                query.get("name").is_none_or(|asked| name.eq_ignore_ascii_case(asked))
            };
            let jobs: Vec<&Value> = self.jobs.iter().filter(fits).collect();
            return ok(if jobs.is_empty() { json!({}) } else { json!({"jobs": jobs}) });
        }
        if path == "/api/2.2/jobs/get" {
            let job =
                self.jobs.iter().find(|job| job["job_id"].as_i64() == query["job_id"].parse().ok());
            return match job {
                Some(job) => ok(job.clone()),
                None => error(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    &format!("Job {} does not exist.", query["job_id"]),
                ),
            };
        }
        if path == "/api/2.2/jobs/runs/list" {
            let active = query.contains_key("active_only");
            let ended = |run: &Value| run["end_time"].as_i64().unwrap_or(0) > 0;
            let runs: Vec<&Value> = self
                .runs
                .iter()
                .filter(|run| !active || !ended(run))
                .filter(|run| {
                    let bound = |name: &str| query.get(name)?.parse::<i64>().ok();
                    let start = run["start_time"].as_i64().unwrap_or(0);
                    bound("start_time_from").is_none_or(|from| start >= from)
                        && bound("start_time_to").is_none_or(|to| start <= to)
                })
                .collect();
            let at: usize = page.map_or(0, |page| page.parse().unwrap());
            let next = (at + 2 < runs.len()).then(|| (at + 2).to_string());
            return ok(
                json!({"runs": runs.iter().skip(at).take(2).collect::<Vec<_>>(), "next_page_token": next}),
            );
        }
        self.files(path, query)
    }

    fn files(&self, path: &str, query: &BTreeMap<String, String>) -> Response<Body> {
        let missing = || error(404, "RESOURCE_DOES_NOT_EXIST", "Path doesn't exist.");
        let inside = |folder: &str| -> Vec<&String> {
            let folder = format!("{}/", folder.trim_end_matches('/'));
            self.files.keys().filter(|file| file.starts_with(&folder)).collect()
        };
        let asked = query.get("path").cloned().unwrap_or_default();
        match path {
            "/api/2.0/workspace/get-status" if self.files.contains_key(&asked) => {
                ok(json!({"object_type": "FILE", "path": asked}))
            }
            "/api/2.0/workspace/get-status" if !inside(&asked).is_empty() => {
                ok(json!({"object_type": "DIRECTORY", "path": asked}))
            }
            "/api/2.0/workspace/get-status" => missing(),
            "/api/2.0/workspace/list" => {
                let objects: Vec<Value> = inside(&asked)
                    .iter()
                    .map(|it| json!({"object_type": "FILE", "path": it}))
                    .collect();
                ok(json!({"objects": objects}))
            }
            "/api/2.0/workspace/export" => {
                self.files.get(&asked).map_or_else(missing, |text| answer(200, &[], text.clone()))
            }
            _ => {
                if let Some(file) = path.strip_prefix("/api/2.0/fs/files") {
                    return self
                        .files
                        .get(file)
                        .map_or_else(missing, |text| answer(200, &[], text.clone()));
                }
                if let Some(folder) = path.strip_prefix("/api/2.0/fs/directories") {
                    let contents: Vec<Value> =
                        inside(folder).iter().map(|it| json!({"path": it, "name": it})).collect();
                    return ok(json!({"contents": contents}));
                }
                error(404, "ENDPOINT_NOT_FOUND", &format!("No API found for {path}"))
            }
        }
    }
}
