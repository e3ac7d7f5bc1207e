//! Nothing a region says reaches the screen as more than text.

use drsync::apply::GroupOutcome;
use drsync::config::TableName;
use drsync::plan::document::{Drift, DriftCommit, Unprotected};
use drsync::plan::{FindingCode, Plan, Provenance, ReasonCode, Role, WarningCode};
use drsync::render::{plan, run, show, validate};

use crate::builders::{self, *};

const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;own\u{7}b\u{202e}c\u{200b}d\r\ne\u{9b}31mf\u{0}";

fn hostile() -> Plan {
    let mut sync = sync(
        HOSTILE,
        vec![
            update("main.core.gold", 1, 2, 1, 1),
            no_op("main.core.raw", 1),
        ],
    );
    for step in &mut sync.steps {
        step.table = TableName::new(HOSTILE, HOSTILE, HOSTILE);
    }
    if let Some(trigger) = &mut sync.trigger {
        trigger.workflow = Some(HOSTILE.to_owned());
    }
    let mut blocked = blocked(
        &format!("x{HOSTILE}"),
        vec![
            finding(
                FindingCode::ReplicaChanged,
                Some(HOSTILE),
                HOSTILE,
                Some(HOSTILE),
            ),
            finding(
                FindingCode::TableNotReadable,
                Some(HOSTILE),
                HOSTILE,
                Some(&format!("GRANT SELECT ON TABLE `{HOSTILE}` TO `x`")),
            ),
        ],
    );
    blocked.drift = vec![Drift {
        table: TableName::new("a", "b", HOSTILE),
        ours: Some(1),
        theirs: vec![DriftCommit {
            version: 2,
            committed_at: at("2026-11-22T00:00:00Z"),
            operation: HOSTILE.to_owned(),
            user: Some(HOSTILE.to_owned()),
            rows: None,
        }],
        maintenance: vec![],
    }];
    let mut plan = builders::plan(vec![
        sync,
        blocked,
        waiting(&format!("y{HOSTILE}"), ReasonCode::WorkflowFailed, HOSTILE),
    ]);
    plan.warnings = vec![warning(WarningCode::ClockSkew, HOSTILE, HOSTILE)];
    plan.unprotected = vec![Unprotected {
        group: HOSTILE.to_owned(),
        table: HOSTILE.to_owned(),
        reason: HOSTILE.to_owned(),
    }];
    plan.config.source = HOSTILE.to_owned();
    plan.expiry_reason = HOSTILE.to_owned();
    plan.workspaces[0].observed.primary.principal = Some(HOSTILE.to_owned());
    plan.provenance = Provenance {
        actor: HOSTILE.to_owned(),
        started_by: Some(HOSTILE.to_owned()),
        ci_run_url: Some(HOSTILE.to_owned()),
        git_commit: Some(HOSTILE.to_owned()),
        change: Some(HOSTILE.to_owned()),
    };
    away(&mut plan, Role::Secondary, HOSTILE);
    plan
}

fn assert_harmless(text: &str) {
    let bad: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{200b}' | '\u{202e}'))
        .collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
    assert!(
        !text.contains("own"),
        "an escape sequence left its text behind: {text}"
    );
}

#[test]
fn a_hostile_plan_is_harmless_in_every_view() {
    let plan = hostile();
    let mut applied = builders::run(vec![], 4, HOSTILE);
    applied.provenance = plan.provenance.clone();
    for style in [narrow(), verbose()] {
        assert_harmless(
            &plan::text(&plan, &style)
                .replace('\u{fffd}', "")
                .replace("0;own", ""),
        );
        assert_harmless(&validate::text(&plan, &style).replace("0;own", ""));
        assert_harmless(
            &show::text(
                &plan.stored(),
                std::slice::from_ref(&applied),
                at("2026-11-22T12:00:00Z"),
                &style,
            )
            .replace("0;own", ""),
        );
    }
    assert_harmless(&validate::sql(&plan).replace("0;own", ""));
    let record = builders::run(
        vec![ended(HOSTILE, GroupOutcome::Failed, Some(HOSTILE))],
        1,
        "failed",
    );
    assert_harmless(&run::text(&plan, &record, Some(HOSTILE), &narrow()));
}

#[test]
fn a_remedy_in_words_cannot_leave_its_comment() {
    let evil = finding(
        FindingCode::TableNotFound,
        Some("main.a.b"),
        "gone",
        Some("ask the owner\nDROP TABLE main.a.b"),
    );
    let script = validate::sql(&builders::plan(vec![blocked("g", vec![evil])]));
    assert_eq!(
        script,
        "-- table_not_found main.a.b g\n--   ask the owner DROP TABLE main.a.b\n"
    );
}

#[test]
fn a_very_long_answer_is_shortened() {
    let mut plan = builders::plan(vec![group("a")]);
    away(&mut plan, Role::Secondary, &"x ".repeat(10_000));
    assert!(plan::text(&plan, &narrow()).len() < 2_000);
}
