//! Files on a local disk: durable writes that appear all at once or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::Mode;
use rustix::io::Errno;

use super::super::error::{DeltaError, Result};
use super::unfinished::{open_unfinished, sweep_once};
use super::{ListedFile, Occupant, filesystem};
use crate::files::{self, EntryKind, FoundEntry, Looker, Namer};

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
    files::open_folder(folder).map(drop).map_err(|error| looked(folder, error))
}

/// Opens a regular file of the table; a link, pipe or device is none.
pub(super) fn open(path: &Path) -> Result<File> {
    files::open_regular(path)
        .map_err(|error| DeltaError::io(format!("open {}", path.display()), error))
}

/// Lists the plain files in a folder, in no order.
pub(super) fn list(folder: &Path) -> Result<Vec<ListedFile>> {
    let entries = match files::list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(DeltaError::io(format!("list {}", folder.display()), error));
        }
    };
    let listed = |(name, facts): (String, files::FileFacts)| ListedFile {
        name,
        size: facts.size,
        modified_ms: facts.modified_ms,
    };
    Ok(entries.into_iter().map(listed).collect())
}

/// Names what lies in a folder, each with what it is of; in no order.
pub(super) fn names(folder: &Path) -> Result<Vec<(String, EntryKind)>> {
    match files::names(folder) {
        Ok(names) => Ok(names),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(DeltaError::io(format!("list {}", folder.display()), error)),
    }
}

/// The size of a plain file, if there is one.
pub(super) fn size(looker: &mut Looker, path: &Path) -> Result<Option<u64>> {
    let found = looker
        .regular(path)
        .map_err(|error| DeltaError::io(format!("look at {}", path.display()), error))?;
    Ok(found.map(|facts| facts.size))
}

/// When a plain file was last changed, if there is one.
pub(super) fn modified(looker: &mut Looker, path: &Path) -> Result<Option<i64>> {
    let found = looker
        .regular(path)
        .map_err(|error| DeltaError::io(format!("look at {}", path.display()), error))?;
    Ok(found.map(|facts| facts.modified_ms))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match files::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(DeltaError::io(format!("remove {}", path.display()), error)),
    }
}

/// What lies at a path itself: no link is followed.
pub(super) fn occupant(looker: &mut Looker, path: &Path) -> Result<Occupant> {
    let failed = |error| DeltaError::io(format!("look at {}", path.display()), error);
    match looker.find_entry(path).map_err(failed)? {
        FoundEntry::File(facts) => return Ok(Occupant::File(facts.size, Some(facts.modified_ms))),
        FoundEntry::Nothing => return Ok(Occupant::Nothing),
        FoundEntry::Other => {}
    }
    match path.symlink_metadata() {
        Ok(_) => Ok(Occupant::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Occupant::Nothing),
        // A file where a folder should be.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Occupant::Other),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a file, flushes it, and only then gives it its name; false if `only_new` and the name is taken.
///
/// It is as open as its folder at most.
pub(super) fn put(path: &Path, content: &[u8], only_new: bool) -> Result<bool> {
    let failed = |error| DeltaError::io(format!("write {}", path.display()), error);
    let folder = path.parent().unwrap_or(path);
    sweep_once(folder);
    let mode = files::mode(folder).map_err(failed)? & files::PLAIN | Mode::RUSR | Mode::WUSR;
    if only_new {
        filesystem::prove(folder)?;
    }
    if only_new && let Some(done) = put_nameless(path, content, mode).map_err(failed)? {
        if done {
            flush_folder(folder)?;
        }
        return Ok(done);
    }
    let (unfinished, mut file) = open_unfinished(folder, mode).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_data()).map_err(failed)?;
    if only_new {
        match files::rename_new(&unfinished.0, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) if filesystem::is_inability(&error) => {
                let kind = filesystem::kind_of(folder).unwrap_or_else(|| "unknown".to_owned());
                return Err(filesystem::filesystem_error(folder, &kind, error));
            }
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
    let mut namer = Namer::default();
    let Some(mut file) = namer.make_nameless(path, mode)? else {
        return Ok(None);
    };
    file.write_all(content)?;
    file.sync_data()?;
    match namer.name(&file, path) {
        Ok(true) => Ok(Some(true)),
        // There may still be a rename that can.
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Some(false)),
        Err(error) => Err(error),
    }
}

/// Opens a file that must not exist yet, for writing.
pub(crate) fn open_new(path: &Path) -> Result<File> {
    files::create_new(path, files::PLAIN)
        .map_err(|error| DeltaError::io(format!("create {}", path.display()), error))
}

/// Flushes a file's content to the disk.
pub(crate) fn flush(file: &File, path: &Path) -> Result<()> {
    file.sync_data().map_err(|error| DeltaError::io(format!("flush {}", path.display()), error))
}

/// Flushes the names in a folder to the disk.
pub(crate) fn flush_folder(folder: &Path) -> Result<()> {
    files::open_folder(folder)
        .and_then(|opened| flushed(File::from(opened).sync_all()))
        .map_err(|error| DeltaError::io(format!("flush the folder {}", folder.display()), error))
}

/// A file system that cannot flush a folder says so at every attempt: planning warns of it once, and nothing fails for it.
fn flushed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if is_unflushable(&error) => Ok(()),
        outcome => outcome,
    }
}

/// Whether an error says that folders cannot be flushed there.
pub(crate) fn is_unflushable(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}
