//! What is logged beside the answer: a line a request where that is asked for, for people or for programs, and no secret.

use std::collections::BTreeMap;

use super::site::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_logged_where_that_is_asked_for_and_none_of_its_secrets() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    let mut variables = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)]);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let silent = site.run(&["plan"], &variables).await;
    assert!(!silent.stderr.contains("/api/"), "{}", silent.stderr);

    variables.insert("DRSYNC_LOG".to_owned(), "http".to_owned());
    site.fault("GET /api/2.1/unity-catalog/external-locations* 1 503");
    let logged = site.run(&["plan"], &variables).await;
    // A group that is due by its schedule is brought to the moment of the plan.
    let of_plan = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("sync     reference_data"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(of_plan(&logged.stdout), of_plan(&silent.stdout));
    let lines: Vec<&str> = logged.stderr.lines().filter(|it| it.contains(" http ")).collect();
    assert!(lines.len() > 5, "{}", logged.stderr);
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [day, time, "http", method, path, status, milliseconds, "ms", id] = words[..] else {
            panic!("{line}")
        };
        assert!(day.len() == 10 && time.ends_with('Z'), "{line}");
        assert!(["GET", "POST", "HEAD"].contains(&method) && path.starts_with('/'), "{line}");
        assert!(!path.contains('?') && status.parse::<u16>().is_ok(), "{line}");
        assert!(milliseconds.parse::<u64>().is_ok() && !id.is_empty(), "{line}");
    }
    assert!(lines.iter().any(|line| line.contains(" 503 ")), "{}", logged.stderr);

    let json = ["apply", "--auto-approve", "--log-format", "json"];
    let objects = site.run(&json, &variables).await;
    let mut requests = 0;
    for line in objects.stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["at"].is_string() && object["level"].is_string(), "{line}");
        match object["path"].as_str() {
            Some(path) => {
                assert!(object["status"].is_u64() && object["milliseconds"].is_u64(), "{line}");
                assert!(object["request_id"].is_string() && path.starts_with('/'), "{line}");
                requests += 1;
            }
            None => assert!(object["message"].is_string(), "{line}"),
        }
    }
    assert!(requests > 5, "{}", objects.stderr);
    assert!(objects.stderr.contains("exit 4"), "{}", objects.stderr);

    variables.insert("DRSYNC_LOG".to_owned(), "everything".to_owned());
    let wrong = site.run(&["plan"], &variables).await;
    assert_eq!(wrong.code, 64, "{}", wrong.stderr);
}
