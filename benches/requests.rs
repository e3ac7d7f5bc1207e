//! Planning a thousand tables on Databricks, every reply 30 ms late: requests and seconds; and quiet rounds that look at the newest
//! versions of all of them against quiet rounds that do not.
//!
//! `cargo bench --bench requests`. The service is the sandbox in the same process, so its own work counts too.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

#[path = "../tests/regions/budget/world.rs"]
mod world;

use std::time::Instant;

use world::World;

const TABLES: usize = 1_000;
const REQUESTS_MAX: usize = 250;
const ROUNDS: usize = 3;
/// Pairs of quiet rounds.
const PAIRS: usize = 7;
/// What a quiet round that looks at the newest versions may cost, in what one costs that does not.
const HEADS_RATIO_MAX: f64 = 1.2;
/// Minutes since somebody looked; `sync_receipt_minutes` by which that is to be done again, and by which it is not.
const LOOKED_BEFORE: i64 = 40;
const OFTEN: i64 = 60;
const SELDOM: i64 = 5_256_000;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let world = World::new(TABLES).await;
    measure(&world, "first sync").await;
    quiet(&World::new(TABLES).await).await;
    world.go_on().await;
    measure(&world, "every table has one new commit").await;
}

/// Rounds of which nothing is due, in pairs: they differ in `sync_receipt_minutes` alone.
async fn quiet(world: &World) {
    let record = world.synchronize(LOOKED_BEFORE).await;
    let (seldom, often) = (world.serve_to(SELDOM).await, world.serve_to(OFTEN).await);
    seldom.keep(&record).await;
    let mut costs = [Vec::new(), Vec::new()];
    let mut requests = [0, 0];
    for _ in 0..PAIRS {
        for (place, served) in [&seldom, &often].into_iter().enumerate() {
            let begun = Instant::now();
            let (plan, sent) = served.plan().await;
            costs[place].push(begun.elapsed().as_secs_f64());
            requests[place] = sent;
            assert_eq!(plan.summary.groups_sync, 0, "{:?}", plan.summary);
            let looked = plan.groups().filter(|(_, group)| group.loss.is_some()).count();
            let expected = if place == 0 { 0 } else { world.groups() };
            assert_eq!(looked, expected, "what is compared is the look alone");
        }
    }
    let [without, with] = costs.map(|costs| costs.into_iter().sum::<f64>() / PAIRS as f64);
    let ratio = with / without;
    println!(
        "a quiet round without newest versions: {} requests, {without:.2} s; with them: {} requests, {with:.2} s; ratio {ratio:.2}",
        requests[0], requests[1]
    );
    assert!(ratio <= HEADS_RATIO_MAX, "{ratio:.2}");
}

async fn measure(world: &World, what: &str) {
    let served = world.serve().await;
    let mut seconds = Vec::new();
    let mut requests = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let (plan, sent) = served.plan().await;
        seconds.push(begun.elapsed().as_secs_f64());
        assert_eq!(plan.summary.groups_sync, world.groups());
        assert!(sent <= REQUESTS_MAX, "{sent}");
        requests = requests.max(sent);
    }
    seconds.sort_by(f64::total_cmp);
    println!("{what}: {requests} requests, median {:.2} s of {seconds:.2?}", seconds[ROUNDS / 2]);
}
