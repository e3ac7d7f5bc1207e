//! What is said after an apply.

use drsync::apply::{
    Ending, GroupOutcome, GroupRecord, MetadataRecord, NotRecorded, Recorded, RecordedIn,
    RunWarningCode, TableOutcome, TableRecord, TakenDown, VerifiedRecord,
};
use drsync::config::TableName;
use drsync::plan::{FindingCode, LedgerAction, Plan, Role};
use drsync::region::VerifiedLevel;

use crate::builders::*;

fn planned() -> Plan {
    plan(vec![
        sync("core_product", vec![update("main.core.core_gold", 1, 2, GIB, 7)]),
        blocked("example_group_1", vec![not_readable("main.default.example_table_1")]),
        group("finance"),
    ])
}

fn table(name: &str, outcome: TableOutcome, rows: Option<u64>) -> TableRecord {
    TableRecord {
        table: TableName::new("main", "core", name),
        outcome,
        attempts: Some(4),
        source_version: 1041,
        replica_version: Some(56),
        source_files: Some(4_120),
        source_bytes: Some(851 * GIB),
        copied_files: Some(96),
        copied_bytes: Some(19 * GIB),
        verified: rows.map(|rows| VerifiedRecord {
            level: VerifiedLevel::Files,
            source_rows: Some(rows),
            replica_rows: Some(rows),
        }),
        replica_files_sha256: None,
        replica_content_sha256: None,
        rows: None,
        statement_id: None,
        message: (outcome == TableOutcome::Failed)
            .then(|| format!("clone main.core.{name}: 503 from storage").into()),
        why: (outcome == TableOutcome::Failed).then(|| "503 from storage".into()),
    }
}

fn synchronized(tables: Vec<TableRecord>) -> GroupRecord {
    GroupRecord {
        cut: Some(42),
        recovery_point: Some(at("2026-11-22T09:41:07.500Z")),
        tables,
        ..ended("core_product", GroupOutcome::Synchronized, None)
    }
}

fn both_counted() -> GroupRecord {
    synchronized(vec![
        table("core_gold", TableOutcome::Cloned, Some(18_204_000)),
        table("core_raw", TableOutcome::Unchanged, Some(118)),
    ])
}

fn denied() -> GroupRecord {
    ended(
        "example_group_1",
        GroupOutcome::Blocked,
        Some("table_not_readable: main.default.example_table_1"),
    )
}

#[test]
fn everything_went_well() {
    let record =
        run(vec![both_counted(), ended("finance", GroupOutcome::UpToDate, None)], 0, "success");
    insta::assert_snapshot!(run_text(
        &planned(),
        &record,
        Some(".drsync/runs/01JDA2C7.json"),
        &narrow()
    ));
}

#[test]
fn one_group_synchronized_and_one_blocked_is_partial() {
    let groups = vec![both_counted(), denied(), ended("finance", GroupOutcome::UpToDate, None)];
    let record = run(groups, 4, "partial");
    insta::assert_snapshot!(run_text(
        &planned(),
        &record,
        Some(".drsync/runs/01JDA2C7.json"),
        &narrow()
    ));
}

#[test]
fn rows_are_only_mentioned_where_both_sides_are_known() {
    let told = |tables: Vec<TableRecord>| {
        run_text(
            &planned(),
            &run(vec![synchronized(tables)], 0, "success"),
            None,
            &drsync::render::Style { width: 200, ..narrow() },
        )
    };
    let raw = table("core_raw", TableOutcome::Unchanged, None);
    let counted = table("core_gold", TableOutcome::Cloned, Some(7));
    let uncounted = table("core_gold", TableOutcome::Cloned, None);
    assert!(told(vec![counted, raw.clone()]).contains("2 tables, row counts equal"));
    assert!(!told(vec![uncounted, raw]).contains("row"));
}

#[test]
fn a_failed_group_says_which_table_and_how_often_it_was_tried() {
    let failed = GroupRecord {
        cut: Some(41),
        recovery_point: Some(at("2026-11-21T21:40:07Z")),
        tables: vec![table("core_gold", TableOutcome::Failed, None)],
        ..ended("core_product", GroupOutcome::Failed, Some("1 of 2 tables could not be cloned"))
    };
    let record = run(vec![failed, denied()], 1, "failed");
    insta::assert_snapshot!(run_text(&planned(), &record, None, &narrow()));
}

#[test]
fn groups_that_failed_by_one_cause_are_told_once() {
    let away = "primary region not available: no connection";
    let failed = |name: &str| GroupRecord {
        ending: Some(Ending::Away { side: Role::Primary }),
        ..ended(name, GroupOutcome::Failed, Some(away))
    };
    let mut all: Vec<GroupRecord> = (0..20).map(|n| failed(&format!("g{n:02}"))).collect();
    all.insert(3, ended("other", GroupOutcome::Failed, Some("lost a race")));
    let record = run(all, 8, "primary region not available");
    let shown = run_text(&planned(), &record, None, &narrow());
    let groups: Vec<&str> = shown
        .lines()
        .skip_while(|line| !line.starts_with("failed"))
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(
        groups,
        [
            "failed        20 groups      g00, g01, g02, g03, g04, 15 more: primary region",
            "                             not available: no connection",
            "failed        other          lost a race",
        ],
        "{shown}"
    );
}

/// What the regions of a workspace took down that lack some of it.
fn recorded(lacks: &[(Role, Recorded)]) -> Vec<RecordedIn> {
    let taken = |region: Role| {
        let of = |what: Recorded| Some(!lacks.contains(&(region, what)));
        TakenDown {
            rows: of(Recorded::Rows),
            cuts: of(Recorded::Cuts),
            plan: of(Recorded::Plan),
            record: of(Recorded::Record),
        }
    };
    let (primary, secondary) = (taken(Role::Primary), taken(Role::Secondary));
    vec![RecordedIn { workspace: "east".to_owned(), primary, secondary }]
}

#[test]
fn a_run_record_that_no_region_has_is_told_beside_what_is_recorded() {
    let mut record = run(vec![both_counted()], 0, "ok");
    let lacks = [(Role::Primary, Recorded::Record), (Role::Secondary, Recorded::Record)];
    record.recorded = Some(recorded(&lacks));
    let shown = run_text(&planned(), &record, Some("runs/01JD.json"), &narrow());
    let last = "Recorded in both regions as JDA2C7, but its plan and run record in none; here:\n\
                runs/01JD.json\n";
    assert!(shown.ends_with(last), "{shown}");
}

#[test]
fn no_sentence_says_where_a_run_is_recorded() {
    let mut record = run(vec![both_counted()], 0, "ok");
    let last = |record: &drsync::apply::RunRecord| {
        let shown = run_text(&planned(), record, None, &narrow());
        shown.lines().last().unwrap().to_owned()
    };
    let both = "Recorded in both regions as JDA2C7";
    record.warnings = vec![RunWarningCode::MetadataBehind.warn("no region has anything of it")];
    record.not_recorded = Some(vec![NotRecorded {
        workspace: "east".to_owned(),
        region: Role::Primary,
        what: Recorded::Rows,
        why: "reworded".into(),
    }]);
    assert_eq!(last(&record), both, "only what the regions answered counts");
    // Nobody answered, and nobody refused either: that is no record.
    record.recorded = Some(vec![RecordedIn {
        workspace: "east".to_owned(),
        primary: TakenDown { rows: Some(true), ..TakenDown::default() },
        secondary: TakenDown::default(),
    }]);
    record.warnings.clear();
    record.not_recorded = Some(vec![]);
    assert_eq!(last(&record), "Recorded in the primary only as JDA2C7");
    // One workspace that lacks something is enough, whatever the others have.
    let mut all = recorded(&[]);
    all.extend(recorded(&[(Role::Secondary, Recorded::Cuts)]));
    record.recorded = Some(all);
    let lines = last(&record);
    assert!(lines.starts_with("Recorded in the primary only as JDA2C7"), "{lines}");
    // A record that is read back cannot tell whether it was kept.
    let mut kept = recorded(&[]);
    kept[0].primary.record = None;
    kept[0].secondary.record = None;
    kept[0].primary.plan = Some(false);
    record.recorded = Some(kept);
    assert_eq!(last(&record), both);
}

#[test]
fn the_digest_of_the_record_stands_alone_where_it_is_recorded() {
    let mut record = run(vec![both_counted()], 0, "ok");
    record.record_sha256 = Some("5".repeat(64));
    let shown = run_text(&planned(), &record, Some("runs/01JD.json"), &narrow());
    let last = format!(
        "Recorded in both regions as JDA2C7; here: runs/01JD.json\nsha256 {}\n",
        "5".repeat(64)
    );
    assert!(shown.ends_with(&last), "{shown}");
}

#[test]
fn a_stale_plan_says_what_moved() {
    let stale =
        ended("core_product", GroupOutcome::Stale, Some("main.core.core_gold was recreated"));
    insta::assert_snapshot!(run_text(&planned(), &run(vec![stale], 5, "stale"), None, &narrow()));
}

#[test]
fn an_interrupted_apply_says_what_is_left() {
    let left = ended("finance", GroupOutcome::NotStarted, None);
    let record = run(vec![both_counted(), left], 130, "interrupted");
    insta::assert_snapshot!(run_text(&planned(), &record, None, &narrow()));
}

#[test]
fn a_plan_that_was_applied_before_names_its_cuts() {
    let done = GroupRecord { outcome: GroupOutcome::Overtaken, ..both_counted() };
    assert_eq!(
        run_text(&planned(), &run(vec![done], 0, "success"), None, &narrow()),
        "Nothing to do: done before, core_product is at cut 42 (2026-11-22 09:41:07Z)\n"
    );
}

#[test]
fn nothing_to_do_stays_one_line() {
    let groups = vec![
        ended("finance", GroupOutcome::UpToDate, None),
        ended("b", GroupOutcome::Waiting, None),
    ];
    assert_eq!(
        run_text(&planned(), &run(groups, 0, "success"), None, &narrow()),
        "Nothing to do: 1 group waiting, 1 up to date\n"
    );
}

/// What was written to the metadata tables of a region.
fn written(region: Role, action: LedgerAction, changed: usize, retired: usize) -> MetadataRecord {
    MetadataRecord {
        workspace: "east".to_owned(),
        region,
        action,
        rows_added: 0,
        rows_changed: changed,
        rows_retired: retired,
        cuts_copied: 0,
    }
}

#[test]
fn an_apply_that_changed_only_metadata_tables_says_what_it_did() {
    let groups = vec![ended("finance", GroupOutcome::UpToDate, None)];
    let mut record = run(groups, 0, "success");
    let mut said = |metadata: Vec<MetadataRecord>| {
        record.metadata = metadata;
        let shown = run_text(&planned(), &record, None, &narrow());
        shown.lines().next().unwrap_or_default().to_owned()
    };
    let both = |action, changed, retired| {
        let regions = [Role::Primary, Role::Secondary];
        regions.map(|region| written(region, action, changed, retired))
    };
    let lines = [
        said(both(LedgerAction::Merge, 2, 1).to_vec()),
        said(both(LedgerAction::Create, 0, 0).to_vec()),
        said(vec![written(Role::Secondary, LedgerAction::Clone, 0, 0)]),
        said(vec![
            written(Role::Primary, LedgerAction::Merge, 1, 0),
            written(Role::Secondary, LedgerAction::Merge, 2, 0),
        ]),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_secondary_that_is_away_leads() {
    let away_finding =
        finding(FindingCode::SecondaryNotAvailable, None, "secondary region not available", None);
    let mut core = blocked("core_product", vec![away_finding]);
    core.lag_seconds = Some(4_860);
    let mut plan = plan(vec![core, group("finance")]);
    away(&mut plan, Role::Secondary, "no such folder: west/sync");
    let held = ended("core_product", GroupOutcome::Blocked, Some("secondary region not available"));
    let record = run(
        vec![held, ended("finance", GroupOutcome::UpToDate, None)],
        8,
        "secondary_not_available",
    );
    insta::assert_snapshot!(run_text(&plan, &record, None, &narrow()));
}

#[test]
fn a_secondary_that_went_away_after_the_plan_leads_too() {
    let failed = ended(
        "core_product",
        GroupOutcome::Failed,
        Some("secondary region not available: no such folder"),
    );
    let record = run(vec![failed], 8, "secondary region not available");
    let shown = run_text(&planned(), &record, None, &narrow());
    assert!(
        shown
            .starts_with("Secondary region not available: 1 group not synchronized, cuts are kept"),
        "{shown}"
    );
}

#[test]
fn where_a_run_is_recorded_is_what_succeeded() {
    let told = |lacks: Option<&[(Role, Recorded)]>| {
        let mut record = run(vec![both_counted()], 4, "partial");
        record.recorded = lacks.map(recorded);
        let shown = run_text(&planned(), &record, None, &narrow());
        shown.lines().last().unwrap().to_owned()
    };
    use Recorded::{Cuts, Plan, Record, Rows};
    use Role::{Primary, Secondary};
    let lines = [
        told(None),
        told(Some(&[])),
        told(Some(&[(Primary, Rows)])),
        told(Some(&[(Primary, Cuts), (Primary, Record)])),
        told(Some(&[(Secondary, Rows), (Secondary, Plan), (Secondary, Record)])),
        told(Some(&[(Secondary, Rows), (Primary, Rows)])),
        told(Some(&[(Secondary, Record)])),
        told(Some(&[(Primary, Plan)])),
        told(Some(&[(Primary, Rows), (Primary, Record), (Secondary, Rows), (Secondary, Record)])),
        told(Some(&[(Primary, Rows), (Secondary, Rows), (Secondary, Record)])),
    ];
    assert_eq!(
        lines,
        [
            "Recorded as JDA2C7",
            "Recorded in both regions as JDA2C7",
            "Recorded in the secondary only as JDA2C7, its plan and run record in both",
            "Recorded in the secondary only as JDA2C7",
            "Recorded in the primary only as JDA2C7",
            "Run JDA2C7 is recorded in neither region, its plan and run record in both",
            "only",
            "only",
            "Run JDA2C7 is recorded in neither region",
            "only",
        ]
    );
}

#[test]
fn a_plan_that_was_applied_before_is_that_although_a_group_is_blocked() {
    let done = GroupRecord { outcome: GroupOutcome::Overtaken, ..both_counted() };
    let shown = run_text(&planned(), &run(vec![done, denied()], 4, "partial"), None, &narrow());
    assert!(shown.starts_with("Nothing to do: done before; 1 group blocked"), "{shown}");
    assert!(shown.contains("blocked       example_group_1"), "{shown}");
}

#[test]
fn a_group_that_was_being_cloned_was_stopped() {
    let stopped = GroupRecord {
        tables: vec![table("core_gold", TableOutcome::NotStarted, None)],
        ending: Some(Ending::Interrupted),
        ..ended("core_product", GroupOutcome::NotStarted, Some("stopped; the next apply continues"))
    };
    let left = ended("finance", GroupOutcome::NotStarted, None);
    let record = run(vec![stopped, left], 130, "interrupted");
    let shown = run_text(&planned(), &record, None, &narrow());
    assert!(shown.starts_with("Interrupted: 1 group stopped, 1 not started"), "{shown}");
    assert!(shown.contains("\nstopped       core_product   the next apply continues\n"), "{shown}");
}
