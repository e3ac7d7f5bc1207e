//! Tables of our own, restores, and stores that are no folder.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use object_store::memory::InMemory;

use super::*;

fn rows(values: &[i64]) -> RecordBatch {
    let text: Vec<Option<String>> =
        values.iter().map(|value| (*value != 0).then(|| format!("row {value}"))).collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
        values.iter().map(|value| Some(vec![Some(*value as i32)])),
    );
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(values.to_vec())),
        Arc::new(StringArray::from(text)),
        Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC")),
        Arc::new(lists),
    ];
    RecordBatch::try_new(Arc::new(ledger_schema()), columns).unwrap()
}

fn ledger_schema() -> Schema {
    Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new_list("list", Field::new_list_field(DataType::Int32, true), true),
    ])
}

fn new_table() -> NewTable {
    NewTable {
        schema: ledger_schema(),
        partition_columns: Vec::new(),
        properties: [("drsync.workspace".to_owned(), "w".to_owned())].into(),
    }
}

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    let mut all: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
        })
        .collect();
    all.sort_unstable();
    all
}

/// Everything that a small table can do, in whatever kind of store.
async fn a_small_table_works(store: &TableStore) {
    create_table(store, new_table(), author()).await.unwrap();
    let again = create_table(store, new_table(), author()).await.unwrap_err();
    assert!(matches!(again, DeltaError::Conflict { newest: Some(0) }));
    assert_eq!(read_rows(store, None).await.unwrap(), []);
    assert_eq!(append(store, rows(&[1, 0]), Expect::Version(0), author()).await.unwrap(), 1);
    let late = append(store, rows(&[9]), Expect::Version(0), author()).await.unwrap_err();
    assert!(matches!(late, DeltaError::Conflict { newest: Some(1) }), "{late}");
    assert_eq!(append(store, rows(&[2]), Expect::Anything, author()).await.unwrap(), 2);
    assert_eq!(numbers(&read_rows(store, None).await.unwrap()), [0, 1, 2]);
    assert_eq!(numbers(&read_rows(store, Some(1)).await.unwrap()), [0, 1]);
    assert_eq!(overwrite(store, rows(&[7, 8]), Expect::Version(2), author()).await.unwrap(), 3);
    assert_eq!(read_rows(store, None).await.unwrap(), [rows(&[7, 8])]);
    let restored = restore(store, 2, Expect::Version(3), author()).await.unwrap();
    assert_eq!(restored, Restored { version: 4, restored_files: 2, removed_files: 1 });
    assert_eq!(numbers(&read_rows(store, None).await.unwrap()), [0, 1, 2]);
    for version in 5..=11 {
        append(store, rows(&[version]), Expect::Anything, author()).await.unwrap();
    }
    let log = versions(store).await.unwrap();
    assert_eq!((log.newest, log.checkpoints.len()), (11, 1));
    assert_eq!(numbers(&read_rows(store, None).await.unwrap()), [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]);
    let operations: Vec<_> = history(store, Some(2))
        .await
        .unwrap()
        .into_iter()
        .map(|commit| commit.operation.unwrap())
        .take(3)
        .collect();
    assert_eq!(operations, ["WRITE", "WRITE", "RESTORE"]);
}

#[tokio::test]
async fn a_small_table_works_in_a_folder() {
    let world = World::new();
    a_small_table_works(&TableStore::within(world.folder.path(), "_drsync/sync_metadata")).await;
}

#[tokio::test]
async fn a_small_table_works_in_an_object_store() {
    let store = Arc::new(InMemory::new());
    a_small_table_works(&TableStore::remote(store, object_store::path::Path::from("a/b"))).await;
}

#[tokio::test]
async fn a_table_is_cloned_into_an_object_store_and_back() {
    let (world, source) = World::with_table();
    source.commit(
        1,
        &[info("WRITE"), source.add("p=a b/c%d", 3)].map(|mut action| {
            if let Some(add) = action.get_mut("add") {
                add["path"] = json!(path::encode(add["path"].as_str().unwrap()));
            }
            action
        }),
    );
    let remote =
        TableStore::remote(Arc::new(InMemory::new()), object_store::path::Path::from("lake/t"));
    let there = deep_clone_at(&source.store, 1, &remote).await;
    assert_eq!((there.copied_files, there.copied_bytes), (3, 33));
    let back = world.replica();
    let done = deep_clone_at(&remote, 0, &back.store).await;
    assert_eq!(done.copied_files, 3);
    assert_eq!(fs::read(back.folder.join("p=a b/c%d")).unwrap(), b"xxx");
    back.agrees_with(&source);
}

async fn deep_clone_at(source: &TableStore, version: u64, target: &TableStore) -> CloneMetrics {
    let done =
        super::super::deep_clone(source, version, target, options(Expect::Absent)).await.unwrap();
    let (stores, versions) = ((source.clone(), target.clone()), (version, done.version));
    let differences = super::super::off_thread(move || {
        let read = |store, version| replay::snapshot(store, Some(version), SnapshotDetail::Full);
        let (theirs, ours) = (read(&stores.0, versions.0)?, read(&stores.1, versions.1)?);
        verify::facts((&stores.0, &theirs), (&stores.1, &ours))
    });
    assert_eq!(differences.await.unwrap().differences, []);
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_who_race_lose_no_row() {
    let world = World::new();
    let store = TableStore::within(world.folder.path(), "ledger");
    create_table(&store, new_table(), author()).await.unwrap();
    let racers: Vec<_> = (1..=12)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                append(&store, rows(&[number]), Expect::Anything, author()).await.unwrap()
            })
        })
        .collect();
    let mut won = Vec::new();
    for racer in racers {
        won.push(racer.await.unwrap());
    }
    won.sort_unstable();
    assert_eq!(won, (1..=12).collect::<Vec<_>>());
    assert_eq!(numbers(&read_rows(&store, None).await.unwrap()), (1..=12).collect::<Vec<_>>());
    assert!(
        names(&world.folder.path().join("ledger/_delta_log"))
            .iter()
            .all(|name| !name.starts_with('.'))
    );
}

#[tokio::test]
async fn rows_with_other_columns_are_refused() {
    let (_world, table) = World::with_table();
    let error = append(&table.store, rows(&[1]), Expect::Anything, author()).await.unwrap_err();
    assert!(matches!(error, DeltaError::Unsupported { .. }), "{error}");
}

#[test]
fn a_version_whose_files_are_gone_is_not_restored() {
    let (_world, table) = World::with_table();
    table.commit(1, &[info("DELETE"), remove("a")]);
    fs::remove_file(table.folder.join("a")).unwrap();
    let error = restore::restore(&table.store, 0, Expect::Anything, &author()).unwrap_err();
    assert!(matches!(&error, DeltaError::DataMissing { path } if path == "a"), "{error}");
    assert_eq!(table.snapshot().version, 1);
}

#[test]
fn a_version_of_which_a_file_or_vector_is_not_whole_is_not_restored() {
    let (_world, table) = World::with_table();
    table.commit(1, &[info("DELETE"), remove("a")]);
    fs::write(table.folder.join("a"), "short").unwrap();
    let refused = |to| {
        let error = restore::restore(&table.store, to, Expect::Anything, &author()).unwrap_err();
        error.to_string()
    };
    assert!(refused(0).starts_with("a is corrupt"), "{}", refused(0));

    fs::write(table.folder.join("a"), "x".repeat(10)).unwrap();
    let (content, mut masked) = vector(&[0, 3]);
    masked["storageType"] = "u".into();
    masked["pathOrInlineDv"] = path::vector_reference(uuid::Uuid::nil()).into();
    let mut with_vector = add("b", 20);
    with_vector["add"]["deletionVector"] = masked;
    let file = format!("deletion_vector_{}.bin", uuid::Uuid::nil());
    table.commit(
        2,
        &[
            info("DELETE"),
            features(&["deletionVectors"], &["deletionVectors"]),
            remove("b"),
            with_vector,
        ],
    );
    table.commit(3, &[info("DELETE"), remove("a")]);
    fs::write(table.folder.join(&file), &content[..content.len() - 2]).unwrap();
    assert!(refused(2).contains(&file), "{}", refused(2));
    assert_eq!(table.snapshot().version, 3);
    fs::write(table.folder.join(&file), content).unwrap();
    restore::restore(&table.store, 2, Expect::Version(3), &author()).unwrap();
}

#[test]
fn a_restored_table_is_what_it_was() {
    let (_world, table) = World::with_table();
    table
        .commit(1, &[info("DELETE"), remove("a"), metadata(json!({"drsync.source_version": "9"}))]);
    restore::restore(&table.store, 0, Expect::Version(1), &author()).unwrap();
    assert_eq!(table.live(), ["a", "b"]);
    assert_eq!(table.snapshot().metadata.properties(), Default::default());
    assert_eq!(table.actions(2, "commitInfo")[0]["operationParameters"]["version"], 0);
}
