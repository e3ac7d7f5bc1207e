//! An apply at work, as a log shows it.

use drsync::apply::{Ending, Event, EventKind, GroupOutcome};
use drsync::render::progress::ProgressLog;

use crate::builders::*;

fn told(events: Vec<(&str, EventKind)>) -> String {
    let plan = plan(vec![sync("core_product", vec![update("main.core.core_gold", 1, 2, GIB, 7)])]);
    let mut log = ProgressLog::of(&plan);
    events
        .into_iter()
        .filter_map(|(time, what)| {
            log.line(&Event { at: at(&format!("2026-11-22T{time}Z")), what })
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

fn core() -> (String, String, String) {
    ("east".to_owned(), "core_product".to_owned(), "main.core.core_gold".to_owned())
}

fn started() -> EventKind {
    let (workspace, group, table) = core();
    EventKind::TableStarted {
        workspace,
        group,
        table,
        source_version: 1041,
        copy_bytes: Some(851 * GIB),
    }
}

fn copied(copied_bytes: u64) -> EventKind {
    let (workspace, group, table) = core();
    EventKind::TableProgress { workspace, group, table, copied_bytes, statement_id: None }
}

#[test]
fn one_line_a_transition() {
    let (workspace, group, table) = core();
    let retried = EventKind::TableRetried {
        workspace: workspace.clone(),
        group: group.clone(),
        table: table.clone(),
        attempt: 1,
        message: "503 from\nstorage".into(),
        delay_ms: 4_200,
    };
    let cloned = EventKind::TableCloned {
        workspace: workspace.clone(),
        group: group.clone(),
        table,
        source_version: 1041,
        replica_version: 56,
        copied_files: 96,
        copied_bytes: 851 * GIB,
    };
    let cut = EventKind::CutCommitted {
        workspace: workspace.clone(),
        group: group.clone(),
        cut: 1,
        recovery_point: at("2026-11-22T09:41:07.500Z"),
        tables: 4,
    };
    let ended = EventKind::GroupEnded {
        workspace,
        group,
        outcome: GroupOutcome::Synchronized,
        ending: Some(Ending::Synchronized),
        message: None,
    };
    let events = vec![
        ("11:02:03", started()),
        ("11:03:00", retried),
        ("12:14:45", cloned),
        ("12:14:51", cut),
        ("12:14:52", ended),
    ];
    insta::assert_snapshot!(told(events), @r"
    2026-11-22 11:02:03Z start    core_product  main.core.core_gold v1041, 851.0 GiB
    2026-11-22 11:03:00Z retry    core_product  main.core.core_gold attempt 1 failed, again in 4.2s: 503 from storage
    2026-11-22 12:14:45Z cloned   core_product  main.core.core_gold v1041, 1h12m, 851.0 GiB
    2026-11-22 12:14:51Z cut      core_product  cut 1 (2026-11-22 09:41:07Z), 4 tables verified
    ");
}

#[test]
fn a_clone_that_goes_on_is_mentioned_every_five_minutes_at_most() {
    let mut events = vec![("11:00:00", started())];
    events.extend(
        ["11:01:00", "11:04:59", "11:05:00", "11:09:00", "11:10:30"]
            .map(|time| (time, copied(3 * GIB))),
    );
    insta::assert_snapshot!(told(events), @r"
    2026-11-22 11:00:00Z start    core_product  main.core.core_gold v1041, 851.0 GiB
    2026-11-22 11:05:00Z running  core_product  main.core.core_gold 5m00s, 3.0 GiB so far
    2026-11-22 11:10:30Z running  core_product  main.core.core_gold 10m30s, 3.0 GiB so far
    ");
}

fn ended(outcome: GroupOutcome, message: &str) -> EventKind {
    let (workspace, group, _) = core();
    let ending = (outcome == GroupOutcome::NotStarted).then_some(Ending::Interrupted);
    EventKind::GroupEnded { workspace, group, outcome, ending, message: Some(message.into()) }
}

#[test]
fn a_failure_is_told_once() {
    let (workspace, group, table) = core();
    let failed =
        EventKind::TableFailed { workspace, group, table, message: "503 from storage".into() };
    let end = ended(GroupOutcome::Failed, "main.core.core_gold: 503 from storage");
    insta::assert_snapshot!(
        told(vec![("11:02:03", failed), ("11:02:04", end)]),
        @"2026-11-22 11:02:03Z failed   core_product  main.core.core_gold: 503 from storage"
    );
    let alone = ended(GroupOutcome::Failed, "secondary region not available");
    insta::assert_snapshot!(
        told(vec![("11:02:03", alone)]),
        @"2026-11-22 11:02:03Z failed   core_product  secondary region not available"
    );
}

#[test]
fn every_word_stands_apart_from_the_group() {
    let overtaken = ended(GroupOutcome::Overtaken, "run 7 brought it to cut 42");
    let stopped = ended(GroupOutcome::NotStarted, "stopped; the next apply continues");
    insta::assert_snapshot!(told(vec![("11:02:03", overtaken), ("11:02:04", stopped)]), @r"
    2026-11-22 11:02:03Z overtaken core_product  run 7 brought it to cut 42
    2026-11-22 11:02:04Z stopped  core_product  the next apply continues
    ");
}
