//! Plans of a whole company fit on two screens.

use drsync::plan::{FindingCode, GroupPlan, Plan, ReasonCode, WarningCode};

use crate::builders::*;

/// Two screens of a terminal.
const TWO_SCREENS: usize = 80;

fn lines(text: &str) -> usize {
    text.lines().count()
}

fn group_of(number: usize) -> GroupPlan {
    let tables = (0..16).map(|table| {
        let name = format!("main.schema_{number:02}.table_{table:02}");
        match table % 4 {
            0 => no_op(&name, 7),
            _ => update(&name, 7, 9, (number as u64 + 1) * MIB, 3),
        }
    });
    sync(&format!("group_{number:02}"), tables.collect())
}

fn company() -> Plan {
    let groups = (0..50).map(|number| match number % 10 {
        7 => blocked(
            &format!("group_{number:02}"),
            vec![
                not_readable(&format!("main.schema_{number:02}.secret")),
                finding(FindingCode::SourceShrank, Some("main.a.b"), "lost rows", None),
            ],
        ),
        8 => waiting(
            &format!("group_{number:02}"),
            ReasonCode::WorkflowActive,
            "its job run 7 is active",
        ),
        9 => waiting(
            &format!("group_{number:02}"),
            ReasonCode::WorkflowFailed,
            "its job run 8 failed",
        ),
        _ => group_of(number),
    });
    let mut plan = plan(groups.collect());
    let warned = (0..50)
        .map(|number| warning(WarningCode::RpoAtRisk, &format!("group_{number:02}"), "close"));
    plan.warnings = warned.collect();
    plan
}

#[test]
fn eight_hundred_tables_in_fifty_groups_fit_on_two_screens() {
    let groups = (0..50).map(group_of).collect();
    let shown = plan_text(&plan(groups), &narrow());
    assert!(lines(&shown) <= TWO_SCREENS, "{} lines:\n{shown}", lines(&shown));
    insta::assert_snapshot!(shown);
}

#[test]
fn blocked_waiting_and_warned_groups_fit_too() {
    let shown = plan_text(&company(), &narrow());
    assert!(lines(&shown) <= TWO_SCREENS, "{} lines:\n{shown}", lines(&shown));
    insta::assert_snapshot!(shown);
}

#[test]
fn every_table_is_shown_when_asked() {
    let shown = plan_text(&plan((0..50).map(group_of).collect()), &verbose());
    assert!(shown.contains("main.schema_00.table_01") && shown.contains("main.schema_49.table_15"));
}

#[test]
fn the_first_big_sync_is_told_by_size() {
    let groups = (0..11).map(|number: usize| {
        let tables = (0..20 + number).map(|table| {
            let mut step = create(&format!("main.s{number}.t{table}"), 3, (1 << number) * GIB, 40);
            step.source.readable_until = Some(at("2026-11-27T22:10:00Z"));
            step
        });
        first_sync(&format!("group_{number:02}"), tables.collect())
    });
    let shown = plan_text(&plan(groups.collect()), &narrow());
    assert!(lines(&shown) <= 25, "{shown}");
    insta::assert_snapshot!(shown);
}
