//! What an auditor does: `docs/audit.md` is run as it stands, on what applies left behind.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn drsync(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drsync"))
        .args(words)
        .current_dir(folder)
        .env_remove("DRSYNC_CONFIG")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Programs of the page that this machine lacks.
fn lacks(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", program])
            .stdout(Stdio::null())
            .status();
        !found.is_ok_and(|status| status.success())
    });
    if let Some(program) = missing {
        eprintln!("skipped: {program} is not installed");
    }
    missing.is_some()
}

/// A demo world, changed, planned, signed and applied, and after that a round with nothing to do.
struct Audited {
    folder: tempfile::TempDir,
}

impl Audited {
    fn new() -> Audited {
        let folder = tempfile::tempdir().unwrap();
        drsync(folder.path(), &["demo"]);
        let audited = Audited { folder };
        let world = audited.world();
        drsync(&world, &["plan", "--out", "next.json"]);
        let quiet = "minisign -G -W -p reviewer.pub -s reviewer.key >/dev/null && minisign -S -s reviewer.key -m next.json -t 'change 418' >/dev/null";
        assert!(
            Command::new("sh")
                .args(["-c", quiet])
                .current_dir(&world)
                .status()
                .unwrap()
                .success()
        );
        let words = ["apply", "next.json", "--require-signature", "reviewer.pub"];
        assert_eq!(code(&drsync(&world, &words)), 4);
        assert_eq!(code(&drsync(&world, &["apply", "--auto-approve"])), 4);
        audited
    }

    fn world(&self) -> PathBuf {
        self.folder.path().join("drsync-demo")
    }

    fn evidence(&self) -> PathBuf {
        self.world().join("west/sync/_drsync/evidence")
    }

    /// A copy of the evidence with the reviewer's key.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.evidence()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        fs::copy(
            self.world().join("reviewer.pub"),
            copy.path().join("reviewer.pub"),
        )
        .unwrap();
        copy
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The page's commands, all in one shell that stops at the first that fails.
fn page() -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md")).unwrap();
    let blocks: Vec<&str> = text
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() > 5, "the page has its commands");
    format!("set -euo pipefail\n{}", blocks.join("\n"))
}

fn audit(folder: &Path) -> Output {
    Command::new("bash")
        .args(["-c", &page()])
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn the_page_verifies_what_applies_left_and_finds_what_was_changed() {
    if lacks(&["minisign", "jq", "bash", "sha256sum"]) {
        return;
    }
    let audited = Audited::new();
    let copy = audited.copy();
    let done = audit(copy.path());
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(said.contains("\tsignature\tpartial\t"), "{said}");
    assert!(said.contains("\tfiles"), "{said}");

    let change = |what: &dyn Fn(&Path)| {
        let copy = audited.copy();
        what(copy.path());
        assert!(!audit(copy.path()).status.success());
    };
    // A record is removed; one is altered; a plan is altered, with its digest recomputed by hand; a signature is another's.
    change(&|copy| fs::remove_file(&files(copy, ".run.json")[0]).unwrap());
    change(&|copy| edit(&files(copy, ".run.json")[0], "user:", "ci:"));
    change(&|copy| {
        edit(
            &files(copy, ".plan.json")[0],
            "\"plan_id\": \"01",
            "\"plan_id\": \"02",
        )
    });
    change(&|copy| {
        let [first, .., last] = &files(copy, ".plan.json")[..] else {
            panic!("there are two plans")
        };
        let mut signature = last.clone().into_os_string();
        signature.push(".minisig");
        let mut moved = first.clone().into_os_string();
        moved.push(".minisig");
        fs::rename(signature, moved).unwrap();
    });
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_plan_without_the_signature_that_is_required_is_not_applied() {
    if lacks(&["minisign"]) {
        return;
    }
    let audited = Audited::new();
    let world = audited.world();
    let records = files(&audited.evidence(), ".run.json").len();
    let apply =
        |plan: &str, keys: &str| drsync(&world, &["apply", plan, "--require-signature", keys]);
    drsync(&world, &["plan", "--out", "unsigned.json"]);
    let refused = apply("unsigned.json", "reviewer.pub");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(code(&refused), 7, "{said}");
    assert!(said.contains("minisign -S -m unsigned.json"), "{said}");
    fs::copy(
        world.join("next.json.minisig"),
        world.join("unsigned.json.minisig"),
    )
    .unwrap();
    assert_eq!(code(&apply("unsigned.json", "reviewer.pub")), 10);
    for garbage in [
        "",
        "\n\n\n\n",
        "untrusted comment: x\nRW\ntrusted comment:\n\n",
        "\u{1F600}",
    ] {
        fs::write(world.join("unsigned.json.minisig"), garbage).unwrap();
        assert_eq!(
            code(&apply("unsigned.json", "reviewer.pub")),
            10,
            "{garbage:?}"
        );
    }
    for keys in ["nobody.pub", "next.json", "reviewer.key"] {
        assert_eq!(code(&apply("next.json", keys)), 64, "{keys}");
    }
    assert_eq!(
        code(&drsync(
            &world,
            &["apply", "--require-signature", "reviewer.pub"]
        )),
        64
    );
    assert_eq!(files(&audited.evidence(), ".run.json").len(), records);
}

#[test]
fn records_follow_each_other_and_a_round_with_nothing_to_do_leaves_a_small_one() {
    let folder = tempfile::tempdir().unwrap();
    drsync(folder.path(), &["demo"]);
    let world = folder.path().join("drsync-demo");
    for _ in 0..3 {
        drsync(&world, &["apply", "--auto-approve"]);
    }
    let kept = files(&world.join("west/sync/_drsync/evidence"), ".run.json");
    let mut previous: Option<String> = None;
    for path in &kept {
        let bytes = fs::read(path).unwrap();
        let record = json(path);
        assert_eq!(
            record["previous_run_sha256"].as_str(),
            previous.as_deref(),
            "{}",
            path.display()
        );
        previous = Some(drsync::canonical::sha256_of_bytes(&bytes));
    }
    let last = kept.last().unwrap();
    assert_eq!(
        (
            json(last)["quiet"].as_bool(),
            fs::metadata(last).unwrap().len() < 2_000
        ),
        (Some(true), true)
    );
}

#[test]
fn the_report_of_a_period_tells_applies_rounds_blocks_and_approval() {
    let folder = tempfile::tempdir().unwrap();
    drsync(folder.path(), &["demo"]);
    let world = folder.path().join("drsync-demo");
    for _ in 0..2 {
        drsync(&world, &["apply", "--auto-approve"]);
    }
    let day = chrono::Utc::now() - chrono::TimeDelta::days(1);
    let since = drsync::moment::text(day);
    let said = drsync(&world, &["history", "--since", &since, "--json"]);
    let report: Value = serde_json::from_slice(&said.stdout).unwrap();
    let period = &report["workspaces"][0]["period"];
    assert_eq!(period["quiet_rounds"], 1, "{period:#}");
    assert_eq!(period["applies"].as_array().unwrap().len(), 2);
    assert_eq!(period["without_approval"].as_array().unwrap().len(), 2);
    assert_eq!(
        (
            period["chain"]["records"].as_u64(),
            &period["chain"]["unbroken"]
        ),
        (Some(3), &Value::from(true))
    );
    let groups = period["groups"].as_array().unwrap();
    let blocked: Vec<&Value> = groups
        .iter()
        .filter(|group| group["blocked"] != Value::Array(vec![]))
        .collect();
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0]["group"], "customer_360");
    let text = drsync(&world, &["history", "--since", &since]);
    let text = String::from_utf8_lossy(&text.stdout);
    for part in [
        "2 applies, 2 without approval",
        "3 records in an unbroken chain",
        "proved within",
        " and still at ",
        "no cut yet",
        "100.0% from ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let until = drsync::moment::text(chrono::Utc::now());
    let words = ["history", "--since", &since, "--until", &until, "--format"];
    let document = drsync(&world, &[&words[..], &["json"]].concat()).stdout;
    let page = drsync(&world, &[&words[..], &["html"]].concat()).stdout;
    let page = String::from_utf8(page).unwrap();
    let digest = drsync::canonical::sha256_of_bytes(&document);
    for part in ["2 applies (2 without approval), 1 round with", &digest] {
        assert!(page.contains(part), "{part}: {page}");
    }
    fs::remove_file(&files(&world.join("west/sync/_drsync/evidence"), ".run.json")[1]).unwrap();
    let told = drsync(&world, &["history", "--since", &since]);
    let (code, text) = (told.status.code(), String::from_utf8_lossy(&told.stdout));
    assert!(
        text.starts_with("The chain of records is broken. "),
        "{text}"
    );
    assert!(text.contains("the chain of 2 records is broken"), "{text}");
    assert_eq!(code, Some(1));
    fs::rename(world.join("west"), world.join("gone")).unwrap();
    let told = drsync(&world, &["history", "--since", &since]);
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(text.contains("no report of the period"), "{text}");
    assert_eq!(told.status.code(), Some(8));
}

#[test]
fn an_apply_without_a_record_is_a_doubt_until_the_next_one_passes_it() {
    let folder = tempfile::tempdir().unwrap();
    drsync(folder.path(), &["demo"]);
    let world = folder.path().join("drsync-demo");
    let apply = || drsync(&world, &["apply", "--auto-approve"]);
    let history = || drsync(&world, &["history", "--since", "2020-01-01"]);
    let said = |history: &Output| String::from_utf8_lossy(&history.stdout).into_owned();
    let unwrapped = |history: &Output| {
        let text = said(history);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    apply();
    // What a kill leaves right after the cut.
    let kept = files(&world.join("west/sync/_drsync/evidence"), ".run.json");
    fs::remove_file(kept.last().unwrap()).unwrap();
    let told = history();
    let text = unwrapped(&told);
    assert!(
        text.starts_with("A run record is not there yet. "),
        "{text}"
    );
    assert!(text.contains("still at work, was killed"), "{text}");
    assert_eq!(code(&told), 1);
    let error = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(error.contains("missing record (exit 1)"), "{error}");
    apply();
    let told = history();
    let text = unwrapped(&told);
    assert!(text.contains("as one that is killed"), "{text}");
    assert!(text.contains("2 records in an unbroken chain"), "{text}");
    assert_eq!(code(&told), 0, "{text}");
    let html = said(&drsync(
        &world,
        &["history", "--since", "2020-01-01", "--format", "html"],
    ));
    assert!(html.contains("Applies that left no run record"), "{html}");
    let json = said(&drsync(
        &world,
        &["history", "--since", "2020-01-01", "--json"],
    ));
    let report: Value = serde_json::from_str(&json).unwrap();
    let left = &report["workspaces"][0]["period"]["chain"]["unrecorded"];
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert!(left[0]["passed_by"].is_string(), "{left}");
}
