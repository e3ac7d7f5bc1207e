//! Where there is nothing to do one line says so.

use drsync::plan::{LedgerAction, Plan, ReasonCode, WarningCode};
use drsync::render::plan::text;

use crate::builders::*;

fn agreeing() -> Plan {
    plan(vec![
        group("core_product"),
        group("customer_360"),
        waiting(
            "scheduled_sync",
            ReasonCode::NotDue,
            "next due 2026-11-22T12:00:00Z",
        ),
    ])
}

#[test]
fn nothing_to_do_is_one_line() {
    let mut plan = agreeing();
    plan.workspaces[0].groups[2].lag_seconds = Some(2_460);
    assert_eq!(
        text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; worst lag 41m, RPO met by all\n"
    );
}

#[test]
fn nothing_pending_is_said_where_no_commit_waits() {
    assert_eq!(
        text(&agreeing(), &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; nothing pending, RPO met by all\n"
    );
}

#[test]
fn a_lag_that_was_not_looked_at_is_not_invented() {
    let mut plan = agreeing();
    for group in &mut plan.workspaces[0].groups {
        group.lag_seconds = None;
    }
    assert_eq!(
        text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting\n"
    );
}

#[test]
fn a_warning_that_tells_something_is_counted() {
    let mut plan = agreeing();
    plan.warnings = vec![
        warning(
            WarningCode::RpoAtRisk,
            "core_product",
            "the oldest commit is 10h50m old",
        ),
        warning(
            WarningCode::SecondaryWorkspaceMissing,
            "core_product",
            "none is configured",
        ),
    ];
    assert_eq!(
        text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; 1 warning\n"
    );
}

#[test]
fn no_groups_at_all_is_said_too() {
    assert_eq!(text(&plan(vec![]), &narrow()), "Nothing to do: no groups\n");
}

#[test]
fn verbose_tells_every_group_and_where_it_looked() {
    insta::assert_snapshot!(text(&agreeing(), &verbose()));
}

#[test]
fn metadata_tables_that_change_are_told_although_nothing_is_synchronized() {
    let mut plan = agreeing();
    plan.applyable = true;
    plan.workspaces[0].metadata = metadata(
        LedgerAction::Merge,
        &[],
        &["core_product"],
        &["old_reports"],
    );
    insta::assert_snapshot!(text(&plan, &narrow()));
}

#[test]
fn a_breached_objective_leads_although_nothing_can_be_done() {
    let mut plan = agreeing();
    let group = &mut plan.workspaces[0].groups[2];
    group.lag_seconds = Some(13 * 3600 + 19 * 60);
    group.pending_commits = Some(3);
    insta::assert_snapshot!(text(&plan, &narrow()));
}
