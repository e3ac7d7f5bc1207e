//! Whether commits still are the newest of their logs, which two files of a log tell: asked of many tables at once.

use super::commit_history::digest_of_commit;
use super::error::Result;
use super::log::{LOG, commit_file};
use super::parallel::map_parts;
use super::store::{Neighbours, TableStore};

/// Tables that one thread takes at a time: a folder on a network answers many at once, and none of them at once.
const PART: usize = 64;

/// A commit that was the newest of its log.
#[derive(Debug, Clone)]
pub struct KnownEnd {
    /// Its table.
    pub store: TableStore,
    /// Its version.
    pub version: u64,
    /// What it was; `None`: any will do.
    pub commit: Option<KnownCommit>,
}

/// What is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCommit {
    /// When it was made, in milliseconds.
    pub made_ms: i64,
    /// SHA-256 of its file, hex, where that was kept.
    pub sha256: Option<String>,
}

/// Which of them still are what they were, in the order asked.
pub(super) fn still_ends(asked: &[KnownEnd]) -> Result<Vec<Result<bool>>> {
    map_parts(asked, PART, |part| {
        let mut others = Neighbours::default();
        Ok(part.iter().map(|asked| still_end(asked, &mut others)).collect())
    })
}

fn still_end(asked: &KnownEnd, others: &mut Neighbours) -> Result<bool> {
    let KnownEnd { store, version, commit } = asked;
    let Some(time) = time_at_end(store, *version, others)? else {
        return Ok(false);
    };
    Ok(match commit {
        // By the time of its file, and where that is another one, as it is where commits have times of their own, by its content.
        Some(KnownCommit { made_ms, sha256 }) if *made_ms != time => {
            let digest = digest_of_commit(store, *version).ok();
            digest.is_some() && digest == *sha256
        }
        Some(_) | None => true,
    })
}

/// When the file of a version's commit was last changed, where it is the newest of its log: its commit is there, and the next
/// one's is not. Versions have no gaps, and log cleanup takes the older commit first. `None`: that does not tell.
pub(super) fn time_at_end(
    store: &TableStore,
    version: u64,
    others: &mut Neighbours,
) -> Result<Option<i64>> {
    let Some(next) = version.checked_add(1) else {
        return Ok(None);
    };
    let names = [version, next].map(commit_file);
    Ok(match store.times_among(others, LOG, &names)?[..] {
        [time @ Some(_), None] => time,
        _ => None,
    })
}
