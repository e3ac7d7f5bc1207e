//! A region over the Databricks REST API: catalog, jobs and SQL warehouse of a workspace, and a sync location under it.
//!
//! All SQL runs on the primary's warehouse, also what is written in the secondary's location. The secondary's own workspace,
//! where there is one, is watched for runs and has the replicas registered; whatever fails there is a warning, never a failure.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tokio::sync::{Mutex, OnceCell};

use crate::config::{TableName, WorkflowRef};
use crate::ledger::{Cut, Cuts, Row};
use crate::region::{
    ActiveRun, Appended, CloneOrder, Cloned, Commit, ContentAnswer, ContentQuestion, KeptDocument,
    KeptRecords, LedgerCopy, LedgerTable, Pin, PinQuestion, Presence, Progress, RecordRange,
    Region, RegionError, RegionErrorKind, Registered, Replica, ReplicaQuestion, SinceQuestion,
    Source, SourceQuestion, Table, TableRights, Verified, Workflow, WriteAccess,
};
use crate::sentence::Sentence;
use crate::sql;

mod access;
mod auth;
mod batch;
mod catalog;
mod client;
mod clones;
mod connect;
mod credential;
mod evidence;
pub mod files;
mod histories;
mod notice;
mod pages;
mod proof;
mod records;
mod refusal;
mod registration;
mod replicas;
mod results;
mod rights;
mod rows;
mod running;
mod secret;
mod sources;
mod statements;
mod survey;
mod timing;
mod verify;
mod warehouse;
pub mod wire;
mod workflows;

pub use auth::{Environment, Run, SignInError, Tried};
pub use client::Client;
pub use connect::{
    ConnectOptions, Connected, Needed, SecondaryOptions, Unbound, connect, connect_as_needed,
};
pub use credential::Credential;
pub use notice::Notice;
pub use survey::{Job, Listed, Offered, Place, Surveyor, Told};
pub use timing::Timing;

use batch::Batches;
use histories::Seen;
use refusal::Refusal;
use statements::Sql;

/// A Databricks workspace: its API and one of its warehouses.
struct Service {
    client: Client,
    sql: Sql,
    batches: Batches,
    seen: Seen,
    principal: OnceCell<String>,
}

impl Service {
    fn new(client: Client, warehouse: Option<String>, notice: Notice) -> Service {
        let sql = Sql::new(client.clone(), warehouse, notice);
        Service {
            client,
            sql,
            batches: Batches::default(),
            seen: Seen::default(),
            principal: OnceCell::new(),
        }
    }

    /// Who asks, as the catalog knows them.
    async fn principal(&self) -> Result<String, Refusal> {
        // Asked afresh where it is not known: this is also the look whether the workspace answers.
        let me = self
            .principal
            .get_or_try_init(|| async { access::me(&self.client).await.map(|me| me.user_name) });
        me.await.cloned()
    }

    /// A server on this machine: it is not Databricks, and has none of its own rules.
    fn is_sandbox(&self) -> bool {
        client::is_loopback(self.client.base())
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("client", &self.client).finish_non_exhaustive()
    }
}

/// One region: a sync location, and the workspace that reads and writes it.
#[derive(Debug)]
pub struct DatabricksRegion {
    /// The region's workspace as configured, for output.
    address: String,
    location: String,
    /// What carries out every look and every write.
    workspace: Arc<Service>,
    /// The primary: its catalog and its workflows are this region's.
    primary: bool,
    /// The secondary's own workspace, or why it cannot be used; `None`: none is configured.
    registrar: Option<Result<Arc<Service>, Sentence>>,
    /// When the secondary's own workspace last did not answer, and why; `None`: it did, or was not asked.
    unseen: std::sync::Mutex<Option<(Instant, Sentence)>>,
    /// The primary's workspace does not answer, and the secondary's own reads in its place.
    read_only: bool,
    /// Where the secondary's workflows are, if not in a Databricks workspace.
    watch: Option<Arc<dyn Region>>,
    /// Count rows on both sides after each clone.
    verify_rows: bool,
    /// Appends to a cut log follow each other: they would only conflict. What its columns are is asked once.
    cuts: Mutex<Option<sql::CutColumns>>,
    rows: Mutex<()>,
}

impl DatabricksRegion {
    /// A path under the sync location, taken literally.
    fn path(&self, relative: &str) -> String {
        format!("{}/{relative}", self.location.trim_end_matches('/'))
    }

    /// Only one workspace writes to a sync location: storage such as S3 takes no two.
    fn may_write(&self) -> Result<(), RegionError> {
        if !self.read_only {
            Ok(())
        } else {
            Err(RegionError::new(
                RegionErrorKind::Unavailable,
                format!("write under {}", self.location),
                "the primary's workspace, which is the one that writes there, does not answer",
            ))
        }
    }

    fn on_object_store(&self) -> bool {
        !(self.location.starts_with('/') || self.location.starts_with("file:"))
    }

    /// The client of the workspace whose workflows are this region's, or why there is none.
    fn jobs(&self) -> Result<&Client, (RegionErrorKind, Sentence)> {
        match &self.registrar {
            _ if self.primary => Ok(&self.workspace.client),
            Some(Ok(workspace)) => Ok(&workspace.client),
            Some(Err(why)) => Err((RegionErrorKind::Unavailable, why.clone())),
            None => {
                let why = "no secondary workspace is configured";
                Err((RegionErrorKind::Unsupported, why.into()))
            }
        }
    }
}

#[async_trait]
impl Region for DatabricksRegion {
    async fn presence(&self) -> Result<Presence, RegionError> {
        access::presence(self).await
    }

    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError> {
        if let Some(watch) = &self.watch {
            return watch.workflows(asked, since).await;
        }
        match self.jobs() {
            Ok(client) => Ok(workflows::workflows(client, asked, since).await),
            Err((kind, why)) => {
                let doing = "look at the secondary's workflows";
                Err(RegionError::new(kind, doing, why))
            }
        }
    }

    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError> {
        if let Some(watch) = &self.watch {
            return watch.active_runs().await;
        }
        let doing = "list active runs";
        match self.jobs() {
            Ok(client) => {
                let active = workflows::active(client).await;
                active.map_err(|refusal| refusal.doing(doing))
            }
            Err((kind, why)) => Err(RegionError::new(kind, doing, why)),
        }
    }

    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError> {
        let principal =
            self.workspace.principal().await.map_err(|refusal| refusal.doing("look up tables"))?;
        Ok(catalog::tables(&self.workspace.client, asked, Some(&principal)).await)
    }

    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>> {
        if let Some(watch) = &self.watch {
            return watch.table_rights(asked).await;
        }
        match self.jobs() {
            Ok(client) => rights::of_tables(client, asked).await,
            Err((kind, why)) => {
                let refusal = RegionError::new(kind, "read who may use tables", why);
                asked.iter().map(|_| Err(refusal.clone())).collect()
            }
        }
    }

    async fn compute(&self) -> Result<(), RegionError> {
        let doing = "look for a SQL warehouse of the secondary's workspace";
        match &self.registrar {
            None => Ok(()),
            Some(Ok(workspace)) => {
                workspace.sql.look_at_warehouse().await.map_err(|refusal| refusal.doing(doing))
            }
            Some(Err(why)) => {
                Err(RegionError::new(RegionErrorKind::Unavailable, doing, why.clone()))
            }
        }
    }

    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>> {
        sources::sources(self, asked).await
    }

    async fn commits_since(
        &self,
        asked: &[SinceQuestion],
    ) -> Vec<Result<Vec<Commit>, RegionError>> {
        sources::since(self, asked).await
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        sources::pins(self, asked).await
    }

    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>> {
        let refused = asked.iter().find_map(|asked| asked.check_place().err());
        match refused {
            Some(refusal) => asked.iter().map(|_| Err(refusal.clone())).collect(),
            None => replicas::replicas(self, asked).await,
        }
    }

    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>> {
        let refused = asked.iter().find_map(|asked| asked.check_place().err());
        match refused {
            Some(refusal) => asked.iter().map(|_| Err(refusal.clone())).collect(),
            None => replicas::stand(self, asked).await,
        }
    }

    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>> {
        proof::proofs(self, asked).await
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        access::write_access(&self.workspace, location).await
    }

    async fn external_location(&self, place: &str) -> Option<String> {
        access::covering(&self.workspace.client, place).await
    }

    async fn ledger(&self) -> Result<LedgerCopy, RegionError> {
        records::read(self, false).await
    }

    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        records::read(self, true).await
    }

    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        records::read_newest_cuts(self, groups).await
    }

    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError> {
        self.may_write()?;
        records::put_aside(self, table, name).await
    }

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        order.check_place()?;
        self.may_write()?;
        clones::deep_clone(self, order, progress).await
    }

    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        order.check_place()?;
        verify::verify(self, order, replica_version).await
    }

    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError> {
        self.may_write()?;
        records::create(self, workspace).await
    }

    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError> {
        self.may_write()?;
        records::clone_from(self, from).await
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError> {
        self.may_write()?;
        records::write_rows(self, rows).await
    }

    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>> {
        if let Err(refusal) = self.may_write() {
            return vec![Err(refusal); cuts.len()];
        }
        records::append_cuts(self, cuts).await
    }

    fn registers(&self) -> bool {
        matches!(self.registrar, Some(Ok(_))) && !self.read_only
    }

    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool> {
        match &self.registrar {
            Some(Ok(registrar)) => registration::registered(self, registrar, replicas).await,
            Some(Err(_)) | None => vec![false; replicas.len()],
        }
    }

    async fn register(&self, cuts: &[Cut]) -> Result<Registered, RegionError> {
        match &self.registrar {
            Some(Ok(registrar)) => registration::register(self, registrar, cuts).await,
            Some(Err(_)) | None => Ok(Registered::default()),
        }
    }

    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError> {
        self.may_write()?;
        records::copy_cuts(self, cuts).await
    }

    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
        self.may_write()?;
        evidence::keep(self, name, bytes).await
    }

    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
        evidence::read(self, name).await
    }

    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        let doing = format!("read the secret {scope}/{key}");
        match self.jobs() {
            Ok(client) => {
                let read = secret::read(client, scope, key).await;
                read.map_err(|refusal| refusal.doing(doing))
            }
            Err((kind, why)) => Err(RegionError::new(kind, doing, why)),
        }
    }

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        let read = evidence::run_records(self, wanted).await;
        read.map_err(|refusal| refusal.doing("read the run records"))
    }

    async fn record_signatures(
        &self,
        wanted: &RecordRange,
    ) -> Result<Vec<KeptDocument>, RegionError> {
        let read = evidence::record_signatures(self, wanted).await;
        read.map_err(|refusal| refusal.doing("read the signatures of run records"))
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        let names = evidence::names(self, wanted).await;
        names.map_err(|refusal| refusal.doing("list the evidence"))
    }
}
