//! Once a day all groups are looked at by whatever runs, so that what happens to one that is not due is told all the same.

use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::process::drsync;
use crate::support::world::{World, batch};

fn apply(world: &World, only: &[&str]) -> (i32, Value) {
    let arguments = [&["apply", "--auto-approve", "--json"], only].concat();
    let output: Output =
        drsync(world, &arguments).stdin(Stdio::null()).stdout(Stdio::piped()).output().unwrap();
    let record = serde_json::from_slice(&output.stdout);
    let record = record.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), record)
}

/// How the group ended that its workflow makes due, and never again.
fn of_orders(record: &Value) -> &Value {
    let groups = record["groups"].as_array().unwrap();
    &groups.iter().find(|group| group["name"] == "orders").unwrap()["ending"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_someone_wrote_to_is_told_within_a_day_due_or_not_and_until_it_is_mended() {
    let mut world = World::new().await;
    world.make("main.shop.orders", "tables/orders").await;
    world.add_group("orders", Some("orders_job"), &["main.shop.orders"]);
    world.groups()[1]["sync_schedule"] = "0 0 1 1 *".into();
    world.workspace().add_job(1, "orders_job").unwrap();
    let ago = |minutes| world.now - chrono::TimeDelta::minutes(minutes);
    world.workspace().add_run(1, 1, ago(30), Some(ago(20)), "SUCCESS").unwrap();
    std::fs::write(world.path("drsync.json"), world.config.to_string()).unwrap();
    let (code, record) = apply(&world, &[]);
    assert_eq!(code, 0, "{record}");
    let first = record["whole_looks"].clone();
    assert_eq!(first[0]["workspace"], "east", "{record}");

    world.later(10);
    world.replica("main.shop.orders").insert(&batch([666])).await.unwrap();
    for minutes in [20, 23 * 60] {
        world.later(minutes);
        let (_, record) = apply(&world, &[]);
        assert_eq!(record["whole_looks"], first, "{record}");
        assert_ne!(of_orders(&record)["kind"], "blocked", "{record}");
    }
    // An apply of another group is none of all.
    world.later(60);
    let (_, record) = apply(&world, &["--only", "reference"]);
    assert_eq!(record["whole_looks"], first, "{record}");
    let (code, record) = apply(&world, &[]);
    assert_eq!(code, 4, "{record}");
    assert_eq!(of_orders(&record)["findings"][0]["code"], "replica_changed", "{record}");
    assert_ne!(record["whole_looks"], first, "{record}");
    // It stays so, though nobody looks at everything again for a day.
    world.later(30);
    let (code, record) = apply(&world, &[]);
    assert_eq!(code, 4, "{record}");
    assert_eq!(of_orders(&record)["findings"][0]["code"], "replica_changed", "{record}");
}
