//! A lakehouse: the steps are Python with deltalake.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::able::python;
use crate::follow::{Step, drsync, ends, files, steps};

fn run(python: &Path, text: &str) -> Output {
    Command::new(python).args(["-c", text]).output().unwrap()
}

/// Runs a step and takes what it prints.
fn done(python: &Path, step: &Step) -> String {
    let output = run(python, &step.text);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{}\n{said}", step.heading, step.text);
    String::from_utf8(output.stdout).unwrap()
}

/// The demo's world with a second cut of `orders`.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    ends(&drsync(folder.path(), &[], &["demo", "--dir", "."]), 0);
    ends(&drsync(folder.path(), &[], &["apply", "--auto-approve"]), 4);
    folder
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
    assert!(String::from_utf8_lossy(&again.stderr).contains("0 rows: somebody was faster"));

    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    let equal = Command::new(&python).args(["-c", EQUAL]).current_dir(folder).output().unwrap();
    let told = String::from_utf8(equal.stdout).unwrap();
    assert_eq!(told.lines().filter(|line| line.starts_with("True ")).count(), 5, "{told}");
    assert_eq!(told.lines().count(), 5, "{told}");

    // The old scheduler wakes up.
    let before = files(&folder.join("west/sync/main"));
    for _ in 0..2 {
        ends(&here(&["apply", "--auto-approve"]), 11);
        assert_eq!(files(&folder.join("west/sync/main")), before);
    }
    let status = ends(&here(&["status"]), 0);
    assert!(status.starts_with("2 groups failed over (failed_over); "), "{status}");
    let json: Value = serde_json::from_str(&ends(&here(&["status", "--json"]), 0)).unwrap();
    let over = &json["workspaces"][0]["groups"][0]["failed_over"];
    assert_eq!((&over["active"], &over["epoch"]), (&"west".into(), &1.into()), "{json}");
    let history = ends(&here(&["history", "orders"]), 0);
    assert!(history.contains("west is active from here on, epoch 1"), "{history}");

    // And home again.
    let home = steps(&ends(&here(&["runbook"]), 0), "python");
    assert_eq!(home.len(), 2, "{home:#?}");
    for step in &home {
        assert_eq!(done(&python, step), "1 row\n");
    }
    let accept = [
        "plan",
        "--accept",
        "replica_changed:orders",
        "--accept",
        "replica_changed:reference_data",
        "--reason",
        "we were away",
        "--out",
        "home.json",
    ];
    ends(&here(&accept), 0);
    ends(&here(&["apply", "home.json"]), 4);
    let status = ends(&here(&["status"]), 0);
    assert!(status.starts_with("2 of 3 groups protected"), "{status}");
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
