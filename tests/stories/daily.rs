//! Once a day all groups are looked at by whatever runs, so that what happens to one that is not due is told all the same.

use serde_json::Value;

use crate::support::world::{World, batch};

fn apply(world: &World, only: &[&str]) -> (i32, Value) {
    let arguments = [&["apply", "--auto-approve", "--json"], only].concat();
    let output = world.drsync(&arguments).output();
    let record = serde_json::from_slice(&output.stdout);
    let record = record.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), record)
}

/// How the group ended that its workflow makes due, and never again.
fn of_orders(record: &Value) -> &Value {
    let groups = record["groups"].as_array().unwrap();
    &groups.iter().find(|group| group["name"] == "orders").unwrap()["ending"]
}

/// A world in which `orders` is synchronized, and due again by nothing but its workflow, which never runs again. Returns when all
/// groups were looked at.
async fn world_at_rest() -> (World, Value) {
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
    let looks = record["whole_looks"].clone();
    assert_eq!(looks[0]["workspace"], "east", "{record}");
    (world, looks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_someone_writes_to_a_replica_is_told_by_the_next_round_due_or_not() {
    let (mut world, looks) = world_at_rest().await;
    world.later(10);
    world.replica("main.shop.orders").insert(&batch([666])).await.unwrap();
    world.later(20);
    // It stays so, though nobody looks at everything again for a day.
    for _ in 0..3 {
        let (code, record) = apply(&world, &[]);
        assert_eq!(code, 4, "{record}");
        assert_eq!(of_orders(&record)["findings"][0]["code"], "replica_changed", "{record}");
        assert_eq!(record["whole_looks"], looks, "{record}");
        world.later(30);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_lost_a_file_is_found_within_a_day_due_or_not() {
    let (mut world, looks) = world_at_rest().await;
    world.later(10);
    let replica = world.path("west/sync/main/shop/orders");
    let mut files = std::fs::read_dir(&replica).unwrap().map(|entry| entry.unwrap().path());
    let lost = files.find(|path| path.extension().is_some_and(|it| it == "parquet"));
    std::fs::remove_file(lost.unwrap()).unwrap();
    for minutes in [20, 23 * 60] {
        world.later(minutes);
        let (_, record) = apply(&world, &[]);
        assert_eq!(record["whole_looks"], looks, "{record}");
        assert_ne!(of_orders(&record)["kind"], "synchronized", "{record}");
    }
    // An apply of another group is none of all.
    world.later(60);
    let (_, record) = apply(&world, &["--only", "reference"]);
    assert_eq!(record["whole_looks"], looks, "{record}");
    let (code, record) = apply(&world, &[]);
    assert_eq!(code, 0, "{record}");
    assert_eq!(of_orders(&record)["kind"], "synchronized", "{record}");
    assert_ne!(record["whole_looks"], looks, "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_not_due_is_told_to_be_behind_its_objective_by_what_came_to_its_sources() {
    let (mut world, _) = world_at_rest().await;
    world.groups()[1]["sync_rpo_minutes"] = 60.into();
    std::fs::write(world.path("drsync.json"), world.config.to_string()).unwrap();
    world.later(10);
    world.source_at("tables/orders").insert(&batch([666])).await.unwrap();
    let lag = |world: &World| {
        let output = world.drsync(&["plan", "--json"]).output();
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
        let groups = plan["workspaces"][0]["groups"].as_array().unwrap();
        let orders = groups.iter().find(|group| group["name"] == "orders").unwrap().clone();
        let breached = plan["warnings"].to_string().contains("rpo_breached");
        assert_eq!(orders["decision"], "waiting", "{orders}");
        (orders["lag_seconds"].as_i64(), breached)
    };
    world.later(30);
    assert_eq!(lag(&world), (Some(30 * 60), false));
    world.later(40);
    assert_eq!(lag(&world), (Some(70 * 60), true));
}
