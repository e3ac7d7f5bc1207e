//! What lies at a replica's path: a Delta table with its mark and its commits, ours or not.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use futures::join;
use percent_encoding::percent_decode_str;

use super::DatabricksLocation;
use super::batch::Rest;
use super::histories::{
    HistoryEntry, HistoryQuestion, TableDetail, TableHistory, histories, newest,
};
use super::refusal::Refusal;
use super::rows::number;
use super::statements::Intent;
use crate::region::{
    CloneProof, LookDepth, Mark, RegionError, RegionErrorKind, Replica, ReplicaCommit,
    ReplicaQuestion,
};
use crate::sql::{self, Relation};
use crate::text::plain_name;

/// From so many on, the folders are listed first: a table that is not there costs its whole batch.
const LIST_FROM: usize = 4;

pub(super) async fn replicas(
    location: &DatabricksLocation,
    asked: &[ReplicaQuestion],
) -> Vec<Result<Option<Replica>, RegionError>> {
    let there = folders(location, asked).await;
    let open: Vec<&ReplicaQuestion> =
        asked.iter().filter(|question| there.holds(&question.path)).collect();
    let looks: Vec<HistoryQuestion> = open
        .iter()
        .map(|question| HistoryQuestion {
            table: Relation::Path(location.path(&question.path)),
            // The named version is asked for too: it tells that the log reaches back that far.
            from: question.since_version,
            since_clone: true,
        })
        .collect();
    let tables: Vec<Relation> = looks.iter().map(|look| look.table.clone()).collect();
    let workspace = location.service();
    let (histories, details) = join!(
        histories(&workspace.sql, &workspace.batches, &looks),
        workspace.seen.details(&workspace.sql, &workspace.batches, &tables)
    );
    let mut answers = open.into_iter().zip(histories).zip(details);
    let mut replicas = Vec::with_capacity(asked.len());
    for question in asked {
        let answer = if !there.holds(&question.path) {
            Ok(None)
        } else {
            match answers.next() {
                Some(((_, Ok(history)), Ok(detail))) => {
                    Ok(Some(replica(question, history, &detail)))
                }
                Some(((_, Err(refusal)), _) | ((_, Ok(_)), Err(refusal))) => {
                    if refusal.no_table() {
                        nothing_else(location, question).await
                    } else {
                        Err(refusal)
                    }
                }
                None => Ok(None),
            }
        };
        replicas
            .push(answer.map_err(|refusal| {
                refusal.doing(format!("look at the replica {}", question.path))
            }));
    }
    replicas
}

/// Whether the version asked since is still the newest of each.
///
/// A cut names what is asked of, so it is there as a rule, and no folder is listed first.
pub(super) async fn stand(
    location: &DatabricksLocation,
    asked: &[ReplicaQuestion],
) -> Vec<Result<bool, RegionError>> {
    let open = asked.iter().filter(|question| question.since_version.is_some());
    let open: Vec<Relation> =
        open.map(|question| Relation::Path(location.path(&question.path))).collect();
    let workspace = location.service();
    let rest = Rest::AsRefused;
    let mut heads = newest(&workspace.sql, &workspace.batches, &open, rest).await.into_iter();
    let mut stands = |question: &ReplicaQuestion| {
        let head = question.since_version.and_then(|_| heads.next());
        match head {
            Some(Ok(head)) => Ok(Some(head.version) == question.since_version),
            Some(Err(refusal)) if !refusal.no_table() => {
                Err(refusal.doing(format!("look at the replica {}", question.path)))
            }
            Some(Err(_)) | None => Ok(false),
        }
    };
    asked.iter().map(&mut stands).collect()
}

/// Looks at one replica, whoever asks.
pub(super) async fn read_replica(
    location: &DatabricksLocation,
    question: &ReplicaQuestion,
) -> Result<Option<Replica>, RegionError> {
    match replicas(location, std::slice::from_ref(question)).await.pop() {
        Some(answer) => answer,
        None => Ok(None),
    }
}

/// Which folders are there, by schema; a schema that could not be listed may hold anything.
#[derive(Default)]
struct Folders(BTreeMap<String, BTreeSet<String>>);

impl Folders {
    fn holds(&self, path: &str) -> bool {
        let (schema, table) = path.rsplit_once('/').unwrap_or(("", path));
        self.0.get(schema).is_none_or(|names| names.contains(table))
    }
}

async fn folders(location: &DatabricksLocation, asked: &[ReplicaQuestion]) -> Folders {
    if asked.len() < LIST_FROM {
        return Folders::default();
    }
    let schemas: BTreeSet<&str> =
        asked.iter().filter_map(|question| Some(question.path.rsplit_once('/')?.0)).collect();
    let lists = schemas.into_iter().map(async |schema| {
        let listed = location
            .service()
            .sql
            .run(&sql::list(&location.path(schema), None), Intent::Look)
            .await;
        let names = match listed {
            Ok(finished) => {
                finished.rows.iter().filter_map(|row| row.text("name").map(folder_name)).collect()
            }
            Err(refusal) if refusal.no_table() => BTreeSet::new(),
            Err(_) => return None,
        };
        Some((schema.to_owned(), names))
    });
    Folders(join_all(lists).await.into_iter().flatten().collect())
}

fn folder_name(name: &str) -> String {
    name.trim_end_matches('/').to_owned()
}

/// There is no Delta table: then there is to be nothing, but for what an interrupted first clone leaves.
async fn nothing_else(
    location: &DatabricksLocation,
    question: &ReplicaQuestion,
) -> Result<Option<Replica>, Refusal> {
    let path = location.path(&question.path);
    match location.service().sql.run(&sql::list(&path, Some(1000)), Intent::Look).await {
        Ok(finished) => {
            let names: Vec<String> =
                finished.rows.iter().filter_map(|row| row.text("name").map(folder_name)).collect();
            let log = names.iter().any(|name| name == "_delta_log");
            // Data files without a log are what a clone writes before its commit.
            let data = names
                .iter()
                .all(|name| name.ends_with(".parquet") || name.starts_with("deletion_vector_"));
            if log || data {
                Ok(None)
            } else {
                Err(Refusal::new(
                    RegionErrorKind::Conflict,
                    format!("something that is no Delta table lies at {path}"),
                ))
            }
        }
        // Nothing there, or nothing that can be listed: writing will tell.
        Err(_) => Ok(None),
    }
}

fn replica(question: &ReplicaQuestion, history: TableHistory, detail: &TableDetail) -> Replica {
    let mark = Mark::from_properties(|key| detail.property(key));
    let version = history.commits.last().map_or(history.oldest, |entry| entry.version);
    let marks = marks(&question.path, mark.as_ref(), &history.commits);
    let since = question.since_version.filter(|since| *since <= version);
    let named = history.commits.iter().find(|entry| Some(entry.version) == since);
    let since_files = named.map(HistoryEntry::history_digest);
    let partial: Vec<bool> =
        history.commits.iter().map(|entry| is_partial(entry, &history.commits)).collect();
    let told = history.commits.into_iter().zip(marks).zip(partial);
    let told = told.map(|((entry, mark), partial)| {
        let told = commit(entry, mark);
        // A RESTORE of which files were gone did not bring that version back.
        let restored_to = told.restored_to.filter(|_| !partial);
        ReplicaCommit { restored_to, ..told }
    });
    let (before, commits) =
        told.partition(|commit| since.is_some_and(|since| commit.version <= since));
    Replica {
        version,
        mark,
        epoch: detail.property(Mark::EPOCH).and_then(|epoch| epoch.parse().ok()),
        column_mapping: detail.column_mapping(),
        rows: None,
        // A warehouse is not asked to look at files in the storage: damage is found by lakehouses alone.
        damaged: None,
        read_around: None,
        since_damaged: None,
        since_files,
        depth: LookDepth::History,
        content: None,
        proof: CloneProof::NotAsked,
        before,
        commits,
    }
}

/// Whether a RESTORE of a clone brought back another number of files or bytes than the clone had, as the engine counts.
fn is_partial(restore: &HistoryEntry, commits: &[HistoryEntry]) -> bool {
    let count = |name: &str| number(&restore.metrics, name);
    let after = count("numOfFilesAfterRestore").zip(count("tableSizeAfterRestore"));
    let named = number(&restore.parameters, "version");
    let clone = commits.iter().find(|entry| Some(entry.version) == named);
    let cloned = clone.and_then(HistoryEntry::source_size);
    match (restore.operation == "RESTORE", after, cloned) {
        (true, Some(after), Some(cloned)) => after != (cloned.files, cloned.bytes),
        (_, _, _) => false,
    }
}

/// The mark that each commit set.
///
/// A history shows a clone's source and version but not its properties. The newest properties are those of the newest commit
/// that is not maintenance: a clone there has to agree with them. Of older clones, those of this path's own source at
/// a version are taken as ours: what came after them replaced them or is judged by itself.
fn marks(path: &str, newest: Option<&Mark>, commits: &[HistoryEntry]) -> Vec<Option<Mark>> {
    // A change of role adds a property, and takes none away.
    let changes = |entry: &&HistoryEntry| entry.upkeep().changes() && marked_epoch(entry).is_none();
    let last = commits.iter().rev().find(changes).map(|entry| entry.version);
    commits
        .iter()
        .map(|entry| {
            let source_version = entry.source_version()?;
            if Some(entry.version) == last {
                return newest.cloned();
            }
            let mark = newest.filter(|mark| mark.replica == path)?;
            is_source(path, entry).then(|| Mark { source_version, ..mark.clone() })
        })
        .collect()
}

/// Whether a clone's source is the table whose replica lies at a path.
fn is_source(path: &str, entry: &HistoryEntry) -> bool {
    let expected: Vec<String> = path
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let source = entry.parameters.get("source").and_then(serde_json::Value::as_str);
    source.is_none_or(|source| {
        plain_name(source.trim_matches('"')) == plain_name(&expected.join("."))
    })
}

/// The epoch that a commit marked its table with; `None`: none, or it set something else as well.
fn marked_epoch(entry: &HistoryEntry) -> Option<u64> {
    if entry.operation != "SET TBLPROPERTIES" {
        return None;
    }
    let said = entry.parameters.get("properties")?.as_str()?;
    let set: BTreeMap<String, String> = serde_json::from_str(said).ok()?;
    let (key, epoch) = set.first_key_value().filter(|_| set.len() == 1)?;
    if key == Mark::EPOCH { epoch.parse().ok() } else { None }
}

fn commit(entry: HistoryEntry, mark: Option<Mark>) -> ReplicaCommit {
    let (source_version, source_size) = (entry.source_version(), entry.source_size());
    let restored = || number(&entry.parameters, "version");
    ReplicaCommit {
        restored_to: if entry.operation == "RESTORE" { restored() } else { None },
        marked_epoch: marked_epoch(&entry),
        rows: entry.rows_touched(),
        upkeep: entry.upkeep(),
        version: entry.version,
        committed_at: entry.committed_at,
        operation: entry.operation,
        user: entry.user,
        source_version,
        source_size,
        mark,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PATH: &str = "main/core/g%20old";

    fn entry(version: u64, operation: &str, parameters: serde_json::Value) -> HistoryEntry {
        HistoryEntry {
            version,
            committed_at: chrono::DateTime::UNIX_EPOCH,
            operation: operation.to_owned(),
            user: None,
            parameters: parameters.as_object().cloned().unwrap(),
            metrics: Default::default(),
        }
    }

    fn clone(version: u64, source_version: u64) -> HistoryEntry {
        entry(
            version,
            "CLONE",
            json!({"source": "main.core.`g old`", "sourceVersion": source_version.to_string()}),
        )
    }

    fn mark(source_version: u64) -> Mark {
        Mark { source_table_id: "t1".to_owned(), source_version, replica: PATH.to_owned() }
    }

    #[test]
    fn a_restore_that_brought_back_less_than_the_clone_had_is_none() {
        let counted = |entry: HistoryEntry, metrics: serde_json::Value| HistoryEntry {
            metrics: metrics.as_object().cloned().unwrap(),
            ..entry
        };
        let cloned =
            counted(clone(1, 7), json!({"sourceNumOfFiles": "7", "sourceTableSize": "700"}));
        let restored = |files: &str, bytes: &str| {
            let counts = json!({"numOfFilesAfterRestore": files, "tableSizeAfterRestore": bytes});
            counted(entry(3, "RESTORE", json!({"version": "1"})), counts)
        };
        let commits = std::slice::from_ref(&cloned);
        assert!(!is_partial(&restored("7", "700"), commits));
        assert!(is_partial(&restored("6", "600"), commits));
        // An engine that counts nothing is believed, as its history is.
        assert!(!is_partial(&entry(3, "RESTORE", json!({"version": "1"})), commits));
    }

    #[test]
    fn each_clone_of_ours_has_its_mark() {
        let commits = [clone(0, 5), clone(1, 7), entry(2, "OPTIMIZE", json!({}))];
        assert_eq!(marks(PATH, Some(&mark(7)), &commits), [Some(mark(5)), Some(mark(7)), None]);
    }

    #[test]
    fn a_mark_of_an_epoch_is_told_apart_from_whatever_else_sets_properties() {
        let set =
            |said: &str| marked_epoch(&entry(2, "SET TBLPROPERTIES", json!({"properties": said})));
        assert_eq!(set(r#"{"drsync.epoch":"1"}"#), Some(1));
        for said in [
            r#"{"drsync.epoch":"1","delta.appendOnly":"true"}"#,
            r#"{"delta.appendOnly":"true"}"#,
            r#"{"drsync.epoch":"soon"}"#,
            "{}",
            "",
        ] {
            assert_eq!(set(said), None, "{said}");
        }
        let marked =
            entry(2, "SET TBLPROPERTIES", json!({"properties": r#"{"drsync.epoch":"1"}"#}));
        let commits = [clone(0, 5), clone(1, 7), marked];
        assert_eq!(marks(PATH, Some(&mark(7)), &commits), [Some(mark(5)), Some(mark(7)), None]);
    }

    #[test]
    fn the_newest_clone_without_our_properties_has_none() {
        assert_eq!(marks(PATH, None, &[clone(0, 5), clone(1, 7)]), [None, None]);
        let foreign = [clone(0, 5), clone(1, 9)];
        assert_eq!(
            marks(PATH, Some(&mark(7)), &foreign)[1],
            Some(mark(7)),
            "it will not agree with what was cloned"
        );
    }

    #[test]
    fn a_clone_of_another_table_is_not_ours() {
        let other = entry(0, "CLONE", json!({"source": "main.core.silver", "sourceVersion": "5"}));
        assert_eq!(marks(PATH, Some(&mark(7)), &[other, clone(1, 7)]), [None, Some(mark(7))]);
    }
}
