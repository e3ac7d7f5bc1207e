//! Other Delta readers, asked about what drsync wrote: replicas of tables that other tools made, and the ledger tables.
//!
//! Runs where `DRSYNC_TEST_PYTHON` names a Python with `deltalake` and with DuckDB's Delta extension; says so and skips elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use drsync::apply::GroupOutcome;
use serde_json::{Value, json};

use crate::support::readers::{compare, python, readers};
use crate::support::world::{World, batch};

/// The column of the collection's index that names who read the table.
const CONFIRMED_BY: usize = 12;
/// Tables in one group of the collection.
const TABLES_A_GROUP: usize = 32;

fn assert_same(answers: &[Value]) {
    let wrong: Vec<&Value> =
        answers.iter().filter(|answer| answer["same"] == json!(false)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_read_the_same_in_other_readers_after_every_kind_of_change() {
    let Some(readers) = readers() else { return };
    let mut world = World::new().await;
    let pair = |world: &World, version: u64| {
        json!({
            "source": world.path("east/tables/countries"),
            "version": version,
            "replica": world.replica_folder("main.shop.countries"),
        })
    };
    world.apply().await;
    assert_same(&compare(readers, &[pair(&world, 1)]));
    world.countries().insert(&batch(4..=400)).await.unwrap();
    world.countries().delete(|row| row["id"] == json!(2)).await.unwrap();
    world.countries().optimize().await.unwrap();
    let head = world.countries().set_properties(&[("delta.appendOnly", "true")]).await.unwrap();
    world.later(70);
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    let answers = compare(readers, &[pair(&world, head)]);
    assert_same(&answers);
    assert!(answers.iter().all(|answer| answer["same"] == json!(true)), "{answers:#?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_of_an_odd_name_is_read_beside_a_link_of_its_decoded_name() {
    let Some(readers) = readers() else { return };
    let mut world = World::new().await;
    world.make("main.shop.sp ace", "tables/odd").await;
    world.add_group("odd", None, &["main.shop.sp ace"]);
    world.apply().await;
    let folder = world.replica_folder("main.shop.sp ace");
    assert!(folder.ends_with("sp%20ace"), "{folder:?}");
    std::os::unix::fs::symlink("sp%20ace", folder.with_file_name("sp ace")).unwrap();
    let pair = json!({"source": world.path("east/tables/odd"), "version": 1, "replica": folder});
    let answers = compare(readers, &[pair]);
    let same = answers.iter().filter(|one| one["same"] == json!(true));
    assert_eq!(same.count(), 2, "{answers:#?}");
    // The link is nothing to drsync.
    assert!(!world.plan().await.applyable);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_tables_have_exactly_their_columns_in_other_readers() {
    let Some(python) = python() else { return };
    let mut world = World::new().await;
    world.apply().await;
    for region in ["east", "west"] {
        let script = "import sys; from deltalake import DeltaTable, QueryBuilder\n\
            t = DeltaTable(sys.argv[1]); print([(f.name, str(f.type)) for f in t.schema().fields])\n\
            import pyarrow as pa\n\
            r = QueryBuilder().register('t', t).execute('select group_name, current_sync_status, tables from t')\n\
            print(pa.table(r.read_all() if hasattr(r, 'read_all') else r).to_pylist())";
        let folder = world.path(region).join("sync/_drsync/sync_metadata");
        let output = Command::new(&python).args(["-c", script]).arg(folder).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let expected = "[('group_name', 'PrimitiveType(\"string\")'), ('workflow', 'PrimitiveType(\"string\")'), \
            ('tables', 'ArrayType(PrimitiveType(\"string\"), contains_null=True)'), \
            ('date_created', 'PrimitiveType(\"timestamp\")'), ('date_updated', 'PrimitiveType(\"timestamp\")'), \
            ('sync_start_timestamp', 'PrimitiveType(\"timestamp\")'), \
            ('sync_end_timestamp', 'PrimitiveType(\"timestamp\")'), \
            ('current_sync_status', 'PrimitiveType(\"string\")'), ('message', 'PrimitiveType(\"string\")')]\n\
            [{'group_name': 'reference', 'current_sync_status': 'success', 'tables': ['main.shop.countries']}]\n";
        assert_eq!(text, expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Every table of the collection as a source: plan, apply, then ask the readers.
///
/// Tables that some reader confirmed stand together in groups, the others each in its own, because it may be blocked.
#[tokio::test(flavor = "multi_thread")]
async fn tables_that_other_tools_wrote_arrive_as_other_readers_see_them() {
    let Some(readers) = readers() else { return };
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/delta-tables");
    let Ok(index) = std::fs::read_to_string(collection.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: there is no collection of Delta tables beside the project");
        return;
    };
    let collection = collection.canonicalize().unwrap();
    let mut world = World::new().await;
    world.now = chrono::Utc::now();
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut together: Vec<String> = Vec::new();
    for (number, row) in index.lines().skip(1).enumerate() {
        let columns: Vec<&str> = row.split('\t').collect();
        let name = format!("main.foreign.t{number}");
        let folder = collection.join(columns[0]);
        world.workspace().add_table(&name, folder.to_str().unwrap()).unwrap();
        match columns.get(CONFIRMED_BY) {
            Some(&"unreadable") => world.add_group(&format!("alone {number}"), None, &[&name]),
            Some(_) | None => together.push(name.clone()),
        }
        folders.insert(name, folder);
    }
    for (number, names) in together.chunks(TABLES_A_GROUP).enumerate() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        world.add_group(&format!("together {number}"), None, &names);
    }
    let record = world.apply().await;
    let mut pairs = Vec::new();
    for group in &record.groups {
        let message = group.message.clone().unwrap_or_default().to_string();
        if group.outcome != GroupOutcome::Synchronized {
            assert!(group.name.starts_with("alone"), "{group:#?}");
            eprintln!("{} {message}", group.outcome.as_str());
            continue;
        }
        pairs.extend(group.tables.iter().filter_map(|table| {
            let name = table.table.to_string();
            let source = folders.get(&name)?;
            Some(json!({"source": source, "version": table.source_version, "replica": world.replica_folder(&name)}))
        }));
    }
    assert!(pairs.len() >= together.len());
    let answers = compare(readers, &pairs);
    assert_same(&answers);
    for reader in ["deltalake", "duckdb"] {
        let own = answers.iter().filter(|answer| answer["reader"] == reader);
        let confirmed = own.filter(|answer| answer["same"] == json!(true)).count();
        eprintln!("{reader} confirms {confirmed} of {}", pairs.len());
        assert!(confirmed * 10 > pairs.len() * 8, "{reader}: {answers:#?}");
    }
}
