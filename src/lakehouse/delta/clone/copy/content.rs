//! The bytes of one file: shared where the file system can, else written past the page cache, else as the kernel sees fit.
//!
//! A clone's files must be on the disk before they are named, so memory in between only costs: each byte would be copied there,
//! wait among everybody's unwritten pages, and be written at the flush. A small file is the exception: its last block, which is
//! not a whole one, goes through memory anyway, and writing it twice costs more than the rest saves.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, copy_file_range, fcntl_getfl, fcntl_setfl, fstatfs, ioctl_ficlone};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::super::super::error::{DeltaError, Result};
use super::super::super::store::missing;
use super::CopyProgress;
use crate::files::{self, FileFacts, Opener};
use crate::text::hex;

/// Bytes moved at once; between them progress is shown and a request to stop is heard.
const CHUNK: usize = 512 << 10;

/// What addresses, offsets and lengths of direct writes are multiples of: no disk has larger blocks.
const BLOCK: usize = 4096;

/// Below this size a file that does not end with a whole block is left to the kernel: measured, both ways take as long there.
const SMALL: u64 = 1 << 20;

/// File systems of other machines (NFS, SMB in its ages): their servers copy better than any bytes sent to and fro.
const REMOTE: [u32; 4] = [0x6969, 0x517b, 0xfe53_4d42, 0xff53_4d42];

/// What is known of the file system that files are copied to.
#[derive(Debug)]
pub(super) struct FileSystem {
    /// Whether its server copies better than any bytes sent to and fro.
    remote: bool,
    /// Until it refuses to: whether files can share blocks there.
    shares: AtomicBool,
}

impl FileSystem {
    /// That of a folder that is there.
    pub(super) fn of(folder: &Path) -> FileSystem {
        let found = files::open_folder(folder).and_then(|it| Ok(fstatfs(it)?));
        let remote = found.is_ok_and(|found| REMOTE.contains(&(found.f_type as u32)));
        FileSystem { remote, shares: AtomicBool::new(true) }
    }
}

/// A file that is to be copied.
pub(super) struct SourceFile {
    path: PathBuf,
    file: File,
    facts: FileFacts,
}

impl SourceFile {
    pub(super) fn open(opener: &mut Opener, path: PathBuf) -> Result<SourceFile> {
        match opener.regular(&path) {
            Ok((file, facts)) => Ok(SourceFile { path, file, facts }),
            Err(error) => {
                let shown = path.display().to_string();
                Err(missing(DeltaError::io(format!("open {shown}"), error), &shown))
            }
        }
    }

    /// What a copy may be at most: no more open than the source, but drsync has to read it again.
    pub(super) fn mode(&self) -> Mode {
        files::PLAIN & self.facts.mode | Mode::RUSR
    }

    /// Copies its content into a new, empty file, at `to_path` or to be named so; nothing is flushed. `memory` may be of the copy
    /// before.
    ///
    /// Returns whether it had as many bytes as promised. No more are copied, and how many it has is nobody's business.
    pub(super) fn copy(
        &self,
        promised: u64,
        to: &File,
        to_path: &Path,
        file_system: &FileSystem,
        memory: &mut Vec<u8>,
        progress: &CopyProgress,
    ) -> Result<bool> {
        if self.facts.size != promised {
            return Ok(false);
        }
        let copying = Copying { source: self, promised, to, to_path, file_system, progress };
        let length = match copying.shared()? {
            Some(length) => length,
            None => copying.bytes(memory)?,
        };
        Ok(length == promised)
    }
}

/// Whether two files have the same bytes.
pub(super) fn same(one: &Path, other: &Path, progress: &CopyProgress) -> Result<bool> {
    let what = format!("compare {} with {}", one.display(), other.display());
    same_bytes(&open(one)?, &open(other)?, &what, progress)
}

/// Whether a copy that has no name of its own yet has the same bytes as a file.
pub(super) fn same_as(copy: &File, other: &Path, progress: &CopyProgress) -> Result<bool> {
    let what = format!("compare with {}", other.display());
    // Reads past the page cache would have to be whole blocks.
    set_direct(copy, false).map_err(|error| DeltaError::io(what.clone(), error.into()))?;
    same_bytes(copy, &open(other)?, &what, progress)
}

fn same_bytes(one: &File, other: &File, what: &str, progress: &CopyProgress) -> Result<bool> {
    let failed = |error: io::Error| DeltaError::io(what, error);
    let mut buffers = [vec![0; CHUNK], vec![0; CHUNK]];
    let mut at = 0;
    loop {
        progress.check()?;
        let mut filled = [0; 2];
        for ((file, buffer), filled) in [one, other].into_iter().zip(&mut buffers).zip(&mut filled)
        {
            *filled = fill(file, buffer, at).map_err(failed)?;
        }
        if buffers[0][..filled[0]] != buffers[1][..filled[1]] {
            return Ok(false);
        }
        if filled[0] < CHUNK {
            return Ok(true);
        }
        at += CHUNK as u64;
    }
}

/// SHA-256 of a file's bytes, in hex.
pub(super) fn digest(path: &Path, progress: &CopyProgress) -> Result<String> {
    let file = open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        progress.check()?;
        let filled = fill(&file, &mut buffer, at)
            .map_err(|error| DeltaError::io(format!("read {}", path.display()), error))?;
        hasher.update(&buffer[..filled]);
        if filled < CHUNK {
            return Ok(hex(&hasher.finalize()));
        }
        at += CHUNK as u64;
    }
}

fn open(path: &Path) -> Result<File> {
    let shown = path.display().to_string();
    files::open_regular(path)
        .map_err(|error| missing(DeltaError::io(format!("open {shown}"), error), &shown))
}

/// Reads from a place on until the buffer is full or the file ends.
fn fill(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Copying<'a> {
    source: &'a SourceFile,
    promised: u64,
    to: &'a File,
    to_path: &'a Path,
    file_system: &'a FileSystem,
    progress: &'a CopyProgress,
}

impl Copying<'_> {
    fn failed(&self, error: impl Into<io::Error>) -> DeltaError {
        let what = format!("copy {} to {}", self.source.path.display(), self.to_path.display());
        DeltaError::io(what, error.into())
    }

    /// How many of the next bytes may still be copied, one more than promised: a file that goes on is noticed by it.
    fn room(&self, done: u64, most: usize) -> usize {
        let left = (self.promised + 1).saturating_sub(done);
        usize::try_from(left).unwrap_or(most).min(most)
    }

    /// Lets both files have the same blocks until one of them changes; `None` where the file system cannot.
    fn shared(&self) -> Result<Option<u64>> {
        let shares = &self.file_system.shares;
        if !shares.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match ioctl_ficlone(self.to, &self.source.file) {
            Ok(()) => {
                let meta = self.to.metadata().map_err(|error| self.failed(error))?;
                self.progress.copied(meta.len());
                Ok(Some(meta.len()))
            }
            Err(error) => {
                // Of other errors the next file may know nothing: a source on another file system, say.
                if matches!(error, Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) {
                    shares.store(false, Ordering::Relaxed);
                }
                Ok(None)
            }
        }
    }

    fn bytes(&self, memory: &mut Vec<u8>) -> Result<u64> {
        let past_memory = self.promised >= SMALL || self.promised.is_multiple_of(BLOCK as u64);
        // Writes go past the page cache from now on.
        if past_memory && !self.file_system.remote && self.direct(true).is_ok() {
            self.directly(memory)
        } else {
            self.by_kernel()
        }
    }

    fn direct(&self, on: bool) -> rustix::io::Result<()> {
        set_direct(self.to, on)
    }

    /// Block by block, and what is left of the last one through the page cache.
    fn directly(&self, memory: &mut Vec<u8>) -> Result<u64> {
        let length = usize::try_from(self.promised).unwrap_or(CHUNK);
        // Room for a byte more than the file has, so that its end is seen at once.
        let room = (length + 1).next_multiple_of(BLOCK).min(CHUNK);
        if memory.is_empty() {
            // Fresh from the system: what no file needs is never touched.
            *memory = vec![0; CHUNK + BLOCK];
        }
        let buffer = &mut aligned(memory)[..room];
        let mut done = 0;
        loop {
            self.progress.check()?;
            let filled =
                fill(&self.source.file, buffer, done).map_err(|error| self.failed(error))?;
            let (blocks, rest) = buffer[..filled].split_at(filled / BLOCK * BLOCK);
            match self.to.write_all_at(blocks, done) {
                Ok(()) => {}
                // A file system that takes the flag and not the writes.
                Err(error) if done == 0 && is_invalid(&error) => {
                    self.direct(false).map_err(|error| self.failed(error))?;
                    return self.by_kernel();
                }
                Err(error) => return Err(self.failed(error)),
            }
            if !rest.is_empty() {
                self.direct(false).map_err(|error| self.failed(error))?;
                self.to
                    .write_all_at(rest, done + blocks.len() as u64)
                    .map_err(|error| self.failed(error))?;
            }
            self.progress.copied(filled as u64);
            done += filled as u64;
            if filled < room || done > self.promised {
                return Ok(done);
            }
        }
    }

    /// Within the kernel, or by a server that has both files.
    fn by_kernel(&self) -> Result<u64> {
        let mut done = 0;
        loop {
            self.progress.check()?;
            let room = self.room(done, CHUNK * 16);
            match copy_file_range(&self.source.file, None, self.to, None, room) {
                Ok(0) if done > 0 => return Ok(done),
                Ok(0) => break,
                Ok(count) => {
                    done += count as u64;
                    self.progress.copied(count as u64);
                    // A short answer is the end of the file, or the next one says so.
                }
                Err(Errno::INTR) => {}
                // Not every pair of file systems can.
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                    if done == 0 =>
                {
                    break;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        let count = io::copy(&mut (&self.source.file).take(self.promised + 1), &mut &*self.to)
            .map_err(|error| self.failed(error))?;
        self.progress.copied(count);
        Ok(count)
    }
}

/// Lets reads and writes go past the page cache, or through it.
fn set_direct(file: &File, on: bool) -> rustix::io::Result<()> {
    let mut flags = fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, on);
    fcntl_setfl(file, flags)
}

fn is_invalid(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
}

/// The part of some memory that begins at a block's boundary: all but one block of it.
fn aligned(memory: &mut [u8]) -> &mut [u8] {
    let begin = memory.as_ptr().align_offset(BLOCK);
    let length = memory.len() - BLOCK;
    &mut memory[begin..begin + length]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Lengths around everything that matters to direct writes.
    const LENGTHS: [usize; 10] = [
        0,
        1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        3 * CHUNK,
        3 * CHUNK + BLOCK + 17,
    ];

    fn assert_copies(folder: &Path, way: impl Fn(&Copying<'_>) -> Result<u64>) {
        for length in LENGTHS {
            let content: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let from = folder.join(format!("{length}.from"));
            let to_path = folder.join(format!("{length}.to"));
            fs::write(&from, &content).unwrap();
            let to = File::create(&to_path).unwrap();
            let progress = CopyProgress::default();
            let source = SourceFile::open(&mut Opener::default(), from.clone()).unwrap();
            let copying = Copying {
                source: &source,
                promised: length as u64,
                to: &to,
                to_path: &to_path,
                file_system: &FileSystem::of(folder),
                progress: &progress,
            };
            assert_eq!(way(&copying).unwrap(), length as u64);
            assert_eq!(progress.bytes().0, length as u64);
            assert!(fs::read(&to_path).unwrap() == content, "{length} bytes");
            fs::remove_file(&from).unwrap();
            fs::remove_file(&to_path).unwrap();
        }
    }

    #[test]
    fn every_byte_arrives_whatever_the_length() {
        let folder = tempfile::tempdir().unwrap();
        assert_copies(folder.path(), |copying| copying.by_kernel());
        assert_copies(folder.path(), |copying| copying.bytes(&mut Vec::new()));
        // Past the page cache wherever the file system can, however small the file.
        assert_copies(folder.path(), |copying| match copying.direct(true) {
            Ok(()) => copying.directly(&mut Vec::new()),
            Err(_) => copying.by_kernel(),
        });
    }

    #[test]
    fn every_byte_arrives_on_a_file_system_in_memory() {
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("SKIPPED: there is no file system in memory");
            return;
        };
        assert_copies(folder.path(), |copying| copying.bytes(&mut Vec::new()));
    }

    #[test]
    fn a_clone_that_is_stopped_copies_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::write(&from, vec![1; BLOCK]).unwrap();
        let to_path = folder.path().join("to");
        let to = File::create(&to_path).unwrap();
        let progress = CopyProgress::default();
        progress.stop();
        let source = SourceFile::open(&mut Opener::default(), from).unwrap();
        let file_system = FileSystem::of(folder.path());
        let mut memory = Vec::new();
        let stopped =
            source.copy(BLOCK as u64, &to, &to_path, &file_system, &mut memory, &progress);
        assert!(matches!(stopped, Err(DeltaError::Cancelled)), "{stopped:?}");
        assert_eq!(to.metadata().unwrap().len(), 0);
    }
}
