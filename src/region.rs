//! What drsync asks of a region, and how a region may refuse.
//!
//! A region is one side of a synchronization: a workspace (catalog, workflows) and a sync location (metadata tables, replicas).
//! Roles are not types: [`Regions`] names which of two regions is the primary now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{TableName, WorkflowRef};
use crate::ledger::{Cut, Cuts, Row};

/// The two regions of a workspace in their present roles.
#[derive(Clone, Debug)]
pub struct Regions {
    /// Where the tables are written.
    pub primary: Arc<dyn Region>,
    /// Where the replicas are.
    pub secondary: Arc<dyn Region>,
}

/// One region: every question is asked in a batch, every answer stands at its question's place.
///
/// Questions never write. Actions may be repeated: each says how a repetition is recognized.
#[async_trait]
pub trait Region: fmt::Debug + Send + Sync {
    /// Looks whether the sync location is there and who asks.
    ///
    /// `Unavailable`: the region is away, its root does not exist or does not answer. The root is never created.
    async fn presence(&self) -> Result<Presence, RegionError>;

    /// Looks for workflows by exact name or id, with their runs that ended after `since` or have not ended, newest first,
    /// and with the newest ended one in any case.
    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError>;

    /// Looks tables up in the catalog.
    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError>;

    /// Reads the histories of source tables: also the proof of read access.
    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>>;

    /// Looks at source tables at pinned versions, as they would be copied over what the replica holds.
    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>>;

    /// Looks at what lies at paths under this region's sync location; `None`: nothing.
    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>>;

    /// Says whether this region's principal may write under `location` (asked of the primary, which runs the clones).
    ///
    /// `NotFound`: no external location covers it. Looks without writing.
    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError>;

    /// Reads both metadata tables under this region's sync location.
    async fn ledger(&self) -> Result<LedgerCopy, RegionError>;

    /// Clones a table to a path under this region's sync location: one commit that carries its mark.
    ///
    /// `Conflict`: the replica is no longer at the version that was looked at.
    /// Repeating it is safe: the replica's mark says whether it was done.
    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError>;

    /// Compares a replica with its source and says what differs; empty: they agree.
    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError>;

    /// Creates the metadata tables that are missing here, empty, and claims the location for a workspace.
    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError>;

    /// Deep clones the metadata tables that are missing here from another sync location.
    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError>;

    /// Writes rows of `sync_metadata` by group name, inserting those that are new; returns the table's version after it.
    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError>;

    /// Appends a cut if the newest cut of its group here is the one it follows; the group's commit point.
    async fn append_cut(&self, cut: &Cut) -> Result<Appended, RegionError>;

    /// Appends cuts that another copy has and this one lacks; those already here are left out.
    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError>;

    /// Keeps a document under `_drsync/evidence/`; an existing document of that name stays as it is.
    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError>;

    /// Reads a document that was kept, whole; `None`: none of that name was.
    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError>;

    /// Reads the run records among the documents that were kept, oldest first.
    async fn run_records(&self, wanted: &RecordRange) -> Result<Vec<KeptDocument>, RegionError>;
}

/// The ending of a run record's name; before it stands the apply's id.
pub const RUN_RECORD_ENDING: &str = ".run.json";

/// Which run records are wanted. Their names begin with a ULID, so names are as old as applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordRange {
    /// No name before this one.
    pub from: Option<String>,
    /// No name after this one.
    pub until: Option<String>,
    /// Only so many, the newest.
    pub newest: Option<usize>,
}

impl RecordRange {
    /// Whether a document belongs to the range, apart from how many do.
    pub fn holds(&self, name: &str) -> bool {
        name.ends_with(RUN_RECORD_ENDING)
            && self.from.as_deref().is_none_or(|from| name >= from)
            && self.until.as_deref().is_none_or(|until| name <= until)
    }
}

/// A document that was kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDocument {
    /// Its name.
    pub name: String,
    /// Its bytes as they were found.
    pub bytes: Vec<u8>,
}

/// What a region answers when it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The workspace's address as configured.
    pub workspace: String,
    /// The sync location.
    pub location: String,
    /// Who asks, as the catalog knows them.
    pub principal: Option<String>,
    /// The catalog of short table names.
    pub default_catalog: Option<String>,
    /// The service's own clock when it was asked; a lakehouse has none.
    pub clock: Option<DateTime<Utc>>,
    /// Why the workspace itself could not be seen although its storage answers.
    pub workspace_unseen: Option<String>,
}

/// A Databricks job and its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The job's id.
    pub job_id: i64,
    /// The job's name.
    pub name: String,
    /// It has a schedule that is not paused.
    pub schedule_active: bool,
    /// Its runs, newest first by start.
    pub runs: Vec<WorkflowRun>,
}

/// One execution of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The run's id.
    pub run_id: i64,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended; `None` while it has not.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: RunState,
}

/// How a workflow run stands, as far as a recovery point is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The whole run succeeded.
    Succeeded,
    /// It failed, was canceled, timed out or succeeded with failures.
    Failed,
    /// It has begun and not ended.
    Active,
    /// It never began: skipped, excluded, disabled, over the limit of concurrent runs, or still queued.
    NotBegun,
}

/// A table as the catalog lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name as the catalog spells it.
    pub name: TableName,
    /// The catalog's own id, where it has one.
    pub table_id: Option<String>,
    /// Where its files are; `None`: the service does not tell.
    pub location: Option<String>,
    /// Why it cannot be cloned, if so: a view, a row filter …, a fragment that follows its name.
    pub unsupported: Option<String>,
    /// The principal lacks the right to read it.
    pub denied: Option<Denied>,
}

/// A right that is missing, and the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What is missing, a sentence without a full stop.
    pub message: String,
    /// The statement that repairs it.
    pub remedy: Option<String>,
}

impl Denied {
    /// A principal may not read a table.
    pub fn select(table: &TableName, principal: &str) -> Denied {
        Denied {
            message: format!("{principal} has no SELECT on it"),
            remedy: Some(Denied::grant_select(table, principal)),
        }
    }

    /// The statement that lets a principal read a table.
    pub fn grant_select(table: &TableName, principal: &str) -> String {
        format!(
            "GRANT SELECT ON TABLE {} TO `{}`",
            table.sql_short(),
            principal.replace('`', "``")
        )
    }
}

/// The names that come nearest to one that is not there, best first.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .collect();
    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Asks for a source's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQuestion {
    /// The table as the catalog lists it.
    pub table: Table,
    /// The oldest version of interest: the one the last cut names; `None`: all that is retained.
    pub from_version: Option<u64>,
}

/// A source's history as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its retained commits from the version asked for, oldest first, to the head; never empty.
    pub commits: Vec<Commit>,
    /// The oldest version that can still be read.
    pub oldest_version: u64,
    /// How long a replaced version stays readable; `None`: as long as its files are there.
    pub retention: Option<Duration>,
    /// The table's id at the head.
    pub table_id: String,
}

/// One commit of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Table version.
    pub version: u64,
    /// Commit time with milliseconds.
    pub committed_at: DateTime<Utc>,
    /// `WRITE`, `MERGE`, `CLONE` …
    pub operation: String,
    /// Who made it.
    pub user: Option<String>,
    /// It changes rows or the schema; `false` for maintenance.
    pub changes: bool,
    /// The table's id as of this commit, where known.
    pub table_id: Option<String>,
}

/// Asks how a source looks at a pinned version, and what of it a replica lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinQuestion {
    /// The table as the catalog lists it.
    pub table: Table,
    /// The pinned version.
    pub version: u64,
    /// It was the newest when the history was read.
    pub newest: bool,
    /// The replica's location, to estimate what is to be copied.
    pub replica_location: String,
    /// The replica's newest version; `None`: there is no replica.
    pub replica_version: Option<u64>,
}

/// The live files of a table at one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A source at a pinned version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The version.
    pub version: u64,
    /// The table's id at that version.
    pub table_id: String,
    /// Its live files; `None`: the service tells them of the newest version only.
    pub size: Option<Size>,
    /// Live rows: records less deletion-vector cardinality; `None`: not known for every file.
    pub rows: Option<u64>,
    /// Column-mapping mode, `none` where there is none.
    pub column_mapping: String,
    /// Its `delta.deletedFileRetentionDuration`, as written.
    pub deleted_file_retention: Option<String>,
    /// Its `delta.logRetentionDuration`, as written.
    pub log_retention: Option<String>,
    /// What the clone would copy; `None`: not known.
    pub estimate: Option<Estimate>,
}

/// What a clone is expected to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Files to copy.
    pub copy_files: u64,
    /// Bytes to copy.
    pub copy_bytes: u64,
    /// Where the figures come from.
    pub basis: EstimateBasis,
}

/// Where an estimate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateBasis {
    /// The difference of the live files of both sides.
    LiveFiles,
    /// The history's operation metrics.
    History,
}

/// Asks what lies at a replica's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaQuestion {
    /// Its path under the sync location, `<catalog>/<schema>/<table>`.
    pub path: String,
    /// The replica version the last cut names: commits after it are of interest; `None`: all.
    pub since_version: Option<u64>,
}

/// What lies at a replica's path: a Delta table, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its newest version.
    pub version: u64,
    /// The mark its newest metadata carries.
    pub mark: Option<Mark>,
    /// Its column-mapping mode.
    pub column_mapping: String,
    /// Live rows, where known.
    pub rows: Option<u64>,
    /// Its retained commits after the version asked for, oldest first.
    pub commits: Vec<ReplicaCommit>,
}

/// One commit of a replica's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaCommit {
    /// Version of the replica.
    pub version: u64,
    /// Commit time.
    pub committed_at: DateTime<Utc>,
    /// `CLONE`, `OPTIMIZE`, `UPDATE` …
    pub operation: String,
    /// Who made it.
    pub user: Option<String>,
    /// `sourceVersion` of a CLONE.
    pub source_version: Option<u64>,
    /// What a CLONE says its source was, where its metrics tell.
    pub source_size: Option<Size>,
    /// The mark that this commit set, where the log tells.
    pub mark: Option<Mark>,
    /// The version a RESTORE went back to.
    pub restored_to: Option<u64>,
    /// Rows it touched, where its metrics tell.
    pub rows: Option<u64>,
}

/// Operations that rewrite files or statistics and leave every row as it is.
const MAINTENANCE: [&str; 6] = [
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
    "REORG",
    "ANALYZE",
    "COMPUTE STATS",
];

/// Whether an operation leaves every row of a table as it is.
pub fn is_maintenance(operation: &str) -> bool {
    let operation = operation.to_uppercase();
    MAINTENANCE.iter().any(|name| operation.starts_with(name))
}

/// What every clone writes into its own commit: which table at which version it is, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// `drsync.source_table_id`.
    pub source_table_id: String,
    /// `drsync.source_version`.
    pub source_version: u64,
    /// `drsync.replica`: path under the sync location; a mark counts only where it is where the table lies.
    pub replica: String,
}

impl Mark {
    /// Property key of the source table's id.
    pub const SOURCE_TABLE_ID: &str = "drsync.source_table_id";
    /// Property key of the source version.
    pub const SOURCE_VERSION: &str = "drsync.source_version";
    /// Property key of the replica's path.
    pub const REPLICA: &str = "drsync.replica";

    /// Reads a mark from table properties; `None` unless all three are there and well formed.
    pub fn from_properties<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Mark> {
        Some(Mark {
            source_table_id: get(Self::SOURCE_TABLE_ID)?.to_owned(),
            source_version: get(Self::SOURCE_VERSION)?.parse().ok()?,
            replica: get(Self::REPLICA)?.to_owned(),
        })
    }

    /// The mark as table properties.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let Mark {
            source_table_id,
            source_version,
            replica,
        } = self;
        BTreeMap::from([
            (Self::SOURCE_TABLE_ID.to_owned(), source_table_id.clone()),
            (Self::SOURCE_VERSION.to_owned(), source_version.to_string()),
            (Self::REPLICA.to_owned(), replica.clone()),
        ])
    }
}

/// Whether a location can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteAccess {
    /// Rights and location allow it.
    Allowed,
    /// It is read-only or the grant is missing.
    Refused(Denied),
    /// It cannot be seen without writing.
    NotProved(String),
}

/// Both metadata tables of one region, as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LedgerCopy {
    /// `sync_metadata`; `None`: it is not there.
    pub metadata: Option<MetadataTable>,
    /// `sync_cuts`; `None`: it is not there.
    pub cuts: Option<CutTable>,
}

/// `sync_metadata` as read.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataTable {
    /// Its newest version.
    pub version: u64,
    /// The workspace that claims the location (`drsync.workspace`).
    pub workspace: Option<String>,
    /// Its rows, sorted by group name.
    pub rows: Vec<Row>,
}

/// `sync_cuts` as read.
#[derive(Debug, Clone, PartialEq)]
pub struct CutTable {
    /// Its newest version.
    pub version: u64,
    /// The workspace that claims the location.
    pub workspace: Option<String>,
    /// Its cuts, sorted by group and number.
    pub cuts: Vec<Cut>,
}

/// What came of appending a cut, decided by reading back.
#[derive(Debug, Clone, PartialEq)]
pub enum Appended {
    /// The cut is in the log.
    Committed,
    /// Another cut has the number, after the same predecessor: a lost race.
    Lost(Box<Cut>),
    /// The log's newest cut of the group is not the one this cut follows.
    Diverged(Option<Box<Cut>>),
}

/// One clone, exactly as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneOrder {
    /// The source's name.
    pub table: TableName,
    /// Where the source's files are; `None`: the service knows.
    pub source_location: Option<String>,
    /// The source's location at its own id.
    pub source_table_id: String,
    /// The pinned version.
    pub source_version: u64,
    /// The replica's path under the sync location.
    pub replica_path: String,
    /// The replica's newest version when the plan was made; `None`: there was no table.
    pub replica_version: Option<u64>,
    /// Properties the clone sets: mark and retention.
    pub properties: BTreeMap<String, String>,
    /// The statement as shown and reviewed.
    pub statement: String,
}

/// What a clone did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cloned {
    /// The replica's version that holds the source version.
    pub replica_version: u64,
    /// The replica held it before this order: nothing was copied, nothing committed.
    pub already: bool,
    /// What the source was at the pinned version, as the clone itself reports it.
    pub source_size: Option<Size>,
    /// Files copied.
    pub copied_files: u64,
    /// Bytes copied.
    pub copied_bytes: u64,
    /// Id of the statement, where there is one.
    pub statement_id: Option<String>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How it was verified.
    pub level: VerifiedLevel,
    /// Live rows of the source at its version.
    pub source_rows: Option<u64>,
    /// Live rows of the replica.
    pub replica_rows: Option<u64>,
    /// What differs, one fragment each; empty: nothing.
    pub differences: Vec<String>,
}

/// How a clone was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedLevel {
    /// File by file.
    Files,
    /// By what the engine says it did.
    Metrics,
    /// By counting rows on both sides.
    Rows,
}

/// Counters that a clone moves while it works, and the sign to stop.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files copied so far.
    pub files: AtomicU64,
    /// Bytes copied so far.
    pub bytes: AtomicU64,
    /// Set to stop after the file at hand.
    pub stop: Arc<AtomicBool>,
}

impl Progress {
    /// Progress that stops with the given sign.
    pub fn with_stop(stop: Arc<AtomicBool>) -> Progress {
        Progress {
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            stop,
        }
    }

    /// Whether work is to end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A refusal: what was being done, which kind of refusal, and the words of whoever refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {detail}")]
pub struct RegionError {
    /// What a caller can act on.
    pub kind: RegionErrorKind,
    /// What was being done, for example `read the history of main.core.gold`.
    pub doing: String,
    /// What the region said.
    pub detail: String,
    /// It may succeed when tried again.
    pub transient: bool,
    /// The outcome of a write is not known: look before trying again.
    pub outcome_unknown: bool,
    /// When the region asks to try again.
    pub retry_after: Option<Duration>,
}

/// The kinds of refusal a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionErrorKind {
    /// It is not there.
    NotFound,
    /// A right is missing.
    Denied,
    /// The region, or a part of it, does not answer.
    Unavailable,
    /// Someone else was faster, or the thing is not as it was looked at.
    Conflict,
    /// This kind of thing cannot be done with it.
    Unsupported,
    /// Everything else.
    Other,
}

impl RegionError {
    /// A refusal that trying again will not change.
    pub fn new(
        kind: RegionErrorKind,
        doing: impl Into<String>,
        detail: impl Into<String>,
    ) -> RegionError {
        RegionError {
            kind,
            doing: doing.into(),
            detail: detail.into(),
            transient: false,
            outcome_unknown: false,
            retry_after: None,
        }
    }

    /// The same refusal, worth another try.
    #[must_use]
    pub fn transient(self) -> RegionError {
        RegionError {
            transient: true,
            ..self
        }
    }
}

impl LedgerCopy {
    /// Its rows by group name.
    pub fn rows_by_group(&self) -> BTreeMap<String, Row> {
        let rows = self.metadata.iter().flat_map(|table| &table.rows);
        rows.map(|row| (row.group_name.clone(), row.clone()))
            .collect()
    }

    /// Its cuts.
    pub fn all_cuts(&self) -> Cuts {
        Cuts::new(
            self.cuts
                .iter()
                .flat_map(|table| table.cuts.iter().cloned()),
        )
    }
}
