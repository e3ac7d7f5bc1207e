//! Stored plans and run records: shown, checked, compared, applied once.

use serde_json::Value;

use super::program::{NOW, code, drsync, drsync_at, stderr, stdout, world};

use crate::support::runner;

#[test]
fn a_plan_replaces_nothing_but_a_plan() {
    let world = world();
    let folder = world.path();
    let before = std::fs::read(folder.join("drsync.json")).expect("read");
    let refused = drsync(folder, &["plan", "--out", "drsync.json"]);
    assert_eq!(code(&refused), 7);
    assert!(
        stderr(&refused).contains("drsync.json is there already and holds no plan")
            && stderr(&refused).contains("\ndrsync plan --out plan-2.json\n"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(std::fs::read(folder.join("drsync.json")).expect("read"), before);
    std::fs::create_dir(folder.join("folder")).expect("made");
    for other in ["folder", "/dev/full"] {
        let refused = drsync(folder, &["plan", "--out", other]);
        assert_eq!(code(&refused), 7, "{other}");
        assert!(stderr(&refused).contains("is no regular file"), "{other}");
    }
    assert_eq!(code(&drsync(folder, &["plan", "--out", "-"])), 64);
    for _ in 0..2 {
        assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    }
}

#[test]
fn a_plan_is_stored_shown_and_applied_exactly_once() {
    let world = world();
    let plan = drsync(world.path(), &["plan", "--out", "p.json"]);
    assert_eq!(code(&plan), 0);
    assert!(stdout(&plan).starts_with("1 group to sync, 1 blocked, 1 waiting; copies "));
    assert!(stdout(&plan).contains("\nNext: drsync apply p.json"));

    let shown = drsync(world.path(), &["show", "p.json"]);
    assert!(stdout(&shown).contains(", unaltered, "), "{}", stdout(&shown));

    let applied = drsync(world.path(), &["apply", "p.json"]);
    assert_eq!(code(&applied), 4, "{}", stderr(&applied));
    assert!(stdout(&applied).starts_with("Partial: 1 group synchronized, 1 blocked"));
    assert!(stderr(&applied).contains(" cut      orders"));
    assert!(stderr(&applied).ends_with("drsync: partial (exit 4)\n"));

    let again = drsync(world.path(), &["apply", "p.json"]);
    assert!(
        stdout(&again).starts_with("Nothing to do: done before; 1 group blocked")
            && stdout(&again).contains("overtaken     orders"),
        "{}",
        stdout(&again)
    );
    let runs = std::fs::read_dir(world.path().join(".drsync/runs")).expect("records");
    assert_eq!(runs.count(), 6, "three applies with their plans");
}

#[test]
fn a_pipeline_is_named_in_plan_and_record_and_show_finds_the_apply() {
    let world = world();
    let folder = world.path();
    let in_pipeline = |arguments: &[&str]| {
        runner::drsync(folder, arguments)
            .at(NOW)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SERVER_URL", "https://x:hunter2@github.test")
            .env("GITHUB_REPOSITORY", "acme/dr-config")
            .env("GITHUB_RUN_ID", "7")
            .env("GITHUB_REF", "refs/pull/418/merge")
            .env("GITHUB_SHA", "f1e2d3c4b5a697887766554433221100ffeeddcc")
            .output()
    };
    assert_eq!(code(&in_pipeline(&["plan", "--out", "p.json"])), 0);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    let plan: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(plan["actor"], "ci:github acme/dr-config run 7");
    assert_eq!(plan["ci_run_url"], "https://github.test/acme/dr-config/actions/runs/7");
    assert_eq!(plan["git_commit"], "f1e2d3c4b5a697887766554433221100ffeeddcc");
    assert_eq!(plan["change"], "pull 418");
    assert!(!text.contains("hunter2"));

    let applied = in_pipeline(&["apply", "p.json", "--json"]);
    let record: Value = serde_json::from_str(&stdout(&applied)).expect("JSON");
    for key in ["actor", "ci_run_url", "git_commit", "change"] {
        assert_eq!(record[key], plan[key], "{key}");
    }
    let shown = stdout(&drsync(folder, &["show", "p.json"]));
    let run = &record["run_id"].as_str().expect("an id")[20..];
    assert!(
        shown.starts_with("Plan ") && shown.contains(&format!("; applied by {run} on 2026-11-22")),
        "{shown}"
    );
    // Another plan of the same groups was not applied, whatever else was.
    drsync(folder, &["plan", "--out", "other.json"]);
    let other = stdout(&drsync(folder, &["show", "other.json"]));
    assert!(!other.contains("applied by"), "{other}");
}

#[test]
fn a_stored_plan_is_checked_compared_and_read_table_by_table() {
    let world = world();
    let folder = world.path();
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    let plan: Value = serde_json::from_str(&text).expect("JSON");
    let effect = plan["effect_sha256"].as_str().expect("an effect");

    let checked = drsync(folder, &["check", "p.json", "--expect-effect", effect]);
    assert_eq!(code(&checked), 4, "{}", stderr(&checked));
    let shown = stdout(&checked);
    assert!(
        shown.contains(" can be applied until 2026-11-25 11:00Z: 1 group; 1 blocked\n")
            && shown
                .contains("\nblocked     customer_360     main.crm.contacts table_not_readable\n"),
        "{shown}"
    );
    let other = ["check", "p.json", "--expect-effect", "0123456789abcdef"];
    assert_eq!(code(&drsync(folder, &other)), 10);
    let late = drsync_at("2026-12-22T11:00:00Z", folder, &["check", "p.json"]);
    assert_eq!(code(&late), 5);
    assert!(stdout(&late).ends_with("\ndrsync plan --out p.json\n"), "{}", stdout(&late));
    std::fs::write(folder.join("altered.json"), text.replace("\"orders\"", "\"others\""))
        .expect("written");
    assert_eq!(code(&drsync(folder, &["check", "altered.json"])), 10);
    assert_eq!(code(&drsync(folder, &["diff", "p.json", "altered.json"])), 10);
    assert_eq!(code(&drsync(folder, &["check", "missing.json"])), 65);

    let later = drsync_at("2026-11-22T11:05:00Z", folder, &["plan", "--out", "q.json"]);
    assert_eq!(code(&later), 0);
    let same = drsync(folder, &["diff", "p.json", "q.json", "--detailed-exitcode"]);
    assert_eq!(code(&same), 0, "{}", stdout(&same));
    assert!(stdout(&same).starts_with("Same effect ") && stdout(&same).lines().count() == 1);
    drsync(folder, &["plan", "--exclude", "orders", "--out", "q.json"]);
    let changed = drsync(folder, &["diff", "p.json", "q.json", "--detailed-exitcode"]);
    assert_eq!(code(&changed), 2);
    assert!(stdout(&changed).contains("\ngone     "), "{}", stdout(&changed));

    let card = drsync(folder, &["show", "p.json", "--table", "shop.orders"]);
    assert!(
        stdout(&card).starts_with("main.shop.orders: update, in orders\n"),
        "{}",
        stdout(&card)
    );
    assert!(stdout(&card).contains("\nCREATE OR REPLACE TABLE delta.`"));
    let nearest = drsync(folder, &["show", "p.json", "--table", "main.shop.order"]);
    assert_eq!(code(&nearest), 64);
    assert!(stderr(&nearest).contains("nearest: main.shop.orders"), "{}", stderr(&nearest));

    let applied = drsync(folder, &["apply", "p.json"]);
    let done = drsync(folder, &["check", "p.json"]);
    assert_eq!(code(&done), code(&applied));
    assert!(
        stdout(&done).contains(" was applied by ")
            && stdout(&done).contains(": 1 group; 1 blocked\n"),
        "{}",
        stdout(&done)
    );
}

#[test]
fn nothing_is_applied_that_nobody_approved() {
    let world = world();
    let refused = drsync(world.path(), &["apply"]);
    assert_eq!(code(&refused), 7);
    assert!(stderr(&refused).contains("\ndrsync apply --auto-approve\n"), "{}", stderr(&refused));
    assert!(stderr(&refused).ends_with("drsync: refused (exit 7)\n"));
}

#[test]
fn every_way_in_which_a_stored_plan_cannot_be_used_has_its_status() {
    let world = world();
    let folder = world.path();
    drsync(folder, &["plan", "--out", "p.json"]);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    std::fs::write(folder.join("altered.json"), text.replace("\"orders\"", "\"others\""))
        .expect("written");
    std::fs::write(folder.join("other.json"), "{}").expect("written");
    let ends = |arguments: &[&str]| code(&drsync(folder, arguments));
    assert_eq!(ends(&["apply", "altered.json"]), 10);
    assert_eq!(ends(&["show", "altered.json"]), 10);
    // Read before the digest: what is of a later drsync is not called altered.
    let later = text.replace("\"format_version\": \"1.", "\"format_version\": \"2.");
    std::fs::write(folder.join("later.json"), later).expect("written");
    assert_eq!(ends(&["show", "later.json"]), 65);
    assert_eq!(ends(&["apply", "later.json"]), 65);
    let early = drsync_at("2026-11-21T11:00:00Z", folder, &["apply", "p.json"]);
    assert_eq!(code(&early), 10, "{}", stderr(&early));
    assert_eq!(ends(&["apply", "other.json"]), 65);
    assert_eq!(ends(&["apply", "missing.json"]), 65);
    assert_eq!(ends(&["apply", "p.json", "--expect-effect", "0123456789abcdef"]), 10);
    assert_eq!(ends(&["apply", "p.json", "--expect-effect", "0123"]), 64);
    assert_eq!(ends(&["apply", "p.json", "--only", "orders"]), 64);
    let late = drsync_at("2026-12-22T11:00:00Z", folder, &["apply", "p.json"]);
    assert_eq!(code(&late), 5);
    assert!(stderr(&late).contains("\ndrsync plan --out p.json\n"), "{}", stderr(&late));

    let effect: Value = serde_json::from_str(&text).expect("JSON");
    let effect = effect["effect_sha256"].as_str().expect("an effect").to_owned();
    assert_eq!(ends(&["apply", "p.json", "--expect-effect", &effect[..16]]), 4);
}

#[test]
fn a_run_record_is_shown_with_its_plan_and_without() {
    let world = world();
    let folder = world.path();
    let runs = std::fs::read_dir(folder.join(".drsync/runs")).expect("a folder");
    let paths = runs.map(|entry| entry.expect("an entry").path());
    let (plans, records): (Vec<_>, Vec<_>) =
        paths.partition(|path| path.to_string_lossy().ends_with(".plan.json"));
    let record = records[0].display().to_string();
    let shown = drsync(folder, &["show", &record]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).starts_with("Partial: "), "{}", stdout(&shown));
    std::fs::remove_file(&plans[0]).expect("removed");
    let without = drsync(folder, &["show", &record]);
    assert_eq!(code(&without), 0, "{}", stderr(&without));
    let (with, without) = (stdout(&shown), stdout(&without));
    for told in
        ["Partial: ", "  run         ", "  by          ", "  approval    ", "synchronized  "]
    {
        assert!(with.contains(told) && without.contains(told), "{told}: {with}{without}");
    }
    let page = drsync(folder, &["show", &record, "--format", "html"]);
    assert_eq!(code(&page), 0, "{}", stderr(&page));
    assert!(stdout(&page).starts_with("<!DOCTYPE html><html lang=\"en\">"));
    let bytes = std::fs::read_to_string(&record).expect("read");
    assert_eq!(stdout(&drsync(folder, &["show", &record, "--json"])), bytes);
}

#[test]
fn a_table_that_leaves_its_group_is_named() {
    let world = world();
    let folder = world.path();
    let path = folder.join("drsync.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let groups = &mut configuration["workspaces"][0]["sync_groups"];
    let group = groups.as_array_mut().expect("groups").iter_mut();
    let mut group = group.filter(|group| group["group_name"] == "reference_data");
    let tables = &mut group.next().expect("a group")["tables"];
    tables.as_array_mut().expect("tables").pop();
    std::fs::write(path, format!("{configuration:#}")).expect("written");
    let planned = drsync(folder, &["plan", "--changed"]);
    let text = stdout(&planned).split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "in no group any more; replicas stay and are no longer synchronized";
    assert!(text.contains(said), "{text}");
}

#[test]
fn an_apply_into_a_location_that_was_accepted_leaves_its_record_there() {
    let world = world();
    let folder = world.path();
    let file = folder.join("drsync.json");
    let text = std::fs::read_to_string(&file).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    configuration["workspaces"][0]["workspace_name"] = "other".into();
    std::fs::write(&file, configuration.to_string()).expect("written");
    let records = || {
        let kept = std::fs::read_dir(folder.join("west/sync/_drsync/evidence")).expect("evidence");
        let names = kept.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".run.json")).count()
    };
    let before = records();
    let accepted =
        ["plan", "--accept", "ledger_not_ours:orders", "--reason", "it moved", "--out", "p.json"];
    drsync(folder, &accepted);
    let applied = drsync(folder, &["apply", "p.json"]);
    assert!(stdout(&applied).contains("1 group synchronized"), "{}", stdout(&applied));
    assert_eq!(records(), before + 1, "{}", stderr(&applied));
}

#[test]
fn an_apply_is_shown_by_the_end_of_its_id_and_does_not_look_like_its_plan() {
    let world = world();
    let folder = world.path();
    let planned = drsync(folder, &["plan", "--out", "plan.json"]);
    assert_eq!(code(&planned), 0, "{}", stderr(&planned));
    let applied = stdout(&drsync(folder, &["apply", "plan.json", "--auto-approve"]));
    let (_, after) = applied.split_once("Recorded in both regions as ").expect("recorded");
    let end: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    assert_eq!(end.len(), 6, "{applied}");
    let shown = drsync(folder, &["show", &end]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(stdout(&shown).contains(&end), "{}", stdout(&shown));
    let plan = stdout(&drsync(folder, &["show", "plan.json"]));
    assert!(plan.starts_with("Plan ") && !plan.starts_with(&format!("Plan {end}")), "{plan}");
    assert!(plan.contains(&format!("applied by {end} on ")), "{plan}");
    let unknown = drsync(folder, &["show", "ZZZZZZZZ"]);
    assert_eq!(code(&unknown), 65, "{}", stderr(&unknown));
}
