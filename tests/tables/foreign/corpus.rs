//! A file of each format that strangers may write, built by the project's own code: the demo's world, with tables of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use chrono::{TimeDelta, Utc};
use drsync::lakehouse::delta::{self, Author, CloneOptions, CopyProgress, Expect, TableStore};
use drsync::lakehouse::write::{WorkspaceFolder, WritableTable, columns, rows};
use drsync::lakehouse::{Writer, demo};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

/// Tables that are added to the demo's, each in a group of its own name.
pub(crate) const TABLES: [&str; 4] = ["classic", "sidecars", "lines", "vectors"];
/// The version that the added tables have.
const NEWEST: u64 = 12;
/// The version that their checkpoint holds.
const CHECKPOINT: u64 = 10;
const VECTOR: &str = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

/// Makes the world.
pub(crate) async fn build(folder: &Path) {
    demo::build(folder, Utc::now()).await.unwrap();
    let workspace = WorkspaceFolder::at(folder.join("east"));
    for name in TABLES {
        let table = folder.join("east/tables").join(name);
        make_classic(&table, &folder.join("scratch").join(name)).await;
        match name {
            "sidecars" => give_sidecars(&table, false),
            "lines" => give_sidecars(&table, true),
            "vectors" => delete_rows(&table).await,
            _ => {}
        }
        workspace.add_table(&format!("main.odd.{name}"), &format!("tables/{name}")).unwrap();
    }
    fs::remove_dir_all(folder.join("scratch")).unwrap();
    let file = folder.join("drsync.json");
    let mut configuration: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let groups = configuration["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
    groups.extend(TABLES.map(|name| {
        json!({"group_name": name, "group_owner_email": "odd@example.com", "tables": [format!("odd.{name}")]})
    }));
    fs::write(&file, format!("{configuration:#}")).unwrap();
}

/// A table with data files, a checkpoint, and commits after it.
async fn make_classic(folder: &Path, scratch: &Path) {
    let source = WritableTable::at(scratch, Writer::new("odd@example.com"));
    let schema = columns(&[("id", "bigint"), ("name", "string"), ("at", "timestamp")]).unwrap();
    source.create(schema.clone(), &[], &[]).await.unwrap();
    let (from, to) = (TableStore::local(scratch), TableStore::local(folder));
    for version in 0..=NEWEST {
        let row =
            |id: u64| json!({"id": id, "name": format!("name {id}"), "at": "2026-01-01T00:00:00Z"});
        let batch: Vec<Value> = (version * 10..version * 10 + 10).map(row).collect();
        source.insert(&rows(&schema, &batch).unwrap()).await.unwrap();
        let expect = match version {
            0 => Expect::Absent,
            version => Expect::Version(version - 1),
        };
        let author = Author {
            now_ms: (Utc::now() - TimeDelta::minutes(200 - version.cast_signed()))
                .timestamp_millis(),
            engine_info: "odd".to_owned(),
            user_name: None,
            job: None,
        };
        let options = CloneOptions {
            properties: BTreeMap::from([("odd".to_owned(), version.to_string())]),
            expect,
            doubted: false,
            author,
            source_name: "odd".to_owned(),
            progress: CopyProgress::default(),
        };
        delta::deep_clone(&from, version + 1, &to, options).await.unwrap();
    }
    assert!(checkpoint_of(folder).is_file());
    // What the checkpoint holds is read from it alone.
    for version in 0..CHECKPOINT {
        fs::remove_file(commit_of(folder, version)).unwrap();
    }
}

pub(crate) fn commit_of(folder: &Path, version: u64) -> PathBuf {
    folder.join(format!("_delta_log/{version:020}.json"))
}

fn checkpoint_of(folder: &Path) -> PathBuf {
    folder.join(format!("_delta_log/{CHECKPOINT:020}.checkpoint.parquet"))
}

/// Turns the checkpoint into one of V2, in Parquet or as lines of JSON, with what it held as a sidecar.
fn give_sidecars(folder: &Path, as_lines: bool) {
    let log = folder.join("_delta_log");
    let sidecar = "b3e3bd2e-8ea9-4f5c-8b1b-3f3a1f0b4a37.parquet";
    fs::create_dir(log.join("_sidecars")).unwrap();
    fs::rename(checkpoint_of(folder), log.join("_sidecars").join(sidecar)).unwrap();
    fs::remove_file(log.join("_last_checkpoint")).unwrap();
    let commit = fs::read_to_string(commit_of(folder, CHECKPOINT)).unwrap();
    let metadata = commit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let metadata = metadata.filter_map(|mut line| line.get_mut("metaData").map(Value::take)).next();
    let size = fs::metadata(log.join("_sidecars").join(sidecar)).unwrap().len();
    let actions = [
        json!({"checkpointMetadata": {"version": CHECKPOINT}}),
        json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"]}}),
        json!({"metaData": metadata.unwrap()}),
        json!({"sidecar": {"path": sidecar, "sizeInBytes": size, "modificationTime": 1}}),
    ];
    let lines = actions.map(|action| action.to_string()).join("\n");
    let name = format!("{CHECKPOINT:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11");
    if as_lines {
        fs::write(log.join(format!("{name}.json")), lines).unwrap();
        return;
    }
    let (inferred, _) = arrow_json::reader::infer_json_schema(lines.as_bytes(), None).unwrap();
    let schema = std::sync::Arc::new(without_nothing(&inferred));
    let mut reader =
        arrow_json::ReaderBuilder::new(schema.clone()).build(lines.as_bytes()).unwrap();
    let batch: RecordBatch = reader.next().unwrap().unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    fs::write(log.join(format!("{name}.parquet")), writer.into_inner().unwrap()).unwrap();
}

/// A schema without groups that hold nothing, which Parquet cannot.
fn without_nothing(schema: &arrow_schema::Schema) -> arrow_schema::Schema {
    use arrow_schema::{DataType, Field, Fields, Schema};
    fn kept(fields: &Fields) -> Fields {
        let kept = fields.iter().filter_map(|field| match field.data_type() {
            DataType::Struct(inner) => {
                let inner = kept(inner);
                (!inner.is_empty())
                    .then(|| Field::new(field.name(), DataType::Struct(inner), true).into())
            }
            DataType::List(item) if item.data_type() == &DataType::Null => None,
            _ => Some(field.clone()),
        });
        kept.collect::<Vec<_>>().into()
    }
    Schema::new(kept(schema.fields()))
}

/// Deletes rows of the newest file by a vector, in a commit on top.
async fn delete_rows(folder: &Path) {
    let rows: roaring::RoaringTreemap = [1_u64, 4, 7].into_iter().collect();
    let mut body = 1_681_511_377_u32.to_le_bytes().to_vec();
    rows.serialize_into(&mut body).unwrap();
    let size = u32::try_from(body.len()).unwrap();
    let crc = crc32fast::hash(&body).to_be_bytes();
    let content = [&[1][..], &size.to_be_bytes(), &body, &crc].concat();
    fs::write(folder.join(VECTOR), content).unwrap();
    let newest = fs::read_to_string(commit_of(folder, NEWEST)).unwrap();
    let actions: Vec<Value> =
        newest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| actions.iter().find_map(|action| action.get(kind)).cloned();
    let mut add = of("add").unwrap();
    let remove = json!({"path": add["path"], "deletionTimestamp": 5, "dataChange": true});
    add["deletionVector"] = json!({
        "storageType": "u", "pathOrInlineDv": "^-aqEH.-t@S}K{vb[*k^",
        "offset": 1, "sizeInBytes": size, "cardinality": 3,
    });
    let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]});
    let lines = [
        json!({"commitInfo": {"timestamp": Utc::now().timestamp_millis() - 3_600_000, "operation": "DELETE"}}),
        json!({"protocol": protocol}),
        json!({"remove": remove}),
        json!({"add": add}),
    ];
    let text = lines.map(|line| format!("{line}\n")).concat();
    fs::write(commit_of(folder, NEWEST + 1), text).unwrap();
}

/// Every file below a folder, sorted; of those that are there in numbers only a few.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path())
            } else {
                found.push(entry.path())
            }
        }
    }
    found.sort();
    found
}
