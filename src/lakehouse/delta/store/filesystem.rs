//! What kind of file system a folder lies on, and whether it refuses a taken name, on which every commit rests.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::Mode;

use super::super::error::{DeltaError, Result};
use super::unfinished::{Unfinished, open_unfinished};
use crate::files::rename_new;

/// File systems that are known to refuse a taken name. All others have to prove it by writing: mounts of object stores mostly cannot.
const KNOWN: [&str; 14] = [
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nfs", "nfs4", "overlay", "ramfs",
    "tmpfs", "xfs", "zfs",
];

/// The kind of file system that a folder lies on, as the kernel names it; `None`: the kernel does not tell.
pub(crate) fn kind_of(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    kind_in(&fs::read_to_string("/proc/self/mountinfo").ok()?, &folder)
}

/// Whether a folder's file system is one that need not prove anything, or none that can be named.
pub(crate) fn unknown_kind(folder: &Path) -> Option<String> {
    kind_of(folder).filter(|kind| !KNOWN.contains(&kind.as_str()))
}

/// The kind of the mount that lies nearest above a folder; of two at one place the later hides the other.
fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mut nearest: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, rest)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(at), Some(kind)) = (mount.split(' ').nth(4), rest.split(' ').next()) else {
            continue;
        };
        let at = unescaped(at);
        let depth = at.components().count();
        if folder.starts_with(&at) && nearest.is_none_or(|(other, _)| other <= depth) {
            nearest = Some((depth, kind));
        }
    }
    nearest.map(|(_, kind)| kind.to_owned())
}

/// A path as the kernel writes it there: blanks and the like as three octal digits.
fn unescaped(path: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&bytes))
}

/// The devices that have proved it to this process.
static PROVED: Mutex<Option<HashSet<u64>>> = Mutex::new(None);

/// Proves once, in a folder that is about to be written, that a taken name is refused there; nothing of the proof stays.
pub(super) fn prove(folder: &Path) -> Result<()> {
    let failed = |error| DeltaError::io(format!("look at {}", folder.display()), error);
    let device = fs::metadata(folder).map_err(failed)?.dev();
    let mut proved = PROVED.lock().unwrap_or_else(PoisonError::into_inner);
    let proved = proved.get_or_insert_with(HashSet::new);
    if proved.contains(&device) {
        return Ok(());
    }
    if let Some(kind) = unknown_kind(folder) {
        try_taken_name(folder).map_err(|source| filesystem_error(folder, &kind, source))?;
    }
    proved.insert(device);
    Ok(())
}

/// Gives two files one name: the second must be refused. Both stay open, so that nobody takes them for a dead writer's.
fn try_taken_name(folder: &Path) -> io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    let (first, _first) = open_unfinished(folder, mode)?;
    let (second, _second) = open_unfinished(folder, mode)?;
    let taken = Unfinished(first.0.with_extension("taken.tmp"));
    rename_new(&first.0, &taken.0)?;
    match rename_new(&second.0, &taken.0) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(io::Error::other("a taken name was given again")),
    }
}

/// The refusal of a place whose file system has no put-if-absent.
pub(super) fn filesystem_error(folder: &Path, kind: &str, source: io::Error) -> DeltaError {
    DeltaError::NoPutIfAbsent { place: folder.display().to_string(), kind: kind.to_owned(), source }
}

/// Whether an error says that the file system cannot do it, rather than that it may not now.
pub(super) fn is_inability(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let inabilities = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM, Errno::INVAL, Errno::MLINK];
    let code = error.raw_os_error();
    inabilities.iter().any(|inability| code == Some(inability.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_names_the_file_system() {
        let mounts = "27 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 27 0:40 / /mnt/lake\\040west rw shared:1 - fuse.blobfuse2 blobfuse2 rw\n\
            31 27 0:41 / /mnt/twice rw - tmpfs a rw\n\
            32 31 0:42 / /mnt/twice rw - fuse.s3fs b rw\n";
        let kind = |folder: &str| kind_in(mounts, Path::new(folder)).unwrap();
        assert_eq!(kind("/srv/sync"), "ext4");
        assert_eq!(kind("/mnt/lake west/sync"), "fuse.blobfuse2");
        assert_eq!(kind("/mnt/lake"), "ext4");
        assert_eq!(kind("/mnt/twice/a"), "fuse.s3fs");
    }

    #[test]
    fn a_disk_proves_that_it_refuses_a_taken_name_and_nothing_of_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        try_taken_name(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
