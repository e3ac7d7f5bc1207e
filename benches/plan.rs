//! Planning a table with 200,000 live files, as a process: seconds and peak memory.
//!
//! `cargo bench --bench plan`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 200_000;
const ROUNDS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = |inside: &str| folder.path().join(inside);
    for inside in ["east/sync", "west/sync", "east/big/_delta_log"] {
        fs::create_dir_all(path(inside)).unwrap();
    }
    let mut log = String::from(concat!(
        r#"{"commitInfo":{"timestamp":1,"operation":"WRITE","operationParameters":{}}}"#,
        "\n",
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
        "\n",
        r#"{"metaData":{"id":"bench","format":{"provider":"parquet","options":{}},"#,
        r#""schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}"#,
        "\n"
    ));
    for number in 0..FILES {
        writeln!(
            log,
            r#"{{"add":{{"path":"part-{number:06}-7f3c01d2-11aa-4c1e-9d1b-1c0d5e9f{:04x}.c000.snappy.parquet","partitionValues":{{}},"size":{},"modificationTime":1700000000000,"dataChange":true,"stats":"{{\"numRecords\":1000,\"minValues\":{{\"id\":{number},\"name\":\"a\"}},\"maxValues\":{{\"id\":{},\"name\":\"z\"}},\"nullCount\":{{\"id\":0,\"name\":0}}}}"}}}}"#,
            number % 65_536,
            1_000_000 + number,
            number + 1_000
        )
        .unwrap();
    }
    fs::write(path("east/big/_delta_log/00000000000000000000.json"), log).unwrap();
    fs::write(
        path("east/lakehouse.json"),
        r#"{"name":"east","default_catalog":"main","tables":[{"full_name":"main.default.big","table_type":"EXTERNAL",
            "data_source_format":"DELTA","storage_location":"big"}]}"#,
    )
    .unwrap();
    fs::write(
        path("drsync.json"),
        r#"{"secret_scope":"","workspaces":[{"workspace_name":"east","workspace_instance_url":"east","workspace_pat_key":"",
            "sync_location_primary":"east/sync","sync_location_secondary":"west/sync",
            "sync_failure_notification":"a@example.com","sync_success_notification":"a@example.com",
            "sync_default_schedule":"0 */12 * * *","sync_max_retries":"0",
            "sync_groups":[{"group_name":"big","group_owner_email":"a@example.com","tables":["big"]}]}]}"#,
    )
    .unwrap();
    let mut seconds = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_drsync"))
            .arg("plan")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_kib(child.id()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(2));
        }
        seconds.push(begun.elapsed().as_secs_f64());
        memory.push(peak);
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "drsync plan, {FILES} live files: median {:.2} s, peak memory {} MiB",
        seconds[ROUNDS / 2],
        memory.iter().max().unwrap() / 1024
    );
}

/// Peak resident memory of a running process, KiB.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
