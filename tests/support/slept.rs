//! A region whose runner sleeps before it first looks at a replica: meanwhile somebody else does something.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use drsync::config::{TableName, WorkflowRef};
use drsync::ledger::{Cut, Cuts, Row};
use drsync::region::{
    ActiveRun, Appended, CloneOrder, Cloned, KeptRecords, LedgerCopy, Pin, PinQuestion, Presence,
    Progress, RecordRange, Region, RegionError, Replica, ReplicaQuestion, Source, SourceQuestion,
    Table, Verified, Workflow, WriteAccess,
};
use futures::future::BoxFuture;

/// The region, and what is done before it first answers about a replica.
pub(crate) struct Slept {
    region: Arc<dyn Region>,
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Slept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.region.fmt(f)
    }
}

impl Slept {
    pub(crate) fn through(
        region: Arc<dyn Region>,
        meanwhile: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<dyn Region> {
        Arc::new(Slept { region, meanwhile: Mutex::new(Some(Box::pin(meanwhile))) })
    }

    async fn sleep(&self) {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

#[async_trait]
impl Region for Slept {
    async fn presence(&self) -> Result<Presence, RegionError> {
        self.region.presence().await
    }

    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError> {
        self.region.workflows(asked, since).await
    }

    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError> {
        self.region.active_runs().await
    }

    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError> {
        self.region.tables(asked).await
    }

    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>> {
        self.region.sources(asked).await
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        self.region.pins(asked).await
    }

    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>> {
        self.sleep().await;
        self.region.replicas(asked).await
    }

    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>> {
        self.sleep().await;
        self.region.replicas_stand(asked).await
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        self.region.write_access(location).await
    }

    async fn ledger(&self) -> Result<LedgerCopy, RegionError> {
        self.region.ledger().await
    }

    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        self.region.ledger_heads().await
    }

    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        self.region.newest_cuts(groups).await
    }

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        self.region.deep_clone(order, progress).await
    }

    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        self.region.verify(order, replica_version).await
    }

    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError> {
        self.region.create_ledger(workspace).await
    }

    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError> {
        self.region.clone_ledger(from).await
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError> {
        self.region.write_rows(rows).await
    }

    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>> {
        self.region.append_cuts(cuts).await
    }

    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError> {
        self.region.copy_cuts(cuts).await
    }

    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
        self.region.keep_evidence(name, bytes).await
    }

    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
        self.region.evidence(name).await
    }

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        self.region.run_records(wanted).await
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        self.region.evidence_names(wanted).await
    }
}
