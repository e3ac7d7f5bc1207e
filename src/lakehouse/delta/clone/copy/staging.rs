//! What a clone at work keeps in the target: files that are not whole yet, and the names of files that are not safe yet.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::super::super::error::{DeltaError, Result};
use super::super::super::store::{TableStore, flush, flush_folder, open_new};
use crate::files;

/// The folder of a table for files that are not whole yet. Readers and VACUUM skip it for its underscore.
const FOLDER: &str = "_drsync_tmp";

/// The names that clones, dead or alive, gave to files they have not flushed. What lies there may lose its content with the
/// machine's power, whatever its size says.
///
/// To be asked after the files were looked at: a name is announced before its file is made.
pub(in super::super) fn unproven(table: &Path) -> HashSet<String> {
    let folder = table.join(FOLDER);
    names(&folder)
        .into_iter()
        .filter(|name| name.ends_with(".lock"))
        .flat_map(|name| announced(&folder.join(name)))
        .collect()
}

fn announced(lock: &Path) -> Vec<String> {
    let text = files::open_regular(lock).and_then(std::io::read_to_string);
    let text = text.unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The temporary files of one clone, and its announcements. A lock says that their owner lives; what a dead one left is cleared
/// away.
pub(super) struct Staging {
    folder: PathBuf,
    id: String,
    lock: File,
    dead: Vec<String>,
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
        let mut staging = Self {
            folder,
            id,
            lock,
            dead: Vec::new(),
        };
        staging.clear_dead();
        Ok(staging)
    }

    /// A temporary name.
    pub(super) fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.id))
    }

    /// Writes down, safely, that files with these names are about to be made.
    pub(super) fn announce<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut lines = String::new();
        for name in names {
            lines.push_str(&serde_json::Value::from(name).to_string());
            lines.push('\n');
        }
        let path = self.lock_path(&self.id);
        (&self.lock)
            .write_all(lines.as_bytes())
            .map_err(|error| DeltaError::io(format!("write {}", path.display()), error))?;
        flush(&self.lock, &path)?;
        flush_folder(&self.folder)
    }

    /// Takes back what was announced: all of it is safe.
    pub(super) fn proven(&self) -> Result<()> {
        self.lock
            .set_len(0)
            .and_then(|()| (&self.lock).seek(SeekFrom::Start(0)))
            .map(drop)
            .map_err(|error| {
                DeltaError::io(
                    format!("write {}", self.lock_path(&self.id).display()),
                    error,
                )
            })
    }

    /// Forgets what dead clones announced, where all of it is settled: made again, or known to be safe.
    pub(super) fn finish(&self, settled: &HashSet<String>) {
        for path in self.dead.iter().map(|id| self.lock_path(id)) {
            // Held while it is removed: a clone that had only just begun and looked dead finds it gone, and begins again.
            let Ok(lock) = files::open_regular(&path) else {
                continue;
            };
            let is_dead = lock.try_lock().is_ok();
            if is_dead && announced(&path).iter().all(|name| settled.contains(name)) {
                let _ = files::remove_file(&path);
            }
        }
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.lock"))
    }

    /// Makes room. Announcements of the dead stay until what they announced has been made again.
    fn clear_dead(&mut self) {
        let names = names(&self.folder);
        for id in names
            .iter()
            .filter_map(|name| name.strip_suffix(".lock"))
            .filter(|id| *id != self.id)
        {
            let Ok(lock) = files::open_regular(&self.lock_path(id)) else {
                continue;
            };
            if lock.try_lock().is_ok() {
                self.clear(id, &names);
                self.dead.push(id.to_owned());
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
        // What could not be made safe stays announced.
        if self.lock.metadata().is_ok_and(|lock| lock.len() == 0) {
            let _ = files::remove_file(&self.lock_path(&self.id));
        }
        // Stays where another clone is at work.
        let _ = files::remove_folder(&self.folder);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let listed = files::list(folder).unwrap_or_default();
    listed.into_iter().map(|(name, _)| name).collect()
}
