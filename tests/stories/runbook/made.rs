//! What a runbook says, of logs that are made for it.

use std::collections::BTreeMap;

use drsync::apply::RunRecord;
use drsync::config::Sides;
use drsync::ledger::{Cut, Cuts};
use drsync::plan::GrantsSeen;
use drsync::render::sections::runbook::guide;
use drsync::render::writers;
use drsync::runbook::{
    Behind, Language, LookedAtGroups, Runbook, RunbookInput, RunbookSubject, make,
};
use serde_json::json;

use crate::runbook::follow::steps;

fn place(location: &str, language: Language) -> RunbookSubject {
    RunbookSubject {
        sides: Sides::of("east", Some("west")),
        address: Some("https://adb-222.azuredatabricks.test".to_owned()),
        location: location.to_owned(),
        language,
        when: None,
        approvers: Vec::new(),
    }
}

fn cut(group: &str, number: u64, tables: usize, before: Option<&Cut>) -> Cut {
    let tables: Vec<_> = (0..tables)
        .map(|at| {
            json!({
                "table": format!("main.shop.table_{at}"), "source_table_id": "id", "source_version": 7,
                "source_committed_at": "2026-11-22T09:40:00Z", "rows": 12, "files": 2, "bytes": 10,
                "replica_location": format!("abfss://dr@west.test/main/shop/table_{at}"), "replica_version": 3,
            })
        })
        .collect();
    serde_json::from_value(json!({
        "group_name": group, "cut_number": number, "recovery_point": "2026-11-22T09:41:07.120Z",
        "consistency": "workflow-consistent", "trigger": "workflow", "workflow_run_id": 88,
        "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": format!("R{number}"),
        "tables": tables, "accepted": [], "epoch": 0, "committed_by": "someone",
        "committed_at": "2026-11-22T09:46:00.001Z", "previous_sha256": before.map(Cut::sha256),
    }))
    .unwrap()
}

fn page(place: &RunbookSubject, cuts: &Cuts, to_cuts: &BTreeMap<String, u64>) -> String {
    page_of(place, cuts, to_cuts, false)
}

fn page_of(
    place: &RunbookSubject,
    cuts: &Cuts,
    to_cuts: &BTreeMap<String, u64>,
    come_back: bool,
) -> String {
    page_with(place, cuts, to_cuts, come_back, &LookedAtGroups::default())
}

fn page_with(
    place: &RunbookSubject,
    cuts: &Cuts,
    to_cuts: &BTreeMap<String, u64>,
    come_back: bool,
    looked: &LookedAtGroups,
) -> String {
    written(&made(place, cuts, to_cuts, come_back, looked, None))
}

fn written(runbook: &Runbook) -> String {
    writers::guide(&guide(runbook))
}

fn made(
    place: &RunbookSubject,
    cuts: &Cuts,
    to_cuts: &BTreeMap<String, u64>,
    come_back: bool,
    looked: &LookedAtGroups,
    record: Option<&RunRecord>,
) -> Runbook {
    make(RunbookInput {
        read_around: None,
        place,
        cuts,
        rows: &BTreeMap::new(),
        record,
        looked,
        groups: &[],
        to_cuts,
        come_back,
        made_at: "2026-11-22T11:00:00Z".parse().unwrap(),
        made_by: "user:anna@example.test",
    })
}

/// A change of role that repeats a cut.
fn role(number: u64, held: &Cut, before: &Cut) -> Cut {
    let mut role = serde_json::to_value(held).unwrap();
    (role["kind"], role["active"], role["epoch"]) =
        ("role".into(), "west".into(), (number - 2).into());
    (role["cut_number"], role["previous_sha256"]) = (number.into(), before.sha256().into());
    role["run_id"] = "by hand".into();
    serde_json::from_value(role).unwrap()
}

#[test]
fn one_of_five_hundred_tables_has_steps_for_each() {
    let cuts = Cuts::new([cut("g", 1, 500, None)]);
    for language in [Language::Sql, Language::Python] {
        let place = place("abfss://dr@west.test/", language);
        let page = page(&place, &cuts, &BTreeMap::new());
        assert!(page.matches("main/shop/table_499").count() >= 3, "{language:?}");
    }
}

#[test]
fn a_runbook_that_is_made_again_after_the_fence_undoes_nothing() {
    let first = cut("g", 1, 2, None);
    let mut role = serde_json::to_value(cut("g", 2, 2, Some(&first))).unwrap();
    (role["kind"], role["active"], role["epoch"]) = ("role".into(), "west".into(), 1.into());
    let cuts = Cuts::new([first, serde_json::from_value(role).unwrap()]);
    for language in [Language::Sql, Language::Python] {
        let place = place("abfss://dr@west.test/", language);
        let marked = language.as_str();
        let again = page(&place, &cuts, &BTreeMap::new());
        assert_eq!(steps(&again, marked).len(), 0, "{again}");
        assert!(
            again.starts_with("# If `east` is lost: 0 groups to `west`, 1 group there already")
        );
        // What may be left to do is there, and nobody runs it unseen.
        for part in ["Only where nobody wrote", "Mark with epoch 1", "table_1", "--come-back"] {
            assert!(again.contains(part), "{part}: {again}");
        }
        let home = page_of(&place, &cuts, &BTreeMap::new(), true);
        let fences = steps(&home, marked);
        assert_eq!(fences.len(), 1, "{home}");
        assert!(home.starts_with("# Back to `east`: 1 group\n"), "{home}");
        assert!(home.contains("from then on applies write to the group again"), "{home}");
        let (first, fence) = (home.find("Pause the jobs").unwrap(), home.find("```").unwrap());
        assert!(first < home.rfind(&fences[0].text).unwrap() && fence > 0);
        // Another cut than the one of then, where that turned out not to be whole, has a fence of its own.
        let older = page(&place, &cuts, &BTreeMap::from([("g".to_owned(), 1)]));
        let all = steps(&older, marked);
        assert_eq!(all.iter().filter(|step| step.is("Fence")).count(), 1, "{older}");
        assert!(older.contains("what was written there is taken away"), "{older}");
        assert!(older.contains("Mark with epoch 2") && !older.contains("Given up"), "{older}");
    }
}

#[test]
fn an_earlier_cut_says_what_is_given_up_with_it() {
    let first = cut("g", 1, 1, None);
    let cuts = Cuts::new([first.clone(), cut("g", 2, 1, Some(&first))]);
    let place = place("abfss://dr@west.test/", Language::Sql);
    let given_up = "Given up with this cut: everything that cut 2 brought";
    assert!(page(&place, &cuts, &BTreeMap::from([("g".to_owned(), 1)])).contains(given_up));
    assert!(!page(&place, &cuts, &BTreeMap::new()).contains("Given up"));
}

#[test]
fn an_earlier_cut_is_brought_back_behind_a_fence_that_follows_the_newest() {
    let first = cut("g", 1, 1, None);
    let cuts = Cuts::new([first.clone(), cut("g", 2, 1, Some(&first))]);
    let newest = cuts.newest("g").unwrap().sha256();
    let place = place("abfss://dr@west.test/", Language::Sql);
    let page = page(&place, &cuts, &BTreeMap::from([("g".to_owned(), 1)]));
    let fence = &steps(&page, "sql")[0].text;
    for part in [
        "SELECT group_name, 3, recovery_point",
        "'by hand', 1, current_user()",
        "AND cut_number = 1",
        "AND 2 IN (SELECT max(cut_number)",
        "AND 'R2' IN (SELECT run_id",
        &format!("'{newest}', run_record_sha256, 'role', 'west'"),
    ] {
        assert!(fence.contains(part), "{part}: {fence}");
    }
    assert!(
        page.contains("## 2 `g`: cut 1 (2026-11-22 09:41:07Z), 1 table, 10 B, 12 rows"),
        "{page}"
    );
}

#[test]
fn on_s3_the_old_side_loses_its_access_first() {
    let cuts = Cuts::new([cut("g", 1, 1, None)]);
    let told = |location: &str| {
        page(&place(location, Language::Sql), &cuts, &BTreeMap::new()).contains("**First of all:**")
    };
    assert!(told("s3://bucket/dr") && !told("abfss://dr@west.test/"));
}

#[test]
fn a_log_that_is_not_one_chain_gives_no_steps() {
    let first = cut("g", 1, 1, None);
    let other = Cut { run_id: "other".to_owned(), ..first.clone() };
    let cuts = Cuts::new([first, other]);
    let place = place("abfss://dr@west.test/", Language::Sql);
    let page = page(&place, &cuts, &BTreeMap::new());
    assert!(steps(&page, "sql").is_empty(), "{page}");
    assert!(page.contains("- `g`: the cut log of the group is not one chain"), "{page}");
}

#[test]
fn nothing_in_a_name_breaks_out_of_what_is_run() {
    let odd = "a'b\\c`; DROP TABLE t; --\n```\n## 9 Run this";
    let mut one = cut(odd, 1, 1, None);
    one.tables[0].replica_location = "abfss://dr@west.test/x`; DROP TABLE t; --".to_owned();
    let cuts = Cuts::new([one]);
    let place = place("abfss://dr@west.test/", Language::Sql);
    let page = page(&place, &cuts, &BTreeMap::new());
    let all = steps(&page, "sql");
    assert_eq!(all.len(), 5, "{page}");
    assert!(all[0].text.contains("'a\\'b\\\\c`; DROP TABLE t; --\n```\n## 9 Run this'"), "{page}");
    assert_eq!(
        all[1].text,
        "RESTORE TABLE delta.`abfss://dr@west.test/x``; DROP TABLE t; --` TO VERSION AS OF 3;"
    );
}

#[test]
fn a_group_whose_log_lacks_a_change_of_role_has_no_statement_about_a_replica() {
    let cuts = Cuts::new([cut("g", 1, 2, None)]);
    let behind = Behind { epoch: 3, why: "a replica is marked".into() };
    let looked =
        LookedAtGroups { behind: [("g".to_owned(), behind)].into(), ..LookedAtGroups::default() };
    for language in [Language::Sql, Language::Python] {
        let place = place("abfss://dr@west.test/", language);
        for come_back in [false, true] {
            let page = page_with(&place, &cuts, &BTreeMap::new(), come_back, &looked);
            assert_eq!(steps(&page, language.as_str()).len(), 0, "{page}");
            assert!(!page.contains("main/shop/table_1"), "{page}");
            // The one block, which nobody runs unseen, is a fence that outdoes the marks.
            let fence = steps(&page, "text").pop().unwrap().text;
            assert!(fence.contains('3') && !fence.contains("epoch=1,"), "{fence}");
        }
    }
}

#[test]
fn people_are_named_so_that_they_can_be_read_and_copied() {
    let mut place = place("abfss://dr@west.test/", Language::Sql);
    place.approvers = vec!["cto@example.test".to_owned()];
    place.when = Some("an hour, says ops@example.test".to_owned());
    let page = page(&place, &Cuts::new([cut("g", 1, 1, None)]), &BTreeMap::new());
    for shown in
        ["by `user:anna@example.test`", "of `cto@example.test` says", "says `ops@example.test`"]
    {
        assert!(page.contains(shown), "{page}");
    }
    assert!(!page.contains("&#"), "{page}");
}

#[test]
fn of_rights_only_what_was_seen_is_said() {
    let place = place("abfss://dr@west.test/", Language::Sql);
    let cuts = Cuts::new([cut("g", 1, 3, None)]);
    let runbook = made(&place, &cuts, &BTreeMap::new(), false, &LookedAtGroups::default(), None);
    let says = |unseen: usize, select: &[&str]| {
        let unseen: Vec<String> = (0..unseen).map(|at| format!("main.shop.table_{at}")).collect();
        let tables = json!([
            {"side": "primary", "tables": ["main.shop.table_2"], "select": select},
            {"side": "secondary", "tables": ["main.shop.table_2"]},
        ]);
        let seen = json!({"at": "2026-11-22T10:00:00Z", "tables": tables, "unseen": unseen});
        let mut runbook = runbook.clone();
        runbook.groups[0].grants = Some(serde_json::from_value::<GrantsSeen>(seen).unwrap());
        written(&runbook)
    };
    assert!(says(0, &[]).contains("Rights: none of `east` is lacking in `west`, as of"));
    let none = says(3, &[]);
    assert!(none.contains("Rights: not seen at both sides of any table;"), "{none}");
    assert!(!none.contains("is lacking"), "{none}");
    let some = says(2, &["anna"]);
    assert!(some.contains("Rights: 1 right of `east` is lacking in `west`"), "{some}");
    assert!(some.contains("Rights: not seen at both sides of 2 tables;"), "{some}");
    assert!(says(2, &[]).contains("Rights: on 1 table none of `east` is lacking"));
    assert!(says(0, &["anna", "bob"]).contains("Rights: 2 rights of `east` are lacking"));
}

#[test]
fn after_the_fence_what_was_lost_and_what_was_given_up_stay_told() {
    let mut first = cut("g", 1, 1, None);
    first.recovery_point -= chrono::Duration::hours(1);
    let second = cut("g", 2, 1, Some(&first));
    let third = role(3, &second, &second);
    let again = role(4, &first, &third);
    let lost = json!({"at": "2026-11-22T10:00:00Z", "commits": 3, "since": "2026-11-22T09:50:00Z"});
    let record = |group: serde_json::Value| -> RunRecord {
        let text = include_str!("../../../fixtures/documents/run-1.4.json");
        let mut record: serde_json::Value = serde_json::from_str(text).unwrap();
        record["groups"] = json!([group]);
        serde_json::from_value(record).unwrap()
    };
    let before = record(json!({
        "workspace": "east", "name": "g", "outcome": "synchronized", "cut": 2, "loss": lost, "tables": [],
    }));
    let after = record(json!({
        "workspace": "east", "name": "g", "outcome": "blocked", "cut": 3,
        "lost_with": {"cut": 3, "loss": lost}, "tables": [],
    }));
    let place = place("abfss://dr@west.test/", Language::Sql);
    let fenced = Cuts::new([first.clone(), second.clone(), third.clone()]);
    let given = Cuts::new([first, second, third, again]);
    for record in [&before, &after] {
        for cuts in [&fenced, &given] {
            let page = written(&made(
                &place,
                cuts,
                &BTreeMap::new(),
                false,
                &LookedAtGroups::default(),
                Some(record),
            ));
            assert!(page.contains("3 commits since 2026-11-22 09:50"), "{page}");
            let gives_up = page.contains("Given up with this cut: everything that cut 2 brought");
            assert_eq!(gives_up, std::ptr::eq(cuts, &given), "{page}");
        }
    }
}

#[test]
fn a_page_that_is_old_is_told_from_somebody_who_was_faster() {
    let cuts = Cuts::new([cut("g", 1, 1, None)]);
    let sql = page(&place("abfss://dr@west.test/", Language::Sql), &cuts, &BTreeMap::new());
    let shows = "SELECT cut_number, kind, active, committed_by, committed_at FROM";
    assert_eq!(sql.matches(shows).count(), 1, "{sql}");
    // Whoever runs the page's blocks runs it not.
    assert!(steps(&sql, "sql").iter().all(|step| !step.text.contains(shows)));
    let python = page(&place("/worlds/west", Language::Python), &cuts, &BTreeMap::new());
    let fence = &steps(&python, "python")[0].text;
    assert!(fence.contains("0 rows: this page is old") && fence.contains("was faster"), "{fence}");
}
