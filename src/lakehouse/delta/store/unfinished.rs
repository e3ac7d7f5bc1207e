//! Files that are being written: under names that never belong to a finished one, and gone when their writer is.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::Mode;

use crate::files;

/// What a name begins with that never belongs to a finished file; readers and VACUUM skip it for its dot.
pub(crate) const UNFINISHED: &str = ".drsync-";
/// What such a name ends with.
const UNFINISHED_ENDING: &str = ".tmp";

/// A temporary file that does not outlive a failure.
pub(super) struct Unfinished(pub(super) PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = files::remove_file(&self.0);
    }
}

/// Opens a file under a name of its own that says, by a lock, that its writer lives.
pub(super) fn open_unfinished(folder: &Path, mode: Mode) -> io::Result<(Unfinished, File)> {
    loop {
        let id = uuid::Uuid::new_v4();
        let name = format!("{UNFINISHED}{}{UNFINISHED_ENDING}", id.simple());
        let unfinished = Unfinished(folder.join(name));
        let file = files::create_new(&unfinished.0, mode)?;
        // A file system without locks leaves it to the user to clear up after the dead.
        let _ = file.lock();
        // Whoever swept in between took it for a dead writer's.
        if unfinished.0.exists() {
            return Ok((unfinished, file));
        }
    }
}

/// Removes what dead writers left unfinished in a folder, once a run.
pub(super) fn sweep_once(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let swept = SWEPT.lock();
    let first = swept.is_ok_and(|mut swept| swept.insert(folder.to_path_buf()));
    if first {
        sweep(folder);
    }
}

/// Removes what dead writers left unfinished in a folder: those who live hold a lock. What cannot be removed does no harm.
fn sweep(folder: &Path) {
    for (name, _) in files::names(folder).unwrap_or_default() {
        if !name.starts_with(UNFINISHED) || !name.ends_with(UNFINISHED_ENDING) {
            continue;
        }
        let path = folder.join(name);
        // Held while it is removed, so that no writer takes it for its own in between.
        if let Ok(file) = files::open_regular(&path)
            && file.try_lock().is_ok()
        {
            let _ = files::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dead_writers_left_is_removed_and_what_a_living_one_holds_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".drsync-dead.tmp");
        std::fs::write(&left, "half").unwrap();
        std::fs::write(folder.path().join("other.tmp"), "somebody's").unwrap();
        let (living, _lock) = open_unfinished(folder.path(), files::PLAIN).unwrap();
        sweep(folder.path());
        assert!(!left.exists());
        assert!(living.0.exists() && folder.path().join("other.tmp").exists());
    }
}
