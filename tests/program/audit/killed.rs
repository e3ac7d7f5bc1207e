//! Applies that are killed while they write evidence, and runners that have what others lack: the next apply, on any machine,
//! brings it together.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::signed::{apply_signed, make_keys, said};
use super::{ALL, Applied, code, copied, drsync, files, lacks};

use crate::support::runner::drsync_under;

/// How long the kernel waits before it puts a document into a region's evidence, in microseconds.
const DELAY: &str = "700000";

/// Runs an apply and kills it when the other region has a new document of a kind that `region` has yet to get; `false`, aloud,
/// where nobody may trace.
fn killed_between(world: &Applied, region: &str, ending: &str) -> bool {
    let other = if region == "east" { "west" } else { "east" };
    let known = world.names(other, ending);
    let place = fs::canonicalize(world.evidence(region)).unwrap();
    let delayed = format!("inject=linkat:delay_enter={DELAY}");
    let (place, trace) = (place.to_str().unwrap(), "trace=linkat");
    let strace =
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", trace, "-P", place, "-e", &delayed];
    let apply = ["apply", "--auto-approve", "--only", "orders"];
    let apply = drsync_under(&strace, world.world(), &apply);
    let mut strace = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    loop {
        let new = world.names(other, ending) != known;
        if new && world.names(region, ending) == known {
            break;
        }
        if let Some(ended) = strace.try_wait().unwrap() {
            eprintln!("SKIPPED: there is no strace that may trace, or it did not wait: {ended}");
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let of_strace = format!("/proc/{0}/task/{0}/children", strace.id());
    let drsync = fs::read_to_string(of_strace).unwrap();
    let killed = Command::new("kill").arg("-9").args(drsync.split_whitespace()).status();
    assert!(killed.unwrap().success());
    strace.wait().unwrap();
    true
}

/// Every document of one region is in the other, with the same bytes.
fn assert_together(world: &Applied, case: &str) {
    let of = |region: &str| {
        let all = files(&world.evidence(region), "").into_iter();
        let all = all.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
        let named = |path: std::path::PathBuf| {
            (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap())
        };
        all.map(named).collect::<Vec<_>>()
    };
    let (east, west) = (of("east"), of("west"));
    let names = |all: &[(std::ffi::OsString, Vec<u8>)]| {
        all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&east), names(&west), "{case}");
    assert!(east == west, "{case}: the same names, and other bytes");
}

#[test]
fn an_apply_that_is_killed_between_the_evidence_of_two_regions_is_brought_together_by_another_machine()
 {
    if lacks(&["strace"]) {
        return;
    }
    for region in ["east", "west"] {
        for ending in [".plan.json", ".run.json"] {
            let case = format!("{ending} in all but {region}");
            let world = Applied::new();
            if !killed_between(&world, region, ending) {
                return;
            }
            assert_ne!(world.names("east", ending), world.names("west", ending), "{case}");
            // The machine is gone with all that it had.
            fs::remove_dir_all(world.world().join(".drsync")).unwrap();
            let (status, text, error) = world.apply("orders");
            assert_eq!(status, 0, "{case}: {text}{error}");
            assert_together(&world, &case);
            let (status, text) = world.history(&ALL);
            assert_eq!(status, 0, "{case}: {text}");
        }
    }
}

/// A second machine: the configuration, and nothing of what the first keeps.
fn second_machine(world: &Applied) -> Applied {
    let folder = tempfile::tempdir().unwrap();
    let other = Applied { folder };
    fs::create_dir(other.world()).unwrap();
    let text = fs::read_to_string(world.world().join("drsync.json")).unwrap();
    let mut configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
    let workspace = &mut configuration["workspaces"][0];
    for key in [
        "workspace_instance_url",
        "secondary_workspace_instance_url",
        "sync_location_primary",
        "sync_location_secondary",
    ] {
        let place = world.world().join(workspace[key].as_str().unwrap());
        workspace[key] = place.to_str().unwrap().into();
    }
    fs::write(other.world().join("drsync.json"), configuration.to_string()).unwrap();
    other
}

#[test]
fn two_runners_bring_what_each_could_not_keep_signatures_and_all() {
    let world = Applied::new();
    let other = second_machine(&world);
    make_keys(&world.world(), "one", None);
    make_keys(&other.world(), "two", None);
    let since = drsync::moment::text(chrono::Utc::now());
    // The first keeps its record nowhere but on itself; the second comes by meanwhile and is kept by the primary alone.
    world.hold_up("east");
    world.hold_up("west");
    assert_eq!(code(&apply_signed(&world, "orders", "one.key", None)), 1);
    world.let_go("east");
    // A round with nothing to do owes its record to one region.
    let done = apply_signed(&other, "orders", "two.key", None);
    assert_eq!(code(&done), 0, "{}", said(&done));
    world.let_go("west");
    // Each of them is followed by the other, in both orders of their coming back.
    assert_eq!(code(&apply_signed(&other, "orders", "two.key", None)), 0);
    assert_eq!(code(&apply_signed(&world, "orders", "one.key", None)), 0);
    assert_eq!(code(&apply_signed(&other, "orders", "two.key", None)), 0);
    assert_together(&world, "two runners");
    let mut keys = String::new();
    for (folder, name) in [(&world, "one.pub"), (&other, "two.pub")] {
        keys.push_str(&fs::read_to_string(folder.world().join(name)).unwrap());
    }
    fs::write(world.world().join("runners.pub"), keys).unwrap();
    let (status, text) = world.history(&["--since", &since, "--signed-by", "runners.pub"]);
    assert!(status == 0 && text.contains("5 of 5 records signed by the runner"), "{text}");
    // The other machine reads the same.
    let theirs = drsync(&other.world(), &["history", "--since", "2020-01-01"]);
    assert_eq!(code(&theirs), 0, "{}", said(&theirs));
}

#[test]
fn records_that_are_copied_from_another_world_are_told() {
    let (world, elsewhere) = (Applied::new(), Applied::new());
    assert_eq!(elsewhere.apply("orders").0, 0);
    for region in ["east", "west"] {
        for path in files(&elsewhere.evidence(region), "") {
            let to = world.evidence(region).join(path.file_name().unwrap());
            if path.is_file() && !to.exists() {
                fs::copy(&path, to).unwrap();
            }
        }
    }
    let (status, text) = world.history(&ALL);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("claims cut") || text.contains("follows no record"), "{text}");
    // In place of its own, they lead from nowhere to the cuts that are there.
    for region in ["east", "west"] {
        fs::remove_dir_all(world.evidence(region)).unwrap();
        copied(&elsewhere.evidence(region), &world.evidence(region));
    }
    let (status, text) = world.history(&ALL);
    assert_eq!(status, 1, "{text}");
}
