//! A daemon against a workspace: what a round with nothing to do costs.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::site::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_round_of_a_daemon_costs_what_a_quiet_apply_costs() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    let variables = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)]);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        let before = site.running.requests().len();
        let applied = site.run(&["apply", "--auto-approve"], &variables).await;
        assert_eq!(applied.code, 4, "{}{}", applied.stdout, applied.stderr);
        counts.push(site.running.requests().len() - before);
    }
    let before = site.running.requests().len();
    let mut command = site.drsync(&["daemon"], &variables).stderr(Stdio::piped()).among_others();
    let mut daemon = command.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
    let round = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("; next ") {
                return;
            }
        }
        panic!("it ended");
    };
    tokio::time::timeout(Duration::from_secs(60), round).await.unwrap();
    let cost = site.running.requests().len() - before;
    daemon.kill().await.unwrap();
    let quiet = counts[2];
    // A statement that takes its time is asked for once more.
    let most = quiet + quiet / 20;
    assert!(counts[1] <= most && cost <= most, "a round is {cost} requests, applies {counts:?}");
}
