//! What a plan leaves behind is named wherever the plan is shown.

use drsync::ledger::Row;
use drsync::plan::document::RowChange;
use drsync::plan::{LedgerAction, Plan};
use drsync::render::writers::BUDGET;
use scraper::{Html, Selector};

use crate::builders::{self, at, group, metadata, narrow, plan_comment, plan_report, plan_text};

fn row(name: &str, tables: &[&str]) -> Row {
    let tables = tables.iter().map(|table| (*table).to_owned()).collect();
    Row::first_seen(name, None, tables, at("2026-11-22T00:00:00Z"))
}

/// `sales` loses a table to `finance` and one to nobody; `old_reports` left the configuration.
fn leaving() -> Plan {
    let mut plan = builders::plan(vec![group("sales"), group("finance")]);
    let change = |before: Row, after: Row| RowChange { before: Some(before), after };
    let old = row("old_reports", &["main.old.a"]);
    plan.workspaces[0].rows = vec![
        change(
            row("sales", &["main.s.a", "main.s.gone", "main.s.moved"]),
            row("sales", &["main.s.a"]),
        ),
        change(row("finance", &["main.f.a"]), row("finance", &["main.f.a", "main.s.moved"])),
        change(old.clone(), old.retired(at("2026-11-22T00:00:00Z"))),
    ];
    plan.workspaces[0].metadata =
        metadata(LedgerAction::Merge, &[], &["sales", "finance"], &["old_reports"]);
    plan.applyable = true;
    plan.sealed()
}

#[test]
fn the_page_of_a_plan_names_what_is_no_longer_synchronized_before_everything_else() {
    let page = plan_report(&leaving(), &[]);
    let page = Html::parse_document(&page);
    let texts = |selector: &str| -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let found = page.select(&selector);
        found.map(|element| element.text().collect()).collect()
    };
    assert_eq!(texts("main h2")[0], "No longer synchronized (2)");
    assert_eq!(
        texts("main > section:first-of-type li"),
        ["group old_reports", "table main.s.gone"]
    );
    let quiet = builders::plan(vec![group("sales")]).sealed();
    let quiet = plan_report(&quiet, &[]);
    assert!(!quiet.contains("No longer synchronized"));
}

#[test]
fn a_table_that_moves_to_another_group_is_no_danger() {
    let comment = plan_comment(&leaving(), BUDGET);
    for said in [
        "- retired: `old_reports`: no longer in the configuration; rows and replicas stay\n- left: `main.s.gone`: in no group any more;",
        "without `main.s.gone`: replicas stay, no longer synchronized; without `main.s.moved`: now in another group",
    ] {
        assert!(comment.contains(said), "{said}: {comment}");
    }
    let text = plan_text(&leaving(), &narrow());
    assert!(text.contains("main.s.gone: in no group") && !text.contains("main.s.moved"));
}
