//! Random logs, read by drsync and by the readers of others, and cloned: all see the same rows, before and after.
//!
//! `tests/python/logs.py` makes them from a seed. `DRSYNC_LOGS` is how many (60 without it), `DRSYNC_LOGS_FIRST` the first seed, so
//! `DRSYNC_LOGS=10000 cargo test --release --test tables logs -- --nocapture` is the long run, and one seed alone is made again by its number.
//! Runs where `DRSYNC_TEST_PYTHON` names a Python with `deltalake` and with DuckDB's Delta extension; says so and skips elsewhere.

use crate::support::able;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use drsync::lakehouse::delta::{
    self, Author, CloneOptions, CopyProgress, Expect, SnapshotDetail, TableStore, Totals,
};
use serde_json::Value;

/// Logs in a run that nobody asked for more of.
const FEW: u64 = 60;
/// Tables that one worker has on the disk at a time.
const AT_ONCE: u64 = 50;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(python: &Path, command: &str, folder: &Path, first: u64, count: u64) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/logs.py");
    let output = Command::new(python)
        .args([script, command])
        .arg(folder)
        .args([first.to_string(), count.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command} from {first}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn options(expect: Expect) -> CloneOptions {
    CloneOptions {
        properties: BTreeMap::new(),
        expect,
        doubted: false,
        author: Author {
            now_ms: 1_795_000_000_000,
            engine_info: "drsync/test".to_owned(),
            user_name: None,
            job: None,
        },
        source_name: "main.test.table".to_owned(),
        progress: CopyProgress::default(),
    }
}

/// What drsync itself finds wrong with its reading of a table, and with the clone of two of its versions.
async fn clone_and_look(folder: &Path, made: &Value) -> Result<(), String> {
    let told = |error: delta::DeltaError| error.to_string();
    let newest = TableStore::local(folder.join("source"));
    // Where a file's name was given again, an older version is read before that.
    let earlier = folder.join("earlier");
    let earlier = if earlier.exists() { TableStore::local(earlier) } else { newest.clone() };
    let replica = TableStore::local(folder.join("replica"));
    let (middle, last) = (made["middle"].as_u64(), made["newest"].as_u64());
    for (source, version, expect) in
        [(&earlier, middle.unwrap(), Expect::Absent), (&newest, last.unwrap(), Expect::Version(0))]
    {
        let whole = one_reading(source, version).await?;
        if Some(version) == last {
            let files = made["files"].as_u64().unwrap();
            let rows = made["rows"].as_u64();
            if whole.files != files || whole.rows.is_some() && whole.rows != rows {
                return Err(format!("{whole:?} instead of {files} files with {rows:?} rows"));
            }
        }
        let cloned =
            delta::deep_clone(source, version, &replica, options(expect)).await.map_err(told)?;
        if one_reading(&replica, cloned.version).await? != whole {
            return Err(format!("the replica of v{version} has other totals"));
        }
        let differences =
            delta::verify(source, version, &replica, cloned.version).await.map_err(told)?;
        if let Some(first) = differences.differences.first() {
            return Err(format!("after the clone of v{version}: {first}"));
        }
    }
    Ok(())
}

/// Reads a version as a summary and as a whole; both must tell the same of every file.
async fn one_reading(store: &TableStore, version: u64) -> Result<Totals, String> {
    let read = async |detail| {
        delta::snapshot(store, Some(version), detail).await.map_err(|error| error.to_string())
    };
    let (summary, whole, header) = (
        read(SnapshotDetail::Summary).await?,
        read(SnapshotDetail::Full).await?,
        read(SnapshotDetail::Header).await?,
    );
    for (key, file) in &whole.files {
        let Some(there) = summary.files.get(key) else {
            return Err(format!("the summary of v{version} lacks {key:?}"));
        };
        let mut bare = file.clone();
        bare.action = None;
        if *there != bare {
            return Err(format!("the summary of v{version} has {there:?}, the whole {bare:?}"));
        }
    }
    if summary.files.len() != whole.files.len() {
        return Err(format!("the summary of v{version} has files that the whole lacks"));
    }
    for other in [&summary, &header] {
        let same = other.metadata == whole.metadata
            && other.protocol == whole.protocol
            && other.txns == whole.txns
            && other.domains == whole.domains
            && other.timestamp_ms() == whole.timestamp_ms();
        if !same {
            return Err(format!("v{version} has two headers"));
        }
    }
    Ok(whole.totals())
}

/// What is wrong with what one reader sees of a source and its replica.
fn judge(read: &Value, drsync: &Result<(), String>) -> Option<String> {
    let answers = read["answers"].as_array().unwrap();
    let reader = &read["reader"];
    if let Err(why) = drsync {
        // What no reader reads may be refused.
        return answers[0].is_array().then(|| format!("{reader} reads it, drsync: {why}"));
    }
    answers.chunks(2).find_map(|pair| match pair {
        [source, replica] if source.is_array() && source != replica => {
            Some(format!("{reader} reads {source} in the source and {replica} in the replica"))
        }
        _ => None,
    })
}

/// What became of one batch: what is wrong, and how many tables each reader of others could read.
#[derive(Default)]
struct Judged {
    wrong: Vec<String>,
    read_by: BTreeMap<String, u64>,
}

/// Makes the tables of some seeds, clones them, and asks every reader what it sees.
async fn judge_batch(python: &Path, first: u64, count: u64) -> Judged {
    let folder = tempfile::tempdir().unwrap();
    run(python, "make", folder.path(), first, count);
    let mut drsync = BTreeMap::new();
    for seed in first..first + count {
        let at: PathBuf = folder.path().join(seed.to_string());
        let made: Value =
            serde_json::from_slice(&std::fs::read(at.join("about.json")).unwrap()).unwrap();
        let looked = clone_and_look(&at, &made).await;
        if looked.is_err() {
            // Then the readers are asked about the source alone.
            let _ = std::fs::remove_dir_all(at.join("replica"));
        }
        drsync.insert(seed, (made, looked));
    }
    let mut judged = Judged::default();
    for line in run(python, "read", folder.path(), first, count).lines() {
        let read: Value = serde_json::from_str(line).unwrap();
        let seed = read["seed"].as_u64().unwrap();
        let (made, looked) = &drsync[&seed];
        if read["answers"][0].is_array() {
            *judged.read_by.entry(read["reader"].to_string()).or_default() += 1;
        }
        if let Some(why) = judge(&read, looked) {
            eprintln!("seed {seed}: {why}\n  {made}");
            judged.wrong.push(format!("seed {seed}: {why}"));
        }
    }
    judged
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_is_read_and_cloned_as_other_readers_read_it() {
    let Some(python) = able::python("deltalake, duckdb, duckdb_extension_delta, pyarrow") else {
        return;
    };
    let count = number("DRSYNC_LOGS").unwrap_or(FEW);
    let begin = number("DRSYNC_LOGS_FIRST").unwrap_or(0);
    let (wrong, read_by) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<String, u64>::new()));
    let next = AtomicU64::new(begin);
    let runtime = tokio::runtime::Handle::current();
    let workers = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                    if first >= begin + count {
                        return;
                    }
                    let here = AT_ONCE.min(begin + count - first);
                    let judged = runtime.block_on(judge_batch(&python, first, here));
                    wrong.lock().unwrap().extend(judged.wrong);
                    let mut read_by = read_by.lock().unwrap();
                    for (reader, many) in judged.read_by {
                        *read_by.entry(reader).or_default() += many;
                    }
                }
            });
        }
    });
    let (wrong, read_by) = (wrong.into_inner().unwrap(), read_by.into_inner().unwrap());
    eprintln!("{count} logs; read by {read_by:?}; {} wrong", wrong.len());
    assert!(read_by.values().all(|read| read * 10 > count * 7), "{read_by:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
