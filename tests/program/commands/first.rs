//! The first hour of a new user: slips of the command line, a plan that is to be kept, a configuration from files.

use std::path::Path;

use serde_json::Value;

use super::program::{code, drsync, stderr, stdout, world};
use crate::support::runner;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

#[test]
fn one_dash_before_a_long_name_is_refused_and_writes_nothing() {
    let world = world();
    let before = names(world.path());
    for (line, right) in [
        (&["plan", "-out=FILE"][..], "--out=FILE"),
        (&["plan", "-out", "FILE"], "--out"),
        (&["plan", "–out=FILE"], "--out=FILE"),
        (&["apply", "-auto-approve"], "--auto-approve"),
        (&["-json", "plan"], "--json"),
        (&["status", "-only=orders"], "--only=orders"),
    ] {
        let refused = drsync(world.path(), line);
        assert_eq!(code(&refused), 64, "{line:?}");
        let told = stderr(&refused);
        assert!(told.contains(&format!("a long name has two dashes: {right}\n")), "{told}");
    }
    assert_eq!(names(world.path()), before);
}

#[test]
fn a_plan_that_is_not_kept_tells_the_command_that_keeps_it() {
    let world = world();
    let kept = |arguments: &[&str]| {
        let told = stderr(&drsync(world.path(), arguments));
        told.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(kept(&["plan"]), "drsync plan --out plan.json");
    assert_eq!(
        kept(&["plan", "--only", "ord*", "--now", "orders"]),
        "drsync plan --only 'ord*' --now orders --out plan.json"
    );
    for silent in [&["plan", "--quiet"][..], &["plan", "--json"], &["plan", "--out", "p.json"]] {
        assert_eq!(kept(silent), "", "{silent:?}");
    }
}

#[test]
fn groups_are_chosen_by_patterns_too() {
    let world = world();
    let decided = |arguments: &[&str]| {
        let plan = drsync(world.path(), &[&["plan", "--json"], arguments].concat());
        let plan: Value = serde_json::from_slice(&plan.stdout).expect("a plan");
        let groups = plan["workspaces"][0]["groups"].as_array().cloned().unwrap_or_default();
        let names = groups.iter().filter_map(|group| group["name"].as_str().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    assert_eq!(decided(&["--only", "*_*"]), ["reference_data", "customer_360"]);
    assert_eq!(decided(&["--exclude", "*er*"]), Vec::<String>::new());
    assert_eq!(decided(&["--only", "order?"]), ["orders"]);
    let unfit = drsync(world.path(), &["plan", "--only", "zz*"]);
    assert_eq!(code(&unfit), 64);
    assert!(stderr(&unfit).contains("--only zz*: no such group"), "{}", stderr(&unfit));
}

#[test]
fn an_acceptance_that_fits_nothing_is_refused_before_any_region_is_asked() {
    let world = world();
    let accept = |scope: &str| {
        let risk = format!("source_shrank:{scope}");
        drsync(world.path(), &["plan", "--accept", &risk, "--reason", "known", "--json"])
    };
    let refused = accept("shop.order");
    assert_eq!(code(&refused), 64);
    assert!(stderr(&refused).contains("nearest: shop.orders"), "{}", stderr(&refused));
    let plan: Value = serde_json::from_slice(&accept("SHOP.`Orders`").stdout).expect("a plan");
    assert!(plan["warnings"].to_string().contains("main.shop.orders"), "{}", plan["warnings"]);
}

#[test]
fn the_files_of_a_lakehouse_become_a_configuration_that_is_valid() {
    let world = world();
    std::fs::remove_file(world.path().join("drsync.json")).expect("removed");
    let made = drsync(world.path(), &["init", "east"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let words = stderr(&made).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("orders orders_job 3 tables"), "{words}");
    let written = std::fs::read(world.path().join("drsync.json")).expect("written");
    let written: Value = serde_json::from_slice(&written).expect("JSON");
    let schema = world.path().join(written["$schema"].as_str().expect("an address"));
    assert!(schema.is_file(), "an editor finds the schema");
    let workspace = &written["workspaces"][0];
    assert_eq!(workspace["workspace_name"], "east");
    assert_eq!(workspace["secondary_workspace_instance_url"], "west");
    let groups = workspace["sync_groups"].as_array().expect("groups");
    let of = |group: &Value| {
        let tables = group["tables"].as_array().map_or(0, Vec::len);
        (group["group_name"].as_str().unwrap_or("").to_owned(), group["workflow"].clone(), tables)
    };
    assert_eq!(
        groups.iter().map(of).collect::<Vec<_>>(),
        [
            ("customer_360".to_owned(), "customer_360_job".into(), 3),
            ("orders".to_owned(), "orders_job".into(), 3),
            ("no_workflow".to_owned(), Value::Null, 2),
        ]
    );
    let valid = drsync(world.path(), &["validate", "--offline"]);
    assert_eq!(code(&valid), 0, "{}", stderr(&valid));
    let planned = drsync(world.path(), &["plan"]);
    assert_eq!(code(&planned), 0, "{}", stderr(&planned));
}

#[test]
fn a_lakehouse_alone_leaves_the_other_side_to_be_filled_in() {
    let world = world();
    for gone in ["drsync.json", "west"] {
        let path = world.path().join(gone);
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
    }
    let made = drsync(world.path(), &["init", "./east/"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    assert!(stdout(&made).contains("fill in what stands in <…>"), "{}", stdout(&made));
    let mistakes = drsync(world.path(), &["validate", "--offline"]);
    assert_eq!(code(&mistakes), 78);
    assert!(stdout(&mistakes).contains("sync_location_secondary"), "{}", stdout(&mistakes));
}

#[test]
fn codes_are_explained_and_one_that_is_not_known_names_the_nearest() {
    let here = Path::new("/");
    let told = drsync(here, &["explain", "replica_changed"]);
    assert_eq!(code(&told), 0, "{}", stderr(&told));
    assert!(stdout(&told).starts_with("finding  replica_changed\n"), "{}", stdout(&told));
    assert!(stdout(&drsync(here, &["explain", "4"])).starts_with("exit 4  partial"));
    let listed = stdout(&drsync(here, &["explain"]));
    for told in ["finding\n  ", "replica_changed,", "crash_consistent,", "exit status\n  0, 1, 2,"]
    {
        assert!(listed.contains(told), "{told}: {listed}");
    }
    assert!(listed.lines().all(|line| line.len() <= 80), "{listed}");
    let unknown = drsync(here, &["explain", "replica_chnged"]);
    assert_eq!(code(&unknown), 64);
    assert!(stderr(&unknown).contains("nearest: replica_changed"), "{}", stderr(&unknown));
}

#[test]
fn help_names_common_flags_and_shows_examples_and_fits_the_screen() {
    let here = Path::new("/");
    for command in ["plan", "apply", "sandbox", "history", "explain"] {
        let help = stdout(&drsync(here, &[command, "--help"]));
        assert!(help.contains("Examples:\n  drsync "), "{help}");
        assert!(help.contains("Common flags: --config, "), "{help}");
        assert!(!help.contains("--parallelism <N>"), "by name only: {help}");
        let wide = |help: &str, most: usize| {
            help.lines().find(|line| line.chars().count() > most).map(str::to_owned)
        };
        assert_eq!(wide(&help, 80), None, "as wide as text where there is no terminal");
        let narrow = runner::drsync(here, &[command, "--help"]).env("COLUMNS", "60").output();
        let narrow = stdout(&narrow);
        let lines: Vec<&str> =
            narrow.lines().filter(|line| !line.starts_with("  drsync ")).collect();
        assert_eq!(wide(&lines.join("\n"), 60), None, "but for what is copied");
    }
    let flags = stdout(&drsync(here, &["help", "flags"]));
    assert!(flags.contains("--parallelism <N>") && flags.contains("--only <GROUP>"), "{flags}");
}

#[test]
fn a_manual_page_has_exit_status_environment_files_and_examples() {
    for arguments in [&["man"][..], &["man", "plan"]] {
        let page = stdout(&drsync(Path::new("/"), arguments));
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
            assert!(
                page.contains(&format!(".SH \"{section}\""))
                    || page.contains(&format!(".SH {section}")),
                "{section}: {page}"
            );
        }
    }
}

/// What a shell is offered for the last word.
fn completed(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut line = vec!["--", "drsync"];
    line.extend(words);
    let shell = runner::drsync(folder, &line)
        .env("DRSYNC_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let text = stdout(&shell.output());
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_shell_is_told_groups_tables_codes_and_runs_of_here() {
    let world = world();
    let here = world.path();
    let offers = |words: &[&str], text: &str| {
        let all = completed(here, words);
        assert!(all.iter().any(|it| it == text), "{words:?}: {text} of {all:?}");
    };
    offers(&["pl"], "plan");
    offers(&["plan", "--only", "ord"], "orders");
    offers(&["plan", "--now", ""], "customer_360");
    offers(&["history", "ref"], "reference_data");
    offers(&["status", "shop."], "shop.orders");
    offers(&["plan", "--accept", "source_shrank:shop.orders"], "source_shrank:shop.orders");
    offers(&["explain", "ledger_"], "ledger_lost");
    offers(&["show", "pl"], "plan.json");
    let runs = completed(here, &["show", ".drsync/runs/"]);
    assert!(runs.iter().any(|it| it.ends_with(".run.json") || it.ends_with(".json")), "{runs:?}");
    let ids = completed(here, &["show", "0"]);
    assert!(ids.iter().any(|it| it.len() == 26), "the id of an apply: {ids:?}");
    assert_eq!(completed(Path::new("/"), &["plan", "--only", ""]), Vec::<String>::new());
}
