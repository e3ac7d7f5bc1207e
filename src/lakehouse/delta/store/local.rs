//! Files on a local disk: durable writes that appear all at once or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use rustix::io::Errno;

use super::super::error::{DeltaError, Result};
use super::Listed;
use crate::files::{self, Looker};

/// What a name begins with that never belongs to a finished file; readers and VACUUM skip it for its dot.
pub(crate) const UNFINISHED: &str = ".drsync-";

/// Makes a folder and those above it, down from a base that must be there, each as open as the one above it at most.
pub(super) fn make_folder(
    base: &Path,
    folder: &Path,
    at_most: impl Fn(&Path) -> Mode,
) -> Result<()> {
    let looked = |at: &Path, error| DeltaError::io(format!("look into {}", at.display()), error);
    match files::open_folder(folder) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(looked(folder, error)),
    }
    files::open_folder(base).map_err(|error| looked(base, error))?;
    // Each new folder's entry is flushed in its parent, or a crash could lose the folder with a committed table in it.
    let mut missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|at| *at != base && files::open_folder(at).is_err())
        .collect();
    while let Some(next) = missing.pop() {
        let failed = |error| DeltaError::io(format!("make the folder {}", next.display()), error);
        let above = next.parent().unwrap_or(base);
        let mode = files::mode(above).map_err(failed)? & at_most(next);
        if files::make_folder(next, mode | Mode::RWXU).map_err(failed)? {
            flush_folder(above)?;
        }
    }
    files::open_folder(folder)
        .map(drop)
        .map_err(|error| looked(folder, error))
}

/// Opens a regular file of the table; a link, pipe or device is none.
pub(super) fn open(path: &Path) -> Result<File> {
    files::open_regular(path)
        .map_err(|error| DeltaError::io(format!("open {}", path.display()), error))
}

/// Lists the plain files in a folder, in no order.
pub(super) fn list(folder: &Path) -> Result<Vec<Listed>> {
    let entries = match files::list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(DeltaError::io(format!("list {}", folder.display()), error));
        }
    };
    let listed = |(name, facts): (String, files::Facts)| Listed {
        name,
        size: facts.size,
        modified_ms: facts.modified_ms,
    };
    Ok(entries.into_iter().map(listed).collect())
}

/// The size of a plain file, if there is one.
pub(super) fn size(looker: &mut Looker, path: &Path) -> Result<Option<u64>> {
    let found = looker
        .regular(path)
        .map_err(|error| DeltaError::io(format!("look at {}", path.display()), error))?;
    Ok(found.map(|facts| facts.size))
}

/// Writes a file, flushes it, and only then gives it its name; false if `only_new` and the name is taken.
///
/// It is as open as its folder at most.
pub(super) fn put(path: &Path, content: &[u8], only_new: bool) -> Result<bool> {
    let failed = |error| DeltaError::io(format!("write {}", path.display()), error);
    let folder = path.parent().unwrap_or(path);
    let mode = files::mode(folder).map_err(failed)? & files::PLAIN | Mode::RUSR | Mode::WUSR;
    if only_new && let Some(done) = put_nameless(path, content, mode).map_err(failed)? {
        return Ok(done);
    }
    let name = format!("{UNFINISHED}{}.tmp", uuid::Uuid::new_v4().simple());
    let unfinished = Unfinished(folder.join(name));
    let mut file = files::create_new(&unfinished.0, mode).map_err(failed)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    if only_new {
        match files::rename_new(&unfinished.0, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
    } else {
        files::rename(&unfinished.0, path).map_err(failed)?;
    }
    flush_folder(folder)?;
    Ok(true)
}

/// Writes a file that has no name until it is whole, so that a killed process leaves nothing behind.
/// `None` where the file system has no such files.
fn put_nameless(path: &Path, content: &[u8], mode: Mode) -> io::Result<Option<bool>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    let folder = files::open_folder(folder)?;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let Ok(file) = openat(&folder, ".", flags, mode) else {
        return Ok(None);
    };
    let mut file = File::from(file);
    file.write_all(content)?;
    file.sync_all()?;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, opened, &folder, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(Some(false)),
        Err(Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP | Errno::XDEV) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    File::from(folder).sync_all()?;
    Ok(Some(true))
}

/// A temporary file that does not outlive a failure.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = files::remove_file(&self.0);
    }
}

/// Opens a file that must not exist yet, for writing.
pub(crate) fn open_new(path: &Path) -> Result<File> {
    files::create_new(path, files::PLAIN)
        .map_err(|error| DeltaError::io(format!("create {}", path.display()), error))
}

/// Flushes a file's content to the disk.
pub(crate) fn flush(file: &File, path: &Path) -> Result<()> {
    file.sync_data()
        .map_err(|error| DeltaError::io(format!("flush {}", path.display()), error))
}

/// Flushes the names in a folder to the disk.
pub(crate) fn flush_folder(folder: &Path) -> Result<()> {
    files::open_folder(folder)
        .and_then(|opened| File::from(opened).sync_all())
        .map_err(|error| DeltaError::io(format!("flush the folder {}", folder.display()), error))
}
