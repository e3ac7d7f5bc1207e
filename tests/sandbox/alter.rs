//! Columns that are added, renamed and dropped, and properties that ask for a protocol.

use std::path::Path;

use drsync::lakehouse::delta::{self, CloneOptions, Expect, Snapshot, SnapshotDetail, TableStore};
use serde_json::{Value, json};

use crate::support::able;
use crate::world::Sandbox;

/// A table by its path: of an id, a partition and a struct, with two rows.
async fn made(sandbox: &Sandbox, properties: &str) -> String {
    let table = sandbox.replica("changed");
    let sql = format!(
        "CREATE TABLE {table} (id BIGINT, day STRING, place STRUCT<city: STRING>) PARTITIONED BY (day) {properties}"
    );
    sandbox.rows(&sql).await;
    let values =
        "(1, 'mon', named_struct('city', 'Bern')), (2, 'tue', named_struct('city', 'Oslo'))";
    sandbox.rows(&format!("INSERT INTO {table} VALUES {values}")).await;
    table
}

fn store(sandbox: &Sandbox) -> TableStore {
    TableStore::local(sandbox.path("west/sync/main/changed"))
}

async fn head(sandbox: &Sandbox) -> Snapshot {
    delta::snapshot(&store(sandbox), None, SnapshotDetail::Full).await.unwrap()
}

async fn columns(sandbox: &Sandbox, table: &str) -> Vec<String> {
    let rows = sandbox.rows(&format!("DESCRIBE {table}")).await;
    let names = rows.iter().map(|row| row[0].as_str().unwrap().to_owned());
    names.take_while(|name| !name.starts_with('#')).collect()
}

const BY_NAME: &str = "'delta.columnMapping.mode' = 'name'";

#[tokio::test]
async fn columns_are_added_where_they_are_to_stand_with_what_is_said_of_them() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox, "").await;
    let add = format!(
        "ALTER TABLE {table} ADD COLUMNS (note STRING COMMENT 'why' FIRST, n INT AFTER id, place.zip STRING)"
    );
    sandbox.rows(&add).await;
    assert_eq!(columns(&sandbox, &table).await, ["note", "id", "n", "day", "place"]);
    let described = sandbox.rows(&format!("DESCRIBE {table}")).await;
    assert_eq!(described[0], json!(["note", "string", "why"]));
    for (column, kind, comment) in [("NOTE", "string", "why"), ("n", "int", "NULL")] {
        let described = sandbox.rows(&format!("DESCRIBE TABLE {table} {column}")).await;
        let said = [("col_name", column), ("data_type", kind), ("comment", comment)];
        let said = said.map(|(what, value)| json!([what, value.replace("NOTE", "note")]));
        assert_eq!(described, said);
    }
    assert_eq!(described[4], json!(["place", "struct<city:string,zip:string>", null]));
    let rows = sandbox
        .rows(&format!("SELECT id, n, place.zip, place.city FROM {table} ORDER BY id"))
        .await;
    assert_eq!(rows, [json!(["1", null, null, "Bern"]), json!(["2", null, null, "Oslo"])]);
    let history = sandbox.rows(&format!("DESCRIBE HISTORY {table} LIMIT 1")).await;
    assert_eq!(history[0][4], "ADD COLUMNS");
    assert!(history[0][5].as_str().unwrap().contains(r#"\"name\":\"place.zip\""#), "{history:?}");
    for (add, class) in [
        ("ID INT", "FIELD_ALREADY_EXISTS"),
        ("place.City INT", "FIELD_ALREADY_EXISTS"),
        ("nope.a INT", "FIELD_NOT_FOUND"),
        ("id.a INT", "INVALID_FIELD_NAME"),
        ("a INT AFTER nope", "FIELD_NOT_FOUND"),
        ("`a b` INT", "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES"),
        ("t TIMESTAMP_NTZ", "DELTA_FEATURES_REQUIRE_MANUAL_ENABLEMENT"),
        ("a INT NOT NULL", "UNSUPPORTED_FEATURE.SANDBOX"),
        ("a INT DEFAULT 1", "UNSUPPORTED_FEATURE.SANDBOX"),
    ] {
        let refused = sandbox.failure(&format!("ALTER TABLE {table} ADD COLUMN {add}")).await;
        assert!(refused.starts_with(&format!("[{class}]")), "{add}: {refused}");
    }
    assert_eq!(columns(&sandbox, &table).await.len(), 5, "what is refused changes nothing");
}

#[tokio::test]
async fn no_column_is_renamed_or_dropped_before_files_have_names_of_their_own() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox, "").await;
    for (change, class) in [
        ("RENAME COLUMN id TO key", "DELTA_UNSUPPORTED_RENAME_COLUMN"),
        ("DROP COLUMN id", "DELTA_UNSUPPORTED_DROP_COLUMN"),
        ("DROP COLUMNS (id, place)", "DELTA_UNSUPPORTED_DROP_COLUMN"),
        ("DROP COLUMN nope", "FIELD_NOT_FOUND"),
        ("RENAME TO other", "UNSUPPORTED_FEATURE.SANDBOX"),
        ("ALTER COLUMN id TYPE STRING", "UNSUPPORTED_FEATURE.SANDBOX"),
        ("CLUSTER BY (id)", "UNSUPPORTED_FEATURE.SANDBOX"),
    ] {
        let refused = sandbox.failure(&format!("ALTER TABLE {table} {change}")).await;
        assert!(refused.starts_with(&format!("[{class}]")), "{change}: {refused}");
    }
    sandbox.rows(&format!("ALTER TABLE {table} DROP COLUMN IF EXISTS nope")).await;
    assert_eq!(head(&sandbox).await.version, 1);
}

#[tokio::test]
async fn column_mapping_upgrades_the_protocol_and_every_change_leaves_files_as_they_are() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox, "").await;
    sandbox.rows(&format!("ALTER TABLE {table} SET TBLPROPERTIES ({BY_NAME})")).await;
    let mapped = head(&sandbox).await;
    let versions = (mapped.protocol.min_reader_version(), mapped.protocol.min_writer_version());
    assert_eq!(versions, (2, 5));
    let highest = |table: &Snapshot| {
        table.metadata.property("delta.columnMapping.maxColumnId").unwrap().to_owned()
    };
    assert_eq!(highest(&mapped), "4");
    for change in [
        "RENAME COLUMN place.city TO town",
        "RENAME COLUMN day TO weekday",
        "DROP COLUMN id",
        "ADD COLUMN `the key` STRING",
    ] {
        sandbox.rows(&format!("ALTER TABLE {table} {change}")).await;
    }
    let changed = head(&sandbox).await;
    assert_eq!(changed.files, mapped.files);
    assert_eq!(
        (highest(&changed), changed.metadata.partition_columns()),
        ("5".into(), vec!["weekday"])
    );
    assert_eq!(columns(&sandbox, &table).await, ["weekday", "place", "the key"]);
    let insert = "VALUES ('wed', named_struct('town', 'Rome'), 'k')";
    sandbox.rows(&format!("INSERT INTO {table} {insert}")).await;
    sandbox.rows(&format!("UPDATE {table} SET `the key` = 'u' WHERE weekday = 'mon'")).await;
    let all = format!("SELECT weekday, place.town, `the key` FROM {table} ORDER BY weekday");
    let expected =
        [json!(["mon", "Bern", "u"]), json!(["tue", "Oslo", null]), json!(["wed", "Rome", "k"])];
    assert_eq!(sandbox.rows(&all).await, expected);
    // Files and partitions have the names that columns had when they were mapped.
    let now = head(&sandbox).await;
    let actions = now.files.values().map(|file| file.action.as_deref().unwrap());
    let actions: Vec<Value> = actions.map(|it| serde_json::from_str(it).unwrap()).collect();
    assert!(actions.iter().all(|add| add["partitionValues"]["day"].is_string()), "{actions:#?}");
    for (change, class) in [
        ("DROP COLUMN weekday", "DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN"),
        ("DROP COLUMN place.town", "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA"),
        ("RENAME COLUMN place TO Weekday", "FIELD_ALREADY_EXISTS"),
        (
            "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
            "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
        ),
        (
            "SET TBLPROPERTIES ('delta.feature.nope' = 'supported')",
            "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
        ),
    ] {
        let refused = sandbox.failure(&format!("ALTER TABLE {table} {change}")).await;
        assert!(refused.starts_with(&format!("[{class}]")), "{change}: {refused}");
    }
}

#[tokio::test]
async fn a_feature_is_had_by_its_name_and_a_type_that_needs_it_then() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox, "").await;
    let feature = "'delta.feature.timestampNtz' = 'supported'";
    sandbox.rows(&format!("ALTER TABLE {table} SET TBLPROPERTIES ({feature})")).await;
    let now = head(&sandbox).await;
    assert_eq!(now.protocol.reader_features(), ["timestampNtz"]);
    assert_eq!(now.metadata.property("delta.feature.timestampNtz"), None);
    sandbox.rows(&format!("ALTER TABLE {table} ADD COLUMN at TIMESTAMP_NTZ")).await;
    assert_eq!(columns(&sandbox, &table).await, ["id", "day", "place", "at"]);
}

/// What the readers of others see: rows, or why not, by reader.
async fn seen(folder: &Path) -> Option<Vec<Value>> {
    let python = able::python("deltalake, duckdb, duckdb_extension_delta, pyarrow")?;
    let script = format!("{}/tests/python/rows.py", env!("CARGO_MANIFEST_DIR"));
    let output = tokio::process::Command::new(python).arg(script).arg(folder).output().await;
    let lines = String::from_utf8(output.unwrap().stdout).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_whose_columns_changed_is_cloned_verified_and_read_by_others_the_same() {
    let sandbox = Sandbox::new().await;
    let table = made(&sandbox, &format!("TBLPROPERTIES ({BY_NAME})")).await;
    for change in [
        "RENAME COLUMN place TO site",
        "DROP COLUMN id",
        "ADD COLUMN site.zip STRING",
        "ADD COLUMN n INT",
    ] {
        sandbox.rows(&format!("ALTER TABLE {table} {change}")).await;
    }
    let row = "VALUES ('wed', named_struct('city', 'Rome', 'zip', '00100'), 7)";
    sandbox.rows(&format!("INSERT INTO {table} {row}")).await;
    let (source, copy) = (store(&sandbox), TableStore::local(sandbox.path("copy")));
    let version = head(&sandbox).await.version;
    let options = CloneOptions {
        properties: Default::default(),
        expect: Expect::Absent,
        doubted: false,
        author: delta::Author { now_ms: 0, engine_info: "t".into(), user_name: None, job: None },
        source_name: "source".to_owned(),
        progress: Default::default(),
    };
    delta::deep_clone(&source, version, &copy, options).await.unwrap();
    let verified = delta::verify(&source, version, &copy, 0).await.unwrap();
    assert_eq!(format!("{:?}", verified.differences), "[]");
    let expected = json!([
        {"day": "mon", "site": {"city": "Bern", "zip": null}, "n": null},
        {"day": "tue", "site": {"city": "Oslo", "zip": null}, "n": null},
        {"day": "wed", "site": {"city": "Rome", "zip": "00100"}, "n": 7},
    ]);
    for folder in ["west/sync/main/changed", "copy"] {
        let Some(seen) = seen(&sandbox.path(folder)).await else { return };
        let mut readers = 0;
        for mut answer in seen.into_iter().filter(|answer| answer["refused"].is_null()) {
            let rows = answer["rows"].as_array_mut().unwrap();
            rows.sort_by_key(|row| row["day"].as_str().map(str::to_owned));
            assert_eq!(answer["rows"], expected, "{folder} {}", answer["reader"]);
            readers += 1;
        }
        assert!(readers > 0, "nobody reads {folder}");
    }
}
