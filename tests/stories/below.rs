//! What lies below a folder, to see that nothing was written there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every file below a folder, with its size.
pub(crate) fn files(folder: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path())
            } else {
                found.insert((entry.path(), entry.metadata().unwrap().len()));
            }
        }
    }
    found
}
