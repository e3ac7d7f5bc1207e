//! Where there is nothing to do one line says so.

use drsync::plan::{LedgerAction, Plan, ReasonCode, Refused, Role, WarningCode};

use drsync::render::Style;

use crate::builders::*;

fn agreeing() -> Plan {
    plan(vec![
        group("core_product"),
        group("customer_360"),
        waiting("scheduled_sync", ReasonCode::NotDue, "next due 2026-11-22T12:00:00Z"),
    ])
}

#[test]
fn nothing_to_do_is_one_line() {
    let mut plan = agreeing();
    plan.workspaces[0].groups[2].lag_seconds = Some(2_460);
    assert_eq!(
        plan_text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; worst lag 41m of 12h\n"
    );
}

#[test]
fn where_groups_wait_for_the_clock_the_first_line_says_when_and_who_is_late() {
    let due = |name: &str, at_time: &str, lag| {
        let mut group = waiting(name, ReasonCode::NotDue, &format!("next due {at_time}"));
        (group.next_due_at, group.lag_seconds) = (Some(at(at_time)), Some(lag));
        group
    };
    let calm = due("web", "2026-11-22T12:00:00Z", 600);
    let late = due("finance", "2026-11-22T18:00:00Z", 36_000);
    let shown = plan_text(&plan(vec![calm.clone(), late]), &narrow());
    let first = "Nothing to do: 2 groups waiting; worst lag 10h of 12h, 1 near its RPO";
    assert!(shown.starts_with(first), "{shown}");
    let shown = plan_text(&plan(vec![calm.clone()]), &narrow());
    let first = "Nothing to do: 1 group waiting; worst lag 10m of 12h, RPO met by all\n";
    assert_eq!(shown, first);
    let never = waiting("hr", ReasonCode::NotDue, "next due 2026-11-22T12:00:00Z");
    let mut never = due(&never.name, "2026-11-22T12:00:00Z", 0);
    never.lag_seconds = None;
    let shown = plan_text(&plan(vec![never]), &narrow());
    assert_eq!(shown, "Nothing to do: 1 group waiting; next due 12:00Z\n");

    let colour = Style { color: true, ..verbose() };
    let yellow = |group| plan_text(&plan(vec![group]), &colour).contains("\u{1b}[33mwaiting");
    assert!(!yellow(calm) && yellow(due("crm", "2026-11-22T12:00:00Z", 40_000)));
}

#[test]
fn nothing_pending_is_said_where_no_commit_waits() {
    assert_eq!(
        plan_text(&agreeing(), &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; nothing pending, RPO met by all\n"
    );
}

#[test]
fn a_lag_that_was_not_looked_at_is_not_invented() {
    let mut plan = agreeing();
    for group in &mut plan.workspaces[0].groups {
        group.lag_seconds = None;
    }
    assert_eq!(plan_text(&plan, &narrow()), "Nothing to do: 2 groups up to date, 1 waiting\n");
}

#[test]
fn a_warning_that_tells_something_is_counted() {
    let mut plan = agreeing();
    plan.warnings = vec![
        warning(WarningCode::RpoAtRisk, "core_product", "the oldest commit is 10h50m old"),
        warning(WarningCode::SecondaryWorkspaceMissing, "core_product", "none is configured"),
    ];
    assert_eq!(
        plan_text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; 1 warning\n\n\
         warning                   rpo_at_risk core_product: the oldest commit is 10h50m\n\
         \x20                         old\n"
    );
}

#[test]
fn no_groups_at_all_is_said_too() {
    assert_eq!(plan_text(&plan(vec![]), &narrow()), "Nothing to do: no groups\n");
}

#[test]
fn verbose_tells_every_group_and_where_it_looked() {
    insta::assert_snapshot!(plan_text(&agreeing(), &verbose()));
}

#[test]
fn metadata_tables_that_change_are_told_although_nothing_is_synchronized() {
    let mut plan = agreeing();
    plan.applyable = true;
    plan.workspaces[0].metadata =
        metadata(LedgerAction::Merge, &[], &["core_product"], &["old_reports"]);
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn a_breached_objective_leads_although_nothing_can_be_done() {
    let mut plan = agreeing();
    let group = &mut plan.workspaces[0].groups[2];
    group.lag_seconds = Some(13 * 3600 + 19 * 60);
    group.pending_commits = Some(3);
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn what_waits_for_more_than_the_clock_is_told_with_the_way_out() {
    let mut plan = agreeing();
    let mut active = waiting(
        "orders",
        ReasonCode::WorkflowActive,
        "orders_job run 90 is active since 2026-11-22T10:47:00Z",
    );
    active.pending_commits = Some(3);
    active.lag_seconds = Some(780);
    plan.workspaces[0].groups.extend([
        active,
        waiting("archive", ReasonCode::Paused, "paused: until the move is done"),
        waiting(
            "finance",
            ReasonCode::WorkflowNeverSucceeded,
            "finance_close has no successful run yet",
        ),
    ]);
    plan.unprotected = vec![drsync::plan::document::Unprotected {
        workspace: None,
        group: "orders".to_owned(),
        table: "main.shop.masked".to_owned(),
        reason: "it has a mask".into(),
    }];
    insta::assert_snapshot!(plan_text(&plan, &narrow()), @r#"
    Nothing to do: 2 groups up to date, 4 waiting; worst lag 13m of 12h

    waiting  orders           3 commits pending, lag 13m, orders_job run 90 is
                              active since 2026-11-22 10:47:00Z
    waiting  archive          paused: until the move is done
    waiting  finance          finance_close has no successful run yet

    not copied                1 table: drsync status --unprotected
    "#);
}

#[test]
fn a_commit_of_this_second_is_pending() {
    let mut plan = agreeing();
    plan.workspaces[0].groups[2].pending_commits = Some(2);
    assert_eq!(
        plan_text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; 2 commits pending, lag under 1s\n"
    );
}

#[test]
fn commits_of_a_group_that_was_never_synchronized_have_no_lag_and_are_not_counted() {
    let mut plan = agreeing();
    let new = &mut plan.workspaces[0].groups[2];
    new.lag_seconds = None;
    new.pending_commits = Some(131);
    assert_eq!(
        plan_text(&plan, &narrow()),
        "Nothing to do: 2 groups up to date, 1 waiting; nothing pending\n"
    );
}

#[test]
fn a_verdict_counts_the_warnings_that_stand_below_it() {
    let mut plan = agreeing();
    let set_up = |code| warning(code, "core_product", "what was seen");
    plan.warnings = vec![
        set_up(WarningCode::RpoAtRisk),
        set_up(WarningCode::WriteNotProved),
        set_up(WarningCode::SecondaryWorkspaceMissing),
    ];
    let counted = |plan: &Plan, style: &drsync::render::Style| {
        let shown = plan_text(plan, style);
        let below = shown.lines().filter(|line| line.starts_with("warning")).count();
        let said = format!("{below} warning{}", if below == 1 { "" } else { "s" });
        assert!(shown.lines().next().unwrap().contains(&said), "{shown}");
        below
    };
    assert_eq!(counted(&plan, &narrow()), 1);
    assert_eq!(counted(&plan, &verbose()), 3);
    plan.applyable = true;
    assert_eq!(counted(&plan, &narrow()), 3);
}

#[test]
fn a_configuration_that_was_not_read_whole_is_in_the_first_line() {
    let mut plan = agreeing();
    plan.warnings = vec![warning(
        WarningCode::ConfigurationIncomplete,
        "core_product",
        "part of the configuration was not understood",
    )];
    let shown = plan_text(&plan, &narrow());
    assert_eq!(
        shown.lines().next(),
        Some("Nothing to do: 2 groups up to date, 1 waiting; configuration incomplete")
    );
    plan.workspaces[0].groups.push(sync("orders", vec![update("main.core.gold", 1, 2, 0, 0)]));
    let shown = plan_text(&plan, &narrow());
    let first = shown.lines().next().unwrap();
    assert!(first.contains("; configuration incomplete"), "{first}");
}

#[test]
fn a_region_that_is_away_or_cannot_be_read_is_told_although_nothing_was_due() {
    let mut plan = agreeing();
    let broken = "/west/_drsync/sync_cuts cannot be read: it is empty; move it away";
    away(&mut plan, Role::Secondary, "connect: connection refused");
    let shown = plan_text(&plan, &narrow());
    assert!(
        shown.starts_with("Secondary region not available: no group was due, cuts are kept\n"),
        "{shown}"
    );
    away(&mut plan, Role::Secondary, broken);
    plan.workspaces[0].observed.secondary.refused = Some(Refused::Unreadable);
    let shown = plan_text(&plan, &narrow());
    assert!(
        shown.starts_with("Secondary region cannot be read: no group was due, cuts are kept\n"),
        "{shown}"
    );
    assert!(shown.contains("cannot be read: it is empty"), "{shown}");
    let record = run(vec![], 8, "secondary region not available");
    let shown = run_text(&plan, &record, None, &narrow());
    assert!(shown.contains("cannot be read: it is empty"), "{shown}");
    assert!(!shown.contains("Nothing to repair by hand"), "{shown}");
}
