//! Whatever lies where drsync reads or writes a file: it is told as what it is, nothing is waited for, and nothing else is touched.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::commands::program::{NOW, world};

use crate::support::runner::drsync_under;

/// What may lie in a place instead of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    Pipe,
    Folder,
    Socket,
    /// A link to a file of somebody's.
    Link,
    /// A link that leads nowhere.
    Dangling,
    /// A link to a device without an end.
    Device,
    /// A terabyte of nothing.
    Sparse,
}

const ODD: [Odd; 7] =
    [Odd::Pipe, Odd::Folder, Odd::Socket, Odd::Link, Odd::Dangling, Odd::Device, Odd::Sparse];

const SECRET: &str = "somebody's, and nobody else's";

impl Odd {
    fn lay(self, place: &Path, theirs: &Path) {
        let _ = fs::remove_file(place);
        match self {
            Odd::Pipe => {
                let made = Command::new("mkfifo").arg(place).status().expect("runs");
                assert!(made.success());
            }
            Odd::Folder => fs::create_dir(place).expect("a folder"),
            Odd::Socket => drop(UnixListener::bind(place).expect("a socket")),
            Odd::Link => symlink(theirs, place).expect("a link"),
            Odd::Dangling => symlink("nowhere/at/all", place).expect("a link"),
            Odd::Device => symlink("/dev/zero", place).expect("a link"),
            Odd::Sparse => {
                let file = fs::File::create(place).expect("a file");
                file.set_len(1 << 40).expect("sparse");
            }
        }
    }

    fn clear(self, place: &Path) {
        let cleared = match self {
            Odd::Folder => fs::remove_dir_all(place),
            _ => fs::remove_file(place),
        };
        // What drsync may replace, it has replaced.
        drop(cleared);
    }
}

/// A place, and a command that reads or writes what lies there.
struct Place {
    path: &'static str,
    command: &'static str,
    /// Users name it, and may name it by a link.
    named: bool,
}

fn place(path: &'static str, command: &'static str) -> Place {
    Place { path, command, named: false }
}

fn named(path: &'static str, command: &'static str) -> Place {
    Place { path, command, named: true }
}

/// Within two gigabytes and half a minute.
fn run(folder: &Path, command: &str) -> Output {
    let bounded = "ulimit -v 2097152; exec \"$@\"";
    let within = ["timeout", "-sKILL", "30", "sh", "-c", bounded, "sh"];
    drsync_under(&within, folder, &command.split(' ').collect::<Vec<_>>())
        .at(NOW)
        .env("MALLOC_ARENA_MAX", "2")
        .env("HOME", folder)
        .output()
}

/// The newest file below a folder with an ending.
fn one_below(world: &Path, folder: &str, ending: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(world.join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending)))
        .collect();
    found.sort();
    found.pop().expect("a file")
}

#[test]
fn what_is_no_file_is_told_as_what_it_is_wherever_it_lies() {
    let world = world();
    let world = world.path();
    let planned = run(world, "plan --out plan.json");
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    for file in ["plan.json.minisig", "keys", "key"] {
        fs::write(world.join(file), "x").expect("written");
    }
    fs::copy(world.join("drsync.json"), world.join("other.json")).expect("copied");
    let theirs = world.join("theirs");
    fs::write(&theirs, SECRET).expect("written");
    let orders = one_below(world, "east/tables/shop_orders/_delta_log", ".json");
    let data = one_below(world, "east/tables/shop_orders", ".parquet");
    let evidence = one_below(world, "west/sync/_drsync/evidence", ".run.json");
    let cuts = one_below(world, "west/sync/_drsync/sync_cuts/_delta_log", ".json");
    let rows = one_below(world, "west/sync/_drsync/sync_metadata", ".parquet");
    let replica = one_below(world, "west/sync/main/shop/orders/_delta_log", ".json");
    let record = one_below(world, ".drsync/runs", ".json");
    let of = |path: PathBuf, command| Place {
        path: path.to_str().expect("text").to_owned().leak(),
        command,
        named: false,
    };
    let places = [
        named("drsync.json", "plan"),
        named("other.json", "validate -c other.json"),
        named("plan.json", "show plan.json"),
        named("plan.json", "check plan.json"),
        named("plan.json", "diff plan.json plan.json"),
        place("plan.json", "plan --out plan.json"),
        named("plan.json.minisig", "check plan.json --require-signature keys"),
        named("keys", "check plan.json --require-signature keys"),
        named("key", "apply plan.json --auto-approve --sign-record-with key"),
        place("east/lakehouse.json", "plan"),
        place("east/jobs.json", "plan"),
        place("west/lakehouse.json", "status"),
        place("east/tables/shop_orders/_delta_log/_last_checkpoint", "plan --full"),
        place(
            "east/tables/shop_orders/_delta_log/00000000000000000002.checkpoint.parquet",
            "plan --full",
        ),
        place("sandbox.env", "sandbox --world . --port 0"),
        of(orders, "plan --full"),
        of(data, "plan --full"),
        of(evidence, "history --since 2020-01-01"),
        of(cuts, "status"),
        of(rows, "plan"),
        of(replica, "plan --full"),
        of(record, "show plan.json"),
        place("events", "apply --auto-approve --events events"),
    ];
    let all = std::env::var_os("DRSYNC_TEST_PLACES").is_some();
    for (number, Place { path, command, named }) in places.into_iter().enumerate() {
        let file = world.join(path);
        let kept = fs::read(&file).ok();
        // A pipe could keep every place waiting; the others take turns unless all are asked for.
        let turn = |at: usize| all || at == 0 || at % 3 == number % 3;
        for (_, odd) in ODD.into_iter().enumerate().filter(|(at, _)| turn(*at)) {
            odd.lay(&file, &theirs);
            let output = run(world, command);
            let said = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            let about = format!("{odd:?} at {path}, {command}: {:?}: {said}", output.status.code());
            assert!(output.status.code().is_some_and(|code| code < 100), "{about}");
            assert!(!said.contains("panicked"), "{about}");
            // What a link leads to is read where its user named it, and else by nobody.
            assert!(named || !said.contains(SECRET), "{about}");
            assert_eq!(fs::read_to_string(&theirs).expect("there"), SECRET, "{about}");
            odd.clear(&file);
            if let Some(kept) = &kept {
                fs::write(&file, kept).expect("as before");
            }
        }
    }
}
