//! What a runbook says, of logs that are made for it.

use std::collections::BTreeMap;

use drsync::config::Sides;
use drsync::ledger::{Cut, Cuts};
use drsync::render::writers;
use drsync::runbook::{Behind, Facts, Language, Looked, Place, make};
use serde_json::json;

use crate::runbook::follow::steps;

fn place(location: &str, language: Language) -> Place {
    Place {
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

fn page(place: &Place, cuts: &Cuts, to_cuts: &BTreeMap<String, u64>) -> String {
    page_of(place, cuts, to_cuts, false)
}

fn page_of(place: &Place, cuts: &Cuts, to_cuts: &BTreeMap<String, u64>, come_back: bool) -> String {
    page_with(place, cuts, to_cuts, come_back, &Looked::default())
}

fn page_with(
    place: &Place,
    cuts: &Cuts,
    to_cuts: &BTreeMap<String, u64>,
    come_back: bool,
    looked: &Looked,
) -> String {
    writers::runbook(&make(Facts {
        place,
        cuts,
        rows: &BTreeMap::new(),
        record: None,
        looked,
        groups: &[],
        to_cuts,
        come_back,
        made_at: "2026-11-22T11:00:00Z".parse().unwrap(),
        made_by: "user:anna",
    }))
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
    let behind = Behind { epoch: 3, why: "a replica is marked".to_owned() };
    let looked = Looked { behind: [("g".to_owned(), behind)].into(), ..Looked::default() };
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
