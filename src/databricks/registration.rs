//! Replicas in the secondary's own catalog: external tables of the same name, over the same files.
//!
//! It happens after the cut, and whatever goes wrong is a notice: a cut is true with or without it.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::catalog;
use super::refusal::Refusal;
use super::sql;
use super::statements::Intent;
use super::wire::{ColumnInfo, TableInfo};
use super::{DatabricksRegion, Workspace};
use crate::ledger::{Cut, CutTableEntry};

/// Tables at once.
const AT_ONCE: usize = 4;
/// A secondary that takes longer is told about the replicas by the next apply.
const LONGEST: Duration = Duration::from_secs(120);

/// Registers the replicas of a cut that are not, and takes changed schemas over for those that are.
pub(super) async fn after_cut(region: &DatabricksRegion, registrar: &Workspace, cut: &Cut) {
    let work = async {
        let tables: Vec<_> = cut
            .tables
            .iter()
            .map(|entry| register(region, registrar, entry))
            .collect();
        stream::iter(tables)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<()>>()
            .await
    };
    if tokio::time::timeout(LONGEST, work).await.is_err() {
        region.workspace.notice.tell(format!(
            "the replicas of {} are not all registered in the secondary: its workspace does not answer in time",
            cut.group_name
        ));
    }
}

async fn register(region: &DatabricksRegion, registrar: &Workspace, entry: &CutTableEntry) {
    let name = &entry.table;
    let done = match catalog::info(&registrar.client, name).await {
        Ok(info) => refresh(region, registrar, entry, &info).await,
        Err(refusal) if refusal.no_table() => registrar
            .sql
            .run(&sql::register(name, &entry.replica_location), Intent::Write)
            .await
            .map(drop),
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = done {
        region.workspace.notice.tell(format!(
            "the replica of {name} is not registered in the secondary: {refusal}"
        ));
    }
}

/// Takes a changed schema over; a table that is not this replica stays as it is.
async fn refresh(
    region: &DatabricksRegion,
    registrar: &Workspace,
    entry: &CutTableEntry,
    info: &TableInfo,
) -> Result<(), Refusal> {
    let there = info.storage_location.as_deref().unwrap_or_default();
    if there.trim_end_matches('/') != entry.replica_location.trim_end_matches('/') {
        region.workspace.notice.tell(format!(
            "the secondary has a table {} of its own, which stays as it is; the replica is at {}",
            entry.table, entry.replica_location
        ));
        return Ok(());
    }
    let source = catalog::info(&region.workspace.client, &entry.table).await?;
    if columns(&source.columns) == columns(&info.columns) {
        return Ok(());
    }
    registrar
        .sql
        .run(&sql::sync_metadata(&entry.table), Intent::Write)
        .await
        .map(drop)
}

fn columns(columns: &[ColumnInfo]) -> Vec<(String, Option<&str>)> {
    columns
        .iter()
        .map(|column| (column.name.to_lowercase(), column.type_text.as_deref()))
        .collect()
}
