//! The HTML report of a plan with 5,000 tables: seconds, size of page and document, and peak memory.
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
use drsync::render::html;

const TABLES: usize = 5_000;
const GROUPS: usize = 100;
const ROUNDS: usize = 5;

fn main() {
    let bytes = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/documents/plan-1.1.json"
    ))
    .unwrap();
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
                    step.table = format!("main.schema_{number:03}.table_{table:03}")
                        .parse()
                        .unwrap();
                    step.id = format!("{}/{}", group.name, step.table);
                    step
                })
                .collect();
            group
        })
        .collect();
    let stored = plan.sealed().stored();
    let before = peak_mib();
    let mut seconds: Vec<f64> = Vec::new();
    let mut size = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        size = html::plan(&stored, &[], stored.plan.created_at).len();
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "{TABLES} tables: {:.3} s, page {} KiB, document {} KiB, peak {} MiB (before: {before})",
        seconds[ROUNDS / 2],
        size / 1024,
        stored.bytes.len() / 1024,
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
