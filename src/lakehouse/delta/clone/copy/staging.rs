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
        let staging = Self {
            folder,
            id,
            _lock: lock,
        };
        staging.clear_dead();
        Ok(staging)
    }

    /// A temporary name.
    pub(super) fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.id))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.lock"))
    }

    /// Makes room.
    fn clear_dead(&self) {
        let names = names(&self.folder);
        for id in names
            .iter()
            .filter_map(|name| name.strip_suffix(".lock"))
            .filter(|id| *id != self.id)
        {
            let path = self.lock_path(id);
            let Ok(lock) = files::open_regular(&path) else {
                continue;
            };
            // Held while it is removed: a clone that had only just begun and looked dead finds it gone, and begins again.
            if lock.try_lock().is_ok() {
                self.clear(id, &names);
                let _ = files::remove_file(&path);
            }
        }
    }

    fn clear(&self, id: &str, names: &[String]) {
        for name in names
            .iter()
            .filter(|name| name.starts_with(id) && !name.ends_with(".lock"))
        {
            let _ = files::remove_file(&self.folder.join(name));
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.clear(&self.id, &names(&self.folder));
        let _ = files::remove_file(&self.lock_path(&self.id));
        // Stays where another clone is at work.
        let _ = files::remove_folder(&self.folder);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let listed = files::list(folder).unwrap_or_default();
    listed.into_iter().map(|(name, _)| name).collect()
}
