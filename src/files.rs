//! Files that others may have laid there: opened below a folder, through no link, never waiting, and only as long as allowed.
//!
//! A path given by the user is resolved once and may lead through links ([`resolve_folder`]). What is named below it by a log, a
//! catalog or a listing may not: one link in a table would make drsync read or write anything of this machine.

mod many;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;

use crate::limits::Limit;
pub use many::{FoundEntry, Looker, Namer, Opener, Renamer};

/// Whether this kernel lacks `openat2`, or a sandbox forbids it.
static WALK: AtomicBool = AtomicBool::new(false);

/// What a new file may be by itself; the process's mask takes away from it.
pub const PLAIN: Mode = Mode::from_raw_mode(0o666);

/// A path whose links are followed now, once: as far as it is there.
pub fn resolve_folder(path: &Path) -> PathBuf {
    // The folder of a bare file name is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for above in whole.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = whole.strip_prefix(above).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    whole
}

/// Opens a regular file at a resolved path.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path, or it is a folder, pipe, socket or device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Without NONBLOCK the opening of a pipe waits for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = open(path, flags, Mode::empty())?;
    regular(&fstat(&file)?)?;
    Ok(File::from(file))
}

/// Opens a file that the user named, through links where they lead; pipes that were handed to this process are waited for.
///
/// # Errors
/// The system's; `InvalidInput` for a named pipe, socket or device.
pub fn open_named(path: &Path) -> io::Result<File> {
    let handed = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];
    if handed.iter().any(|at| path.starts_with(at)) {
        return File::open(path);
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty())?;
    regular(&fstat(&file)?)?;
    Ok(File::from(file))
}

/// Looks whether what the user named is a regular file, where its links lead, without opening it.
///
/// # Errors
/// The system's; `InvalidInput`, with what it is, for a folder, pipe, socket or device.
pub fn look_named(path: &Path) -> io::Result<()> {
    regular(&statat(CWD, path, AtFlags::empty())?)
}

/// Whether a path leads to a folder itself, and to no link to one.
pub fn is_folder(path: &Path) -> bool {
    let found = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}

/// Reads a file that the user named, up to a limit.
///
/// # Errors
/// Those of [`open_named`], and `InvalidData` with the limit.
pub fn read_named(path: &Path, limit: &'static Limit) -> io::Result<Vec<u8>> {
    read(open_named(path)?, limit)
}

/// Reads a text that the user named, up to a limit.
///
/// # Errors
/// Those of [`read_named`], and `InvalidData` where it is no UTF-8.
pub fn read_text(path: &Path, limit: &'static Limit) -> io::Result<String> {
    let bytes = read_named(path, limit)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads what was opened, up to a limit.
///
/// # Errors
/// The system's, and `InvalidData` with the limit.
pub fn read(file: impl Read, limit: &'static Limit) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.most + 1).read_to_end(&mut bytes)?;
    let over = |over| io::Error::new(io::ErrorKind::InvalidData, over);
    limit.allow(bytes.len() as u64).map_err(over)?;
    Ok(bytes)
}

/// Opens a folder at a resolved path.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
}

/// Makes a file that must not be there, at a resolved path, for writing.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn create_new(path: &Path, mode: Mode) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    open(path, flags, mode).map(File::from)
}

/// Makes a folder at a resolved path; false if something is there.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn make_folder(path: &Path, mode: Mode) -> io::Result<bool> {
    let (above, name) = parted(path)?;
    match mkdirat(open_folder(above)?, name, mode) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives what lies at one resolved path the name of another, in place of what lies there.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in a path.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let ((above, name), (to_above, to_name)) = (parted(from)?, parted(to)?);
    Ok(renameat(open_folder(above)?, name, open_folder(to_above)?, to_name)?)
}

/// The same with a name that must be free.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in a path.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    Renamer::default().rename_new(from, to)
}

/// Removes a file, or a link as such, at a resolved path.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands on the way to it.
pub fn remove_file(path: &Path) -> io::Result<()> {
    let (above, name) = parted(path)?;
    Ok(unlinkat(open_folder(above)?, name, AtFlags::empty())?)
}

/// Removes an empty folder at a resolved path.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands on the way to it.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    let (above, name) = parted(path)?;
    Ok(unlinkat(open_folder(above)?, name, AtFlags::REMOVEDIR)?)
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970 of the last change.
    pub modified_ms: i64,
    /// Who may do what with it.
    pub mode: Mode,
}

/// The regular files directly in a folder at a resolved path, in no order.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn list(folder: &Path) -> io::Result<Vec<(String, FileFacts)>> {
    let opened = open_folder(folder)?;
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(&opened)? {
        let entry = entry?;
        let kind = entry.file_type();
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if !matches!(kind, FileType::RegularFile | FileType::Unknown) {
            continue;
        }
        match statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.extend(facts(&stat).map(|facts| (name.to_owned(), facts))),
            // Gone since it was listed, as temporary files and expired commits are.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// A regular file.
    File(FileFacts),
    /// A folder.
    Folder,
}

/// Looks at what lies at a resolved path without opening it.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path, or it is a pipe, socket or device.
pub fn find_entry(path: &Path) -> io::Result<There> {
    let opened = open(path, OFlags::PATH, Mode::empty())?;
    there(&fstat(opened)?)
}

/// The files and folders directly in a folder at a resolved path, by their names; links, pipes and the like are left out.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn entries(folder: &Path) -> io::Result<BTreeMap<String, There>> {
    let opened = open_folder(folder)?;
    let mut found = BTreeMap::new();
    for entry in rustix::fs::Dir::read_from(&opened)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().ok().filter(|it| *it != "." && *it != "..")
        else {
            continue;
        };
        match statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.extend(there(&stat).ok().map(|there| (name.to_owned(), there))),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// What a name in a folder is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Neither, or its name is no text: in words.
    Strange(String),
}

/// What lies directly in a folder at a resolved path, in no order: each name, and what it is of.
///
/// Nothing is opened or followed; a name that is no text is told as far as it is one.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn names(folder: &Path) -> io::Result<Vec<(String, EntryKind)>> {
    let opened = open_folder(folder)?;
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(&opened)? {
        let entry = entry?;
        let name = entry.file_name();
        if [&b"."[..], b".."].contains(&name.to_bytes()) {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => match statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            },
            kind => kind,
        };
        let named = match (name.to_str(), is_regular(kind)) {
            (Err(_), _) => EntryKind::Strange("its name is no text".to_owned()),
            (Ok(_), Ok(())) => EntryKind::File,
            (Ok(_), Err(_)) if kind == FileType::Directory => EntryKind::Folder,
            (Ok(_), Err(error)) => EntryKind::Strange(error.to_string()),
        };
        found.push((name.to_string_lossy().into_owned(), named));
    }
    Ok(found)
}

/// Makes a folder at a resolved path, and those above it that are not there.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn make_folders(folder: &Path) -> io::Result<()> {
    match open_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (above, _) = parted(folder)?;
            make_folders(above)?;
            make_folder(folder, Mode::from_raw_mode(0o777)).map(drop)
        }
        there => there.map(drop),
    }
}

/// Writes a file at a resolved path, in place of one that lies there, whole or not at all.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (above, name) = parted(path)?;
    // A name that nobody else has.
    let aside = above.join(format!(".{}.{}.part", name.display(), ulid::Ulid::new()));
    let written = create_new(&aside, PLAIN)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| rename(&aside, path));
    if written.is_err() {
        // What is half written is of no use; why it failed is what counts.
        let _ = remove_file(&aside);
    }
    written
}

/// The mode of what lies at a resolved path.
///
/// # Errors
/// The system's; `InvalidInput` where a link stands in its path.
pub fn mode(path: &Path) -> io::Result<Mode> {
    let opened = open(path, OFlags::PATH, Mode::empty())?;
    Ok(Mode::from_raw_mode(fstat(opened)?.st_mode & 0o777))
}

/// Whether an error says that there is nothing of ours: no such file, or a link in its path.
pub fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
    )
}

fn facts(stat: &rustix::fs::Stat) -> Option<FileFacts> {
    regular(stat).ok()?;
    Some(facts_of(stat))
}

fn facts_of(stat: &rustix::fs::Stat) -> FileFacts {
    let milliseconds = stat.st_mtime.saturating_mul(1000) + stat.st_mtime_nsec as i64 / 1_000_000;
    FileFacts {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ms: milliseconds,
        mode: Mode::from_raw_mode(stat.st_mode & 0o777),
    }
}

fn there(stat: &rustix::fs::Stat) -> io::Result<There> {
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Ok(There::Folder);
    }
    regular(stat)?;
    Ok(There::File(facts_of(stat)))
}

fn regular(stat: &rustix::fs::Stat) -> io::Result<()> {
    is_regular(FileType::from_raw_mode(stat.st_mode))
}

fn is_regular(kind: FileType) -> io::Result<()> {
    let kind = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "a folder",
        FileType::Symlink => "a link",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of no known kind",
    };
    Err(strange(format!("it is no regular file but {kind}")))
}

fn strange(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.into())
}

fn linked() -> io::Error {
    strange("a link stands in its path, and drsync follows none there")
}

/// The folder of a path, and its last name.
fn parted(path: &Path) -> io::Result<(&Path, &OsStr)> {
    path.parent().zip(path.file_name()).ok_or_else(|| strange("it is no path of a file"))
}

/// Opens what lies at an absolute path in which no part is a link.
fn open(path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if !path.is_absolute() {
        return Err(strange("it is no absolute path"));
    }
    if !WALK.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(CWD, path, flags, mode, resolve) {
            Ok(opened) => return Ok(opened),
            Err(Errno::LOOP) => return Err(linked()),
            // A link where a folder is wanted is told as what it is.
            Err(Errno::NOTDIR) => {}
            Err(Errno::NOSYS | Errno::PERM) => {
                // Old kernels, and sandboxes that know no such call: one look at a place that is always there decides.
                match openat2(CWD, "/", OFlags::PATH, Mode::empty(), resolve) {
                    Ok(_) => return Err(Errno::PERM.into()),
                    Err(_) => WALK.store(true, Ordering::Relaxed),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    walk(path, flags, mode)
}

/// The same, part by part.
fn walk(path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = openat(CWD, "/", folder, Mode::empty())?;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::RootDir | Component::CurDir => continue,
            Component::Normal(name) => name,
            Component::ParentDir | Component::Prefix(_) => {
                return Err(strange("it leads out of its folder"));
            }
        };
        let last = parts.peek().is_none();
        let (wanted, mode) = if last { (flags, mode) } else { (folder, Mode::empty()) };
        at = match openat(&at, name.as_bytes(), wanted, mode) {
            Ok(opened) => opened,
            Err(Errno::LOOP) => return Err(linked()),
            // A link where a folder is wanted is told as what it is.
            Err(Errno::NOTDIR) if is_link(&at, name) => return Err(linked()),
            Err(error) => return Err(error.into()),
        };
        if last && flags.contains(OFlags::PATH) {
            let found = FileType::from_raw_mode(fstat(&at)?.st_mode);
            if found == FileType::Symlink {
                return Err(linked());
            }
        }
    }
    if path.parent().is_none() {
        return Ok(openat(CWD, "/", flags, mode)?);
    }
    Ok(at)
}

fn is_link(folder: &OwnedFd, name: &OsStr) -> bool {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests;
