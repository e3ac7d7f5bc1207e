//! File systems that cannot do what a commit needs, as strace lets the kernel answer for them.

use std::path::Path;
use std::process::Output;

use super::program::{NOW, code, stderr, stdout, world};

use crate::support::runner::drsync_under;

/// Runs drsync with system calls that fail; `None`, aloud, where there is no strace.
fn failing(folder: &Path, faults: &[&str], arguments: &[&str]) -> Option<Output> {
    let traced: Vec<&str> = faults.iter().filter_map(|it| it.split(':').next()).collect();
    let trace = format!("trace={}", traced.join(","));
    let mut strace =
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace].map(str::to_owned).to_vec();
    for fault in faults {
        strace.extend(["-e".to_owned(), format!("inject={fault}")]);
    }
    let ran = drsync_under(&strace, folder, arguments).at(NOW).try_output();
    let told = ran.as_ref().map(stderr).unwrap_or_default();
    // Containers may forbid to trace.
    let unable = ["ptrace(", "PTRACE_", "strace: "].iter().any(|said| told.contains(said));
    match ran {
        Ok(ran) if !unable => Some(ran),
        Ok(_) | Err(_) => {
            #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
            {
                eprintln!("SKIPPED: there is no strace that may trace");
            }
            None
        }
    }
}

/// A world whose sync locations hold nothing yet.
fn untouched() -> tempfile::TempDir {
    let world = world();
    for side in ["east/sync", "west/sync"] {
        let location = world.path().join(side);
        std::fs::remove_dir_all(&location).expect("removed");
        std::fs::create_dir(&location).expect("made");
    }
    world
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("read") {
        let path = entry.expect("read").path();
        if path.is_dir() {
            found.extend(files_below(&path))
        } else {
            found.push(path.display().to_string())
        }
    }
    found
}

#[test]
fn a_location_that_cannot_refuse_a_taken_name_is_refused_by_that_and_nothing_is_cloned() {
    for error in ["ENOSYS", "EOPNOTSUPP", "EPERM", "EINVAL"] {
        let world = untouched();
        let folder = world.path();
        let faults = ["linkat", "link", "renameat2"].map(|call| format!("{call}:error={error}"));
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let Some(ended) = failing(folder, &faults, &["apply", "--auto-approve"]) else {
            return;
        };
        let told = stderr(&ended);
        assert_eq!(code(&ended), 1, "{told}");
        assert!(
            told.contains("neither hard links nor a rename that refuses a taken name")
                && told.contains("lies on a file system (")
                && told.contains("os error"),
            "{error}: {told}"
        );
        assert_eq!(files_below(&folder.join("west/sync")), [""; 0], "{error}");
    }
}

#[test]
fn one_of_both_is_enough() {
    for call in ["linkat", "renameat2"] {
        let world = untouched();
        let fault = format!("{call}:error=ENOSYS");
        let Some(ended) = failing(world.path(), &[&fault], &["apply", "--auto-approve"]) else {
            return;
        };
        assert_eq!(code(&ended), 4, "{call}: {}", stderr(&ended));
        let left = files_below(&world.path().join("west/sync"));
        assert!(!left.iter().any(|file| file.ends_with(".tmp")), "{left:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_flushed_is_one_warning() {
    let world = untouched();
    let fault = ["fsync:error=EINVAL"];
    let Some(ended) = failing(world.path(), &fault, &["apply", "--auto-approve"]) else {
        return;
    };
    assert_eq!(code(&ended), 4, "{}", stderr(&ended));
    let text = stdout(&ended);
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat.matches("cannot be flushed").count(), 1, "{text}");
}
