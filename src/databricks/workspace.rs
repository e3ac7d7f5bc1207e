//! A Databricks workspace: its catalog, its jobs, its secrets, and the tables that its SQL reads.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{Service, access, catalog, registration, rights, secret, sources, workflows};
use crate::config::{TableName, WorkflowRef};
use crate::ledger::Cut;
use crate::region::{
    ActiveRun, Commit, Identity, Pin, PinQuestion, RegionError, RegionErrorKind, Registered,
    SinceQuestion, Source, SourceQuestion, Table, TableRights, Workflow, Workspace, WriteAccess,
};
use crate::sentence::Sentence;

/// How long a workspace that did not answer is taken for one that does not.
const SILENT: Duration = Duration::from_secs(60);

/// A workspace that somebody is signed in to, or why nobody is.
#[derive(Debug)]
pub struct DatabricksWorkspace {
    service: Result<Arc<Service>, Sentence>,
    /// The workspace of the tables whose replicas are registered here; `None`: there is none that answers.
    copies_of: Option<Arc<Service>>,
    /// When it last did not answer, and why; `None`: it did, or was not asked.
    silent: Mutex<Option<(Instant, Sentence)>>,
}

impl DatabricksWorkspace {
    pub(super) fn new(
        service: Result<Arc<Service>, Sentence>,
        copies_of: Option<Arc<Service>>,
    ) -> DatabricksWorkspace {
        DatabricksWorkspace { service, copies_of, silent: Mutex::default() }
    }

    fn service(&self, doing: impl Into<Sentence>) -> Result<&Service, RegionError> {
        self.service
            .as_deref()
            .map_err(|why| RegionError::new(RegionErrorKind::Unavailable, doing, why.clone()))
    }

    /// Why it did not answer a moment ago; `None`: it may be asked.
    fn silent_lately(&self) -> Option<Sentence> {
        let silent = self.silent.lock().expect("no panic while it is noted");
        let (at, why) = silent.as_ref()?;
        (at.elapsed() < SILENT).then(|| why.clone())
    }
}

/// The same refusal to each question.
fn to_each<Q, T>(asked: &[Q], refusal: &RegionError) -> Vec<Result<T, RegionError>> {
    asked.iter().map(|_| Err(refusal.clone())).collect()
}

#[async_trait]
impl Workspace for DatabricksWorkspace {
    async fn identity(&self) -> Result<Identity, Sentence> {
        let identity = match &self.service {
            Ok(service) => access::identity(service).await,
            Err(why) => Err(why.clone()),
        };
        let silent = identity.as_ref().err().map(|why| (Instant::now(), why.clone()));
        *self.silent.lock().expect("no panic while it is noted") = silent;
        identity
    }

    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError> {
        let service = self.service("look at the secondary's workflows")?;
        Ok(workflows::workflows(&service.client, asked, since).await)
    }

    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError> {
        let doing = "list active runs";
        let active = workflows::active(&self.service(doing)?.client).await;
        active.map_err(|refusal| refusal.doing(doing))
    }

    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError> {
        let doing = "look up tables";
        let service = self.service(doing)?;
        let principal = service.principal().await.map_err(|refusal| refusal.doing(doing))?;
        Ok(catalog::tables(&service.client, asked, Some(&principal)).await)
    }

    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>> {
        match self.service("read who may use tables") {
            Ok(service) => rights::of_tables(&service.client, asked).await,
            Err(refusal) => to_each(asked, &refusal),
        }
    }

    async fn compute(&self) -> Result<(), RegionError> {
        let doing = "look for a SQL warehouse of the secondary's workspace";
        let looked = self.service(doing)?.sql.look_at_warehouse().await;
        looked.map_err(|refusal| refusal.doing(doing))
    }

    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>> {
        match self.service("read the histories of tables") {
            Ok(service) => sources::sources(service, asked).await,
            Err(refusal) => to_each(asked, &refusal),
        }
    }

    async fn commits_since(
        &self,
        asked: &[SinceQuestion],
    ) -> Vec<Result<Vec<Commit>, RegionError>> {
        match self.service("read what came to tables") {
            Ok(service) => sources::read_commits_since(service, asked).await,
            Err(refusal) => to_each(asked, &refusal),
        }
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        match self.service("look at tables at pinned versions") {
            Ok(service) => sources::pins(service, asked).await,
            Err(refusal) => to_each(asked, &refusal),
        }
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        let service = self.service(format!("look at the rights on {location}"))?;
        access::write_access(service, location).await
    }

    async fn external_location(&self, place: &str) -> Option<String> {
        access::covering(&self.service.as_ref().ok()?.client, place).await
    }

    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        let doing = format!("read the secret {scope}/{key}");
        let read = secret::read(&self.service(doing.clone())?.client, scope, key).await;
        read.map_err(|refusal| refusal.doing(doing))
    }

    fn registers(&self) -> bool {
        self.service.is_ok() && self.copies_of.is_some()
    }

    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool> {
        match &self.service {
            Ok(service) if self.silent_lately().is_none() => {
                registration::registered(service, replicas).await
            }
            Ok(_) | Err(_) => vec![false; replicas.len()],
        }
    }

    async fn register(&self, cuts: &[Cut]) -> Result<Registered, RegionError> {
        match (&self.service, &self.copies_of) {
            (Ok(service), Some(sources)) => {
                // What did not answer a moment ago is not waited for again.
                if let Some(why) = self.silent_lately() {
                    return Err(registration::unanswered(why));
                }
                registration::register(service, sources, cuts).await
            }
            _ => Ok(Registered::default()),
        }
    }
}
