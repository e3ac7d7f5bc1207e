//! The sync location of a lakehouse: a folder of Delta tables.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;

use super::{LakehouseLocation, delta, evidence, in_parallel, records, replicas};
use crate::ledger::{Cut, Cuts, Row};
use crate::region::{
    Appended, CloneOrder, Cloned, ContentAnswer, ContentQuestion, KeptDocument, KeptRecords,
    LedgerCopy, LedgerTable, Location, Progress, Reached, RecordRange, RegionError, Replica,
    ReplicaQuestion, Verified, is_record_signature,
};
use crate::secrets;

/// A row whose texts hold no secret in use: errors of others are told in it.
fn without_secrets(row: &Row) -> Row {
    let plain = |text: &dyn fmt::Display| secrets::withheld(&text.to_string()).into_owned();
    Row {
        message: row.message.as_ref().map(|message| plain(message).into()),
        workflow: row.workflow.as_ref().map(|workflow| plain(workflow)),
        ..row.clone()
    }
}

#[async_trait]
impl Location for LakehouseLocation {
    async fn presence(&self) -> Result<Reached, RegionError> {
        self.look_at_root().await?;
        Ok(Reached { location: self.text.clone(), principal: None, clock: None })
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

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        order.check_place()?;
        self.look_at_root().await?;
        self.carry_out(order, progress).await.map_err(RegionError::of_order)
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
        let mut known = self.turns.rows.lock().await;
        let rows: Vec<Row> = rows.iter().map(without_secrets).collect();
        records::write_rows(self, &mut known, &rows).await
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

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        self.look_at_root().await?;
        evidence::run_records(&self.root, wanted).await
    }

    async fn record_signatures(
        &self,
        wanted: &RecordRange,
    ) -> Result<Vec<KeptDocument>, RegionError> {
        let mut signatures = Vec::new();
        for name in self.evidence_names(wanted).await? {
            if is_record_signature(&name)
                && let Some(bytes) = self.evidence(&name).await?
            {
                signatures.push(KeptDocument { name, bytes });
            }
        }
        Ok(signatures)
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        self.look_at_root().await?;
        evidence::names(&self.root, wanted).await
    }
}
