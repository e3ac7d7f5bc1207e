//! Whether a clone of a replica that no cut names is one: anybody who writes to the storage can call a commit so.

use futures::future::{join_all, try_join};

use super::DatabricksLocation;
use super::histories::{HistoryQuestion, histories};
use super::refusal::Refusal;
use super::verify::{differences, rows};
use crate::region::{CloneProof, ContentAnswer, ContentQuestion, RegionError};
use crate::sql::Relation;

/// Compares each clone that is asked about with its source: the rows of both, and what its commit says of files and bytes.
///
/// Files are read by nobody: the data plane is the engine's.
pub(super) async fn proofs(
    location: &DatabricksLocation,
    asked: &[ContentQuestion],
) -> Vec<Result<ContentAnswer, RegionError>> {
    join_all(asked.iter().map(async |question| {
        let proof = match question.unproved {
            None => CloneProof::NotAsked,
            Some(clone) => of_clone(location, question, clone.version).await,
        };
        Ok(ContentAnswer { content: None, proof, compared: false })
    }))
    .await
}

async fn of_clone(
    location: &DatabricksLocation,
    question: &ContentQuestion,
    version: u64,
) -> CloneProof {
    let unknown = |why: String| CloneProof::Unknown { version, why: why.into() };
    let source = question.source.as_ref().map(|table| Relation::Named(table.name.clone()));
    let Some((source, source_version)) = source.zip(question.source_version) else {
        return unknown("the catalog does not list its source".to_owned());
    };
    match compare(location, question, version, (&source, source_version)).await {
        Ok(differences) if differences.is_empty() => CloneProof::Proved,
        Ok(differences) => CloneProof::Refuted { version, why: differences.join("; ").into() },
        Err(refusal) => unknown(refusal.doing("count the rows of both").to_string()),
    }
}

async fn compare(
    location: &DatabricksLocation,
    question: &ContentQuestion,
    version: u64,
    (source, source_version): (&Relation, u64),
) -> Result<Vec<String>, Refusal> {
    let replica = Relation::Path(location.path(&question.path));
    let (theirs, ours) =
        try_join(rows(location, source, source_version), rows(location, &replica, version)).await?;
    let mut found = Vec::new();
    if theirs != ours {
        found.push(format!("rows: {theirs} in the source, {ours} in the replica"));
    }
    if question.version == version {
        let workspace = location.service();
        let look =
            HistoryQuestion { table: replica.clone(), from: Some(version), since_clone: false };
        let looks = [look];
        let history = histories(&workspace.sql, &workspace.batches, &looks).await.pop();
        let commits = history.transpose()?.map(|history| history.commits).unwrap_or_default();
        if let Some(commit) = commits.iter().find(|commit| commit.version == version) {
            found.extend(differences(location, commit, &replica).await?);
        }
    }
    Ok(found)
}
