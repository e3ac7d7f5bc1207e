//! A plan of 5,000 tables read, and shown in every format, and a runbook of 500 made: seconds, sizes, and peak memory.
//!
//! `cargo bench --bench report`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::fs;
use std::time::Instant;

use drsync::config::Sides;
use drsync::ledger::{Cut, Cuts};
use drsync::plan::{Decision, StoredPlan};
use drsync::render::Style;
use drsync::render::sections::plan::{comment, report, screen};
use drsync::render::sections::runbook::guide;
use drsync::render::writers::{self, Form, write};
use drsync::runbook::{Language, RunbookInput, RunbookSubject, make};

const TABLES: usize = 5_000;
const GROUPS: usize = 100;
const ROUNDS: usize = 5;
/// Tables of the runbook; it is to be made within a second.
const RUNBOOK_TABLES: usize = 500;
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
    measure("text", || write(&screen(&stored.plan, false), Form::Text(Style::default())).len());
    measure("markdown", || write(&comment(&stored.plan), Form::Markdown(COMMENT_BYTES)).len());
    measure("html", || write(&report(&stored, &[], stored.plan.created_at), Form::Html).len());
    println!("A runbook of {RUNBOOK_TABLES} tables");
    let cuts = Cuts::new([cut()]);
    measure("sql", || runbook(&cuts, Language::Sql));
    measure("python", || runbook(&cuts, Language::Python));
}

/// A cut of one group with all tables of the runbook.
fn cut() -> Cut {
    let tables: Vec<serde_json::Value> = (0..RUNBOOK_TABLES)
        .map(|at| {
            serde_json::json!({
                "table": format!("main.shop.table_{at}"), "source_table_id": "id", "source_version": 7,
                "source_committed_at": "2026-11-22T09:40:00Z", "rows": 12, "files": 2, "bytes": 10,
                "replica_location": format!("abfss://dr@west.test/main/shop/table_{at}"), "replica_version": 3,
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "group_name": "g", "cut_number": 1, "recovery_point": "2026-11-22T09:41:07.120Z",
        "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
        "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": "R",
        "tables": tables, "accepted": [], "epoch": 0, "committed_by": "someone",
        "committed_at": "2026-11-22T09:46:00.001Z", "previous_sha256": null,
    }))
    .unwrap()
}

fn runbook(cuts: &Cuts, language: Language) -> usize {
    let place = RunbookSubject {
        sides: Sides::of("east", Some("west")),
        address: None,
        location: "abfss://dr@west.test/".to_owned(),
        language,
        when: None,
        approvers: Vec::new(),
    };
    let made = make(RunbookInput {
        place: &place,
        cuts,
        rows: &Default::default(),
        record: None,
        looked: &drsync::runbook::LookedAtGroups::default(),
        read_around: None,
        groups: &[],
        to_cuts: &Default::default(),
        come_back: false,
        made_at: "2026-11-22T11:00:00Z".parse().unwrap(),
        made_by: "user:anna",
    });
    writers::guide(&guide(&made)).len()
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
