//! Many small pieces of work at once, on threads of their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Result;

/// Files in flight: each write waits for the disk, so a disk has always something to do only where many are under way.
const AT_ONCE: usize = 16;

/// Items that one thread takes at a time where each is done in microseconds.
pub(super) const PART: usize = 512;

/// Does something with each item, a few at a time, until one fails.
pub(super) fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    in_parallel_with(items, || (), |(), item| work(item))
}

/// The same, with something that each thread makes for itself and keeps for all its items.
pub(super) fn in_parallel_with<T: Sync, S>(
    items: &[T],
    make: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let run = || {
        let mut own = make();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(&mut own, item) {
                // With nothing left to take, the other threads end as well.
                next.store(items.len(), Ordering::Relaxed);
                lock_or_recover(&failure).get_or_insert(error);
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
    match failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// What becomes of many items, in their order: parts of so many are worked on at once, until one fails.
pub(super) fn map_parts<T: Sync, R: Send>(
    items: &[T],
    size: usize,
    work: impl Fn(&[T]) -> Result<Vec<R>> + Sync,
) -> Result<Vec<R>> {
    let parts: Vec<(&[T], Mutex<Vec<R>>)> =
        items.chunks(size).map(|part| (part, Mutex::default())).collect();
    in_parallel(&parts, |(part, done)| {
        *lock_or_recover(done) = work(part)?;
        Ok(())
    })?;
    Ok(parts.into_iter().flat_map(|(_, done)| done.into_inner().unwrap_or_default()).collect())
}

/// Locks, whatever became of others who did.
pub(super) fn lock_or_recover<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
