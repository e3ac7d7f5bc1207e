//! What lies at a replica's path: a Delta table with its mark and its commits, ours or not.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::delta::{
    self, DeltaError, KnownEnd, Opening, Origin, Snapshot, SnapshotDetail, TableStore, Versions,
};
use super::metrics::{number, rows_touched};
use super::refusal::{refusal, refusal_in};
use super::sources::moment;
use crate::off_thread::off_thread;
use crate::region::{
    CloneProof, LookDepth, Mark, RegionError, RegionErrorKind, Replica, ReplicaCommit,
    ReplicaQuestion, Size, Upkeep,
};
use crate::sentence::Sentence;

/// So many versions back it is looked for what a RESTORE by time went back to.
const RESTORED_WITHIN: u64 = 16;

/// The folder of a table's log.
const LOG: &str = "_delta_log";

/// Whether the version asked since is still the newest of each: its commit is there, and none after it.
pub(super) async fn stand(
    root: &Path,
    asked: &[ReplicaQuestion],
) -> Vec<Result<bool, RegionError>> {
    let ends = asked.iter().map(|asked| {
        asked.check_place()?;
        let store = TableStore::within(root, &asked.path);
        let end = |version| KnownEnd { store, version, commit: None };
        Ok::<_, RegionError>(asked.since_version.map(end))
    });
    let ends: Vec<Result<Option<KnownEnd>, RegionError>> = ends.collect();
    let known = ends.iter().flatten().flatten().cloned().collect();
    let mut still = match delta::still_ends(known).await {
        Ok(still) => still.into_iter(),
        Err(error) => {
            let refused = refusal("look at the replicas", &error);
            return vec![Err(refused); asked.len()];
        }
    };
    let answers = asked.iter().zip(ends).map(|(asked, end)| {
        let Some(KnownEnd { store, .. }) = end? else {
            return Ok(false);
        };
        still.next().expect("each was answered").map_err(|error| {
            let doing = format!("look at the replica {}", asked.path);
            refusal_in(&store.location(), &doing, &error)
        })
    });
    answers.collect()
}

pub(super) async fn replica(
    root: &Path,
    asked: &ReplicaQuestion,
) -> Result<Option<Replica>, RegionError> {
    let ReplicaQuestion { path, since_version } = asked;
    asked.check_place()?;
    let doing = format!("look at the replica {path}");
    let store = TableStore::within(root, path);
    let failed = |error| refusal_in(&store.location(), &doing, &error);
    let log = match delta::versions(&store).await {
        Ok(log) => log,
        Err(DeltaError::NotATable { .. }) => {
            refuse_foreign(&store, &doing).await?;
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let head = delta::snapshot_in(&store, &log, log.newest, SnapshotDetail::Summary).await;
    let head = Arc::new(head.map_err(failed)?);
    // Fewer versions than were asked for: the table was made again, and all of it is of interest.
    let since = since_version.filter(|since| *since <= log.newest);
    let told = commits_since(&store, &log, &head, since).await.map_err(failed)?;
    let (before, commits) =
        told.into_iter().partition(|commit| since.is_some_and(|since| commit.version <= since));
    let (since_damaged, since_files) = match since {
        Some(since) if since < log.newest => then_at(&store, &log, since).await,
        Some(_) => {
            let listed = delta::listed_digest(&head).await;
            (None, Some(listed.map_err(failed)?))
        }
        None => (None, None),
    };
    let read_around = head.read_around.as_ref();
    let read_around =
        read_around.map(|why| Sentence::from(format!("a checkpoint of the replica: {why}")));
    Ok(Some(Replica {
        since_damaged,
        since_files,
        depth: LookDepth::FilesListed,
        content: None,
        proof: CloneProof::NotAsked,
        version: log.newest,
        mark: mark_of(&head),
        epoch: head.metadata.property(Mark::EPOCH).and_then(|epoch| epoch.parse().ok()),
        column_mapping: head.metadata.column_mapping_mode(),
        rows: head.totals().rows,
        damaged: delta::damage(&store, &head).await.map_err(failed)?,
        read_around,
        before,
        commits,
    }))
}

/// The commits of a replica from the clone on that it held at a version; all of them, where none is named.
async fn commits_since(
    store: &TableStore,
    log: &Versions,
    head: &Snapshot,
    since: Option<u64>,
) -> Result<Vec<ReplicaCommit>, DeltaError> {
    let origin = match since {
        Some(since) => delta::origin(store, log, head, since).await?,
        None => None,
    };
    let (clone, from) = match origin {
        Some(Origin::Clone(opening)) => {
            let set = opening.properties.as_ref();
            let mark = match set {
                Some(set) => Some(Mark::from_properties(|key| set.get(key).map(String::as_str))),
                None => mark_at(store, log, opening.version).await,
            };
            (mark.map(|mark| clone_commit(&opening, mark)), Some(opening.version + 1))
        }
        Some(Origin::Before(oldest)) => (None, Some(oldest)),
        None => (None, since.map(|since| since + 1)),
    };
    let history = match from {
        Some(from) if from > log.newest => Vec::new(),
        from => delta::history_in(store, log, head, from).await?,
    };
    let mut told: Vec<ReplicaCommit> = clone.into_iter().collect();
    for commit in history {
        told.push(replica_commit(store, log, commit).await?);
    }
    Ok(told)
}

/// Why an older version can no longer be read, and the digest of what the log says of its files.
async fn then_at(
    store: &TableStore,
    log: &Versions,
    version: u64,
) -> (Option<Sentence>, Option<String>) {
    let looked = async {
        let then =
            Arc::new(delta::snapshot_in(store, log, version, SnapshotDetail::Summary).await?);
        let listed = delta::listed_digest(&then).await?;
        Ok::<_, DeltaError>((delta::damage(store, &then).await?, listed))
    };
    let (lost, listed) = match looked.await {
        Ok((lost, listed)) => (lost, Some(listed)),
        Err(error) => (Some(error.to_string().into()), None),
    };
    let lost = lost.map(|why| format!("v{version} can no longer be read: {why}").into());
    (lost, listed)
}

/// The mark in a table's properties.
pub(super) fn mark_of(table: &Snapshot) -> Option<Mark> {
    Mark::from_properties(|key| table.metadata.property(key))
}

/// Refuses a folder that holds something and is no Delta table.
///
/// An interrupted first clone leaves files and an empty log folder, which is nothing yet.
pub(super) async fn refuse_foreign(store: &TableStore, doing: &str) -> Result<(), RegionError> {
    let Some(folder) = store.folder().map(Path::to_path_buf) else {
        return Ok(());
    };
    let looked = off_thread(move || -> std::io::Result<bool> {
        match std::fs::read_dir(&folder) {
            // In this order: a clone that begins meanwhile makes its log folder before anything else.
            Ok(mut entries) => Ok(entries.next().is_some() && !folder.join(LOG).is_dir()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            // A file where the table's folder should be.
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(true),
            Err(error) => Err(error),
        }
    });
    match looked.await {
        Ok(false) => Ok(()),
        Ok(true) => Err(RegionError::new(
            RegionErrorKind::Conflict,
            doing,
            format!("something that is no Delta table lies at {}", store.location()),
        )),
        Err(error) => {
            let error = DeltaError::io(format!("look into {}", store.location()), error);
            Err(refusal(doing, &error))
        }
    }
}

/// A CLONE, by how its commit begins.
fn clone_commit(opening: &Opening, mark: Option<Mark>) -> ReplicaCommit {
    let info = &opening.commit_info;
    let object =
        |name: &str| info.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
    let metrics = object("operationMetrics");
    ReplicaCommit {
        version: opening.version,
        committed_at: moment(opening.timestamp_ms),
        operation: "CLONE".to_owned(),
        user: text("userName").or(text("userId")),
        source_version: number(&object("operationParameters"), "sourceVersion"),
        source_size: source_size(&metrics),
        mark,
        restored_to: None,
        marked_epoch: None,
        rows: rows_touched(&metrics),
        upkeep: Upkeep::Changes,
    }
}

/// The mark of a version, which a clone may have left as it was; `None`: the log no longer tells.
async fn mark_at(store: &TableStore, log: &Versions, version: u64) -> Option<Option<Mark>> {
    let then = delta::snapshot_in(store, log, version, SnapshotDetail::Header).await;
    then.ok().map(|then| mark_of(&then))
}

async fn replica_commit(
    store: &TableStore,
    log: &Versions,
    commit: delta::TableCommit,
) -> Result<ReplicaCommit, DeltaError> {
    let mut marked_epoch = None;
    let mark = match commit.table_id {
        Some(_) => {
            let (read, version) = (store.clone(), commit.version);
            let set = off_thread(move || properties_set_by(&read, version)).await?;
            if set.contains_key(Mark::EPOCH) {
                let alone = delta::set_alone(store, log, version, Mark::EPOCH).await;
                marked_epoch = alone.and_then(|epoch| epoch.parse().ok());
            }
            Mark::from_properties(|key| set.get(key).map(String::as_str))
        }
        None if commit.operation.as_deref() == Some("CLONE") => {
            mark_at(store, log, commit.version).await.flatten()
        }
        None => None,
    };
    let operation = commit.operation.unwrap_or_else(|| "unknown".to_owned());
    let parameter = |name: &str| number(&commit.operation_parameters, name);
    // The name of an operation proves nothing: what it says to bring back must be there again.
    let mut restored_to = None;
    if operation == "RESTORE" {
        // One by time names no version: it is the newest of which that is so.
        let named = parameter("version");
        let earliest = commit.version.saturating_sub(RESTORED_WITHIN);
        let versions = named.map_or(earliest..commit.version, |named| named..named + 1).rev();
        for then in versions.filter(|then| *then < commit.version) {
            if delta::is_again(store, log, commit.version, then).await? {
                restored_to = Some(then);
                break;
            }
        }
    }
    Ok(ReplicaCommit {
        version: commit.version,
        committed_at: moment(commit.timestamp_ms),
        source_version: (operation == "CLONE").then(|| parameter("sourceVersion")).flatten(),
        source_size: (operation == "CLONE")
            .then(|| source_size(&commit.operation_metrics))
            .flatten(),
        restored_to,
        marked_epoch,
        rows: rows_touched(&commit.operation_metrics),
        user: commit.user_name.or(commit.user_id),
        // What is past the log's retention accuses nobody: the rows were not compared.
        upkeep: if commit.unjudged { Upkeep::NotCompared } else { commit.upkeep },
        operation,
        mark,
    })
}

/// The table properties that a commit sets; empty where it sets none.
fn properties_set_by(
    store: &TableStore,
    version: u64,
) -> Result<BTreeMap<String, String>, DeltaError> {
    let file = format!("{LOG}/{version:020}.json");
    for line in store.read(&file)?.lines().split(b'\n') {
        let line = line.map_err(|error| DeltaError::io(format!("read {file}"), error))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let action: Map<String, Value> =
            serde_json::from_slice(&line).map_err(|error| DeltaError::corrupt(&file, error))?;
        if let Some(Value::Object(metadata)) = action.get("metaData") {
            return Ok(delta::Metadata(metadata.clone()).properties());
        }
    }
    Ok(BTreeMap::new())
}

/// What a clone says its source was.
fn source_size(metrics: &Map<String, Value>) -> Option<Size> {
    Some(Size {
        files: number(metrics, "sourceNumOfFiles")?,
        bytes: number(metrics, "sourceTableSize")?,
    })
}
