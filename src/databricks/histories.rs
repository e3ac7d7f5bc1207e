//! Histories and details of many tables: as much of each as is asked for.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::batch::{QuestionForm, RefusedForms, Rest, TABLES, TABLES_BY_A_ROW};
use super::refusal::Refusal;
use super::rows::{ResultRow, ResultRows, number};
use super::statements::Sql;
use crate::canonical;
use crate::region::{RegionErrorKind, Size, Upkeep, is_maintenance};
use crate::sql::{self, Relation};

/// Commits asked for at first, and how much wider each further look is.
const COMMITS_FIRST: u64 = 50;
const WIDER: u64 = 10;
/// No history that is looked at is longer.
const COMMITS_MAX: u64 = 50_000;
/// Rows a statement, so that its result still comes inline.
const ROWS_MAX: u64 = 2_500;

/// A table, and the oldest version of interest.
#[derive(Debug, Clone)]
pub(super) struct HistoryQuestion {
    pub(super) table: Relation,
    /// `None`: all that is retained.
    pub(super) from: Option<u64>,
    /// What came before it is of interest, too, from the newest CLONE on.
    pub(super) since_clone: bool,
}

/// A table's commits, oldest first; never empty.
#[derive(Debug, Clone)]
pub(super) struct TableHistory {
    pub(super) commits: Vec<HistoryEntry>,
    /// The oldest version that the log still has, as far as was looked.
    pub(super) oldest: u64,
}

/// One commit.
#[derive(Debug, Clone)]
pub(super) struct HistoryEntry {
    pub(super) version: u64,
    pub(super) committed_at: DateTime<Utc>,
    pub(super) operation: String,
    pub(super) user: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) metrics: Map<String, Value>,
}

/// What a table is at its newest version.
#[derive(Debug, Clone, Default)]
pub(super) struct TableDetail {
    pub(super) format: Option<String>,
    pub(super) id: Option<String>,
    pub(super) files: Option<u64>,
    pub(super) bytes: Option<u64>,
    properties: Map<String, Value>,
}

impl HistoryEntry {
    fn read(row: ResultRow<'_>) -> Option<HistoryEntry> {
        Some(HistoryEntry {
            version: row.number("version")?,
            committed_at: row.moment("timestamp")?,
            operation: row.text("operation").unwrap_or("unknown").to_owned(),
            user: row.text("userName").or(row.text("userId")).map(str::to_owned),
            parameters: row.object("operationParameters"),
            metrics: row.object("operationMetrics"),
        })
    }

    /// Whether it is maintenance, as far as its operation and what that counts tell.
    ///
    /// OPTIMIZE counts files and no rows: then nothing was compared.
    pub(super) fn upkeep(&self) -> Upkeep {
        const ROWS: [&str; 6] = [
            "numInsertedRows",
            "numUpdatedRows",
            "numDeletedRows",
            "numTargetRowsInserted",
            "numTargetRowsUpdated",
            "numTargetRowsDeleted",
        ];
        if !is_maintenance(&self.operation) {
            return Upkeep::Changes;
        }
        let count = |name: &str| number(&self.metrics, name);
        let touches = ROWS.iter().any(|name| count(name) > Some(0));
        let added = ["numAddedFiles", "numFiles"];
        let added = added.into_iter().find_map(count) > Some(0);
        // Files that replace nothing are rows that were not there.
        let appends = added && count("numRemovedFiles") == Some(0);
        let appends = appends
            || (count("numOutputRows") > Some(0) && count("numRemovedFiles").unwrap_or(0) == 0);
        if touches || appends { Upkeep::Changes } else { Upkeep::NotCompared }
    }

    /// Digest of what the history says of it, its time left out, as cuts and plans keep it: a digest of a file would be another kind.
    pub(super) fn history_digest(&self) -> String {
        self.clone().into_history_digest()
    }

    fn into_history_digest(self) -> String {
        let HistoryEntry { version, committed_at: _, operation, user, parameters, metrics } = self;
        let said = [
            ("version", version.into()),
            ("operation", operation.into()),
            ("user", user.into()),
            ("operationParameters", Value::Object(parameters)),
            ("operationMetrics", Value::Object(metrics)),
        ];
        let said: Map<String, Value> =
            said.map(|(name, it)| (name.to_owned(), it)).into_iter().collect();
        format!("history:{}", canonical::sha256_of_value(&Value::Object(said)))
    }

    /// Rows that it changed, by what its operation counts.
    pub(super) fn rows_touched(&self) -> Option<u64> {
        let sum = |names: &[&str]| {
            names.iter().filter_map(|name| number(&self.metrics, name)).reduce(u64::saturating_add)
        };
        sum(&["numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"])
            .or_else(|| sum(&["numUpdatedRows", "numDeletedRows"]))
            .or_else(|| sum(&["numOutputRows"]))
    }

    /// `sourceVersion` of a CLONE.
    pub(super) fn source_version(&self) -> Option<u64> {
        (self.operation == "CLONE").then(|| number(&self.parameters, "sourceVersion")).flatten()
    }

    /// What a CLONE says its source was.
    pub(super) fn source_size(&self) -> Option<Size> {
        self.source_version()?;
        Some(Size {
            files: number(&self.metrics, "sourceNumOfFiles")?,
            bytes: number(&self.metrics, "sourceTableSize")?,
        })
    }
}

impl TableDetail {
    fn read(row: ResultRow<'_>) -> TableDetail {
        TableDetail {
            format: row.text("format").map(str::to_lowercase),
            id: row.text("id").map(str::to_owned),
            files: row.number("numFiles"),
            bytes: row.number("sizeInBytes"),
            properties: row.object("properties"),
        }
    }

    pub(super) fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Value::as_str)
    }

    pub(super) fn size(&self) -> Option<Size> {
        let (files, bytes) = self.files.zip(self.bytes)?;
        Some(Size { files, bytes })
    }

    pub(super) fn column_mapping(&self) -> String {
        self.property("delta.columnMapping.mode").unwrap_or("none").to_lowercase()
    }
}

/// `DESCRIBE HISTORY` of many tables, widened for those whose version of interest is further back.
pub(super) async fn histories(
    sql: &Sql,
    batches: &RefusedForms,
    looks: &[HistoryQuestion],
) -> Vec<Result<TableHistory, Refusal>> {
    let mut found: Vec<Option<Result<TableHistory, Refusal>>> =
        looks.iter().map(|_| None).collect();
    let mut limit = COMMITS_FIRST;
    loop {
        let open: Vec<usize> = (0..looks.len()).filter(|at| found[*at].is_none()).collect();
        if open.is_empty() {
            return found.into_iter().flatten().collect();
        }
        let asked: Vec<&HistoryQuestion> = open.iter().map(|at| &looks[*at]).collect();
        let form = QuestionForm {
            relation: &|look: &HistoryQuestion| look.table.clone(),
            many: &|looks: &[&HistoryQuestion]| {
                let tables: Vec<&Relation> = looks.iter().map(|look| &look.table).collect();
                sql::histories(&tables, limit)
            },
            one: &|look: &HistoryQuestion| sql::history(&look.table, limit),
            size: TABLES.min((ROWS_MAX / limit) as usize),
            rest: Rest::OneByOne,
        };
        let answers = batches.ask(sql, &asked, &form).await;
        for (at, answer) in open.into_iter().zip(answers) {
            found[at] = match answer {
                Ok(rows) => read(&rows, &looks[at], limit),
                Err(refusal) => Some(Err(refusal)),
            };
        }
        limit *= WIDER;
    }
}

/// The newest commit of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewestCommit {
    pub(super) version: u64,
    /// The digest of its row, where that could be read.
    pub(super) digest: Option<String>,
}

/// The newest commit of many tables; `rest`: how those are asked about that cannot be asked together.
pub(super) async fn newest(
    sql: &Sql,
    batches: &RefusedForms,
    tables: &[Relation],
    rest: Rest,
) -> Vec<Result<NewestCommit, Refusal>> {
    let asked: Vec<&Relation> = tables.iter().collect();
    let form = QuestionForm {
        relation: &|table: &Relation| table.clone(),
        many: &|tables: &[&Relation]| sql::histories(tables, 1),
        one: &|table: &Relation| sql::history(table, 1),
        size: TABLES_BY_A_ROW,
        rest,
    };
    let answers = batches.ask(sql, &asked, &form).await.into_iter();
    let read = |rows: ResultRows| {
        let row = rows.first();
        let head = row.and_then(|row| {
            let version = row.number("version")?;
            Some(NewestCommit {
                version,
                digest: HistoryEntry::read(row).map(HistoryEntry::into_history_digest),
            })
        });
        head.ok_or_else(|| Refusal::new(RegionErrorKind::Other, "its history is empty"))
    };
    answers.map(|answer| answer.and_then(read)).collect()
}

/// Reads one table's rows; `None`: they do not go back far enough.
fn read(
    rows: &ResultRows,
    look: &HistoryQuestion,
    limit: u64,
) -> Option<Result<TableHistory, Refusal>> {
    let mut commits: Vec<HistoryEntry> = Vec::new();
    let mut asked = 0;
    for row in rows.iter() {
        asked += 1;
        match HistoryEntry::read(row) {
            Some(entry) => commits.push(entry),
            None => {
                let text = "its history has a commit without a version or a time";
                return Some(Err(Refusal::new(RegionErrorKind::Other, text)));
            }
        }
    }
    commits.sort_by_key(|entry| entry.version);
    let Some(oldest) = commits.first().map(|entry| entry.version) else {
        return Some(Err(Refusal::new(RegionErrorKind::Other, "its history is empty")));
    };
    let newest = commits.last().map_or(oldest, |entry| entry.version);
    // A version beyond the head is asked of a table that was made again: all of it is of interest.
    let from = look.from.filter(|from| *from <= newest);
    let complete = asked < limit || oldest == 0 || limit >= COMMITS_MAX;
    let from = match from.filter(|_| look.since_clone) {
        None => from,
        Some(named) => {
            let mut before = commits.iter().rev().filter(|entry| entry.version <= named);
            let clone = before.find(|entry| entry.operation == "CLONE");
            // Not found, its whole history is.
            clone.map(|entry| entry.version)
        }
    };
    if !complete && from.is_none_or(|from| oldest > from) {
        return None;
    }
    commits.retain(|entry| from.is_none_or(|from| entry.version >= from));
    Some(Ok(TableHistory { commits, oldest }))
}

/// Details that were read together with histories, for the look at pins that follows: they are of the same moment.
#[derive(Debug, Default)]
pub(super) struct SeenDetails(Mutex<BTreeMap<String, TableDetail>>);

impl SeenDetails {
    /// Asks for details, and keeps them.
    pub(super) async fn details(
        &self,
        sql: &Sql,
        batches: &RefusedForms,
        tables: &[Relation],
    ) -> Vec<Result<TableDetail, Refusal>> {
        let found = details(sql, batches, tables).await;
        let mut seen = self.0.lock().expect("no panic while a detail is kept");
        for (table, detail) in tables.iter().zip(&found) {
            match detail {
                Ok(detail) => seen.insert(table.to_string(), detail.clone()),
                Err(_) => seen.remove(&table.to_string()),
            };
        }
        found
    }

    /// Takes what was kept, once, and asks for the others.
    pub(super) async fn taken(
        &self,
        sql: &Sql,
        batches: &RefusedForms,
        tables: &[Relation],
    ) -> Vec<Result<TableDetail, Refusal>> {
        let kept: Vec<Option<TableDetail>> = {
            let mut seen = self.0.lock().expect("no panic while a detail is taken");
            let names = tables.iter().map(ToString::to_string);
            names.map(|name| seen.remove(&name)).collect()
        };
        let pairs = tables.iter().zip(&kept);
        let open = pairs.filter(|(_, kept)| kept.is_none());
        let open: Vec<Relation> = open.map(|(table, _)| table.clone()).collect();
        let mut asked = details(sql, batches, &open).await.into_iter();
        let all = kept.into_iter().map(|kept| kept.map_or_else(|| asked.next(), |it| Some(Ok(it))));
        all.flatten().collect()
    }
}

/// `DESCRIBE DETAIL` of many tables.
pub(super) async fn details(
    sql: &Sql,
    batches: &RefusedForms,
    tables: &[Relation],
) -> Vec<Result<TableDetail, Refusal>> {
    let asked: Vec<&Relation> = tables.iter().collect();
    let form = QuestionForm {
        relation: &|table: &Relation| table.clone(),
        many: &|tables: &[&Relation]| sql::details(tables),
        one: &|table: &Relation| sql::detail(table),
        size: TABLES,
        rest: Rest::OneByOne,
    };
    let answers = batches.ask(sql, &asked, &form).await;
    let read = |rows: ResultRows| match rows.first() {
        Some(row) => Ok(TableDetail::read(row)),
        None => Err(Refusal::new(RegionErrorKind::Other, "it has no detail")),
    };
    answers.into_iter().map(|answer| answer.and_then(read)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(operation: &str, metrics: Value) -> Upkeep {
        let entry = HistoryEntry {
            version: 3,
            committed_at: DateTime::UNIX_EPOCH,
            operation: operation.to_owned(),
            user: None,
            parameters: Map::new(),
            metrics: metrics.as_object().cloned().unwrap_or_default(),
        };
        entry.upkeep()
    }

    #[test]
    fn maintenance_is_judged_by_what_the_history_counts() {
        use Upkeep::{Changes, NotCompared};
        // As DESCRIBE HISTORY tells them: numbers as texts, and of OPTIMIZE no rows.
        let compacted = json!({"numAddedFiles": "1", "numRemovedFiles": "4", "numAddedBytes": "9"});
        let clustered =
            json!({"numAddedFiles": "3", "numRemovedFiles": "3", "numOutputRows": "20"});
        for (operation, metrics, upkeep) in [
            ("OPTIMIZE", json!({}), NotCompared),
            ("OPTIMIZE", json!(null), NotCompared),
            ("OPTIMIZE", compacted.clone(), NotCompared),
            ("OPTIMIZE", clustered, NotCompared),
            ("OPTIMIZE", json!({"numAddedFiles": "0", "numRemovedFiles": "0"}), NotCompared),
            ("VACUUM START", json!({"numFilesToDelete": "12"}), NotCompared),
            ("VACUUM END", json!({"numDeletedFiles": "12"}), NotCompared),
            ("ANALYZE", json!({}), NotCompared),
            ("COMPUTE STATS", json!({}), NotCompared),
            ("REORG", json!({"numAddedFiles": "1", "numRemovedFiles": "1"}), NotCompared),
            // Files that replace none are rows that were not there.
            ("OPTIMIZE", json!({"numAddedFiles": "1", "numRemovedFiles": "0"}), Changes),
            ("OPTIMIZE", json!({"numOutputRows": "7"}), Changes),
            ("OPTIMIZE", json!({"numFiles": 2, "numRemovedFiles": 0}), Changes),
            ("REORG", json!({"numDeletedRows": "1"}), Changes),
            ("REORG", json!({"numTargetRowsUpdated": "1"}), Changes),
            ("VACUUM END", json!({"numInsertedRows": "1"}), Changes),
            // No other operation is maintenance, whatever it counts.
            ("WRITE", json!({"numFiles": "0", "numOutputRows": "0"}), Changes),
            ("MERGE", compacted, Changes),
            ("DELETE", json!({"numDeletedRows": "0"}), Changes),
            ("NOT KNOWN", json!({}), Changes),
        ] {
            assert_eq!(judged(operation, metrics.clone()), upkeep, "{operation} {metrics}");
        }
    }
}
