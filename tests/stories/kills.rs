//! `kill -9` at any instant of an apply loses nothing: what was true stays true, and the next apply completes it.

mod cleaning;

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::readers::{assert_same, readers};
use crate::support::world::{World, batch};
use drsync::ledger::RowStatus;
use serde_json::{Value, json};

/// How many times an apply is killed; each time later.
const KILLS: u32 = 8;

/// Everything that has to hold whenever nobody is at work.
async fn assert_whole(world: &World, names: &[String]) {
    let ledger = world.regions().secondary.location.ledger().await.unwrap();
    let cuts = ledger.all_cuts();
    for group in ["reference", "many"] {
        assert_eq!(cuts.divergence(group), None);
    }
    // What the newest cut names can be read at the replica's version, and is what the source was.
    for cut in cuts.newest_of_each() {
        for entry in &cut.tables {
            let store =
                drsync::lakehouse::delta::TableStore::open(&entry.replica_location).unwrap();
            let replica = drsync::lakehouse::delta::read_rows(&store, Some(entry.replica_version))
                .await
                .unwrap();
            let rows: usize = replica.iter().map(arrow_array::RecordBatch::num_rows).sum();
            assert_eq!(Some(rows as u64), entry.rows, "{} at cut {}", entry.table, cut.cut_number);
        }
    }
    // Every cut is what its source was, for the readers of others: nothing in these sources is ever vacuumed.
    if let Some(readers) = readers() {
        let entries = cuts.iter().flat_map(|cut| &cut.tables);
        let pairs: Vec<Value> = entries
            .map(|entry| {
                let name = entry.table.to_string();
                let place = name.rsplit('.').next().unwrap_or_default();
                json!({
                    "source": world.path("east/tables").join(place),
                    "version": entry.source_version,
                    "replica": world.replica_folder(&name),
                    "replica_version": entry.replica_version,
                })
            })
            .collect();
        assert_same(readers, &pairs);
    }
    for name in names {
        let folder = world.replica_folder(name);
        if folder.join("_delta_log/00000000000000000000.json").exists() {
            world.ids(&folder).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_any_instant_is_completed_by_the_next() {
    let mut world = World::new().await;
    let names: Vec<String> = (0..6).map(|number| format!("main.shop.t{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        world.make(name, &format!("tables/t{number}")).await;
    }
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    world.add_group("many", None, &borrowed);
    std::fs::write(world.path("drsync.json"), serde_json::to_vec_pretty(&world.config).unwrap())
        .unwrap();

    // How long an apply takes that nobody kills, on this machine and now.
    let begun = Instant::now();
    let done = world.drsync(&["apply", "--auto-approve"]).output();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let whole = begun.elapsed();

    let mut expected: Vec<i64> = vec![1, 2, 3];
    for round in 0..KILLS {
        world.later(12 * 60);
        let id = i64::from(round) + 100;
        for number in 0..names.len() {
            world.source_at(&format!("tables/t{number}")).insert(&batch([id])).await.unwrap();
        }
        expected.push(id);
        world.later(1);
        let mut child = world
            .drsync(&["apply", "--auto-approve"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        std::thread::sleep(
            whole.mul_f64(f64::from(round + 1) / f64::from(KILLS)).min(Duration::from_secs(20)),
        );
        // SIGKILL: nothing of ours runs after it.
        let _ = child.kill();
        child.wait().unwrap();
        assert_whole(&world, &names).await;

        world.later(1);
        let done = world.drsync(&["apply", "--auto-approve"]).output();
        assert!(done.status.success(), "round {round}: {}", String::from_utf8_lossy(&done.stderr));
        assert_whole(&world, &names).await;
        for name in &names {
            assert_eq!(
                world.ids(&world.replica_folder(name)).await,
                expected,
                "round {round}, {name}"
            );
        }
        for region in ["east", "west"] {
            let row = world.row(region, "many").await;
            assert_eq!(row.current_sync_status, Some(RowStatus::Success), "round {round}: {row:?}");
        }
        world.later(1);
        assert!(!world.plan().await.applyable, "round {round}");
    }
}
