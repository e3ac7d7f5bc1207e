//! What was read from a file, for as long as the file is the same.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Two changes within this time may leave a file with the same time of change.
const CLOCK_TICK: Duration = Duration::from_millis(100);

/// The newest reading of a file.
#[derive(Debug)]
pub(crate) struct NewestReading<T> {
    file: PathBuf,
    newest: Mutex<Option<(Stamp, T)>>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stamp {
    modified: SystemTime,
    /// Seconds and nanoseconds, which nobody sets.
    changed: (i64, i64),
    inode: u64,
    size: u64,
}

impl Stamp {
    fn of(file: &PathBuf) -> Option<Stamp> {
        let found = fs::metadata(file).ok()?;
        Some(Stamp {
            modified: found.modified().ok()?,
            changed: (found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
            size: found.len(),
        })
    }

    fn is_settled(self) -> bool {
        let age = SystemTime::now().duration_since(self.modified);
        age.is_ok_and(|age| age > CLOCK_TICK)
    }
}

impl<T: Clone> NewestReading<T> {
    pub(crate) fn of(file: PathBuf) -> NewestReading<T> {
        NewestReading { file, newest: Mutex::default() }
    }

    /// The reading of the file as it is now; it is read only if it is not the one that was read last.
    pub(crate) fn get(&self, read: impl FnOnce() -> T) -> T {
        // Before it is read: a change meanwhile is seen the next time.
        let stamp = Stamp::of(&self.file);
        let newest = || self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(stamp), Some((last, value))) = (stamp, newest().as_ref())
            && stamp == *last
        {
            return value.clone();
        }
        let value = read();
        if let Some(stamp) = stamp.filter(|stamp| stamp.is_settled()) {
            *newest() = Some((stamp, value.clone()));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changed_or_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog");
        let kept: NewestReading<String> = NewestReading::of(file.clone());
        let reads = Mutex::new(0);
        let get = || {
            kept.get(|| {
                *reads.lock().unwrap() += 1;
                fs::read_to_string(&file).unwrap_or_default()
            })
        };
        assert_eq!(get(), "");
        fs::write(&file, "one").unwrap();
        assert_eq!(get(), "one");
        fs::write(&file, "two").unwrap();
        assert_eq!(get(), "two");
        std::thread::sleep(2 * CLOCK_TICK);
        assert_eq!([get(), get(), get()], ["two", "two", "two"]);
        assert_eq!(*reads.lock().unwrap(), 4);
        fs::write(&file, "three").unwrap();
        assert_eq!(get(), "three");
        fs::remove_file(&file).unwrap();
        assert_eq!(get(), "");
    }
}
