//! Workspace files and volumes.

use reqwest::Method;
use serde_json::json;

use crate::world::Sandbox;

#[tokio::test]
async fn a_workspace_file_is_put_listed_and_read_in_both_ways() {
    let sandbox = Sandbox::new().await;
    let import = json!({"path": "/Shared/dr/a.json", "content": "eyJhIjoxfQ==", "format": "AUTO"});
    assert_eq!(sandbox.post("/api/2.0/workspace/import", import.clone()).await.status, 200);
    let again = sandbox.post("/api/2.0/workspace/import", import).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["error_code"]),
        (400, &json!("RESOURCE_ALREADY_EXISTS"))
    );
    let status =
        sandbox.get("/api/2.0/workspace/get-status?path=/Workspace/Shared/dr/a.json").await.body;
    assert_eq!((&status["object_type"], &status["size"]), (&json!("FILE"), &json!(7)));
    let list = sandbox.get("/api/2.0/workspace/list?path=/Shared/dr").await.body;
    assert_eq!(list["objects"][0]["path"], "/Shared/dr/a.json");
    let coded =
        sandbox.get("/api/2.0/workspace/export?path=/Shared/dr/a.json&format=AUTO").await.body;
    assert_eq!(coded, json!({"content": "eyJhIjoxfQ==", "file_type": "json"}));
    let raw = sandbox
        .get("/api/2.0/workspace/export?path=/Shared/dr/a.json&direct_download=true")
        .await
        .body;
    assert_eq!(raw, json!({"a": 1}));
    let missing = sandbox.get("/api/2.0/workspace/export?path=/nope").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.body["message"]),
        (404, &json!("Path (/nope) doesn't exist."))
    );
    assert_eq!(sandbox.get("/api/2.0/workspace/export?path=/../lakehouse.json").await.status, 400);
}

#[tokio::test]
async fn a_volumes_files_are_put_listed_and_read() {
    let sandbox = Sandbox::new().await;
    let at = |path: &str| format!("{}/api/2.0/fs/{path}", sandbox.primary().url);
    let send = |method: Method, path: &str| {
        let request =
            sandbox.client().request(method, at(path)).bearer_auth(&sandbox.primary().token);
        async move { request.body("hello").send().await.unwrap() }
    };
    let file = "files/Volumes/main/shop/raw/x%20y.txt";
    assert_eq!(send(Method::PUT, file).await.status(), 204);
    assert_eq!(send(Method::PUT, file).await.status(), 409);
    assert_eq!(send(Method::PUT, &format!("{file}?overwrite=true")).await.status(), 204);
    let head = send(Method::HEAD, file).await;
    assert_eq!(head.headers()["content-length"], "5");
    assert_eq!(send(Method::GET, file).await.text().await.unwrap(), "hello");
    let list = sandbox.get("/api/2.0/fs/directories/Volumes/main/shop/raw").await.body;
    assert_eq!(list["contents"][0]["path"], "/Volumes/main/shop/raw/x y.txt");
    let missing = sandbox.get("/api/2.0/fs/files/Volumes/main/shop/raw/nope").await;
    assert_eq!((missing.status.as_u16(), &missing.body["error_code"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn the_root_of_a_workspace_without_files_is_there_and_empty() {
    let sandbox = Sandbox::new().await;
    for root in ["/", "/Workspace"] {
        let listed = sandbox.get(&format!("/api/2.0/workspace/list?path={root}")).await;
        assert_eq!((listed.status.as_u16(), &listed.body), (200, &json!({})));
        let status = sandbox.get(&format!("/api/2.0/workspace/get-status?path={root}")).await;
        assert_eq!(status.body["object_type"], "DIRECTORY");
    }
    let missing = sandbox.get("/api/2.0/workspace/list?path=/Shared").await;
    assert_eq!(missing.status, 404);
}
