//! Plans with one thing that differs.

use drsync::config::TableName;
use drsync::ledger::{AcceptedRisk, Row, RowStatus};
use drsync::plan::document::{ColumnChanges, Drift, DriftCommit, RowChange, Unprotected};
use drsync::plan::{
    Decision, Finding, FindingCode, GroupPlan, LedgerAction, Plan, ReasonCode, Refused, Role,
    Severity, WarningCode,
};
use drsync::region::{ColumnChange, SchemaChange};
use drsync::render::Style;
use drsync::render::sections::plan::saved;
use drsync::render::writers::{Form, write};

use crate::builders::*;

fn core_product() -> GroupPlan {
    sync(
        "core_product",
        vec![
            update("main.core.core_gold", 1029, 1041, 18 * GIB + 200 * MIB, 412),
            update("main.core.core_silver", 402, 409, 800 * MIB, 8),
            no_op("main.core.core_raw", 5188),
            no_op("main.core.job_metadata", 17),
        ],
    )
}

fn one_denied() -> GroupPlan {
    GroupPlan {
        tables: 3,
        lag_seconds: Some(22 * 3600 + 51 * 60),
        rpo_seconds: Some(24 * 3600),
        ..blocked("example_group_1", vec![not_readable("main.default.example_table_1")])
    }
}

#[test]
fn a_group_with_one_denied_table_is_shown_with_the_grant_to_copy() {
    let mut plan = plan(vec![core_product(), one_denied(), group("finance")]);
    plan.workspaces[0].metadata =
        metadata(LedgerAction::Merge, &[], &["core_product", "example_group_1"], &[]);
    let shown = plan_text(&plan, &narrow());
    assert!(shown.contains(
        "\nGRANT SELECT ON TABLE main.default.example_table_1 TO `dr-sync@example.com`\n"
    ));
    insta::assert_snapshot!(shown);
}

#[test]
fn the_first_sync_of_few_tables_shows_each_with_what_stays_out() {
    let mut orders = create("main.shop.orders", 6, MIB + 100 * 1024, 6);
    orders.source.head_version = 8;
    let mut lines = create("main.shop.order_lines", 4, 600 * 1024, 5);
    lines.source.head_version = 5;
    let mut plan = plan(vec![first_sync("orders", vec![orders, lines])]);
    plan.workspaces[0].metadata = metadata(LedgerAction::Create, &["orders"], &[], &[]);
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn many_denied_tables_of_one_schema_are_one_entry_with_one_grant() {
    let denied = |group: &str, from: usize, to: usize| {
        let findings = (from..to).map(|n| not_readable(&format!("main.crm.table_{n}")));
        blocked(group, findings.collect())
    };
    let plan =
        plan(vec![denied("customer_360", 0, 9), denied("crm_daily", 9, 31), group("finance")]);
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn one_trouble_of_many_groups_is_said_once() {
    let finding = finding(
        FindingCode::LocationNotWritable,
        None,
        "dr-sync@example.com has no WRITE FILES on external location dr_west",
        sql("GRANT WRITE FILES ON EXTERNAL LOCATION `dr_west` TO `dr-sync@example.com`"),
    );
    let groups = (0..9).map(|n| blocked(&format!("group_{n}"), vec![finding.clone()]));
    insta::assert_snapshot!(plan_text(&plan(groups.collect()), &narrow()));
}

#[test]
fn a_group_without_its_workflow_is_told_what_would_have_fitted() {
    let finding = finding(
        FindingCode::WorkflowNotFound,
        None,
        "no job is named finance_clos; nearest: finance_close (job 2207)",
        None,
    );
    insta::assert_snapshot!(plan_text(&plan(vec![blocked("finance", vec![finding])]), &narrow()));
}

#[test]
fn drift_shows_who_wrote_what_and_the_ways_out() {
    let by = |version: u64, minute: u32, operation: &str, rows: u64| DriftCommit {
        version,
        committed_at: at(&format!("2026-11-22T08:{minute:02}:12Z")),
        operation: operation.to_owned(),
        user: Some("someone@example.com".to_owned()),
        rows: Some(rows),
        rows_compared: None,
    };
    let mut core = blocked(
        "core_product",
        vec![finding(
            FindingCode::ReplicaChanged,
            Some("main.core.core_silver"),
            "someone@example.com wrote to the replica after version 41",
            None,
        )],
    );
    core.drift = vec![Drift {
        table: update("main.core.core_silver", 1, 2, 0, 0).table,
        replica_path: None,
        registered: false,
        ours: Some(41),
        theirs: vec![by(42, 3, "UPDATE", 1_204), by(43, 5, "DELETE", 17)],
        maintenance: vec![],
    }];
    insta::assert_snapshot!(plan_text(&plan(vec![core, group("finance")]), &narrow()));
}

#[test]
fn a_replica_whose_log_cannot_be_read_is_moved_away_and_nobody_is_said_to_have_written() {
    let unreadable = finding(
        FindingCode::ReplicaChanged,
        Some("main.core.gold"),
        "the replica's log cannot be read: /w/main/core/gold/_delta_log/00000000000000000001.json is corrupt: line 1",
        words("move /w/main/core/gold away: it is cloned again"),
    );
    let shown = plan_text(&plan(vec![blocked("core_product", vec![unreadable])]), &narrow());
    assert!(shown.contains("move /w/main/core/gold away"), "{shown}");
    for wrong in ["drift", "someone else", "--accept", "RESTORE"] {
        assert!(!shown.contains(wrong), "{wrong}: {shown}");
    }
}

#[test]
fn what_is_done_about_drift_names_the_replica_where_it_is_registered_and_the_workspace() {
    let drifted = |name: &str, registered| Drift {
        table: update(name, 1, 2, 0, 0).table,
        replica_path: None,
        registered,
        ours: Some(41),
        theirs: vec![DriftCommit {
            version: 42,
            committed_at: at("2026-11-22T08:03:12Z"),
            operation: "UPDATE".to_owned(),
            user: None,
            rows: None,
            rows_compared: None,
        }],
        maintenance: vec![],
    };
    let shown = |others: bool| {
        let tables = ["main.core.a", "main.core.b"];
        let found = tables.map(|table| {
            finding(FindingCode::ReplicaChanged, Some(table), "someone wrote to it", None)
        });
        let mut group = blocked("core", found.to_vec());
        group.drift = vec![drifted(tables[0], true), drifted(tables[1], others)];
        let mut plan = plan(vec![group]);
        let west = "https://adb-222.azuredatabricks.net";
        plan.workspaces[0].connection.secondary_workspace = Some(west.to_owned());
        let east = "https://adb-111.azuredatabricks.net";
        plan.workspaces[0].observed.secondary.workspace = Some(east.to_owned());
        plan_text(&plan, &narrow())
    };
    let named = shown(true);
    let undo = "to what drsync wrote, in\nhttps://adb-222.azuredatabricks.net\n\
                RESTORE TABLE main.core.a TO VERSION AS OF 41\n";
    assert!(named.contains(undo), "{named}");
    // Where one has no name, none is called by it: in the primary's workspace that is the source.
    let by_path = shown(false);
    assert!(
        by_path.contains("in\nhttps://adb-111.azuredatabricks.net\nRESTORE TABLE delta."),
        "{by_path}"
    );
    assert!(!by_path.contains("RESTORE TABLE main."), "{by_path}");
}

#[test]
fn columns_that_change_and_the_colour_of_a_sign_stand_in_the_line_of_a_table() {
    let mut step = update("main.core.a", 1, 2, 10, 1);
    let column = |column: &str, before: Option<&str>, after: Option<&str>| ColumnChange {
        column: column.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let columns = vec![
        column("amount", None, Some("decimal(10,2)")),
        column("qty", Some("integer"), Some("long")),
        column("old", Some("string"), None),
    ];
    step.schema = Some(SchemaChange { columns, more: 2 });
    let plan = plan(vec![sync("core", vec![step, create("main.core.b", 1, 10, 1)])]);
    let shown = plan_text(&plan, &narrow());
    let columns = "columns + amount, ~ qty, - old, 2 more";
    assert!(shown.contains(columns), "{shown}");
    let colour = plan_text(&plan, &Style { color: true, ..narrow() });
    for signed in ["\u{1b}[32m+ create\u{1b}[0m", "\u{1b}[33m~ update\u{1b}[0m"] {
        assert!(colour.contains(signed), "{colour:?}");
    }
    let comment = plan_comment(&plan, 60_000);
    assert!(
        comment.contains("v1 to v2, columns &#43; `amount`, &#126; `qty`, - `old`, 2 more"),
        "{comment}"
    );
    let report = plan_report(&plan, &[]);
    assert!(report.contains("columns + <code>amount</code>"), "{report}");

    let mut held = blocked("core", vec![not_readable("main.core.b")]);
    let step = &plan.workspaces[0].groups[0].steps[0];
    let change = step.schema.clone().expect("it changes columns");
    held.columns = vec![ColumnChanges { table: step.table.clone(), change }];
    let held = self::plan(vec![held]);
    let shown = plan_text(&held, &narrow());
    let told = "would change        main.core.a columns + amount, ~ qty, - old, 2 more";
    assert!(shown.contains(told), "{shown}");
    assert!(plan_report(&held, &[]).contains("columns + <code>amount</code>"));
    let comment = plan_comment(&held, 60_000);
    let told = "`core` would change `main.core.a` columns &#43; `amount`";
    assert!(comment.contains(told), "{comment}");
}

#[test]
fn columns_of_groups_that_one_cause_blocks_are_told_of_each() {
    let column = ColumnChange {
        column: "amount".to_owned(),
        before: None,
        after: Some("decimal(10,2)".to_owned()),
    };
    let away = Finding {
        code: FindingCode::LocationNotWritable,
        severity: Severity::Block,
        table: None,
        message: "the sync location lets nobody write".into(),
        remedy: words("let drsync write there"),
    };
    let held = |name: &str, tables: usize| {
        let mut held = blocked(name, vec![away.clone()]);
        let change = SchemaChange { columns: vec![column.clone()], more: 0 };
        let table = |n| TableName::new("main", name, format!("t{n}"));
        let of = |n| ColumnChanges { table: table(n), change: change.clone() };
        held.columns = (0..tables).map(of).collect();
        held
    };
    let plan = plan(vec![held("core", 1), held("crm", 6), held("quiet", 0)]);
    let shown = plan_text(&plan, &narrow());
    assert!(
        shown.contains("core             would change main.core.t0 columns + amount"),
        "{shown}"
    );
    let comment = plan_comment(&plan, 60_000);
    assert!(
        comment.contains("`crm` would change `main.crm.t0` columns &#43; `amount`"),
        "{comment}"
    );
    assert!(!comment.contains("`quiet` would change"), "{comment}");
    let report = plan_report(&plan, &[]);
    for n in 0..6 {
        let told = format!("<code>main.crm.t{n}</code> columns");
        assert!(report.contains(&told), "{told}");
    }
}

#[test]
fn a_failed_workflow_leaves_the_choice_to_whoever_reads() {
    let mut failed = waiting(
        "core_product",
        ReasonCode::WorkflowFailed,
        "core_product_job run 98240 failed at 2026-11-22T09:58:41Z",
    );
    failed.lag_seconds = Some(13 * 3600 + 19 * 60);
    failed.pending_commits = Some(214);
    let mut scheduled =
        waiting("scheduled_sync", ReasonCode::NotDue, "next due 2026-11-22T12:00:00Z");
    scheduled.pending_commits = Some(3);
    scheduled.lag_seconds = Some(600);
    insta::assert_snapshot!(plan_text(&plan(vec![failed, scheduled, group("finance")]), &narrow()));
}

#[test]
fn a_failed_workflow_says_when_its_group_is_copied_without_it() {
    let mut failed = waiting(
        "core_product",
        ReasonCode::WorkflowFailed,
        "core_product_job run 98240 failed at 2026-11-22T09:58:41Z",
    );
    failed.pending_commits = Some(214);
    failed.crash_consistent_from = Some(at("2026-11-29T11:00:00Z"));
    let shown = plan_text(&plan(vec![failed]), &narrow());
    let words: Vec<&str> = shown.split_whitespace().collect();
    let shown = words.join(" ");
    assert!(
        shown.contains("so they are not copied yet")
            && shown.contains(
                "with the next successful run or, not tied to a finished run, from 2026-11-29 11:00Z on (sync_max_lag_minutes)"
            ),
        "{shown}"
    );
}

#[test]
fn one_file_is_a_file_and_none_are_not_told() {
    let mut steps = vec![update("main.core.a", 1, 2, 0, 1), update("main.core.b", 1, 2, 0, 0)];
    steps[0].source.files = Some(1);
    steps[1].source.files = Some(0);
    let shown = plan_text(&plan(vec![sync("core", steps)]), &narrow());
    assert!(shown.contains("in 1 of 1 file\n"), "{shown}");
    assert!(!shown.contains("0 of 0"), "{shown}");
}

fn secondary_away() -> Plan {
    let finding =
        finding(FindingCode::SecondaryNotAvailable, None, "secondary region not available", None);
    let mut customers = blocked("customer_360", vec![finding.clone()]);
    customers.lag_seconds = Some(5 * 3600);
    customers.rpo_seconds = Some(6 * 3600);
    let mut core = blocked("core_product", vec![finding]);
    core.lag_seconds = Some(13 * 3600);
    let mut plan = plan(vec![core, customers, group("finance")]);
    away(&mut plan, Role::Secondary, "503 ServerBusy from storage (request 7f3c01d2)");
    plan
}

#[test]
fn a_secondary_that_is_away_is_said_once() {
    let shown = plan_text(&secondary_away(), &narrow());
    assert_eq!(shown.matches("503 ServerBusy").count(), 1);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_primary_that_is_away_is_said_once() {
    let finding =
        finding(FindingCode::PrimaryNotAvailable, None, "primary region not available", None);
    let mut groups: Vec<GroupPlan> =
        (0..3).map(|n| blocked(&format!("group_{n}"), vec![finding.clone()])).collect();
    for group in &mut groups {
        group.lag_seconds = None;
    }
    let mut plan = plan(groups);
    away(&mut plan, Role::Primary, "no such folder: east/sync");
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn a_secondary_that_refuses_is_not_called_away() {
    let mut plan = secondary_away();
    plan.workspaces[0].observed.secondary.refused = Some(Refused::Denied);
    for group in &mut plan.workspaces[0].groups {
        for finding in &mut group.findings {
            finding.code = FindingCode::SecondaryRefused;
            finding.message = "secondary region cannot be read: 403".into();
        }
    }
    let shown = plan_text(&plan, &narrow());
    assert_eq!(
        shown.lines().next(),
        Some("Secondary region cannot be read: 2 groups cannot be synchronized, cuts are kept")
    );
    assert_eq!(shown.matches("503 ServerBusy").count(), 1, "{shown}");
    let comment = plan_comment(&plan, 60_000);
    let danger = "- the secondary region cannot be read";
    assert!(comment.contains(danger), "{comment}");
    // With the other one away, each is told as what it is.
    away(&mut plan, Role::Primary, "no connection");
    let line = plan_text(&plan, &narrow()).lines().take(2).collect::<Vec<_>>().join(" ");
    let both = "Primary region not available, secondary region cannot be read: ";
    assert!(line.starts_with(both), "{line}");
}

#[test]
fn a_workspace_that_answers_for_neither_region_is_named_once() {
    let finding =
        finding(FindingCode::PrimaryNotAvailable, None, "primary region not available", None);
    let mut group = blocked("core_product", vec![finding]);
    (group.last_cut, group.lag_seconds) = (None, None);
    let mut plan = plan(vec![group]);
    away(&mut plan, Role::Primary, "502 Bad Gateway (request 1)");
    away(&mut plan, Role::Secondary, "502 Bad Gateway (request 2)");
    plan.workspaces[0].observed.shared_answer = Some("502 Bad Gateway".into());
    let address = "https://adb-111.azuredatabricks.net";
    plan.workspaces[0].observed.primary.workspace = Some(address.to_owned());
    assert_eq!(
        plan_text(&plan, &narrow()),
        "Neither region available: 1 group cannot be synchronized, cuts are kept\n\n  \
         https://adb-111.azuredatabricks.net  502 Bad Gateway, asked\n  \
         2026-11-22 10:59:20Z\n"
    );
}

#[test]
fn what_else_there_is_to_know_comes_last() {
    let mut plan = plan(vec![core_product()]);
    plan.warnings = vec![warning(
        WarningCode::RpoAtRisk,
        "core_product",
        "the oldest commit no cut holds is 10h50m old; the objective is 12h",
    )];
    plan.accepted = vec![AcceptedRisk {
        code: "replica_changed".to_owned(),
        scope: "main.core.core_silver".to_owned(),
        reason: "test data, kept aside".to_owned(),
    }];
    plan.unprotected = vec![Unprotected {
        workspace: None,
        group: "core_product".to_owned(),
        table: "main.core.core_view".to_owned(),
        reason: "a view; rebuilt by the deployment".into(),
    }];
    plan.selection.only = vec!["core_product".to_owned()];
    plan.observed_clock.overridden = true;
    insta::assert_snapshot!(plan_text(&plan, &narrow()));
}

#[test]
fn rows_that_change_are_shown_column_by_column_when_asked() {
    let before = Row {
        current_sync_status: Some(RowStatus::Success),
        message: Some("cut 41 at 2026-11-21T21:40:07.000Z".into()),
        ..Row::first_seen(
            "core_product",
            Some("core_product_job".to_owned()),
            vec!["main.core.core_gold".to_owned()],
            at("2026-01-01T00:00:00Z"),
        )
    };
    let after = before
        .failed("table_not_readable: main.core.core_gold".to_owned(), at("2026-11-22T10:59:18Z"));
    let new =
        Row::first_seen("finance", None, vec!["main.fin.a".to_owned()], at("2026-11-22T10:59:18Z"));
    let mut plan = plan(vec![one_denied()]);
    plan.workspaces[0].metadata =
        metadata(LedgerAction::Merge, &["finance"], &["core_product"], &[]);
    plan.workspaces[0].rows =
        vec![RowChange { before: Some(before), after }, RowChange { before: None, after: new }];
    insta::assert_snapshot!(plan_text(&plan, &verbose()));
}

#[test]
fn a_saved_plan_says_how_to_recognize_and_apply_it() {
    let plan = plan(vec![core_product(), one_denied()]);
    let page = saved(&plan, "plan.json", &"d90fa754".repeat(8));
    insta::assert_snapshot!(write(&page, Form::Text(narrow())));
}

#[test]
fn groups_of_several_workspaces_carry_their_workspace() {
    let mut plan = plan(vec![core_product()]);
    let mut other = plan.workspaces[0].clone();
    other.name = "north".to_owned();
    other.groups[0].decision = Decision::UpToDate;
    plan.workspaces.push(other);
    let shown = plan_text(&plan, &narrow());
    assert!(shown.contains("sync     east/core_product   to 2026-11-22 09:41:07Z"), "{shown}");
}

#[test]
fn without_colour_there_is_no_escape_and_with_it_the_words_are_the_same() {
    let plan = plan(vec![core_product(), one_denied()]);
    let plain = plan_text(&plan, &narrow());
    let coloured = plan_text(&plan, &Style { color: true, ..narrow() });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[31mblocked\u{1b}[0m"));
    let stripped: String = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"]
        .into_iter()
        .fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
}

#[test]
fn what_may_be_accepted_is_one_command_for_a_group_and_one_for_all() {
    let recreated = |table: &str| {
        finding(
            FindingCode::SourceRecreated,
            Some(table),
            "it was created again",
            acceptance(FindingCode::SourceRecreated, table),
        )
    };
    let groups = vec![
        blocked("a", vec![recreated("main.s.one"), recreated("main.s.two")]),
        blocked("b", vec![recreated("main.s.three")]),
    ];
    let shown = plan_text(&plan(groups), &narrow());
    let commands: Vec<&str> =
        shown.lines().filter(|line| line.starts_with("drsync plan --accept")).collect();
    let [one, two, three] =
        ["one", "two", "three"].map(|table| format!("--accept source_recreated:main.s.{table}"));
    let command = |accepts: &str| format!("drsync plan {accepts} --reason \"…\" --out plan.json");
    assert_eq!(
        commands,
        [
            command(&format!("{one} {two}")),
            command(&three),
            command(&format!("{one} {two} {three}")),
        ],
        "{shown}"
    );
}

#[test]
fn many_groups_of_one_kind_of_trouble_are_a_few_entries_of_a_validation() {
    let lost = |name: &str| {
        let remedy = acceptance(FindingCode::ReplicasMissing, name);
        let found = finding(FindingCode::ReplicasMissing, None, "3 replicas are gone", remedy);
        blocked(name, vec![found])
    };
    let groups: Vec<GroupPlan> = (0..250).map(|at| lost(&format!("g{at:03}"))).collect();
    let plan = plan(groups);
    let shown = validate_text(&plan, &narrow());
    assert!(shown.lines().count() < 40, "{shown}");
    let more = "  ! replicas_missing           245 more, each with its remedy:\n";
    assert!(shown.contains(more), "{shown}");
    let whole = validate_text(&plan, &verbose());
    assert!(whole.contains("replicas_missing:g249"), "{whole}");
}

#[test]
fn several_acceptances_of_a_group_are_one_command() {
    let drift = |table: &str| {
        let remedy = acceptance(FindingCode::ReplicaChanged, table);
        finding(FindingCode::ReplicaChanged, Some(table), "someone else wrote to it", remedy)
    };
    let shrank = |table: &str| {
        let remedy = acceptance(FindingCode::SourceShrank, table);
        finding(FindingCode::SourceShrank, Some(table), "it has 3 rows, had 900", remedy)
    };
    let plan = plan(vec![
        blocked("finance", vec![drift("main.finance.a"), shrank("main.finance.b")]),
        blocked("hr", vec![drift("main.hr.c")]),
    ]);
    let shown = validate_text(&plan, &narrow());
    let both = "\nTo go on with finance all the same, recorded in plan and cut\n\
                drsync plan --accept source_shrank:main.finance.b \
                --accept replica_changed:main.finance.a --reason \"…\" --out plan.json\n";
    assert!(shown.contains(both), "{shown}");
    assert_eq!(shown.matches("--accept").count(), 3, "{shown}");
    assert!(shown.contains("\ndrsync plan --accept replica_changed:main.hr.c "), "{shown}");
    let comment = plan_comment(&plan, 60_000);
    let both = "--accept source_shrank:main.finance.b --accept replica_changed:main.finance.a ";
    assert!(comment.contains(both), "{comment}");
    assert_eq!(comment.matches("--accept").count(), 3, "{comment}");
}

#[test]
fn tables_that_can_only_be_left_out_are_named_with_the_entry_of_the_configuration() {
    let view = |table: &str| {
        let remedy = words("list it under unprotected_tables with a reason");
        let seen = "it is a view, which cannot be cloned";
        finding(FindingCode::UnsupportedTable, Some(table), seen, remedy)
    };
    let plan = plan(vec![
        blocked("crm", vec![view("main.crm.a_view"), view("main.crm.b_view")]),
        blocked("hr", vec![view("main.hr.c_view")]),
    ]);
    let shown = validate_text(&plan, &narrow());
    let seen = "it is a view, which cannot be cloned";
    for entry in [
        format!("{{\"main.crm.a_view\":\"{seen}\",\"main.crm.b_view\":\"{seen}\"}}"),
        format!("{{\"main.hr.c_view\":\"{seen}\"}}"),
    ] {
        assert!(shown.contains(&format!("\n\"unprotected_tables\": {entry}\n")), "{shown}");
    }
    assert!(shown.contains("main.crm.a_view, main.crm.b_view\n"), "{shown}");
    let entry = "\n\"unprotected_tables\": {\"main.hr.c_view\":";
    assert!(plan_text(&plan, &narrow()).contains(entry), "{}", plan_text(&plan, &narrow()));
    assert!(plan_comment(&plan, 60_000).contains("\"main.hr.c_view\":"));
}

#[test]
fn a_group_that_is_paused_is_not_ready() {
    let paused = || waiting("orders", ReasonCode::Paused, "paused");
    let ready = || group("reference");
    let says = |groups: Vec<GroupPlan>| validate_text(&plan(groups), &narrow());
    assert!(says(vec![ready(), paused()]).starts_with("1 of 2 groups is ready, 1 paused"));
    assert!(says(vec![paused()]).starts_with("The group is paused"));
    assert!(says(vec![ready()]).starts_with("The group is ready"));
}
