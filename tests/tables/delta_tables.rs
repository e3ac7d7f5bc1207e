//! Clones every table of a collection written by other tools, refuses those that cannot be read, and kills clones.
//!
//! The collection lies beside the project and is read where it lies; without it its tests skip, loudly.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drsync::lakehouse::delta::{
    self, Author, CloneMetrics, CloneOptions, CopyProgress, DeltaError, Expect, External,
    SnapshotDetail, TableStore,
};

const COLLECTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/delta-tables");

/// The collection's folder, or a line that says why there is nothing to test.
fn collection() -> Option<&'static Path> {
    let path = Path::new(COLLECTION);
    if path.join("INDEX.tsv").is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED, NOTHING TESTED: there is no collection of Delta tables at {COLLECTION}");
    None
}

/// The rows of a tab-separated file, by column.
fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').map(str::to_owned);
            heads.iter().map(|head| (*head).to_owned()).zip(cells).collect()
        })
        .collect()
}

fn options(expect: Expect) -> CloneOptions {
    CloneOptions {
        properties: BTreeMap::from([("drsync.source_version".to_owned(), "1".to_owned())]),
        expect,
        doubted: false,
        author: Author {
            now_ms: 1_795_000_000_000,
            engine_info: "drsync/test".to_owned(),
            user_name: Some("tester".to_owned()),
            job: None,
        },
        source_name: "main.test.table".to_owned(),
        progress: CopyProgress::default(),
    }
}

async fn clone_and_compare(
    source: &TableStore,
    version: u64,
    target: &TableStore,
    expect: Expect,
) -> Result<CloneMetrics, String> {
    let cloned = delta::deep_clone(source, version, target, options(expect))
        .await
        .map_err(|error| error.to_string())?;
    let differences = delta::verify(source, version, target, cloned.version)
        .await
        .map_err(|error| error.to_string())?
        .differences;
    match differences.first() {
        None => Ok(cloned),
        Some(first) => Err(format!("{} differences, the first: {first}", differences.len())),
    }
}

/// Where clones are made: kept for other readers to look at where the variable says so.
fn workshop() -> (PathBuf, Option<tempfile::TempDir>) {
    match std::env::var_os("DRSYNC_KEEP_CLONES") {
        Some(kept) => (kept.into(), None),
        None => {
            let folder = tempfile::tempdir().unwrap();
            (folder.path().to_path_buf(), Some(folder))
        }
    }
}

/// A table of the collection. Some are shallow clones of others.
fn collected(folder: &Path) -> TableStore {
    TableStore::local(folder).with_external(External::listed(|| vec!["/".into()]))
}

fn target(base: &Path, table: &str, kind: &str) -> TableStore {
    TableStore::within(base, &format!("{kind}/{table}"))
}

#[tokio::test]
async fn every_table_that_can_be_read_is_cloned_file_by_file() {
    let Some(collection) = collection() else {
        return;
    };
    let (base, _guard) = workshop();
    let mut failures = Vec::new();
    let mut done = 0;
    for row in rows(&collection.join("INDEX.tsv")) {
        let Ok(expected) = row["rows"].parse::<u64>() else {
            continue;
        };
        let table = &row["table"];
        let source = collected(&collection.join(table));
        let newest = match delta::versions(&source).await {
            Ok(log) => log.newest,
            Err(error) => {
                failures.push(format!("{table}: {error}"));
                continue;
            }
        };
        if newest.to_string() != row["last_version"] {
            failures.push(format!("{table}: newest is {newest}, not {}", row["last_version"]));
        }
        match clone_and_compare(&source, newest, &target(&base, table, "newest"), Expect::Absent)
            .await
        {
            Ok(cloned) if cloned.rows.is_some_and(|rows| rows != expected) => {
                failures.push(format!("{table}: {:?} rows, not {expected}", cloned.rows));
            }
            Ok(_) => done += 1,
            Err(error) => failures.push(format!("{table}: {error}")),
        }
    }
    assert!(
        failures.is_empty(),
        "{done} done, {} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(done > 100, "only {done} tables were cloned");
}

fn unreadable(row: &BTreeMap<String, String>) -> bool {
    row["confirmed_by"] == "unreadable"
}

/// Tables whose data is not there, or whose log makes no sense: what a clone must say of each.
#[tokio::test]
async fn a_table_that_cannot_be_read_is_refused_by_name() {
    let Some(collection) = collection() else {
        return;
    };
    let (base, _guard) = workshop();
    let mut said = Vec::new();
    for row in rows(&collection.join("INDEX.tsv")).into_iter().filter(unreadable) {
        let table = &row["table"];
        let source = collected(&collection.join(table));
        let newest = delta::versions(&source).await.unwrap().newest;
        let target = target(&base, table, "refused");
        let outcome =
            match delta::deep_clone(&source, newest, &target, options(Expect::Absent)).await {
                // Nothing is live, or every live file is there: then it is a copy, and a faithful one.
                Ok(cloned) => {
                    assert_eq!(
                        delta::verify(&source, newest, &target, cloned.version)
                            .await
                            .unwrap()
                            .differences,
                        [],
                        "{table}"
                    );
                    format!("cloned, {} files", cloned.source_files)
                }
                Err(error) => {
                    let nothing = delta::versions(&target).await;
                    assert!(
                        matches!(nothing, Err(DeltaError::NotATable { .. })),
                        "{table}: something was committed"
                    );
                    match error {
                        DeltaError::DataMissing { .. } => "data missing".to_owned(),
                        DeltaError::UnsupportedFeature { feature, .. } => {
                            format!("unsupported {feature}")
                        }
                        DeltaError::Corrupt { file, why, .. } => format!("{file}: {why}"),
                        other => panic!("{table}: {other:?}"),
                    }
                }
            };
        said.push(format!("{table}: {outcome}"));
    }
    said.sort();
    assert_eq!(said.join("\n"), REFUSED.trim());
}

const REFUSED: &str = "
delta-rs/checkpoint_with_partitions: data missing
delta-rs/checkpoints: data missing
delta-rs/checkpoints_vacuumed: data missing
delta-rs/latest_not_checkpointed: data missing
delta-rs/simple_table_features: unsupported minReaderVersion 5
delta-rs/spark-variant-stable-feature-checkpoint: data missing
delta-rs/table-with-domain-metadata: data missing
delta-rs/with_checkpoint_no_last_checkpoint: data missing
kernel-golden/checkpoint/delta: data missing
kernel-golden/data-reader-absolute-paths-escaped-chars/delta: _delta_log: version 1 has no metaData action
kernel-golden/delete-re-add-same-file-different-transactions/delta: data missing
kernel-golden/deltalog-commit-info/delta: data missing
kernel-golden/deltalog-invalid-protocol-version/delta: unsupported minReaderVersion 99
kernel-golden/deltalog-state-reconstruction-from-checkpoint-missing-metadata/delta: 00000000000000000010.checkpoint.parquet: it holds no metaData action
kernel-golden/deltalog-state-reconstruction-from-checkpoint-missing-protocol/delta: 00000000000000000010.checkpoint.parquet: it holds no protocol action
kernel-golden/deltalog-state-reconstruction-without-metadata/delta: _delta_log: version 0 has no metaData action
kernel-golden/deltalog-state-reconstruction-without-protocol/delta: _delta_log: version 0 has no protocol action
kernel-golden/log-replay-special-characters-b/delta: data missing
kernel-golden/update-deleted-directory/delta: data missing
kernel-golden/versions-not-contiguous/delta: 00000000000000000001.json: the log goes on to version 2 without it
";

#[tokio::test]
async fn an_older_version_is_cloned_and_brought_to_the_newest() {
    let Some(collection) = collection() else {
        return;
    };
    let (base, _guard) = workshop();
    let mut by_table: BTreeMap<String, Vec<(u64, Option<u64>)>> = BTreeMap::new();
    let index = rows(&collection.join("INDEX.tsv"));
    let skipped: Vec<&str> =
        index.iter().filter(|row| unreadable(row)).map(|row| row["table"].as_str()).collect();
    for row in rows(&collection.join("VERSIONS.tsv")) {
        if skipped.contains(&row["table"].as_str()) {
            continue;
        }
        let rows = row["rows"].parse().ok();
        by_table
            .entry(row["table"].clone())
            .or_default()
            .push((row["version"].parse().unwrap(), rows));
    }
    let mut failures = Vec::new();
    let mut done = 0;
    for (table, mut versions) in by_table {
        let source = collected(&collection.join(&table));
        let newest = delta::versions(&source).await.unwrap().newest;
        versions.sort();
        if versions.last().is_none_or(|(last, _)| *last < newest) {
            versions.push((newest, None));
        }
        let target = target(&base, &table, "stepwise");
        let mut expect = Expect::Absent;
        for (version, expected) in versions {
            let Some(expected) = expected.or((version == newest).then_some(u64::MAX)) else {
                continue;
            };
            match clone_and_compare(&source, version, &target, expect).await {
                Ok(cloned) => {
                    expect = Expect::Version(cloned.version);
                    if expected != u64::MAX && cloned.rows.is_some_and(|rows| rows != expected) {
                        failures.push(format!(
                            "{table}@{version}: {:?} rows, not {expected}",
                            cloned.rows
                        ));
                    }
                    done += 1;
                }
                Err(error) => failures.push(format!("{table}@{version}: {error}")),
            }
        }
        // Nothing of the way there is left lying about.
        if let Some(folder) = target.folder() {
            assert!(!folder.join("_drsync_tmp").exists(), "{table}");
        }
        if let Expect::Version(version) = expect {
            let held = delta::snapshot(&target, Some(version), SnapshotDetail::Summary)
                .await
                .unwrap()
                .totals();
            let there = delta::snapshot(&source, Some(newest), SnapshotDetail::Summary)
                .await
                .unwrap()
                .totals();
            if held != there {
                failures.push(format!("{table}: {held:?}, not {there:?}"));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{done} done, {} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(done > 200, "only {done} versions were cloned");
}

/// A data file of some hundred kilobytes.
fn parquet_of(number: usize) -> Vec<u8> {
    let first = number as i64 * 1_000_003;
    let ids = arrow_array::Int64Array::from_iter_values((0..12_000).map(|id| first ^ (id * 7_919)));
    let rows =
        arrow_array::RecordBatch::try_from_iter([("id", Arc::new(ids) as arrow_array::ArrayRef)])
            .unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.into_inner().unwrap()
}

/// A table whose first version has half of its files.
async fn make_source(source: &TableStore) {
    let folder = source.folder().unwrap();
    fs::create_dir_all(folder).unwrap();
    let add = |number: usize| {
        let content = parquet_of(number);
        fs::write(folder.join(format!("part-{number}")), &content).unwrap();
        format!(
            r#"{{"add":{{"path":"part-{number}","partitionValues":{{}},"size":{},"modificationTime":1,"dataChange":true}}}}"#,
            content.len()
        )
    };
    let schema = r#"{\"type\":\"struct\",\"fields\":[]}"#;
    let mut first = vec![
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_owned(),
        format!(
            r#"{{"metaData":{{"id":"t","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}}}}}}"#
        ),
    ];
    first.extend((0..300).map(add));
    delta::commit(source, 0, first).await.unwrap();
    delta::commit(source, 1, (300..600).map(add).collect()).await.unwrap();
}

const KILLED: &str = "DRSYNC_TEST_KILLED_CLONE";

#[tokio::test]
#[ignore = "the other test runs this one in a process of its own, and kills it"]
async fn the_clone_that_is_killed() {
    let folder = PathBuf::from(std::env::var_os(KILLED).unwrap());
    let source = TableStore::local(folder.join("source"));
    let target = TableStore::local(folder.join("target"));
    for version in [0, 1] {
        delta::deep_clone(&source, version, &target, options(Expect::Anything)).await.unwrap();
    }
}

#[tokio::test]
async fn a_clone_killed_at_any_moment_leaves_the_old_or_the_new_version() {
    let folder = tempfile::tempdir().unwrap();
    let source = TableStore::local(folder.path().join("source"));
    let target = TableStore::local(folder.path().join("target"));
    make_source(&source).await;
    let child = || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "delta_tables::the_clone_that_is_killed"])
            .env(KILLED, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let start = std::time::Instant::now();
    assert!(child().wait().unwrap().success());
    let whole = start.elapsed();
    assert_eq!(
        delta::versions(&target).await.unwrap().newest,
        1,
        "a clone that nobody kills is made"
    );
    fs::remove_dir_all(target.folder().unwrap()).unwrap();
    let mut ended_at = BTreeMap::new();
    for part in 1..=20 {
        let mut child = child();
        // A moment is what is tested here, so time has to pass.
        std::thread::sleep(whole * part * part / 400);
        child.kill().unwrap();
        child.wait().unwrap();
        let version = match delta::versions(&target).await {
            Ok(log) => {
                assert_eq!(
                    delta::verify(&source, log.newest, &target, log.newest)
                        .await
                        .unwrap()
                        .differences,
                    []
                );
                Some(log.newest)
            }
            Err(DeltaError::NotATable { .. }) => None,
            Err(error) => panic!("{error}"),
        };
        *ended_at.entry(version).or_insert(0) += 1;
        if version.is_some() {
            // What a dead clone left is cleared by the next one that copies.
            fs::remove_dir_all(target.folder().unwrap().join("_delta_log")).unwrap();
            fs::remove_file(target.folder().unwrap().join("part-7")).unwrap();
        }
        if version == Some(1) {
            fs::remove_dir_all(target.folder().unwrap()).unwrap();
        }
    }
    eprintln!("clones were killed with the target at: {ended_at:?}");
    let _ = fs::remove_file(target.folder().unwrap().join("part-7"));
    let cloned = delta::deep_clone(&source, 1, &target, options(Expect::Anything)).await.unwrap();
    assert_eq!(delta::verify(&source, 1, &target, cloned.version).await.unwrap().differences, []);
    let left: Vec<_> = fs::read_dir(target.folder().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("part-") && name != "_delta_log")
        .collect();
    assert_eq!(left, [""; 0]);
}
