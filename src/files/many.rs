//! Many files, most of them in a few folders: a folder that was found free of links is kept open.
//!
//! Each belongs to one thread and lives as long as one piece of work, because what it found of a folder is not looked at again.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, fstat, linkat, openat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::{FileFacts, facts, facts_of, is_absence, linked, open_folder, parted, regular};

/// The folder that was asked for last, kept open: whatever takes its place since is not followed.
#[derive(Debug, Default)]
struct KeptOpen(Option<(PathBuf, OwnedFd)>);

impl KeptOpen {
    fn folder(&mut self, path: &Path) -> io::Result<&OwnedFd> {
        let kept = match self.0.take() {
            Some((at, opened)) if at == path => (at, opened),
            _ => (path.to_path_buf(), open_folder(path)?),
        };
        Ok(&self.0.insert(kept).1)
    }
}

/// Opens many files.
#[derive(Debug, Default)]
pub struct Opener {
    folder: KeptOpen,
}

impl Opener {
    /// Opens a regular file at a resolved path, for reading, and tells what is known of it.
    ///
    /// # Errors
    /// The system's; `InvalidInput` where a link stands in its path, or it is a folder, pipe, socket or device.
    pub fn regular(&mut self, path: &Path) -> io::Result<(File, FileFacts)> {
        let (above, name) = parted(path)?;
        let folder = self.folder.folder(above)?;
        // Without NONBLOCK the opening of a pipe waits for its other end.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(folder, name.as_bytes(), flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::LOOP) => return Err(linked()),
            Err(error) => return Err(error.into()),
        };
        let stat = fstat(&file)?;
        regular(&stat)?;
        Ok((file, facts_of(&stat)))
    }
}

/// Makes many files that get a name when they are whole, so that a killed process leaves nothing of them behind.
#[derive(Debug, Default)]
pub struct Namer {
    folder: KeptOpen,
}

impl Namer {
    /// Makes a file without a name, for writing, to which that of a resolved path can be given; `None` where the file system
    /// has no such files.
    ///
    /// # Errors
    /// The system's of opening its folder; `InvalidInput` where a link stands in its path.
    pub fn make_nameless(&mut self, path: &Path, mode: Mode) -> io::Result<Option<File>> {
        let (above, _) = parted(path)?;
        let folder = self.folder.folder(above)?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        // Whatever hinders it: a file with a name is made in its place, or that tells why it cannot be.
        Ok(openat(folder, ".", flags, mode).ok().map(File::from))
    }

    /// Gives a file without a name that of a resolved path, which must be free; false where it gets none in this way, though a
    /// rename may still do.
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken; the system's; `InvalidInput` where a link stands in its path.
    pub fn name(&mut self, file: &File, path: &Path) -> io::Result<bool> {
        let (above, name) = parted(path)?;
        let folder = self.folder.folder(above)?;
        let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
        match linkat(CWD, opened, folder, name, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => Ok(true),
            Err(
                Errno::NOENT
                | Errno::PERM
                | Errno::OPNOTSUPP
                | Errno::XDEV
                | Errno::NOSYS
                | Errno::INVAL,
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Renames many files, most of them from one folder into a few.
#[derive(Debug, Default)]
pub struct Renamer {
    from: KeptOpen,
    to: KeptOpen,
}

impl Renamer {
    /// Gives what lies at one resolved path the name of another, which must be free.
    ///
    /// # Errors
    /// The system's; `InvalidInput` where a link stands in a path.
    pub fn rename_new(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ((above, name), (to_above, to_name)) = (parted(from)?, parted(to)?);
        let (above, to_above) = (self.from.folder(above)?, self.to.folder(to_above)?);
        match renameat_with(above, name, to_above, to_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Not every file system can; all that can hard-link refuse a taken name.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {
                linkat(above, name, to_above, to_name, AtFlags::empty())?;
                Ok(unlinkat(above, name, AtFlags::empty())?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a look at a path finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundEntry {
    /// Neither it nor, it may be, the folder that it would lie in.
    Nothing,
    /// A regular file.
    File(FileFacts),
    /// Something else, or a link or something else stands in its path.
    Other,
}

/// Looks at many files.
#[derive(Debug, Default)]
pub struct Looker {
    folder: KeptOpen,
    /// The folder that was last found not to be there.
    absent: Option<PathBuf>,
}

impl Looker {
    /// What lies at a resolved path.
    ///
    /// # Errors
    /// The system's.
    pub fn find_entry(&mut self, path: &Path) -> io::Result<FoundEntry> {
        let (above, name) = parted(path)?;
        if self.absent.as_deref() == Some(above) {
            return Ok(FoundEntry::Nothing);
        }
        let folder = match self.folder.folder(above) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.absent = Some(above.to_path_buf());
                return Ok(FoundEntry::Nothing);
            }
            Err(error) if is_absence(&error) => return Ok(FoundEntry::Other),
            Err(error) => return Err(error),
        };
        match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(facts(&stat).map_or(FoundEntry::Other, FoundEntry::File)),
            Err(Errno::NOENT) => Ok(FoundEntry::Nothing),
            Err(Errno::NOTDIR) => Ok(FoundEntry::Other),
            Err(error) => Err(error.into()),
        }
    }

    /// The facts about a regular file at a resolved path; `None` where there is none, or a link stands in its path.
    ///
    /// # Errors
    /// The system's.
    pub fn regular(&mut self, path: &Path) -> io::Result<Option<FileFacts>> {
        match self.find_entry(path)? {
            FoundEntry::File(facts) => Ok(Some(facts)),
            FoundEntry::Nothing | FoundEntry::Other => Ok(None),
        }
    }
}
