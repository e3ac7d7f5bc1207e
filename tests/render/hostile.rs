//! Nothing a region says reaches the screen as more than text.

use drsync::apply::{Event, EventKind, Exit, GroupCheck, GroupOutcome, GroupStanding, PlanCheck};
use drsync::config::TableName;
use drsync::plan::document::{Brought, Drift, DriftCommit, SourceCommit, Unprotected};
use drsync::plan::{Decision, FindingCode, Plan, Provenance, ReasonCode, Role, WarningCode};
use drsync::region::{ColumnChange, SchemaChange};
use drsync::render::diff::PlanDifference;
use drsync::render::progress::ProgressLog;
use drsync::render::sections::{check, diff, validate};

use crate::builders::{self, *};

const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;own\u{7}b\u{202e}c\u{200b}d\r\ne\u{9b}31mf\u{0}";

fn hostile() -> Plan {
    let mut sync =
        sync(HOSTILE, vec![update("main.core.gold", 1, 2, 1, 1), no_op("main.core.raw", 1)]);
    for step in &mut sync.steps {
        step.table = TableName::new(HOSTILE, HOSTILE, HOSTILE);
    }
    if let Some(trigger) = &mut sync.trigger {
        trigger.workflow = Some(HOSTILE.to_owned());
    }
    let mut blocked = blocked(
        &format!("x{HOSTILE}"),
        vec![
            finding(FindingCode::ReplicaChanged, Some(HOSTILE), HOSTILE, words(HOSTILE)),
            finding(
                FindingCode::SourceRecreated,
                Some(HOSTILE),
                HOSTILE,
                acceptance(FindingCode::SourceRecreated, HOSTILE),
            ),
            finding(FindingCode::VersionNotRetained, Some(HOSTILE), HOSTILE, sql(HOSTILE)),
            finding(
                FindingCode::TableNotReadable,
                Some(HOSTILE),
                HOSTILE,
                select_on(&format!("{HOSTILE}.{HOSTILE}.{HOSTILE}")),
            ),
        ],
    );
    blocked.drift = vec![Drift {
        table: TableName::new("a", "b", HOSTILE),
        replica_path: None,
        registered: false,
        ours: Some(1),
        theirs: vec![DriftCommit {
            version: 2,
            committed_at: at("2026-11-22T00:00:00Z"),
            operation: HOSTILE.to_owned(),
            user: Some(HOSTILE.to_owned()),
            rows: None,
            rows_compared: None,
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
        workspace: None,
        group: HOSTILE.to_owned(),
        table: HOSTILE.to_owned(),
        reason: HOSTILE.into(),
    }];
    plan.config.source = HOSTILE.to_owned();
    plan.expiry_reason = HOSTILE.into();
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

/// Lines of plain characters, as a screen shows them.
pub(crate) fn assert_plain(text: &str, about: &str) {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let bad: Vec<char> = text.chars().filter(bad).collect();
    assert!(bad.is_empty(), "{about}: {bad:?} in {text:?}");
}

fn assert_harmless(text: &str) {
    let bad: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{200b}' | '\u{202e}'))
        .collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
    assert!(!text.contains("own"), "an escape sequence left its text behind: {text}");
}

#[test]
fn a_hostile_plan_is_harmless_in_every_view() {
    let plan = hostile();
    let mut applied = builders::run(vec![], 4, HOSTILE);
    applied.provenance = plan.provenance.clone();
    for style in [narrow(), verbose()] {
        assert_harmless(&plan_text(&plan, &style).replace('\u{fffd}', "").replace("0;own", ""));
        assert_harmless(&validate_text(&plan, &style).replace("0;own", ""));
        assert_harmless(
            &show_text(&plan, std::slice::from_ref(&applied), at("2026-11-22T12:00:00Z"), &style)
                .replace("0;own", ""),
        );
    }
    assert_harmless(&validate::sql(&plan).replace("0;own", ""));
    let record =
        builders::run(vec![ended(HOSTILE, GroupOutcome::Failed, Some(HOSTILE))], 1, "failed");
    assert_harmless(&run_text(&plan, &record, Some(HOSTILE), &narrow()));
}

#[test]
fn a_remedy_in_words_cannot_leave_its_comment() {
    let evil = finding(
        FindingCode::TableNotFound,
        Some("main.a.b"),
        "gone",
        words("ask the owner\nDROP TABLE main.a.b"),
    );
    let script = validate::sql(&builders::plan(vec![blocked("g", vec![evil])]));
    assert_eq!(script, "-- table_not_found main.a.b g\n--   ask the owner DROP TABLE main.a.b\n");
}

#[test]
fn a_very_long_answer_is_shortened() {
    let mut plan = builders::plan(vec![group("a")]);
    away(&mut plan, Role::Secondary, &"x ".repeat(10_000));
    assert!(plan_text(&plan, &narrow()).len() < 2_000);
}

/// What no line of a text may begin with: a verdict or a command that somebody else wrote.
const FORGED: &str = "DROP TABLE";

fn evil() -> Vec<String> {
    let mut all = crate::markdowns::hostile();
    all.push(format!("gone\n{FORGED} x\r\n{FORGED} y\u{2028}{FORGED} z"));
    all
}

fn assert_no_line_of_theirs(text: &str, about: &str) {
    assert_plain(text, about);
    let forged = text.lines().find(|line| line.trim_start().starts_with(FORGED));
    assert_eq!(forged, None, "{about}");
}

#[test]
fn the_card_of_a_table_is_harmless() {
    for evil in evil() {
        let mut step = update("main.core.gold", 6, 8, 1, 1);
        step.table = TableName::new("main", "core", evil.as_str());
        step.source.table_id = evil.clone();
        step.replica.location = evil.clone();
        step.statement = Some(format!("CREATE {evil}"));
        step.brings = Some(Brought {
            commits: None,
            newest: vec![SourceCommit {
                version: 8,
                committed_at: at("2026-11-22T09:30:00Z"),
                operation: format!("ADD COLUMN {evil}"),
                user: Some(evil.clone()),
            }],
        });
        let column = |before: Option<&String>, after: Option<&String>| ColumnChange {
            column: evil.clone(),
            before: before.cloned(),
            after: after.cloned(),
        };
        let evil = Some(&evil);
        step.schema = Some(SchemaChange {
            columns: vec![column(None, evil), column(evil, None), column(evil, evil)],
            more: 1,
        });
        let table = step.table.to_string();
        let plan = builders::plan(vec![sync("core", vec![step])]);
        let text = card_text(&plan, &table, &verbose());
        assert!(text.contains("added"), "{text}");
        assert_no_line_of_theirs(&text, &table);
    }
}

#[test]
fn a_difference_a_check_and_a_progress_are_harmless() {
    for evil in evil() {
        let about: String = evil.chars().take(60).collect();
        let before = builders::plan(vec![sync("core", vec![update("main.core.gold", 1, 2, 1, 1)])]);
        let mut after = hostile();
        for group in &mut after.workspaces[0].groups {
            group.name = format!("{}{evil}", group.name);
            group.reason.message = evil.clone().into();
        }
        after.workspaces[0].groups[0].steps[0].statement = Some(evil.clone());
        let after = after.sealed();
        for (one, other) in [(&before, &after), (&after, &before)] {
            let text = written(&diff::page(&PlanDifference::of(one, other)), &verbose());
            assert_no_line_of_theirs(&text.replace("0;own", ""), &about);
        }
        let check = PlanCheck {
            kind: drsync::formats::CHECK.kind.to_owned(),
            format_version: "1.0".to_owned(),
            plan_id: evil.clone(),
            plan_sha256: evil.clone(),
            effect_sha256: evil.clone(),
            checked_at: at("2026-11-22T12:00:00Z"),
            expires_at: at("2026-11-23T12:00:00Z"),
            outdated: false,
            applicable: false,
            metadata_changes: false,
            exit: Exit { code: 1, name: "blocked".to_owned() },
            groups: vec![GroupCheck {
                workspace: evil.clone(),
                name: evil.clone(),
                decision: Decision::Sync,
                standing: GroupStanding::Blocked,
                message: Some(evil.clone().into()),
                run_id: Some(evil.clone()),
            }],
        };
        assert_no_line_of_theirs(
            &written(&check::page(&before, &check, &evil), &verbose()),
            &about,
        );
        let mut log = ProgressLog::of(&after);
        let (workspace, group, table) = (evil.clone(), evil.clone(), evil.clone());
        let failed = EventKind::TableFailed {
            workspace: workspace.clone(),
            group: group.clone(),
            table: table.clone(),
            message: evil.clone().into(),
        };
        let retried = EventKind::TableRetried {
            workspace: workspace.clone(),
            group: group.clone(),
            table,
            attempt: 1,
            message: evil.clone().into(),
            delay_ms: 1,
        };
        let ended = EventKind::GroupEnded {
            workspace,
            group,
            outcome: GroupOutcome::Failed,
            ending: None,
            message: Some(evil.clone().into()),
        };
        for what in [retried, failed, ended] {
            let event = Event { at: at("2026-11-22T11:02:03Z"), what };
            let line = log.line(&event).unwrap_or_default();
            assert_no_line_of_theirs(&line, &about);
            assert!(!line.contains('\n'), "{line}");
            let written = serde_json::to_string(&event).unwrap();
            assert!(!written.contains('\n'), "an event is a line: {written}");
            let read: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["message"], evil.as_str());
        }
    }
}

#[test]
fn what_is_read_back_is_what_was_there() {
    for evil in evil() {
        let mut plan = hostile();
        plan.workspaces[0].groups[0].name = evil.clone();
        plan.workspaces[0].groups[1].findings[0].message = evil.clone().into();
        let plan = plan.sealed();
        let bytes = plan.stored().bytes;
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let groups = &read["workspaces"][0]["groups"];
        assert_eq!(groups[0]["name"], evil.as_str());
        assert_eq!(groups[1]["findings"][0]["message"], evil.as_str());
        let record = builders::run(vec![ended(&evil, GroupOutcome::Failed, Some(&evil))], 1, &evil);
        let back = drsync::apply::RunRecord::read(&record.bytes()).unwrap();
        assert_eq!(back, record);
    }
}
