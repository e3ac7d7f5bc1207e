//! What an auditor does: `docs/audit.md` is run as it stands, on what applies left behind.

mod killed;
mod signed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::runner;
pub(crate) use crate::support::runner::code;

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

/// Changes every record of a folder, and makes them follow each other again.
fn rewrite(folder: &Path, change: impl Fn(&mut Value)) {
    let mut previous: Option<String> = None;
    for path in files(folder, ".run.json") {
        let mut record = json(&path);
        change(&mut record);
        let object = record.as_object_mut().unwrap();
        object.remove("previous_run_sha256");
        object.extend(previous.map(|digest| ("previous_run_sha256".to_owned(), digest.into())));
        let bytes = serde_json::to_vec_pretty(&record).unwrap();
        previous = Some(drsync::canonical::sha256_of_bytes(&bytes));
        fs::write(path, bytes).unwrap();
    }
}

fn claim_a_signature(record: &mut Value) {
    record["approval"] = serde_json::json!({
        "kind": "signature",
        "public_key": "RWTl960y2qnVbWtqGGSqN/TOTokd4qyFMwd02hds9UEX4dEGFqc+Erjv",
        "trusted_comment": "seen",
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
fn the_months_that_have_passed_lie_in_folders_and_the_history_is_as_whole_as_before() {
    let world = Applied::new();
    assert_eq!(world.apply("orders").0, 0);
    let before = world.names("west", ".json");
    let copy = world.folder.path().join("copy-of-primary");
    for (days, moved) in [(40, 0), (40, 1), (80, 2)] {
        let now = chrono::Utc::now() + chrono::TimeDelta::days(days);
        let later =
            |words: &[&str]| runner::drsync(world.world(), words).at(now.to_rfc3339()).output();
        if moved > 0 {
            later(&["apply", "--auto-approve", "--only", "reference_data"]);
        }
        let history = later(&["history", "--since", "2020-01-01", "--json"]);
        let history: Value = serde_json::from_slice(&history.stdout).unwrap();
        let period = &history["workspaces"][0]["period"];
        assert_eq!(period["chain"]["unbroken"], true, "{period}");
        let passed_over = period["chain"]["passed_over"].as_array();
        assert!(passed_over.is_none_or(Vec::is_empty), "{period}");
        let folders = |region: &str| {
            let entries = fs::read_dir(world.evidence(region)).unwrap().map(Result::unwrap);
            entries.filter(|entry| entry.file_type().unwrap().is_dir()).count()
        };
        assert_eq!([folders("east"), folders("west")], [moved, moved]);
    }
    // As the page tells auditors to begin.
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md")).unwrap();
    let flat = text.lines().map(str::trim).find(|line| line.starts_with("for copy in ")).unwrap();
    for (region, name) in [("east", "copy-of-primary"), ("west", "copy-of-secondary")] {
        let to = world.folder.path().join(name);
        let done = Command::new("cp").arg("-r").arg(world.evidence(region)).arg(to).status();
        assert!(done.unwrap().success());
    }
    let script = format!("{flat}\ndiff -rq copy-of-primary copy-of-secondary");
    let done =
        Command::new("bash").args(["-ec", &script]).current_dir(world.folder.path()).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let flat = files(&copy, ".json");
    for name in before {
        assert!(flat.contains(&copy.join(&name)), "{name}");
    }
}

#[test]
fn a_record_is_kept_in_both_regions_and_the_next_cut_names_it() {
    let world = Applied::new();
    let (status, said, _) = world.apply("orders");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("Recorded in both regions"), "{said}");
    let digest = said.lines().find_map(|line| line.strip_prefix("sha256 ")).unwrap();
    for region in ["east", "west"] {
        let kept = files(&world.evidence(region), ".run.json");
        let bytes = fs::read(kept.last().unwrap()).unwrap();
        assert_eq!(drsync::canonical::sha256_of_bytes(&bytes), digest, "{region}");
    }
    assert_eq!(world.names("east", ".json"), world.names("west", ".json"));
    world.repair();
    let cuts = drsync(&world.world(), &["history", "reference_data", "--json"]);
    let cuts: Value = serde_json::from_slice(&cuts.stdout).unwrap();
    assert_eq!(cuts["workspaces"][0]["cuts"][0]["run_record_sha256"], digest);
    let (status, said) = world.history(&["--head", digest]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains(&format!("the record {digest} of apply")), "{said}");
    let (status, said) = world.history(&["--head", &"0".repeat(64)]);
    assert!(status == 1 && said.starts_with("The chain of records is broken."), "{said}");
    assert_eq!(world.history(&["--head", "0000"]).0, 64);
}

#[test]
fn records_that_are_written_anew_are_found_by_the_cuts_and_by_what_they_claim() {
    let world = Applied::new();
    for group in ["reference_data", "orders"] {
        assert_eq!(world.apply(group).0, 0);
    }
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 0, "{said}");
    // In one region: the other has them as they were.
    rewrite(&world.evidence("west"), claim_a_signature);
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("the regions keep different records as"), "{said}");
    rewrite(&world.evidence("east"), claim_a_signature);
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 1, "{said}");
    for part in [
        "The chain of records is broken. A run record claims what is not so.",
        "of orders names a record with SHA-256",
        "claims a signature that is not among the evidence",
        "claims a signature that is not proved",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(", signed,"), "{said}");
}

#[test]
fn a_record_that_claims_what_is_not_so_is_told_although_no_link_is_broken() {
    let told = |change: &dyn Fn(&Path)| {
        let world = Applied::new();
        assert_eq!(world.apply("orders").0, 0);
        for region in ["east", "west"] {
            change(&world.evidence(region));
        }
        let (status, said) = world.history(&ALL);
        assert_eq!(status, 1, "{said}");
        assert!(said.contains("A run record claims what is not so."), "{said}");
        said
    };
    // Of the newest record nobody knows the digest yet.
    let last = |folder: &Path| files(folder, ".run.json").pop().unwrap();
    let said = told(&|folder| edit(&last(folder), "\"actor\": \"", "\"actor\": \"not "));
    assert!(said.contains("which the cut log has otherwise, committed by"), "{said}");
    let said = told(&|folder| edit(&last(folder), "\"cut\": ", "\"cut\": 9"));
    assert!(said.contains("which the cut log does not have"), "{said}");
    let plan = |folder: &Path| files(folder, ".plan.json").pop().unwrap();
    let said = told(&|folder| fs::remove_file(plan(folder)).unwrap());
    assert!(said.contains("names a plan that is not among the evidence"), "{said}");
    let said = told(&|folder| fs::write(plan(folder), "{}").unwrap());
    assert!(said.contains("is not the one that its record names"), "{said}");
}

#[test]
fn what_a_region_could_not_keep_is_brought_by_the_next_apply_from_the_other() {
    for region in ["east", "west"] {
        let world = Applied::new();
        world.hold_up(region);
        let (status, said, errors) = world.apply("orders");
        assert_eq!(status, 1, "{said}{errors}");
        assert!(errors.contains("record not kept (exit 1)"), "{errors}");
        let other = if region == "east" { "secondary" } else { "primary" };
        let place = format!("but its plan and run record in the {other} only");
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&place), "{said}");
        world.let_go(region);
        // Another machine has nothing of its own.
        fs::remove_dir_all(world.world().join(".drsync")).unwrap();
        world.repair();
        assert_eq!(world.names("east", ".json"), world.names("west", ".json"));
        let (status, said) = world.history(&ALL);
        assert_eq!(status, 0, "{said}");
    }
}

#[test]
fn what_no_region_could_keep_is_brought_from_the_machine_that_has_it() {
    let world = Applied::new();
    let before = world.names("west", ".run.json").len();
    for region in ["east", "west"] {
        world.hold_up(region);
    }
    let (status, said, _) = world.apply("orders");
    assert_eq!(status, 1, "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("but its plan and run record in none; here: .drsync/runs/"), "{said}");
    let digest = said.lines().find_map(|line| line.strip_prefix("sha256 ")).unwrap().to_owned();
    let owed = || files(&world.world().join(".drsync/owed"), "").len();
    assert_eq!(owed(), 1);
    for region in ["east", "west"] {
        world.let_go(region);
    }
    let (status, said) = world.history(&ALL);
    assert!(status == 1 && said.starts_with("A run record is not there yet."), "{said}");
    // A round with nothing to do brings it, too, and names it although it could name none itself.
    let (status, said, _) = world.apply("reference_data");
    assert_eq!(status, 0, "{said}");
    assert_eq!(owed(), 0);
    for region in ["east", "west"] {
        assert_eq!(world.names(region, ".run.json").len(), before + 2);
    }
    let (status, said) = world.history(&["--head", &digest]);
    assert_eq!(status, 0, "{said}");
}

#[test]
fn with_the_secondary_away_the_primary_keeps_the_record() {
    let world = Applied::new();
    fs::rename(world.world().join("west"), world.world().join("gone")).unwrap();
    let before = world.names("east", ".run.json").len();
    assert_eq!(world.apply("orders").0, 8);
    assert_eq!(world.names("east", ".run.json").len(), before + 1);
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 0, "{said}");
    fs::rename(world.world().join("gone"), world.world().join("west")).unwrap();
    assert_eq!(world.apply("orders").0, 0);
    assert_eq!(world.names("east", ".json"), world.names("west", ".json"));
    assert_eq!(world.history(&ALL).0, 0);
}

#[test]
fn odd_things_among_the_evidence_stop_nothing_and_are_told() {
    let world = Applied::new();
    let folder = world.evidence("west");
    let odd = |letter: char| folder.join(format!("01JDA2C700000000000000000{letter}.run.json"));
    std::os::unix::fs::symlink(odd('A'), odd('A')).unwrap();
    let made = Command::new("mkfifo").arg(odd('B')).status().unwrap();
    assert!(made.success());
    fs::create_dir(odd('C')).unwrap();
    fs::write(odd('D'), "{}").unwrap();
    fs::write(folder.join("7ZZZZZZZZZZZZZZZZZZZZZZZZZ.run.json"), "{}").unwrap();
    fs::write(folder.join("notes.txt"), "").unwrap();
    let (status, said, errors) = world.apply("orders");
    assert_eq!(status, 0, "{said}{errors}");
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 0, "{said}");
    for part in ["a link", "a pipe", "a folder", "missing field", "7ZZZ", "notes.txt"] {
        assert!(said.contains(part), "{part}: {said}");
    }
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
    fs::copy(world.join("next.json.minisig"), world.join("unsigned.json.minisig")).unwrap();
    assert_eq!(code(&apply("unsigned.json", "reviewer.pub")), 10);
    for garbage in ["", "\n\n\n\n", "untrusted comment: x\nRW\ntrusted comment:\n\n", "\u{1F600}"] {
        fs::write(world.join("unsigned.json.minisig"), garbage).unwrap();
        assert_eq!(code(&apply("unsigned.json", "reviewer.pub")), 10, "{garbage:?}");
    }
    for keys in ["nobody.pub", "next.json", "reviewer.key"] {
        assert_eq!(code(&apply("next.json", keys)), 64, "{keys}");
    }
    assert_eq!(code(&drsync(&world, &["apply", "--require-signature", "reviewer.pub"])), 64);
    assert_eq!(files(&audited.evidence(), ".run.json").len(), records);
}

#[test]
fn a_plan_that_was_signed_with_a_key_of_nobody_known_is_told() {
    if lacks(&["minisign"]) {
        return;
    }
    let audited = Audited::new();
    let world = audited.world();
    signed::make_keys(&world, "other", None);
    let history = |key: Option<&str>| {
        let mut config = json(&world.join("drsync.json"));
        let object = config.as_object_mut().unwrap();
        object.remove("require_signature");
        object.extend(key.map(|key| ("require_signature".to_owned(), key.into())));
        fs::write(world.join("drsync.json"), config.to_string()).unwrap();
        let told = drsync(&world, &["history", "--since", "2020-01-01", "--json"]);
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        let unproved = &report["workspaces"][0]["period"]["unproved"];
        let claims = unproved.as_array().unwrap().iter().map(|it| it["claim"].clone());
        (code(&told), claims.collect::<Vec<_>>())
    };
    assert_eq!(history(None), (0, vec![]));
    assert_eq!(history(Some("reviewer.pub")), (0, vec![]));
    let (ended, claims) = history(Some("other.pub"));
    assert_eq!(ended, 1);
    assert!(
        !claims.is_empty() && claims.iter().all(|it| it == "signature_of_another"),
        "{claims:?}"
    );
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
