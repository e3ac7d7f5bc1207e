//! A sync location on Databricks, read and written by the SQL of one workspace.

use async_trait::async_trait;

use super::{DatabricksLocation, access, clones, evidence, proof, records, replicas, verify};
use crate::ledger::{Cut, Cuts, Row};
use crate::region::{
    Appended, CloneOrder, Cloned, ContentAnswer, ContentQuestion, KeptDocument, KeptRecords,
    LedgerCopy, LedgerTable, Location, Progress, Reached, RecordRange, RegionError, Replica,
    ReplicaQuestion, Verified,
};

#[async_trait]
impl Location for DatabricksLocation {
    async fn presence(&self) -> Result<Reached, RegionError> {
        access::presence(self).await
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

    async fn mend(&self, _table: LedgerTable) -> Result<(), RegionError> {
        // Nothing is read around damage here: the engine refuses a table that it cannot read.
        Ok(())
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

    async fn clear_left_over(&self, _replica_paths: &[String]) {
        // What a statement leaves unfinished is for the engine to remove.
    }

    async fn clean_logs(&self, _replicas: &[(String, u64)]) {
        // The engine does it whenever it writes a checkpoint.
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
