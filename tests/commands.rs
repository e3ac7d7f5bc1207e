//! Commands from outside: what they print where, and how they end.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The moment at which every command here runs.
const NOW: &str = "2026-11-22T11:00:00Z";

/// Runs drsync in a folder, without a terminal, by a clock that stands still.
fn drsync(folder: &Path, arguments: &[&str]) -> Output {
    drsync_at(NOW, folder, arguments)
}

fn drsync_at(now: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("drsync"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("DRSYNC_NOW", now)
        .env("USER", "someone")
        .stdin(Stdio::null())
        .output()
        .expect("drsync runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

/// The demo's world after its first apply: `orders` is due again, `customer_360` is blocked.
fn world() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = drsync(folder.path(), &["demo", "--dir", "."]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    folder
}

#[test]
fn the_demo_shows_the_whole_flow_in_under_45_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = drsync(folder.path(), &["demo"]);
    let text = stdout(&shown);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(text.lines().count() < 45, "{text}");
    for told in [
        "blocked  customer_360",
        "synchronized  orders",
        "~ update  main.shop.orders",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn lakehouse_folders_are_compared_file_by_file_whatever_verify_says() {
    let world = world();
    let applied = drsync(
        world.path(),
        &["apply", "--auto-approve", "--verify", "rows", "--json"],
    );
    let said = "--verify rows: lakehouse folders are compared file by file in any case";
    assert!(stderr(&applied).contains(said), "{}", stderr(&applied));
    let record = stdout(&applied);
    assert!(
        record.contains("\"level\": \"files\"") && !record.contains("\"level\": \"rows\""),
        "{record}"
    );
    let unknown = drsync(world.path(), &["apply", "--verify", "everything"]);
    assert_eq!(code(&unknown), 64);
}

#[test]
fn the_demo_leaves_a_folder_alone_that_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine"), "x").expect("written");
    assert_eq!(code(&drsync(folder.path(), &["demo", "--dir", "."])), 7);
    assert!(folder.path().join("mine").is_file());
}

#[test]
fn a_demo_is_made_again_only_where_nothing_else_lies() {
    let world = world();
    std::fs::write(world.path().join("notes.txt"), "mine").expect("written");
    let refused = drsync(world.path(), &["demo", "--dir", "."]);
    assert_eq!(code(&refused), 7);
    assert!(
        stderr(&refused).contains("notes.txt") && !stderr(&refused).contains("east,"),
        "{}",
        stderr(&refused)
    );
    let west = world.path().join("west");
    assert!(west.is_dir(), "nothing was removed");
    std::fs::remove_file(world.path().join("notes.txt")).expect("removed");
    assert_eq!(code(&drsync(world.path(), &["demo", "--dir", "."])), 0);
}

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
    assert_eq!(
        std::fs::read(folder.join("drsync.json")).expect("read"),
        before
    );
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

/// The demo's configuration with a group whose name cannot be read.
fn mistaken(folder: &Path) {
    let path = folder.join("drsync.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let groups = &mut configuration["workspaces"][0]["sync_groups"];
    groups[2] = json!({"group_nam": "customer_360", "tables": ["crm.accounts"]});
    std::fs::write(path, format!("{configuration:#}")).expect("written");
}

#[test]
fn a_mistake_that_makes_a_group_disappear_is_always_told() {
    let world = world();
    let folder = world.path();
    mistaken(folder);
    for (arguments, ends) in [
        (vec!["plan"], 0),
        (vec!["plan", "--quiet", "--detailed-exitcode"], 3),
        (
            vec!["plan", "--only", "reference_data", "--detailed-exitcode"],
            3,
        ),
        (vec!["status", "--quiet"], 0),
        (vec!["apply", "--auto-approve"], 4),
        (vec!["apply", "--auto-approve", "--quiet"], 4),
    ] {
        let output = drsync(folder, &arguments);
        let told = stderr(&output);
        assert_eq!(code(&output), ends, "{arguments:?} {told}");
        assert!(told.starts_with("drsync: drsync.json has "), "{told}");
        assert!(
            told.contains(" line ") && told.contains("workspaces[0].sync_groups[2]"),
            "{arguments:?} {told}"
        );
    }
    let printed = drsync(folder, &["plan", "--json"]);
    let plan: Value = serde_json::from_str(&stdout(&printed)).expect("JSON");
    assert_eq!(plan["kind"], "drsync.plan");
}

#[test]
fn a_plan_is_stored_shown_and_applied_exactly_once() {
    let world = world();
    let plan = drsync(world.path(), &["plan", "--out", "p.json"]);
    assert_eq!(code(&plan), 0);
    assert!(stdout(&plan).starts_with("1 group to sync, 1 blocked, 1 waiting; copies "));
    assert!(stdout(&plan).contains("\nNext: drsync apply p.json"));

    let shown = drsync(world.path(), &["show", "p.json"]);
    assert!(
        stdout(&shown).contains(", unaltered, "),
        "{}",
        stdout(&shown)
    );

    let applied = drsync(world.path(), &["apply", "p.json"]);
    assert_eq!(code(&applied), 4, "{}", stderr(&applied));
    assert!(stdout(&applied).starts_with("Partial: 1 group synchronized, 1 blocked"));
    assert!(stderr(&applied).contains(" cut      orders"));
    assert!(stderr(&applied).ends_with("drsync: partial (exit 4)\n"));

    let again = drsync(world.path(), &["apply", "p.json"]);
    assert!(
        stdout(&again)
            .starts_with("Nothing to do: this plan was applied before, orders is at cut 2")
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
        Command::new(assert_cmd::cargo::cargo_bin!("drsync"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("DRSYNC_NOW", NOW)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SERVER_URL", "https://x:hunter2@github.test")
            .env("GITHUB_REPOSITORY", "acme/dr-config")
            .env("GITHUB_RUN_ID", "7")
            .env("GITHUB_REF", "refs/pull/418/merge")
            .env("GITHUB_SHA", "f1e2d3c4b5a697887766554433221100ffeeddcc")
            .stdin(Stdio::null())
            .output()
            .expect("drsync runs")
    };
    assert_eq!(code(&in_pipeline(&["plan", "--out", "p.json"])), 0);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    let plan: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(plan["actor"], "ci:github acme/dr-config run 7");
    assert_eq!(
        plan["ci_run_url"],
        "https://github.test/acme/dr-config/actions/runs/7"
    );
    assert_eq!(
        plan["git_commit"],
        "f1e2d3c4b5a697887766554433221100ffeeddcc"
    );
    assert_eq!(plan["change"], "pull 418");
    assert!(!text.contains("hunter2"));

    let applied = in_pipeline(&["apply", "p.json", "--json"]);
    let record: Value = serde_json::from_str(&stdout(&applied)).expect("JSON");
    for key in ["actor", "ci_run_url", "git_commit", "change"] {
        assert_eq!(record[key], plan[key], "{key}");
    }
    let shown = stdout(&drsync(folder, &["show", "p.json"]));
    let run = &record["run_id"].as_str().expect("an id")[..8];
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
    assert_eq!(code(&checked), 0, "{}", stderr(&checked));
    assert!(
        stdout(&checked).contains(" can be applied: 1 group, until "),
        "{}",
        stdout(&checked)
    );
    let other = ["check", "p.json", "--expect-effect", "0123456789abcdef"];
    assert_eq!(code(&drsync(folder, &other)), 10);
    let late = drsync_at("2026-12-22T11:00:00Z", folder, &["check", "p.json"]);
    assert_eq!(code(&late), 5);
    assert!(
        stdout(&late).ends_with("\ndrsync plan --out p.json\n"),
        "{}",
        stdout(&late)
    );
    std::fs::write(
        folder.join("altered.json"),
        text.replace("\"orders\"", "\"others\""),
    )
    .expect("written");
    assert_eq!(code(&drsync(folder, &["check", "altered.json"])), 10);
    assert_eq!(
        code(&drsync(folder, &["diff", "p.json", "altered.json"])),
        10
    );
    assert_eq!(code(&drsync(folder, &["check", "missing.json"])), 65);

    let later = drsync_at("2026-11-22T11:05:00Z", folder, &["plan", "--out", "q.json"]);
    assert_eq!(code(&later), 0);
    let same = drsync(folder, &["diff", "p.json", "q.json", "--detailed-exitcode"]);
    assert_eq!(code(&same), 0, "{}", stdout(&same));
    assert!(stdout(&same).starts_with("Same effect ") && stdout(&same).lines().count() == 1);
    drsync(folder, &["plan", "--exclude", "orders", "--out", "q.json"]);
    let changed = drsync(folder, &["diff", "p.json", "q.json", "--detailed-exitcode"]);
    assert_eq!(code(&changed), 2);
    assert!(
        stdout(&changed).contains("\ngone     "),
        "{}",
        stdout(&changed)
    );

    let card = drsync(folder, &["show", "p.json", "--table", "shop.orders"]);
    assert!(
        stdout(&card).starts_with("main.shop.orders: update, in orders\n"),
        "{}",
        stdout(&card)
    );
    assert!(stdout(&card).contains("\nCREATE OR REPLACE TABLE delta.`"));
    let nearest = drsync(folder, &["show", "p.json", "--table", "main.shop.order"]);
    assert_eq!(code(&nearest), 64);
    assert!(
        stderr(&nearest).contains("nearest: main.shop.orders"),
        "{}",
        stderr(&nearest)
    );

    drsync(folder, &["apply", "p.json"]);
    let done = drsync(folder, &["check", "p.json"]);
    assert_eq!(code(&done), 0);
    assert!(
        stdout(&done).contains(" was completed: 1 group overtaken"),
        "{}",
        stdout(&done)
    );
}

#[test]
fn markdown_is_a_comment_within_its_budget() {
    let world = world();
    let folder = world.path();
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    for (arguments, marker) in [
        (
            vec!["plan", "--format", "markdown"],
            "<!-- drsync:plan scope=east -->\n### drsync: ",
        ),
        (
            vec!["plan", "--changed", "--format", "markdown"],
            "<!-- drsync:plan scope=east -->\n### drsync: ",
        ),
        (
            vec!["show", "p.json", "--format", "markdown"],
            "<!-- drsync:show scope=east -->\n### drsync: ",
        ),
        (
            vec!["status", "--format", "markdown"],
            "<!-- drsync:status scope=east -->\n### drsync: ",
        ),
    ] {
        let output = drsync(folder, &arguments);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).starts_with(marker), "{}", stdout(&output));
        let short = drsync(folder, &[&arguments[..], &["--budget", "3000"]].concat());
        assert!(short.stdout.len() <= 3_000, "{arguments:?}");
    }
    for mistake in [
        vec!["plan", "--budget", "9000"],
        vec!["plan", "--format", "markdown", "--budget", "10"],
        vec!["validate", "--format", "markdown"],
        vec![
            "show", "p.json", "--table", "orders", "--format", "markdown",
        ],
    ] {
        assert_eq!(code(&drsync(folder, &mistake)), 64, "{mistake:?}");
    }
}

#[test]
fn json_is_one_document_whatever_the_command() {
    let world = world();
    for (arguments, kind) in [
        (vec!["plan", "--json"], "drsync.plan"),
        (vec!["status", "--json"], "drsync.status"),
        (vec!["validate", "--json"], "drsync.validation"),
        (vec!["validate", "--offline", "--json"], "drsync.validation"),
        (vec!["history", "--json"], "drsync.history"),
        (vec!["plan", "--out", "p.json", "--json"], "drsync.plan"),
        (vec!["check", "p.json", "--json"], "drsync.check"),
        (vec!["diff", "p.json", "p.json", "--json"], "drsync.diff"),
        (vec!["apply", "--auto-approve", "--json"], "drsync.run"),
        (vec!["apply", "--auto-approve", "--json"], "drsync.run"),
        (vec!["plan", "--json", "--only", "nobody"], "drsync.error"),
        (vec!["show", "nothing.json", "--json"], "drsync.error"),
        (vec!["nonsense", "--json"], "drsync.error"),
    ] {
        let text = stdout(&drsync(world.path(), &arguments));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["kind"], kind, "{arguments:?}");
    }
}

#[test]
fn a_plan_that_was_stored_is_what_json_prints() {
    let world = world();
    let printed = drsync(world.path(), &["plan", "--json", "--out", "p.json"]);
    assert_eq!(
        printed.stdout,
        std::fs::read(world.path().join("p.json")).expect("stored")
    );
}

#[test]
fn history_is_chosen_and_ordered_by_when_cuts_were_committed() {
    let world = world();
    let folder = world.path();
    let later = "2026-11-23T11:00:00Z";
    let applied = drsync_at(
        later,
        folder,
        &["apply", "--auto-approve", "--only", "orders"],
    );
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    // The point of cut 2 of orders is before that of the other group's cut, or at it.
    let shown = stdout(&drsync_at(later, folder, &["history"]));
    assert!(
        shown.starts_with("3 cuts; the newest is orders cut 2"),
        "{shown}"
    );
    let since = stdout(&drsync_at(
        later,
        folder,
        &["history", "--since", "2026-11-23"],
    ));
    assert!(
        since.starts_with("1 cut; the newest is orders cut 2"),
        "{since}"
    );
    let until = stdout(&drsync_at(
        later,
        folder,
        &["history", "--until", "2026-11-22"],
    ));
    assert!(until.starts_with("2 cuts; "), "{until}");
}

#[test]
fn nothing_is_applied_that_nobody_approved() {
    let world = world();
    let refused = drsync(world.path(), &["apply"]);
    assert_eq!(code(&refused), 7);
    assert!(
        stderr(&refused).contains("\ndrsync apply --auto-approve\n"),
        "{}",
        stderr(&refused)
    );
    assert!(stderr(&refused).ends_with("drsync: refused (exit 7)\n"));
}

#[test]
fn every_way_in_which_a_stored_plan_cannot_be_used_has_its_status() {
    let world = world();
    let folder = world.path();
    drsync(folder, &["plan", "--out", "p.json"]);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    std::fs::write(
        folder.join("altered.json"),
        text.replace("\"orders\"", "\"others\""),
    )
    .expect("written");
    std::fs::write(folder.join("other.json"), "{}").expect("written");
    let ends = |arguments: &[&str]| code(&drsync(folder, arguments));
    assert_eq!(ends(&["apply", "altered.json"]), 10);
    assert_eq!(ends(&["show", "altered.json"]), 10);
    // Read before the digest: what is of a later drsync is not called altered.
    let later = text.replace("\"format_version\": \"1.0\"", "\"format_version\": \"2.0\"");
    std::fs::write(folder.join("later.json"), later).expect("written");
    assert_eq!(ends(&["show", "later.json"]), 65);
    assert_eq!(ends(&["apply", "later.json"]), 65);
    let early = drsync_at("2026-11-21T11:00:00Z", folder, &["apply", "p.json"]);
    assert_eq!(code(&early), 10, "{}", stderr(&early));
    assert_eq!(ends(&["apply", "other.json"]), 65);
    assert_eq!(ends(&["apply", "missing.json"]), 65);
    assert_eq!(
        ends(&["apply", "p.json", "--expect-effect", "0123456789abcdef"]),
        10
    );
    assert_eq!(ends(&["apply", "p.json", "--expect-effect", "0123"]), 64);
    assert_eq!(ends(&["apply", "p.json", "--only", "orders"]), 64);
    let late = drsync_at("2026-12-22T11:00:00Z", folder, &["apply", "p.json"]);
    assert_eq!(code(&late), 5);
    assert!(
        stderr(&late).contains("\ndrsync plan --out p.json\n"),
        "{}",
        stderr(&late)
    );

    let effect: Value = serde_json::from_str(&text).expect("JSON");
    let effect = effect["effect_sha256"]
        .as_str()
        .expect("an effect")
        .to_owned();
    assert_eq!(
        ends(&["apply", "p.json", "--expect-effect", &effect[..16]]),
        4
    );
}

#[test]
fn detailed_exit_codes_tell_blocked_from_changed() {
    let world = world();
    let ends = |arguments: &[&str]| code(&drsync(world.path(), arguments));
    assert_eq!(ends(&["plan", "--detailed-exitcode"]), 3);
    assert_eq!(
        ends(&["plan", "--detailed-exitcode", "--only", "orders"]),
        2
    );
    assert_eq!(
        ends(&["plan", "--detailed-exitcode", "--only", "reference_data"]),
        0
    );
    assert_eq!(ends(&["validate"]), 3);
    assert_eq!(ends(&["validate", "--offline"]), 0);
}

#[test]
fn a_group_that_is_not_there_is_a_mistake_and_the_nearest_is_named() {
    let world = world();
    for arguments in [
        ["plan", "--only", "ordres"],
        ["plan", "--exclude", "ordres"],
        ["plan", "--now", "ordres"],
    ] {
        let output = drsync(world.path(), &arguments);
        assert_eq!(code(&output), 64);
        assert!(
            stderr(&output).contains("nearest: orders"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn remedies_are_one_script() {
    let world = world();
    let script = stdout(&drsync(world.path(), &["validate", "--sql"]));
    assert_eq!(
        script,
        "-- table_not_readable main.crm.contacts customer_360\n\
         GRANT SELECT ON TABLE main.crm.contacts TO `dr-sync@example.com`;\n"
    );
}

#[test]
fn with_the_secondary_away_status_and_history_still_answer() {
    let world = world();
    std::fs::rename(world.path().join("west"), world.path().join("gone")).expect("moved");
    let status = drsync(world.path(), &["status"]);
    assert_eq!(code(&status), 0);
    assert!(stdout(&status).starts_with("Secondary region not available; "));
    assert!(stdout(&drsync(world.path(), &["history"])).contains("the secondary does not answer"));
    let applied = drsync(world.path(), &["apply", "--auto-approve"]);
    assert_eq!(code(&applied), 8);
    assert_eq!(
        stdout(&applied)
            .matches("Secondary region not available")
            .count(),
        1
    );
    assert!(stderr(&applied).ends_with("drsync: secondary region not available (exit 8)\n"));
    assert!(
        !world.path().join("west").exists(),
        "its root is never made"
    );
}

#[test]
fn with_the_primary_away_status_and_history_still_answer() {
    let world = world();
    std::fs::rename(world.path().join("east"), world.path().join("gone")).expect("moved");
    let status = drsync(world.path(), &["status"]);
    assert_eq!(code(&status), 8);
    assert!(stdout(&status).starts_with(
        "Primary region not available; 2 of 3 groups can be brought to a cut right now\n"
    ));
    assert!(stdout(&drsync(world.path(), &["history"])).contains("the primary does not answer"));
    assert_eq!(code(&drsync(world.path(), &["plan"])), 8);
}

#[test]
fn events_are_lines_of_json_and_the_summary_is_the_last() {
    let world = world();
    let applied = drsync(world.path(), &["apply", "--auto-approve", "--events", "-"]);
    let events: Vec<Value> = stdout(&applied)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        events.first().map(|event| &event["event"]),
        Some(&json!("started"))
    );
    assert_eq!(
        events.last().map(|event| &event["event"]),
        Some(&json!("summary"))
    );
    let both = ["apply", "--auto-approve", "--events", "-", "--json"];
    assert_eq!(code(&drsync(world.path(), &both)), 64);
}

#[test]
fn a_new_configuration_is_written_once_and_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ends = |arguments: &[&str]| code(&drsync(folder.path(), arguments));
    assert_eq!(ends(&["plan"]), 78);
    assert_eq!(ends(&["init"]), 0);
    assert_eq!(ends(&["init"]), 7);
    let checked = drsync(folder.path(), &["validate"]);
    assert_eq!(code(&checked), 78);
    assert!(
        stdout(&checked).contains("workspaces[0].workspace_instance_url"),
        "{}",
        stdout(&checked)
    );
    assert_eq!(
        stdout(&drsync(folder.path(), &["init", "--stdout"]))
            .lines()
            .next(),
        Some("{")
    );
}

/// A configuration of a Databricks workspace.
fn databricks(folder: &Path) {
    let configuration = json!({
        "secret_scope": "",
        "workspaces": [{
            "workspace_name": "east",
            "workspace_instance_url": "https://adb-1.test",
            "workspace_pat_key": "",
            "sync_location_primary": "abfss://dr@east.test/sync",
            "sync_location_secondary": "abfss://dr@west.test/sync",
            "sync_failure_notification": "ops@example.com",
            "sync_success_notification": "ops@example.com",
            "sync_default_schedule": "0 */12 * * *",
            "sync_max_retries": 3,
            "sync_groups": [{
                "group_name": "g", "group_owner_email": "o@example.com", "tables": ["main.a.b"],
            }],
        }],
    });
    std::fs::write(folder.join("drsync.json"), configuration.to_string()).expect("written");
}

#[test]
fn a_databricks_workspace_without_credentials_is_not_signed_in_to_and_keeps_its_own_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    databricks(folder.path());
    let refused = drsync_at("", folder.path(), &["plan"]);
    assert_eq!(code(&refused), 77, "{}", stderr(&refused));
    let said = stderr(&refused);
    assert!(said.contains("DRSYNC_TOKEN_EAST is not set"), "{said}");
    let clock = drsync(folder.path(), &["plan"]);
    assert_eq!(code(&clock), 64);
    assert!(stderr(&clock).contains("DRSYNC_NOW"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = world();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("drsync"))
        .args(["plan", "--json"])
        .current_dir(world.path())
        .env("DRSYNC_NOW", NOW)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drsync runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[test]
fn help_and_version_are_answers_and_mistakes_are_64() {
    let folder = tempfile::tempdir().expect("a folder");
    let ends = |arguments: &[&str]| code(&drsync(folder.path(), arguments));
    for answer in [
        vec!["--help"],
        vec!["--version"],
        vec!["help", "exit-codes"],
        vec!["help", "plan"],
        vec!["man"],
    ] {
        assert_eq!(ends(&answer), 0, "{answer:?}");
    }
    for mistake in [
        vec![],
        vec!["nonsense"],
        vec!["plan", "--nonsense"],
        vec!["help", "nonsense"],
    ] {
        assert_eq!(ends(&mistake), 64, "{mistake:?}");
    }
}

#[test]
fn a_run_record_is_shown_as_text_with_its_plan_and_as_html_alone() {
    let world = world();
    let folder = world.path();
    let runs = std::fs::read_dir(folder.join(".drsync/runs")).expect("a folder");
    let paths = runs.map(|entry| entry.expect("an entry").path());
    let (plans, records): (Vec<_>, Vec<_>) =
        paths.partition(|path| path.to_string_lossy().ends_with(".plan.json"));
    let record = records[0].display().to_string();
    let shown = drsync(folder, &["show", &record]);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(
        stdout(&shown).starts_with("Partial: "),
        "{}",
        stdout(&shown)
    );
    std::fs::remove_file(&plans[0]).expect("removed");
    let without = drsync(folder, &["show", &record]);
    assert_eq!(code(&without), 65);
    assert!(stderr(&without).contains("--format html and --json show the record alone"));
    let page = drsync(folder, &["show", &record, "--format", "html"]);
    assert_eq!(code(&page), 0, "{}", stderr(&page));
    assert!(stdout(&page).starts_with("<!DOCTYPE html><html lang=\"en\">"));
    let bytes = std::fs::read_to_string(&record).expect("read");
    assert_eq!(stdout(&drsync(folder, &["show", &record, "--json"])), bytes);
}

#[test]
fn html_is_for_plan_show_and_history_only() {
    let world = world();
    let folder = world.path();
    for command in [
        &["plan", "--format", "html"][..],
        &["show", "plan.json", "--format", "html"],
        &["history", "--format", "html"],
    ] {
        let page = drsync(folder, command);
        assert_eq!(code(&page), 0, "{}", stderr(&page));
        assert!(stdout(&page).contains("Content-Security-Policy"));
    }
    for command in ["status", "validate", "apply"] {
        let refused = drsync(folder, &[command, "--format", "html"]);
        assert_eq!(code(&refused), 64, "{command}");
        assert!(stdout(&refused).is_empty());
        let said = stderr(&refused);
        assert!(
            said.contains("--format html is for plan, show and history"),
            "{said}"
        );
    }
    let card = ["show", "plan.json", "--table", "orders", "--format", "html"];
    assert_eq!(code(&drsync(folder, &card)), 64);
}
