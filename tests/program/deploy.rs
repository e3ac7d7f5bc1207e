//! What is written down of places that start drsync, as far as a machine without them can try it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::able;
use crate::support::runner::PROGRAM;

const SERVICE: &str = include_str!("../../docs/deploy/systemd/drsync.service");
const DAEMON: &str = include_str!("../../docs/deploy/systemd/drsync-daemon.service");
const TIMER: &str = include_str!("../../docs/deploy/systemd/drsync.timer");
const CRON: &str = include_str!("../../docs/deploy/cron/drsync");

/// Runs a script where the demo's world is the current folder.
fn shell(folder: &Path, script: &str) -> Output {
    let binary = std::path::Path::new(PROGRAM);
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(folder).env_clear().env("PATH", path);
    command.stdin(Stdio::null()).output().unwrap()
}

fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = shell(folder.path(), "drsync demo --dir .");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// One group of the demo is blocked: an apply says so with 4, whoever starts it.
fn assert_applied(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!errors.contains("not kept"), "{errors}");
    assert!(said.is_empty() || said.contains("blocked"), "{said}");
}

/// A command of systemd, and what it says of a file; `None`, and a word: it is not here.
fn systemd(arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(_) => {
            eprintln!("SKIPPED: systemd-analyze is not here");
            None
        }
    }
}

/// All units in a folder, with the binary of this build, changed in one place.
fn units(folder: &Path, from: &str, to: &str) -> [PathBuf; 3] {
    let binary = PROGRAM.to_owned();
    let units =
        [("drsync.service", SERVICE), ("drsync-daemon.service", DAEMON), ("drsync.timer", TIMER)];
    units.map(|(name, text)| {
        let path = folder.join(name);
        let text = text.replace("/usr/bin/drsync ", &format!("{binary} ")).replace(from, to);
        std::fs::write(&path, text).unwrap();
        path
    })
}

#[test]
fn systemd_takes_every_unit_and_would_tell_of_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let verify = |from: &str, to: &str| {
        let files = units(folder.path(), from, to);
        let [service, daemon, timer] = files.each_ref().map(|file| file.to_str().unwrap());
        systemd(&["verify", "--man=no", "--recursive-errors=no", service, daemon, timer])
    };
    let Some((good, said)) = verify("", "") else {
        return;
    };
    assert!(good && said.is_empty(), "{said}");
    for (from, to) in [("ProtectSystem=", "ProtectSystm="), ("*:07,37", "*:67,37")] {
        let (_, said) = verify(from, to).unwrap();
        assert!(said.contains("drsync."), "{to}: {said}");
    }
    let [service, daemon, _] = units(folder.path(), "", "");
    for unit in [service, daemon] {
        let unit = unit.to_str().unwrap();
        let (good, said) = systemd(&["security", "--offline=yes", "--threshold=25", unit]).unwrap();
        assert!(good, "it may do more than it needs: {said}");
    }
    let (good, said) = systemd(&["calendar", "--iterations=2", "*:07,37"]).unwrap();
    assert!(good && said.contains(":07:00") && said.contains(":37:00"), "{said}");
}

#[test]
fn what_the_service_runs_copies_the_configuration_and_applies() {
    let world = world();
    let lines = SERVICE.lines().filter_map(|line| line.strip_prefix("ExecStart"));
    let lines: Vec<String> = lines
        .map(|line| line.trim_start_matches("Pre").trim_start_matches('='))
        .map(|line| line.replace("/etc/drsync/drsync.json", "etc.json"))
        .map(|line| line.replace("/usr/bin/drsync ", "drsync "))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let script = format!("mv drsync.json etc.json; {}", lines.join("; "));
    assert_applied(&shell(world.path(), &script));
}

#[test]
fn both_services_are_shut_in_alike() {
    let hardening = |unit: &'static str| {
        let shut = unit.split("UMask=").nth(1).unwrap();
        shut.split("\n[").next().unwrap().trim()
    };
    assert_eq!(hardening(SERVICE), hardening(DAEMON));
}

#[test]
fn what_cron_runs_applies_with_its_tokens_and_not_beside_another() {
    let world = world();
    let line = CRON.lines().last().unwrap();
    let (schedule, rest) = line.split_at(line.match_indices(' ').nth(4).unwrap().0);
    assert_eq!(schedule, "7,37 * * * *");
    let command = rest.trim().strip_prefix("drsync ").unwrap();
    // cron ends a command at a percent sign.
    assert!(!command.contains('%'), "{command}");
    let place = world.path().display().to_string();
    let command = command
        .replace("/var/lib/drsync", &place)
        .replace("/etc/drsync/environment", &format!("{place}/environment"));
    std::fs::write(world.path().join("environment"), "DRSYNC_CONFIG=drsync.json\n").unwrap();
    let busy = shell(Path::new(&place), &format!("flock .lock sh -c '{command}'"));
    assert_eq!(busy.status.code(), Some(1), "the lock is held");
    assert!(!world.path().join("apply.log").metadata().is_ok_and(|log| log.len() > 0));
    assert_applied(&shell(Path::new("/"), &command));
    let log = std::fs::read_to_string(world.path().join("apply.log")).unwrap();
    assert!(log.contains("Recorded in both regions"), "{log}");
}

#[test]
fn kubernetes_and_databricks_know_every_field_and_start_what_drsync_knows() {
    let Some(python) = able::python("kubernetes_validate, databricks.bundles.jobs, yaml") else {
        return;
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(python)
        .arg(format!("{root}/tests/python/deploy_check.py"))
        .arg(format!("{root}/docs/deploy"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arguments: Value = serde_json::from_slice(&output.stdout).unwrap();
    for place in ["kubernetes", "databricks"] {
        let words = arguments[place].as_array().unwrap().iter();
        let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
        let of_drsync = words.iter().position(|word| *word == "apply").unwrap();
        let line = format!("drsync {}", words[of_drsync..].join(" "));
        let line = line.replace("${var.configuration}", "drsync.json");
        assert_applied(&shell(world().path(), &line));
    }
}
