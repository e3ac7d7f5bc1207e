//! Verification by what the engine says it did, and on request by counting rows on both sides.

use super::DatabricksLocation;
use super::clones::clone_commit;
use super::histories::{HistoryEntry, TableDetail, details};
use super::refusal::Refusal;
use super::rows::number;
use super::statements::Intent;
use crate::region::{
    CloneOrder, RegionError, RegionErrorKind, ReplicaFiles, Verified, VerifiedLevel,
};
use crate::sql::{self, Relation};

pub(super) async fn verify(
    location: &DatabricksLocation,
    order: &CloneOrder,
    replica_version: u64,
) -> Result<Verified, RegionError> {
    let looked = compare_with_source(location, order, replica_version).await;
    looked.map_err(|refusal| refusal.doing(format!("verify the replica of {}", order.table)))
}

async fn compare_with_source(
    location: &DatabricksLocation,
    order: &CloneOrder,
    replica_version: u64,
) -> Result<Verified, Refusal> {
    let replica = Relation::Path(location.path(&order.replica_path));
    let mut differences = Vec::new();
    let mut files = None;
    match clone_commit(location, order).await? {
        Some((commit, newest)) => {
            files = (commit.version == replica_version).then(|| ReplicaFiles {
                listed_sha256: commit.history_digest(),
                content_sha256: None,
            });
            if newest == commit.version {
                differences = self::differences(location, &commit, &replica).await?;
            }
        }
        None => {
            let text = format!("no commit of it is a clone of v{}", order.source_version);
            differences.push(text);
        }
    }
    let mut verified = Verified {
        level: VerifiedLevel::Metrics,
        source_rows: None,
        replica_rows: None,
        differences,
        files,
    };
    if location.verify_rows {
        let source = Relation::Named(order.table.clone());
        let (theirs, ours) = futures::try_join!(
            rows(location, &source, order.source_version),
            rows(location, &replica, replica_version)
        )?;
        if theirs != ours {
            verified
                .differences
                .push(format!("rows: {theirs} in the source, {ours} in the replica"));
        }
        verified = Verified {
            level: VerifiedLevel::Rows,
            source_rows: Some(theirs),
            replica_rows: Some(ours),
            ..verified
        };
    }
    Ok(verified)
}

/// In what a replica differs from what the commit of its newest version, a clone, says of its source.
pub(super) async fn differences(
    location: &DatabricksLocation,
    commit: &HistoryEntry,
    replica: &Relation,
) -> Result<Vec<String>, Refusal> {
    let workspace = location.service();
    let tables = [replica.clone()];
    let detail = details(&workspace.sql, &workspace.batches, &tables).await.pop().transpose()?;
    Ok(detail.map_or_else(Vec::new, |detail| compare(commit, &detail)))
}

/// Compares what the clone's commit says of its source with what the replica is.
fn compare(commit: &HistoryEntry, detail: &TableDetail) -> Vec<String> {
    let pairs = [
        ("files", number(&commit.metrics, "sourceNumOfFiles"), detail.files),
        ("bytes", number(&commit.metrics, "sourceTableSize"), detail.bytes),
    ];
    pairs
        .into_iter()
        .filter_map(|(what, source, replica)| match (source, replica) {
            (Some(source), Some(replica)) if source != replica => {
                Some(format!("{what}: {source} in the source, {replica} in the replica"))
            }
            _ => None,
        })
        .collect()
}

/// Counts the rows of a version of a table.
pub(super) async fn rows(
    location: &DatabricksLocation,
    table: &Relation,
    version: u64,
) -> Result<u64, Refusal> {
    let counted = location.service().sql.run(&sql::count(table, version), Intent::Look).await?;
    let rows = counted.rows.first().and_then(|row| row.number("n"));
    let none = || Refusal::new(RegionErrorKind::Other, "the count of its rows is empty");
    rows.ok_or_else(none)
}
