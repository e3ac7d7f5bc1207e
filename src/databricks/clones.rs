//! Deep clones: one statement each, exactly as reviewed; what it did is read from the replica's own history.

use std::sync::atomic::Ordering;

use super::DatabricksLocation;
use super::histories::{HistoryEntry, HistoryQuestion, histories};
use super::refusal::Refusal;
use super::replicas;
use super::results::Finished;
use super::rows::number;
use super::statements::Intent;
use crate::region::{
    CloneOrder, Cloned, Progress, RegionError, RegionErrorKind, ReplicaQuestion, ReplicaStanding,
    Size,
};
use crate::sql::{Relation, Statement};

/// Whose clone a replica holds.
enum Maker<'a> {
    /// This order's, which told what it did.
    Told(&'a Finished),
    /// This order's, whose answer was lost.
    Unheard,
    /// Another's, before this order.
    Before,
}

pub(super) async fn deep_clone(
    location: &DatabricksLocation,
    order: &CloneOrder,
    progress: &Progress,
) -> Result<Cloned, RegionError> {
    let doing = || format!("clone {} version {}", order.table, order.source_version);
    let refused = |kind, text: String| RegionError::new(kind, doing(), text).of_order();
    let before = read_standing(location, order).await?;
    if let ReplicaStanding::Cloned { .. } = before {
        return done(location, order, Maker::Before, progress).await;
    }
    if let Some(why) = before.conflict() {
        return Err(refused(RegionErrorKind::Conflict, why));
    }
    if progress.stopped() {
        return Err(refused(RegionErrorKind::Other, "stopped before it began".to_owned()));
    }
    match run_statement(location, order, progress).await {
        Ok(finished) => {
            let after = read_standing(location, order).await?;
            if let ReplicaStanding::Cloned { .. } = after {
                return done(location, order, Maker::Told(&finished), progress).await;
            }
            Err(match after.conflict() {
                Some(why) => refused(RegionErrorKind::Conflict, why),
                None => {
                    let text =
                        "the statement succeeded, and the replica's history does not show it";
                    refused(RegionErrorKind::Other, text.to_owned())
                }
            })
        }
        Err(refusal) if refusal.outcome_unknown || refusal.kind == RegionErrorKind::Conflict => {
            // The reply was lost, or another clone came first: the replica knows.
            let after = read_standing(location, order).await.ok();
            if let Some(ReplicaStanding::Cloned { .. }) = after {
                let maker = if refusal.outcome_unknown { Maker::Unheard } else { Maker::Before };
                return done(location, order, maker, progress).await;
            }
            Err(match after.and_then(|after| after.conflict()) {
                Some(why) => refused(RegionErrorKind::Conflict, why),
                None => RegionError::of_order(refusal.doing(doing())),
            })
        }
        Err(refusal) => Err(RegionError::of_order(refusal.doing(doing()))),
    }
}

/// Runs the order's statement, or follows the one that an earlier apply left running; what it answers is all that is known by it.
async fn run_statement(
    location: &DatabricksLocation,
    order: &CloneOrder,
    progress: &Progress,
) -> Result<Finished, Refusal> {
    let sql = &location.service().sql;
    let statement = Statement::new(order.statement.clone());
    let mut ran = match sql.left_earlier(&statement.text).await {
        Some(id) => sql.attach(&id, Intent::Long(progress)).await,
        None => sql.run(&statement, Intent::Long(progress)).await,
    };
    // What came in between may be maintenance alone, which changes no row: then the clone is made once more, on top of it.
    let lost =
        |refusal: &Refusal| refusal.kind == RegionErrorKind::Conflict && !refusal.outcome_unknown;
    if ran.as_ref().is_err_and(lost)
        && !progress.stopped()
        && let Ok(ReplicaStanding::AsLookedAt(_)) = read_standing(location, order).await
    {
        ran = sql.run(&statement, Intent::Long(progress)).await;
    }
    if ran.as_ref().is_err_and(|refusal| refusal.outcome_unknown)
        && let Some(id) = sql.runs_now(&statement.text).await
    {
        ran = sql.attach(&id, Intent::Long(progress)).await;
    }
    ran
}

async fn read_standing(
    location: &DatabricksLocation,
    order: &CloneOrder,
) -> Result<ReplicaStanding, RegionError> {
    let question =
        ReplicaQuestion { path: order.replica_path.clone(), since_version: order.replica_version };
    let replica = replicas::read_replica(location, &question).await?;
    Ok(order.standing(replica.as_ref()))
}

/// The clone's own commit: the newest CLONE of the ordered version.
pub(super) async fn clone_commit(
    location: &DatabricksLocation,
    order: &CloneOrder,
) -> Result<Option<(HistoryEntry, u64)>, Refusal> {
    let look = HistoryQuestion {
        table: Relation::Path(location.path(&order.replica_path)),
        from: order.replica_version,
        since_clone: false,
    };
    let workspace = location.service();
    let history = match histories(&workspace.sql, &workspace.batches, &[look]).await.pop() {
        Some(history) => history?,
        None => return Ok(None),
    };
    let newest = history.commits.last().map_or(0, |entry| entry.version);
    let found = history
        .commits
        .into_iter()
        .rev()
        .find(|entry| entry.source_version() == Some(order.source_version));
    Ok(found.map(|entry| (entry, newest)))
}

/// What the clone did: by the statement's own result, else by what its commit counts.
async fn done(
    location: &DatabricksLocation,
    order: &CloneOrder,
    maker: Maker<'_>,
    progress: &Progress,
) -> Result<Cloned, RegionError> {
    let doing = || format!("read what cloning {} did", order.table);
    let found = clone_commit(location, order).await.map_err(|refusal| refusal.doing(doing()))?;
    let Some(replica_version) = found.as_ref().map(|(entry, _)| entry.version) else {
        return Err(RegionError::new(
            RegionErrorKind::Other,
            doing(),
            "its commit is not in the replica's history",
        ));
    };
    let commit = found.as_ref().map(|(entry, _)| entry);
    let finished = match maker {
        Maker::Told(finished) => Some(finished),
        Maker::Unheard | Maker::Before => None,
    };
    let row = finished.and_then(|finished| finished.rows.first());
    let told = |column: &str, metric: &str| {
        row.and_then(|row| row.number(column)).or_else(|| number(&commit?.metrics, metric))
    };
    let source_size = told("source_num_of_files", "sourceNumOfFiles")
        .zip(told("source_table_size", "sourceTableSize"))
        .map(|(files, bytes)| Size { files, bytes });
    let already = matches!(maker, Maker::Before);
    let copied = |column: &str, metric: &str| {
        if already { 0 } else { told(column, metric).unwrap_or_default() }
    };
    let cloned = Cloned {
        replica_version,
        already,
        source_size,
        copied_files: copied("num_copied_files", "numCopiedFiles"),
        copied_bytes: copied("copied_files_size", "copiedFilesSize"),
        replaced: Vec::new(),
        statement_id: finished.map(|finished| finished.id.clone()),
    };
    progress.files.store(cloned.copied_files, Ordering::Relaxed);
    progress.bytes.store(cloned.copied_bytes, Ordering::Relaxed);
    Ok(cloned)
}
