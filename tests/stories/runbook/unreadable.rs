//! A lakehouse whose log, or whose newest cut, cannot be read: what the page says then, and what is left to do.

use serde_json::Value;

use crate::below::files;
use crate::runbook::follow::{Step, drsync, ends, steps};
use crate::runbook::lakehouse::{copy, done, run, world};
use crate::support::able::python;

/// What a page says of a group has to be so with the log gone, too: it is followed at night, by somebody who has nothing else.
#[test]
fn a_log_that_cannot_be_read_or_lacks_what_records_tell_of_is_no_group_that_was_never_synchronized()
{
    let world = world();
    let folder = world.path();
    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
    let log = folder.join("west/sync/_drsync/sync_cuts");
    let whole = folder.join("whole");
    copy(&log, &whole);
    let put_back = || {
        std::fs::remove_dir_all(&log).unwrap();
        copy(&whole, &log);
    };
    let commits = std::fs::read_dir(log.join("_delta_log")).unwrap();
    let commits = commits.map(|entry| entry.unwrap().path());
    let last = commits.filter(|path| path.extension().is_some_and(|it| it == "json")).max();
    let last = last.unwrap();
    let asked = |arguments: &[&str]| {
        let output = drsync(folder, &[], arguments);
        let said = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        (output.status.code(), said(&output.stdout), said(&output.stderr))
    };

    // The last commit is half there.
    let text = std::fs::read(&last).unwrap();
    std::fs::write(&last, &text[..text.len() / 2]).unwrap();
    let (code, page, said) = asked(&["runbook"]);
    assert_eq!((code, page.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("is corrupt") && said.contains(".drsync/runbook-east.md"), "{said}");
    put_back();

    // It is not there: the log ends with an older cut, which is brought back by whoever finds no newer log.
    std::fs::remove_file(&last).unwrap();
    let (code, page, said) = asked(&["runbook", "orders"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        page.contains("the cut log ends with cut 1") && page.contains("tells of cut 2"),
        "{page}"
    );
    put_back();

    // Nothing of it is there.
    std::fs::remove_dir_all(&log).unwrap();
    for arguments in [&["runbook"][..], &["runbook", "orders"]] {
        let (code, page, said) = asked(arguments);
        assert_eq!(code, Some(7), "{said}");
        assert!(said.contains("orders is left out: the cut log has no cut of it"), "{said}");
        assert!(!page.contains("`orders`: never synchronized"), "{page}");
    }
}

/// A writer died over its checkpoint: drsync reads around it, deltalake does not.
#[test]
fn over_a_half_written_checkpoint_the_page_says_what_is_moved_away_first() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = world();
    let folder = world.path();
    let log = |table: &str| folder.join("west/sync").join(table).join("_delta_log");
    let tables = ["_drsync/sync_cuts", "main/shop/orders"];
    let half_written = tables.map(|table| {
        let names = std::fs::read_dir(log(table)).unwrap().map(|entry| entry.unwrap().file_name());
        let newest = names.filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse().ok());
        let newest: u64 = newest.max().unwrap();
        let file = log(table).join(format!("{newest:020}.checkpoint.parquet"));
        std::fs::write(&file, "PAR1 half").unwrap();
        let hint = log(table).join("_last_checkpoint");
        std::fs::write(&hint, format!("{{\"version\":{newest},\"size\":3}}")).unwrap();
        [file, hint]
    });
    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
    let page = ends(&drsync(folder, &[], &["runbook"]), 0);
    let told = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("other readers stumble over the cut log"), "{page}");
    assert!(told.contains("other readers stumble over main.shop.orders"), "{page}");
    for [file, _] in &half_written {
        assert!(page.contains(file.file_name().unwrap().to_str().unwrap()), "{page}");
    }
    // Its rows are all there: it is no reason to give up a cut.
    let all = steps(&page, "python");
    assert_eq!(all.iter().filter(|step| step.is("Fence")).count(), 2, "{page}");
    assert!(!run(&python, &all[0].text).status.success(), "deltalake reads the log all the same");
    half_written.iter().flatten().for_each(|file| std::fs::remove_file(file).unwrap());
    for step in &all {
        let said = done(&python, step);
        if step.is("Check") {
            assert!(said.lines().all(|line| line.starts_with("True ")), "{said}");
        }
    }
    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    ends(&drsync(folder, &[], &["apply", "--auto-approve"]), 11);
}

#[test]
fn a_cut_that_can_no_longer_be_read_is_refused_with_the_nearest_that_can() {
    let world = world();
    let folder = world.path();
    ends(&drsync(folder, &[], &["runbook", "orders", "--to-cut", "orders:1"]), 0);
    // The first version of a replica is gone.
    let replica = folder.join("west/sync/main/shop/orders");
    let first =
        std::fs::read_to_string(replica.join("_delta_log/00000000000000000000.json")).unwrap();
    let second =
        std::fs::read_to_string(replica.join("_delta_log/00000000000000000001.json")).unwrap();
    let removed = second.lines().find_map(|line| {
        let action: Value = serde_json::from_str(line).ok()?;
        Some(action["remove"]["path"].as_str()?.to_owned())
    });
    let file = removed.unwrap_or_else(|| {
        let line = first.lines().find(|line| line.contains("\"add\"")).unwrap();
        let action: Value = serde_json::from_str(line).unwrap();
        action["add"]["path"].as_str().unwrap().to_owned()
    });
    std::fs::remove_file(replica.join(file)).unwrap();
    let refused = drsync(folder, &[], &["runbook", "--to-cut", "orders:1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(7), "{said}");
    assert!(said.contains("cut 1 of orders cannot be read"), "{said}");
    assert!(said.contains("drsync runbook orders --to-cut 'orders:2'"), "{said}");
    let refused = drsync(folder, &[], &["runbook", "--to-cut", "orders:9"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the cut log has no such cut"));
    // Whoever asked for other groups as well has their page.
    let both = ["runbook", "orders", "reference_data", "--to-cut", "orders:1"];
    let output = drsync(folder, &[], &both);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("orders is left out: cut 1 of orders cannot be read"), "{said}");
    let page = ends(&output, 7);
    let all = steps(&page, "python");
    let of_orders = |step: &Step| step.text.contains("west/sync/main/shop/orders");
    assert!(!all.is_empty() && !all.iter().any(of_orders), "{page}");
    assert!(page.contains("drsync runbook orders --to-cut 'orders:2'"), "{page}");
    let unknown = drsync(folder, &[], &["runbook", "ordres"]);
    assert_eq!(unknown.status.code(), Some(64));
}

#[test]
fn a_fence_that_only_a_record_knows_is_undone_by_no_runbook() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = world();
    let folder = world.path();
    let here = |arguments: &[&str]| drsync(folder, &[], arguments);
    let logs = ["east", "west"].map(|side| folder.join(side).join("sync/_drsync/sync_cuts"));
    copy(&logs[1], &folder.join("yesterday"));
    let page = ends(&here(&["runbook", "orders"]), 0);
    let fence = steps(&page, "python").into_iter().find(|step| step.is("Fence")).unwrap();
    assert_eq!(done(&python, &fence), "1 row\n");
    ends(&here(&["apply", "--auto-approve"]), 11);
    for log in &logs {
        std::fs::remove_dir_all(log).unwrap();
        copy(&folder.join("yesterday"), log);
    }
    let page = ends(&here(&["runbook", "orders"]), 7);
    assert_eq!(steps(&page, "python").len(), 0, "{page}");
    assert!(page.contains("recorded that west is active (cut 3, epoch 1)"), "{page}");
    // What is offered makes the log say what it lacks, and touches no replica.
    let fence = steps(&page, "text").into_iter().next().unwrap();
    assert_eq!(done(&python, &fence), "1 row\n");
    ends(&here(&["apply", "--auto-approve"]), 11);
}

#[test]
fn a_newest_cut_that_lacks_a_file_is_brought_back_by_no_runbook() {
    let world = world();
    let folder = world.path();
    let here = |arguments: &[&str]| drsync(folder, &[], arguments);
    let replica = folder.join("west/sync/main/shop/orders");
    let log = files(&replica.join("_delta_log"));
    let newest = log.iter().rev().find_map(|(path, _)| {
        let commit = std::fs::read_to_string(path).ok()?;
        let actions = commit.lines().map(serde_json::from_str::<Value>);
        let mut added =
            actions.flatten().filter_map(|action| Some(action["add"]["path"].as_str()?.to_owned()));
        added.next_back()
    });
    std::fs::remove_file(replica.join(newest.unwrap())).unwrap();
    let page = ends(&here(&["runbook"]), 7);
    let of_orders = |step: &Step| step.text.contains("west/sync/main/shop/orders");
    let all = steps(&page, "python");
    assert!(!all.is_empty() && !all.iter().any(of_orders), "{page}");
    assert!(page.contains("cannot be read whole: main.shop.orders"), "{page}");
    assert!(page.contains("drsync runbook orders --to-cut"), "{page}");
    let page = ends(&here(&["runbook", "orders", "--to-cut", "orders:1"]), 0);
    assert!(steps(&page, "python").iter().any(of_orders), "{page}");
    // Where none can be read nothing is fenced for it.
    for (path, _) in files(&replica) {
        if path.extension().is_some_and(|end| end == "parquet") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let page = ends(&here(&["runbook", "orders"]), 7);
    assert_eq!(steps(&page, "python").len(), 0, "{page}");
    assert!(page.contains("no other cut of the group can be read either"), "{page}");
}

#[test]
fn where_the_cut_turns_out_to_lack_a_file_after_the_fence_the_one_before_it_is_taken() {
    let Some(python) = python("deltalake, pyarrow") else {
        return;
    };
    let world = world();
    let folder = world.path();
    let here = |arguments: &[&str]| drsync(folder, &[], arguments);
    // `orders` has two cuts; a file that the second one alone needs is gone after the page was made.
    let page = ends(&here(&["runbook", "orders"]), 0);
    let replica = folder.join("west/sync/main/shop/orders");
    let second =
        std::fs::read_to_string(replica.join("_delta_log/00000000000000000001.json")).unwrap();
    let added = second.lines().find_map(|line| {
        let action: Value = serde_json::from_str(line).ok()?;
        Some(action["add"]["path"].as_str()?.to_owned())
    });
    std::fs::remove_file(replica.join(added.unwrap())).unwrap();
    std::fs::rename(folder.join("east"), folder.join("gone")).unwrap();
    let follow = |page: &str, whole: bool| {
        let mut fences = 0;
        for step in steps(page, "python") {
            let output = run(&python, &step.text);
            let said = String::from_utf8(output.stdout).unwrap();
            if step.is("Fence") {
                assert_eq!(said, "1 row\n");
                fences += 1;
            } else if step.is("Check") {
                assert_eq!(said.lines().all(|line| line.starts_with("True ")), whole, "{said}");
            }
        }
        assert_eq!(fences, 1);
    };
    follow(&page, false);
    let page = ends(&here(&["runbook", "orders"]), 0);
    assert!(page.contains("drsync runbook orders --to-cut 'orders:1'"), "{page}");
    let refused = here(&["runbook", "orders", "--to-cut", "orders:2"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(7), "{said}");
    assert!(said.contains("drsync runbook orders --to-cut 'orders:1'"), "{said}");
    let page = ends(&here(&["runbook", "orders", "--to-cut", "orders:1"]), 0);
    assert!(page.contains("what was written there is taken away"), "{page}");
    follow(&page, true);
    let status = ends(&here(&["status"]), 8);
    assert!(status.contains("cut 2, "), "what was given up: {status}");
    let json: Value = serde_json::from_slice(&here(&["status", "--json"]).stdout).unwrap();
    let over = &json["workspaces"][0]["groups"][0]["failed_over"];
    assert_eq!(over["given_up"], serde_json::json!({"first": 2, "last": 2}), "{over:#}");
    assert_eq!((&over["epoch"], &over["active"]), (&2.into(), &"west".into()), "{over:#}");
    // The way home follows it as it would the first.
    std::fs::rename(folder.join("gone"), folder.join("east")).unwrap();
    ends(&here(&["apply", "--auto-approve"]), 11);
    let home = steps(&ends(&here(&["runbook", "--come-back", "orders"]), 0), "python");
    assert_eq!(done(&python, &home[0]), "1 row\n");
    let plan = ends(&here(&["plan"]), 0);
    assert!(!plan.contains("ledger_diverged"), "{plan}");
}
