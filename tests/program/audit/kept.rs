//! Where records are kept, and who brings what a region lacks.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{ALL, Applied, drsync, files};
use crate::support::runner;

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
