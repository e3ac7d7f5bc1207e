//! What a lakehouse holds, for whoever has no configuration yet: its tables, how large they are, and the jobs that wrote them.

use std::path::Path;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;

use super::catalog::{Catalog, resolve_location};
use super::delta::{self, SnapshotDetail, TableCommit, TableStore};
use super::jobs::JobsFile;
use super::{FileError, PARALLEL_READS};
use crate::config::{LocationAddress, TableName};
use crate::region::{Unclonable, is_maintenance};

/// So many of a table's newest commits are asked which job made them.
const COMMITS: u64 = 50;

/// A lakehouse as its files show it.
#[derive(Debug)]
pub struct Survey {
    /// What it calls itself.
    pub name: Option<String>,
    /// Who drsync is there.
    pub principal: Option<String>,
    /// The tables of its catalog whose names can be read, by name.
    pub tables: Vec<Surveyed>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name.
    pub name: TableName,
    /// What it is, where nothing can clone that.
    pub unsupported: Option<Unclonable>,
    /// Bytes of its newest version, where its log tells.
    pub bytes: Option<u64>,
    /// Id and name of the job that wrote it last.
    pub job: Option<(i64, String)>,
}

/// Looks at the catalog of a folder, its jobs, and the log of every table; a log that cannot be read tells nothing.
///
/// # Errors
/// The file that cannot be read, where it is the catalog or that of the jobs.
pub async fn survey(workspace: &Path, since: DateTime<Utc>) -> Result<Survey, FileError> {
    let catalog = Catalog::read(workspace)?;
    let jobs = JobsFile::read(workspace)?;
    let known = |id: i64| {
        let job = jobs.jobs.iter().find(|job| job.job_id == id)?;
        Some((id, job.name.clone().unwrap_or_default()))
    };
    let entries = catalog.tables.iter().filter_map(|entry| {
        let name = TableName::parse(&entry.full_name).ok()?;
        let location =
            entry.storage_location.as_deref().map(|text| resolve_location(workspace, text));
        Some((name, entry.unsupported(), location))
    });
    let looked = entries.map(|(name, unsupported, location)| async move {
        let folder = location.as_deref().and_then(LocationAddress::literal_path);
        let told = match (folder, &unsupported) {
            (Some(folder), None) => {
                read_size_and_writer(&TableStore::local(folder), since).await.ok()
            }
            (Some(_) | None, _) => None,
        };
        (name, unsupported, told)
    });
    let mut looked: Vec<_> = futures::stream::iter(looked).buffered(PARALLEL_READS).collect().await;
    looked.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    looked.dedup_by(|(one, ..), (other, ..)| one == other);
    let tables = looked.into_iter().map(|(name, unsupported, told)| Surveyed {
        name,
        unsupported,
        bytes: told.map(|(bytes, _)| bytes),
        job: told.and_then(|(_, job)| known(job?)),
    });
    Ok(Survey { tables: tables.collect(), name: catalog.name, principal: catalog.principal })
}

/// Bytes of a table's newest version, and the job of its newest commit that one made, maintenance aside.
async fn read_size_and_writer(
    store: &TableStore,
    since: DateTime<Utc>,
) -> delta::Result<(u64, Option<i64>)> {
    let log = delta::versions(store).await?;
    let head = delta::snapshot_in(store, &log, log.newest, SnapshotDetail::Summary).await?;
    let from = log.newest.saturating_sub(COMMITS);
    let history = delta::history_in(store, &log, &head, Some(from)).await?;
    let recent = history.iter().rev().filter(|commit| {
        commit.timestamp_ms >= since.timestamp_millis()
            && !is_maintenance(commit.operation.as_deref().unwrap_or_default())
    });
    Ok((head.totals().bytes, recent.map(job_of).find(Option::is_some).flatten()))
}

/// `commitInfo.job.jobId`, which engines write as text or as a number.
fn job_of(commit: &TableCommit) -> Option<i64> {
    let id = commit.commit_info.get("job")?.get("jobId")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}
