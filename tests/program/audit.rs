//! What an auditor does: `docs/audit.md` is run as it stands, on what applies left behind.

mod claims;
mod kept;
mod killed;
mod signed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::runner;
pub(crate) use crate::support::runner::code;
use claims::{claim_a_signature, edit, rewrite};

fn drsync(folder: &Path, words: &[&str]) -> Output {
    runner::drsync(folder, words).output()
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
            Command::new("sh").args(["-c", quiet]).current_dir(&world).status().unwrap().success()
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
        fs::copy(self.world().join("reviewer.pub"), copy.path().join("reviewer.pub")).unwrap();
        let history = drsync(&self.world(), &["history", "--json"]);
        let history: Value = serde_json::from_slice(&history.stdout).unwrap();
        let cuts = history["workspaces"][0]["cuts"].as_array().unwrap().iter();
        let lines: String = cuts.map(|cut| format!("{cut}\n")).collect();
        fs::write(copy.path().join("cuts.json"), lines).unwrap();
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
    let blocks: Vec<&str> =
        text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 5, "the page has its commands");
    format!("set -euo pipefail\n{}", blocks.join("\n"))
}

fn audit(folder: &Path) -> Output {
    Command::new("bash").args(["-c", &page()]).current_dir(folder).output().unwrap()
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
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("\tsignature\tpartial\t"), "{said}");
    assert!(said.contains("\tfiles"), "{said}");

    let change = |what: &dyn Fn(&Path)| {
        let copy = audited.copy();
        what(copy.path());
        assert!(!audit(copy.path()).status.success());
    };
    // All records are written anew, links recomputed: with another actor, or with a signature that nobody made. A plan is
    // gone.
    change(&|copy| rewrite(copy, |record| record["actor"] = "user:else".into()));
    change(&|copy| rewrite(copy, claim_a_signature));
    change(&|copy| fs::remove_file(&files(copy, ".plan.json")[0]).unwrap());
    // A record is removed; one is altered; a plan is altered, with its digest recomputed by hand; a signature is another's.
    change(&|copy| fs::remove_file(&files(copy, ".run.json")[0]).unwrap());
    change(&|copy| edit(&files(copy, ".run.json")[0], "user:", "ci:"));
    change(&|copy| edit(&files(copy, ".plan.json")[0], "\"plan_id\": \"01", "\"plan_id\": \"02"));
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

/// A demo world in which everything was applied, and what the last apply printed.
struct Applied {
    folder: tempfile::TempDir,
}

impl Applied {
    fn new() -> Applied {
        let folder = tempfile::tempdir().unwrap();
        drsync(folder.path(), &["demo"]);
        Applied { folder }
    }

    fn world(&self) -> PathBuf {
        self.folder.path().join("drsync-demo")
    }

    fn evidence(&self, region: &str) -> PathBuf {
        self.world().join(region).join("sync/_drsync/evidence")
    }

    fn apply(&self, group: &str) -> (i32, String, String) {
        let words = ["apply", "--auto-approve", "--only", group];
        let done = drsync(&self.world(), &words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (code(&done), text(&done.stdout), text(&done.stderr))
    }

    /// Loses a replica and brings it back, which takes a cut.
    fn repair(&self) {
        fs::remove_dir_all(self.world().join("west/sync/main/ref/countries")).unwrap();
        let words = ["apply", "--auto-approve", "--full", "--only", "reference_data"];
        let done = drsync(&self.world(), &words);
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(code(&done), 0, "{said}");
        assert!(said.contains("synchronized"), "{said}");
    }

    fn history(&self, words: &[&str]) -> (i32, String) {
        let done = drsync(&self.world(), &[&["history"], words].concat());
        let text = String::from_utf8_lossy(&done.stdout);
        let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (code(&done), unwrapped)
    }

    fn names(&self, region: &str, ending: &str) -> Vec<String> {
        let files = files(&self.evidence(region), ending).into_iter();
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        files.map(name).collect()
    }

    /// A file where the folder of the evidence should be: nothing can be kept there until it is gone.
    fn hold_up(&self, region: &str) {
        let folder = self.evidence(region);
        fs::rename(&folder, folder.with_file_name("aside")).unwrap();
        fs::write(&folder, "in the way").unwrap();
    }

    fn let_go(&self, region: &str) {
        let folder = self.evidence(region);
        fs::remove_file(&folder).unwrap();
        fs::rename(folder.with_file_name("aside"), &folder).unwrap();
    }
}

const ALL: [&str; 2] = ["--since", "2020-01-01"];

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
    assert_eq!(json(last)["quiet"].as_bool(), Some(true));
    // Whoever fails over has the newest record alone: it tells settings, jobs and losses of three groups whatever was done.
    let size = fs::metadata(last).unwrap().len();
    assert!(size < 6_000, "{size}");
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
        (period["chain"]["records"].as_u64(), &period["chain"]["unbroken"]),
        (Some(3), &Value::from(true))
    );
    let groups = period["groups"].as_array().unwrap();
    let blocked: Vec<&Value> =
        groups.iter().filter(|group| group["blocked"] != Value::Array(vec![])).collect();
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
        "% from ",
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
    for region in ["east", "west"] {
        let folder = world.join(region).join("sync/_drsync/evidence");
        fs::remove_file(&files(&folder, ".run.json")[1]).unwrap();
    }
    let told = drsync(&world, &["history", "--since", &since]);
    let (code, text) = (told.status.code(), String::from_utf8_lossy(&told.stdout));
    assert!(text.starts_with("The chain of records is broken. "), "{text}");
    assert!(text.contains("the chain of 2 records is broken"), "{text}");
    assert_eq!(code, Some(1));
    // The other region has the records, too.
    fs::rename(world.join("west"), world.join("gone")).unwrap();
    let told = drsync(&world, &["history", "--since", &since]);
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(text.contains("the chain of 2 records is broken"), "{text}");
    assert_eq!(told.status.code(), Some(1));
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
    for region in ["east", "west"] {
        let kept = files(&world.join(region).join("sync/_drsync/evidence"), ".run.json");
        fs::remove_file(kept.last().unwrap()).unwrap();
    }
    let told = history();
    let text = unwrapped(&told);
    assert!(text.starts_with("A run record is not there yet. "), "{text}");
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
    let html = said(&drsync(&world, &["history", "--since", "2020-01-01", "--format", "html"]));
    assert!(html.contains("Applies that left no run record"), "{html}");
    let json = said(&drsync(&world, &["history", "--since", "2020-01-01", "--json"]));
    let report: Value = serde_json::from_str(&json).unwrap();
    let left = &report["workspaces"][0]["period"]["chain"]["unrecorded"];
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert!(left[0]["passed_by"].is_string(), "{left}");
}

/// Copies a folder with everything in it.
fn copied(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_cut_log_that_was_put_back_from_an_older_copy_is_told_and_no_number_is_given_again() {
    let world = Applied::new();
    let log = |region: &str| world.world().join(region).join("sync/_drsync/sync_cuts");
    let older = tempfile::tempdir().unwrap();
    for region in ["east", "west"] {
        copied(&log(region), &older.path().join(region));
    }
    world.repair();
    for region in ["east", "west"] {
        fs::remove_dir_all(log(region)).unwrap();
        copied(&older.path().join(region), &log(region));
    }
    let said = |words: &[&str]| {
        let done = drsync(&world.world(), words);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        (code(&done), text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    for command in ["plan", "status"] {
        let (_, text) = said(&[command]);
        let first = "The cut log lost cuts of 1 group (ledger_lost); ";
        assert!(text.starts_with(first), "{command}: {text}");
    }
    let (_, plan) = said(&["plan"]);
    assert!(plan.contains("ends with cut 1, and apply"), "{plan}");
    assert!(plan.contains("recorded cut 2"), "{plan}");
    let (status, text) = said(&["history"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.starts_with("The cut log lost cuts (ledger_lost)."), "{text}");
    let accept = [
        "plan",
        "--accept",
        "ledger_lost:reference_data",
        "--reason",
        "no newer copy",
        "--out",
        "on.json",
    ];
    let (_, text) = said(&accept);
    assert!(!text.contains("ledger_lost);"), "{text}");
    let applied = said(&["apply", "on.json"]);
    assert!(applied.1.contains("cut 3"), "{}", applied.1);
    let (_, text) = said(&["plan"]);
    assert!(!text.contains("(ledger_lost)"), "{text}");
    let (status, text) = said(&["history"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn a_cut_log_that_is_gone_in_both_regions_is_told_by_the_records() {
    let world = Applied::new();
    for region in ["east", "west"] {
        let log = world.world().join(region).join("sync/_drsync/sync_cuts");
        fs::remove_dir_all(log).unwrap();
    }
    let done = drsync(&world.world(), &["plan"]);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.starts_with("The cut log lost cuts of 2 groups (ledger_lost); "), "{text}");
    assert!(text.contains("the cut log has no cut of the group"), "{text}");
}
