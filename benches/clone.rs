//! The embedded clone against `cp -r`, `rsync -a` and `rclone sync`, interleaved, as ratios to `cp`.
//!
//! `cargo bench --bench clone [-- ROUNDS]`; tools that are not installed are left out, and `cp -r` and drsync alone are measured
//! where `DRSYNC_BENCH_ALONE` is set. Before each measurement the disk is
//! synchronized and the source is read, because `rclone` drops what it has read from the page cache. The clone's time includes making its files durable, which `cp` does not do; the column `+ sync` gives `cp` the
//! same duty. Targets of small files stay until the end of their set: ext4 searches past names of files deleted in the last
//! minutes, so every tool would be measured at that instead of at copying.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use drsync::lakehouse::delta::{self, Author, CloneOptions, CopyProgress, Expect, TableStore};
use drsync::region::Mark;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::json;

/// A set of files to copy.
struct Set {
    name: &'static str,
    files: usize,
    bytes: usize,
    /// Whether all targets of a set fit on a disk together.
    keep_targets: bool,
}

const SETS: [Set; 2] = [
    Set { name: "2,000 files of 64 KiB", files: 2_000, bytes: 64 << 10, keep_targets: true },
    Set { name: "8 files of 256 MiB", files: 8, bytes: 256 << 20, keep_targets: false },
];

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir_in(
        std::env::var_os("DRSYNC_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from),
    )
    .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for set in SETS {
        let source = folder.path().join("source");
        make(&source, &set);
        let mut tools: Vec<(&str, Vec<f64>)> = vec![("cp -r", vec![]), ("cp -r + sync", vec![])];
        let others: &[&str] = match std::env::var_os("DRSYNC_BENCH_ALONE") {
            Some(_) => &[],
            None => &["rsync", "rclone"],
        };
        for &tool in others {
            if Command::new(tool)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
            {
                tools.push((if tool == "rsync" { "rsync -a" } else { "rclone sync" }, vec![]));
            }
        }
        tools.push(("drsync clone", vec![]));
        let (mut again, mut verified) = (Vec::new(), Vec::new());
        let targets = folder.path().join("targets");
        for round in 0..=rounds {
            for turn in 0..tools.len() {
                // Every round begins with another, so that none always follows the same.
                let number = (turn + round) % tools.len();
                let (tool, seconds) = &mut tools[number];
                if !set.keep_targets {
                    let _ = fs::remove_dir_all(&targets);
                }
                fs::create_dir_all(&targets).unwrap();
                let target = targets.join(format!("{round}-{number}"));
                settle();
                warm(&source);
                let begun = Instant::now();
                match *tool {
                    "cp -r" => run("cp", &["-r"], &source, &target),
                    "cp -r + sync" => {
                        run("cp", &["-r"], &source, &target);
                        settle();
                    }
                    "rsync -a" => run("rsync", &["-a"], &source, &target),
                    "rclone sync" => run("rclone", &["sync"], &source, &target),
                    _ => runtime.block_on(clone(&source, &target)),
                }
                let elapsed = begun.elapsed().as_secs_f64();
                // The first round is for getting going.
                if round > 0 {
                    seconds.push(elapsed);
                }
                if *tool == "drsync clone" {
                    let begun = Instant::now();
                    runtime.block_on(verify(&source, &target));
                    if round > 0 {
                        verified.push(begun.elapsed().as_secs_f64() / elapsed);
                    }
                    let begun = Instant::now();
                    runtime.block_on(clone(&source, &target));
                    again.push(begun.elapsed().as_secs_f64());
                }
            }
        }
        report(&set, &tools, &mut verified, &mut again);
        fs::remove_dir_all(&targets).unwrap();
        fs::remove_dir_all(&source).unwrap();
    }
}

/// Bytes of a row: a number, a short name, and what does not compress.
const ROW: usize = 8 + 12 + FILLING as usize;
const FILLING: i32 = 108;
/// Rows written at once.
const BATCH: usize = 1 << 16;

/// A Delta table of real Parquet files with statistics that are true, for verification reads them.
fn make(folder: &Path, set: &Set) {
    fs::create_dir_all(folder.join("_delta_log")).unwrap();
    let field = |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    let fields = [field("id", "long"), field("name", "string"), field("filling", "binary")];
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    let mut log = vec![
        json!({"commitInfo": {"timestamp": 1, "operation": "WRITE", "operationParameters": {}}}),
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": "bench", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": [], "configuration": {}}}),
    ];
    let rows = set.bytes / ROW;
    for number in 0..set.files {
        let name = format!("part-{number:05}.parquet");
        let from = number * rows;
        let size = write_file(&folder.join(&name), from, rows);
        let bounds = |id: usize| json!({"id": id, "name": named(id)});
        let stats = json!({"numRecords": rows, "minValues": bounds(from), "maxValues": bounds(from + rows - 1),
            "nullCount": {"id": 0, "name": 0, "filling": 0}});
        log.push(
            json!({"add": {"path": name, "partitionValues": {}, "size": size, "modificationTime": 1_700_000_000_000_i64,
            "dataChange": true, "stats": stats.to_string()}}),
        );
    }
    let lines: Vec<String> = log.iter().map(ToString::to_string).collect();
    fs::write(folder.join("_delta_log/00000000000000000000.json"), lines.join("\n")).unwrap();
}

/// Names in the order of their numbers.
fn named(id: usize) -> String {
    format!("name{id:08}")
}

/// Writes rows with the numbers from `from` on, and returns the file's bytes.
fn write_file(path: &Path, from: usize, rows: usize) -> u64 {
    let plain = WriterProperties::builder().set_dictionary_enabled(false).build();
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("filling", DataType::Binary, true),
    ]));
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(plain)).unwrap();
    let mut noise = from as u64 + 1;
    for first in (from..from + rows).step_by(BATCH) {
        let ids = first..(first + BATCH).min(from + rows);
        let mut filling = BinaryBuilder::with_capacity(ids.len(), ids.len() * FILLING as usize);
        for _ in ids.clone() {
            let mut row = [0; FILLING as usize];
            for word in row.chunks_mut(8) {
                // xorshift: cheap, and no codec finds anything in it.
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                word.copy_from_slice(&noise.to_le_bytes()[..word.len()]);
            }
            filling.append_value(row);
        }
        let batch = RecordBatch::try_new(
            schema.clone(),
            vec![
                Arc::new(Int64Array::from_iter_values(ids.clone().map(|id| id as i64))),
                Arc::new(StringArray::from_iter_values(ids.map(named))),
                Arc::new(filling.finish()),
            ],
        );
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.close().unwrap();
    fs::metadata(path).unwrap().len()
}

/// Looks at a clone as an apply does before it commits a cut.
async fn verify(source: &Path, target: &Path) {
    let (source, target) = (TableStore::local(source), TableStore::local(target));
    let found = delta::verify(&source, 0, &target, 0).await.unwrap();
    assert_eq!(found.differences, []);
}

async fn clone(source: &Path, target: &Path) {
    let (source, target) = (TableStore::local(source), TableStore::local(target));
    // As every replica has it: what the target holds of the source is known by it.
    let mark = Mark {
        source_table_id: "bench".to_owned(),
        source_version: 0,
        replica: "bench".to_owned(),
    };
    let options = CloneOptions {
        properties: mark.properties(),
        expect: Expect::Anything,
        doubted: false,
        author: Author { now_ms: 1, engine_info: "bench".to_owned(), user_name: None, job: None },
        source_name: "bench".to_owned(),
        progress: CopyProgress::default(),
    };
    delta::deep_clone(&source, 0, &target, options).await.unwrap();
}

fn run(tool: &str, flags: &[&str], source: &Path, target: &Path) {
    let mut from = source.as_os_str().to_owned();
    if tool == "rsync" {
        from.push("/");
    }
    let done = Command::new(tool).args(flags).arg(from).arg(target).status().unwrap();
    assert!(done.success(), "{tool} failed");
}

fn settle() {
    Command::new("sync").status().unwrap();
}

/// Reads a folder's files into the page cache, so that no tool pays for what the one before it dropped from there.
fn warm(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let mut file = fs::File::open(path).unwrap();
            std::io::copy(&mut file, &mut std::io::sink()).unwrap();
        }
    }
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn report(set: &Set, tools: &[(&str, Vec<f64>)], verified: &mut [f64], again: &mut [f64]) {
    println!("{}", set.name);
    let cp = &tools[0].1;
    for (tool, seconds) in tools {
        let mut ratios: Vec<f64> = seconds.iter().zip(cp).map(|(one, cp)| one / cp).collect();
        println!(
            "  {tool:<14} median {:>7.3} s   {:>5.2} x cp (pair by pair)",
            median(&mut seconds.clone()),
            median(&mut ratios)
        );
    }
    println!("  verification: median {:.3} x the clone that it follows", median(verified));
    println!("  a second clone with nothing to copy: median {:.1} ms", median(again) * 1_000.0);
}
