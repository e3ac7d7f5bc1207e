//! What a replica's log keeps, and what it loses.

use chrono::TimeDelta;
use drsync::lakehouse::delta::{self, TableStore};

use crate::support::world::{World, batch};

/// As long as a replica keeps by default.
const DAYS: i64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_loses_what_is_past_its_retention_and_cuts_within_it_are_read_by_their_versions() {
    let mut world = World::new().await;
    let replica = TableStore::local(world.replica_folder("main.shop.countries"));
    let mut cleaned = 0;
    for round in 0..85 {
        assert_eq!(world.apply().await.exit.code, 0);
        world.countries().insert(&batch([100 + round])).await.unwrap();
        world.later(12 * 60);
        let log = delta::versions(&replica).await.unwrap();
        assert_eq!(log.commits.last(), Some(&log.newest));
        cleaned = cleaned.max(log.oldest);
        if round % 21 != 0 {
            continue;
        }
        // A cut is readable from when it was made until so long after the next one was.
        let cuts = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
        let cuts: Vec<_> = cuts.iter().cloned().collect();
        for (cut, next) in cuts.iter().zip(&cuts[1..]) {
            if next.committed_at + TimeDelta::days(DAYS) > world.now {
                let entry = &cut.tables[0];
                let read = delta::read_rows(&replica, Some(entry.replica_version)).await;
                let read = read.unwrap_or_else(|error| panic!("{round}: {error}"));
                let rows: usize = read.iter().map(arrow_array::RecordBatch::num_rows).sum();
                assert_eq!(Some(rows as u64), entry.rows, "cut {}", cut.cut_number);
            }
        }
    }
    assert!(cleaned > 0, "nothing was removed");
    // What is gone is none of the replica's state: everything is as it was left.
    assert_eq!(world.apply().await.exit.code, 0);
    world.later(1);
    let plan = world.plan().await;
    assert!(!plan.applyable && plan.summary.groups_blocked == 0, "{:?}", plan.warnings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_clock_that_is_ahead_takes_nothing_of_a_log() {
    let mut world = World::new().await;
    let replica = TableStore::local(world.replica_folder("main.shop.countries"));
    for round in 0..21 {
        if round == 20 {
            // This apply makes version 20 and its checkpoint, three months early.
            world.later(90 * 24 * 60);
        }
        assert_eq!(world.apply().await.exit.code, 0);
        world.countries().insert(&batch([100 + round])).await.unwrap();
        world.later(12 * 60);
    }
    let log = delta::versions(&replica).await.unwrap();
    assert_eq!((log.oldest, log.newest), (0, 20));
    assert_eq!(log.commits.len(), 21);
}
