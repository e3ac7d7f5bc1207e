//! Nothing that drsync writes, wherever it goes, holds an order of a stranger to a terminal or to the runner of a pipeline.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::commands::program::{drsync, world};

/// What runners, terminals and eyes obey, in one text.
const HOSTILE: &str = " ##vso[task.setvariable variable=PATH]x ##[error]e\n::error::e\r::add-mask::m\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}31m\u{85}\u{2028}\u{202e}RLO\u{2066}\u{200b}Z\u{feff}::stop::t ##teamcity[x]\u{b}::q\u{c}::w\u{7f}\u{8}\u{e0041}";

/// What of a text would be obeyed, or is not seen.
fn orders(text: &str) -> Option<String> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    let letters = |rest: &str| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        rest.starts_with('[')
    };
    if let Some((at, _)) = text.match_indices("##").find(|(at, _)| letters(&text[at + 2..])) {
        return Some(text[at..].chars().take(60).collect());
    }
    let odd =
        |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || drsync::harmless::is_unseen(c);
    let line = text.split('\n').find(|line| begins(line) || line.contains(odd))?;
    Some(format!("{line:?}"))
}

fn change(file: &Path, with: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    with(&mut document);
    fs::write(file, document.to_string()).unwrap();
}

/// Adds a commit to a table whose author, operation and parameters are hostile.
fn commit(table: &Path) {
    let log = table.join("_delta_log");
    let next =
        (0..).map(|version| log.join(format!("{version:020}.json"))).find(|file| !file.exists());
    let info = json!({"commitInfo": {"timestamp": 1_795_342_000_000_i64, "userName": HOSTILE, "operation": HOSTILE,
        "operationParameters": {HOSTILE: HOSTILE}, "engineInfo": HOSTILE}});
    fs::write(next.unwrap(), format!("{info}\n")).unwrap();
}

fn deface(world: &Path) {
    change(&world.join("drsync.json"), |document| {
        for group in document["workspaces"][0]["sync_groups"].as_array_mut().unwrap() {
            if let Some(workflow) = group.get("workflow").and_then(Value::as_str) {
                group["workflow"] = json!(format!("{workflow}{HOSTILE}"));
            }
        }
    });
    for side in ["east", "west"] {
        change(&world.join(side).join("jobs.json"), |document| {
            let jobs = document["jobs"].as_array_mut().unwrap();
            for job in jobs.iter_mut() {
                job["name"] = json!(format!("{}{HOSTILE}", job["name"].as_str().unwrap()));
            }
            jobs.push(json!({"job_id": 5, "name": format!("z{HOSTILE}"), "runs": [
                {"run_id": 1, "start_time": 1, "end_time": 0, "life_cycle_state": "RUNNING", "result_state": HOSTILE}]}));
        });
    }
    change(&world.join("east/lakehouse.json"), |document| {
        document["principal"] = json!(format!("p{HOSTILE}"));
        for (number, table) in document["tables"].as_array_mut().unwrap().iter_mut().enumerate() {
            table["owner"] = json!(HOSTILE);
            match number {
                5 => table["table_type"] = json!(HOSTILE),
                6 => {}
                _ => table["grants"] = json!({format!("p{HOSTILE}"): ["SELECT"]}),
            }
        }
    });
    commit(&world.join("east/tables/shop_orders"));
    commit(&world.join("west/sync/main/ref/currencies"));
    for folder in ["west/sync/_drsync/evidence", "west/sync/_drsync", ".drsync/runs"] {
        if world.join(folder).is_dir() {
            let name = format!("f{}.json", HOSTILE.replace('/', ""));
            fs::write(world.join(folder).join(name), HOSTILE).unwrap();
        }
    }
}

/// Documents that drsync itself keeps, and everything of its own in the sync locations that is text.
fn written(world: &Path) -> Vec<PathBuf> {
    let mut found = vec![world.join("p.json"), world.join("events")];
    let mut folders = vec![
        world.join(".drsync"),
        world.join("west/sync/_drsync"),
        world.join("east/sync/_drsync"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.retain(|path| !path.to_string_lossy().contains("##vso["));
    found
}

#[test]
fn no_sink_holds_an_order_of_strangers() {
    let world = world();
    let world = world.path();
    deface(world);
    let mut told = 0;
    for line in [
        "validate",
        "validate --json",
        "plan",
        "plan -v",
        "plan --full --json",
        "plan --format markdown",
        "plan --format html",
        "plan --out p.json",
        "show p.json",
        "show p.json -v",
        "show p.json --json",
        "show p.json --format markdown",
        "show p.json --format html",
        "check p.json",
        "check p.json --json",
        "diff p.json p.json -v",
        "status -v",
        "status --json",
        "status --format markdown",
        "status --unprotected",
        "apply p.json --auto-approve --events events -v",
        "plan --out q.json",
        "diff p.json q.json -v",
        "diff p.json q.json --json",
        "history -v",
        "history --json",
        "history --format html",
        "history --since 2020-01-01",
        "history --since 2020-01-01 --json",
        "history --since 2020-01-01 --format html",
        "apply --auto-approve --events -",
        "status -v",
        // What a pipeline puts on the command line, such as the name of a branch, is a stranger's too.
        "show HOSTILE",
        "check HOSTILE",
        "diff HOSTILE p.json",
        "plan HOSTILE",
        "plan -c HOSTILE",
        "plan --only HOSTILE",
        "plan --format HOSTILE",
        "plan --out none/HOSTILE",
        "apply HOSTILE --auto-approve --json",
        "history --since HOSTILE",
        "history HOSTILE",
        "schema HOSTILE",
        "help HOSTILE",
        "man HOSTILE",
        "completions HOSTILE",
        "init HOSTILE --stdout",
        "demo --dir none/HOSTILE",
        "HOSTILE",
    ] {
        let words: Vec<String> =
            line.split(' ').map(|word| word.replace("HOSTILE", &format!("x{HOSTILE}"))).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = drsync(world, &words);
        for (sink, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert_eq!(orders(&text), None, "{line}: {sink}");
            told += usize::from(text.contains("RLO"));
        }
        assert!(output.status.code().is_some(), "{line}");
    }
    assert!(told > 20, "the hostile text reached {told} sinks only");
    for file in written(world) {
        if let Ok(text) = fs::read_to_string(&file) {
            assert_eq!(orders(&text), None, "{}", file.display());
        }
    }
}
