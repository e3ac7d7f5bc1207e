//! What a table costs in estates of two sizes: the first apply, and a plan with nothing to do, in seconds of CPU a thousand tables.
//!
//! `cargo bench --bench tables [-- ROUNDS]`. It fails where a table of the larger estate costs more than 1.2 times as much as one
//! of the smaller: then something grows with the square.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Tables of the two estates.
const SIZES: [usize; 2] = [2_000, 10_000];
const GROUP: usize = 20;
const RATIO_MAX: f64 = 1.2;
/// Ticks a second in which Linux counts a process's time.
const TICKS: f64 = 100.0;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(3);
    let mut applies = [Vec::new(), Vec::new()];
    let mut plans = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (at, size) in SIZES.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path(), size);
            let thousands = size as f64 / 1_000.0;
            let first = ["apply", "--auto-approve"];
            applies[at].push(cpu_seconds(folder.path(), &first) / thousands);
            plans[at].push(cpu_seconds(folder.path(), &["plan"]) / thousands);
        }
    }
    let mut growing = Vec::new();
    for (what, [small, large]) in [("first apply", applies), ("quiet plan", plans)] {
        let (small, large) = (median(small), median(large));
        let ratio = large / small;
        println!(
            "{what}: {small:.2} s of CPU a thousand tables of {}, {large:.2} s of {}: ratio {ratio:.2}",
            SIZES[0], SIZES[1]
        );
        if ratio > RATIO_MAX {
            growing.push(what);
        }
    }
    assert!(growing.is_empty(), "{} grows faster than its estate", growing.join(" and "));
}

/// Empty tables of one commit each, in groups.
fn make(root: &Path, size: usize) {
    for inside in ["east/sync", "west/sync"] {
        fs::create_dir_all(root.join(inside)).unwrap();
    }
    let schema = json!({"type": "struct", "fields": []}).to_string();
    let mut tables = Vec::new();
    for number in 0..size {
        let place = format!("tables/{number}");
        let folder = root.join("east").join(&place);
        fs::create_dir_all(folder.join("_delta_log")).unwrap();
        let log = [
            json!({"commitInfo": {"timestamp": 1_763_800_000_000_u64, "operation": "WRITE", "operationParameters": {}}}),
            json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
            json!({"metaData": {"id": format!("id-{number}"), "format": {"provider": "parquet", "options": {}},
                "schemaString": schema, "partitionColumns": [], "configuration": {}}}),
        ];
        let lines: Vec<String> = log.iter().map(Value::to_string).collect();
        fs::write(folder.join("_delta_log/00000000000000000000.json"), lines.join("\n")).unwrap();
        tables.push(json!({"full_name": format!("main.s{}.t{number}", number / 500), "table_type": "EXTERNAL",
            "data_source_format": "DELTA", "storage_location": place}));
    }
    let names: Vec<&Value> = tables.iter().map(|table| &table["full_name"]).collect();
    let groups: Vec<Value> = names
        .chunks(GROUP)
        .enumerate()
        .map(|(number, tables)| {
            json!({"group_name": format!("group {number}"), "group_owner_email": "a@example.com", "tables": tables})
        })
        .collect();
    let write = |file: &str, value: Value| fs::write(root.join(file), value.to_string()).unwrap();
    write(
        "drsync.json",
        json!({"secret_scope": "", "workspaces": [{"workspace_name": "east", "workspace_instance_url": "east",
            "workspace_pat_key": "", "sync_location_primary": "east/sync", "sync_location_secondary": "west/sync",
            "sync_failure_notification": "a@example.com", "sync_success_notification": "a@example.com",
            "sync_default_schedule": "0 */12 * * *", "sync_max_retries": "0", "sync_groups": groups}]}),
    );
    write(
        "east/lakehouse.json",
        json!({"name": "east", "default_catalog": "main", "tables": tables}),
    );
}

/// User and system time of a command.
fn cpu_seconds(folder: &Path, args: &[&str]) -> f64 {
    let before = children_seconds();
    let output = Command::new(env!("CARGO_BIN_EXE_drsync"))
        .args(args)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    children_seconds() - before
}

/// What children that ended have used.
fn children_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may hold spaces; the times of children are the fourteenth and fifteenth field after it.
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ');
    let ticks: Vec<f64> = fields.skip(13).take(2).map(|field| field.parse().unwrap()).collect();
    ticks.iter().sum::<f64>() / TICKS
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
