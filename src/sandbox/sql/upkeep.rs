//! Carries out OPTIMIZE and VACUUM.

use serde_json::Value;

use super::Session;
use super::ast::{TableTarget, Vacuuming};
use super::error::{Result, SqlError};
use super::kind::{Kind, structure};
use super::rows::Rows;
use super::tables::columns_of;
use crate::lakehouse::delta::{self, Compacted, SnapshotDetail, Vacuum};

/// Paths that a dry run names at most.
const DRY_RUN_PATHS: usize = 1000;

impl Session {
    /// Makes files fewer, and answers with the counts that Databricks gives.
    pub(super) async fn optimize(&self, target: &TableTarget) -> Result<Rows> {
        let place = self.find_to_write(target).await?;
        let begun = self.now();
        let columns = columns_of(&self.base(&place).await?).len();
        let done = delta::compact(&place.store, self.author()).await;
        let done = done.map_err(|error| SqlError::delta(&place.shown, &error))?;
        let (kind, values) = metrics(&done, columns as u64, [begun, self.now()]);
        let path = place.folder.display().to_string();
        let columns = [("path", Kind::Utf8), ("metrics", kind)];
        Rows::from_json(&columns, &[vec![path.into(), values]])
    }

    /// Removes files that no version within the retention needs, or tells which.
    pub(super) async fn vacuum(&self, target: &TableTarget, how: &Vacuuming) -> Result<Rows> {
        let Vacuuming { hours, lite, dry_run } = how;
        let place = self.find_to_write(target).await?;
        let failed = |error| SqlError::delta(&place.shown, &error);
        let head = self.snapshot(&place, None, SnapshotDetail::Header).await?;
        let least_ms = delta::files_kept_ms(&head.metadata);
        let retain_ms = hours.map(|hours| (hours.round() as i64).saturating_mul(3_600_000));
        let checked = !self.workspace.quirks.vacuum_unchecked;
        if checked && retain_ms.is_some_and(|retain_ms| retain_ms < least_ms) {
            return Err(SqlError::new(
                "DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT",
                "22003",
                format!(
                    "The specified VACUUM retention period is too low and may corrupt this Delta table if any writes are in progress. If no operations (insert, upsert, delete, optimize) are running, you can disable this safety check by setting: delta.retentionDurationCheck.enabled = false. Otherwise, use a retention period of at least {} hours.",
                    least_ms / 3_600_000
                ),
            ));
        }
        let how = Vacuum { retain_ms, named_only: *lite, checked };
        let paths: Vec<String> = if *dry_run {
            let now_ms = self.now().timestamp_millis();
            let found = delta::needless_files(&place.store, how, now_ms).await.map_err(failed)?;
            let files = found.files.into_keys().take(DRY_RUN_PATHS);
            files.map(|file| place.folder.join(file).display().to_string()).collect()
        } else {
            delta::vacuum(&place.store, how, self.author()).await.map_err(failed)?;
            vec![place.folder.display().to_string()]
        };
        let rows: Vec<_> = paths.into_iter().map(|path| vec![path.into()]).collect();
        Rows::texts(&["path"], &rows)
    }
}

/// A type of structs, and a value of it.
type Struct = (Kind, Value);

fn structure_of(fields: Vec<(&str, Kind, Value)>) -> Struct {
    let kinds = fields.iter().map(|(name, kind, _)| (*name, kind.clone()));
    let values = fields.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone()));
    (structure(kinds), Value::Object(values.collect()))
}

/// The struct of counts in the order of Databricks; what only its clusters know is 0 or null.
fn metrics(done: &Compacted, columns: u64, times: [chrono::DateTime<chrono::Utc>; 2]) -> Struct {
    let Compacted { added, removed, partitions, considered } = done;
    let count = |name, count: u64| (name, Kind::Int64, count.into());
    let none = |name, fields: &[&str]| {
        (name, structure(fields.iter().map(|field| (*field, Kind::Int64))), Value::Null)
    };
    let sizes = |name, sizes: &[u64]| {
        let (kind, value) = sizes_of(sizes);
        (name, kind, value)
    };
    let [begun, ended] = times.map(|time| Value::from(time.timestamp_millis()));
    structure_of(vec![
        count("numFilesAdded", added.len() as u64),
        count("numFilesRemoved", removed.len() as u64),
        sizes("filesAdded", added),
        sizes("filesRemoved", removed),
        count("partitionsOptimized", *partitions),
        none("zOrderStats", &["inputNumCubes", "numOutputCubes", "mergedNumCubes"]),
        none("clusteringStats", &["inputNumZCubes", "numOutputZCubes"]),
        count("numBins", added.len() as u64),
        count("numBatches", u64::from(!added.is_empty())),
        count("totalConsideredFiles", *considered),
        count("totalFilesSkipped", considered - removed.len() as u64),
        ("preserveInsertionOrder", Kind::Boolean, false.into()),
        count("numFilesSkippedToReduceWriteAmplification", 0),
        count("numBytesSkippedToReduceWriteAmplification", 0),
        ("startTimeMs", Kind::Int64, begun),
        ("endTimeMs", Kind::Int64, ended),
        count("totalClusterParallelism", 1),
        count("totalScheduledTasks", added.len() as u64),
        none(
            "autoCompactParallelismStats",
            &[
                "maxClusterActiveParallelism",
                "minClusterActiveParallelism",
                "maxSessionActiveParallelism",
                "minSessionActiveParallelism",
            ],
        ),
        none("deletionVectorStats", &["numDeletionVectorsRemoved", "numDeletionVectorRowsRemoved"]),
        count("numTableColumns", columns),
        count("numTableColumnsWithStats", 0),
    ])
}

/// The least, the most, the mean, how many, and all of them.
fn sizes_of(sizes: &[u64]) -> Struct {
    let all: u64 = sizes.iter().sum();
    let bytes = |bytes: Option<&u64>| bytes.copied().into();
    let mean = if sizes.is_empty() { 0.0 } else { all as f64 / sizes.len() as f64 };
    structure_of(vec![
        ("min", Kind::Int64, bytes(sizes.iter().min())),
        ("max", Kind::Int64, bytes(sizes.iter().max())),
        ("avg", Kind::Float64, mean.into()),
        ("totalFiles", Kind::Int64, sizes.len().into()),
        ("totalSize", Kind::Int64, all.into()),
    ])
}
