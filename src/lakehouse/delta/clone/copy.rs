//! Brings files into a target: under a temporary name first, flushed, and only then under their own.
//!
//! On one machine the kernel copies, several files at once, and the disk is asked once per batch of small files
//! rather than once per file: that is what keeps a durable clone near the speed of `cp`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Advice, copy_file_range, fadvise, syncfs};
use rustix::io::Errno;

use super::super::error::{DeltaError, Result};
use super::super::path::Location;
use super::super::store::{TableStore, flush, flush_folder, missing, open_new};
use super::{Job, Progress, foreign};

/// Files in flight. More do not help a disk, and hurt two cores.
const AT_ONCE: usize = 4;

/// Bytes asked of the kernel at once; between them progress is shown and a request to stop is heard.
const CHUNK: usize = 32 << 20;

/// A batch is flushed and renamed when it holds this much, so that a killed clone loses no more.
const BATCH_BYTES: u64 = 1 << 30;
const BATCH_FILES: usize = 4096;

/// From this size on a file is flushed by itself, while others are still being copied.
const BIG: u64 = 8 << 20;

/// Below this many files, flushing each is cheaper than flushing the file system.
const FEW: usize = 16;

/// The folder of a table for files that are not whole yet. Readers and VACUUM skip it for its underscore.
const STAGING: &str = "_drsync_tmp";

/// Copies files; all or none of a batch get their names. Returns when they are safely there.
pub(super) fn copy_all(
    source: &TableStore,
    target: &TableStore,
    jobs: &[Job],
    progress: &Progress,
) -> Result<()> {
    match (source.folder(), target.folder()) {
        (Some(from), Some(to)) => copy_local(from, to, target, jobs, progress),
        _ => in_parallel(jobs, |job| {
            progress.check()?;
            let Location::Inside(path) = &job.from else {
                return Err(foreign(&format!("{:?}", job.from)));
            };
            let size = target.pull(source, path, &job.to)?;
            progress.copied(size);
            whole(job, size)?;
            progress.file_done();
            Ok(())
        }),
    }
}

fn copy_local(
    from: &Path,
    to: &Path,
    target: &TableStore,
    jobs: &[Job],
    progress: &Progress,
) -> Result<()> {
    let staging = Staging::open(to, target)?;
    let folders: BTreeSet<PathBuf> = jobs
        .iter()
        .filter_map(|job| Some(to.join(&job.to).parent()?.to_path_buf()))
        .collect();
    for folder in &folders {
        fs::create_dir_all(folder).map_err(|error| {
            DeltaError::io(format!("make the folder {}", folder.display()), error)
        })?;
    }
    let mut rest = jobs;
    let mut first = 0;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |job: &&Job| {
            bytes += job.size;
            bytes <= BATCH_BYTES
        };
        let count = rest
            .iter()
            .take(BATCH_FILES)
            .take_while(fits)
            .count()
            .max(1);
        let (batch, later) = rest.split_at(count);
        copy_batch(from, to, &staging, first, batch, progress)?;
        first += count;
        rest = later;
    }
    // The new names, and the folders made for them.
    if folders.len() > FEW {
        flush_all(to)
    } else {
        let chain = folders
            .iter()
            .flat_map(|folder| folder.ancestors().take_while(|at| at.starts_with(to)));
        chain
            .collect::<BTreeSet<_>>()
            .into_iter()
            .try_for_each(flush_folder)
    }
}

fn copy_batch(
    from: &Path,
    to: &Path,
    staging: &Staging,
    first: usize,
    batch: &[Job],
    progress: &Progress,
) -> Result<()> {
    let numbered: Vec<(usize, &Job)> = batch
        .iter()
        .enumerate()
        .map(|(index, job)| (first + index, job))
        .collect();
    let few = batch.len() <= FEW;
    in_parallel(&numbered, |(number, job)| {
        progress.check()?;
        let source = match &job.from {
            Location::Inside(inside) => from.join(inside),
            Location::Elsewhere(path) => path.clone(),
            Location::Foreign(url) => return Err(foreign(url)),
        };
        let staged = staging.path(*number);
        let file = open_new(&staged)?;
        let size = copy_file(&source, &file, &staged, progress)?;
        whole(job, size)?;
        if few || size >= BIG {
            flush(&file, &staged)?;
        }
        progress.file_done();
        Ok(())
    })?;
    if !few && batch.iter().any(|job| job.size < BIG) {
        flush_all(to)?;
    }
    for (number, job) in numbered {
        let place = to.join(&job.to);
        fs::rename(staging.path(number), &place)
            .map_err(|error| DeltaError::io(format!("write {}", place.display()), error))?;
    }
    Ok(())
}

/// Refuses a source file that is not as long as its log says: a copy would be as broken.
fn whole(job: &Job, size: u64) -> Result<()> {
    if size == job.size {
        return Ok(());
    }
    Err(DeltaError::corrupt(
        &job.to,
        format!("it has {size} bytes where the log says {}", job.size),
    ))
}

fn copy_file(from: &Path, to: &File, to_path: &Path, progress: &Progress) -> Result<u64> {
    let shown = from.display().to_string();
    let mut source = File::open(from)
        .map_err(|error| missing(DeltaError::io(format!("open {shown}"), error), &shown))?;
    let failed =
        |error: io::Error| DeltaError::io(format!("copy {shown} to {}", to_path.display()), error);
    let mut done = 0;
    loop {
        progress.check()?;
        match copy_file_range(&source, None, to, None, CHUNK) {
            Ok(0) if done > 0 => return Ok(done),
            Ok(0) => break,
            Ok(count) => {
                begin_writing(to, done, count as u64);
                done += count as u64;
                progress.copied(count as u64);
                // A short answer is the end of the file, or the next one says so.
            }
            Err(Errno::INTR) => {}
            // Not every pair of file systems can.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                if done == 0 =>
            {
                break;
            }
            Err(error) => return Err(failed(error.into())),
        }
    }
    let count = io::copy(&mut source, &mut &*to).map_err(failed)?;
    progress.copied(count);
    Ok(count)
}

/// Lets the kernel begin to write part of a file to the disk while copying goes on, so that flushing has little to wait for.
/// That is a side effect of saying that the part will not be read soon, and harmless where it has none.
fn begin_writing(file: &File, from: u64, length: u64) {
    let _ = fadvise(file, from, NonZeroU64::new(length), Advice::DontNeed);
}

/// Flushes everything that was written to the file system of a folder.
fn flush_all(folder: &Path) -> Result<()> {
    let failed = |error: io::Error| DeltaError::io(format!("flush {}", folder.display()), error);
    syncfs(File::open(folder).map_err(failed)?).map_err(|error| failed(error.into()))
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
                let mut slot = failure
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                slot.get_or_insert(error);
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

/// The temporary files of one clone. A lock says that their owner lives; what a dead one left is cleared away.
struct Staging {
    folder: PathBuf,
    id: String,
    _lock: File,
}

impl Staging {
    fn open(table: &Path, target: &TableStore) -> Result<Self> {
        let folder = table.join(STAGING);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let path = folder.join(format!("{id}.lock"));
        let mut attempts = 0;
        let lock = loop {
            target.make_folder(STAGING)?;
            match open_new(&path) {
                Ok(lock) => break lock,
                // Another clone cleared the empty folder away in between.
                Err(error) if error.is_not_found() && attempts < 8 => attempts += 1,
                Err(error) => return Err(error),
            }
        };
        // A file system without locks leaves it to the user to clear up.
        let _ = lock.try_lock();
        let staging = Self {
            folder,
            id,
            _lock: lock,
        };
        staging.clear_others();
        Ok(staging)
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.id))
    }

    fn clear_others(&self) {
        let names: Vec<String> = names(&self.folder);
        for dead in names
            .iter()
            .filter_map(|name| name.strip_suffix(".lock"))
            .filter(|id| *id != self.id)
        {
            let Ok(lock) = File::open(self.folder.join(format!("{dead}.lock"))) else {
                continue;
            };
            if lock.try_lock().is_ok() {
                self.clear(dead, &names);
            }
        }
    }

    fn clear(&self, id: &str, names: &[String]) {
        for name in names
            .iter()
            .filter(|name| name.starts_with(id) && !name.ends_with(".lock"))
        {
            let _ = fs::remove_file(self.folder.join(name));
        }
        let _ = fs::remove_file(self.folder.join(format!("{id}.lock")));
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.clear(&self.id, &names(&self.folder));
        // Stays where another clone is at work.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}
