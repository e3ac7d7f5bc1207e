//! What lies in a table's log folder: commits, checkpoints, and which of them rebuild a version.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::error::{DeltaError, Result};
pub(crate) use super::path::LOG;
use super::store::TableStore;

/// A complete checkpoint: one file, or all parts of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheckpoint {
    /// The table version it holds.
    pub version: u64,
    /// Names in the log folder, in order.
    pub files: Vec<String>,
}

/// What the log of a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Versions whose commit files are still in the log, oldest first.
    pub commits: Arc<[u64]>,
    /// Complete checkpoints, oldest first.
    pub checkpoints: Vec<LogCheckpoint>,
    /// The newest version.
    pub newest: u64,
    /// The oldest version that can be rebuilt.
    pub oldest: u64,
}

/// The file name of a commit.
pub(crate) fn commit_file(version: u64) -> String {
    format!("{version:020}.json")
}

/// The path of a commit in its table.
pub(crate) fn commit_path(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

/// Lists the log of a table. [`DeltaError::NotATable`] when there is none.
///
/// Names alone: a log may hold months, and of most files nothing more is asked.
pub(crate) fn versions(store: &TableStore) -> Result<Versions> {
    let names = store.file_names(LOG)?;
    parse(names).ok_or_else(|| DeltaError::NotATable { location: store.location() })
}

fn parse(names: Vec<String>) -> Option<Versions> {
    let mut commits: Vec<u64> = Vec::with_capacity(names.len());
    // Ordered so that, of two checkpoints of one version, the later one in this order is tried first.
    let mut checkpoints: Vec<LogCheckpoint> = Vec::new();
    let mut parts: BTreeMap<(u64, u32), BTreeMap<u32, String>> = BTreeMap::new();
    for name in names {
        match LogFile::parse(&name) {
            Some((version, LogFile::Commit)) => commits.push(version),
            Some((version, LogFile::Checkpoint)) => {
                checkpoints.push(LogCheckpoint { version, files: vec![name] });
            }
            Some((version, LogFile::Part { part, of })) => {
                parts.entry((version, of)).or_default().insert(part, name);
            }
            None => {}
        }
    }
    for ((version, of), found) in parts {
        // Half a checkpoint is none: its writer may have died, or still be writing.
        if found.len() == of as usize && found.keys().copied().eq(1..=of) {
            checkpoints.push(LogCheckpoint { version, files: found.into_values().collect() });
        }
    }
    commits.sort_unstable();
    checkpoints.sort_unstable_by(|one, other| {
        (one.version, &one.files).cmp(&(other.version, &other.files))
    });
    let newest = commits.last().copied();
    let newest = newest.max(checkpoints.last().map(|checkpoint| checkpoint.version))?;
    let first = commits.first().copied();
    let oldest = match (first, checkpoints.first()) {
        (Some(0), _) => 0,
        (_, Some(checkpoint)) => checkpoint.version,
        // Nothing can be rebuilt; the first commit is what the message should name.
        (first, None) => first.unwrap_or(newest),
    };
    Some(Versions { commits: commits.into(), checkpoints, newest, oldest })
}

/// What a file name in a log folder can mean. Anything else (checksums, compactions, temporary files) is ignored.
enum LogFile {
    Commit,
    Checkpoint,
    Part { part: u32, of: u32 },
}

impl LogFile {
    fn parse(name: &str) -> Option<(u64, Self)> {
        let (version, rest) = name.split_at_checked(20)?;
        // Versions are signed numbers of 64 bits: what is beyond is none, and one more than any can be reckoned.
        let version = digits(version, 20).filter(|it| i64::try_from(*it).is_ok())?;
        let rest = rest.strip_prefix('.')?;
        // Most files of a log are commits.
        if rest == "json" {
            return Some((version, Self::Commit));
        }
        let kind = match rest.split('.').collect::<Vec<_>>()[..] {
            ["checkpoint", "parquet"] => Self::Checkpoint,
            ["checkpoint", id, "parquet" | "json"] if uuid::Uuid::try_parse(id).is_ok() => {
                Self::Checkpoint
            }
            ["checkpoint", part, of, "parquet"] => Self::Part {
                part: digits(part, 10)?.try_into().ok()?,
                of: digits(of, 10)?.try_into().ok()?,
            },
            _ => return None,
        };
        Some((version, kind))
    }
}

fn digits(text: &str, length: usize) -> Option<u64> {
    (text.len() == length && text.bytes().all(|each| each.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// What to read to rebuild a version: a checkpoint, or the beginning of the log, and the commits after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) checkpoint: Option<&'a LogCheckpoint>,
    pub(crate) commits: RangeInclusive<u64>,
}

impl Versions {
    /// Whether the commit of a version is still in the log.
    pub fn has_commit(&self, version: u64) -> bool {
        self.commits.binary_search(&version).is_ok()
    }

    /// The ways to rebuild a version, best first. A later one is for when a checkpoint turns out to be corrupt.
    pub(crate) fn segments(&self, version: u64) -> Result<Vec<Segment<'_>>> {
        let lost = || DeltaError::VersionMissing {
            asked: version,
            oldest: self.oldest,
            newest: self.newest,
        };
        if version > self.newest || version < self.oldest {
            return Err(lost());
        }
        // The first version from which on no commit is missing: what lies before a gap is no base.
        let before = self.commits.partition_point(|commit| *commit <= version);
        let mut whole_from = version + 1;
        for commit in self.commits[..before].iter().rev() {
            if commit + 1 != whole_from {
                break;
            }
            whole_from = *commit;
        }
        let not_after = self.checkpoints.partition_point(|each| each.version <= version);
        let bases = &self.checkpoints[..not_after];
        let usable = bases.iter().rev().take_while(|base| base.version + 1 >= whole_from);
        let mut found: Vec<Segment<'_>> = usable
            .map(|base| Segment { checkpoint: Some(base), commits: base.version + 1..=version })
            .collect();
        if whole_from == 0 {
            found.push(Segment { checkpoint: None, commits: 0..=version });
        }
        if !found.is_empty() {
            return Ok(found);
        }
        // The first commit that is missing after the newest base there is.
        let base = bases.last().map(|base| base.version + 1);
        match base.or_else(|| self.has_commit(0).then_some(0)) {
            Some(start) => {
                let missing = (start..=version).find(|each| !self.has_commit(*each));
                Err(DeltaError::corrupt(
                    commit_file(missing.unwrap_or(start)),
                    format!("the log goes on to version {} without it", self.newest),
                ))
            }
            None => Err(lost()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(names: &[&str]) -> Option<Versions> {
        parse(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_folder_without_commits_or_checkpoints_is_no_table() {
        assert_eq!(
            log(&[
                "00000000000000000000.crc",
                "_last_checkpoint",
                ".00000000000000000000.json.crc",
                "0.json"
            ]),
            None
        );
    }

    #[test]
    fn what_is_beyond_every_version_is_no_file_of_the_log() {
        let names = ["00000000000000000000.json", "18446744073709551615.checkpoint.parquet"];
        assert_eq!(log(&names).unwrap().newest, 0);
        let names = ["00000000000000000000.json", "09223372036854775807.checkpoint.parquet"];
        assert_eq!(log(&names).unwrap().segments(i64::MAX as u64).unwrap().len(), 1);
    }

    #[test]
    fn half_a_multi_part_checkpoint_is_none() {
        let log = log(&[
            "00000000000000000001.json",
            "00000000000000000001.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000002.json",
            "00000000000000000002.checkpoint.0000000002.0000000002.parquet",
            "00000000000000000002.checkpoint.0000000001.0000000002.parquet",
        ])
        .unwrap();
        assert_eq!(log.checkpoints.len(), 1);
        assert_eq!((log.oldest, log.newest), (2, 2));
        assert!(matches!(
            log.segments(1),
            Err(DeltaError::VersionMissing { asked: 1, oldest: 2, newest: 2 })
        ));
    }

    #[test]
    fn a_gap_between_commits_is_named() {
        let log = log(&["00000000000000000000.json", "00000000000000000002.json"]).unwrap();
        let Err(DeltaError::Corrupt { file, .. }) = log.segments(2) else {
            panic!("a gap went unseen")
        };
        assert_eq!(file, "00000000000000000001.json");
        assert_eq!(log.segments(0).unwrap().len(), 1);
    }

    #[test]
    fn the_newest_checkpoint_is_tried_first_and_compactions_are_ignored() {
        let log = log(&[
            "00000000000000000000.json",
            "00000000000000000001.json",
            "00000000000000000000.00000000000000000001.compacted.json",
            "00000000000000000000.checkpoint.parquet",
            "00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
        ])
        .unwrap();
        let bases: Vec<_> = log
            .segments(1)
            .unwrap()
            .into_iter()
            .map(|each| each.checkpoint.map(|it| it.version))
            .collect();
        assert_eq!(bases, [Some(1), Some(0), None]);
    }
}
