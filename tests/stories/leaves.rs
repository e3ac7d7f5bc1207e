//! Every value of a plan is changed, digests recomputed and effect unchanged: nothing that is done or kept differs.

use std::path::Path;
use std::process::Command;

use drsync::plan::{Decision, Plan, StoredPlan};
use drsync::region::Location;
use serde_json::{Value, json};

use crate::support::edits::{edits, resealed};
use crate::support::world::{World, batch};

/// Everything that an apply leaves, but for the plan's own identity.
async fn kept(world: &World, record: &drsync::apply::RunRecord) -> String {
    let regions = world.regions();
    let mut left = vec![without_identity(json!(record))];
    for region in [&regions.primary, &regions.secondary] {
        left.push(ledger(region.location.as_ref()).await);
    }
    let mut places = Vec::new();
    replicas(&world.path("west/sync"), &mut places);
    for folder in places {
        let ids = world.ids(&folder).await;
        left.push(json!([folder.display().to_string(), ids]));
    }
    let elsewhere = Command::new("find").arg(world.path("")).output().unwrap();
    let mut files: Vec<&str> = std::str::from_utf8(&elsewhere.stdout)
        .unwrap()
        .lines()
        // Files of data have names of chance; they are counted by what they hold.
        .filter(|path| !path.ends_with(".parquet") && !path.contains("_drsync/evidence/"))
        .collect();
    files.sort_unstable();
    left.push(json!(files));
    format!("{:#}", Value::from(left))
}

async fn ledger(location: &dyn Location) -> Value {
    let copy = location.ledger().await.unwrap();
    let rows = copy.metadata.map(|table| table.rows).unwrap_or_default();
    let cuts = copy.cuts.map(|table| table.cuts).unwrap_or_default();
    let cuts: Vec<Value> = cuts.iter().map(|cut| without_identity(json!(cut))).collect();
    json!({"rows": rows, "cuts": cuts})
}

/// A document without what says which plan it was.
fn without_identity(mut document: Value) -> Value {
    for key in ["plan_id", "plan_sha256", "previous_run_sha256", "record_sha256"] {
        document[key] = Value::Null;
    }
    document
}

/// The folders of replicas under a sync location.
fn replicas(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    if folder.join("_delta_log").is_dir() {
        return found.push(folder.to_path_buf());
    }
    let mut inside: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("_drsync"))
        .collect();
    inside.sort();
    inside.iter().for_each(|path| replicas(path, found));
}

/// Copies a folder with the times of its files.
pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut copy = Command::new("cp");
    let from = from.join(".");
    let done = copy.arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// One group to update, one to create, one blocked, one with nothing new, one that left, and a table that is not protected.
async fn world() -> (World, Plan) {
    let mut world = World::new().await;
    for name in ["quiet", "left", "created"] {
        let table = format!("main.shop.{name}");
        world.make(&table, &format!("tables/{name}")).await;
        if name != "created" {
            world.add_group(name, None, &[&table]);
        }
    }
    assert_eq!(world.apply().await.exit.code, 0);
    world.groups().pop();
    world.add_group("created", None, &["main.shop.created", "main.shop.a_view"]);
    let group = world.groups().last_mut().unwrap();
    group["unprotected_tables"] = json!({"main.shop.a_view": "a view"});
    world.add_group("missing", None, &["main.shop.missing"]);
    world.later(70);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(10);
    // A stored plan, and not one that whoever applies it has just computed.
    world.planned_now = false;
    let plan = world.plan().await;
    let decisions: Vec<Decision> = plan.groups().map(|(_, group)| group.decision).collect();
    let expected = [Decision::Sync, Decision::UpToDate, Decision::Sync, Decision::Blocked];
    assert_eq!(decisions, expected);
    (world, plan)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_outside_of_the_effect_changes_what_is_done_or_kept() {
    let (mut world, plan) = world().await;
    let before = tempfile::tempdir().unwrap();
    copied(&world.path(""), before.path());
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.name, "partial");
    let honest = kept(&world, &record).await;
    let document = serde_json::to_value(&plan).unwrap();
    let (mut refused, mut other, mut applied) = (0, 0, 0);
    for (place, edited) in edits(&document) {
        let Ok(StoredPlan { plan: edited, .. }) = resealed(edited) else {
            refused += 1;
            continue;
        };
        if edited.effect_sha256 != plan.effect_sha256 {
            other += 1;
            continue;
        }
        if edited == plan {
            continue;
        }
        applied += 1;
        std::fs::remove_dir_all(world.path("east")).unwrap();
        std::fs::remove_dir_all(world.path("west")).unwrap();
        copied(before.path(), &world.path(""));
        world.again();
        let record = world.apply_plan(&edited).await;
        let after = kept(&world, &record).await;
        let (pointer, field) = (&place.pointer, &place.field);
        let stale = groups(&after) < groups(&honest);
        assert!(after == honest || stale, "{field} at {pointer}:\n{after}\n--- and not\n{honest}");
    }
    assert!(refused > 200 && other > 50 && applied > 50, "{refused} {other} {applied}");
}

/// How many groups were synchronized: a group whose pins are not what the regions say is not, and that is told.
fn groups(left: &str) -> usize {
    left.matches("\"synchronized\"").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_commit_times_of_a_cut_are_asked_and_not_taken_from_a_plan() {
    let mut world = World::new().await;
    for name in ["first", "second"] {
        world.make(&format!("main.shop.{name}"), &format!("tables/{name}")).await;
    }
    world.add_group("both", None, &["main.shop.first", "main.shop.second"]);
    // So that the time of the other is not the one that the recovery point is judged by.
    world.source_at("tables/second").insert(&batch([4])).await.unwrap();
    world.later(10);
    world.planned_now = false;
    let plan = world.plan().await;
    let honest = plan.groups().find(|(_, group)| group.name == "both").unwrap().1.clone();
    let mut document = serde_json::to_value(&plan).unwrap();
    let groups = document["workspaces"][0]["groups"].as_array_mut().unwrap();
    let group = groups.iter_mut().find(|group| group["name"] == "both").unwrap();
    for step in group["steps"].as_array_mut().unwrap() {
        step["source"]["rows"] = json!(7);
        if step["table"] == "main.shop.first" {
            step["source"]["committed_at"] = json!("2011-01-01T00:00:00.000Z");
        }
    }
    let edited = resealed(document).unwrap().plan;
    assert_eq!(world.apply_plan(&edited).await.exit.code, 0);
    let cuts = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
    for (step, rows) in honest.steps.iter().zip([3, 4]) {
        let entry = cuts.newest("both").unwrap().table(&step.table).unwrap();
        assert_eq!(entry.source_committed_at, step.source.committed_at, "{}", step.table);
        assert_eq!(entry.rows, Some(rows), "{}", step.table);
    }
}
