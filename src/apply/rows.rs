//! Rows on their way to one region: what has gathered becomes one write.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::ledger::Row;
use crate::region::{Region, RegionError};

/// The queue of one region's `sync_metadata`.
#[derive(Debug)]
pub(super) struct RowQueue {
    region: Arc<dyn Region>,
    pending: std::sync::Mutex<BTreeMap<String, Row>>,
    /// Held while a batch is written; holds how the last write of each group's row ended.
    writing: Mutex<BTreeMap<String, Option<RegionError>>>,
}

impl RowQueue {
    /// An empty queue.
    pub(super) fn new(region: Arc<dyn Region>) -> RowQueue {
        RowQueue {
            region,
            pending: std::sync::Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Writes a row, together with whatever else is waiting; returns when it is written.
    ///
    /// # Errors
    /// The refusal of the write that the row was part of.
    pub(super) async fn write(&self, row: Row) -> Result<(), RegionError> {
        let group = row.group_name.clone();
        self.pending
            .lock()
            .expect("no panic while a row is queued")
            .insert(group.clone(), row);
        let mut ended = self.writing.lock().await;
        let batch =
            std::mem::take(&mut *self.pending.lock().expect("no panic while a row is queued"));
        if batch.contains_key(&group) {
            let rows: Vec<Row> = batch.values().cloned().collect();
            let refusal = self.region.write_rows(&rows).await.err();
            ended.extend(batch.into_keys().map(|group| (group, refusal.clone())));
        } else {
            // Another write has taken this row along; what gathered since goes with the next.
            self.pending
                .lock()
                .expect("no panic while a row is queued")
                .extend(batch);
        }
        match ended.get(&group).cloned().flatten() {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }
}
