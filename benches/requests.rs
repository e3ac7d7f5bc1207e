//! Planning a thousand tables on Databricks, every reply 30 ms late: requests and seconds.
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

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let world = World::new(TABLES).await;
    measure(&world, "first sync").await;
    world.go_on().await;
    measure(&world, "every table has one new commit").await;
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
