//! Runs the program, and a world to run it in.

use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::runner;
pub(crate) use crate::support::runner::{code, stderr, stdout};

/// The moment at which every command here runs.
pub(crate) const NOW: &str = "2026-11-22T11:00:00Z";

/// Runs drsync in a folder, without a terminal, by a clock that stands still.
pub(crate) fn drsync(folder: &Path, arguments: &[&str]) -> Output {
    drsync_at(NOW, folder, arguments)
}

pub(crate) fn drsync_at(now: &str, folder: &Path, arguments: &[&str]) -> Output {
    runner::drsync(folder, arguments).at(now).output()
}

/// The demo's world after its first apply: `orders` is due again, `customer_360` is blocked.
pub(crate) fn world() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = drsync(folder.path(), &["demo", "--dir", "."]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    folder
}
