//! The workspace of a lakehouse: a folder with a catalog and workflows, both read afresh at every question.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::unchanged::NewestReading;
use super::{
    CATALOG_FILE, Catalog, FileError, Index, JobsFile, Writer, delta, in_parallel, sources,
};
use crate::config::{TableName, WorkflowRef};
use crate::ledger::Cut;
use crate::off_thread::off_thread;
use crate::region::{
    ActiveRun, Commit, Identity, Pin, PinQuestion, RegionError, RegionErrorKind, Registered,
    SinceQuestion, Source, SourceQuestion, Table, TableRights, Workflow, Workspace, WriteAccess,
};
use crate::secrets;
use crate::sentence::Sentence;

/// A folder with a catalog and workflows.
#[derive(Debug, Clone)]
pub struct LakehouseWorkspace {
    folder: PathBuf,
    identity: Writer,
    /// The catalog as it was read last: an apply looks its groups up in it one by one.
    index: Arc<NewestReading<Result<Arc<Index>, FileError>>>,
}

impl LakehouseWorkspace {
    /// Names a workspace; looks at nothing yet, so nothing has to be there.
    pub fn open(folder: PathBuf, identity: Writer) -> LakehouseWorkspace {
        let index = Arc::new(NewestReading::of(folder.join(CATALOG_FILE)));
        LakehouseWorkspace { folder, identity, index }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the catalog afresh.
    ///
    /// # Errors
    /// `Unavailable` if there is none or it cannot be read.
    pub async fn catalog(&self) -> Result<Catalog, RegionError> {
        // Without its catalog a workspace is not seen at all.
        self.read_file("read the catalog", Catalog::read, RegionErrorKind::Unavailable).await
    }

    /// The catalog by names, read afresh where its file is not the one that was read last.
    async fn index(&self) -> Result<Arc<Index>, RegionError> {
        let index = self.index.clone();
        let read = move |workspace: &Path| {
            index.get(|| Catalog::read(workspace).map(|catalog| Arc::new(catalog.index())))
        };
        let kind = RegionErrorKind::Unavailable;
        self.read_file("read the catalog", read, kind).await
    }

    /// Reads the workflows afresh.
    ///
    /// # Errors
    /// `Unavailable` if they cannot be read, `Other` if their file is damaged.
    pub async fn jobs(&self) -> Result<JobsFile, RegionError> {
        self.read_file("read the workflows", JobsFile::read, RegionErrorKind::Other).await
    }

    /// Looks tables up in a catalog that was read.
    pub(crate) fn tables_of(
        &self,
        catalog: &Index,
        asked: &[TableName],
    ) -> Vec<Result<Table, RegionError>> {
        let principal = self.principal(catalog);
        let look = |asked: &TableName| {
            let refused =
                |kind, detail| RegionError::new(kind, format!("find the table {asked}"), detail);
            if let Some(detail) = catalog.ambiguity(asked) {
                return Err(refused(RegionErrorKind::Conflict, detail));
            }
            catalog
                .table(&self.folder, asked, &principal)
                .map_err(|missing| refused(RegionErrorKind::NotFound, missing.to_string()))
        };
        asked.iter().map(look).collect()
    }

    /// Reads a file of the folder; `damaged` is the kind of refusal if it has to be repaired.
    async fn read_file<T: Send + 'static>(
        &self,
        doing: &str,
        read: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
        damaged: RegionErrorKind,
    ) -> Result<T, RegionError> {
        let folder = self.folder.clone();
        off_thread(move || read(&folder)).await.map_err(|error| {
            let kind = match &error {
                FileError::Unread(_) => RegionErrorKind::Unavailable,
                FileError::Damaged(_) => damaged,
            };
            RegionError::new(kind, doing, error.to_string())
        })
    }

    /// The folders outside of a table whose files its log may name.
    fn external_files(&self) -> delta::External {
        external_files_of(self.folder.clone())
    }

    /// Who asks the catalog.
    pub(super) fn principal(&self, catalog: &Catalog) -> String {
        catalog.principal.clone().unwrap_or_else(|| self.identity.user.clone())
    }
}

/// The folders outside of a table whose files its log may name, as the catalog of a workspace lists them when it is asked.
pub(super) fn external_files_of(workspace: PathBuf) -> delta::External {
    // A catalog that cannot be read allows nothing.
    delta::External::listed(move || {
        let catalog = Catalog::read(&workspace).unwrap_or_default();
        catalog.external_files(&workspace)
    })
}

#[async_trait]
impl Workspace for LakehouseWorkspace {
    async fn identity(&self) -> Result<Identity, Sentence> {
        let catalog = self.catalog().await.map_err(|refusal| refusal.describe_answer())?;
        Ok(Identity { principal: catalog.principal, default_catalog: catalog.default_catalog })
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

    async fn compute(&self) -> Result<(), RegionError> {
        // Whoever can read the folder can read its tables.
        Ok(())
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
        sources::read_commits_since(asked, &external).await
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        let external = self.external_files();
        let look = |asked| sources::pin(asked, &external);
        in_parallel(asked.iter().map(look).collect()).await
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        self.look_at_access(location).await
    }

    async fn external_location(&self, _place: &str) -> Option<String> {
        // Its refusals name the right that is missing themselves.
        None
    }

    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        let catalog = self.catalog().await?;
        let secret = catalog.secrets.get(scope).and_then(|secrets| secrets.get(key));
        Ok(secret.map(|secret| {
            secrets::register(secret.reveal());
            SecretString::from(secret.reveal().to_owned())
        }))
    }

    fn registers(&self) -> bool {
        // Its catalog is a file of the people whose workspace it is.
        false
    }

    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool> {
        vec![false; replicas.len()]
    }

    async fn register(&self, _cuts: &[Cut]) -> Result<Registered, RegionError> {
        Ok(Registered::default())
    }
}
