//! Source tables: their histories, and how they look at pinned versions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use futures::join;

use super::Service;
use super::batch::{QuestionForm, Rest, TABLES};
use super::histories::{
    HistoryEntry, HistoryQuestion, NewestCommit, TableDetail, TableHistory, histories, newest,
};
use super::refusal::Refusal;
use super::rows::ResultRows;
use super::statements::Intent;
use crate::interval;
use crate::region::{
    ColumnChange, Commit, Estimate, EstimateBasis, Pin, PinQuestion, RegionError, RegionErrorKind,
    SchemaChange, SinceQuestion, Size, Source, SourceQuestion, is_another_digest,
};
use crate::sql::{self, Relation};

/// Property: how long files that no version needs any more are kept, and with them older versions.
const DELETED_FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";
/// Property: how long the log is kept.
const LOG_RETENTION: &str = "delta.logRetentionDuration";
/// Databricks' default of [`DELETED_FILE_RETENTION`], enforced on every version that is not the newest.
const RETENTION_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Columns of a table that are told one by one.
const COLUMNS_TOLD_MAX: usize = 100;

pub(super) async fn sources(
    workspace: &Service,
    asked: &[SourceQuestion],
) -> Vec<Result<Source, RegionError>> {
    let looks: Vec<HistoryQuestion> = asked
        .iter()
        .map(|question| HistoryQuestion {
            table: Relation::Named(question.table.name.clone()),
            from: question.from_version,
            since_clone: false,
        })
        .collect();
    let tables: Vec<Relation> = looks.iter().map(|look| look.table.clone()).collect();
    let (histories, details) = join!(
        histories(&workspace.sql, &workspace.batches, &looks),
        workspace.seen.details(&workspace.sql, &workspace.batches, &tables)
    );
    asked
        .iter()
        .zip(histories)
        .zip(details)
        .map(|((question, history), detail)| {
            let doing = format!("read the history of {}", question.table.name);
            match (history, detail) {
                (Ok(history), Ok(detail)) => Ok(source(workspace, question, history, &detail)),
                (Err(refusal), _) | (Ok(_), Err(refusal)) => Err(refusal.doing(doing)),
            }
        })
        .collect()
}

/// What came after the version of interest: the newest commit of each, and the histories of those that went on.
pub(super) async fn read_commits_since(
    workspace: &Service,
    asked: &[SinceQuestion],
) -> Vec<Result<Vec<Commit>, RegionError>> {
    let doing =
        |question: &SinceQuestion| format!("read what came to {}", question.source.table.name);
    let relation = |question: &SinceQuestion| Relation::Named(question.source.table.name.clone());
    let tables: Vec<Relation> = asked.iter().map(relation).collect();
    let heads = newest(&workspace.sql, &workspace.batches, &tables, Rest::OneByOne).await;
    let stands = |(head, question): (&Result<NewestCommit, Refusal>, &SinceQuestion)| {
        let named = question.named.as_ref().and_then(|named| named.sha256.as_deref());
        head.as_ref().is_ok_and(|head| {
            let digests = head.digest.as_deref().zip(named);
            Some(head.version) == question.source.from_version
                && !digests.is_some_and(|(now, then)| is_another_digest(now, then))
        })
    };
    let went_on: Vec<bool> = heads.iter().zip(asked).map(|pair| !stands(pair)).collect();
    let looks = asked.iter().zip(&heads).zip(&went_on);
    let looks: Vec<HistoryQuestion> = looks
        .filter(|((_, head), went_on)| head.is_ok() && **went_on)
        .map(|((question, _), _)| HistoryQuestion {
            table: relation(question),
            from: question.source.from_version,
            since_clone: false,
        })
        .collect();
    let mut found = histories(&workspace.sql, &workspace.batches, &looks).await.into_iter();
    let all = asked.iter().zip(heads).zip(went_on);
    all.map(|((question, head), went_on)| {
        head.map_err(|refusal| refusal.doing(doing(question)))?;
        if !went_on {
            return Ok(Vec::new());
        }
        let history = found.next().expect("a table that went on was asked for its history");
        let history = history.map_err(|refusal| refusal.doing(doing(question)))?;
        let source = source(workspace, &question.source, history, &TableDetail::default());
        question.since(source)
    })
    .collect()
}

fn source(
    workspace: &Service,
    question: &SourceQuestion,
    history: TableHistory,
    detail: &TableDetail,
) -> Source {
    let table_id =
        question.table.table_id.clone().or_else(|| detail.id.clone()).unwrap_or_default();
    let told = detail.property(DELETED_FILE_RETENTION).and_then(interval::parse);
    Source {
        commits: history.commits.into_iter().map(|entry| commit(entry, &table_id)).collect(),
        oldest_version: history.oldest,
        untimed: None,
        retention: told.or((!workspace.is_sandbox()).then_some(RETENTION_DEFAULT)),
        table_id,
    }
}

fn commit(entry: HistoryEntry, table_id: &str) -> Commit {
    Commit {
        upkeep: entry.upkeep(),
        // It has a prefix, so that it never equals the digest of a commit's file, which lakehouses keep of the same commit.
        sha256: Some(entry.history_digest()),
        rows: entry.rows_touched(),
        version: entry.version,
        committed_at: entry.committed_at,
        operation: entry.operation,
        user: entry.user,
        // The catalog's id outlives CREATE OR REPLACE, so it is every commit's.
        table_id: Some(table_id.to_owned()),
    }
}

/// Counts rows at the pinned versions, which also proves that they can be read, and looks at the tables' details.
pub(super) async fn pins(
    workspace: &Service,
    asked: &[PinQuestion],
) -> Vec<Result<Pin, RegionError>> {
    let source = |question: &PinQuestion| Relation::Named(question.table.name.clone());
    let sources: Vec<Relation> = asked.iter().map(source).collect();
    let questions: Vec<&PinQuestion> = asked.iter().collect();
    let form = QuestionForm {
        relation: &source,
        many: &|questions: &[&PinQuestion]| {
            let tables: Vec<Relation> = questions.iter().map(|question| source(question)).collect();
            let pairs: Vec<(&Relation, u64)> = tables
                .iter()
                .zip(questions)
                .map(|(table, question)| (table, question.version))
                .collect();
            sql::counts(&pairs)
        },
        one: &|question: &PinQuestion| sql::count(&source(question), question.version),
        size: TABLES,
        rest: Rest::OneByOne,
    };
    let there: Vec<Relation> = asked
        .iter()
        .filter(|question| question.replica_version.is_some())
        .map(|question| Relation::Path(question.replica_location.clone()))
        .collect();
    let (counts, found, held, columns) = join!(
        workspace.batches.ask(&workspace.sql, &questions, &form),
        workspace.seen.taken(&workspace.sql, &workspace.batches, &sources),
        workspace.seen.taken(&workspace.sql, &workspace.batches, &there),
        join_all(asked.iter().map(|question| columns(workspace, question)))
    );
    let mut held = held.into_iter();
    asked
        .iter()
        .zip(counts)
        .zip(found)
        .zip(columns)
        .map(|(((question, counted), detail), schema)| {
            let replica = question.replica_version.and_then(|_| held.next());
            let doing = format!("look at {} at version {}", question.table.name, question.version);
            let pin = pin(question, counted, detail, replica);
            let pin = pin.map(|pin| Pin { schema, ..pin });
            pin.map_err(|refusal| refusal.doing(doing))
        })
        .collect()
}

fn pin(
    question: &PinQuestion,
    counted: Result<ResultRows, Refusal>,
    detail: Result<TableDetail, Refusal>,
    replica: Option<Result<TableDetail, Refusal>>,
) -> Result<Pin, Refusal> {
    let (counted, detail) = (counted?, detail?);
    if detail.format.as_deref().is_some_and(|format| format != "delta") {
        return Err(Refusal::new(RegionErrorKind::Unsupported, "it is not a Delta table"));
    }
    // The newest version's: near enough for an estimate, but no fact about an older one.
    let head = detail.size();
    let lacking = match (head, replica) {
        (Some(head), None) => Some(head),
        // What a replica lacks is at least what the source has more; rewritten files are not seen.
        (Some(head), Some(Ok(replica))) => replica
            .size()
            .map(|held| Size {
                files: head.files.saturating_sub(held.files),
                bytes: head.bytes.saturating_sub(held.bytes),
            })
            .filter(|lacking| lacking.files > 0),
        (Some(_), Some(Err(_))) | (None, _) => None,
    };
    let property = |key: &str| detail.property(key).map(str::to_owned);
    Ok(Pin {
        version: question.version,
        table_id: question.table.table_id.clone().or_else(|| detail.id.clone()).unwrap_or_default(),
        size: head.filter(|_| question.newest),
        rows: counted.first().and_then(|row| row.number("n")),
        column_mapping: detail.column_mapping(),
        deleted_file_retention: property(DELETED_FILE_RETENTION),
        log_retention: property(LOG_RETENTION),
        estimate: lacking.map(|lacking| Estimate {
            copy_files: lacking.files,
            copy_bytes: lacking.bytes,
            basis: EstimateBasis::History,
        }),
        schema: None,
    })
}

/// How the columns of a table changed since a version; `None`: not asked, or not told.
async fn columns(workspace: &Service, question: &PinQuestion) -> Option<SchemaChange> {
    let since = question.columns_since?;
    let table = Relation::Named(question.table.name.clone());
    let at = async |version| {
        let look = sql::columns(&table, version);
        let finished = workspace.sql.run(&look, Intent::Look).await.ok()?;
        Some(BTreeMap::from_iter(finished.columns))
    };
    let (before, after) = join!(at(since), at(question.version));
    let (before, after) = (before?, after?);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let mut columns: Vec<ColumnChange> = differing
        .map(|name| ColumnChange {
            column: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect();
    let more = columns.len().saturating_sub(COLUMNS_TOLD_MAX) as u64;
    columns.truncate(COLUMNS_TOLD_MAX);
    Some(SchemaChange { columns, more })
}
