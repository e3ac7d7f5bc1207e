//! Brings files into a target, safely on the disk before anything names them.
//!
//! On one machine several files are copied at once. A big file comes under a temporary name, is flushed, and gets its own.
//! Small files come under their own names, many at once, and the disk is asked once for all of them, because a
//! flush of each would take most of the time. Their names are announced before, so that no later clone trusts what a dead one left.

mod content;
mod staging;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::syncfs;

use super::super::error::{DeltaError, Result};
use super::super::path::Location;
use super::super::store::{TableStore, flush, flush_folder, open_new};
use super::lacking::{Job, Lacking};
use super::{Progress, foreign};
use crate::files;
use staging::Staging;
pub(super) use staging::unproven;

/// Files in flight: each write waits for the disk, so a disk has always something to do only where many are under way.
const AT_ONCE: usize = 16;

/// From this size on a file is flushed and named by itself.
const BIG: u64 = 8 << 20;

/// Up to this many files, flushing each is cheaper than flushing the file system.
const FEW: usize = 16;

/// Small files that are flushed together: a clone that fails or is killed loses no more.
const BATCH_FILES: usize = 4096;
const BATCH_BYTES: u64 = 1 << 30;

/// Copies files. Returns when all are safely there.
pub(super) fn copy_all(
    source: &TableStore,
    target: &TableStore,
    lacking: &Lacking,
    progress: &Progress,
) -> Result<()> {
    match (source.folder(), target.folder()) {
        (Some(_), Some(to)) => copy_local(source, to, target, lacking, progress),
        _ => in_parallel(&lacking.jobs, |job| {
            progress.check()?;
            let Location::Inside(path) = &job.from else {
                return Err(foreign(&format!("{:?}", job.from)));
            };
            let size = target.pull(source, path, &job.to)?;
            progress.copied(size);
            if size != job.size {
                return Err(not_whole(job));
            }
            progress.file_done();
            Ok(())
        }),
    }
}

/// Those jobs whose file in the target has another content than the source's; all have the source's size.
pub(super) fn others(
    source: &TableStore,
    target: &TableStore,
    jobs: Vec<Job>,
    progress: &Progress,
) -> Result<Vec<Job>> {
    let others = Mutex::new(Vec::new());
    in_parallel(&jobs, |job| {
        progress.check()?;
        let same = match (source.folder(), target.folder()) {
            (Some(_), Some(to)) => {
                content::same(&place(source, &job.from)?, &to.join(&job.to), progress)?
            }
            _ => {
                let Location::Inside(path) = &job.from else {
                    return Err(foreign(&format!("{:?}", job.from)));
                };
                source.read_data(path)? == target.read_data(&job.to)?
            }
        };
        if !same {
            held(&others).push(job.clone());
        }
        Ok(())
    })?;
    let mut others = others.into_inner().unwrap_or_default();
    others.sort_unstable_by(|one, other| one.to.cmp(&other.to));
    Ok(others)
}

fn copy_local(
    source: &TableStore,
    to: &Path,
    target: &TableStore,
    lacking: &Lacking,
    progress: &Progress,
) -> Result<()> {
    let staging = Staging::open(to, target)?;
    let jobs = &lacking.jobs;
    let folders: BTreeSet<PathBuf> = jobs
        .iter()
        .filter_map(|job| Some(to.join(&job.to).parent()?.to_path_buf()))
        .collect();
    for folder in &folders {
        target.make_folder_at(folder)?;
    }
    let copy = Copy {
        source,
        to,
        staging: &staging,
        progress,
    };
    let (together, alone): (Vec<_>, Vec<_>) =
        numbered(jobs).partition(|(_, job)| job.may_be_named_early());
    let (together, alone) = if together.len() > FEW {
        (together, alone)
    } else {
        (Vec::new(), numbered(jobs).collect())
    };
    in_parallel(&alone, |(number, job)| copy.alone(*number, job))?;
    for batch in batches(&together) {
        copy.together(batch)?;
    }
    // The new names, and the folders made for them.
    if folders.len() > FEW {
        flush_all(to)?;
    } else {
        let chain = folders
            .iter()
            .flat_map(|folder| folder.ancestors().take_while(|at| at.starts_with(to)));
        chain
            .collect::<BTreeSet<_>>()
            .into_iter()
            .try_for_each(flush_folder)?;
    }
    staging.finish(&lacking.settled);
    Ok(())
}

/// Jobs with numbers for temporary names.
fn numbered(jobs: &[Job]) -> impl Iterator<Item = (usize, &Job)> {
    jobs.iter().enumerate()
}

impl Job {
    fn may_be_named_early(&self) -> bool {
        self.size < BIG && !self.unproven
    }
}

fn batches<'a, 'b>(jobs: &'a [(usize, &'b Job)]) -> impl Iterator<Item = &'a [(usize, &'b Job)]> {
    let mut rest = jobs;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |(_, job): &&(usize, &Job)| {
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
    staging: &'a Staging,
    progress: &'a Progress,
}

impl Copy<'_> {
    /// One file under a temporary name, flushed, then under its own.
    fn alone(&self, number: usize, job: &Job) -> Result<()> {
        let staged = self.staging.path(number);
        let file = open_new(&staged)?;
        self.content(job, &file, &staged)?;
        flush(&file, &staged)?;
        self.name(&staged, job)
    }

    /// Many small files under their own names, flushed at once.
    fn together(&self, batch: &[(usize, &Job)]) -> Result<()> {
        self.staging
            .announce(batch.iter().map(|(_, job)| job.to.as_str()))?;
        let copied = in_parallel(batch, |(number, job)| {
            let place = self.to.join(&job.to);
            match open_new(&place) {
                Ok(file) => self.content(job, &file, &place),
                // What lies there is not whole, or another clone is at work on it.
                Err(error) if error.already_exists() => self.alone(*number, job),
                Err(error) => Err(error),
            }
        });
        // After a failure too: what is whole by now need not be copied again, and what is not has the wrong size.
        flush_all(self.to)?;
        self.staging.proven()?;
        copied
    }

    fn content(&self, job: &Job, file: &File, at: &Path) -> Result<()> {
        self.progress.check()?;
        let source = place(self.source, &job.from)?;
        if !content::copy(&source, job.size, file, at, self.progress)? {
            return Err(not_whole(job));
        }
        self.progress.file_done();
        Ok(())
    }

    fn name(&self, staged: &Path, job: &Job) -> Result<()> {
        let place = self.to.join(&job.to);
        files::rename(staged, &place)
            .map_err(|error| DeltaError::io(format!("write {}", place.display()), error))
    }
}

fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Where a file in or near a table's folder lies, to be opened as it is.
fn place(source: &TableStore, location: &Location) -> Result<PathBuf> {
    match location {
        Location::Inside(inside) => Ok(source.folder().unwrap_or(Path::new("/")).join(inside)),
        Location::Elsewhere(path) => source.external(path),
        Location::Foreign(url) => Err(foreign(url)),
    }
}

/// A source file that is not as long as its log says: a copy would be as broken. Its own length may be another file's secret.
fn not_whole(job: &Job) -> DeltaError {
    let why = format!("it has not the {} bytes that the log says", job.size);
    DeltaError::corrupt(&job.to, why)
}

/// Flushes everything that was written to the file system of a folder.
fn flush_all(folder: &Path) -> Result<()> {
    let failed = |error: io::Error| DeltaError::io(format!("flush {}", folder.display()), error);
    syncfs(files::open_folder(folder).map_err(failed)?).map_err(|error| failed(error.into()))
}

/// Does something with each item, a few at a time, until one fails.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(item) {
                // Nobody takes another one.
                next.store(items.len(), Ordering::Relaxed);
                held(&failure).get_or_insert(error);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    match failure
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
