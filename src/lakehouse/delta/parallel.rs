//! Many small pieces of work at once, on threads of their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Result;

/// Files in flight: each write waits for the disk, so a disk has always something to do only where many are under way.
const AT_ONCE: usize = 16;

/// Does something with each item, a few at a time, until one fails.
pub(super) fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
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
    match failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Locks, whatever became of others who did.
pub(super) fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
