//! The life of a statement.

use std::time::Duration;

use arrow_ipc::reader::StreamReader;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use drsync::sandbox::Quirks;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::Sandbox;

const AT: &str = "/api/2.0/sql/statements";

impl Sandbox {
    async fn until_over(&self, id: &Value) -> Value {
        let path = format!("{AT}/{}", id.as_str().unwrap());
        loop {
            let body = self.get(&path).await.body;
            if !["PENDING", "RUNNING"].contains(&body["status"]["state"].as_str().unwrap()) {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_result_comes_inline_with_its_columns_and_every_value_as_text() {
    let sandbox = Sandbox::new().await;
    let sql = "SELECT 1 AS n, 'a' AS t, NULL AS nothing, true AS yes, 1.5 AS d";
    let body = sandbox.statement(sql, json!({})).await;
    assert_eq!(body["result"]["data_array"], json!([["1", "a", null, "true", "1.5"]]));
    let types: Vec<&Value> = body["manifest"]["schema"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["type_name"])
        .collect();
    assert_eq!(types, ["INT", "STRING", "NULL", "BOOLEAN", "DECIMAL"]);
    assert_eq!(body["manifest"]["total_row_count"], 1);
}

#[tokio::test]
async fn a_statement_without_a_result_says_so_as_the_service_does() {
    let sandbox = Sandbox::new().await;
    let body = sandbox.statement("CREATE TABLE main.scratch.t (a INT)", json!({})).await;
    assert_eq!(
        (&body["manifest"]["schema"], &body["result"]),
        (&json!({"column_count": 0}), &json!({}))
    );
    let empty = sandbox.statement("SELECT a FROM main.scratch.t", json!({})).await;
    assert_eq!(empty["result"], json!({}));
    assert_eq!(empty["manifest"]["schema"]["column_count"], 1);
}

#[tokio::test]
async fn without_waiting_a_statement_is_pending_and_polled_to_its_end() {
    let sandbox = Sandbox::new().await;
    let body = sandbox.statement("SELECT 1", json!({"wait_timeout": "0s"})).await;
    assert_eq!(body["status"], json!({"state": "PENDING"}));
    assert_eq!(sandbox.until_over(&body["statement_id"]).await["status"]["state"], "SUCCEEDED");
}

#[tokio::test]
async fn what_the_service_refuses_is_refused() {
    let sandbox = Sandbox::new().await;
    let warehouse = &sandbox.primary().warehouse_id;
    for (change, words) in [
        (json!({"warehouse_id": "w9"}), "w9 is not a valid endpoint id."),
        (json!({"wait_timeout": "3s"}), "wait_timeout must be 0s"),
        (json!({"on_wait_timeout": "MAYBE"}), "MAYBE"),
        (json!({"format": "ARROW_STREAM"}), "EXTERNAL_LINKS"),
        (json!({"parameters": [{"name": "n", "type": "INT", "value": "x"}]}), "parameter n"),
        (
            json!({"parameters": [{"name": "n", "value": "1"}, {"name": "m"}, {"name": "n", "value": "1"}]}),
            "The parameter n is given more than once.",
        ),
        (json!({"parameters": {"name": "n", "value": "1"}}), "parameters must be a list"),
        (json!({"row_limit": 0}), "row_limit must be a whole number from 1, not 0."),
        (json!({"row_limit": -1}), "not -1."),
        (json!({"row_limit": "5"}), "not \"5\"."),
        (json!({"row_limit": 1.5}), "not 1.5."),
        (json!({"byte_limit": 0}), "byte_limit must be a whole number from 1, not 0."),
        (json!({"byte_limit": -20}), "not -20."),
        (json!({"byte_limit": [1]}), "not [1]."),
    ] {
        let mut request = json!({"statement": "SELECT 1", "warehouse_id": warehouse});
        for (key, value) in change.as_object().unwrap() {
            request[key] = value.clone();
        }
        let answer = sandbox.post(AT, request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["error_code"]),
            (400, &json!("INVALID_PARAMETER_VALUE"))
        );
        assert!(answer.body["message"].as_str().unwrap().contains(words), "{}", answer.body);
    }
    let unknown = sandbox.get(&format!("{AT}/nope")).await;
    assert_eq!((unknown.status.as_u16(), &unknown.body["error_code"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn a_failure_is_a_200_with_class_and_state() {
    let sandbox = Sandbox::new().await;
    let body = sandbox.statement("SELECT * FROM main.shop.nope", json!({})).await;
    assert_eq!(body["status"]["state"], "FAILED");
    assert_eq!(body["status"]["sql_state"], "42P01");
    let message = body["status"]["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("[TABLE_OR_VIEW_NOT_FOUND]") && message.ends_with("SQLSTATE: 42P01"),
        "{message}"
    );
}

#[tokio::test]
async fn a_long_result_comes_in_parts_that_are_linked() {
    let sandbox = Sandbox::with(Quirks { chunk_rows: 100, ..Quirks::default() }).await;
    let body = sandbox.statement("SELECT id FROM main.ref.countries ORDER BY id", json!({})).await;
    assert_eq!(body["manifest"]["total_chunk_count"], 3);
    let mut rows = body["result"]["data_array"].as_array().unwrap().clone();
    let mut part = body["result"].clone();
    while let Some(link) = part["next_chunk_internal_link"].as_str() {
        part = sandbox.get(link).await.body;
        rows.extend(part["data_array"].as_array().unwrap().clone());
    }
    assert_eq!(rows.len(), 249);
    let id = body["statement_id"].as_str().unwrap();
    assert_eq!(sandbox.get(&format!("{AT}/{id}/result/chunks/9")).await.status, 400);
}

#[tokio::test]
async fn external_links_are_fetched_without_a_token() {
    let sandbox = Sandbox::with(Quirks { chunk_rows: 200, ..Quirks::default() }).await;
    let body = sandbox
        .statement("SELECT id FROM main.ref.countries", json!({"disposition": "EXTERNAL_LINKS"}))
        .await;
    let link = &body["result"]["external_links"][0];
    assert_eq!(link["next_chunk_index"], 1);
    let rows: Value = sandbox
        .client()
        .get(link["external_link"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn a_result_beyond_the_limits_is_cut_or_refused() {
    let sandbox = Sandbox::with(Quirks { inline_bytes: 2000, ..Quirks::default() }).await;
    let cut = sandbox.statement("SELECT id FROM main.ref.countries", json!({"row_limit": 5})).await;
    assert_eq!(
        (&cut["manifest"]["truncated"], &cut["manifest"]["total_row_count"]),
        (&json!(true), &json!(5))
    );
    let whole = sandbox.statement("SELECT 1", json!({"row_limit": 1, "byte_limit": 1000})).await;
    assert_eq!(whole["manifest"]["truncated"], false);
    let refused = sandbox.failure("SELECT * FROM main.ref.countries").await;
    assert!(refused.starts_with("Inline byte limit exceeded"), "{refused}");
}

#[tokio::test]
async fn of_a_result_within_a_byte_limit_come_the_rows_that_fit() {
    let sandbox = Sandbox::new().await;
    for disposition in ["INLINE", "EXTERNAL_LINKS"] {
        let cut = sandbox
            .statement(
                "SELECT id FROM main.ref.countries ORDER BY id",
                json!({"byte_limit": 40, "disposition": disposition}),
            )
            .await;
        assert_eq!(cut["manifest"]["truncated"], true);
        assert_eq!(cut["manifest"]["total_row_count"], 10);
        assert_eq!(
            cut["manifest"]["chunks"],
            json!([{"chunk_index": 0, "row_offset": 0, "row_count": 10}])
        );
    }
    let nothing = sandbox.statement("SELECT 'a long text'", json!({"byte_limit": 3})).await;
    assert_eq!(nothing["manifest"]["truncated"], true);
    assert_eq!(nothing["manifest"]["total_row_count"], 0);
    assert_eq!(nothing["result"], json!({}));
}

#[tokio::test]
async fn a_statement_can_be_canceled_and_the_late_ones_cancel_themselves() {
    let sandbox = Sandbox::new().await;
    sandbox.running.inject("SQL *slow* every delay=60s".parse().unwrap());
    let body = sandbox.statement("SELECT 'slow'", json!({"wait_timeout": "0s"})).await;
    let id = body["statement_id"].clone();
    let canceled = sandbox.post(&format!("{AT}/{}/cancel", id.as_str().unwrap()), json!({})).await;
    assert_eq!(canceled.body, json!({}));
    assert_eq!(sandbox.until_over(&id).await["status"], json!({"state": "CANCELED"}));
    let late = sandbox
        .statement("SELECT 'slow'", json!({"wait_timeout": "5s", "on_wait_timeout": "CANCEL"}))
        .await;
    assert_eq!(late["status"]["state"], "CANCELED");
    let done = sandbox.statement("SELECT 1", json!({})).await;
    let path = format!("{AT}/{}", done["statement_id"].as_str().unwrap());
    sandbox.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(sandbox.get(&path).await.body["status"]["state"], "SUCCEEDED");
    sandbox.send(Method::DELETE, &path, None).await.unwrap();
    assert_eq!(sandbox.get(&path).await.body["status"]["state"], "CLOSED");
}

#[tokio::test]
async fn a_warehouse_is_started_by_a_statement() {
    let sandbox = Sandbox::new().await;
    let path = format!("/api/2.0/sql/warehouses/{}", sandbox.primary().warehouse_id);
    sandbox.post(&format!("{path}/stop"), json!({})).await;
    assert_eq!(sandbox.get(&path).await.body["state"], "STOPPED");
    sandbox.rows("SELECT 1").await;
    assert_eq!(
        sandbox.get("/api/2.0/sql/warehouses").await.body["warehouses"][0]["state"],
        "RUNNING"
    );
    assert_eq!(sandbox.get("/api/2.0/sql/warehouses/w9").await.status, 404);
}

#[tokio::test]
async fn what_runs_is_found_in_the_query_history_by_its_text() {
    let sandbox = Sandbox::new().await;
    let slow = "SQL CREATE*TABLE* every delay=20s";
    sandbox.running.inject(slow.parse().unwrap());
    let sql = "CREATE TABLE main.scratch.slow (a INT)";
    let request = json!({"statement": sql, "warehouse_id": sandbox.primary().warehouse_id, "wait_timeout": "0s"});
    let submitted = sandbox.post("/api/2.0/sql/statements", request).await.body;
    sandbox.rows("SELECT 1").await;
    let running = "/api/2.0/sql/history/queries?filter_by.statuses=QUEUED&filter_by.statuses=RUNNING&max_results=5";
    let found = sandbox.get(running).await.body;
    let found: Vec<_> = found["res"].as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["query_id"], submitted["statement_id"]);
    assert_eq!(found[0]["query_text"], sql);
    let all = sandbox.get("/api/2.0/sql/history/queries").await.body;
    assert_eq!(all["res"][0]["query_text"], "SELECT 1");
    assert_eq!(all["res"][0]["status"], "FINISHED");
}

#[tokio::test]
async fn a_part_that_no_result_has_is_refused_as_everything_else_is() {
    let sandbox = Sandbox::new().await;
    let body = sandbox.statement("SELECT 1", json!({})).await;
    let id = body["statement_id"].as_str().unwrap();
    for (index, words) in [
        ("-1", "The chunk index -1 is not a number from 0."),
        ("x", "The chunk index x is not a number from 0."),
        ("1", "The chunk index 1 is out of range."),
    ] {
        let refused = sandbox.get(&format!("{AT}/{id}/result/chunks/{index}")).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.body["error_code"], "INVALID_PARAMETER_VALUE");
        assert_eq!(refused.body["message"], words);
    }
}

#[tokio::test]
async fn a_result_comes_inline_or_by_links_by_how_long_it_is() {
    let sandbox =
        Sandbox::with(Quirks { inline_bytes: 600, chunk_rows: 20, ..Quirks::default() }).await;
    let either =
        |format: &str| json!({"disposition": "INLINE_OR_EXTERNAL_LINKS", "format": format});
    let few = "SELECT id FROM main.ref.countries ORDER BY id LIMIT 30";
    let body = sandbox.statement(few, either("JSON_ARRAY")).await;
    assert_eq!(body["result"]["data_array"].as_array().unwrap().len(), 20);
    assert_eq!(body["result"]["external_links"], Value::Null);
    let body = sandbox.statement(few, either("ARROW_STREAM")).await;
    let (result, manifest) = (&body["result"], &body["manifest"]);
    assert_eq!(
        (&manifest["format"], &manifest["total_chunk_count"]),
        (&json!("ARROW_STREAM"), &json!(2))
    );
    assert_eq!((&result["row_count"], &result["next_chunk_index"]), (&json!(20), &json!(1)));
    let next = result["next_chunk_internal_link"].as_str().unwrap();
    let next = sandbox.get(next).await.body;
    let rows: usize = [result, &next].iter().map(|part| arrow_rows(&part["attachment"])).sum();
    assert_eq!(rows, 30);
    let many = "SELECT id FROM main.ref.countries";
    for format in ["JSON_ARRAY", "ARROW_STREAM"] {
        let body = sandbox.statement(many, either(format)).await;
        assert_eq!(body["status"]["state"], "SUCCEEDED", "{body}");
        let result = &body["result"];
        assert!(result["external_links"][0]["external_link"].is_string(), "{result}");
        assert!(result["data_array"].is_null() && result["attachment"].is_null(), "{result}");
    }
    let refused = json!({
        "statement": "SELECT 1", "warehouse_id": sandbox.primary().warehouse_id, "format": "ARROW_STREAM",
    });
    assert_eq!(sandbox.post("/api/2.0/sql/statements", refused).await.status, 400);
}

/// The rows of an Arrow stream in Base64.
fn arrow_rows(attachment: &Value) -> usize {
    let bytes = BASE64.decode(attachment.as_str().unwrap()).unwrap();
    let batches = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    batches.map(|batch| batch.unwrap().num_rows()).sum()
}

#[tokio::test]
async fn names_that_say_no_catalog_or_schema_are_those_of_the_statement_or_of_its_session() {
    let sandbox = Sandbox::new().await;
    let counted = |body: &Value| body["result"]["data_array"][0][0].clone();
    let count = "SELECT count(*) FROM countries";
    let body = sandbox.statement(count, json!({"catalog": "main", "schema": "ref"})).await;
    assert_eq!(counted(&body), "249");
    let body = sandbox.statement(count, json!({"schema": "REF"})).await;
    assert_eq!(counted(&body), "249");
    let body =
        sandbox.statement("SELECT count(*) FROM ref.countries", json!({"catalog": "main"})).await;
    assert_eq!(counted(&body), "249");
    for (names, class) in [
        (json!({"catalog": "gone"}), "[NO_SUCH_CATALOG_EXCEPTION]"),
        (json!({"catalog": "main", "schema": "gone"}), "[SCHEMA_NOT_FOUND]"),
        (json!({"schema": "shop"}), "[TABLE_OR_VIEW_NOT_FOUND]"),
    ] {
        let body = sandbox.statement(count, names.clone()).await;
        let message = body["status"]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(class), "{names}: {body}");
    }
    let opened = json!({"warehouse_id": sandbox.primary().warehouse_id, "catalog": "main", "schema": "shop"});
    let opened = sandbox.post("/api/2.0/sql/sessions", opened).await.body;
    let id = opened["session_id"].as_str().unwrap().to_owned();
    let within = || json!({"session_id": id});
    let orders = sandbox.statement("SELECT count(*) > 0 FROM orders", within()).await;
    assert_eq!(counted(&orders), "true");
    sandbox.statement("USE ref", within()).await;
    assert_eq!(counted(&sandbox.statement(count, within()).await), "249");
    let current = "SELECT current_catalog(), current_schema()";
    let body = sandbox.statement(current, within()).await;
    assert_eq!(body["result"]["data_array"], json!([["main", "ref"]]));
    // Without a session it holds for its own statement.
    sandbox.rows("USE main.ref").await;
    assert!(sandbox.failure(count).await.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"));
    sandbox.send(Method::DELETE, &format!("/api/2.0/sql/sessions/{id}"), None).await.unwrap();
    let closed = json!({"statement": "SELECT 1", "warehouse_id": sandbox.primary().warehouse_id, "session_id": id});
    assert_eq!(sandbox.post("/api/2.0/sql/statements", closed).await.status, 404);
}
