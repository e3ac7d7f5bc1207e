//! Rows of the cut log that are no cuts: they stop their group, with the remedy, and no other.

use chrono::Utc;
use drsync::apply::GroupOutcome;
use drsync::lakehouse::Writer;
use drsync::lakehouse::write::Table;
use drsync::ledger::Cut;
use drsync::plan::{Decision, FindingCode, Plan, Remedy, Request};
use serde_json::{Value, json};

use crate::world::{Form, World, batch};

const YEAR_10000_MICROS: i64 = 253_402_300_800_000_000;
const FORGED: &str = "01FORGED000000000000000000";

/// The cut log of a region as somebody else would write to it.
fn log(world: &World, region: &str) -> Table {
    let writer =
        Writer { user: "someone@example.com".to_owned(), clock: std::sync::Arc::new(Utc::now) };
    Table::at(world.path(region).join("sync/_drsync/sync_cuts"), writer).when(world.now)
}

/// A world of the groups `reference` and `other` with a cut each, both of which are due again.
async fn world(form: Form) -> World {
    let mut world = World::of(form).await;
    let prices = world.make("main.shop.prices", "tables/prices").await;
    world.add_group("other", None, &["main.shop.prices"]);
    world.apply().await;
    world.later(12 * 60);
    world.countries().insert(&batch([4])).await.unwrap();
    prices.when(world.now).insert(&batch([4])).await.unwrap();
    world.later(1);
    world
}

fn decision(plan: &Plan, group: &str) -> Decision {
    plan.groups().find(|(_, plan)| plan.name == group).unwrap().1.decision
}

/// A row beside the cuts of `reference`, which is made odd by `change`.
async fn forge(world: &World, region: &str, change: impl Fn(&mut Value)) {
    let regions = world.regions();
    let copy = if region == "east" { regions.primary } else { regions.secondary };
    let newest = copy.ledger().await.unwrap().all_cuts().newest("reference").unwrap().clone();
    let forged = Cut { cut_number: 5, run_id: FORGED.to_owned(), ..newest };
    copy.copy_cuts(&[forged]).await.unwrap();
    let is_forged = |row: &Value| row["run_id"] == FORGED;
    log(world, region)
        .update(|row| {
            let forged = is_forged(row);
            if forged {
                change(row);
            }
            forged
        })
        .await
        .unwrap();
}

pub(crate) async fn a_row_of_the_log_that_is_no_cut_stops_its_group_and_the_remedy_is_named(
    form: Form,
) {
    let odd = [
        ("east", "cut_number", json!(i64::MAX)),
        ("west", "cut_number", json!(i64::MAX)),
        ("west", "cut_number", json!((1_u64 << 53) + 1)),
        ("west", "cut_number", json!(-1)),
        ("west", "epoch", json!(-1)),
        ("west", "committed_at", json!(YEAR_10000_MICROS)),
        ("east", "recovery_point", json!(i64::MAX)),
        ("west", "consistency", json!("of a later version")),
    ];
    for (region, column, value) in odd {
        let case = format!("{region} {column} {value}");
        // No document can say it, so the sandbox has no answer to who asks for it.
        let beyond_words = column == "recovery_point";
        if beyond_words && form == Form::Sandbox {
            continue;
        }
        let mut world = world(form).await;
        forge(&world, region, |row| row[column] = value.clone()).await;
        // What is not beyond the newest cut Databricks tells a full look alone.
        let content = form == Form::Sandbox && value == json!(-1) && column == "cut_number";
        let plan = world.plan_with(Request { content, ..Request::default() }).await;
        assert_eq!(decision(&plan, "other"), Decision::Sync, "{case}");
        let (_, group) = plan.groups().find(|(_, plan)| plan.name == "reference").unwrap();
        assert_eq!(group.decision, Decision::Blocked, "{case}");
        let [finding] = &group.findings[..] else {
            panic!("{case}: {:?}", group.findings);
        };
        assert_eq!(finding.code, FindingCode::LedgerDiverged, "{case}");
        let place = world.path(region).join("sync/_drsync/sync_cuts").display().to_string();
        assert!(finding.message.contains(&place), "{case}: {}", finding.message);
        let Some(Remedy::Words(remedy)) = &finding.remedy else {
            panic!("{case}: {:?}", finding.remedy);
        };
        assert!(remedy.contains(&format!("delete that row from {place}")), "{case}: {remedy}");
        let record = world.apply_plan(&plan).await;
        let outcome =
            |group: &str| record.groups.iter().find(|record| record.name == group).unwrap().outcome;
        assert_eq!(outcome("other"), GroupOutcome::Synchronized, "{case}: {:?}", record.groups);
        assert_eq!(outcome("reference"), GroupOutcome::Blocked, "{case}");
        if beyond_words {
            continue;
        }
        // Nobody has touched the row but who was asked to, and then the group goes on.
        let deleted = log(&world, region).delete(|row| row["run_id"] == FORGED).await;
        deleted.unwrap();
        let record = world.apply().await;
        let done = record.groups.iter().find(|record| record.name == "reference").unwrap();
        assert_eq!(
            (done.outcome, done.cut),
            (GroupOutcome::Synchronized, Some(2)),
            "{case}: {:?}",
            record.groups
        );
    }
}

pub(crate) async fn a_row_that_comes_between_plan_and_apply_stops_its_group_alone(form: Form) {
    let mut world = world(form).await;
    let plan = world.plan().await;
    forge(&world, "west", |row| row["cut_number"] = json!(i64::MAX)).await;
    let record = world.apply_plan(&plan).await;
    let outcomes: Vec<_> =
        record.groups.iter().map(|group| (group.name.as_str(), group.outcome)).collect();
    let expected = [("reference", GroupOutcome::Stale), ("other", GroupOutcome::Synchronized)];
    assert_eq!(outcomes, expected, "{:?}", record.groups);
}
