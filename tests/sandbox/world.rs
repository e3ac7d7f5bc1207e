//! A demo world that is served, and a client that asks it.

use drsync::lakehouse::demo;
use drsync::lakehouse::write::WorkspaceFolder;
use drsync::sandbox::{Quirks, Running, SandboxOptions, WorkspaceEndpoint, World, serve};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Sandbox {
    folder: TempDir,
    pub(crate) running: Running,
    client: reqwest::Client,
}

/// An answer: status, headers, body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Sandbox {
    pub(crate) async fn new() -> Sandbox {
        Sandbox::with(Quirks::default()).await
    }

    pub(crate) async fn with(quirks: Quirks) -> Sandbox {
        Sandbox::serving(|options| options.quirks = quirks).await
    }

    pub(crate) async fn serving(change: impl FnOnce(&mut SandboxOptions)) -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        demo::build(folder.path(), chrono::Utc::now()).await.unwrap();
        let mut options = SandboxOptions::new(World::find(folder.path()).unwrap());
        change(&mut options);
        let running = serve(options).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Sandbox { folder, running, client }
    }

    pub(crate) fn path(&self, inside: &str) -> std::path::PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn east(&self) -> WorkspaceFolder {
        WorkspaceFolder::at(self.path("east"))
    }

    pub(crate) fn primary(&self) -> &WorkspaceEndpoint {
        &self.running.primary
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        self.send_as(Some(&self.primary().token), method, path, body).await
    }

    pub(crate) async fn send_as(
        &self,
        token: Option<&str>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.primary().url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        Ok(Answer { status, headers, body })
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await.unwrap()
    }

    /// Runs a statement to its end and gives the whole answer.
    pub(crate) async fn statement(&self, sql: &str, more: Value) -> Value {
        let mut request = json!({"statement": sql, "warehouse_id": self.primary().warehouse_id, "wait_timeout": "30s"});
        for (key, value) in more.as_object().unwrap() {
            request[key] = value.clone();
        }
        let answer = self.post("/api/2.0/sql/statements", request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The rows of a statement that succeeds.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Value> {
        let body = self.statement(sql, json!({})).await;
        assert_eq!(body["status"]["state"], "SUCCEEDED", "{sql}: {body}");
        body["result"]["data_array"].as_array().cloned().unwrap_or_default()
    }

    /// The message of a statement that fails.
    pub(crate) async fn failure(&self, sql: &str) -> String {
        let body = self.statement(sql, json!({})).await;
        assert_eq!(body["status"]["state"], "FAILED", "{sql}: {body}");
        body["status"]["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Where a replica is to lie.
    pub(crate) fn replica(&self, name: &str) -> String {
        format!("delta.`{}`", self.path(&format!("west/sync/main/{name}")).display())
    }
}
