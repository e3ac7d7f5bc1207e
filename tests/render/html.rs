//! Reports as a browser's parser reads them: what they say, what they hold, and that nothing in them is more than text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use drsync::apply::{
    GroupOutcome, RunRecord, RunWarningCode, TableOutcome, TableRecord, VerifiedRecord,
};
use drsync::canonical;
use drsync::config::TableName;
use drsync::ledger::AcceptedRisk;
use drsync::plan::document::*;
use drsync::plan::{FindingCode, Plan, Provenance, ReasonCode, WarningCode};
use drsync::region::VerifiedLevel;
use drsync::render::sections::run::stored;
use drsync::render::writers::{Form, write};
use scraper::{ElementRef, Html, Selector};
use sha2::{Digest, Sha256};

use crate::builders::{self, *};

mod history;

fn parsed(page: &str) -> Html {
    let document = Html::parse_document(page);
    assert!(document.errors.is_empty(), "{:?}", document.errors);
    document
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn text(element: ElementRef<'_>) -> String {
    let words: String = element.text().collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    all(page, selector).into_iter().map(text).collect()
}

fn report(plan: &Plan) -> String {
    plan_report(plan, &[])
}

/// The bytes that the page's link saves.
fn saved(page: &Html) -> Vec<u8> {
    let [link] = all(page, "a#bytes")[..] else { panic!("one link") };
    let address = link.attr("href").expect("an address");
    let encoded = address.strip_prefix("data:application/json;base64,").expect("data");
    BASE64.decode(encoded).expect("base64")
}

/// What every page promises, whatever is in it.
pub(crate) fn assert_safe(page: &str) -> Html {
    let document = parsed(page);
    for loading in [
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "svg",
        "audio",
        "video",
        "input",
        "button",
        "[src]",
        "[srcset]",
        "[style]",
        "[background]",
    ] {
        assert!(all(&document, loading).is_empty(), "{loading}");
    }
    for element in all(&document, "*") {
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on"), "{attribute}");
            let addressed = matches!(attribute, "href" | "action" | "formaction");
            let allowed = value.starts_with('#')
                || value.starts_with("https://")
                || value.starts_with("data:application/json;base64,");
            assert!(!addressed || allowed, "{attribute}={value}");
        }
    }
    let [style] = all(&document, "style")[..] else { panic!("one style") };
    let css: String = style.text().collect();
    assert!(!css.contains("url(") && !css.contains("@import"));
    let policies = all(&document, "meta[http-equiv='Content-Security-Policy']");
    let [policy] = policies[..] else { panic!("one policy") };
    let digest = BASE64.encode(Sha256::digest(css.as_bytes()));
    assert_eq!(
        policy.attr("content"),
        Some(
            format!(
                "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
            )
            .as_str()
        )
    );
    let bad: Vec<char> = page
        .chars()
        .filter(|c| c.is_control() && *c != '\n')
        .chain(page.chars().filter(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')))
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_accessible(&document);
    document
}

fn assert_accessible(page: &Html) {
    let [root] = all(page, "html")[..] else { panic!("one root") };
    assert_eq!(root.attr("lang"), Some("en"));
    assert_eq!(all(page, "h1").len(), 1);
    assert_eq!(all(page, "main").len(), 1);
    let mut ids: Vec<&str> =
        all(page, "[id]").iter().filter_map(|element| element.attr("id")).collect();
    ids.sort_unstable();
    let number = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), number, "an id comes once");
    for link in all(page, "a[href^='#']") {
        let target = link.attr("href").unwrap_or_default().trim_start_matches('#');
        assert!(ids.binary_search(&target).is_ok(), "{target}");
        assert!(!text(link).is_empty());
    }
    for labelled in all(page, "[aria-labelledby]") {
        let by = labelled.attr("aria-labelledby").unwrap_or_default();
        assert!(ids.binary_search(&by).is_ok(), "{by}");
    }
    for table in all(page, "table") {
        let select = |selector: &str| {
            let selector = Selector::parse(selector).expect("a selector");
            table.select(&selector).count()
        };
        assert_eq!(select("caption"), 1);
        assert_eq!(select("th:not([scope])"), 0);
        assert_eq!(select("thead th"), select("thead th[scope=col]"));
    }
    for fold in all(page, "details") {
        let first = fold.child_elements().next().expect("a summary");
        assert_eq!(first.value().name(), "summary");
    }
    let levels: Vec<u8> = all(page, "h1, h2, h3, h4")
        .iter()
        .map(|heading| heading.value().name().as_bytes()[1] - b'0')
        .collect();
    assert_eq!(levels.first(), Some(&1));
    assert!(
        levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "no level of headings is left out: {levels:?}"
    );
}

fn whole() -> Plan {
    let mut core =
        sync("core", vec![update("main.core.gold", 6, 8, MIB, 2), no_op("main.core.raw", 3)]);
    core.certificate = Some(Certificate {
        newest_in: at("2026-11-22T09:40:58.001Z"),
        oldest_out: Some(at("2026-11-22T09:55:00Z")),
    });
    core.steps[0].statement =
        Some("CREATE OR REPLACE TABLE delta.`x` DEEP CLONE `main`.`core`.`gold`".to_owned());
    core.steps[0].source.head_version = 9;
    core.steps[0].source.next_committed_at = Some(at("2026-11-22T09:55:00Z"));
    let mut plan = builders::plan(vec![
        core,
        waiting("later", ReasonCode::NotDue, "next due 2026-11-22T12:00:00Z"),
        blocked("crm", vec![not_readable("main.crm.a"), not_readable("main.crm.b")]),
        group("quiet"),
    ]);
    plan.warnings = vec![warning(WarningCode::RpoAtRisk, "core", "comes close")];
    plan.accepted = vec![AcceptedRisk {
        code: "source_shrank".to_owned(),
        scope: "core".to_owned(),
        reason: "cleaned up".to_owned(),
    }];
    plan.complete = false;
    plan.sealed()
}

#[test]
fn the_verdict_comes_first_then_blocked_sync_waiting_and_up_to_date() {
    let plan = whole();
    let page = assert_safe(&report(&plan));
    assert_eq!(
        texts(&page, "h1"),
        ["1 group to sync, 1 blocked, 1 waiting, 1 up to date; copies 1.0 MiB in 2 files"]
    );
    let sections = texts(&page, "section h2");
    assert_eq!(
        sections,
        [
            "Accepted risks (1)",
            "Warnings (1)",
            "Blocked (1)",
            "To sync (1)",
            "Waiting (1)",
            "Up to date (1)",
            "Metadata tables",
            "Provenance",
            "The document"
        ]
    );
    assert_eq!(texts(&page, "article h3"), ["blocked crm", "sync core", "waiting later"]);
}

#[test]
fn a_group_to_sync_has_tables_pins_certificate_and_statements() {
    let page = parsed(&report(&whole()));
    let group = texts(&page, "article.good").join(" ");
    for told in [
        "to 2026-11-22 09:41:07Z, end of core_job run 98231",
        "workflow-consistent: the end of a successful workflow run",
        "2026-11-22T09:40:58.001Z, the newest commit that is in, <= 2026-11-22T09:41:07.500Z, the recovery point, \
         < 2026-11-22T09:55:00.000Z, the oldest commit that stays out",
        "42, after cut 41",
        "CREATE OR REPLACE TABLE delta.`x` DEEP CLONE `main`.`core`.`gold`",
        "v8 of 2026-11-22 09:40:58Z, head v9, id 3a",
    ] {
        assert!(group.contains(told), "{told}: {group}");
    }
    let cells: Vec<String> = texts(&page, "article.good > .scroll td");
    let first = ["update", "v6 -> v8", "1.0 MiB", "2", "1 newer commit stays out"];
    assert_eq!(cells[..5], first);
    assert_eq!(cells[5..7], ["no-op", "v3"]);
    let folds = texts(&page, "article.good summary");
    assert_eq!(folds, ["Pins (2 tables)", "Statements (1)"]);
}

#[test]
fn a_remedy_stands_alone_and_as_it_is_run() {
    let page = parsed(&report(&whole()));
    let commands = texts(&page, "article.bad pre");
    assert_eq!(
        commands,
        [
            "GRANT SELECT ON TABLE main.crm.a TO `dr-sync@example.com`",
            "GRANT SELECT ON TABLE main.crm.b TO `dr-sync@example.com`"
        ]
    );
}

#[test]
fn the_page_holds_the_very_bytes_of_the_document() {
    let plan = whole();
    let stored = plan.stored();
    let page = parsed(&report(&plan));
    let bytes = saved(&page);
    assert_eq!(bytes, stored.bytes);
    assert_eq!(canonical::sha256_of_bytes(&bytes), stored.sha256);
    assert_eq!(serde_json::from_slice::<Plan>(&bytes).expect("a plan"), plan);
    let said = texts(&page, "section[aria-labelledby=document] pre");
    assert_eq!(said[0], stored.sha256);
}

/// Everything that ever broke out of a page.
fn hostile() -> String {
    let long = "long".repeat(2_500);
    format!(
        "a\u{1b}[2J\u{1b}[31mred\u{202e}b\u{2066}c\u{200b}|`d`</script><script>alert(1)</script><!-- --!> ]]> \
         \"' onload=\"x\" <img src=x onerror=alert(1)> &lt;b&gt; &#60; @team javascript:alert(1)\r\n\u{0}</td></table></details>{long}"
    )
}

fn hostile_plan() -> Plan {
    let evil = hostile();
    let mut core = sync(&evil, vec![update("main.core.gold", 1, 2, 1, 1)]);
    core.steps[0].table = TableName::new(evil.as_str(), evil.as_str(), evil.as_str());
    core.steps[0].statement = Some(evil.clone());
    core.steps[0].source.table_id = evil.clone();
    core.steps[0].replica.location = evil.clone();
    core.reason.message = evil.clone().into();
    core.owner_emails = vec![evil.clone()];
    core.trigger = None;
    let mut bad = blocked(
        &format!("x{evil}"),
        vec![
            finding(FindingCode::ReplicaChanged, Some(&evil), &evil, words(&evil)),
            finding(FindingCode::TableNotReadable, None, &evil, sql(&format!("GRANT {evil}"))),
        ],
    );
    bad.drift = vec![Drift {
        table: TableName::new("a", "b", evil.as_str()),
        replica_path: None,
        registered: false,
        ours: Some(1),
        theirs: vec![DriftCommit {
            version: 2,
            committed_at: at("2026-11-22T00:00:00Z"),
            operation: evil.clone(),
            user: Some(evil.clone()),
            rows: Some(7),
            rows_compared: None,
        }],
        maintenance: vec![],
    }];
    let mut quiet = group(&format!("z{evil}"));
    quiet.reason.message = evil.clone().into();
    let mut plan = builders::plan(vec![
        core,
        bad,
        waiting(&format!("y{evil}"), ReasonCode::WorkflowFailed, &evil),
        quiet,
    ]);
    plan.plan_id = evil.clone();
    plan.expiry_reason = evil.clone().into();
    plan.tool.name = evil.clone();
    plan.config.source = evil.clone();
    plan.config.secret_refs = vec![evil.clone()];
    plan.warnings = vec![warning(WarningCode::ClockSkew, &evil, &evil)];
    plan.accepted =
        vec![AcceptedRisk { code: evil.clone(), scope: evil.clone(), reason: evil.clone() }];
    plan.unprotected = vec![Unprotected {
        workspace: None,
        group: evil.clone(),
        table: evil.clone(),
        reason: evil.clone().into(),
    }];
    plan.provenance = Provenance {
        actor: evil.clone(),
        started_by: Some(evil.clone()),
        ci_run_url: Some(format!("javascript:{evil}")),
        git_commit: Some(evil.clone()),
        change: Some(evil.clone()),
    };
    plan.workspaces[0].name = evil.clone();
    plan.workspaces[0].metadata = metadata(LedgerAction::Merge, &[&evil], &[&evil], &[&evil]);
    away(&mut plan, drsync::plan::Role::Secondary, &evil);
    plan.sealed()
}

#[test]
fn nothing_that_a_region_says_is_more_than_text() {
    let plan = hostile_plan();
    let mut applied = builders::run(vec![], 4, &hostile());
    applied.provenance = plan.provenance.clone();
    let stored = plan.stored();
    let page = plan_report(&plan, &[applied]);
    let page = assert_safe(&page);
    assert_eq!(saved(&page), stored.bytes);
    let body = texts(&page, "body").join(" ");
    for kept in ["</script>", "<!--", "@team", "&lt;b&gt;", "<img src=x onerror=alert(1)>"] {
        assert!(body.contains(kept), "{kept} is shown as it was written");
    }
    assert_eq!(all(&page, "main").len(), 1);
    assert_eq!(all(&page, "article").len(), 3, "no text closes a group");
}

#[test]
fn only_an_https_address_can_be_followed() {
    let linked = |url: &str| {
        let mut plan = whole();
        plan.provenance.ci_run_url = Some(url.to_owned());
        let page = report(&plan.sealed());
        let page = assert_safe(&page);
        let links = all(&page, "a[href^='https:']");
        links.iter().filter_map(|link| link.attr("href").map(str::to_owned)).collect::<Vec<_>>()
    };
    let good = "https://github.com/acme/dr/actions/runs/7";
    assert_eq!(linked(good), [good]);
    for bad in
        ["http://ci.test/7", "javascript:alert(1)", "data:text/html,x", "//x.test", "https:", ""]
    {
        assert_eq!(linked(bad), Vec::<String>::new(), "{bad}");
    }
}

#[test]
fn no_group_and_many_tables_are_reports_too() {
    let empty = assert_safe(&report(&builders::plan(vec![]).sealed()));
    assert_eq!(texts(&empty, "h1").len(), 1);
    let steps: Vec<Step> =
        (0..300).map(|number| update(&format!("main.s.t{number:03}"), 1, 2, 10, 1)).collect();
    let page = assert_safe(&report(&builders::plan(vec![sync("big", steps)]).sealed()));
    assert_eq!(all(&page, "article > .scroll > table > tbody > tr").len(), 300);
}

fn record() -> RunRecord {
    let table = |name: &str, outcome: TableOutcome| TableRecord {
        table: name.parse().expect("a name"),
        outcome,
        attempts: Some(2),
        source_version: 8,
        replica_version: Some(12),
        source_files: Some(20),
        source_bytes: Some(GIB),
        copied_files: Some(2),
        copied_bytes: Some(MIB),
        verified: Some(VerifiedRecord {
            level: VerifiedLevel::Rows,
            source_rows: Some(1_000),
            replica_rows: Some(1_000),
        }),
        replica_files_sha256: None,
        replica_content_sha256: None,
        rows: None,
        statement_id: Some("01ef".to_owned()),
        message: (outcome == TableOutcome::Failed).then(|| "timed out".into()),
        why: None,
    };
    let mut good = ended("core", GroupOutcome::Synchronized, None);
    good.cut = Some(42);
    good.recovery_point = Some(at("2026-11-22T09:41:07Z"));
    good.tables = vec![table("main.core.gold", TableOutcome::Cloned)];
    let mut bad = ended("crm", GroupOutcome::Failed, Some("main.crm.a: timed out"));
    bad.tables = vec![table("main.crm.a", TableOutcome::Failed)];
    builders::run(vec![good, bad, ended("quiet", GroupOutcome::UpToDate, None)], 4, "partial")
}

fn bytes_of(record: &RunRecord) -> Vec<u8> {
    serde_json::to_vec_pretty(record).expect("JSON")
}

#[test]
fn a_run_record_tells_what_failed_first_and_holds_its_bytes() {
    let record = record();
    let bytes = bytes_of(&record);
    let page = assert_safe(&write(&stored(None, &record, &bytes, None), Form::Html));
    assert_eq!(texts(&page, "h1"), ["Partial: 1 group synchronized, 1 failed, 1 up to date"]);
    assert_eq!(texts(&page, "article h3"), ["failed crm", "synchronized core", "up to date quiet"]);
    let good = texts(&page, "article.good")[0].clone();
    for told in ["cut 42 (2026-11-22 09:41:07Z)", "counting rows: 1,000 rows on both sides", "v12"]
    {
        assert!(good.contains(told), "{told}: {good}");
    }
    let origin = texts(&page, "section[aria-labelledby=provenance]").join(" ");
    assert!(origin.contains("Approvalno approval"), "{origin}");
    assert_eq!(saved(&page), bytes);
}

#[test]
fn a_hostile_run_record_is_text_too() {
    let evil = hostile();
    let mut record = record();
    for group in &mut record.groups {
        group.name = evil.clone();
        group.workspace = evil.clone();
        group.message = Some(evil.clone().into());
        for table in &mut group.tables {
            table.message = Some(evil.clone().into());
            table.statement_id = Some(evil.clone());
            table.table = TableName::new(evil.as_str(), "b", evil.as_str());
        }
    }
    record.groups[0].workspace = "another".to_owned();
    record.run_id = evil.clone();
    record.exit.name = evil.clone();
    record.warnings = vec![RunWarningCode::FileDiffers.warn(evil.clone()).about(&evil)];
    record.previous_run_sha256 = Some(evil);
    let bytes = bytes_of(&record);
    let page = assert_safe(&write(&stored(None, &record, &bytes, None), Form::Html));
    assert_eq!(saved(&page), bytes);
    assert_eq!(all(&page, "article").len(), 3);
}
