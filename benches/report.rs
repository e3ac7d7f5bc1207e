//! A plan of 5,000 tables read, and shown in every format: seconds, sizes, and peak memory.
//!
//! `cargo bench --bench report`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::fs;
use std::time::Instant;

use drsync::plan::{Decision, StoredPlan};
use drsync::render::plan::text;
use drsync::render::{Style, html, markdown};

const TABLES: usize = 5_000;
const GROUPS: usize = 100;
const ROUNDS: usize = 5;
const COMMENT_BYTES: usize = 60_000;

fn main() {
    let bytes =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/documents/plan-1.1.json")).unwrap();
    let mut plan = StoredPlan::read(&bytes).unwrap().plan;
    let model = plan
        .groups()
        .map(|(_, group)| group)
        .find(|group| group.decision == Decision::Sync && !group.steps.is_empty())
        .unwrap()
        .clone();
    let step = model.steps[0].clone();
    plan.workspaces[0].groups = (0..GROUPS)
        .map(|number| {
            let mut group = model.clone();
            group.name = format!("group_{number:03}");
            group.tables = TABLES / GROUPS;
            group.steps = (0..TABLES / GROUPS)
                .map(|table| {
                    let mut step = step.clone();
                    step.table =
                        format!("main.schema_{number:03}.table_{table:03}").parse().unwrap();
                    step.id = format!("{}/{}", group.name, step.table);
                    let path = step.table.path();
                    let statement = step.statement.as_ref().unwrap();
                    let statement = statement.replace(&step.replica.path, &path);
                    step.statement =
                        Some(statement.replace("`main`.`shop`.`orders`", &step.table.sql()));
                    step.replica.location =
                        step.replica.location.replace(&step.replica.path, &path);
                    step.properties.insert("drsync.replica".to_owned(), path.clone());
                    step.replica.path = path;
                    step
                })
                .collect();
            group
        })
        .collect();
    // Nothing of it is blocked any more.
    plan.complete = true;
    let stored = plan.sealed().stored();
    let before = peak_mib();
    println!(
        "{TABLES} tables, {} KiB; {before} MiB held to make the document",
        stored.bytes.len() / 1024
    );
    measure("read", || StoredPlan::read(&stored.bytes).unwrap().bytes.len());
    measure("text", || text(&stored.plan, &Style::default()).len());
    measure("markdown", || markdown::plan(&stored.plan, COMMENT_BYTES).len());
    measure("html", || html::plan(&stored, &[], stored.plan.created_at).len());
}

fn measure(what: &str, work: impl Fn() -> usize) {
    let mut seconds: Vec<f64> = Vec::new();
    let mut size = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        size = work();
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "  {what:8} median {:.3} s, {} KiB, peak so far {} MiB",
        seconds[ROUNDS / 2],
        size / 1024,
        peak_mib()
    );
}

/// The most memory that this process has held, as Linux counts it.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kib.unwrap_or(0u64) / 1024
}
