//! A sync location whose runner sleeps before it first looks at a replica: meanwhile somebody else does something.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use drsync::ledger::{Cut, Cuts, Row};
use drsync::region::{
    Appended, CloneOrder, Cloned, ContentAnswer, ContentQuestion, KeptDocument, KeptRecords,
    LedgerCopy, LedgerTable, Location, Progress, Reached, RecordRange, RegionError, Replica,
    ReplicaQuestion, Verified,
};
use futures::future::BoxFuture;

/// The location, and what is done before it first answers about a replica.
pub(crate) struct Slept {
    location: Arc<dyn Location>,
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Slept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.location.fmt(f)
    }
}

impl Slept {
    pub(crate) fn through(
        location: Arc<dyn Location>,
        meanwhile: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<dyn Location> {
        Arc::new(Slept { location, meanwhile: Mutex::new(Some(Box::pin(meanwhile))) })
    }

    async fn sleep(&self) {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

#[async_trait]
impl Location for Slept {
    async fn presence(&self) -> Result<Reached, RegionError> {
        self.location.presence().await
    }

    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>> {
        self.sleep().await;
        self.location.replicas(asked).await
    }

    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>> {
        self.sleep().await;
        self.location.replicas_stand(asked).await
    }

    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>> {
        self.location.contents(asked).await
    }

    async fn ledger(&self) -> Result<LedgerCopy, RegionError> {
        self.location.ledger().await
    }

    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        self.location.ledger_heads().await
    }

    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        self.location.newest_cuts(groups).await
    }

    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError> {
        self.location.put_aside(table, name).await
    }

    async fn mend(&self, table: LedgerTable) -> Result<(), RegionError> {
        self.location.mend(table).await
    }

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        self.location.deep_clone(order, progress).await
    }

    async fn clear_left_over(&self, replica_paths: &[String]) {
        self.location.clear_left_over(replica_paths).await;
    }

    async fn clean_logs(&self, replicas: &[(String, u64)]) {
        self.location.clean_logs(replicas).await;
    }

    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        self.location.verify(order, replica_version).await
    }

    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError> {
        self.location.create_ledger(workspace).await
    }

    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError> {
        self.location.clone_ledger(from).await
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError> {
        self.location.write_rows(rows).await
    }

    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>> {
        self.location.append_cuts(cuts).await
    }

    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError> {
        self.location.copy_cuts(cuts).await
    }

    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
        self.location.keep_evidence(name, bytes).await
    }

    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
        self.location.evidence(name).await
    }

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        self.location.run_records(wanted).await
    }

    async fn record_signatures(
        &self,
        wanted: &RecordRange,
    ) -> Result<Vec<KeptDocument>, RegionError> {
        self.location.record_signatures(wanted).await
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        self.location.evidence_names(wanted).await
    }
}
