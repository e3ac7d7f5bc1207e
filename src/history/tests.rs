//! Periods told by hand.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::canonical::sha256_of_bytes;

/// Ten o'clock, and so many minutes.
fn at(minutes: i64) -> DateTime<Utc> {
    let ten: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
    ten + TimeDelta::minutes(minutes)
}

fn cut(number: u64, fresh: i64, known: i64) -> Cut {
    serde_json::from_value(json!({
        "group_name": "core", "cut_number": number, "recovery_point": moment::text(at(fresh)),
        "consistency": "workflow-consistent", "trigger": "workflow", "workflow_run_id": 1, "planned_at": moment::text(at(fresh)),
        "tables": [], "accepted": [], "plan_id": "P", "plan_sha256": "p", "run_id": format!("R{number}"), "epoch": 0,
        "committed_by": "user:a", "committed_at": moment::text(at(known)), "previous_sha256": null,
    }))
    .unwrap()
}

/// Records that follow each other.
#[derive(Default)]
struct Records(Vec<KeptDocument>);

impl Records {
    fn add(mut self, run: &str, began: i64, ended: i64, outcome: &str, more: Value) -> Records {
        let mut record = json!({
            "kind": "drsync.run", "format_version": "1.0", "run_id": run, "plan_id": "P", "plan_sha256": "p",
            "effect_sha256": "e", "started_at": moment::text(at(began)), "ended_at": moment::text(at(ended)),
            "actor": "user:a", "exit": {"code": 0, "name": "ok"},
            "groups": [{"workspace": "east", "name": "core", "outcome": outcome, "message": outcome, "tables": []}],
            "summary": {"synchronized": 0, "failed": 0, "blocked": 0, "not_started": 0, "copied_files": 0, "copied_bytes": 0},
        });
        if let Some(last) = self.0.last() {
            record["previous_run_sha256"] = sha256_of_bytes(&last.bytes).into();
        }
        for (key, value) in more.as_object().unwrap() {
            record[key] = value.clone();
        }
        self.0.push(KeptDocument {
            name: format!("{run}.run.json"),
            bytes: record.to_string().into_bytes(),
        });
        self
    }
}

fn report(cuts: &[Cut], records: &Records) -> Period {
    reported(cuts, records, false)
}

/// The same of a period that is over or is not.
fn reported(cuts: &[Cut], records: &Records, open: bool) -> Period {
    let span = Span { since: Some(at(0)), until: at(120), open };
    let asked = ReportedGroup { group: "core".to_owned(), objective: Some(TimeDelta::minutes(30)) };
    let evidence = Evidence { documents: records.0.clone(), ..Evidence::default() };
    period("east", span, &[asked], cuts, &evidence)
}

#[test]
fn freshness_is_what_cuts_and_looks_prove_and_nothing_more() {
    // Fresh as of -10 until minute 20; then as of 15, known at 25; a look at 50 shows that nothing was newer.
    let cuts = [cut(1, -10, -5), cut(2, 15, 25)];
    let records = Records::default()
        .add("R1", -6, -5, "synchronized", json!({}))
        .add("R2", 20, 26, "synchronized", json!({}))
        .add("R3", 50, 51, "up_to_date", json!({"quiet": true}));
    let report = report(&cuts, &records);
    let group = &report.groups[0];
    // 0-20 and 25-45 of 120 minutes; what came after the last look nobody has seen.
    assert_eq!(group.within_objective, Some((20 + 20) as f64 / 120.0));
    assert_eq!(group.oldest_seconds, Some(70 * 60));
    assert_eq!((group.cuts, report.quiet_rounds, report.applies.len()), (1, 1, 1));
    assert_eq!(report.longest_silence_seconds, 69 * 60);
    assert_eq!((report.chain.records, &report.chain.problems), (2, &vec![]));
}

#[test]
fn only_what_a_run_looked_at_is_counted() {
    let cuts = [cut(1, -10, -5)];
    let told = |outcome: &str, version: &str, plan_id: &str, checked: Option<i64>| {
        let mut group =
            json!({"workspace": "east", "name": "core", "outcome": outcome, "tables": []});
        if let Some(minute) = checked {
            group["checked"] = json!({"depth": "files_listed", "at": moment::text(at(minute))});
        }
        let more = json!({"format_version": version, "plan_id": plan_id, "groups": [group]});
        let records = Records::default().add("R1", 50, 51, outcome, more);
        let within = report(&cuts, &records).groups[0].within_objective.unwrap();
        (within * 120.0).round()
    };
    // Fresh as of -10 until 20, if a look at 50 found it so; as fresh as the look itself for half an hour after that is seen by
    // no later look.
    assert_eq!(told("up_to_date", "1.1", "P", Some(50)), 20.0);
    assert_eq!(told("waiting", "1.1", "P", Some(50)), 20.0);
    // One that did not look, or found otherwise, proves nothing.
    assert_eq!(told("up_to_date", "1.1", "P", None), 0.0);
    assert_eq!(told("waiting", "1.1", "P", None), 0.0);
    assert_eq!(told("blocked", "1.1", "P", Some(50)), 0.0);
    // Records of before did not tell; one that was up to date had looked.
    assert_eq!(told("up_to_date", "1.0", "P", None), 20.0);
    assert_eq!(told("waiting", "1.0", "P", None), 0.0);
}

#[test]
fn a_stored_plan_that_was_applied_late_proves_nothing_of_the_time_since() {
    let made = ulid::Ulid::from_parts(u64::try_from(at(-60).timestamp_millis()).unwrap(), 1);
    let seen = |plan_id: String| {
        let records = Records::default()
            .add("R1", 50, 51, "up_to_date", json!({"plan_id": plan_id}))
            .add("R2", 60, 61, "up_to_date", json!({"plan_id": made.to_string()}));
        report(&[cut(1, -90, -85)], &records).groups[0].oldest_seconds
    };
    assert_eq!(seen("P".to_owned()), Some(141 * 60));
    // As old as the plan: nobody looked since.
    assert_eq!(seen(made.to_string()), Some(180 * 60));
}

#[test]
fn time_counts_from_the_first_cut_on() {
    let records = || Records::default().add("R1", 55, 61, "synchronized", json!({}));
    let told = |cuts: &[Cut]| {
        let group = report(cuts, &records()).groups.remove(0);
        (group.counted_from, group.within_objective)
    };
    // Fresh as of 55, known at 60: within the half hour until 85, of the hour from 60 on.
    // The cut after the period is the look that tells of its end.
    let cuts = [cut(1, 55, 60), cut(2, 110, 125)];
    assert_eq!(told(&cuts), (Some(at(60)), Some(25.0 / 60.0)));
    assert_eq!(told(&cuts[..1]), (Some(at(60)), Some(0.0)));
    assert_eq!(told(&[cut(1, -50, -40)]).0, Some(at(0)));
    assert_eq!(told(&[]), (None, None));
    assert_eq!(told(&[cut(1, 125, 130)]), (None, None));
}

#[test]
fn time_before_a_repair_is_proved_by_nothing() {
    let records = Records::default();
    let repair = Cut { trigger: "repair".to_owned(), ..cut(2, 15, 25) };
    let cuts = [cut(1, -10, -5), repair, cut(3, 40, 50)];
    let group = report(&cuts, &records).groups.remove(0);
    // 25-45 of 120 minutes: when the replicas went wrong before 25 nobody knows.
    assert_eq!(group.within_objective, Some(20.0 / 120.0));
}

#[test]
fn a_block_lasts_until_an_apply_finds_otherwise() {
    let records = Records::default()
        .add("R1", 10, 11, "blocked", json!({}))
        .add("R2", 40, 41, "blocked", json!({"quiet": true}))
        .add("R3", 70, 71, "waiting", json!({"quiet": true}))
        .add("R4", 100, 101, "blocked", json!({"quiet": true}));
    let blocked = report(&[], &records).groups[0].blocked.clone();
    let times: Vec<_> = blocked.iter().map(|one| (one.from, one.until)).collect();
    assert_eq!(times, [(at(10), Some(at(70))), (at(100), None)]);
}

#[test]
fn an_apply_that_changed_something_unseen_is_named() {
    let records = Records::default()
        .add("R1", 10, 11, "synchronized", json!({"approval": {"kind": "none"}}))
        .add("R2", 20, 21, "synchronized", json!({"approval": {"kind": "expected_effect"}}))
        .add("R3", 30, 31, "failed", json!({"approval": {"kind": "none"}}));
    assert_eq!(report(&[], &records).without_approval, ["R1"]);
}

#[test]
fn an_apply_that_changed_only_metadata_tables_is_among_those_without_approval() {
    let changed = |workspace: &str| {
        json!({
            "approval": {"kind": "none"},
            "metadata": [{"workspace": workspace, "region": "primary", "action": "merge", "rows_added": 0,
                          "rows_changed": 0, "rows_retired": 1, "cuts_copied": 0}],
        })
    };
    let records = Records::default()
        .add("R1", 10, 11, "up_to_date", changed("east"))
        .add("R2", 20, 21, "up_to_date", changed("west"))
        .add("R3", 30, 31, "up_to_date", json!({}));
    let report = report(&[], &records);
    assert_eq!(report.without_approval, ["R1"]);
    let changed: Vec<bool> = report.applies.iter().map(|apply| apply.metadata_changed).collect();
    assert_eq!(changed, [true, false, false]);
}

#[test]
fn a_record_that_vanished_or_was_altered_breaks_the_chain() {
    let whole = || {
        Records::default()
            .add("R1", 10, 11, "synchronized", json!({}))
            .add("R2", 20, 21, "synchronized", json!({}))
            .add("R3", 30, 31, "synchronized", json!({}))
    };
    assert!(report(&[], &whole()).chain.unbroken);
    let mut lacking = whole();
    lacking.0.remove(1);
    let mut altered = whole();
    let text = String::from_utf8(altered.0[1].bytes.clone()).unwrap();
    altered.0[1].bytes = text.replace("user:a", "user:b").into_bytes();
    for records in [lacking, altered] {
        let chain = report(&[], &records).chain;
        assert_eq!(chain.problems.len(), 1, "{chain:?}");
        assert!(
            chain.problems[0].to_string().starts_with("R3.run.json follows a record with SHA-256")
        );
    }
    // The record of the apply that made cut 2 was followed, and is gone: what follows leads to nothing.
    let mut lacking = whole();
    lacking.0.remove(1);
    let chain = report(&[cut(2, 15, 20)], &lacking).chain;
    assert_eq!(chain.unrecorded, []);
    assert_eq!(
        chain.problems[1..],
        ["cut 2 of core was made by apply R2, of which there is no record"]
    );
}

#[test]
fn an_apply_that_was_killed_after_its_cut_breaks_no_chain() {
    let killed = [cut(8, 14, 15), cut(9, 15, 16)].map(|cut| Cut { run_id: "K".to_owned(), ..cut });
    let before = || Records::default().add("R1", 10, 11, "synchronized", json!({}));
    let told = |records: &Records| {
        let chain = report(&killed, records).chain;
        assert!(chain.unbroken, "{chain:?}");
        chain.unrecorded
    };
    let cuts = [8, 9].map(|cut| CutName { group: "core".to_owned(), cut });
    let unrecorded = |passed_by: Option<&str>| Unrecorded {
        run_id: "K".to_owned(),
        cuts: cuts.to_vec(),
        passed_by: passed_by.map(str::to_owned),
    };
    // Nobody came by since; one did; nobody had come by before.
    assert_eq!(told(&before()), [unrecorded(None)]);
    let after = before().add("R2", 20, 21, "up_to_date", json!({}));
    assert_eq!(told(&after), [unrecorded(Some("R2"))]);
    let first = Records::default().add("R2", 20, 21, "up_to_date", json!({}));
    assert_eq!(told(&first), [unrecorded(Some("R2"))]);
    // An apply that was at work at the same time tells nothing.
    let beside = before().add("R2", 12, 30, "up_to_date", json!({}));
    assert_eq!(told(&beside), [unrecorded(None)]);
    assert_eq!(
        unrecorded(Some("R2")).sentence(),
        "apply K (cut 8 of core, cut 9 of core) left no run record, as one that is killed before it can write it; \
         the records around it follow each other"
    );
}

#[test]
fn a_cut_whose_apply_has_no_record_is_told_whatever_its_clock_says() {
    let records = || Records::default().add("R1", 10, 11, "synchronized", json!({}));
    let after = || records().add("R3", 30, 31, "synchronized", json!({}));
    let told = |cuts: &[Cut], records: &Records, open: bool| -> Vec<String> {
        let chain = reported(cuts, records, open).chain;
        assert!(chain.unbroken, "{chain:?}");
        chain.unrecorded.into_iter().map(|one| one.run_id).collect()
    };
    const DAYS: i64 = 60 * 24 * 60;
    // Two months ahead, and two behind, between cuts of now.
    for wrong in [DAYS, -DAYS] {
        let cuts = [cut(1, 9, 10), cut(2, 19, wrong), cut(3, 29, 30)];
        assert_eq!(told(&cuts, &after(), false), ["R2"], "{wrong}");
    }
    // The newest, as long as the period is not over; afterwards it is one of a moment to come.
    let newest = [cut(1, 9, 10), cut(2, 19, DAYS)];
    assert_eq!(told(&newest, &records(), true), ["R2"]);
    assert_eq!(told(&newest, &records(), false), [""; 0]);
    // One of a later period that nobody's clock doubts is that period's.
    let later = [cut(1, 9, 10), cut(2, 139, 140), cut(3, 149, 150)];
    assert_eq!(told(&later, &records(), false), [""; 0]);
}

#[test]
fn what_follows_what_is_judged_over_all_records_and_by_no_clock() {
    // The first by a clock that is half an hour ahead, so that the second begins and ends before it; and one from before the
    // period.
    let records = Records::default()
        .add("R9", 30, 31, "synchronized", json!({}))
        .add("R1", -30, -29, "synchronized", json!({}))
        .add("R2", 2, 3, "synchronized", json!({}))
        .add("R3", 40, 41, "synchronized", json!({}));
    let chain = report(&[], &records).chain;
    assert_eq!(chain.problems, [""; 0]);
    assert_eq!(chain.skews, []);
    let records = Records::default().add("R9", 30, 31, "synchronized", json!({})).add(
        "R1",
        1,
        2,
        "synchronized",
        json!({}),
    );
    let chain = report(&[], &records).chain;
    assert_eq!(chain.problems, [""; 0]);
    let skew = Skew { run_id: "R1".to_owned(), follows: "R9".to_owned(), seconds: 29 * 60 };
    assert!(skew.sentence().to_string().contains("a clock was wrong"));
    assert_eq!(chain.skews, [skew]);
}

#[test]
fn a_record_that_follows_none_although_there_are_others_is_told_unless_they_may_have_run_at_once() {
    let with_second_root = |began: i64| {
        let mut records = Records::default()
            .add("R1", 0, 1, "synchronized", json!({}))
            .add("R2", 10, 11, "synchronized", json!({}))
            .add("R3", began, began + 1, "synchronized", json!({}));
        let last = records.0.pop().unwrap();
        let mut record: Value = serde_json::from_slice(&last.bytes).unwrap();
        record.as_object_mut().unwrap().remove("previous_run_sha256");
        records.0.push(KeptDocument { bytes: record.to_string().into_bytes(), ..last });
        report(&[], &records).chain.problems
    };
    assert_eq!(with_second_root(11), [""; 0]);
    assert_eq!(
        with_second_root(90),
        ["R3.run.json follows no record, although there are older ones"]
    );
}

#[test]
fn a_cut_of_which_the_record_of_its_apply_knows_nothing_is_told() {
    let made = |outcome: &str, number: Option<u64>| {
        let group = json!({
            "workspace": "east", "name": "core", "outcome": outcome, "message": outcome, "cut": number, "tables": [],
        });
        Records::default().add("R2", 10, 20, outcome, json!({"groups": [group]}))
    };
    let told = |cuts: &[Cut], records: &Records| -> Vec<Claim> {
        report(cuts, records).unproved.into_iter().map(|it| it.claim).collect()
    };
    let forged = |cut: u64| Claim::CutNotClaimed { group: "core".to_owned(), cut };
    let second = cut(2, 15, 20);
    let third = Cut { run_id: "R2".to_owned(), ..cut(3, 16, 21) };
    // It made none of the group, or another one.
    assert_eq!(told(std::slice::from_ref(&second), &made("waiting", None)), [forged(2)]);
    assert_eq!(told(std::slice::from_ref(&second), &made("up_to_date", Some(1))), [forged(2)]);
    assert!(told(&[second.clone(), third], &made("synchronized", Some(2))).contains(&forged(3)));
    // An apply that failed, or was beaten, may not know that its cut is there.
    for outcome in ["failed", "stale", "overtaken", "not_started"] {
        assert_eq!(told(std::slice::from_ref(&second), &made(outcome, None)), [], "{outcome}");
    }
    // Nor does a record of an earlier version tell the number.
    assert_eq!(told(&[second], &made("synchronized", None)), []);
}

#[test]
fn settings_that_changed_stand_with_who_changed_them_and_whether_somebody_approved_it() {
    let change = json!({
        "group": "core", "setting": "objective", "before": 720, "after": 499_680, "direction": "weaker",
    });
    let with = json!({"kind": "record", "run_id": "R0", "ended_at": moment::text(at(-30))});
    let changed = |workspace: &str| {
        json!({
            "settings_changed": [
                {"workspace": workspace, "compared_with": with, "reviewed": false, "changes": [change]},
            ],
            "change": "pull 431", "git_commit": "f1e2d3c", "quiet": true,
        })
    };
    let records = Records::default()
        .add("R1", 10, 11, "waiting", changed("east"))
        .add("R2", 20, 21, "waiting", changed("another"))
        .add("R3", 200, 201, "waiting", changed("east"));
    let report = report(&[], &records);
    let told: Vec<(&str, bool, usize)> = report
        .settings
        .iter()
        .map(|it| (it.run_id.as_str(), it.reviewed, it.changes.len()))
        .collect();
    assert_eq!(told, [("R1", false, 1)], "of this workspace, and in the period");
    assert_eq!(report.settings[0].change.as_deref(), Some("pull 431"));
}
