//! How the sandbox misbehaves.

use reqwest::Method;
use serde_json::json;

use crate::world::Sandbox;

const ME: &str = "/api/2.0/preview/scim/v2/Me";
const SCRATCH: &str = "CREATE TABLE main.scratch.t (a INT)";

impl Sandbox {
    fn fault(&self, text: &str) {
        self.running.inject(text.parse().unwrap());
    }

    async fn submit(&self, sql: &str) -> reqwest::Result<crate::world::Answer> {
        let request = json!({"statement": sql, "warehouse_id": self.primary().warehouse_id});
        self.send(Method::POST, "/api/2.0/sql/statements", Some(request)).await
    }
}

#[tokio::test]
async fn a_status_is_answered_as_often_as_asked() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("GET /api/2.0/preview/* 1-2 429/7");
    for _ in 0..2 {
        let limited = sandbox.get(ME).await;
        assert_eq!(
            (limited.status.as_u16(), &limited.body["error_code"]),
            (429, &json!("REQUEST_LIMIT_EXCEEDED"))
        );
        assert_eq!(limited.headers["retry-after"], "7");
    }
    assert_eq!(sandbox.get(ME).await.status, 200);
}

#[tokio::test]
async fn a_gateway_answers_in_html() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("* /api/* 1 html/502");
    let page = sandbox.get(ME).await;
    assert_eq!(page.status, 502);
    assert!(page.body.as_str().unwrap().contains("<pre>"));
}

#[tokio::test]
async fn before_the_effect_a_dropped_connection_leaves_nothing_done() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("POST /api/2.0/sql/statements 1 drop-before");
    sandbox.submit(SCRATCH).await.err().expect("the connection is dropped");
    sandbox.failure("SELECT * FROM main.scratch.t").await;
}

#[tokio::test]
async fn after_the_effect_a_dropped_connection_leaves_it_done() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("POST /api/2.0/sql/statements 1 drop-after");
    sandbox.submit(SCRATCH).await.err().expect("the connection is dropped");
    assert!(sandbox.rows("SELECT * FROM main.scratch.t").await.is_empty());
}

#[tokio::test]
async fn a_truncated_answer_is_not_whole() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("GET /api/2.0/preview/scim/v2/Me 1 truncate");
    sandbox.send(Method::GET, ME, None).await.err().expect("half an answer is none");
    assert_eq!(sandbox.get(ME).await.status, 200);
}

#[tokio::test]
async fn a_statement_fails_without_its_effect_or_with_it() {
    let sandbox = Sandbox::new().await;
    sandbox.fault("SQL CREATE*TABLE* 1 fail=TEMPORARILY_UNAVAILABLE");
    let body = sandbox.statement(SCRATCH, json!({})).await;
    assert_eq!(body["status"]["error"]["error_code"], "TEMPORARILY_UNAVAILABLE");
    sandbox.failure("SELECT * FROM main.scratch.t").await;
    sandbox.running.behave();
    sandbox.fault("SQL CREATE*TABLE* 1 fail-after=DELTA_CONCURRENT_WRITE");
    assert!(sandbox.failure(SCRATCH).await.starts_with("[DELTA_CONCURRENT_WRITE]"));
    assert!(sandbox.rows("SELECT * FROM main.scratch.t").await.is_empty());
}

#[tokio::test]
async fn requests_are_remembered() {
    let sandbox = Sandbox::new().await;
    sandbox.get(ME).await;
    assert_eq!(sandbox.running.requests(), [format!("GET {}{ME}", sandbox.primary().url)]);
}
