//! Markdown for comments, read by a renderer of GitHub's Markdown: nothing a region says becomes more than text.

use comrak::{Options, markdown_to_html};
use drsync::apply::GroupOutcome;
use drsync::ledger::{AcceptedRisk, Consistency, Row};
use drsync::plan::document::{Drift, DriftCommit, DueAnyway, RowChange};
use drsync::plan::{FindingCode, GroupPlan, Plan, ReasonCode, Role, WarningCode};
use drsync::render::sections::plan::comment_stored;
use drsync::render::writers::{BUDGET, BUDGET_MIN};
use drsync::render::writers::{Form, write};

use crate::builders::*;

fn html(text: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    options.render.r#unsafe = true;
    options.render.hardbreaks = true;
    markdown_to_html(text, &options)
}

/// Names as somebody could give them who wants to be more than a name.
pub(crate) fn hostile() -> Vec<String> {
    [
        "\u{1b}[2J\u{1b}]0;own\u{7}red",
        "gold\u{202e}dlog\u{2066}x",
        "a|b|c",
        "a\\|b",
        "a`b``c",
        "`",
        "</script><script>alert(1)</script>",
        "<!-- drsync:plan scope=other -->",
        "--> <b>bold",
        "@team ping",
        "[click](https://evil.test)",
        "https://evil.test/x www.evil.test a@evil.test",
        "![img](https://evil.test/x.png)",
        "</details></td></table>",
        "# heading\n\n- list\n\n> quote",
        "```\nfence\n```",
        "~~gone~~ **loud** $x$ #12 :tada:",
        "= \n===",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .chain(["x".repeat(10_000), "|".repeat(10_000), "`".repeat(10_000)])
    .collect()
}

/// A plan in which every text of a service is one of these.
fn plan_of(text: &str) -> Plan {
    let mut torn = first_sync(&format!("t{text}"), vec![create("main.a.b", 1, MIB, 2)]);
    torn.consistency = Some(Consistency::CrashConsistent);
    let mut lost = sync(text, vec![update("main.core.gold", 1, 2, MIB, 1)]);
    for step in torn.steps.iter_mut().chain(&mut lost.steps) {
        step.table = drsync::config::TableName::new(text, text, text);
        step.statement = Some(format!("CREATE OR REPLACE TABLE delta.`{text}` DEEP CLONE x"));
    }
    lost.drift = vec![Drift {
        table: drsync::config::TableName::new("a", "b", text),
        replica_path: None,
        registered: false,
        ours: Some(1),
        theirs: vec![DriftCommit {
            version: 2,
            committed_at: at("2026-11-22T00:00:00Z"),
            operation: text.to_owned(),
            user: Some(text.to_owned()),
            rows: None,
            rows_compared: None,
        }],
        maintenance: vec![],
    }];
    let mut plan = plan(vec![
        torn,
        lost,
        blocked(
            &format!("b{text}"),
            vec![
                finding(
                    FindingCode::TableNotReadable,
                    Some(text),
                    text,
                    sql(&format!("GRANT {text}")),
                ),
                finding(FindingCode::ReplicaNotOurs, Some(text), text, words(text)),
                finding(FindingCode::WorkflowNotFound, None, text, None),
            ],
        ),
        waiting(&format!("w{text}"), ReasonCode::Paused, text),
    ]);
    plan.warnings = vec![warning(WarningCode::ClockSkew, text, text)];
    plan.accepted = vec![AcceptedRisk {
        code: "replica_changed".to_owned(),
        scope: text.to_owned(),
        reason: text.to_owned(),
    }];
    let row = |group: &str, tables: &[&str]| {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        Row::first_seen(group, Some(text.to_owned()), tables, at("2026-11-22T00:00:00Z"))
    };
    let old = row(text, &["a.b.c", text]);
    plan.workspaces[0].rows = vec![
        RowChange { before: None, after: row(&format!("n{text}"), &[text]) },
        RowChange { before: Some(old.clone()), after: row(text, &["a.b.c", "a.b.d"]) },
        RowChange { before: Some(old.clone()), after: old.retired(at("2026-11-22T00:00:00Z")) },
    ];
    plan.workspaces[0].name = text.to_owned();
    plan.workspaces[0].observed.primary.principal = Some(text.to_owned());
    plan.provenance.actor = text.to_owned();
    plan.provenance.change = Some(text.to_owned());
    plan.provenance.git_commit = Some(text.to_owned());
    plan
}

/// The tags of an HTML text, and the text outside of code with them taken out.
fn tags(html: &str) -> (Vec<String>, String) {
    let (mut tags, mut text, mut rest, mut in_code) = (vec![], String::new(), html, 0);
    while let Some(at) = rest.find('<') {
        if in_code == 0 {
            text.push_str(&rest[..at]);
        }
        let end = if rest[at..].starts_with("<!--") {
            at + rest[at..].find("-->").expect("a comment ends") + 3
        } else {
            at + rest[at..].find('>').expect("a tag ends") + 1
        };
        let tag = &rest[at..end];
        if tag.starts_with("<code") {
            in_code += 1;
        }
        if tag == "</code>" {
            in_code -= 1;
        }
        tags.push(tag.to_owned());
        rest = &rest[end..];
    }
    text.push_str(rest);
    (tags, text)
}

const ALLOWED: &[&str] = &[
    "p", "h3", "strong", "code", "pre", "ul", "li", "br /", "details", "summary", "table", "thead",
    "tbody", "tr", "th", "td",
];

/// Nothing in a comment is more than text; every row of its tables has so many cells.
pub(crate) fn assert_harmless(markdown: &str, cells_a_row: usize, about: &str) {
    let html = html(markdown);
    let (tags, text) = tags(&html);
    let mut open: Vec<&str> = vec![];
    for tag in &tags {
        if tag.starts_with("<!--") {
            assert!(tag.starts_with("<!-- drsync:"), "{about}: {tag}");
            continue;
        }
        let bare = tag.trim_matches(['<', '>']);
        let name = bare.split(" class=").next().unwrap_or(bare);
        let name = name.strip_prefix('/').unwrap_or(name);
        assert!(ALLOWED.contains(&name), "{about}: {tag} in\n{markdown}\n{html}");
        match (bare.starts_with('/'), bare) {
            (_, "br /") => {}
            (true, _) => assert_eq!(open.pop(), Some(name), "{about}: {html}"),
            (false, _) => open.push(name),
        }
    }
    assert_eq!(open, [""; 0], "{about}");
    assert_eq!(html.matches("<!--").count(), 1, "{about}: one marker");
    assert!(
        markdown.starts_with("<!-- drsync:")
            && markdown.lines().next().is_some_and(|line| line.ends_with(" -->"))
    );
    let mut before = ' ';
    for (c, next) in text.chars().zip(text.chars().skip(1)) {
        let mention = c == '@' && next.is_alphanumeric() && !before.is_alphanumeric();
        assert!(!mention, "{about}: a mention in {text}");
        before = c;
    }
    for bad in ['\u{1b}', '\u{202e}', '\u{2066}', '\u{7}'] {
        assert!(!markdown.contains(bad), "{about}");
    }
    for row in html.split("<tr>").skip(1) {
        let cells = row.matches("<td>").count() + row.matches("<th>").count();
        assert_eq!(cells, cells_a_row, "{about}: {row}");
    }
}

#[test]
fn nothing_that_a_region_says_becomes_markup() {
    for text in hostile() {
        let plan = plan_of(&text);
        let about: String = text.chars().take(60).collect();
        for budget in [BUDGET, BUDGET_MIN] {
            let comment = plan_comment(&plan, budget);
            assert!(comment.len() <= budget, "{about}: {} of {budget}", comment.len());
            assert_harmless(&comment, 3, &about);
        }
        let mut changed = plan.clone();
        changed.selection.changed = true;
        assert_harmless(&plan_comment(&changed, BUDGET), 3, &about);
        let applied = run(vec![ended(&text, GroupOutcome::Failed, Some(&text))], 4, &text);
        let now = at("2026-11-22T12:00:00Z");
        let shown = comment_stored(&plan.stored(), &[applied], now);
        assert_harmless(&write(&shown, Form::Markdown(BUDGET)), 3, &about);
    }
}

#[test]
fn a_plain_plan_reads_as_it_should() {
    let mut plan = plan(vec![
        sync(
            "core_product",
            vec![update("main.core.gold", 1029, 1041, GIB, 96), no_op("main.core.raw", 7)],
        ),
        blocked("crm", vec![not_readable("main.crm.contacts")]),
        waiting("paused_one", ReasonCode::Paused, "paused: migration"),
        group("quiet"),
    ]);
    plan.workspaces[0].groups[0].steps[0].statement =
        Some("CREATE OR REPLACE TABLE delta.`x` DEEP CLONE y VERSION AS OF 1041".to_owned());
    plan.warnings = vec![warning(WarningCode::RpoAtRisk, "core_product", "the lag is 11h of 12h")];
    insta::assert_snapshot!(plan_comment(&plan, BUDGET));
}

#[test]
fn what_the_configuration_changes_comes_first_and_what_is_due_anyway_is_a_line() {
    let row = |tables: &[&str]| {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        Row::first_seen("core_product", None, tables, at("2026-11-22T00:00:00Z"))
    };
    let mut plan = plan(vec![sync(
        "core_product",
        vec![create("main.core.gold", 41, 851 * GIB, 96), no_op("main.core.raw", 7)],
    )]);
    let (old, new) = (row(&["main.core.raw"]), row(&["main.core.raw", "main.core.gold"]));
    let mut left = row(&["main.old.a"]);
    left.group_name = "old_reports".to_owned();
    plan.workspaces[0].rows = vec![RowChange { before: Some(old), after: new }];
    plan.selection.changed = true;
    plan.due_anyway = Some(DueAnyway {
        groups_sync: 2,
        groups_blocked: 1,
        copy_bytes: 3 * GIB / 2,
        ..DueAnyway::default()
    });
    let comment = plan_comment(&plan, BUDGET);
    let lines: Vec<&str> = comment.lines().collect();
    assert_eq!(lines[0], "<!-- drsync:plan scope=east -->");
    assert_eq!(lines[1], "### drsync: adds 1 table to core&#95;product, 851.0 GiB to copy");
    assert!(
        lines.contains(&"| &#126; change | `core_product` | adds `main.core.gold` |"),
        "{comment}"
    );
    assert!(
        lines.contains(
            &"Due anyway, not part of this plan: 2 groups due anyway, 1.5 GiB; 1 group blocked"
        ),
        "{comment}"
    );
    plan.workspaces[0].rows = vec![RowChange {
        before: Some(left.clone()),
        after: left.retired(at("2026-11-22T00:00:00Z")),
    }];
    let comment = plan_comment(&plan, BUDGET);
    assert!(
        comment.contains("**Dangers**\n\n- retired: `old_reports`: no longer in the configuration; rows and replicas stay\n"),
        "{comment}"
    );
}

#[test]
fn a_plan_of_nothing_is_a_verdict_and_what_it_is_known_by() {
    for plan in [plan(vec![]), plan(vec![group("a")])] {
        let comment = plan_comment(&plan, BUDGET_MIN);
        assert_harmless(&comment, 3, "nothing");
        assert!(comment.lines().count() <= 6, "{comment}");
        assert!(comment.contains("effect `0e6c41d2"), "{comment}");
    }
}

/// As many tables as a company has, all of a kind.
fn many(kind: impl Fn(usize) -> GroupPlan) -> Plan {
    plan((0..500).map(kind).collect())
}

#[test]
fn fifty_thousand_tables_fit_whatever_is_the_matter_with_them() {
    let table = |group: usize, table: usize| format!("main.schema_{group:03}.table_{table:03}");
    let synced = many(|at| {
        let steps = (0..100).map(|one| {
            let mut step = update(&table(at, one), 1, 2, MIB, 1);
            step.statement =
                Some(format!("CREATE OR REPLACE TABLE x DEEP CLONE {}", table(at, one)));
            step
        });
        sync(&format!("group_{at:03}"), steps.collect())
    });
    let stuck = many(|at| {
        let findings = (0..100).map(|one| {
            let name = table(at, one);
            let remedy = format!("ALTER TABLE {name} SET TBLPROPERTIES ('x' = 'y')");
            finding(FindingCode::VersionNotRetained, Some(&name), "gone", sql(&remedy))
        });
        blocked(&format!("group_{at:03}"), findings.collect())
    });
    for (plan, says) in [
        (&synced, vec!["500 groups", "50,000 statements"]),
        (&stuck, vec!["Blocked: 500 groups", "`version_not_retained`"]),
    ] {
        for budget in [BUDGET, BUDGET_MIN] {
            let comment = plan_comment(plan, budget);
            assert!(comment.len() <= budget, "{} of {budget}", comment.len());
            assert_harmless(&comment, 3, "many");
            assert!(comment.contains("Left out to fit "), "{comment}");
            for says in &says {
                assert!(comment.contains(says), "{says} is not in\n{comment}");
            }
        }
    }
}

#[test]
fn dangers_and_what_is_blocked_are_on_every_rung_of_the_ladder() {
    let mut plan = many(|at| match at % 3 {
        0 => blocked(
            &format!("group_{at:03}"),
            vec![
                not_readable(&format!("main.s{at}.t")),
                finding(FindingCode::SourceShrank, Some("main.a.b"), "lost rows", None),
            ],
        ),
        1 => {
            let mut torn = sync(&format!("group_{at:03}"), vec![update("main.a.b", 1, 2, 1, 1)]);
            torn.consistency = Some(Consistency::CrashConsistent);
            torn
        }
        _ => sync(
            &format!("group_{at:03}"),
            (0..50).map(|_| update("main.a.b", 1, 2, 1, 1)).collect(),
        ),
    });
    plan.accepted = (0..300)
        .map(|at| AcceptedRisk {
            code: "replica_changed".to_owned(),
            scope: format!("main.a.t{at}"),
            reason: "r".repeat(200),
        })
        .collect();
    away(&mut plan, Role::Secondary, "no answer");
    for budget in [1_000_000, BUDGET, 30_000, 10_000, 5_000, BUDGET_MIN] {
        let comment = plan_comment(&plan, budget);
        assert!(comment.len() <= budget, "{} of {budget}:\n{comment}", comment.len());
        for says in [
            "**Dangers**",
            "accepted",
            "a cut that is not tied to a finished workflow run",
            "the secondary region does not answer",
            "Blocked: 167 groups",
            "`table_not_readable`",
            "`source_shrank`",
        ] {
            assert!(comment.contains(says), "{says} is not in {budget} bytes:\n{comment}");
        }
    }
}

#[test]
fn sql_goes_first() {
    let plan = many(|at| {
        let mut step = update(&format!("main.a.t{at}"), 1, 2, 1, 1);
        step.statement = Some("CREATE ".repeat(30));
        sync(&format!("g{at}"), vec![step])
    });
    let comment = plan_comment(&plan, 120_000);
    assert!(
        comment.ends_with(
            "Left out to fit 120,000 bytes: 500 statements. Everything is in the document itself.\n"
        ),
        "{}",
        &comment[comment.len() - 300..]
    );
    assert!(comment.contains("`main.a.t499`"), "every table is still there");
    assert!(plan_comment(&plan, 10_000_000).contains("<details><summary>500 statements</summary>"));
}
