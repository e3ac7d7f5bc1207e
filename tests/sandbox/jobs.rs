//! Jobs and runs.

use serde_json::{Value, json};

use crate::world::Sandbox;

fn ids(body: &Value) -> Vec<i64> {
    body["runs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|run| run["run_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_job_is_found_by_name_without_case_in_both_versions() {
    let sandbox = Sandbox::new().await;
    for version in ["2.1", "2.2"] {
        let found = sandbox.get(&format!("/api/{version}/jobs/list?name=Orders_Job")).await.body;
        assert_eq!(found["jobs"][0]["job_id"], 1016);
        assert_eq!(found["jobs"][0]["settings"]["schedule"]["pause_status"], "UNPAUSED");
        assert_eq!(found["has_more"], false);
    }
    assert_eq!(sandbox.get("/api/2.2/jobs/list?name=nope").await.body, json!({"has_more": false}));
}

#[tokio::test]
async fn jobs_are_paged() {
    let sandbox = Sandbox::new().await;
    let first = sandbox.get("/api/2.2/jobs/list?limit=1").await.body;
    assert_eq!((&first["has_more"], first["jobs"].as_array().unwrap().len()), (&json!(true), 1));
    let token = first["next_page_token"].as_str().unwrap();
    let second = sandbox.get(&format!("/api/2.2/jobs/list?limit=1&page_token={token}")).await.body;
    assert_eq!(second["jobs"][0]["job_id"], 1017);
    assert_eq!(sandbox.get("/api/2.2/jobs/list?limit=101").await.status, 400);
}

#[tokio::test]
async fn runs_come_newest_first_in_both_shapes_and_are_filtered() {
    let sandbox = Sandbox::new().await;
    let all = sandbox.get("/api/2.2/jobs/runs/list?job_id=1016").await.body;
    assert_eq!(ids(&all), [89, 88, 87]);
    assert_eq!(all["runs"][0]["end_time"], 0);
    assert_eq!(all["runs"][0]["status"]["state"], "RUNNING");
    assert_eq!(all["runs"][1]["state"]["result_state"], "SUCCESS");
    assert_eq!(all["runs"][1]["status"]["termination_details"]["type"], "SUCCESS");
    assert_eq!(ids(&sandbox.get("/api/2.2/jobs/runs/list?active_only=true").await.body), [89]);
    let completed =
        sandbox.get("/api/2.2/jobs/runs/list?job_id=1016&completed_only=true&limit=1").await.body;
    assert_eq!((ids(&completed), &completed["has_more"]), (vec![88], &json!(true)));
    assert_eq!(
        sandbox.get("/api/2.2/jobs/runs/list?completed_only=true&active_only=true").await.status,
        400
    );
}

#[tokio::test]
async fn what_is_not_there_is_400_as_on_the_platform() {
    let sandbox = Sandbox::new().await;
    let job = sandbox.get("/api/2.2/jobs/get?job_id=404").await;
    assert_eq!(
        (job.status.as_u16(), &job.body["message"]),
        (400, &json!("Job 404 does not exist."))
    );
    let run = sandbox.get("/api/2.2/jobs/runs/get?run_id=404").await;
    assert_eq!(
        (run.status.as_u16(), &run.body["message"]),
        (400, &json!("Run 404 does not exist."))
    );
    assert_eq!(
        sandbox.get("/api/2.2/jobs/get?job_id=1016").await.body["settings"]["name"],
        "orders_job"
    );
}

#[tokio::test]
async fn run_now_appends_a_run_once_for_a_token_and_a_running_one_can_be_canceled() {
    let sandbox = Sandbox::new().await;
    let order = json!({"job_id": 1017, "idempotency_token": "once"});
    let first = sandbox.post("/api/2.2/jobs/run-now", order.clone()).await.body;
    assert_eq!(first, sandbox.post("/api/2.2/jobs/run-now", order).await.body);
    let run = sandbox.get(&format!("/api/2.2/jobs/runs/get?run_id={}", first["run_id"])).await.body;
    assert_eq!(run["state"]["result_state"], "SUCCESS");
    let long = json!({"job_id": 1017, "job_parameters": {"result": "RUNNING"}});
    let long = sandbox.post("/api/2.1/jobs/run-now", long).await.body["run_id"].clone();
    assert!(
        ids(&sandbox.get("/api/2.2/jobs/runs/list?active_only=true").await.body)
            .contains(&long.as_i64().unwrap())
    );
    sandbox.post("/api/2.2/jobs/runs/cancel", json!({"run_id": long})).await;
    let run = sandbox.get(&format!("/api/2.2/jobs/runs/get?run_id={long}")).await.body;
    assert_eq!(run["state"]["result_state"], "CANCELED");
    assert!(run["end_time"].as_i64().unwrap() > 0);
    assert_eq!(sandbox.post("/api/2.2/jobs/run-now", json!({"job_id": 1})).await.status, 400);
}
