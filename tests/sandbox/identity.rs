//! Who asks, and with what.

use serde_json::json;

use crate::world::Sandbox;
use reqwest::Method;

const ME: &str = "/api/2.0/preview/scim/v2/Me";

#[tokio::test]
async fn a_token_names_its_principal_and_every_answer_its_request_and_workspace() {
    let sandbox = Sandbox::new().await;
    let me = sandbox.get(ME).await;
    assert_eq!(me.body["userName"], "dr-sync@example.com");
    for header in ["x-request-id", "x-databricks-org-id", "date"] {
        assert!(me.headers.contains_key(header), "{header}");
    }
}

#[tokio::test]
async fn no_token_is_401_and_a_wrong_one_403_with_codes_that_are_numbers() {
    let sandbox = Sandbox::new().await;
    let none = sandbox.send_as(None, Method::GET, ME, None).await.unwrap();
    assert_eq!((none.status.as_u16(), &none.body["error_code"]), (401, &json!(401)));
    assert!(none.headers.contains_key("www-authenticate"));
    let wrong = sandbox.send_as(Some("dapi-expired"), Method::GET, ME, None).await.unwrap();
    assert_eq!((wrong.status.as_u16(), &wrong.body["error_code"]), (403, &json!(403)));
    assert_eq!(wrong.body["message"], "Invalid access token.");
}

#[tokio::test]
async fn client_credentials_become_a_token_that_is_good() {
    let sandbox = Sandbox::new().await;
    let served = sandbox.primary().clone();
    let discovered =
        sandbox.send_as(None, Method::GET, "/.well-known/databricks-config", None).await.unwrap();
    assert_eq!(discovered.body["oidc_endpoint"], format!("{}/oidc", served.url));
    let token = |secret: String| {
        let client = sandbox.client().clone();
        let served = served.clone();
        async move {
            let request = client
                .post(format!("{}/oidc/v1/token", served.url))
                .basic_auth(&served.client_id, Some(secret));
            let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
            let response = request.form(&form).send().await.unwrap();
            (response.status(), response.json::<serde_json::Value>().await.unwrap())
        }
    };
    let (status, given) = token(served.client_secret.clone()).await;
    assert_eq!(status, 200);
    let me = sandbox.send_as(given["access_token"].as_str(), Method::GET, ME, None).await.unwrap();
    assert_eq!(me.status, 200);
    let (status, refused) = token("wrong".to_owned()).await;
    assert_eq!((status.as_u16(), &refused["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn a_secret_of_the_catalog_is_a_token_too() {
    let sandbox = Sandbox::new().await;
    sandbox
        .east()
        .edit_catalog(|catalog| catalog["secrets"] = json!({"dr": {"pat": "dapi-of-the-catalog"}}))
        .unwrap();
    let secret = sandbox.get("/api/2.0/secrets/get?scope=dr&key=pat").await;
    assert_eq!(secret.body["value"], "ZGFwaS1vZi10aGUtY2F0YWxvZw==");
    let me = sandbox.send_as(Some("dapi-of-the-catalog"), Method::GET, ME, None).await.unwrap();
    assert_eq!(me.status, 200);
    let own = sandbox.get("/api/2.0/secrets/list?scope=sandbox").await;
    assert_eq!(own.body["secrets"].as_array().unwrap().len(), 2);
    let missing = sandbox.get("/api/2.0/secrets/get?scope=dr&key=nope").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.body["error_code"]),
        (404, &json!("RESOURCE_DOES_NOT_EXIST"))
    );
}

#[tokio::test]
async fn a_path_that_is_not_answered_is_refused_by_name() {
    let sandbox = Sandbox::new().await;
    let unknown = sandbox.get("/api/2.0/clusters/list").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.body["error_code"], "ENDPOINT_NOT_FOUND");
    assert_eq!(unknown.body["message"], "No API found for 'GET /api/2.0/clusters/list'");
}

#[tokio::test]
async fn the_configuration_is_ready_for_use() {
    let sandbox = Sandbox::new().await;
    let read = drsync::config::read_text(
        "drsync.json",
        sandbox.running.configuration.as_bytes(),
        std::path::Path::new("/elsewhere"),
    );
    assert_eq!(read.mistakes, []);
    let workspace = &read.workspaces[0];
    assert_eq!(workspace.address.to_string(), sandbox.primary().url);
    assert_eq!(
        workspace.connection.warehouse_id.as_deref(),
        Some(sandbox.primary().warehouse_id.as_str())
    );
    assert_eq!(workspace.secondary.as_ref().unwrap().to_string(), sandbox.running.secondary.url);
    assert_eq!(workspace.groups.len(), 3);
    assert_eq!(sandbox.primary().token_variable, "DRSYNC_TOKEN_EAST");
}
