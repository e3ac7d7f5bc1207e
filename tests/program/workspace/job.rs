//! drsync as a task of a job: a small program stands in for the runtime, and Databricks' own SDK finds the identity there.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::support::able;
use crate::support::runner::PROGRAM;
use crate::workspace::site::{Said, Site};

/// The task, with a program in the runtime's place; `None` where there is no SDK.
fn task(site: &Site, arguments: &[&str]) -> Option<Command> {
    let python = able::python("databricks.sdk")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/job_check.py");
    let binary = std::path::Path::new(PROGRAM).parent().unwrap();
    let others = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{others}", binary.display());
    let variables = BTreeMap::from([("PATH".to_owned(), path)]);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let primary = &site.running.primary;
    let mut command = site.another(python.to_str().unwrap(), &variables).among_others();
    command.arg(script).args([&primary.url, &primary.client_id, &primary.client_secret]);
    // The other region is not where the job runs, and has a credential of its own.
    command.args(["--secret", "DRSYNC_TOKEN_WEST=sandbox/secondary-pat"]);
    command.args(["--run", "12/34"]).args(arguments);
    Some(command)
}

/// What the task printed and how it ended, and how many tokens the runtime gave.
fn told(site: &Site, output: Output) -> (Said, usize) {
    let said = site.said(output);
    let last = said.stderr.trim_end().lines().last().unwrap_or_default();
    let tokens = last.strip_suffix(" tokens").and_then(|count| count.parse().ok());
    let tokens = tokens.unwrap_or_else(|| panic!("{}", said.stderr));
    (said, tokens)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_applies_as_itself_and_its_tokens_are_renewed_in_its_midst() {
    let site = Site::new().await;
    site.fault("SQL *DEEP CLONE* every delay=2s");
    let Some(mut task) = task(&site, &["apply", "--auto-approve"]) else {
        return;
    };
    let (said, tokens) = told(&site, task.output().await.unwrap());
    // One group of the demo is blocked, which is the task's status as it is drsync's.
    assert_eq!(said.code, 4, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("synchronized"), "{}", said.stdout);
    assert!(said.stderr.contains("drsync: partial (exit 4)"), "{}", said.stderr);
    assert!(tokens > 2, "{tokens}");
    let runs = site.path("here/.drsync/runs").read_dir().unwrap();
    let records: Vec<String> =
        runs.map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    assert!(records.iter().any(|it| it.contains("ci:databricks job 12 run 34")), "{records:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_succeeds_returns_and_one_without_a_configuration_ends_as_drsync_does() {
    let site = Site::new().await;
    for (arguments, code, what) in [
        (&["validate", "--offline"][..], 0, "is valid"),
        // The region that it protects is the one that it runs in; something is blocked in the demo.
        (&["validate"], 3, "dies_with_primary"),
        (&["validate", "--config", "nowhere.json"], 78, ""),
    ] {
        let Some(mut task) = task(&site, arguments) else {
            return;
        };
        let (said, _) = told(&site, task.output().await.unwrap());
        assert_eq!(said.code, code, "{}", said.stderr);
        assert!(said.stdout.contains(what), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_stopped_lets_drsync_record_what_it_did() {
    let site = Site::new().await;
    site.fault("SQL *DEEP CLONE* every delay=30s");
    let Some(mut task) = task(&site, &["apply", "--auto-approve", "--events", "events"]) else {
        return;
    };
    task.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = task.spawn().unwrap();
    let id = child.id().unwrap().to_string();
    let events = site.path("here/events");
    let started = || std::fs::read_to_string(&events).is_ok_and(|it| it.contains("\"table"));
    while !started() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    let (said, _) = told(&site, child.wait_with_output().await.unwrap());
    assert_eq!(said.code, 143, "{}\n{}", said.stdout, said.stderr);
    let runs = site.path("here/.drsync/runs").read_dir().unwrap();
    assert!(runs.count() > 0, "{}", said.stderr);
}
