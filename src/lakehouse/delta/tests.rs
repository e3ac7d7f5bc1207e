//! Tables made by hand, one change at a time.

mod cloning;
mod given_again;
mod inspecting;
mod leftovers;
mod numbered;
mod reading;
mod vectors;
mod verifying;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::clone::deep_clone;
use super::*;

const SCHEMA: &str =
    r#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}"#;

/// A folder for a source and its replica.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A table with a protocol, metadata and two files, at version 0.
    fn with_table() -> (Self, Table) {
        let world = Self::new();
        let table = world.table("source");
        table.commit(
            0,
            &[
                info("WRITE"),
                protocol(json!({})),
                metadata(json!({})),
                table.add("a", 10),
                table.add("b", 20),
            ],
        );
        (world, table)
    }

    fn table(&self, name: &str) -> Table {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(folder.join("_delta_log")).unwrap();
        Table { store: TableStore::local(&folder), folder }
    }

    fn replica(&self) -> Table {
        let folder = self.folder.path().join("replica");
        Table { store: TableStore::local(&folder), folder }
    }
}

/// A table in a local folder.
struct Table {
    folder: PathBuf,
    store: TableStore,
}

impl Table {
    fn commit(&self, version: u64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        fs::write(self.folder.join(log::commit_path(version)), lines.join("\n")).unwrap();
    }

    /// A data file of so many bytes, and records.
    fn add(&self, path: &str, size: usize) -> Value {
        let place = self.folder.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, vec![b'x'; size]).unwrap();
        add(path, size)
    }

    fn snapshot(&self) -> Snapshot {
        replay::snapshot(&self.store, None, SnapshotDetail::Full).unwrap()
    }

    fn live(&self) -> Vec<String> {
        self.snapshot().sorted_files().iter().map(|(key, _)| key.path.to_string()).collect()
    }

    /// The actions of one kind in a commit.
    fn actions(&self, version: u64, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join(log::commit_path(version))).unwrap();
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).unwrap().get(kind).cloned())
            .collect()
    }

    /// What logs and disk tell: the files of these tables are no Parquet.
    fn differences_from(&self, source: &Table) -> Vec<String> {
        let (ours, theirs) = (self.snapshot(), source.snapshot());
        let found = verify::facts((&source.store, &theirs), (&self.store, &ours)).unwrap();
        found.differences.iter().map(CloneDifference::to_string).collect()
    }

    fn agrees_with(&self, source: &Table) {
        assert_eq!(self.differences_from(source), [""; 0]);
    }
}

fn add(path: &str, size: usize) -> Value {
    json!({ "add": {
        "path": path, "partitionValues": {"p": null}, "size": size, "modificationTime": 1, "dataChange": true,
        "stats": json!({ "numRecords": size }).to_string(), "tags": {"KEEP": "me"}, "unheardOf": [1],
    }})
}

/// The content of a file with one deletion vector, and its descriptor but for where it lies.
fn vector(rows: &[u64]) -> (Vec<u8>, Value) {
    let rows: roaring::RoaringTreemap = rows.iter().copied().collect();
    let mut body = 1_681_511_377_u32.to_le_bytes().to_vec();
    rows.serialize_into(&mut body).unwrap();
    let size = u32::try_from(body.len()).unwrap();
    let mut content = vec![1];
    content.extend(size.to_be_bytes());
    content.extend(&body);
    content.extend(crc32fast::hash(&body).to_be_bytes());
    (content, json!({"offset": 1, "sizeInBytes": size, "cardinality": rows.len()}))
}

fn remove(path: &str) -> Value {
    json!({ "remove": { "path": path, "deletionTimestamp": 5, "dataChange": true } })
}

fn info(operation: &str) -> Value {
    json!({ "commitInfo": { "timestamp": 1, "operation": operation } })
}

fn protocol(more: Value) -> Value {
    with(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }), "protocol", more)
}

fn features(readers: &[&str], writers: &[&str]) -> Value {
    protocol(
        json!({ "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": readers, "writerFeatures": writers }),
    )
}

fn metadata(properties: Value) -> Value {
    let all = json!({
        "id": "source-id", "name": "gold", "description": "a comment", "format": {"provider": "parquet", "options": {}},
        "schemaString": SCHEMA, "partitionColumns": [], "configuration": properties, "createdTime": 7,
    });
    json!({ "metaData": all })
}

fn with(mut base: Value, kind: &str, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    json!({ kind: base })
}

fn author() -> Author {
    Author {
        now_ms: 1_795_000_000_000,
        engine_info: "drsync/test".to_owned(),
        user_name: Some("tester".to_owned()),
        job: None,
    }
}

fn options(expect: Expect) -> CloneOptions {
    CloneOptions {
        properties: [("drsync.source_version".to_owned(), "1".to_owned())].into(),
        expect,
        doubted: false,
        author: author(),
        source_name: "main.test.source".to_owned(),
        progress: CopyProgress::default(),
    }
}

/// Clones the newest version, and compares.
fn cloned(source: &Table, target: &Table, expect: Expect) -> CloneMetrics {
    let version = source.snapshot().version;
    let cloned = deep_clone(&source.store, version, &target.store, &options(expect)).unwrap();
    target.agrees_with(source);
    cloned
}

fn refused(source: &Table, target: &Table) -> DeltaError {
    let version = log::versions(&source.store).unwrap().newest;
    deep_clone(&source.store, version, &target.store, &options(Expect::Absent)).unwrap_err()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refused_on(source: &Table, target: &Table, expect: Expect) -> DeltaError {
    let version = log::versions(&source.store).unwrap().newest;
    deep_clone(&source.store, version, &target.store, &options(expect)).unwrap_err()
}

/// So many that they are copied together.
fn many(world: &World) -> Table {
    let source = world.table("source");
    let mut actions = vec![info("WRITE"), protocol(json!({})), metadata(json!({}))];
    actions.extend((0..40).map(|number| source.add(&format!("f{number:02}"), 10)));
    source.commit(0, &actions);
    source
}

/// Every file of a folder with its content, but not what its log holds.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = names(folder).into_iter().filter(|name| name != "_delta_log");
    files.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}
