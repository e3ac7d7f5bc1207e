//! What the head of a file says of its limit is so: whoever reads the head alone knows what the file may touch.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of which every file is pure and says so. What is beside them may say so, too.
const PURE: [&str; 11] = [
    "config", "history", "ledger", "metrics", "notify", "plan", "record", "region", "runbook",
    "schedule", "sql",
];

/// What of these is not: it reads files, or speaks to servers.
const NOT_PURE: [&str; 3] = ["config/load.rs", "notify/deliver.rs", "notify/deliver/"];

/// By what a file touches the world: disk, network, environment, clock, terminal, other processes and threads.
const WORLD: [&str; 19] = [
    "std::fs",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "crate::cli",
    "crate::files",
    "crate::off_thread",
    "canonicalize(",
    "reqwest::",
    "tokio::",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
    "println!",
    "print!",
];

/// What is asked of a region that changes something there, and which files alone ask it, of those above the regions.
const WRITING: [(&str, &[&str]); 11] = [
    ("append_cuts", &["apply/site.rs"]),
    ("deep_clone", &["apply/table.rs"]),
    ("write_rows", &["apply/site.rs", "apply/site/healing.rs"]),
    ("create_ledger", &["apply/site/healing.rs"]),
    ("clone_ledger", &["apply/site/healing.rs"]),
    ("put_aside", &["apply/site/healing.rs"]),
    ("mend", &["apply/site/healing.rs"]),
    ("register", &["apply/registration.rs"]),
    ("clean_logs", &["apply/group.rs"]),
    ("clear_left_over", &["apply/group.rs"]),
    ("keep_evidence", &["apply/evidence.rs", "cli/runbook.rs", "cli/tell.rs"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of drsync by its path below `src`, without those of tests, with its head and its code.
fn files() -> Vec<(String, String, String)> {
    let (root, mut found, mut folders) = (source(), Vec::new(), vec![source()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.contains("tests") {
                let text = fs::read_to_string(&path).unwrap();
                let head: Vec<&str> =
                    text.lines().take_while(|line| line.starts_with("//!")).collect();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap().lines();
                let code: Vec<&str> =
                    code.filter(|line| !line.trim_start().starts_with("//")).collect();
                found.push((name, head.join("\n"), code.join("\n")));
            }
        }
    }
    found
}

fn is_promised(name: &str) -> bool {
    let module = name.split(['/', '.']).next().unwrap();
    PURE.contains(&module) && !NOT_PURE.iter().any(|other| name.starts_with(other))
}

/// Whether a head says that nothing but what a file is given decides what it yields.
fn says_pure(head: &str) -> bool {
    head.contains("Pure.") || head.contains("Pure:")
}

#[test]
fn every_file_of_a_pure_module_says_that_it_is() {
    let silent: BTreeSet<String> = files()
        .into_iter()
        .filter(|(name, head, _)| is_promised(name) && !says_pure(head))
        .map(|(name, _, _)| name)
        .collect();
    assert!(silent.is_empty(), "they do not say that they are pure: {silent:#?}");
    for other in NOT_PURE {
        assert!(source().join(other).exists(), "{other} is not there");
    }
}

#[test]
fn whoever_says_that_it_is_pure_touches_nothing() {
    let mut said = 0;
    for (name, head, code) in files() {
        if says_pure(&head) {
            said += 1;
            let touched: Vec<&&str> = WORLD.iter().filter(|it| code.contains(**it)).collect();
            assert!(touched.is_empty(), "{name} says that it is pure and uses {touched:?}");
        }
    }
    assert!(said > 150, "{said} files say so");
}

#[test]
fn each_change_of_a_region_is_asked_for_by_the_files_that_say_so() {
    let above = ["apply", "cli", "history", "metrics", "notify", "observe", "plan", "render"];
    let files = files();
    for (asked, by) in WRITING {
        let call = format!(".{asked}(");
        let callers = files.iter().filter(|(name, _, code)| {
            above.contains(&name.split(['/', '.']).next().unwrap()) && code.contains(&call)
        });
        let callers: BTreeSet<&str> = callers.map(|(name, _, _)| name.as_str()).collect();
        let asking: BTreeSet<&str> = by.iter().copied().collect();
        assert_eq!(callers, asking, "who asks a region to {asked}");
        for (name, head, _) in files.iter().filter(|(name, _, _)| asking.contains(name.as_str())) {
            assert!(head.to_lowercase().contains("only "), "{name} does not say that only it does");
        }
    }
}
