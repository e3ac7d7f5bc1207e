//! How many requests planning sends: a thousand tables must not cost a thousand round trips.
//!
//! `cargo bench --bench requests` does the same with a thousand tables, and measures how long it takes.

mod world;

use std::collections::BTreeMap;

use world::{Served, World};

const TABLES: usize = 200;
/// Fifty tables more are this many requests more: a listing, six statements, the runs of two or three workflows.
const REQUESTS_A_SCHEMA: usize = 11;
/// Whoever asks, both sync locations, both ledgers, what is listed once.
const REQUESTS_ALWAYS: usize = 30;

/// The requests by what they ask, ids left out.
fn kinds(served: &Served) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for request in served.running.requests() {
        let path = request.replace(&served.running.primary.url, "");
        let plain = path.split('?').next().unwrap().to_owned();
        let plain =
            if plain.contains("/sql/statements/") { "GET a statement".to_owned() } else { plain };
        *kinds.entry(plain).or_default() += 1;
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_asks_by_fifty_tables_and_not_by_one() {
    let most = REQUESTS_ALWAYS + TABLES / 50 * REQUESTS_A_SCHEMA;
    let world = World::new(TABLES).await;
    let first = world.serve().await;
    let (plan, requests) = first.plan().await;
    eprintln!("{requests} {:#?}", kinds(&first));
    assert_eq!(plan.summary.groups_sync, world.groups(), "{:?}", plan.summary);
    assert!(requests <= most, "{requests}: {:#?}", kinds(&first));

    world.go_on().await;
    let next = world.serve().await;
    let (plan, requests) = next.plan().await;
    eprintln!("{requests} {:#?}", kinds(&next));
    assert_eq!(plan.summary.groups_sync, world.groups(), "{:?}", plan.summary);
    let steps: Vec<_> = plan.groups().flat_map(|(_, group)| &group.steps).collect();
    assert_eq!(steps.len(), TABLES);
    assert!(steps.iter().all(|step| step.replica.version == Some(0)));
    assert!(requests <= most, "{requests}: {:#?}", kinds(&next));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_round_asks_for_newest_versions_by_250_tables() {
    let world = World::new(TABLES).await;
    let record = world.synchronize(40).await;
    let (seldom, often) = (world.serve_to(5_256_000).await, world.serve_to(60).await);
    seldom.keep(&record).await;
    let (plan, without) = seldom.plan().await;
    assert_eq!(plan.summary.groups_sync, 0, "{:?}", plan.summary);
    assert!(plan.groups().all(|(_, group)| group.loss.is_none()));
    let (plan, with) = often.plan().await;
    assert!(plan.groups().all(|(_, group)| group.loss.is_some()));
    eprintln!("{without} {:#?}\n{with} {:#?}", kinds(&seldom), kinds(&often));
    // A statement for all sources, one for all replicas; without, one for the first replica of each group.
    assert!(with <= without + 2, "{without} and {with}");

    // Some are not there any more: those are named, and the rest is asked about by fifty tables again, and not by one.
    for number in [0, 1, 2, 60, 61, 120, 121, 180] {
        std::fs::remove_dir_all(world.source(number).join("_delta_log")).unwrap();
    }
    let often = world.serve_to(60).await;
    let (plan, lost) = often.plan().await;
    eprintln!("{lost} {:#?}", kinds(&often));
    assert!(plan.groups().any(|(_, group)| group.loss.is_some()));
    assert!(lost <= with + 25, "{with} and {lost}");
}
