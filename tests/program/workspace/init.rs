//! `drsync init` with the address of a workspace: asked on a terminal, a starter to fill in elsewhere.

use std::collections::BTreeMap;

use serde_json::Value;

use super::site::{Said, Site};
use super::terminal::{Key, on_terminal};

/// Puts the metastore of a workspace into a region.
fn lies_in(site: &Site, folder: &str, region: &str) {
    let path = site.path("world").join(folder).join("lakehouse.json");
    let mut catalog: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    catalog["region"] = region.into();
    std::fs::write(&path, catalog.to_string()).unwrap();
}

/// Runs `init` on a terminal of its own, signed in.
async fn asked(site: &Site, answers: &[(&str, &str)]) -> Option<Said> {
    asked_with(site, answers, &site.signed_in()).await
}

/// The same with these variables.
async fn asked_with(
    site: &Site,
    answers: &[(&str, &str)],
    variables: &BTreeMap<String, String>,
) -> Option<Said> {
    let lines: Vec<String> = answers.iter().map(|(_, answer)| format!("{answer}\n")).collect();
    let keys = answers.iter().zip(&lines).map(|((shown, _), line)| (*shown, line.as_str(), 0.0));
    let keys: Vec<Key<'_>> = keys.collect();
    let init = ["init", &site.running.primary.url];
    let seen = on_terminal(site, variables, 80, &keys, &init).await?;
    Some(Said { code: seen.status, stdout: seen.text, stderr: String::new() })
}

/// The proposed groups, one a line, with single blanks and SIZE for what is no count.
fn rows(shown: &str) -> Vec<String> {
    let (_, after) = shown.split_once("in the last 30 days:\n").unwrap();
    let (rows, _) = after.split_once("Split or join").unwrap();
    let plain = |row: &str| -> String {
        assert!(row.len() <= 80, "{row}");
        let words =
            row.split_whitespace().map(|word| if word.contains('.') { "SIZE" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    rows.lines().map(plain).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_is_looked_at_and_what_it_writes_is_valid() {
    let site = Site::new().await;
    let answers = [
        ("Copies go to", "9"),
        ("write a number from 1 to 2", ""),
        ("Copies go to", "2"),
        ("own records", ""),
        ("Secondary workspace", &site.running.primary.url),
        ("this is the primary", ""),
        ("Secondary workspace", &site.running.secondary.url),
        ("Mail about failures", ""),
    ];
    let answers: Vec<(&str, &str)> = answers
        .into_iter()
        .filter(|(question, answer)| {
            !answer.is_empty() || question.contains("own") || question.contains("Mail")
        })
        .collect();
    let Some(said) = asked(&site, &answers).await else {
        return;
    };
    eprintln!("{}", said.stdout);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    for line in [
        "Signed in as dr-sync@example.com (DATABRICKS_TOKEN); metastore east in local-east",
        "  1  sync_primary    file://WORLD/east/sync/",
        "  2  sync_secondary  file://WORLD/west/sync/",
        "  write a number from 1 to 2, or an address",
        "  this is the primary itself",
        "  metastore west in local-west: another region, good",
    ] {
        assert!(said.stdout.contains(line), "{line}\n{}", said.stdout);
    }
    assert_eq!(
        rows(&said.stdout),
        [
            "orders orders_job 3 tables SIZE MiB",
            "customer_360 customer_360_job 2 tables SIZE KiB",
            "no_workflow no job: scheduled 2 tables SIZE KiB",
            "in total 7 tables SIZE MiB",
        ]
    );
    let written = std::fs::read(site.path("here/drsync.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let workspace = &written["workspaces"][0];
    assert_eq!(workspace["sync_groups"][0]["workflow"], "orders_job");
    assert_eq!(workspace["secondary_workspace_name"], "secondary");
    assert_eq!(workspace["sync_failure_notification"], "dr-sync@example.com");
    let valid = site.run(&["validate"], &site.signed_in()).await;
    assert_eq!(valid.code, 0, "{}{}", valid.stdout, valid.stderr);
    for round in ["first", "second"] {
        let applied = site.run(&["apply", "--auto-approve"], &site.signed_in()).await;
        assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
        let told = applied.stdout + &applied.stderr;
        assert!(!told.contains("of its own"), "replicas are where they are, {round} round: {told}");
    }
    let again = asked(&site, &[]).await.unwrap();
    assert_eq!(again.code, 7, "what is there stays: {}", again.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secondary_in_the_same_region_is_refused_and_silence_keeps_what_was_answered() {
    let site = Site::new().await;
    lies_in(&site, "east", "eastus2");
    lies_in(&site, "west", "eastus2");
    let answers = [
        ("Copies go to", "2"),
        ("own records", "2"),
        ("lie in each other", "1"),
        ("Secondary workspace", site.running.secondary.url.as_str()),
        ("the same region", "no address"),
        ("workspace", "none"),
        ("Mail about failures", "nobody"),
        ("such as ops@example.com", "nobody"),
        ("such as ops@example.com", "nobody"),
    ];
    let Some(said) = asked(&site, &answers).await else {
        return;
    };
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(said.stdout.contains("fill in what stands in <…>"), "{}", said.stdout);
    let written = std::fs::read(site.path("here/drsync.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let workspace = &written["workspaces"][0];
    assert!(workspace["sync_location_secondary"].as_str().unwrap().ends_with("/west/sync"));
    assert_eq!(workspace["sync_failure_notification"], "<address>");
    assert_eq!(workspace["sync_groups"][0]["workflow"], "orders_job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_variables_that_a_sandbox_prints_name_its_workspaces() {
    let site = Site::new().await;
    let (primary, secondary) = (&site.running.primary, &site.running.secondary);
    let tokens = [primary, secondary].map(|it| (it.token_variable.clone(), it.token.clone()));
    let answers = [
        ("Copies go to", "2"),
        ("own records", ""),
        ("Secondary workspace", secondary.url.as_str()),
        ("Mail about failures", ""),
    ];
    let Some(said) = asked_with(&site, &answers, &tokens.into()).await else {
        return;
    };
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let signed_in = format!("Signed in as dr-sync@example.com ({})", primary.token_variable);
    assert!(said.stdout.contains(&signed_in), "{}", said.stdout);
    let written = std::fs::read(site.path("here/drsync.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let workspace = &written["workspaces"][0];
    let variable = |name: &Value| drsync::config::token_variable(name.as_str().unwrap());
    assert_eq!(variable(&workspace["workspace_name"]), primary.token_variable);
    assert_eq!(variable(&workspace["secondary_workspace_name"]), secondary.token_variable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_in_between_is_offered_the_same_answers_next_time() {
    let site = Site::new().await;
    let address = site.running.secondary.url.as_str();
    let stopped = [
        ("Copies go to", "2"),
        ("own records", ""),
        ("Secondary workspace", address),
        ("Mail about failures", "ops@example.com\x03"),
    ];
    let Some(said) = asked(&site, &stopped).await else {
        return;
    };
    assert_ne!(said.code, 0, "{}", said.stdout);
    assert!(!site.path("here/drsync.json").exists());
    let again = ["Copies go to", "own records", "Secondary workspace", "Mail about failures"];
    let said = asked(&site, &again.map(|question| (question, ""))).await.unwrap();
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    for line in [
        "What you answered last time stands in […]: Enter takes it",
        "Copies go to, in the other region [file://WORLD/west/sync]:",
        "metastore west in local-west: another region, good",
        "Mail about failures goes to [dr-sync@example.com]:",
    ] {
        assert!(said.stdout.contains(line), "{line}\n{}", said.stdout);
    }
    let written = std::fs::read(site.path("here/drsync.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["workspaces"][0]["secondary_workspace_instance_url"], address);
    assert!(!site.path("here/.drsync/answers.json").exists(), "they are in the configuration");
}

/// Answers that lead to the end with no secondary workspace.
const SHORT: [(&str, &str); 4] = [
    ("Copies go to", "2"),
    ("own records", ""),
    ("Secondary workspace", ""),
    ("Mail about failures", ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_size_that_one_table_does_not_tell_is_at_least_that_of_the_others() {
    let site = Site::new().await;
    site.fault("SQL *UNION ALL*DESCRIBE DETAIL* every fail=PARSE_SYNTAX_ERROR");
    site.fault("SQL DESCRIBE DETAIL*orders* every fail=INTERNAL_ERROR");
    let Some(said) = asked(&site, &SHORT).await else {
        return;
    };
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert_eq!(
        rows(&said.stdout),
        [
            "orders orders_job 3 tables at least SIZE KiB",
            "customer_360 customer_360_job 2 tables SIZE KiB",
            "no_workflow no job: scheduled 2 tables SIZE KiB",
            "in total 7 tables at least SIZE KiB",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warehouse_that_may_not_be_used_leaves_groups_without_jobs_and_sizes_and_says_so_once() {
    let site = Site::new().await;
    site.fault("POST /api/2.0/sql/statements every 403");
    let Some(said) = asked(&site, &SHORT).await else {
        return;
    };
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let why = "Neither jobs nor sizes are known: failed to read the histories of tables: ";
    assert!(said.stdout.contains(why), "{}", said.stdout);
    assert!(said.stdout.contains("needs CAN USE on the SQL warehouse"));
    assert_eq!(rows(&said.stdout), ["no_workflow no job: scheduled 7 tables size not known"]);
    let asked = site.running.requests().into_iter();
    let statements = asked.filter(|request| format!("{request:?}").contains("sql/statements"));
    assert_eq!(statements.count(), 2, "once for histories, once for details");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_a_starter_is_written_with_the_address() {
    let site = Site::new().await;
    let address = site.running.primary.url.clone();
    let said = site.run(&["init", &address], &site.signed_in()).await;
    assert_eq!(said.code, 0, "{}", said.stderr);
    let written = std::fs::read_to_string(site.path("here/drsync.json")).unwrap();
    assert!(written.contains(&address));
    assert!(site.running.requests().is_empty(), "nobody was asked");
}
