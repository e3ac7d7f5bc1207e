//! Screens as comments and as pages: nothing that others named or said is more than text, whichever screen it is on.

use drsync::apply::{Exit, GroupCheck, GroupOutcome, GroupStanding, PlanCheck, RunWarningCode};
use drsync::plan::{Decision, FindingCode, Plan, Role, WarningCode};
use drsync::render::diff::PlanDifference;
use drsync::render::page::Page;
use drsync::render::sections::{check, diff, run, validate};
use drsync::render::writers::{BUDGET, BUDGET_MIN};
use drsync::render::writers::{Form, write};

use crate::builders::{self, *};

/// A plan in which every text of others is this one.
fn plan_of(text: &str) -> Plan {
    let mut core = sync(text, vec![update("main.core.gold", 1, 2, 1, 1)]);
    core.steps[0].table = drsync::config::TableName::new(text, text, text);
    let mut plan = builders::plan(vec![
        core,
        blocked(
            &format!("b{text}"),
            vec![
                finding(FindingCode::TableNotReadable, Some(text), text, sql(text)),
                finding(FindingCode::ReplicaNotOurs, Some(text), text, words(text)),
                finding(FindingCode::WorkflowNotFound, None, text, None),
            ],
        ),
    ]);
    plan.warnings = vec![warning(WarningCode::ClockSkew, text, text)];
    plan.workspaces[0].name = text.to_owned();
    away(&mut plan, Role::Secondary, text);
    plan
}

fn check_of(plan: &Plan, text: &str) -> Page {
    let groups = plan.groups().map(|(workspace, group)| GroupCheck {
        workspace: workspace.name.clone(),
        name: group.name.clone(),
        decision: Decision::Sync,
        standing: GroupStanding::Stale,
        message: Some(text.into()),
        run_id: Some(text.to_owned()),
    });
    let check = PlanCheck {
        kind: drsync::formats::CHECK.kind.to_owned(),
        format_version: "1.0".to_owned(),
        plan_id: text.to_owned(),
        plan_sha256: text.to_owned(),
        effect_sha256: text.to_owned(),
        checked_at: at("2026-11-22T12:00:00Z"),
        expires_at: at("2026-11-23T12:00:00Z"),
        outdated: false,
        applicable: false,
        metadata_changes: false,
        exit: Exit { code: 5, name: text.to_owned() },
        groups: groups.collect(),
    };
    check::page(plan, &check, text)
}

fn run_of(plan: Option<&Plan>, text: &str) -> Page {
    let mut failed = ended(text, GroupOutcome::Failed, Some(text));
    failed.workspace = text.to_owned();
    let mut record = builders::run(vec![failed, ended(text, GroupOutcome::Stale, None)], 4, text);
    record.run_id = text.to_owned();
    record.plan_id = text.to_owned();
    record.provenance.actor = text.to_owned();
    record.provenance.ci_run_url = Some(text.to_owned());
    record.warnings = vec![RunWarningCode::FileDiffers.warn(text.to_owned())];
    record.record_sha256 = Some(text.to_owned());
    let bytes = serde_json::to_vec(&record).expect("JSON");
    run::stored(plan, &record, &bytes, Some(text))
}

#[test]
fn nothing_on_any_page_is_more_than_text() {
    for evil in crate::markdowns::hostile() {
        let about: String = evil.chars().take(60).collect();
        let plan = plan_of(&evil);
        let quiet = builders::plan(vec![sync("core", vec![update("main.core.gold", 1, 2, 1, 1)])]);
        let pages = [
            check_of(&plan, &evil),
            diff::page(&PlanDifference::of(&quiet, &plan)),
            run_of(Some(&plan), &evil),
            run_of(None, &evil),
            validate::page(&plan, &[]),
        ];
        for page in &pages {
            for budget in [BUDGET, BUDGET_MIN] {
                let comment = write(page, Form::Markdown(budget));
                assert!(comment.len() <= budget, "{about}: {} of {budget}", comment.len());
                crate::markdowns::assert_harmless(&comment, 4, &about);
            }
            crate::html::assert_safe(&write(page, Form::Html));
            for style in [narrow(), verbose()] {
                crate::hostile::assert_plain(&written(page, &style), &about);
            }
        }
    }
}

#[test]
fn what_failed_or_is_blocked_is_counted_however_little_room_there_is() {
    let failed = (0..3_000).map(|at| {
        let name = format!("group_{at:04}");
        let why = "r".repeat(200);
        ended(&name, GroupOutcome::Failed, Some(&why))
    });
    let good = (0..3_000).map(|at| ended(&format!("g{at}"), GroupOutcome::Synchronized, None));
    let record = builders::run(failed.chain(good).collect(), 4, "partial");
    let page = run::page(None, &record, None);
    let findings = |at: usize| {
        let remedy = sql(&format!("ALTER TABLE main.s{at}.t SET TBLPROPERTIES ('x' = 'y')"));
        let table = format!("main.s{at}.t");
        vec![finding(FindingCode::VersionNotRetained, Some(&table), "gone", remedy)]
    };
    let stuck = (0..3_000).map(|at| blocked(&format!("group_{at:04}"), findings(at)));
    let stuck = validate::page(&builders::plan(stuck.collect()), &[]);
    for budget in [BUDGET, 10_000, BUDGET_MIN] {
        let comment = write(&page, Form::Markdown(budget));
        assert!(comment.len() <= budget, "{} of {budget}", comment.len());
        assert!(comment.contains("3,000 groups synchronized, 3,000 failed"));
        assert!(comment.contains("- **failed**"), "{comment}");
        let comment = write(&stuck, Form::Markdown(budget));
        assert!(comment.len() <= budget, "{} of {budget}", comment.len());
        assert!(comment.contains("Left out to fit"), "{comment}");
    }
}

#[test]
fn a_run_record_as_a_comment_says_what_the_screen_says() {
    let mut record = builders::run(
        vec![
            ended("crm", GroupOutcome::Failed, Some("503 from storage")),
            ended("orders", GroupOutcome::UpToDate, None),
        ],
        1,
        "failed",
    );
    record.warnings = vec![RunWarningCode::NotRegistered.warn("2 replicas are in no catalog")];
    insta::assert_snapshot!(write(&run::page(None, &record, None), Form::Markdown(BUDGET)), @r"
    <!-- drsync:run scope=east -->
    ### drsync: Failed: 1 group failed, 1 up to date (6m41s, 19.0 GiB)

    - **failed** `crm`: 503 from storage
    - up to date: 1 group

    **Warnings**

    - 2 replicas are in no catalog

    Recorded in both regions as JDA2C7
    ");
}
