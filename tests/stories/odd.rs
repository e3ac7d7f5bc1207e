//! Rows of the cut log that are no cuts: they stop their group, with the remedy, and no other.

use chrono::Utc;
use drsync::apply::{Ending, Event, EventKind, Failed, GroupOutcome};
use drsync::lakehouse::Writer;
use drsync::lakehouse::write::WritableTable;
use drsync::ledger::Cut;
use drsync::plan::{Advice, Decision, Deed, FindingCode, Plan, Remedy, Request, WarningCode};
use drsync::region::Appended;
use serde_json::{Value, json};

use crate::support::world::{Form, World, batch};

const YEAR_10000_MICROS: i64 = 253_402_300_800_000_000;
const FORGED: &str = "01FORGED000000000000000000";

/// The cut log of a region as somebody else would write to it.
fn log(world: &World, region: &str) -> WritableTable {
    let writer =
        Writer { user: "someone@example.com".to_owned(), clock: std::sync::Arc::new(Utc::now) };
    WritableTable::at(world.path(region).join("sync/_drsync/sync_cuts"), writer).when(world.now)
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
    let newest =
        copy.location.ledger().await.unwrap().all_cuts().newest("reference").unwrap().clone();
    let forged = Cut { cut_number: 5, run_id: FORGED.to_owned(), ..newest };
    copy.location.copy_cuts(&[forged]).await.unwrap();
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
        ("east", "cut_number", json!(0)),
        ("west", "cut_number", Value::Null),
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
        let plan = world.plan().await;
        assert_eq!(decision(&plan, "other"), Decision::Sync, "{case}");
        let (_, group) = plan.groups().find(|(_, plan)| plan.name == "reference").unwrap();
        assert_eq!(group.decision, Decision::Blocked, "{case}");
        let [finding] = &group.findings[..] else {
            panic!("{case}: {:?}", group.findings);
        };
        assert_eq!(finding.code, FindingCode::LedgerDiverged, "{case}");
        let place = world.path(region).join("sync/_drsync/sync_cuts").display().to_string();
        assert!(finding.message.to_string().contains(&place), "{case}: {}", finding.message);
        let Some(Remedy::Advice(Advice { deed, words: remedy })) = &finding.remedy else {
            panic!("{case}: {:?}", finding.remedy);
        };
        assert!(
            remedy.to_string().contains(&format!("delete that row from {place}")),
            "{case}: {remedy}"
        );
        assert_eq!(*deed, Some(Deed::DeleteRow { location: place }), "{case}");
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

pub(crate) async fn a_row_that_comes_while_an_apply_works_keeps_its_cut_out_of_both_copies(
    form: Form,
) {
    for region in ["east", "west"] {
        let mut world = world(form).await;
        let plan = world.plan().await;
        let twin = world.twin();
        let watch = |event: &Event| {
            if let EventKind::GroupStarted { group, .. } = &event.what
                && group == "reference"
            {
                let of_later = |row: &mut Value| row["consistency"] = json!("of a later version");
                let forged = forge(&twin, region, of_later);
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(forged));
            }
        };
        let record = world.apply_watching(&plan, &watch).await;
        let group = |name: &str| record.groups.iter().find(|group| group.name == name).unwrap();
        assert_eq!(group("other").outcome, GroupOutcome::Synchronized, "{region}");
        let found = Failed::Found { code: FindingCode::LedgerDiverged, table: None };
        assert_eq!(group("reference").ending, Some(Ending::Failed(found)), "{region}");
        for copy in [world.regions().primary, world.regions().secondary] {
            let cuts = copy.location.ledger().await.unwrap().all_cuts();
            let newest = cuts.newest("reference").map(|cut| cut.cut_number);
            assert_eq!(newest, Some(1), "{region}");
        }
    }
}

/// Gives the cut log of a region a column that no version of drsync writes.
async fn add_note(world: &World, region: &str) {
    let folder = world.path(region).join("sync/_drsync/sync_cuts/_delta_log");
    let mut commits: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    commits.retain(|path| path.extension().is_some_and(|it| it == "json"));
    commits.sort();
    let texts = commits.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let text: String = texts.collect();
    let mut actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut metadata = actions.rfind(|action| action.get("metaData").is_some()).unwrap();
    let schema = metadata["metaData"]["schemaString"].as_str().unwrap();
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    let note = json!({"name": "note", "type": "double", "nullable": true, "metadata": {}});
    schema["fields"].as_array_mut().unwrap().push(note);
    metadata["metaData"]["schemaString"] = schema.to_string().into();
    log(world, region).other("ADD COLUMNS", vec![metadata]).await.unwrap();
}

pub(crate) async fn a_row_of_no_group_that_is_looked_at_is_told_with_its_remedy_and_stops_nothing(
    form: Form,
) {
    for (region, of_no_group) in [("east", false), ("west", false), ("east", true), ("west", true)]
    {
        let case = format!("{region} {of_no_group}");
        let mut world = world(form).await;
        if !of_no_group {
            add_note(&world, region).await;
        }
        forge(&world, region, |row| {
            if of_no_group {
                row["group_name"] = Value::Null
            } else {
                row["group_name"] = "invented".into();
                row["note"] = 1.5.into();
            }
        })
        .await;
        // What names no group Databricks tells a full look alone.
        let content = form == Form::Sandbox && of_no_group;
        let plan = world.plan_with(Request { content, ..Request::default() }).await;
        for group in ["reference", "other"] {
            assert_eq!(decision(&plan, group), Decision::Sync, "{case}");
        }
        let odd = plan.warnings.iter().filter(|it| it.code == WarningCode::LedgerOddRow);
        let told: Vec<String> = odd.map(|warning| warning.message.to_string()).collect();
        let [told] = &told[..] else {
            panic!("{case}: {:?}", plan.warnings);
        };
        let place = world.path(region).join("sync/_drsync/sync_cuts").display().to_string();
        let named = if of_no_group {
            "cut 5 of no group, because it names no group"
        } else {
            "cut 5 of invented, because it says something of note"
        };
        for part in [place.as_str(), named, "delete them there with any Delta writer"] {
            assert!(told.contains(part), "{case}: {told}");
        }
        let record = world.apply_plan(&plan).await;
        assert!(record.warnings.is_empty(), "{case}: {:?}", record.warnings);
        assert_eq!(record.exit.code, 0, "{case}: {:?}", record.groups);
        let regions = world.regions();
        let [east, west] = [&regions.primary, &regions.secondary].map(async |region| {
            let cuts = region.location.ledger().await.unwrap().all_cuts();
            cuts.newest_of_each()
                .map(|cut| (cut.group_name.clone(), cut.cut_number))
                .collect::<Vec<_>>()
        });
        let both = [("other".to_owned(), 2), ("reference".to_owned(), 2)];
        assert_eq!(east.await, both, "{case}");
        assert_eq!(west.await, both, "{case}");
    }
}

pub(crate) async fn nothing_is_cloned_where_no_number_is_left_for_the_cut(form: Form) {
    let mut world = world(form).await;
    let newest = {
        let copy = world.regions().secondary.location.ledger().await.unwrap().all_cuts();
        copy.newest("reference").unwrap().clone()
    };
    let previous_sha256 = Some(newest.sha256());
    let last = (1_u64 << 53) - 2;
    let run_id = FORGED.to_owned();
    let forged = Cut { cut_number: last, run_id, previous_sha256, ..newest };
    let appended =
        world.regions().secondary.location.append_cuts(&[forged]).await.pop().unwrap().unwrap();
    assert_eq!(appended, Appended::Committed);
    let plan = world.plan().await;
    assert_eq!(decision(&plan, "other"), Decision::Sync);
    let (_, group) = plan.groups().find(|(_, plan)| plan.name == "reference").unwrap();
    assert_eq!(group.decision, Decision::Blocked);
    let codes: Vec<FindingCode> = group.findings.iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&FindingCode::LedgerDiverged), "{:?}", group.findings);
    let remedy = group.findings.iter().filter_map(|finding| finding.remedy.as_ref());
    let remedy: String = remedy.map(ToString::to_string).collect();
    assert!(remedy.to_string().contains(&format!("delete cut {last}")), "{remedy}");
    let record = world.apply_plan(&plan).await;
    let outcome =
        |group: &str| record.groups.iter().find(|record| record.name == group).unwrap().outcome;
    assert_eq!(outcome("other"), GroupOutcome::Synchronized, "{:?}", record.groups);
    assert_eq!(outcome("reference"), GroupOutcome::Blocked);
    // What was told of the number while it stood in the log is not believed once it is gone.
    for region in ["east", "west"] {
        log(&world, region).delete(|row| row["run_id"] == FORGED).await.unwrap();
    }
    let record = world.apply().await;
    let done = record.groups.iter().find(|record| record.name == "reference").unwrap();
    assert_eq!((done.outcome, done.cut), (GroupOutcome::Synchronized, Some(2)), "{done:?}");
    assert_eq!(record.newest_cuts["east"]["reference"], 2);
}
