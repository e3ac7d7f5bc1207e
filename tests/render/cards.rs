//! One table of a plan.

use drsync::plan::Plan;
use drsync::plan::document::{Brought, SourceCommit, Unprotected};
use drsync::region::{ColumnChange, SchemaChange};
use drsync::render::card::{cards, names};

use crate::builders::*;

fn shown(plan: &Plan, asked: &str) -> String {
    card_text(plan, asked, &narrow())
}

#[test]
fn a_card_has_pins_certificate_what_it_brings_and_the_statement() {
    let mut step = update("main.core.gold", 1029, 1041, GIB, 96);
    step.source.next_committed_at = Some(at("2026-11-22T09:44:12.250Z"));
    step.source.head_version = 1043;
    step.source.rows = Some(18_204_118);
    step.source.readable_until = Some(at("2026-11-29T09:40:58Z"));
    step.statement = Some(
        "CREATE OR REPLACE TABLE delta.`abfss://dr@west/main/core/gold` DEEP CLONE `main`.`core`.`gold` VERSION AS OF 1041 TBLPROPERTIES ('drsync.source_version' = '1041')"
            .to_owned(),
    );
    let commit = |version, operation: &str| SourceCommit {
        version,
        committed_at: at("2026-11-22T09:30:00Z"),
        operation: operation.to_owned(),
        user: Some("etl@example.com".to_owned()),
    };
    step.brings = Some(Brought {
        commits: Some(12),
        newest: vec![commit(1041, "MERGE"), commit(1040, "ADD COLUMNS")],
    });
    let column = |column: &str, before: Option<&str>, after: Option<&str>| ColumnChange {
        column: column.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    step.schema = Some(SchemaChange {
        columns: vec![
            column("address.zip", None, Some("string")),
            column("old", Some("map<string, long>"), None),
            column("qty", Some("integer"), Some("long not null")),
        ],
        more: 7,
    });
    let plan = plan(vec![sync("core_product", vec![step]), group("quiet")]);
    insta::assert_snapshot!(shown(&plan, "core.gold"));
}

#[test]
fn columns_that_are_not_known_are_not_said_to_be_the_same() {
    let lines = |step| {
        let shown = shown(&plan(vec![sync("core", vec![step])]), "core.gold");
        let columns = shown.lines().filter(|line| line.contains("columns"));
        columns.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let mut step = update("main.core.gold", 6, 8, GIB, 96);
    assert_eq!(lines(step.clone()), "columns     not known whether they differ from the replica's");
    step.schema = Some(SchemaChange::default());
    assert_eq!(lines(step), "columns     those of the replica");
    assert_eq!(lines(no_op("main.core.gold", 8)), "");
}

#[test]
fn a_table_without_a_step_says_what_was_found_or_why_it_is_left_out() {
    let mut plan =
        plan(vec![blocked("crm", vec![not_readable("main.crm.contacts")]), group("quiet")]);
    plan.unprotected = vec![Unprotected {
        workspace: None,
        group: "quiet".to_owned(),
        table: "main.core.core_view".to_owned(),
        reason: "a view".into(),
    }];
    assert_eq!(
        shown(&plan, "CONTACTS"),
        "main.crm.contacts: its group is blocked, in crm\n\n\
         \x20 finding     table_not_readable: dr-sync@example.com lacks SELECT on\n\
         \x20             main.crm.contacts\n\
         GRANT SELECT ON TABLE main.crm.contacts TO `dr-sync@example.com`\n"
    );
    assert_eq!(
        shown(&plan, "main.core.core_view"),
        "main.core.core_view: not synchronized, in quiet\n\n\
         \x20 why         a view\n"
    );
    assert_eq!(names(&plan), ["main.core.core_view", "main.crm.contacts"]);
    assert!(cards(&plan, "ontacts").is_empty(), "only whole parts of a name");
}

#[test]
fn what_was_accepted_is_not_offered_to_be_accepted_again() {
    let command =
        "drsync plan --accept source_recreated:main.core.gold --reason \"…\" --out plan.json";
    let mut found = finding(
        drsync::plan::FindingCode::SourceRecreated,
        Some("main.core.gold"),
        "it is another table",
        acceptance(drsync::plan::FindingCode::SourceRecreated, "main.core.gold"),
    );
    let mut group = sync("core", vec![update("main.core.gold", 6, 8, GIB, 96)]);
    group.findings = vec![found.clone()];
    assert!(shown(&plan(vec![group.clone()]), "core.gold").contains(command));
    found.severity = drsync::plan::Severity::Accepted;
    group.findings = vec![found];
    let shown = shown(&plan(vec![group]), "core.gold");
    assert!(
        shown.contains("  accepted    source_recreated: it is another table\n")
            && !shown.contains("--accept"),
        "{shown}"
    );
}

#[test]
fn an_odd_name_is_found_with_and_without_its_backticks() {
    let step = update("main.core.`sp ace`", 6, 8, GIB, 96);
    let plan = plan(vec![sync("core", vec![step])]);
    for asked in ["sp ace", "`sp ace`", "main.core.sp ace", "core.`SP ACE`"] {
        assert_eq!(cards(&plan, asked).len(), 1, "{asked}");
    }
    assert!(cards(&plan, "ace").is_empty());
}
