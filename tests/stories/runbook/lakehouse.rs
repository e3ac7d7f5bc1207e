//! A lakehouse: the steps are Python with deltalake.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::below::files;
use crate::runbook::follow::{Step, drsync, ends, guided, steps};
use crate::support::able::python;

pub(crate) fn run(python: &Path, text: &str) -> Output {
    // Threads of pyarrow that still live at the interpreter's end may abort it, when all is done.
    const AND_END: &str = "import os, sys\nexec(compile(sys.argv[1], 'step', 'exec'))\nsys.stdout.flush()\nos._exit(0)";
    Command::new(python).args(["-c", AND_END, text]).output().unwrap()
}

pub(crate) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// Runs a step and takes what it prints.
pub(crate) fn done(python: &Path, step: &Step) -> String {
    let output = run(python, &step.text);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{}\n{said}", step.heading, step.text);
    String::from_utf8(output.stdout).unwrap()
}

/// The demo's world with a second cut of `orders`.
pub(crate) fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    ends(&drsync(folder.path(), &[], &["demo", "--dir", "."]), 0);
    ends(&drsync(folder.path(), &[], &["apply", "--auto-approve"]), 4);
    folder
}

/// The workflow of `orders` runs once, from its beginning to its end.
pub(crate) fn run_to_its_end(folder: &Path) {
    let now = chrono::Utc::now();
    let east = drsync::lakehouse::write::WorkspaceFolder::at(folder.join("east"));
    east.add_run(1016, 90, now, Some(now), "SUCCESS").unwrap();
}

/// Whether a replica has the rows of its source at a version, as deltalake reads both.
const EQUAL: &str = r#"
import sys
from deltalake import DeltaTable
log = DeltaTable("west/sync/_drsync/sync_cuts").to_pyarrow_table().to_pylist()
for row in log:
    if row["kind"] != "role":
        continue
    for table in row["tables"]:
        catalog, schema, name = table["table"].split(".")
        source = DeltaTable(f"east/tables/{schema}_{name}", version=table["source_version"]).to_pyarrow_table()
        replica = DeltaTable(table["replica_location"]).to_pyarrow_table().select(source.column_names)
        keys = [(name, "ascending") for name in source.column_names]
        print(source.sort_by(keys).equals(replica.sort_by(keys)), table["table"])
"#;

#[test]
fn whoever_follows_it_has_the_tables_as_the_cut_has_them_and_drsync_leaves_them_alone() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = world();
    let folder = world.path();
    let here = |arguments: &[&str]| drsync(folder, &[], arguments);
    let log = folder.join("west/sync/_drsync/sync_cuts");
    let yesterday = folder.join("yesterday");
    copy(&log, &yesterday);
    // Somebody wrote to a replica, and a newer cut has only begun to arrive: both are brought back.
    let drift = format!(
        "from deltalake import DeltaTable, write_deltalake\nt = DeltaTable({:?})\nwrite_deltalake(t, t.to_pyarrow_table().slice(0, 7), mode='append')",
        folder.join("west/sync/main/shop/orders")
    );
    assert!(run(&python, &drift).status.success());
    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();

    let page = ends(&here(&["runbook"]), 0);
    let kept = std::fs::read_to_string(folder.join(".drsync/runbook-east.md")).unwrap();
    let all = steps(&page, "python");
    let texts = |steps: &[Step]| steps.iter().map(|step| step.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&all), texts(&steps(&kept, "python")));
    let evidence = files(&folder.join("west/sync/_drsync/evidence"));
    let named = |path: &Path| path.to_string_lossy().ends_with(".runbook.md");
    assert_eq!(evidence.iter().filter(|(path, _)| named(path)).count(), 2);
    assert!(page.contains("- `customer_360`: never synchronized"), "{page}");

    for step in &all {
        let said = done(&python, step);
        if step.is("Fence") {
            assert_eq!(said, "1 row\n");
        } else if step.is("Check") {
            assert!(said.lines().all(|line| line.starts_with("True ")), "{said}");
        }
    }
    assert_eq!(all.iter().filter(|step| step.is("Fence")).count(), 2);
    // Who comes second is told so, and writes nothing.
    let again = run(&python, &all.iter().find(|step| step.is("Fence")).unwrap().text);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("was faster at "));

    // With the east gone: who is active, that the tables are as the cut, and what was lost, as somebody last looked.
    let status = ends(&here(&["status"]), 8);
    let verdict = "2 groups failed over to west and copied nowhere";
    assert!(status.starts_with(verdict), "{status}");
    for told in ["lost with it", "What east took after a look nobody knows", "no commit"] {
        assert!(status.contains(told), "{told}: {status}");
    }
    assert!(!status.contains("can be brought to a cut right now"), "{status}");
    assert!(!status.contains("drsync runbook"), "nothing is left to bring over: {status}");
    let document = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).unwrap() };
    let orders = |json: &Value| json["workspaces"][0]["groups"][0].clone();
    let seen = orders(&document(&here(&["status", "--json"])));
    assert_eq!(seen["failed_over"]["lost"]["commits"], 0, "{seen:#}");
    assert_eq!(seen["failed_over"]["written"], 0, "{seen:#}");
    let held = seen["tables"].as_array().unwrap().iter();
    let held = held.filter(|table| table["holds_source_version"] == table["cut_version"]).count();
    assert_eq!(held, 3, "the mark is no drift: {seen:#}");

    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    let equal = Command::new(&python).args(["-c", EQUAL]).current_dir(folder).output().unwrap();
    let told = String::from_utf8(equal.stdout).unwrap();
    assert_eq!(told.lines().filter(|line| line.starts_with("True ")).count(), 5, "{told}");
    assert_eq!(told.lines().count(), 5, "{told}");

    // The west's log is put back from yesterday: the marks on the replicas tell of what it lacks.
    let before = files(&folder.join("west/sync/main"));
    std::fs::rename(&log, folder.join("today")).unwrap();
    copy(&yesterday, &log);
    let kept = || {
        let all = files(&folder.join("west/sync/_drsync/evidence")).into_iter();
        all.filter(|(path, _)| path.to_string_lossy().ends_with(".runbook.md")).count()
    };
    let pages = kept();
    let plan = ends(&here(&["plan"]), 0);
    let heads: Vec<&str> = plan.lines().filter(|line| line.contains("ledger_behind")).collect();
    assert_eq!(heads, ["blocked  2 groups         ledger_behind"], "{plan}");
    for _ in 0..2 {
        ends(&here(&["apply", "--auto-approve"]), 1);
        // What is kept says what one that is asked for now says, and once.
        let page = std::fs::read_to_string(folder.join(".drsync/runbook-east.md")).unwrap();
        assert_eq!(steps(&page, "python").len(), 0, "{page}");
        assert!(page.contains("is marked with epoch 1, and the cut log knows 0"), "{page}");
        assert_eq!(kept(), pages + 1);
    }
    let json: Value = serde_json::from_str(&ends(&here(&["status", "--json"]), 0)).unwrap();
    let behind = json.to_string().matches("\"code\":\"ledger_behind\"").count();
    assert_eq!(behind, 2, "{json}");
    // What the log has may be older than what the west wrote since.
    let protected = json["workspaces"][0]["groups"].as_array().unwrap();
    let protected = protected.iter().filter(|group| group["protected"] == true).count();
    assert_eq!(protected, 0, "{json}");
    ends(&here(&["status", "--fail-on", "unprotected"]), 3);
    // What the log no longer says nobody undoes, with the east there and gone.
    for gone in [false, true] {
        if gone {
            std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
            let status = ends(&here(&["status"]), 8);
            assert!(status.contains("0 of 3 groups can be brought to a cut"), "{status}");
            assert!(status.contains("ledger_behind"), "{status}");
        }
        let page = ends(&here(&["runbook"]), 7);
        assert_eq!(steps(&page, "python").len(), 0, "gone: {gone}: {page}");
        assert!(!page.contains(".restore("), "gone: {gone}: {page}");
        assert!(page.contains("is marked with epoch 1, and the cut log knows 0"), "{page}");
        ends(&here(&["runbook", "orders", "--to-cut", "orders:1"]), 7);
    }
    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    assert_eq!(files(&folder.join("west/sync/main")), before);
    std::fs::remove_dir_all(&log).unwrap();
    std::fs::rename(folder.join("today"), &log).unwrap();

    // The old scheduler wakes up.
    let before = files(&folder.join("west/sync/main"));
    for _ in 0..2 {
        ends(&here(&["apply", "--auto-approve"]), 11);
        assert_eq!(files(&folder.join("west/sync/main")), before);
    }
    let status = ends(&here(&["status"]), 0);
    assert!(status.starts_with(verdict), "{status}");
    assert!(status.contains("drsync runbook --come-back"), "{status}");
    let json: Value = serde_json::from_str(&ends(&here(&["status", "--json"]), 0)).unwrap();
    let over = &json["workspaces"][0]["groups"][0]["failed_over"];
    assert_eq!((&over["active"], &over["epoch"]), (&"west".into(), &1.into()), "{json}");
    let history = ends(&here(&["history", "orders"]), 0);
    assert!(history.contains("west is active from here on, epoch 1"), "{history}");
    assert!(history.contains("lost with it: no commit"), "{history}");
    let plan = ends(&here(&["plan"]), 0);
    assert!(plan.contains("lost with it: no commit"), "{plan}");
    assert!(!plan.contains("replica_changed"), "{plan}");

    // The west works.
    let work = format!(
        "from deltalake import DeltaTable, write_deltalake\nt = DeltaTable({:?})\nwrite_deltalake(t, t.to_pyarrow_table().slice(0, 3), mode='append')",
        folder.join("west/sync/main/shop/orders")
    );
    assert!(run(&python, &work).status.success());
    ends(&here(&["apply", "--auto-approve"]), 11);
    let over = orders(&document(&here(&["status", "--json"])))["failed_over"].clone();
    assert_eq!((&over["written"], &over["lost"]["commits"]), (&1.into(), &0.into()), "{over:#}");
    let refused = here(&["runbook", "--to-cut", "orders:1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(7) && said.contains("west works on orders since"),
        "{said}"
    );

    // And home again, as docs/bad-day.md says: the tables, the fence, and what was written meanwhile is accepted once.
    for (table, replica) in [("shop_orders", "shop/orders"), ("ref_countries", "ref/countries")] {
        let home = folder.join("east/tables").join(table);
        let replica = folder.join("west/sync/main").join(replica);
        let text = guided("write_deltalake(").replace("<home table>", home.to_str().unwrap());
        let text = text.replace("<replica location>", replica.to_str().unwrap());
        let output = run(&python, &text);
        assert!(output.status.success(), "{text}\n{output:?}");
    }
    let home = steps(&ends(&here(&["runbook", "--come-back"]), 0), "python");
    assert_eq!(home.len(), 2, "{home:#?}");
    for step in &home {
        assert_eq!(done(&python, step), "1 row\n");
    }
    run_to_its_end(folder);
    let accept = [
        "plan",
        "--accept",
        "replica_changed:orders",
        "--now",
        "reference_data",
        "--reason",
        "we were away",
        "--out",
        "home.json",
    ];
    ends(&here(&accept), 0);
    ends(&here(&["apply", "home.json"]), 4);
    let history = ends(&here(&["history", "orders"]), 0);
    assert!(history.contains("lost with it: no commit"), "it stays: {history}");
    let status = ends(&here(&["status"]), 0);
    assert!(status.starts_with("2 of 3 groups protected"), "{status}");
    assert!(same(&python, folder, "shop", "orders"), "what the west did is in a cut");

    // Then everything synchronizes as before.
    let more = format!(
        "from deltalake import DeltaTable, write_deltalake\nt = DeltaTable({:?})\nwrite_deltalake(t, t.to_pyarrow_table().slice(0, 1), mode='append')",
        folder.join("east/tables/ref_countries")
    );
    assert!(run(&python, &more).status.success());
    assert!(!same(&python, folder, "ref", "countries"));
    let later = (chrono::Utc::now() + chrono::Duration::hours(13)).to_rfc3339();
    let at = [("DRSYNC_NOW".to_owned(), later)];
    ends(&drsync(folder, &at, &["apply", "--auto-approve", "--only", "reference_data"]), 0);
    assert!(same(&python, folder, "ref", "countries"));
}

/// Whether a replica has the rows of its source, both at their newest, as deltalake reads them.
fn same(python: &Path, folder: &Path, schema: &str, table: &str) -> bool {
    let text = format!(
        r#"
from deltalake import DeltaTable
one, other = (DeltaTable(place).to_pyarrow_table() for place in ({:?}, {:?}))
keys = [(name, "ascending") for name in one.column_names]
print(one.sort_by(keys).equals(other.select(one.column_names).sort_by(keys)))
"#,
        folder.join(format!("east/tables/{schema}_{table}")),
        folder.join(format!("west/sync/main/{schema}/{table}"))
    );
    let output = run(python, &text);
    assert!(output.status.success(), "{output:?}");
    output.stdout == b"True\n"
}

#[test]
fn of_two_who_follow_it_at_once_one_is_told_that_it_is_done() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = world();
    let page = ends(&drsync(world.path(), &[], &["runbook", "orders"]), 0);
    let all = steps(&page, "python");
    let fence = all.iter().find(|step| step.is("Fence")).unwrap();
    let start = || Command::new(&python).args(["-c", &fence.text]).output();
    let (one, other) = std::thread::scope(|scope| {
        let both = [scope.spawn(start), scope.spawn(start)];
        let [one, other] = both.map(|thread| thread.join().unwrap().unwrap());
        (one, other)
    });
    let won = [&one, &other].map(|output| output.stdout == b"1 row\n" && output.status.success());
    assert!(won[0] != won[1], "{one:?} {other:?}");
}

#[test]
fn what_would_be_lost_is_told_and_with_the_east_gone_what_was_seen_last() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    ends(&drsync(folder, &[], &["demo", "--dir", "."]), 0);
    let orders = || {
        let output = drsync(folder, &[], &["status", "--json"]);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        json["workspaces"][0]["groups"].as_array().unwrap()[0].clone()
    };
    // As many as no cut holds, by the table.
    let now = orders();
    let pending = now["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["pending_commits"].as_u64().unwrap());
    assert_eq!(now["loss"]["commits"], pending.sum::<u64>());
    assert_eq!(now["loss"]["runs"], serde_json::json!([89]));
    let status = ends(&drsync(folder, &[], &["status"]), 0);
    assert!(status.contains("lost if east were gone now"), "{status}");
    assert!(status.contains("repeat run 89"), "{status}");

    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
    let seen = orders();
    // What the apply saw stay out of its cut, and no more: the run had not ended then.
    assert!(seen["loss"]["commits"].as_u64().unwrap() > 0, "{seen}");
    assert!(seen["loss"]["at"].as_str() < now["loss"]["at"].as_str(), "{seen}");
    let status = ends(&drsync(folder, &[], &["status"]), 8);
    assert!(status.contains("What east takes after a look nobody knows"), "{status}");
    assert!(status.ends_with("\ndrsync runbook\n"), "{status}");
    // Where no record tells anything, nothing is claimed.
    std::fs::remove_dir_all(folder.join("west/sync/_drsync/evidence")).unwrap();
    assert_eq!(orders()["loss"], Value::Null);
    let status = ends(&drsync(folder, &[], &["status"]), 8);
    assert!(status.contains("not known: no look since its cut"), "{status}");
}

#[test]
fn whoever_names_a_cut_has_the_steps_of_its_group_and_fences_no_other() {
    let world = world();
    let page_of = |args: &[&str]| ends(&drsync(world.path(), &[], args), 0);
    let orders = page_of(&["runbook", "orders", "--to-cut", "orders:1"]);
    let orders = steps(&orders, "python");
    assert!(!orders.is_empty());
    let texts = |page: &str| -> Vec<String> {
        steps(page, "python").into_iter().map(|step| step.text).collect()
    };
    let of_orders: Vec<String> = orders.into_iter().map(|step| step.text).collect();
    for cut in ["orders:1", "east/orders:1"] {
        let page = page_of(&["runbook", "--to-cut", cut]);
        assert_eq!(texts(&page), of_orders, "{page}");
        assert!(!page.contains("reference_data"), "{page}");
    }
    // A group that is named beside it has its own steps, and the cut is not forgotten.
    let both = page_of(&["runbook", "reference_data", "--to-cut", "orders:1"]);
    let [together, alone] = [texts(&both), texts(&page_of(&["runbook", "reference_data"]))];
    let fences = |all: &[String]| all.iter().filter(|text| text.contains("fence")).count();
    assert!(together.len() > alone.len().max(of_orders.len()), "{both}");
    assert_eq!(fences(&together), fences(&alone) + fences(&of_orders), "{both}");
    for place in ["west/sync/main/shop/orders", "west/sync/main/ref/countries"] {
        assert!(together.iter().any(|text| text.contains(place)), "{place}: {both}");
    }
}

#[test]
fn what_was_lost_with_the_fence_is_told_from_then_on_whatever_the_east_takes_later() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let here = |arguments: &[&str]| drsync(folder, &[], arguments);
    ends(&here(&["demo", "--dir", "."]), 0);
    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
    for step in steps(&ends(&here(&["runbook", "orders"]), 0), "python") {
        done(&python, &step);
    }
    let lost = "3 commits since ";
    assert!(ends(&here(&["status"]), 8).contains(lost));
    assert!(ends(&here(&["runbook"]), 0).contains("3 commits since "));
    // The demo's run had not ended when the apply looked: what the east has beyond the cut is more.
    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    for _ in 0..2 {
        ends(&here(&["apply", "--auto-approve"]), 11);
        let status = ends(&here(&["status"]), 0);
        assert!(status.contains(lost) && status.contains("5 commits"), "{status}");
    }
    // Records alone tell it: those of before the fence are gone.
    let records = folder.join(".drsync/runs");
    let newest = std::fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path());
    let newest = newest.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let newest = newest.filter(|path| !path.to_string_lossy().ends_with(".plan.json")).max();
    let record: Value = serde_json::from_slice(&std::fs::read(newest.unwrap()).unwrap()).unwrap();
    let of = record["groups"].as_array().unwrap().iter().find(|it| it["name"] == "orders");
    assert_eq!(of.unwrap()["lost_with"]["loss"]["commits"], 3, "{record:#}");
    let history = ends(&here(&["history", "orders"]), 0);
    assert!(history.contains("lost with it: 3 commits since "), "{history}");
    let plan = ends(&here(&["plan"]), 0);
    assert!(plan.contains("lost with it: 3 commits since"), "{plan}");
}
