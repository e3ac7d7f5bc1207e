//! Files on a local disk: durable writes that appear all at once or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, open, renameat_with};
use rustix::io::Errno;

use super::super::error::{DeltaError, Result};
use super::Listed;

/// What a name begins with that never belongs to a finished file; readers and VACUUM skip it for its dot.
pub(crate) const UNFINISHED: &str = ".drsync-";

/// Makes a folder and those above it, down from a base that must be there.
pub(super) fn make_folder(base: &Path, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let there = base
        .metadata()
        .map_err(|error| DeltaError::io(format!("look at {}", base.display()), error))?;
    if !there.is_dir() {
        let error = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(DeltaError::io(
            format!("look into {}", base.display()),
            error,
        ));
    }
    // Each new folder's entry is flushed in its parent, or a crash could lose the folder with a committed table in it.
    let mut missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|at| *at != base && !at.is_dir())
        .collect();
    while let Some(next) = missing.pop() {
        match fs::create_dir(next) {
            Ok(()) => flush_folder(next.parent().unwrap_or(base))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(DeltaError::io(
                    format!("make the folder {}", next.display()),
                    error,
                ));
            }
        }
    }
    Ok(())
}

/// Lists the plain files in a folder, in no order.
pub(super) fn list(folder: &Path) -> Result<Vec<Listed>> {
    let failed = |error| DeltaError::io(format!("list {}", folder.display()), error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let meta = match fs::metadata(entry.path()) {
            Ok(meta) => meta,
            // Gone since it was listed, as temporary files and expired commits are.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if meta.is_file() {
            found.push(Listed {
                name,
                size: meta.len(),
                modified_ms: modified_ms(&meta),
            });
        }
    }
    Ok(found)
}

fn modified_ms(meta: &fs::Metadata) -> i64 {
    let Ok(modified) = meta.modified() else {
        return 0;
    };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

/// The size of a plain file, if there is one.
pub(super) fn size(path: &Path) -> Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
        Ok(_) => Ok(None),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(DeltaError::io(format!("look at {}", path.display()), error)),
    }
}

/// Writes a file, flushes it, and only then gives it its name; false if `only_new` and the name is taken.
pub(super) fn put(base: &Path, path: &Path, content: &[u8], only_new: bool) -> Result<bool> {
    let folder = path.parent().unwrap_or(base);
    make_folder(base, folder)?;
    let failed = |error| DeltaError::io(format!("write {}", path.display()), error);
    if only_new && let Some(done) = put_nameless(folder, path, content).map_err(failed)? {
        return Ok(done);
    }
    let name = format!("{UNFINISHED}{}.tmp", uuid::Uuid::new_v4().simple());
    let unfinished = Unfinished(folder.join(name));
    let mut file = open_new(&unfinished.0)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    if only_new {
        match rename_to_new(&unfinished.0, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
    } else {
        fs::rename(&unfinished.0, path).map_err(failed)?;
    }
    flush_folder(folder)?;
    Ok(true)
}

/// Writes a file that has no name until it is whole, so that a killed process leaves nothing behind.
/// `None` where the file system has no such files.
fn put_nameless(folder: &Path, path: &Path, content: &[u8]) -> io::Result<Option<bool>> {
    let mode = Mode::from_raw_mode(0o666);
    let Ok(file) = open(
        folder,
        OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC,
        mode,
    ) else {
        return Ok(None);
    };
    let mut file = File::from(file);
    file.write_all(content)?;
    file.sync_all()?;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, opened, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(Some(false)),
        Err(Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP | Errno::XDEV) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    File::open(folder)?.sync_all()?;
    Ok(Some(true))
}

/// A temporary file that does not outlive a failure.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Gives a file a name that must not be taken.
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Not every file system can; all that can hard-link refuse a taken name.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(from, to),
        Err(error) => Err(error.into()),
    }
}

/// Opens a file that must not exist yet, for writing.
pub(crate) fn open_new(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| DeltaError::io(format!("create {}", path.display()), error))
}

/// Flushes a file's content to the disk.
pub(crate) fn flush(file: &File, path: &Path) -> Result<()> {
    file.sync_data()
        .map_err(|error| DeltaError::io(format!("flush {}", path.display()), error))
}

/// Flushes the names in a folder to the disk.
pub(crate) fn flush_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| DeltaError::io(format!("flush the folder {}", folder.display()), error))
}
