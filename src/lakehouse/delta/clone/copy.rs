//! Brings files into a target, safely on the disk before anything names them.
//!
//! On one machine several files are copied at once, without a name, or under a temporary one where the file system knows no files
//! without. A big file is flushed and gets its own name; of small ones many are flushed at once, names and all, because a flush
//! of each would take most of the time. So what has a name of its
//! own is whole unless the machine itself went down, and a later clone compares what it finds; nothing is committed before all is
//! flushed; and no name is given that is taken: whatever lies under it may be what a committed version names.

mod content;
mod staging;

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, syncfs};

use super::super::error::{DeltaError, Result};
use super::super::parallel::{in_parallel, in_parallel_with, lock_or_recover};
use super::super::path::FileLocation;
use super::super::store::{TableStore, flush, flush_folder};
use super::job::{FileCopy, Placed};
use super::{CopyProgress, foreign};
use crate::canonical::sha256_of_bytes;
use crate::files::{self, Looker, Namer, Opener, Renamer};
use content::{FileSystem, SourceFile};
use staging::Staging;
pub(in crate::lakehouse::delta) use staging::clear_left_over;

/// From this size on a file is flushed and named by itself.
const BIG: u64 = 8 << 20;

/// Up to this many files, flushing each is cheaper than flushing the file system.
const FEW: usize = 16;

/// Small files that are flushed together: a clone that fails or is killed loses no more.
const BATCH_FILES: usize = 4096;
const BATCH_BYTES: u64 = 1 << 30;

/// Copies files. Returns when all are safely there, those too that lay there already.
///
/// [`DeltaError::taken`]: another clone was faster to give a name to other content.
pub(super) fn copy_all(
    source: &TableStore,
    target: &TableStore,
    placed: &Placed,
    progress: &CopyProgress,
) -> Result<()> {
    match (source.folder(), target.folder()) {
        (Some(_), Some(to)) => copy_local(source, to, target, placed, progress),
        _ => in_parallel(&placed.jobs, |job| {
            progress.check()?;
            let FileLocation::Inside(path) = &job.from else {
                return Err(foreign(&format!("{:?}", job.from)));
            };
            let size = target.pull(source, path, &job.to)?;
            progress.copied(size);
            check_length(path, size, job.size)?;
            progress.file_done();
            Ok(())
        }),
    }
}

/// The names of those jobs whose file in the target has another content than the source's; all have the source's size.
pub(super) fn differing_files(
    source: &TableStore,
    target: &TableStore,
    jobs: Vec<FileCopy>,
    progress: &CopyProgress,
) -> Result<HashSet<String>> {
    let others = Mutex::new(HashSet::new());
    in_parallel(&jobs, |job| {
        progress.check()?;
        let same = match (source.folder(), target.folder()) {
            (Some(_), Some(to)) => {
                content::same(&path_of(source, &job.from)?, &to.join(&job.to), progress)?
            }
            _ => {
                let FileLocation::Inside(path) = &job.from else {
                    return Err(foreign(&format!("{:?}", job.from)));
                };
                source.read_data(path)? == target.read_data(&job.to)?
            }
        };
        if !same {
            lock_or_recover(&others).insert(job.to.clone());
        }
        Ok(())
    })?;
    Ok(others.into_inner().unwrap_or_default())
}

/// SHA-256 of the bytes of a file of a source, in hex.
pub(super) fn digest(
    source: &TableStore,
    from: &FileLocation,
    progress: &CopyProgress,
) -> Result<String> {
    match (source.folder(), from) {
        (None, FileLocation::Inside(path)) => Ok(sha256_of_bytes(&source.read_data(path)?)),
        _ => content::digest(&path_of(source, from)?, progress),
    }
}

fn copy_local(
    source: &TableStore,
    to: &Path,
    target: &TableStore,
    placed: &Placed,
    progress: &CopyProgress,
) -> Result<()> {
    let Placed { jobs, adopted, replaced: _ } = placed;
    let parent = |name: &str| Some(to.join(name).parent()?.to_path_buf());
    let mut folders: BTreeSet<PathBuf> = jobs.iter().filter_map(|job| parent(&job.to)).collect();
    if !jobs.is_empty() {
        clear_left_over(to);
        for folder in &folders {
            target.make_folder_at(folder)?;
        }
        let copy = Copy::new(source, to, target, progress);
        let (together, alone): (Vec<_>, Vec<_>) =
            numbered(jobs).partition(|(_, job)| job.size < BIG);
        let (together, alone) = if together.len() > FEW {
            (together, alone)
        } else {
            (Vec::new(), numbered(jobs).collect())
        };
        in_parallel(&alone, |(number, job)| copy.alone(*number, job))?;
        for batch in batches(&together) {
            copy.together(batch)?;
        }
    }
    // The new names, and the folders made for them; what lay there already, whoever brought it, with its content.
    folders.extend(adopted.iter().filter_map(|name| parent(name)));
    if folders.len() > FEW || !adopted.is_empty() {
        flush_all(to)?;
    } else {
        let chain = folders
            .iter()
            .flat_map(|folder| folder.ancestors().take_while(|at| at.starts_with(to)));
        chain.collect::<BTreeSet<_>>().into_iter().try_for_each(flush_folder)?;
    }
    Ok(())
}

/// Jobs with numbers for temporary names.
fn numbered(jobs: &[FileCopy]) -> impl Iterator<Item = (usize, &FileCopy)> {
    jobs.iter().enumerate()
}

fn batches<'a, 'b>(
    jobs: &'a [(usize, &'b FileCopy)],
) -> impl Iterator<Item = &'a [(usize, &'b FileCopy)]> {
    let mut rest = jobs;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |(_, job): &&(usize, &FileCopy)| {
            bytes += job.size;
            bytes <= BATCH_BYTES
        };
        // Each is smaller than a batch.
        let count = rest.iter().take(BATCH_FILES).take_while(fits).count();
        let (batch, later) = rest.split_at(count);
        rest = later;
        (count > 0).then_some(batch)
    })
}

/// From a folder to a folder.
struct Copy<'a> {
    source: &'a TableStore,
    to: &'a Path,
    target: &'a TableStore,
    file_system: FileSystem,
    /// Until it turns out otherwise: whether a file of the target's file system can do without a name.
    nameless: AtomicBool,
    /// Where files that cannot lie until they are whole.
    staging: Mutex<Option<Staging>>,
    progress: &'a CopyProgress,
}

/// What one thread keeps for all the files that it copies.
#[derive(Default)]
struct Hands {
    opener: Opener,
    namer: Namer,
    renamer: Renamer,
    memory: Vec<u8>,
}

/// A file that is whole and does not have its name yet.
struct Unnamed {
    file: File,
    /// Its temporary name, where it needed one.
    staged: Option<PathBuf>,
}

impl<'a> Copy<'a> {
    fn new(
        source: &'a TableStore,
        to: &'a Path,
        target: &'a TableStore,
        progress: &'a CopyProgress,
    ) -> Copy<'a> {
        Copy {
            source,
            to,
            target,
            file_system: FileSystem::of(to),
            nameless: AtomicBool::new(true),
            staging: Mutex::new(None),
            progress,
        }
    }

    /// One file, flushed, then under its own name.
    fn alone(&self, number: usize, job: &FileCopy) -> Result<()> {
        let mut hands = Hands::default();
        loop {
            let unnamed = self.content(&mut hands, number, job)?;
            flush(&unnamed.file, &self.to.join(&job.to))?;
            if self.name(&mut hands, unnamed, job)? {
                return Ok(());
            }
        }
    }

    /// Many small files under their own names, flushed at once.
    fn together(&self, batch: &[(usize, &FileCopy)]) -> Result<()> {
        let copied = in_parallel_with(batch, Hands::default, |hands, (number, job)| {
            loop {
                let unnamed = self.content(hands, *number, job)?;
                if self.name(hands, unnamed, job)? {
                    return Ok(());
                }
            }
        });
        // After a failure too: what is whole by now need not be copied again.
        flush_all(self.to)?;
        copied
    }

    /// One file without its name.
    fn content(&self, hands: &mut Hands, number: usize, job: &FileCopy) -> Result<Unnamed> {
        self.progress.check()?;
        let source = SourceFile::open(&mut hands.opener, path_of(self.source, &job.from)?)?;
        let unnamed = self.make(hands, number, job, source.mode())?;
        let to = unnamed.staged.clone().unwrap_or_else(|| self.to.join(&job.to));
        let Hands { memory, .. } = hands;
        let Unnamed { file, .. } = &unnamed;
        if !source.copy(job.size, file, &to, &self.file_system, memory, self.progress)? {
            return Err(not_whole(&job.to, job.size));
        }
        Ok(unnamed)
    }

    /// A new file for a job: without any name, where the file system has such files.
    fn make(
        &self,
        hands: &mut Hands,
        number: usize,
        job: &FileCopy,
        mode: Mode,
    ) -> Result<Unnamed> {
        if self.nameless.load(Ordering::Relaxed) {
            let place = self.to.join(&job.to);
            let made = hands.namer.make_nameless(&place, mode);
            let failed = |error| DeltaError::io(format!("create {}", place.display()), error);
            match made.map_err(failed)? {
                Some(file) => return Ok(Unnamed { file, staged: None }),
                None => self.nameless.store(false, Ordering::Relaxed),
            }
        }
        let staged = {
            let mut staging = lock_or_recover(&self.staging);
            let opened = match staging.take() {
                Some(opened) => opened,
                None => Staging::open(self.to, self.target)?,
            };
            staging.insert(opened).path(number)
        };
        let failed = |error| DeltaError::io(format!("create {}", staged.display()), error);
        let file = files::create_new(&staged, mode).map_err(failed)?;
        Ok(Unnamed { file, staged: Some(staged) })
    }

    /// Gives a file its own name, unless another clone has done so; false where that takes a file with a temporary name.
    fn name(&self, hands: &mut Hands, unnamed: Unnamed, job: &FileCopy) -> Result<bool> {
        let place = self.to.join(&job.to);
        let Unnamed { file, staged } = unnamed;
        let named = match &staged {
            Some(staged) => hands.renamer.rename_new(staged, &place).map(|()| true),
            None => hands.namer.name(&file, &place),
        };
        match named {
            Ok(true) => {}
            Ok(false) => {
                self.nameless.store(false, Ordering::Relaxed);
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let regular = Looker::default().regular(&place);
                let regular = regular.is_ok_and(|there| there.is_some());
                if !regular || !content::same_as(&file, &place, self.progress)? {
                    return Err(DeltaError::taken(&job.to));
                }
            }
            Err(error) => {
                return Err(DeltaError::io(format!("write {}", place.display()), error));
            }
        }
        self.progress.file_done();
        Ok(true)
    }
}

/// Where a file in or near a table's folder lies, to be opened as it is.
fn path_of(source: &TableStore, location: &FileLocation) -> Result<PathBuf> {
    match location {
        FileLocation::Inside(inside) => Ok(source.folder().unwrap_or(Path::new("/")).join(inside)),
        FileLocation::Elsewhere(path) => source.external(path),
        FileLocation::Foreign(url) => Err(foreign(url)),
    }
}

/// Refuses a source file that is not as long as its log says: a copy would be as broken.
pub(super) fn check_length(file: &str, size: u64, expected: u64) -> Result<()> {
    if size == expected { Ok(()) } else { Err(not_whole(file, expected)) }
}

/// A source file that is not as long as its log says. Its own length may be another file's secret.
fn not_whole(file: &str, expected: u64) -> DeltaError {
    let why = format!("it has not the {expected} bytes that the log says");
    DeltaError::corrupt(file, why)
}

/// Flushes everything that was written to the file system of a folder.
fn flush_all(folder: &Path) -> Result<()> {
    let failed = |error: io::Error| DeltaError::io(format!("flush {}", folder.display()), error);
    syncfs(files::open_folder(folder).map_err(failed)?).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests;
