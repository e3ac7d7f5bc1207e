//! The Python in which the programs of others are, for tests that ask them.

use std::path::PathBuf;
use std::process::Command;

/// The Python that `DRSYNC_TEST_PYTHON` names, if it has these modules; `None`, and a word, elsewhere.
pub(crate) fn python(modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("DRSYNC_TEST_PYTHON").map(PathBuf::from);
    let able = python.as_ref().is_some_and(|python| {
        let import = format!("import {modules}");
        let probe = Command::new(python).args(["-c", &import]).output();
        probe.is_ok_and(|output| output.status.success())
    });
    if !able {
        eprintln!("SKIPPED: DRSYNC_TEST_PYTHON names no Python with {modules}");
    }
    python.filter(|_| able)
}
