//! Files of replicas in whose place other valid ones were put: found by a full look, named, and copied again beside them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use drsync::lakehouse::write::{columns, rows};
use drsync::plan::{Decision, FindingCode, Severity};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::deceit::{found, full, looked, overwrite};
use super::writers::{file, remove, vector_file};
use crate::support::remembered::with_every_cut_read_back;
use crate::support::world::{Form, World, schema, start};

const COUNTRIES: &str = "main.shop.countries";
/// A table of more files than these is not read whole when it is cloned.
const FILES: i64 = 80;

/// Every file of a replica but those that a reader may add, with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path))
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// Looks at a replica in which a file was changed, which is told by the names in `named`; repairs it, and looks again.
async fn is_found_and_repaired(world: &mut World, table: &str, named: &str) {
    let folder = world.replica_folder(table);
    let source = world.path("east/tables").join(table.rsplit('.').next().unwrap());
    let before = contents(&folder);
    let expected = vec![(FindingCode::ReplicaDamaged, Severity::Repaired)];
    assert_eq!(found(world).await, (expected, false), "{named}");
    world.later(70);
    let plan = world.plan_with(full()).await;
    let group = plan.groups().next().unwrap().1;
    assert_eq!(group.decision, Decision::Sync, "{named}");
    let message = group.findings[0].message.to_string();
    assert!(message.contains(named), "{message}");
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 0, "{named}: {record:?}");
    // Rows behind deletion vectors are for the readers of others, when the story is over.
    if contents(&source).into_keys().all(|path| path.extension().is_none_or(|end| end != "bin")) {
        assert_eq!(world.ids(&folder).await, world.ids(&source).await, "{named}");
    }
    assert_eq!(found(world).await, (vec![], true), "{named}: after");
    let after = contents(&folder);
    for (path, bytes) in before {
        assert_eq!(after.get(&path), Some(&bytes), "{} is written once", path.display());
    }
}

/// The only file of a folder with an ending.
fn only(folder: &Path, ending: &str) -> PathBuf {
    let mut all: Vec<PathBuf> = contents(folder)
        .into_keys()
        .filter(|path| path.extension().is_some_and(|end| end == ending))
        .collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Gives the table a file of three rows, one of which a deletion vector deletes.
async fn with_vector(world: &World) {
    let folder = world.path("east/tables/countries");
    let table = world.countries();
    let able = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}});
    let first = file(&table, "data.parquet", "data.parquet", &[10, 11, 12]);
    table.other("WRITE", vec![able, first.clone()]).await.unwrap();
    let mut masked = first;
    masked["add"]["deletionVector"] = vector_file(&folder, &[0]);
    table.other("DELETE", vec![remove("data.parquet", true), masked]).await.unwrap();
}

/// Puts another valid vector in the place of the replica's, as long, of as many rows, with its checksum; repairs that.
async fn swap_and_repair_its_vector(world: &mut World) {
    let elsewhere = tempfile::tempdir().unwrap();
    vector_file(elsewhere.path(), &[1]);
    let own = only(&world.replica_folder(COUNTRIES), "bin");
    let (whole, other) =
        (fs::read(&own).unwrap(), fs::read(only(elsewhere.path(), "bin")).unwrap());
    assert_eq!(other.len(), whole.len());
    overwrite(&own, &other);
    is_found_and_repaired(world, COUNTRIES, name(&own)).await;
    // The cut before named it: it is read back as it was.
    overwrite(&own, &whole);
}

// The sandbox's engine counts no rows through deletion vectors.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_vector_in_whose_place_another_valid_one_was_put_is_found_and_repaired() {
    with_every_cut_read_back(async {
        let mut world = World::new().await;
        with_vector(&world).await;
        world.later(1);
        assert_eq!(world.apply().await.exit.code, 0);
        swap_and_repair_its_vector(&mut world).await;
    })
    .await;
}

/// Adds so many files of one row that the table is not read whole when it is cloned.
async fn enlarge(world: &World) {
    let table = world.countries();
    let one = |id: i64| {
        let path = format!("{id}.parquet");
        file(&table, &path, &path, &[id])
    };
    table.other("WRITE", (100..100 + FILES).map(one).collect()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vector_of_a_large_table_is_known_by_its_bytes() {
    with_every_cut_read_back(async {
        let mut world = World::new().await;
        with_vector(&world).await;
        enlarge(&world).await;
        world.later(1);
        assert_eq!(world.apply().await.exit.code, 0);
        swap_and_repair_its_vector(&mut world).await;
    })
    .await;
}

/// Sets the times of every data file of a folder to now.
fn touch(folder: &Path) {
    for path in contents(folder).into_keys() {
        if path.extension().is_some_and(|end| end == "parquet") {
            let later = SystemTime::now() + Duration::from_secs(60);
            File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_table_other_times_are_a_reason_to_read_and_no_finding() {
    let mut world = World::new().await;
    enlarge(&world).await;
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
    let folder = world.replica_folder(COUNTRIES);
    touch(&folder);
    assert_eq!(found(&world).await, (vec![], true));
    // The same row but for a letter, in a file that is as long: no statistics and no size tell.
    let other = rows(&schema(), &[json!({"id": 150, "name": "roW 150"})]).unwrap();
    let path = folder.join("150.parquet");
    let size = fs::metadata(&path).unwrap().len();
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), other.schema(), None).unwrap();
    writer.write(&other).unwrap();
    writer.close().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    is_found_and_repaired(&mut world, COUNTRIES, "150.parquet").await;
}

/// A table that is partitioned by names which no path takes as they are, with a file whose own name is percent-encoded.
async fn partitioned(form: Form) -> World {
    let mut world = World::of(form).await;
    let early = world.source_at("tables/cities").when(start() - chrono::Duration::minutes(60));
    let schema = columns(&[("id", "long"), ("name", "string")]).unwrap();
    early.create(schema.clone(), &["name"], &[]).await.unwrap();
    let values: Vec<Value> = ["New York", "50%", "å/b", "a=b"]
        .iter()
        .zip(1..)
        .map(|(name, id)| json!({"id": id, "name": name}))
        .collect();
    early.insert(&rows(&schema, &values).unwrap()).await.unwrap();
    world.workspace().add_table("main.shop.cities", "tables/cities").unwrap();
    world.groups().clear();
    world.add_group("cities", None, &["main.shop.cities"]);
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_partition_is_found_and_repaired_whatever_its_path_is_spelled_like() {
    with_every_cut_read_back(async {
        let mut world = partitioned(Form::Lakehouse).await;
        assert_eq!(world.apply().await.exit.code, 0);
        let folder = world.replica_folder("main.shop.cities");
        let parquet = |path: &PathBuf| path.extension().is_some_and(|end| end == "parquet");
        let files: Vec<PathBuf> = contents(&folder).into_keys().filter(parquet).collect();
        assert_eq!(files.len(), 4, "{files:?}");
        for (number, path) in files.iter().enumerate() {
            let other = fs::read(&files[(number + 1) % files.len()]).unwrap();
            let own = fs::read(path).unwrap();
            if own.len() != other.len() {
                let mut zeros = own.clone();
                zeros.fill(0);
                overwrite(path, &zeros);
            } else {
                overwrite(path, &other);
            }
            let file = name(path).replace('%', "%25");
            let known = [name(path), &file];
            let (plan, _) = looked(&world, full()).await;
            let message = plan.groups().next().unwrap().1.findings[0].message.to_string();
            let named = known.into_iter().find(|name| message.contains(name));
            is_found_and_repaired(&mut world, "main.shop.cities", named.expect(&message)).await;
            // Each is written once: from here on another file has its rows.
            overwrite(path, &own);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_name_is_percent_encoded_is_found_and_repaired() {
    with_every_cut_read_back(async {
        let mut world = World::new().await;
        let table = world.countries();
        let spaced = file(&table, "New%20York%2525.parquet", "New York%25.parquet", &[10, 11]);
        table.other("WRITE", vec![spaced]).await.unwrap();
        world.later(1);
        assert_eq!(world.apply().await.exit.code, 0);
        let path = world.replica_folder(COUNTRIES).join("New York%25.parquet");
        let mut bytes = fs::read(&path).unwrap();
        let own = bytes.clone();
        bytes[10] ^= 1;
        overwrite(&path, &bytes);
        is_found_and_repaired(&mut world, COUNTRIES, "New%20York%2525.parquet").await;
        // The cut before named it: it is read back as it was.
        overwrite(&path, &own);
    })
    .await;
}
