//! What a clone at work keeps in the target: files that are not whole and safe yet.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::super::error::Result;
use super::super::super::store::{TableStore, open_new};
use crate::files;

/// The folder of a table for files that are not whole yet. Readers and VACUUM skip it for its underscore.
const FOLDER: &str = "_drsync_tmp";

/// The temporary files of one clone. A lock says that their owner lives; what a dead one left is cleared away.
pub(super) struct Staging {
    folder: PathBuf,
    id: String,
    /// Held as long as the clone lives.
    _lock: File,
}

impl Staging {
    pub(super) fn open(table: &Path, target: &TableStore) -> Result<Self> {
        let folder = table.join(FOLDER);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let path = folder.join(format!("{id}.lock"));
        let mut attempts = 0;
        let lock = loop {
            target.make_folder(FOLDER)?;
            match open_new(&path) {
                Ok(lock) => {
                    // Waits for nobody but a clone that looks whether this one is dead. A file system without locks leaves
                    // it to the user to clear up.
                    let _ = lock.lock();
                    if path.exists() || attempts == 8 {
                        break lock;
                    }
                }
                // Another clone cleared the empty folder away in between.
                Err(error) if error.is_not_found() && attempts < 8 => {}
                Err(error) => return Err(error),
            }
            attempts += 1;
        };
        let staging = Self { folder, id, _lock: lock };
        clear_dead(&staging.folder, Some(&staging.id));
        Ok(staging)
    }

    /// A temporary name.
    pub(super) fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.id))
    }
}

/// Removes what clones left in a table whose process is gone, where any did; what one that lives needs stays.
pub(in crate::lakehouse::delta) fn clear_left_over(table: &Path) {
    let folder = table.join(FOLDER);
    if folder.is_dir() {
        clear_dead(&folder, None);
        // Stays where a clone is at work.
        let _ = files::remove_folder(&folder);
    }
}

fn lock_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

/// Makes room.
fn clear_dead(folder: &Path, living: Option<&str>) {
    let names = names(folder);
    let ids = names.iter().filter_map(|name| name.strip_suffix(".lock"));
    let ours = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    for id in ids.filter(ours).filter(|id| Some(*id) != living) {
        let path = lock_path(folder, id);
        let Ok(lock) = files::open_regular(&path) else {
            continue;
        };
        // Held while it is removed: a clone that had only just begun and looked dead finds it gone, and begins again.
        if lock.try_lock().is_ok() {
            clear(folder, id, &names);
            let _ = files::remove_file(&path);
        }
    }
}

fn clear(folder: &Path, id: &str, names: &[String]) {
    let is_of = |name: &&String| {
        let number = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    for name in names.iter().filter(is_of) {
        let _ = files::remove_file(&folder.join(name));
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        clear(&self.folder, &self.id, &names(&self.folder));
        let _ = files::remove_file(&lock_path(&self.folder, &self.id));
        // Stays where another clone is at work.
        let _ = files::remove_folder(&self.folder);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let listed = files::list(folder).unwrap_or_default();
    listed.into_iter().map(|(name, _)| name).collect()
}
