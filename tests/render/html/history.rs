//! The report of a period.

use chrono::TimeDelta;
use drsync::apply::{Approval, Exit};
use drsync::history::{AcceptedInPeriod, ApplyLine, Blocked, Chain, GroupPeriod, Period};
use drsync::ledger::{Consistency, Cut};
use drsync::render::cut_history::{CutHistory, UnreadRegion, WorkspaceHistory};

use super::*;

fn cut(group: &str, number: u64) -> Cut {
    Cut {
        group_name: group.to_owned(),
        cut_number: number,
        recovery_point: at("2026-11-22T09:41:07Z"),
        consistency: Consistency::WorkflowConsistent,
        trigger: "workflow".to_owned(),
        workflow_run_id: Some(98_231),
        planned_at: at("2026-11-22T10:59:36Z"),
        tables: vec![],
        accepted: vec![],
        plan_id: "01JD9Z6W".to_owned(),
        plan_sha256: "p".repeat(64),
        run_id: "01JDA2C7".to_owned(),
        epoch: 0,
        committed_by: "dr-sync@example.com".to_owned(),
        committed_at: at("2026-11-22T11:08:44Z"),
        previous_sha256: None,
        run_record_sha256: None,
        kind: None,
        active: None,
        later: Default::default(),
    }
}

fn apply(run_id: &str, approval: Option<Approval>) -> ApplyLine {
    ApplyLine {
        run_id: run_id.to_owned(),
        started_at: at("2026-11-22T11:00:00Z"),
        ended_at: at("2026-11-22T11:06:41Z"),
        actor: "ci:github acme/dr-config".to_owned(),
        approval,
        approval_proved: None,
        exit: Exit { code: 0, name: "ok".to_owned() },
        synchronized: 1,
        failed: 0,
        blocked: 2,
        metadata_changed: false,
    }
}

fn workspace(name: &str) -> WorkspaceHistory {
    let (since, until) = (at("2026-11-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
    WorkspaceHistory {
        name: name.to_owned(),
        read: vec!["primary".to_owned(), "secondary".to_owned()],
        unread: vec![],
        lost: vec![],
        lost_with_roles: vec![],
        cuts: vec![cut("core", 42), cut("core", 41), cut("crm", 7)],
        period: Some(Period {
            since,
            until,
            applies: vec![
                apply(
                    "01A",
                    Some(Approval::Signature {
                        public_key: "RWQf6LRC".to_owned(),
                        trusted_comment: "reviewed in change 418".to_owned(),
                    }),
                ),
                apply("01B", Some(Approval::None)),
                apply("01C", None),
            ],
            quiet_rounds: 1_432,
            longest_silence_seconds: 2_400,
            settings: vec![],
            without_approval: vec!["01B".to_owned()],
            groups: vec![
                GroupPeriod {
                    group: "core".to_owned(),
                    cuts: 2,
                    objective_minutes: Some(720),
                    counted_from: Some(since + TimeDelta::days(1)),
                    within_objective: Some(0.9999),
                    oldest_seconds: Some(13 * 3_600),
                    blocked: vec![Blocked {
                        from: until - TimeDelta::hours(30),
                        until: None,
                        message: "main.core.silver: replica_changed".into(),
                    }],
                    accepted: vec![AcceptedInPeriod {
                        cut: 42,
                        code: "source_shrank".to_owned(),
                        scope: "main.core.gold".to_owned(),
                        reason: "cleaned up".to_owned(),
                    }],
                    roles: vec![],
                },
                GroupPeriod {
                    group: "old".to_owned(),
                    cuts: 0,
                    objective_minutes: None,
                    counted_from: None,
                    within_objective: None,
                    oldest_seconds: None,
                    blocked: vec![],
                    accepted: vec![],
                    roles: vec![],
                },
            ],
            chain: Chain {
                records: 1_435,
                unbroken: true,
                problems: vec![],
                unrecorded: vec![],
                skews: vec![],
                passed_over: vec![],
                head: None,
                signed: None,
            },
            unproved: vec![],
        }),
        period_missing: None,
    }
}

fn page_of(history: &CutHistory) -> drsync::render::page::Page {
    drsync::render::sections::cut_history::page(history, at("2026-12-01T00:00:00Z"))
}

fn page(workspaces: Vec<WorkspaceHistory>) -> Html {
    assert_safe(&write(&page_of(&CutHistory::new(workspaces)), Form::Html))
}

#[test]
fn a_period_tells_what_an_auditor_asks() {
    let page = page(vec![workspace("east")]);
    let verdict = texts(&page, "h1").concat();
    assert!(verdict.starts_with("3 cuts; the newest is "), "{verdict}");
    assert_eq!(
        texts(&page, "main p.soft"),
        ["3 applies (1 without approval), 1,432 rounds with nothing to do"]
    );
    assert_eq!(
        texts(&page, "section h2"),
        [
            "The period",
            "Groups (2)",
            "Blocked (1)",
            "Accepted risks (1)",
            "Applies (3)",
            "Cuts (3)",
            "The document"
        ]
    );
    let overview = texts(&page, "section[aria-labelledby=the-period]").join(" ");
    for told in [
        "2026-11-01 00:00:00Z to 2026-12-01 00:00:00Z",
        "3 applies, 1 without approval",
        "1,432 looked and found nothing to do",
        "40m without a record",
        "1,435 records in an unbroken chain",
    ] {
        assert!(overview.contains(told), "{told}: {overview}");
    }
    let cells = |subject: &str| {
        texts(&page, &format!("section[aria-labelledby={subject}] tbody :is(th, td)"))
    };
    assert_eq!(
        cells("groups")[..5],
        ["core", "2", "12h", "99.9% from 2026-11-02 00:00:00Z", "13h"]
    );
    assert_eq!(cells("groups")[5..], ["old", "0", "-", "no cut yet", "never"]);
    assert_eq!(
        cells("blocked"),
        [
            "core",
            "2026-11-29 18:00:00Z",
            "and still at 2026-12-01 00:00:00Z",
            "30h",
            "main.core.silver: replica_changed"
        ]
    );
    assert_eq!(
        cells("accepted-risks"),
        ["core", "42", "source_shrank", "main.core.gold", "cleaned up"]
    );
    let approvals: Vec<String> = cells("applies").chunks(10).map(|row| row[3].clone()).collect();
    assert_eq!(
        approvals,
        ["signed: reviewed in change 418, key RWQf6LRC", "no approval", "approval not recorded"]
    );
    assert_eq!(
        texts(&page, "summary"),
        [
            "core: 2 cuts, the newest cut 42 (2026-11-22 09:41:07Z)",
            "crm: 1 cut, the newest cut 7 (2026-11-22 09:41:07Z)"
        ]
    );
}

#[test]
fn what_casts_doubt_on_the_report_leads() {
    let mut broken = workspace("east");
    if let Some(period) = &mut broken.period {
        period.chain.unbroken = false;
        period.chain.problems = vec!["01C.run.json follows a record which is missing".into()];
    }
    let mut silent = workspace("west");
    silent.read.pop();
    silent.unread.push(UnreadRegion {
        region: "secondary".to_owned(),
        answer: "connect: connection refused".into(),
        refused: None,
    });
    silent.period = None;
    silent.period_missing = Some("the secondary does not answer".into());
    let page = page(vec![broken, silent]);
    assert_eq!(
        texts(&page, "h1"),
        ["The run records could not be read. The chain of records is broken. 6 cuts"]
    );
    assert_eq!(
        texts(&page, "section[aria-labelledby=east--what-is-wrong-with-the-chain] li"),
        ["broken 01C.run.json follows a record which is missing"]
    );
    let away = texts(&page, "section[aria-labelledby=west--the-period]").join(" ");
    assert!(away.contains("the secondary does not answer: connect: connection refused; this is what the other region knows"), "{away}");
    assert!(away.contains("no report of the period: the secondary does not answer"), "{away}");
    assert!(texts(&page, "h2").contains(&"west: Cuts (3)".to_owned()));
}

#[test]
fn the_page_holds_the_bytes_that_json_prints() {
    let history = CutHistory::new(vec![workspace("east")]);
    let page = parsed(&write(&page_of(&history), Form::Html));
    assert_eq!(saved(&page), history.bytes());
    let commands = texts(&page, "section[aria-labelledby=document] pre");
    assert_eq!(commands[0], canonical::sha256_of_bytes(&history.bytes()));
    let file = "history-20261201T000000000Z.json";
    assert_eq!(commands[1], format!("sha256sum {file} && jq . {file}"));
}

#[test]
fn no_cut_and_no_workspace_are_reports_too() {
    let mut empty = workspace("east");
    empty.cuts.clear();
    if let Some(period) = &mut empty.period {
        period.applies.clear();
        period.groups.clear();
        period.without_approval.clear();
    }
    assert_eq!(texts(&page(vec![empty]), "h1"), ["No cuts"]);
    assert_eq!(texts(&page(vec![]), "h1"), ["No cuts"]);
}

#[test]
fn a_hostile_period_is_text_too() {
    let evil = hostile();
    let mut workspace = workspace(&evil);
    for cut in &mut workspace.cuts {
        cut.trigger = evil.clone();
        cut.run_id = evil.clone();
        cut.committed_by = evil.clone();
    }
    workspace.cuts[0].group_name = evil.clone();
    workspace.period_missing = Some(evil.clone().into());
    if let Some(period) = &mut workspace.period {
        for apply in &mut period.applies {
            apply.run_id = evil.clone();
            apply.actor = evil.clone();
            apply.exit.name = evil.clone();
            apply.approval = Some(Approval::Signature {
                public_key: evil.clone(),
                trusted_comment: evil.clone(),
            });
        }
        period.without_approval = vec![evil.clone()];
        period.chain.problems = vec![evil.as_str().into()];
        let group = &mut period.groups[0];
        group.group = evil.clone();
        group.blocked[0].message = evil.clone().into();
        group.accepted[0] =
            AcceptedInPeriod { cut: 1, code: evil.clone(), scope: evil.clone(), reason: evil };
    }
    let history = CutHistory::new(vec![workspace.clone(), workspace]);
    let page = assert_safe(&write(&page_of(&history), Form::Html));
    assert_eq!(saved(&page), history.bytes());
    assert_eq!(texts(&page, "section h2").len(), 15, "no text closes a section");
    let told = written(&page_of(&history), &verbose());
    crate::hostile::assert_plain(&told, "the text");
}
