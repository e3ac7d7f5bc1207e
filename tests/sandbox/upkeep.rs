//! OPTIMIZE and VACUUM: what they answer, what they leave, and what they refuse.

use drsync::lakehouse::delta::{self, SnapshotDetail, TableStore};
use drsync::sandbox::Quirks;
use serde_json::{Value, json};

use crate::world::Sandbox;

/// A table of two partitions, with two files in one of them and one in the other.
async fn made(sandbox: &Sandbox) -> String {
    let table = sandbox.replica("kept");
    let columns = "(id BIGINT, day STRING) PARTITIONED BY (day)";
    sandbox.rows(&format!("CREATE TABLE {table} {columns}")).await;
    for values in ["(1, 'mon'), (2, 'tue')", "(3, 'mon')"] {
        sandbox.rows(&format!("INSERT INTO {table} VALUES {values}")).await;
    }
    table
}

fn data_files(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.path("west/sync/main/kept");
    let entries = std::fs::read_dir(&folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".parquet")).collect()
}

async fn operations(sandbox: &Sandbox, table: &str) -> Vec<String> {
    let rows = sandbox.rows(&format!("DESCRIBE HISTORY {table}")).await;
    rows.iter().map(|row| row[4].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn optimize_makes_files_of_a_partition_one_and_answers_its_metrics() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox).await;
    let optimize = format!("OPTIMIZE {table}");
    let body = sandbox.statement(&optimize, json!({})).await;
    let columns = &body["manifest"]["schema"]["columns"];
    assert_eq!((&columns[0]["name"], &columns[1]["name"]), (&json!("path"), &json!("metrics")));
    assert_eq!(columns[1]["type_name"], "STRUCT");
    let row = &body["result"]["data_array"][0];
    let folder = sandbox.path("west/sync/main/kept");
    assert_eq!(row[0], folder.display().to_string());
    let metrics: Value = serde_json::from_str(row[1].as_str().unwrap()).unwrap();
    let counts = [
        "numFilesAdded",
        "numFilesRemoved",
        "partitionsOptimized",
        "totalConsideredFiles",
        "totalFilesSkipped",
    ];
    let said = counts.map(|name| metrics[name].as_str().unwrap_or_default().to_owned());
    assert_eq!(said, ["1", "2", "1", "3", "1"], "{metrics}");
    assert_eq!(metrics["filesRemoved"]["totalFiles"], "2", "{metrics}");
    assert_eq!(metrics["zOrderStats"], Value::Null);
    assert_eq!(operations(&sandbox, &table).await[0], "OPTIMIZE");
    let head =
        delta::snapshot(&TableStore::local(&folder), None, SnapshotDetail::Full).await.unwrap();
    assert_eq!(head.files.len(), 2);
    let all = format!("SELECT id, day FROM {table} ORDER BY id");
    let rows = [json!(["1", "mon"]), json!(["2", "tue"]), json!(["3", "mon"])];
    assert_eq!(sandbox.rows(&all).await, rows);
    // What is done already makes no commit.
    let again = sandbox.rows(&optimize).await;
    assert!(again[0][1].as_str().unwrap().contains(r#""numFilesAdded":"0""#), "{again:?}");
    assert_eq!(operations(&sandbox, &table).await.len(), 4);
}

#[tokio::test]
async fn optimize_keeps_what_files_call_columns_that_were_renamed_and_added() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox).await;
    for change in [
        "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "RENAME COLUMN id TO key",
        "ADD COLUMN note STRING",
    ] {
        sandbox.rows(&format!("ALTER TABLE {table} {change}")).await;
    }
    sandbox.rows(&format!("INSERT INTO {table} VALUES (4, 'tue', 'new')")).await;
    sandbox.rows(&format!("OPTIMIZE {table}")).await;
    let rows = sandbox.rows(&format!("SELECT key, day, note FROM {table} ORDER BY key")).await;
    let expected = [
        json!(["1", "mon", null]),
        json!(["2", "tue", null]),
        json!(["3", "mon", null]),
        json!(["4", "tue", "new"]),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_vacuum_within_the_retention_is_refused_and_one_of_it_takes_nothing_that_is_needed() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox).await;
    sandbox.rows(&format!("OPTIMIZE {table}")).await;
    let short = sandbox.failure(&format!("VACUUM {table} RETAIN 0 HOURS")).await;
    let class = "[DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT]";
    assert!(short.starts_with(class) && short.contains("at least 168 hours"), "{short}");
    let mark = "west/sync/main/kept/notes.txt";
    std::fs::write(sandbox.path(mark), "of somebody").unwrap();
    let done = sandbox.rows(&format!("VACUUM {table}")).await;
    assert_eq!(done, [json!([sandbox.path("west/sync/main/kept").display().to_string()])]);
    assert_eq!(data_files(&sandbox).len(), 4);
    assert!(sandbox.path(mark).exists(), "it may be what a writer is about to commit");
    assert_eq!(operations(&sandbox, &table).await[..2], ["VACUUM END", "VACUUM START"]);
    assert_eq!(sandbox.rows(&format!("SELECT count(*) FROM {table}@v2")).await, [json!(["3"])]);
    let shorter = "'delta.deletedFileRetentionDuration' = 'interval 2 hours'";
    sandbox.rows(&format!("ALTER TABLE {table} SET TBLPROPERTIES ({shorter})")).await;
    let short = sandbox.failure(&format!("VACUUM {table} RETAIN 1 HOURS")).await;
    assert!(short.contains("at least 2 hours"), "{short}");
    sandbox.rows(&format!("VACUUM {table} RETAIN 2 HOURS DRY RUN")).await;
}

#[tokio::test]
async fn a_vacuum_that_retains_nothing_takes_all_but_the_newest_version_and_tells_so() {
    let mut quirks = Quirks::default();
    quirks.add("no-vacuum-check").unwrap();
    let sandbox = Sandbox::with(quirks).await;
    let table = made(&sandbox).await;
    sandbox.rows(&format!("OPTIMIZE {table}")).await;
    let stray = sandbox.path("west/sync/main/kept/part-of-nobody.parquet");
    std::fs::write(&stray, "left by a writer that was killed").unwrap();
    std::fs::create_dir(sandbox.path("west/sync/main/kept/_notes")).unwrap();
    std::fs::write(sandbox.path("west/sync/main/kept/_notes/x"), "hidden").unwrap();
    std::fs::write(sandbox.path("west/sync/main/kept/.x"), "hidden").unwrap();
    // Both the clock of commits and that of files have to have moved on.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let vacuum = format!("VACUUM {table} RETAIN 0 HOURS");
    let named = sandbox.rows(&format!("{vacuum} DRY RUN")).await;
    assert_eq!((named.len(), data_files(&sandbox).len()), (3, 5), "{named:?}");
    let lite = sandbox.rows(&format!("VACUUM {table} LITE RETAIN 0 HOURS DRY RUN")).await;
    assert_eq!(lite.len(), 2, "{lite:?}");
    assert_eq!(operations(&sandbox, &table).await.len(), 4, "a dry run makes no commit");
    sandbox.rows(&vacuum).await;
    assert_eq!(data_files(&sandbox).len(), 2);
    assert!(!stray.exists() && sandbox.path("west/sync/main/kept/_notes/x").exists());
    assert!(sandbox.path("west/sync/main/kept/.x").exists());
    assert_eq!(sandbox.rows(&format!("SELECT count(*) FROM {table}")).await, [json!(["3"])]);
    let gone = sandbox.failure(&format!("SELECT id FROM {table}@v2")).await;
    assert!(gone.starts_with("[DELTA_FILE_NOT_FOUND_DETAILED]"), "{gone}");
    let history = sandbox.rows(&format!("DESCRIBE HISTORY {table} LIMIT 2")).await;
    let said = |at: usize, column: usize| history[at][column].as_str().unwrap().to_owned();
    assert!(said(0, 5).contains(r#""status":"COMPLETED""#), "{history:?}");
    assert!(said(0, 12).contains(r#""numDeletedFiles":"3""#), "{history:?}");
    assert!(said(1, 5).contains(r#""retentionCheckEnabled":"false""#), "{history:?}");
    assert!(said(1, 12).contains(r#""numFilesToDelete":"3""#), "{history:?}");
}
