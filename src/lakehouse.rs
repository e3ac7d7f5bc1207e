//! A region that is a folder of Delta tables, embedded in drsync: the default for trying and testing.
//!
//! A lakehouse is a workspace folder with a catalog (`lakehouse.json`) and workflows (`jobs.json`), and a sync location.
//! Both are read afresh at every question. A secondary may have no workspace at all.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::config::{LocationAddress, TableName, WorkflowRef};
use crate::ledger::{Cut, Cuts, Row};
use crate::off_thread::off_thread;
use crate::region::{
    ActiveRun, Appended, CloneOrder, Cloned, Commit, ContentAnswer, ContentQuestion, KeptRecords,
    LedgerCopy, LedgerTable, Pin, PinQuestion, Presence, Progress, RecordRange, Region,
    RegionError, RegionErrorKind, Replica, ReplicaQuestion, SinceQuestion, Source, SourceQuestion,
    Table, TableRights, Verified, Workflow, WriteAccess,
};
use crate::secrets;

mod access;
mod catalog;
mod clones;
mod columns;
mod contents;
pub mod delta;
pub mod demo;
mod described;
mod evidence;
mod grants;
mod jobs;
mod metrics;
mod records;
mod refusal;
mod replicas;
mod sources;
mod survey;
pub(crate) mod unchanged;
pub mod write;

pub use catalog::{
    CATALOG_FILE, Catalog, ColumnEntry, ExternalLocation, Index, Secret, TableEntry,
};
pub use described::FileError;
pub use grants::Grants;
pub use jobs::{JOBS_FILE, Job, Jobs, Run};
pub use survey::{Survey, Surveyed, survey};
use unchanged::Kept;

/// How many tables are looked at in parallel.
const PARALLEL_READS: usize = 16;

/// A row whose texts hold no secret in use: errors of others are told in it.
fn without_secrets(row: &Row) -> Row {
    let plain = |text: &dyn fmt::Display| secrets::withheld(&text.to_string()).into_owned();
    Row {
        message: row.message.as_ref().map(|message| plain(message).into()),
        workflow: row.workflow.as_ref().map(|workflow| plain(workflow)),
        ..row.clone()
    }
}

/// Who writes, and by which clock.
#[derive(Clone)]
pub struct Writer {
    /// The user that commits name.
    pub user: String,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Writer {
    /// A user by the clock of this machine.
    pub fn new(user: impl Into<String>) -> Writer {
        Writer { user: user.into(), clock: Arc::new(Utc::now) }
    }

    fn author(&self) -> delta::Author {
        delta::Author {
            now_ms: (self.clock)().timestamp_millis(),
            engine_info: concat!("drsync/", env!("CARGO_PKG_VERSION")).to_owned(),
            user_name: Some(self.user.clone()),
            job: None,
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("user", &self.user).finish_non_exhaustive()
    }
}

/// One region: a workspace folder, if there is one, and a sync location.
#[derive(Debug, Clone)]
pub struct LakehouseRegion {
    workspace: Option<PathBuf>,
    /// The workspace whose tables are cloned to here, where it is another.
    sources: Option<PathBuf>,
    location: String,
    root: PathBuf,
    identity: Writer,
    /// The catalog as it was read last: an apply looks its groups up in it one by one.
    index: Arc<Kept<Result<Arc<Index>, FileError>>>,
    /// Writers of one process take turns at a ledger table, so that they lose races to other processes only.
    turns: Arc<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    rows: tokio::sync::Mutex<()>,
    /// What is known of the cut log since this process last read or wrote it.
    cuts: tokio::sync::Mutex<Option<records::Log>>,
}

impl LakehouseRegion {
    /// Names a region; looks at nothing yet, so nothing has to be there.
    ///
    /// # Errors
    /// `Unsupported` if the sync location is not a folder of this machine.
    pub fn open(
        workspace: Option<PathBuf>,
        location: &str,
        identity: Writer,
    ) -> Result<LakehouseRegion, RegionError> {
        let here = std::env::current_dir().unwrap_or_default();
        let refused = |detail: String| {
            let doing = format!("open the sync location {location}");
            RegionError::new(RegionErrorKind::Unsupported, doing, detail)
        };
        let parsed =
            LocationAddress::parse(location, &here).map_err(|error| refused(error.to_string()))?;
        let Some(root) = parsed.is_local() else {
            let scheme = parsed.scheme().as_str();
            return Err(refused(format!(
                "an embedded lakehouse keeps its tables on this machine, not in {scheme}://"
            )));
        };
        let catalog = workspace.clone().unwrap_or_default().join(CATALOG_FILE);
        Ok(LakehouseRegion {
            workspace,
            index: Arc::new(Kept::of(catalog)),
            sources: None,
            location: location.to_owned(),
            root: root.to_path_buf(),
            identity,
            turns: Arc::default(),
        })
    }

    /// The same region, to which tables of another workspace are cloned: its catalog says which files they may name.
    pub fn cloning_from(self, workspace: PathBuf) -> LakehouseRegion {
        LakehouseRegion { sources: Some(workspace), ..self }
    }

    /// The workspace's folder.
    pub fn workspace(&self) -> Option<&Path> {
        self.workspace.as_deref()
    }

    /// The folder of the sync location.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the catalog afresh.
    ///
    /// # Errors
    /// `Unavailable` if there is none or it cannot be read.
    pub async fn catalog(&self) -> Result<Catalog, RegionError> {
        // Without its catalog a workspace is not seen at all.
        self.read_workspace("read the catalog", Catalog::read, RegionErrorKind::Unavailable).await
    }

    /// The catalog by names, read afresh where its file is not the one that was read last.
    async fn index(&self) -> Result<Arc<Index>, RegionError> {
        let index = self.index.clone();
        let read = move |workspace: &Path| {
            index.get(|| Catalog::read(workspace).map(|catalog| Arc::new(catalog.index())))
        };
        let kind = RegionErrorKind::Unavailable;
        self.read_workspace("read the catalog", read, kind).await
    }

    /// Reads the workflows afresh.
    ///
    /// # Errors
    /// `Unavailable` if they cannot be read, `Other` if their file is damaged.
    pub async fn jobs(&self) -> Result<Jobs, RegionError> {
        self.read_workspace("read the workflows", Jobs::read, RegionErrorKind::Other).await
    }

    /// Looks tables up in a catalog that was read.
    pub(crate) fn tables_of(
        &self,
        catalog: &Index,
        asked: &[TableName],
    ) -> Vec<Result<Table, RegionError>> {
        let workspace = self.workspace.as_deref().unwrap_or(Path::new(""));
        let principal = self.principal(catalog);
        let look = |asked: &TableName| {
            let refused =
                |kind, detail| RegionError::new(kind, format!("find the table {asked}"), detail);
            if let Some(detail) = catalog.ambiguity(asked) {
                return Err(refused(RegionErrorKind::Conflict, detail));
            }
            catalog
                .table(workspace, asked, &principal)
                .map_err(|missing| refused(RegionErrorKind::NotFound, missing.to_string()))
        };
        asked.iter().map(look).collect()
    }

    /// Reads a file of the workspace's folder; `damaged` is the kind of refusal if it has to be repaired.
    async fn read_workspace<T: Send + 'static>(
        &self,
        doing: &str,
        read: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
        damaged: RegionErrorKind,
    ) -> Result<T, RegionError> {
        let unavailable = RegionErrorKind::Unavailable;
        let Some(workspace) = self.workspace.clone() else {
            let detail = "this region has no workspace";
            return Err(RegionError::new(unavailable, doing, detail));
        };
        off_thread(move || read(&workspace)).await.map_err(|error| {
            let kind = match &error {
                FileError::Unread(_) => unavailable,
                FileError::Damaged(_) => damaged,
            };
            RegionError::new(kind, doing, error.to_string())
        })
    }

    /// A table under the sync location; its path is taken literally.
    fn under_root(&self, path: &str) -> delta::TableStore {
        delta::TableStore::within(&self.root, path)
    }

    /// The folders outside of a table whose files its log may name, as the catalog lists them when it is asked.
    fn external_files(&self) -> delta::External {
        let Some(workspace) = self.sources.clone().or(self.workspace.clone()) else {
            return delta::External::default();
        };
        // A catalog that cannot be read allows nothing.
        delta::External::listed(move || {
            let catalog = Catalog::read(&workspace).unwrap_or_default();
            catalog.external_files(&workspace)
        })
    }

    /// Who asks the catalog.
    fn principal(&self, catalog: &Catalog) -> String {
        catalog.principal.clone().unwrap_or_else(|| self.identity.user.clone())
    }
}

#[async_trait]
impl Region for LakehouseRegion {
    async fn presence(&self) -> Result<Presence, RegionError> {
        self.look_at_root().await?;
        let catalog = match &self.workspace {
            Some(_) => self.catalog().await.map(Some),
            None => Ok(None),
        };
        let (catalog, workspace_unseen) = match catalog {
            Ok(catalog) => (catalog, None),
            Err(unseen) => (None, Some(unseen.told())),
        };
        let workspace = match &self.workspace {
            Some(folder) => folder.display().to_string(),
            None => self.location.clone(),
        };
        Ok(Presence {
            workspace,
            location: self.location.clone(),
            principal: catalog.as_ref().and_then(|catalog| catalog.principal.clone()),
            default_catalog: catalog.and_then(|catalog| catalog.default_catalog),
            clock: None,
            workspace_unseen,
        })
    }

    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError> {
        let jobs = self.jobs().await?;
        Ok(asked.iter().map(|asked| jobs.find(asked, since)).collect())
    }

    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError> {
        Ok(self.jobs().await?.active())
    }

    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError> {
        Ok(self.tables_of(self.index().await?.as_ref(), asked))
    }

    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>> {
        let index = self.index().await;
        let rights = |name: &TableName| match &index {
            Ok(index) => index.rights(name),
            Err(refusal) => Err(refusal.clone()),
        };
        asked.iter().map(rights).collect()
    }

    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>> {
        let external = self.external_files();
        let look = |asked| sources::source(asked, &external);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn commits_since(
        &self,
        asked: &[SinceQuestion],
    ) -> Vec<Result<Vec<Commit>, RegionError>> {
        let external = self.external_files();
        let look = |asked| sources::since(asked, &external);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        let external = self.external_files();
        let look = |asked| sources::pin(asked, &external);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>> {
        if let Err(away) = self.look_at_root().await {
            return asked.iter().map(|_| Err(away.clone())).collect();
        }
        let look = |asked| replicas::replica(&self.root, asked);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>> {
        match self.look_at_root().await {
            Ok(_) => replicas::stand(&self.root, asked).await,
            Err(away) => asked.iter().map(|_| Err(away.clone())).collect(),
        }
    }

    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>> {
        let look = |asked| self.content(asked);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        self.look_at_access(location).await
    }

    async fn ledger(&self) -> Result<LedgerCopy, RegionError> {
        self.look_at_root().await?;
        records::read(self, records::ALL_SHELVES).await
    }

    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        self.look_at_root().await?;
        records::read(self, records::HEADS).await
    }

    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        self.look_at_root().await?;
        let mut log = self.turns.cuts.lock().await;
        records::newest_cuts(self, &mut log, groups).await
    }

    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError> {
        self.look_at_root().await?;
        records::put_aside(self, table, name).await
    }

    async fn mend(&self, table: LedgerTable) -> Result<(), RegionError> {
        self.look_at_root().await?;
        records::mend(self, table).await
    }

    async fn clear_left_over(&self, replica_paths: &[String]) {
        for path in replica_paths {
            let asked = ReplicaQuestion { path: path.clone(), since_version: None };
            if asked.check_place().is_ok() {
                delta::clear_left_over(&self.under_root(path)).await;
            }
        }
    }

    async fn clean_logs(&self, replicas: &[(String, u64)]) {
        let now_ms = self.identity.author().now_ms;
        for (path, version) in replicas {
            let asked = ReplicaQuestion { path: path.clone(), since_version: None };
            if asked.check_place().is_ok() {
                // The next checkpoint is followed by another try.
                let _ = delta::clean_log(&self.under_root(path), *version, now_ms).await;
            }
        }
    }

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        order.check_place()?;
        self.look_at_root().await?;
        self.carry_out(order, progress).await.map_err(RegionError::of_order)
    }

    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        order.check_place()?;
        self.compare(order, replica_version).await
    }

    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError> {
        self.look_at_root().await?;
        records::create(self, workspace).await
    }

    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError> {
        self.look_at_root().await?;
        records::clone_missing(self, from).await
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError> {
        self.look_at_root().await?;
        let _turn = self.turns.rows.lock().await;
        let rows: Vec<Row> = rows.iter().map(without_secrets).collect();
        records::write_rows(self, &rows).await
    }

    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>> {
        if let Err(refusal) = self.look_at_root().await {
            return vec![Err(refusal); cuts.len()];
        }
        let mut log = self.turns.cuts.lock().await;
        records::append_cuts(self, &mut log, cuts).await
    }

    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError> {
        self.look_at_root().await?;
        let mut log = self.turns.cuts.lock().await;
        records::copy_cuts(self, &mut log, cuts).await
    }

    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
        self.look_at_root().await?;
        let text = std::str::from_utf8(bytes).ok();
        let withheld = text.map(secrets::withheld);
        let bytes = match &withheld {
            Some(Cow::Owned(text)) => text.as_bytes(),
            Some(Cow::Borrowed(_)) | None => bytes,
        };
        let now = (self.identity.clock)();
        evidence::keep(&self.root, name, bytes, now).await?;
        evidence::tidy(&self.root, name, now).await;
        Ok(())
    }

    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
        self.look_at_root().await?;
        evidence::read(&self.root, name).await
    }

    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        let catalog = self.catalog().await?;
        let secret = catalog.secrets.get(scope).and_then(|secrets| secrets.get(key));
        Ok(secret.map(|secret| {
            crate::secrets::register(secret.reveal());
            SecretString::from(secret.reveal().to_owned())
        }))
    }

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        self.look_at_root().await?;
        evidence::run_records(&self.root, wanted).await
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        self.look_at_root().await?;
        evidence::names(&self.root, wanted).await
    }
}

/// Waits for the answers to questions, a bounded number at a time; they stand at their questions' places.
async fn in_parallel<A>(answers: Vec<impl Future<Output = A>>) -> Vec<A> {
    use futures::StreamExt;
    futures::stream::iter(answers).buffered(PARALLEL_READS).collect().await
}
