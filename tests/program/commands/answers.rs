//! What is printed in which format, and what is an answer at all.

use std::process::Stdio;

use serde_json::{Value, json};

use super::program::{NOW, code, drsync, stderr, stdout, world};

use crate::support::runner;

#[test]
fn lakehouse_folders_are_compared_file_by_file_whatever_verify_says() {
    let verified = ["apply", "--auto-approve", "--verify", "rows"];
    let applied = drsync(world().path(), &verified);
    let said = "--verify rows: lakehouse folders are compared file by file in any case";
    assert!(stderr(&applied).contains(said), "{}", stderr(&applied));
    let world = world();
    let record = stdout(&drsync(world.path(), &[&verified[..], &["--json"]].concat()));
    assert!(
        record.contains("\"level\": \"files\"") && !record.contains("\"level\": \"rows\""),
        "{record}"
    );
    let unknown = drsync(world.path(), &["apply", "--verify", "everything"]);
    assert_eq!(code(&unknown), 64);
}

#[test]
fn markdown_is_a_comment_within_its_budget() {
    let world = world();
    let folder = world.path();
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    for (arguments, marker) in [
        (vec!["plan", "--format", "markdown"], "<!-- drsync:plan scope=east -->\n### drsync: "),
        (
            vec!["plan", "--changed", "--format", "markdown"],
            "<!-- drsync:plan scope=east -->\n### drsync: ",
        ),
        (
            vec!["show", "p.json", "--format", "markdown"],
            "<!-- drsync:show scope=east -->\n### drsync: ",
        ),
        (vec!["status", "--format", "markdown"], "<!-- drsync:status scope=east -->\n### drsync: "),
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
        vec!["init", "--format", "markdown"],
        vec!["show", "p.json", "--table", "orders", "--format", "markdown"],
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
    assert_eq!(printed.stdout, std::fs::read(world.path().join("p.json")).expect("stored"));
}

#[test]
fn events_are_lines_of_json_and_the_summary_is_the_last() {
    let world = world();
    let applied = drsync(world.path(), &["apply", "--auto-approve", "--events", "-"]);
    let events: Vec<Value> =
        stdout(&applied).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events.first().map(|event| &event["event"]), Some(&json!("started")));
    assert_eq!(events.last().map(|event| &event["event"]), Some(&json!("summary")));
    let both = ["apply", "--auto-approve", "--events", "-", "--json"];
    assert_eq!(code(&drsync(world.path(), &both)), 64);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = world();
    let plan = runner::drsync(world.path(), &["plan", "--json"]).at(NOW);
    let mut child = plan.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
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
    for mistake in [vec![], vec!["nonsense"], vec!["plan", "--nonsense"], vec!["help", "nonsense"]]
    {
        assert_eq!(ends(&mistake), 64, "{mistake:?}");
    }
}

#[test]
fn the_manual_of_a_command_has_its_title_and_its_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = stdout(&drsync(folder.path(), &["man", "plan"]));
    let title = page.lines().find(|line| line.starts_with(".TH"));
    let title = title.expect("it has a title");
    assert!(
        title.starts_with(".TH drsync\\-plan 1") || title.starts_with(".TH drsync-plan 1"),
        "{title}"
    );
    assert!(!title.contains("plan \""), "{title}");
    assert!(page.contains(".SH SYNOPSIS\ndrsync plan [OPTIONS]\n.SH "), "{page}");
}

#[test]
fn the_exit_statuses_stand_in_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = stdout(&drsync(folder.path(), &["help", "exit-codes"]));
    let begins = |line: &str| {
        let name = line.get(6..)?;
        let gap = name.find("  ")?;
        Some(6 + gap + name[gap..].len() - name[gap..].trim_start().len())
    };
    let mut columns: Vec<usize> = text
        .lines()
        .filter(|line| line.get(..4).is_some_and(|code| code.trim().parse::<u8>().is_ok()))
        .filter_map(begins)
        .collect();
    assert_eq!(columns.len(), drsync::cli::ExitStatus::ALL.len(), "{text}");
    columns.dedup();
    assert_eq!(columns.len(), 1, "{text}");
}

#[test]
fn what_is_read_elsewhere_is_markdown_or_a_page() {
    let world = world();
    let folder = world.path();
    let runs = std::fs::read_dir(folder.join(".drsync/runs")).expect("a folder");
    let mut paths = runs.map(|entry| entry.expect("an entry").path().display().to_string());
    let record = paths.find(|path| !path.ends_with(".plan.json")).expect("a record");
    let commands: [(&[&str], &str); 9] = [
        (&["plan"], "plan"),
        (&["validate"], "validate"),
        (&["status"], "status"),
        (&["history"], "history"),
        (&["check", "plan.json"], "check"),
        (&["diff", "plan.json", "plan.json"], "diff"),
        (&["show", "plan.json"], "show"),
        (&["show", &record], "run"),
        (&["apply", "plan.json"], "run"),
    ];
    for (command, kind) in commands {
        let of = |format: &str| {
            let text = drsync(folder, command);
            let written = drsync(folder, &[command, &["--format", format]].concat());
            assert_eq!(code(&written), code(&text), "{command:?}: {}", stderr(&written));
            stdout(&written)
        };
        let comment = of("markdown");
        let begins = format!("<!-- drsync:{kind} scope=");
        assert!(comment.starts_with(&begins), "{command:?}: {comment}");
        assert_eq!(comment.matches("<!--").count(), 1, "{comment}");
        assert!(comment.lines().nth(1).is_some_and(|line| line.starts_with("### drsync: ")));
        let page = of("html");
        assert!(page.contains("Content-Security-Policy"), "{command:?}: {page}");
        assert_eq!(page.matches("<!DOCTYPE html>").count(), 1);
    }
    for (command, format) in [("init", "html"), ("demo", "markdown")] {
        let refused = drsync(folder, &[command, "--format", format]);
        assert_eq!(code(&refused), 64, "{command}");
        assert!(stdout(&refused).is_empty());
        let said = stderr(&refused);
        assert!(said.contains("--format markdown and html are for plan, apply"), "{said}");
    }
    let card = ["show", "plan.json", "--table", "orders", "--format", "html"];
    assert_eq!(code(&drsync(folder, &card)), 64);
}
