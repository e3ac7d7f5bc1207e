//! How groups stand, with either region away.

use drsync::formats::STATUS;
use drsync::ledger::Consistency;
use drsync::plan::document::LastCut;
use drsync::plan::status::*;
use drsync::plan::{FindingCode, ReasonCode};
use drsync::region::LookDepth;
use drsync::render::Style;
use drsync::render::sections::status::{Parts, page};
use drsync::render::writers::{Form, write};

use crate::builders::*;

fn text(status: &StatusDocument, parts: Parts<'_>, style: &Style) -> String {
    written(&page(status, parts), style)
}

fn comment(status: &StatusDocument, budget: usize) -> String {
    write(&page(status, Parts::default()), Form::Markdown(budget))
}

fn region(reachable: bool) -> RegionStatus {
    RegionStatus {
        workspace: None,
        location: "abfss://dr@east.dfs.core.windows.net".to_owned(),
        reachable,
        answer: (!reachable).then(|| "no such host".into()),
        refused: None,
        ledger: LedgerPresence::Present,
        role: None,
    }
}

fn table(name: &str, cut: u64, holds: u64) -> TableStatus {
    TableStatus {
        table: update(name, 1, 2, 0, 0).table,
        source_head: Some(cut + 2),
        cut_version: Some(cut),
        replica_version: Some(56),
        holds_source_version: Some(holds),
        pending_commits: Some(2),
        checked: None,
        lost: None,
        cut_replica_version: Some(56),
        off_cut: None,
    }
}

fn group(name: &str, number: u64) -> GroupStatus {
    GroupStatus {
        name: name.to_owned(),
        owner_emails: Vec::new(),
        status: None,
        message: None,
        last_cut: Some(LastCut {
            number,
            recovery_point: at("2026-11-22T09:41:07.500Z"),
            consistency: Consistency::WorkflowConsistent,
        }),
        lag_seconds: Some(5_147),
        pending_commits: Some(2),
        pending_bytes: None,
        loss: None,
        rpo_seconds: Some(43_200),
        rpo: Rpo::Met,
        protected: true,
        failed_over: None,
        not_ready: None,
        checked: None,
        content_read_at: None,
        findings: vec![],
        decision: None,
        reason: None,
        reason_code: None,
        tables: vec![
            table("main.core.core_gold", 1041, 1041),
            table("main.core.core_raw", 5188, 5188),
        ],
        unprotected: vec![],
    }
}

fn status(groups: Vec<GroupStatus>) -> StatusDocument {
    StatusDocument {
        kind: STATUS.kind.to_owned(),
        format_version: STATUS.version.to_owned(),
        at: at("2026-11-22T11:10:00Z"),
        workspaces: vec![WorkspaceStatus {
            name: "east".to_owned(),
            regions: RegionsStatus {
                primary: region(true),
                secondary: region(true),
                shared_answer: None,
            },
            unwatched: None,
            groups,
            retired: vec![],
        }],
        warnings: vec![],
    }
}

fn never() -> GroupStatus {
    GroupStatus {
        last_cut: None,
        lag_seconds: None,
        rpo: Rpo::None,
        protected: false,
        findings: vec![not_readable("main.crm.contacts")],
        decision: Some(drsync::plan::Decision::Blocked),
        tables: vec![],
        ..group("customer_360", 0)
    }
}

#[test]
fn every_group_at_its_cut() {
    let shown = text(
        &status(vec![group("core_product", 42), group("finance", 117)]),
        Parts::default(),
        &narrow(),
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn a_group_that_was_never_synchronized_says_what_stands_in_the_way() {
    insta::assert_snapshot!(text(
        &status(vec![group("core_product", 42), never()]),
        Parts::default(),
        &narrow()
    ));
}

#[test]
fn tables_are_shown_when_asked() {
    let parts = Parts { tables: true, ..Parts::default() };
    insta::assert_snapshot!(text(&status(vec![group("core_product", 42)]), parts, &narrow()));
}

#[test]
fn with_the_primary_away_what_counts_is_what_can_be_brought_to_a_cut() {
    let mut finance = group("finance", 117);
    finance.tables[1].holds_source_version = Some(6_000);
    let mut status = status(vec![group("core_product", 42), finance, never()]);
    status.workspaces[0].regions.primary = region(false);
    for group in &mut status.workspaces[0].groups {
        group.lag_seconds = None;
        group.rpo = Rpo::Unknown;
        group.findings = vec![finding(
            FindingCode::PrimaryNotAvailable,
            None,
            "primary region not available",
            None,
        )];
    }
    insta::assert_snapshot!(text(&status, Parts::default(), &narrow()));
}

#[test]
fn with_the_secondary_away_lags_are_still_known() {
    let mut status = status(vec![group("core_product", 42)]);
    status.workspaces[0].regions.secondary = region(false);
    status.workspaces[0].groups[0].protected = false;
    for table in &mut status.workspaces[0].groups[0].tables {
        table.replica_version = None;
        table.holds_source_version = None;
    }
    insta::assert_snapshot!(text(&status, Parts::default(), &narrow()));
}

#[test]
fn many_groups_in_order_are_a_count() {
    let mut groups: Vec<GroupStatus> =
        (0..60).map(|n| group(&format!("group_{n:02}"), 7)).collect();
    groups.push(never());
    let shown = text(&status(groups), Parts::default(), &narrow());
    insta::assert_snapshot!(shown);
}

#[test]
fn blocked_and_failed_groups_are_in_the_first_line() {
    let failed = GroupStatus {
        status: Some(drsync::ledger::RowStatus::Failed),
        message: Some("sync_failed: 503 from storage; the next apply tries again".into()),
        protected: false,
        ..group("finance", 117)
    };
    let paused = GroupStatus {
        decision: Some(drsync::plan::Decision::Waiting),
        reason: Some("paused: until the move is done".into()),
        reason_code: Some(ReasonCode::Paused),
        ..group("archive", 3)
    };
    insta::assert_snapshot!(text(
        &status(vec![group("core_product", 42), failed, paused, never()]),
        Parts::default(),
        &narrow()
    ), @r"
    2 of 4 groups protected, 1 blocked, 1 failed; worst lag 1h25m

      group         cut                         lag    RPO      at cut
      core_product  42 (2026-11-22 09:41:07Z)   1h25m  12h met  2 of 2
      finance       117 (2026-11-22 09:41:07Z)  1h25m  12h met  2 of 2
      archive       3 (2026-11-22 09:41:07Z)    1h25m  12h met  2 of 2
      customer_360  -                           -      12h      -

    failed   finance  sync_failed: 503 from storage; the next apply tries again
    waiting  archive  paused: until the move is done
    blocked  customer_360  main.crm.contacts table_not_readable
    ");
}

#[test]
fn a_commit_of_this_second_is_pending() {
    let young = GroupStatus { lag_seconds: Some(0), ..group("core_product", 42) };
    let shown = text(&status(vec![young.clone()]), Parts::default(), &narrow());
    assert!(
        shown.starts_with("1 group protected; 2 commits pending, lag under 1s, RPO met by all\n"),
        "{shown}"
    );
    let none = GroupStatus { pending_commits: Some(0), ..young };
    let shown = text(&status(vec![none.clone()]), Parts::default(), &narrow());
    assert!(shown.starts_with("1 group protected; nothing pending, RPO met by all\n"), "{shown}");
    let unseen = GroupStatus { pending_commits: None, ..never() };
    let shown = text(&status(vec![none, unseen]), Parts::default(), &narrow());
    assert!(shown.starts_with("1 of 2 groups protected, 1 blocked\n"), "{shown}");
}

#[test]
fn with_both_regions_away_nothing_is_known() {
    let mut status = status(vec![GroupStatus { decision: None, findings: vec![], ..never() }]);
    let regions = &mut status.workspaces[0].regions;
    regions.primary = region(false);
    regions.secondary = region(false);
    let shown = text(&status, Parts::default(), &narrow());
    assert!(
        shown.starts_with("Neither region available: nothing is known\n")
            && !shown.contains("not known"),
        "{shown}"
    );
    let workspace = Some("https://adb-1.test".to_owned());
    let regions = &mut status.workspaces[0].regions;
    regions.primary.workspace = workspace;
    regions.shared_answer = Some("no such host".into());
    assert_eq!(
        text(&status, Parts::default(), &narrow()),
        "Neither region available: nothing is known\n\n  https://adb-1.test  no such host\n"
    );
    let shown = text(&status, Parts::default(), &verbose());
    assert!(shown.contains("not known") && !shown.contains("never synchronized"), "{shown}");
}

#[test]
fn tables_that_are_left_out_are_counted_and_named_with_their_reasons() {
    let masked =
        GroupStatus { unprotected: vec!["main.shop.masked".to_owned()], ..group("orders", 42) };
    let mut status = status(vec![masked]);
    status.warnings = vec![warning(
        drsync::plan::WarningCode::UnprotectedTables,
        "orders",
        "not synchronized: main.shop.masked",
    )];
    let shown = text(&status, Parts::default(), &narrow());
    assert!(shown.ends_with("\nnot copied  1 table: drsync status --unprotected\n"), "{shown}");
    assert!(!shown.contains("warning"), "it is said once: {shown}");
    let reasons = [drsync::plan::document::Unprotected {
        workspace: None,
        group: "orders".to_owned(),
        table: "main.shop.masked".to_owned(),
        reason: "it has a mask".into(),
    }];
    let parts = Parts { unprotected: true, reasons: &reasons, ..Parts::default() };
    let shown = text(&status, parts, &narrow());
    assert!(shown.ends_with("\nnot copied  orders  main.shop.masked (it has a mask)\n"), "{shown}");
}

#[test]
fn as_a_comment_it_begins_with_what_is_in_trouble_and_never_leaves_it_out() {
    let status = status(vec![group("core_product", 42), never()]);
    insta::assert_snapshot!(comment(&status, 60_000));
    let mut many: Vec<GroupStatus> = (0..5_000).map(|at| group(&format!("g{at}"), 1)).collect();
    many.push(never());
    let short = comment(&self::status(many), 3_000);
    assert!(short.len() <= 3_000, "{}", short.len());
    assert!(
        short.contains("customer_360")
            && short.contains("more groups: all replicas at their cut, RPO met"),
        "{short}"
    );
}

#[test]
fn nothing_that_a_status_tells_is_more_than_text() {
    for evil in crate::markdowns::hostile() {
        let about: String = evil.chars().take(60).collect();
        let mut bad = never();
        bad.name = evil.clone();
        bad.message = Some(evil.clone().into());
        bad.findings = vec![
            finding(FindingCode::ReplicaChanged, Some(&evil), &evil, words(&evil)),
            finding(FindingCode::WorkflowNotFound, None, &evil, words(&evil)),
        ];
        bad.unprotected = vec![evil.clone()];
        let mut good = group(&format!("g{evil}"), 42);
        good.tables[0].table = drsync::config::TableName::new(evil.as_str(), "b", evil.as_str());
        let mut status = status(vec![bad, good]);
        status.warnings = vec![warning(drsync::plan::WarningCode::ClockSkew, &evil, &evil)];
        status.workspaces[0].name = evil.clone();
        let regions = &mut status.workspaces[0].regions;
        regions.secondary = region(false);
        regions.secondary.answer = Some(evil.clone().into());
        regions.secondary.location = evil.clone();
        for budget in [60_000, 3_000] {
            let comment = comment(&status, budget);
            crate::html::assert_safe(&write(&page(&status, Parts::default()), Form::Html));
            assert!(comment.len() <= budget, "{about}: {}", comment.len());
            crate::markdowns::assert_harmless(&comment, 5, &about);
        }
        for style in [narrow(), verbose()] {
            let parts = Parts { tables: true, unprotected: true, ..Parts::default() };
            let shown = text(&status, parts, &style);
            crate::hostile::assert_plain(&shown, &about);
        }
    }
}

#[test]
fn the_objective_is_met_by_all_only_where_all_are_protected_and_none_is_blocked() {
    let lost = GroupStatus { protected: false, ..group("orders", 42) };
    let shown = text(&status(vec![group("core_product", 42), lost]), Parts::default(), &narrow());
    let first = shown.lines().next();
    assert_eq!(first, Some("1 of 2 groups protected; worst lag 1h25m"));
    let held_up =
        GroupStatus { findings: vec![not_readable("main.core.core_gold")], ..group("orders", 42) };
    let shown = text(&status(vec![held_up]), Parts::default(), &narrow());
    let first = shown.lines().next();
    assert_eq!(first, Some("1 group protected, 1 blocked; worst lag 1h25m"));
}

#[test]
fn pending_commits_and_lag_are_of_the_same_groups() {
    let young = GroupStatus { lag_seconds: Some(0), ..group("core_product", 42) };
    let new = GroupStatus {
        pending_commits: Some(131),
        findings: vec![],
        decision: Some(drsync::plan::Decision::Waiting),
        ..never()
    };
    let shown = text(&status(vec![young, new]), Parts::default(), &narrow());
    assert_eq!(
        shown.lines().next(),
        Some("1 of 2 groups protected, 1 never synchronized; 2 commits pending, lag under 1s")
    );
}

/// How deeply replicas were looked at, with the moment at which their content had last been read.
fn looked_at(depth: LookDepth, read: Option<&str>) -> GroupStatus {
    GroupStatus {
        checked: Some(Checked { depth, at: at("2026-11-22T11:10:00Z") }),
        content_read_at: read.map(at),
        ..group("core_product", 42)
    }
}

/// The line that says so, its parts joined.
fn checked_line(groups: Vec<GroupStatus>) -> String {
    let shown = text(&status(groups), Parts::default(), &narrow());
    let mut lines = shown.lines().skip_while(|line| !line.starts_with("checked "));
    let head = lines.next().unwrap_or_default().to_owned();
    let rest = lines.take_while(|line| line.starts_with("   "));
    rest.fold(head, |line, more| format!("{line} {}", more.trim_start()))
}

#[test]
fn a_status_tells_how_deeply_replicas_were_looked_at_and_when_their_content_was_read() {
    let line = |depth, read| checked_line(vec![looked_at(depth, read)]);
    assert_eq!(
        line(LookDepth::ContentRead, Some("2026-11-22T11:10:00Z")),
        "checked     the files of every replica were read now"
    );
    let listed = "checked     every file of every replica is there with its size";
    assert_eq!(
        line(LookDepth::FilesListed, Some("2026-11-21T09:41:07Z")),
        format!(
            "{listed}; the oldest reading of their content is of 2026-11-21 09:41:07Z; \
             drsync status --full reads it now"
        )
    );
    assert_eq!(
        line(LookDepth::FilesListed, None),
        format!(
            "{listed}; the content of 1 group was not read since its clones; \
             drsync status --full reads it now"
        )
    );
    assert_eq!(
        line(LookDepth::History, None),
        "checked     every replica, by the engine's history"
    );
    // Of several groups that of which least was seen is told, and that some were not seen at all.
    let full = || looked_at(LookDepth::ContentRead, Some("2026-11-22T11:10:00Z"));
    let unseen = || GroupStatus { checked: None, ..group("finance", 117) };
    let listed = looked_at(LookDepth::FilesListed, Some("2026-11-20T00:00:00Z"));
    let both = checked_line(vec![full(), listed]);
    assert!(both.contains("is there with its size; the oldest reading"), "{both}");
    assert!(both.contains("2026-11-20 00:00:00Z"), "{both}");
    let some = checked_line(vec![full(), unseen()]);
    assert_eq!(some, "checked     the files of every replica that was seen were read now");
    assert_eq!(checked_line(vec![unseen()]), "");
}

#[test]
fn programs_get_the_depth_and_the_moment_of_a_look() {
    let group = looked_at(LookDepth::FilesListed, Some("2026-11-21T09:41:07Z"));
    let told = serde_json::to_value(status(vec![group])).unwrap();
    let group = &told["workspaces"][0]["groups"][0];
    let look = serde_json::json!({"depth": "files_listed", "at": "2026-11-22T11:10:00.000Z"});
    assert_eq!(group["checked"], look);
    assert_eq!(group["content_read_at"], "2026-11-21T09:41:07.000Z");
}

#[test]
fn what_is_the_same_of_several_groups_is_said_once() {
    let failed = |name: &str| GroupStatus {
        status: Some(drsync::ledger::RowStatus::Failed),
        message: Some("secondary region not available".into()),
        ..group(name, 7)
    };
    let groups = ["crm", "finance", "hr", "orders", "web"].map(failed).to_vec();
    let shown = text(&status(groups), Parts::default(), &narrow());
    let told = "failed   5 groups  crm, finance, hr, 2 more: secondary region not available\n";
    assert!(shown.ends_with(told), "{shown}");
    assert_eq!(shown.matches("not available").count(), 1, "{shown}");
}

#[test]
fn a_replica_that_is_not_at_its_cut_says_why_in_every_format() {
    let mut finance = group("finance", 117);
    finance.tables[0].off_cut = Some(OffCut::Ahead { source_version: 1042 });
    finance.tables[1].off_cut =
        Some(OffCut::Elsewhere { location: "abfss://dr@old/main/core/core_raw".to_owned() });
    let status = status(vec![finance]);
    insta::assert_snapshot!(text(&status, Parts::default(), &narrow()));
    let markdown = comment(&status, 60_000);
    assert!(markdown.contains("**Not at their cut**"), "{markdown}");
    assert!(markdown.contains("- **ahead** `finance`"), "{markdown}");
    let html = write(&page(&status, Parts::default()), Form::Html);
    assert!(html.contains("Not at their cut"), "{html}");
}

/// A group that the west is active of.
fn over(name: &str, number: u64, lost: Option<LossReceipt>, written: Option<u64>) -> GroupStatus {
    GroupStatus {
        lag_seconds: None,
        rpo: Rpo::Unknown,
        protected: false,
        decision: Some(drsync::plan::Decision::Blocked),
        failed_over: Some(FailedOver {
            active: "west".to_owned(),
            since: at("2026-11-22T10:20:12Z"),
            by: "anna@example.com".to_owned(),
            cut: number,
            epoch: 1,
            given_up: (name == "finance").then_some(GivenUp { first: 115, last: 116 }),
            lost,
            written,
        }),
        ..group(name, number)
    }
}

fn lost(commits: u64) -> LossReceipt {
    LossReceipt {
        at: at("2026-11-22T10:10:02Z"),
        commits,
        since: (commits > 0).then(|| at("2026-11-22T09:44:10Z")),
        runs: if commits > 0 { vec![98_260] } else { vec![] },
        tables: vec![],
        unknown: vec![],
    }
}

#[test]
fn groups_that_were_failed_over_say_who_is_active_and_what_was_lost() {
    let mut away = status(vec![
        over("core_product", 43, Some(lost(3)), Some(9)),
        over("finance", 117, Some(lost(0)), Some(0)),
        over("web_events", 9, None, None),
        group("hr", 12),
    ]);
    away.workspaces[0].regions.primary = region(false);
    insta::assert_snapshot!(text(&away, Parts::default(), &narrow()));
    let mut back = away.clone();
    back.workspaces[0].regions.primary = region(true);
    back.workspaces[0].groups[0].loss = Some(lost(5));
    back.workspaces[0].groups[1].loss = Some(lost(0));
    insta::assert_snapshot!(text(&back, Parts::default(), &narrow()));
}

#[test]
fn groups_of_one_name_and_retired_ones_are_told_by_their_workspaces_in_every_form() {
    let masked = |table: &str| {
        let unprotected = vec![table.to_owned()];
        GroupStatus { unprotected, ..group("orders", 42) }
    };
    let mut status = status(vec![masked("main.shop.masked")]);
    let retired = RetiredStatus {
        name: "old".to_owned(),
        last_cut: group("old", 7).last_cut,
        recorded: true,
    };
    status.workspaces[0].retired = vec![retired.clone()];
    let mut north = status.workspaces[0].clone();
    north.name = "north".to_owned();
    north.groups = vec![masked("main.shop.masked")];
    let east = status.workspaces[0].name.clone();
    status.workspaces.push(north);
    let reason = |workspace: &str, why: &str| drsync::plan::document::Unprotected {
        workspace: Some(workspace.to_owned()),
        group: "orders".to_owned(),
        table: "main.shop.masked".to_owned(),
        reason: why.into(),
    };
    let reasons = [reason(&east, "it has a mask"), reason("north", "it has a filter")];
    let parts = Parts { unprotected: true, tables: true, reasons: &reasons };
    let forms = [
        ("text", text(&status, parts, &narrow())),
        ("Markdown", write(&page(&status, parts), Form::Markdown(60_000))),
        ("HTML", write(&page(&status, parts), Form::Html)),
    ];
    for (form, shown) in forms {
        let plain = shown.replace(['`', '\\'], "").split_whitespace().collect::<Vec<_>>().join(" ");
        for told in ["orders", "old"].map(|group| format!("{east}/{group}")) {
            assert!(plain.contains(&told), "{told} in {form}: {shown}");
        }
        for told in ["north/orders", "north/old", "main.core.core_gold", "cut 7 of 2026-11-22"] {
            assert!(plain.contains(told), "{told} in {form}: {shown}");
        }
        let [masked, filtered] = ["it has a mask", "it has a filter"]
            .map(|why| plain.find(why).unwrap_or_else(|| panic!("{why} in {form}: {shown}")));
        assert!(masked < filtered, "{form}: {shown}");
    }
}
