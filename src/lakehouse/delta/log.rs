//! What lies in a table's log folder: commits, checkpoints, and which of them rebuild a version.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{DeltaError, Result};
use super::store::{Listed, TableStore};

/// The folder of a table that holds its log.
pub(crate) const LOG: &str = "_delta_log";

/// A commit whose file is still in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCommit {
    /// The table version it made.
    pub version: u64,
    /// Bytes of the commit file.
    pub size: u64,
    /// When the file was last changed, as the store says.
    pub modified_ms: i64,
}

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
    /// Commit files, oldest first.
    pub commits: Vec<LogCommit>,
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
pub(crate) fn versions(store: &TableStore) -> Result<Versions> {
    parse(store.list(LOG)?).ok_or_else(|| DeltaError::NotATable { location: store.location() })
}

fn parse(listing: Vec<Listed>) -> Option<Versions> {
    let mut commits = BTreeMap::new();
    // Ordered so that, of two checkpoints of one version, the later one in this order is tried first.
    let mut checkpoints: BTreeSet<(u64, Vec<String>)> = BTreeSet::new();
    let mut parts: BTreeMap<(u64, u32), BTreeMap<u32, String>> = BTreeMap::new();
    for Listed { name, size, modified_ms } in listing {
        match LogFile::parse(&name) {
            Some((version, LogFile::Commit)) => {
                commits.insert(version, LogCommit { version, size, modified_ms });
            }
            Some((version, LogFile::Checkpoint)) => {
                checkpoints.insert((version, vec![name]));
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
            checkpoints.insert((version, found.into_values().collect()));
        }
    }
    let checkpoints: Vec<LogCheckpoint> =
        checkpoints.into_iter().map(|(version, files)| LogCheckpoint { version, files }).collect();
    let commits: Vec<LogCommit> = commits.into_values().collect();
    let newest = commits
        .last()
        .map(|commit| commit.version)
        .max(checkpoints.last().map(|checkpoint| checkpoint.version))?;
    let first = commits.first().map(|commit| commit.version);
    let oldest = match (first, checkpoints.first()) {
        (Some(0), _) => 0,
        (_, Some(checkpoint)) => checkpoint.version,
        // Nothing can be rebuilt; the first commit is what the message should name.
        (first, None) => first.unwrap_or(newest),
    };
    Some(Versions { commits, checkpoints, newest, oldest })
}

/// What a file name in a log folder can mean. Anything else (checksums, compactions, temporary files) is ignored.
enum LogFile {
    Commit,
    Checkpoint,
    Part { part: u32, of: u32 },
}

impl LogFile {
    fn parse(name: &str) -> Option<(u64, Self)> {
        let (version, rest) = name.split_once('.')?;
        // Versions are signed numbers of 64 bits: what is beyond is none, and one more than any can be reckoned.
        let version = digits(version, 20).filter(|it| i64::try_from(*it).is_ok())?;
        let kind = match rest.split('.').collect::<Vec<_>>()[..] {
            ["json"] => Self::Commit,
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
pub(crate) struct Segment {
    pub(crate) checkpoint: Option<LogCheckpoint>,
    pub(crate) commits: std::ops::RangeInclusive<u64>,
}

impl Versions {
    /// The ways to rebuild a version, best first. A later one is for when a checkpoint turns out to be corrupt.
    pub(crate) fn segments(&self, version: u64) -> Result<Vec<Segment>> {
        let lost = || DeltaError::VersionMissing {
            asked: version,
            oldest: self.oldest,
            newest: self.newest,
        };
        if version > self.newest || version < self.oldest {
            return Err(lost());
        }
        let known: BTreeSet<u64> = self.commits.iter().map(|commit| commit.version).collect();
        let gap_after = |start: u64| (start..=version).find(|each| !known.contains(each));
        let mut found = Vec::new();
        let mut gap = None;
        let bases =
            self.checkpoints.iter().rev().filter(|checkpoint| checkpoint.version <= version);
        for checkpoint in bases {
            match gap_after(checkpoint.version + 1) {
                None => found.push(Segment {
                    checkpoint: Some(checkpoint.clone()),
                    commits: checkpoint.version + 1..=version,
                }),
                missing => gap = gap.or(missing),
            }
        }
        match gap_after(0) {
            None => found.push(Segment { checkpoint: None, commits: 0..=version }),
            missing => gap = gap.or(missing),
        }
        match gap {
            _ if !found.is_empty() => Ok(found),
            Some(missing)
                if known.contains(&0)
                    || self.checkpoints.iter().any(|each| each.version <= version) =>
            {
                Err(DeltaError::corrupt(
                    commit_file(missing),
                    format!("the log goes on to version {} without it", self.newest),
                ))
            }
            _ => Err(lost()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(names: &[&str]) -> Option<Versions> {
        parse(
            names
                .iter()
                .map(|name| Listed { name: (*name).to_owned(), size: 1, modified_ms: 1 })
                .collect(),
        )
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
