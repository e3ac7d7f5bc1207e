//! Whether a source still is the table that a cut or a plan names: by the id and the content of the version named. Pure.
//!
//! Commit times prove nothing: they shift where in-commit timestamps are switched off, where log cleanup takes the commits
//! before, and where a log is copied without its files' times.

use chrono::{DateTime, Utc};

use super::document::SourcePin;
use crate::ledger::CutTableEntry;
use crate::moment;
use crate::region::{Source, is_another_digest};

/// A version of a source as somebody names it.
#[derive(Debug, Clone, Copy)]
pub struct NamedVersion<'a> {
    by: &'static str,
    version: u64,
    committed_at: DateTime<Utc>,
    table_id: &'a str,
    sha256: Option<&'a str>,
}

impl<'a> NamedVersion<'a> {
    /// The version that a cut names.
    pub fn in_cut(entry: &'a CutTableEntry) -> NamedVersion<'a> {
        NamedVersion {
            by: "the last cut",
            version: entry.source_version,
            committed_at: entry.source_committed_at,
            table_id: &entry.source_table_id,
            sha256: entry.source_commit_sha256.as_deref(),
        }
    }

    /// The version that a plan pins.
    pub fn in_plan(pin: &'a SourcePin) -> NamedVersion<'a> {
        NamedVersion {
            by: "the plan",
            version: pin.version,
            committed_at: pin.committed_at,
            table_id: &pin.table_id,
            sha256: pin.commit_sha256.as_deref(),
        }
    }

    /// The version that is named.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The id of the table that is named.
    pub fn table_id(&self) -> &'a str {
        self.table_id
    }
}

/// Why a source is another table than the one that is named, as far as its history was read; `None`: it is the same.
///
/// Where the commit named is no longer in the log, or no digest of it was kept, the id decides.
pub fn recreated(source: &Source, named: &NamedVersion<'_>) -> Option<String> {
    let NamedVersion { by, version, committed_at, table_id, sha256 } = *named;
    let head = source.commits.last()?;
    let was = format!("v{version} of {}", moment::text(committed_at));
    let another =
        |id: &str| format!("it is another table, of id {id}; {by} names {was} of id {table_id}");
    if version > head.version {
        let newest = format!("its newest version is v{}", head.version);
        return Some(if source.table_id == table_id {
            format!("{newest}; {by} names {was}")
        } else {
            format!("{}; {newest}", another(&source.table_id))
        });
    }
    let mut commits = source.commits.iter();
    let Some(commit) = commits.find(|commit| commit.version == version) else {
        return (source.table_id != table_id).then(|| {
            format!("{}; its log no longer reaches back to that", another(&source.table_id))
        });
    };
    if let Some(id) = commit.table_id.as_deref().filter(|id| *id != table_id) {
        return Some(another(id));
    }
    let (now, then) = (commit.sha256.as_deref()?, sha256?);
    is_another_digest(now, then).then(|| {
        format!(
            "the commit of its v{version}, {} of {} with the digest {}, is not the one that {by} names, {was} with the digest {}",
            commit.operation,
            moment::text(commit.committed_at),
            short(now),
            short(then),
        )
    })
}

/// As much of a digest as tells two apart.
fn short(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.chars().take(12).collect()
}
