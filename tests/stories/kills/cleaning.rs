//! A kill at each rename and unlink of an apply that cleans up: nothing that it was to move or to keep is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::assert_whole;
use crate::support::runner::drsync_under;
use crate::support::world::{World, batch};

/// The calls that move and remove.
const CALLS: &str = "rename,renameat,renameat2,unlink,unlinkat,linkat";

/// A day in minutes.
const DAY: i64 = 24 * 60;

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").args(["-a", "-T"]).arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// The documents of a region, whichever folder they lie in.
fn documents(world: &World, region: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![world.path(region).join("sync/_drsync/evidence")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path())
            } else {
                let name = entry.file_name().into_string().unwrap();
                found.extend(Some(name).filter(|name| !name.starts_with('.')));
            }
        }
    }
    found
}

fn newest_version(table: &Path) -> u64 {
    let log = std::fs::read_dir(table.join("_delta_log")).unwrap();
    let names = log.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let versions = names.filter_map(|name| name.strip_suffix(".json")?.parse().ok());
    versions.max().unwrap()
}

/// Runs an apply that is killed at a thread's call of that number. `None`: nobody may trace here; false: it was not killed.
fn killed(world: &World, number: usize) -> Option<bool> {
    let log = world.path("strace.log");
    let (trace, written) = (format!("trace={CALLS}"), log.to_str().unwrap());
    let kill = format!("inject={CALLS}:signal=KILL:when={number}");
    let strace = ["strace", "-f", "-qq", "-e", &trace, "-e", &kill, "-o", written];
    let apply = drsync_under(&strace, world.path(""), &["apply", "--auto-approve"]);
    let ran = apply.at(world.now.to_rfc3339()).try_output().ok()?;
    let told = String::from_utf8_lossy(&ran.stderr);
    if ["ptrace(", "PTRACE_", "strace: "].iter().any(|said| told.contains(said)) {
        return None;
    }
    let traced = std::fs::read_to_string(log).unwrap();
    Some(traced.contains("killed by SIGKILL"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_each_move_and_removal_of_its_cleaning_loses_nothing() {
    let mut world = World::new().await;
    std::fs::write(world.path("drsync.json"), world.config.to_string()).unwrap();
    let cuts = world.path("west/sync/_drsync/sync_cuts");
    let mut next = 100;
    let mut change = async |world: &mut World| {
        world.countries().insert(&batch([next])).await.unwrap();
        next += 1;
        world.later(1);
    };
    let apply = |world: &World| {
        let done = world.drsync(&["apply", "--auto-approve"]).output();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    apply(&world);
    // The next append makes a checkpoint, makes files few and removes what is past its retention.
    while newest_version(&cuts) % 10 != 9 || newest_version(&cuts) < 15 {
        world.later(12 * 60);
        change(&mut world).await;
        apply(&world);
    }
    // The documents so far are of a month that has passed.
    world.later(40 * DAY);
    change(&mut world).await;
    let now = world.now;
    let kept: PathBuf = world.path("kept");
    std::fs::create_dir(&kept).unwrap();
    for region in ["east", "west"] {
        copy(&world.path(region), &kept.join(region));
    }
    let before = ["east", "west"].map(|region| documents(&world, region));
    let cuts_before = world.regions().secondary.location.ledger().await.unwrap().all_cuts();

    // One after the other where calls differ, then some of the many alike.
    let (mut kills, mut number) = (0, 0);
    loop {
        number += if number < 6 { 1 } else { 15 };
        world.now = now;
        match killed(&world, number) {
            None => {
                eprintln!("SKIPPED: there is no strace that may trace");
                return;
            }
            Some(false) => break,
            Some(true) => kills += 1,
        }
        world.later(1);
        apply(&world);
        assert_whole(&world, &[]).await;
        let after = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
        assert_eq!(after.iter().count(), cuts_before.iter().count() + 1, "kill {number}");
        for cut in cuts_before.iter() {
            assert!(after.iter().any(|it| it == cut), "kill {number}: {}", cut.cut_number);
        }
        for (region, before) in ["east", "west"].into_iter().zip(&before) {
            let after = documents(&world, region);
            assert!(before.is_subset(&after), "kill {number}, {region}");
        }
        let history = world.drsync(&["history", "--since", "2020-01-01"]).output();
        assert!(history.status.success(), "kill {number}");
        for region in ["east", "west"] {
            std::fs::remove_dir_all(world.path(region)).unwrap();
            copy(&kept.join(region), &world.path(region));
        }
    }
    assert!(kills > 5, "{kills}");
}
