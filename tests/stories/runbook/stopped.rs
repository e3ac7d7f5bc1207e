//! A runner that was stopped before the fence, and goes on after it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use drsync::lakehouse::{LakehouseLocation, Writer};
use drsync::ledger::Cut;
use drsync::region::Location as _;

use crate::below::files;
use crate::runbook::follow::{drsync, ends, steps};
use crate::runbook::lakehouse::run;
use crate::support::able::python;
use crate::support::runner;

/// How often a runner is stopped; each time later.
const STOPS: u32 = 6;

/// The demo, with a run of the workflow that no cut holds yet.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    ends(&drsync(folder.path(), &[], &["demo", "--dir", "."]), 0);
    folder
}

fn apply(folder: &Path) -> Child {
    let said = File::create(folder.join("said.txt")).unwrap();
    runner::drsync(folder, &["apply", "--auto-approve", "--only", "orders"])
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

async fn cuts_of_orders(folder: &Path) -> Vec<Cut> {
    let location = folder.join("west/sync");
    let location = LakehouseLocation::open(location.to_str().unwrap(), Writer::new("auditor"));
    location.unwrap().ledger().await.unwrap().all_cuts().of("orders").cloned().collect()
}

/// The commits of every replica.
fn commits(folder: &Path) -> Vec<(PathBuf, u64)> {
    let all = files(&folder.join("west/sync/main")).into_iter();
    all.filter(|(path, _)| path.parent().is_some_and(|above| above.ends_with("_delta_log")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_slept_through_the_fence_commits_nothing() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let first = world();
    let begun = Instant::now();
    apply(first.path()).wait().unwrap();
    let whole = begun.elapsed();
    assert_eq!(cuts_of_orders(first.path()).await.len(), 2);

    let mut fences = 0;
    for stop in 0..STOPS {
        let world = world();
        let folder = world.path();
        let all = steps(&ends(&drsync(folder, &[], &["runbook", "orders"]), 0), "python");
        let mut runner = apply(folder);
        std::thread::sleep(
            whole.mul_f64(f64::from(stop) / f64::from(STOPS)).max(Duration::from_millis(1)),
        );
        send("-STOP", &runner);
        let [fence, others @ ..] = all.as_slice() else {
            panic!("{all:#?}");
        };
        let fenced = run(&python, &fence.text).stdout == b"1 row\n";
        if fenced {
            fences += 1;
            for step in others {
                let output = run(&python, &step.text);
                assert!(output.status.success(), "{}\n{output:?}", step.text);
            }
        }
        let before = commits(folder);
        send("-CONT", &runner);
        let status = runner.wait().unwrap();
        if fenced {
            let said = std::fs::read_to_string(folder.join("said.txt")).unwrap();
            assert_eq!(status.code(), Some(11), "stop {stop}: {said}");
            let cuts = cuts_of_orders(folder).await;
            let kinds: Vec<bool> = cuts.iter().map(Cut::is_role).collect();
            assert_eq!(kinds, [false, true], "stop {stop}: {cuts:#?}");
            assert_eq!(commits(folder), before, "stop {stop}");
        }
    }
    assert!(fences > 0, "every runner was done before it was stopped");
}
