//! Other Delta readers, asked about what drsync wrote: replicas of tables that other tools made, and the ledger tables.
//!
//! Runs where `DRSYNC_READERS_PYTHON` names a Python with `deltalake` and `duckdb`; says so and skips elsewhere.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

#[path = "stories/world.rs"]
#[allow(dead_code, reason = "shared with the stories")]
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use drsync::apply::GroupOutcome;
use serde_json::{Value, json};

use world::{World, batch};

/// The Python that has other readers; `None`, and a word, where there is none.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("DRSYNC_READERS_PYTHON").map(PathBuf::from);
    let able = python.as_ref().is_some_and(|python| {
        let probe = Command::new(python)
            .args(["-c", "import deltalake, duckdb, pyarrow"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    });
    if !able {
        eprintln!(
            "SKIPPED: DRSYNC_READERS_PYTHON names no Python with deltalake, duckdb and pyarrow"
        );
    }
    python.filter(|_| able)
}

/// Asks every reader about every pair of source and replica.
fn compare(python: &Path, world: &World, pairs: &[Value]) -> Vec<Value> {
    let list = world.path("pairs.json");
    std::fs::write(&list, serde_json::to_vec(pairs).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/compare.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&list)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        answers.len(),
        pairs.len() * 2,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    answers
}

fn assert_same(answers: &[Value]) {
    let wrong: Vec<&Value> = answers
        .iter()
        .filter(|answer| answer["same"] == json!(false))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_read_the_same_in_other_readers_after_every_kind_of_change() {
    let Some(python) = python() else { return };
    let mut world = World::new().await;
    let pair = |world: &World, version: u64| {
        json!({
            "source": world.path("east/tables/countries"),
            "version": version,
            "replica": world.replica_folder("main.shop.countries"),
        })
    };
    world.apply().await;
    assert_same(&compare(&python, &world, &[pair(&world, 1)]));
    world.countries().insert(&batch(4..=400)).await.unwrap();
    world
        .countries()
        .delete(|row| row["id"] == json!(2))
        .await
        .unwrap();
    world.countries().optimize().await.unwrap();
    let head = world
        .countries()
        .set_properties(&[("delta.appendOnly", "true")])
        .await
        .unwrap();
    world.later(70);
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    let answers = compare(&python, &world, &[pair(&world, head)]);
    assert_same(&answers);
    assert!(
        answers.iter().all(|answer| answer["same"] == json!(true)),
        "{answers:#?}"
    );
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
        let output = Command::new(&python)
            .args(["-c", script])
            .arg(folder)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let expected = "[('group_name', 'PrimitiveType(\"string\")'), ('workflow', 'PrimitiveType(\"string\")'), \
            ('tables', 'ArrayType(PrimitiveType(\"string\"), contains_null=True)'), \
            ('date_created', 'PrimitiveType(\"timestamp\")'), ('date_updated', 'PrimitiveType(\"timestamp\")'), \
            ('sync_start_timestamp', 'PrimitiveType(\"timestamp\")'), \
            ('sync_end_timestamp', 'PrimitiveType(\"timestamp\")'), \
            ('current_sync_status', 'PrimitiveType(\"string\")'), ('message', 'PrimitiveType(\"string\")')]\n\
            [{'group_name': 'reference', 'current_sync_status': 'success', 'tables': ['main.shop.countries']}]\n";
        assert_eq!(
            text,
            expected,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Every table of the collection as a source of its own group: plan, apply, then ask the readers.
#[tokio::test(flavor = "multi_thread")]
async fn tables_that_other_tools_wrote_arrive_as_other_readers_see_them() {
    let Some(python) = python() else { return };
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/delta-tables");
    let Ok(index) = std::fs::read_to_string(collection.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: there is no collection of Delta tables beside the project");
        return;
    };
    let collection = collection.canonicalize().unwrap();
    let mut world = World::new().await;
    world.now = chrono::Utc::now();
    let rows: Vec<Vec<&str>> = index
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    for (number, row) in rows.iter().enumerate() {
        let name = format!("main.foreign.t{number}");
        let location = collection.join(row[0]);
        world
            .workspace()
            .add_table(&name, location.to_str().unwrap())
            .unwrap();
        world.add_group(&format!("g{number}"), None, &[&name]);
    }
    let record = world.apply().await;
    let mut pairs = Vec::new();
    let mut succeeded_unreadable = Vec::new();
    for group in &record.groups {
        let Some(number) = group
            .name
            .strip_prefix('g')
            .and_then(|number| number.parse::<usize>().ok())
        else {
            continue;
        };
        let unreadable = rows[number]
            .get(12)
            .is_some_and(|confirmed| *confirmed == "unreadable");
        eprintln!(
            "{} {} {}",
            group.outcome.as_str(),
            rows[number][0],
            group.message.as_deref().unwrap_or_default()
        );
        if group.outcome == GroupOutcome::Synchronized {
            let replica = world.replica_folder(&format!("main.foreign.t{number}"));
            let version = group.tables[0].source_version;
            pairs.push(json!({"source": collection.join(rows[number][0]), "version": version, "replica": replica}));
            if unreadable {
                succeeded_unreadable.push(rows[number][0]);
            }
        } else {
            assert!(
                unreadable,
                "{} is readable and was not synchronized: {group:#?}",
                rows[number][0]
            );
        }
    }
    eprintln!("synchronized although no reader reads them: {succeeded_unreadable:?}");
    let answers = compare(&python, &world, &pairs);
    assert_same(&answers);
    let confirmed = answers
        .iter()
        .filter(|answer| answer["same"] == json!(true))
        .count();
    eprintln!(
        "{} tables synchronized, {confirmed} confirmations by other readers",
        pairs.len()
    );
}
