//! Cuts that both logs lost: run records tell of them, whatever came later, and no number is given again.

use std::path::Path;
use std::process::Command;

use drsync::apply::RunWarningCode;
use drsync::ledger::AcceptedRisk;
use drsync::plan::document::Selection;
use drsync::plan::{FindingCode, GroupPlan, Plan, Request, WarningCode};
use serde_json::{Value, json};

use crate::support::world::{Form, World, batch, run_id};

/// Records of other groups that come later: more than are read at once.
const LATER: u32 = 40;
/// Files among the records that are none, and records of moments to come.
const JUNK: u32 = 5;

fn only(group: &str) -> Request {
    let selection = Selection { only: vec![group.to_owned()], ..Selection::default() };
    Request { selection, ..Request::default() }
}

/// A world of the groups `reference` and `other` with a cut each.
async fn world(form: Form) -> World {
    let mut world = World::of(form).await;
    world.make("main.shop.prices", "tables/prices").await;
    world.add_group("other", None, &["main.shop.prices"]);
    world.apply().await;
    world
}

/// Brings `reference` to its second cut, of which the logs and rows of both regions then know nothing any more.
async fn lose_the_second_cut(world: &mut World) {
    let older = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    let tables = ["sync_cuts", "sync_metadata"];
    let place = |world: &World, region: &str, table: &str| {
        world.path(region).join("sync/_drsync").join(table)
    };
    for region in ["east", "west"] {
        std::fs::create_dir(older.path().join(region)).unwrap();
        for table in tables {
            copy(&place(world, region, table), &older.path().join(region).join(table));
        }
    }
    world.later(12 * 60);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(1);
    let plan = world.plan_with(only("reference")).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.groups[0].cut, Some(2), "{:?}", record.groups);
    for region in ["east", "west"] {
        for table in tables {
            std::fs::remove_dir_all(place(world, region, table)).unwrap();
            copy(&older.path().join(region).join(table), &place(world, region, table));
        }
    }
}

/// A record as the first versions wrote it, of one group.
fn early_record(id: &str, group: &str, cut: u64) -> Value {
    json!({
        "kind": "drsync.run", "format_version": "1.1", "run_id": id, "plan_id": "P", "plan_sha256": "p",
        "effect_sha256": "e", "started_at": "2026-11-22T10:00:00.000Z",
        "ended_at": "2026-11-22T10:00:01.000Z", "actor": "user:a", "exit": {"code": 0, "name": "ok"},
        "groups": [{"workspace": "east", "name": group, "outcome": "up_to_date", "cut": cut, "tables": []}],
        "summary": {"synchronized": 0, "failed": 0, "blocked": 0, "not_started": 0, "copied_files": 0, "copied_bytes": 0},
    })
}

/// Puts a document among the run records of the secondary, where it stays.
async fn keep(world: &World, id: &str, bytes: &[u8]) {
    let secondary = world.regions().secondary;
    secondary.location.keep_evidence(&format!("{id}.run.json"), bytes).await.unwrap();
}

fn reference(plan: &Plan) -> &GroupPlan {
    plan.groups().find(|(_, plan)| plan.name == "reference").unwrap().1
}

/// The loss blocks `reference` alone; once somebody goes on without the cut, its number is not given again.
async fn assert_told(world: &World) {
    let plan = world.plan().await;
    let blocking = |(_, group): (_, &GroupPlan)| {
        let findings = group.findings.iter().filter(|finding| finding.blocks());
        let codes: Vec<FindingCode> = findings.map(|finding| finding.code).collect();
        (!codes.is_empty()).then(|| (group.name.clone(), codes))
    };
    let blocked: Vec<_> = plan.groups().filter_map(blocking).collect();
    assert_eq!(blocked, [("reference".to_owned(), vec![FindingCode::LedgerLost])]);
    let risk = AcceptedRisk {
        code: "ledger_lost".to_owned(),
        scope: "reference".to_owned(),
        reason: "there is no newer copy".to_owned(),
    };
    let plan = world.plan_with(Request { accepted: vec![risk], ..Request::default() }).await;
    assert_eq!(reference(&plan).next_cut(), 3, "{:?}", reference(&plan).findings);
}

pub(crate) async fn a_lost_cut_is_told_whatever_records_of_other_groups_and_junk_came_later(
    form: Form,
) {
    let mut world = world(form).await;
    lose_the_second_cut(&mut world).await;
    assert_told(&world).await;
    for number in 0..LATER {
        let id = run_id(1_000 + number);
        keep(&world, &id, early_record(&id, "other", 1).to_string().as_bytes()).await;
    }
    for number in 0..JUNK {
        keep(&world, &run_id(2_000 + number), b"{}").await;
        let id = format!("7ZZZZZZZZZ{}", &run_id(number)[10..]);
        keep(&world, &id, early_record(&id, "other", 1).to_string().as_bytes()).await;
    }
    assert_told(&world).await;
}

pub(crate) async fn a_record_tells_the_newest_cut_of_groups_that_its_apply_was_not_of(form: Form) {
    let mut world = world(form).await;
    lose_the_second_cut(&mut world).await;
    let plan = world.plan_with(only("other")).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.groups.len(), 1);
    let known = &record.newest_cuts["east"];
    assert_eq!((known["reference"], known["other"]), (2, 1), "{known:?}");
    // The record of a runner that knew less, and whose clock is ahead, is the newest by its name.
    let id = run_id(5_000);
    let mut ahead = early_record(&id, "other", 1);
    ahead["newest_cuts"] = json!({"east": {"reference": 1, "other": 1}});
    keep(&world, &id, ahead.to_string().as_bytes()).await;
    assert_told(&world).await;
}

pub(crate) async fn no_number_in_a_record_that_no_cut_can_have_stops_anything(form: Form) {
    let world = world(form).await;
    for (place, number) in [
        json!(-1),
        json!(u64::MAX),
        json!(i64::MAX),
        json!((1_u64 << 53) + 1),
        json!("2"),
        json!(1.5),
    ]
    .into_iter()
    .enumerate()
    {
        let id = run_id(1_000 + place as u32);
        let mut odd = early_record(&id, "reference", 1);
        odd["groups"][0]["cut"] = number.clone();
        odd["newest_cuts"] = json!({"east": {"reference": number, "other": number}});
        keep(&world, &id, odd.to_string().as_bytes()).await;
    }
    let plan = world.plan().await;
    assert!(plan.groups().all(|(_, group)| group.findings.is_empty()), "{plan:?}");
}

pub(crate) async fn what_is_no_record_tells_nothing_hides_nothing_and_is_not_copied(form: Form) {
    let mut world = world(form).await;
    let scrap = |id: &str, newest: Value| {
        json!({"run_id": id, "groups": [], "newest_cuts": {"east": newest}}).to_string()
    };
    let telling = run_id(6_000);
    let text = scrap(&telling, json!({"reference": 9, "other": 9}));
    keep(&world, &telling, text.as_bytes()).await;
    // What a later look can tell from a record is no record either.
    let timeless = run_id(6_001);
    let mut odd = early_record(&timeless, "reference", 9);
    odd["ended_at"] = "soon".into();
    keep(&world, &timeless, odd.to_string().as_bytes()).await;
    let plan = world.plan().await;
    assert!(plan.groups().all(|(_, group)| group.findings.is_empty()), "{plan:?}");
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.newest_cuts["east"]["reference"], 1, "{:?}", record.newest_cuts);
    let primary = world.regions().primary;
    for id in [&telling, &timeless] {
        let name = format!("{id}.run.json");
        assert_eq!(primary.location.evidence(&name).await.unwrap(), None);
        let mut told = record.warnings.iter();
        let passed_over = |warning: &drsync::apply::RunWarning| {
            warning.code == RunWarningCode::EvidencePassedOver
                && warning.message.to_string().contains(&name)
        };
        assert!(told.any(passed_over), "{:?}", record.warnings);
    }
    // More of it than records are read at once.
    lose_the_second_cut(&mut world).await;
    for number in 0..LATER {
        let id = run_id(7_000 + number);
        keep(&world, &id, scrap(&id, json!({})).as_bytes()).await;
    }
    assert_told(&world).await;
}

pub(crate) async fn where_signatures_are_asked_for_only_a_signed_record_witnesses_a_cut(
    form: Form,
) {
    let mut world = world(form).await;
    let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let asked = || Request { record_keys: vec![keys.pk.to_base64()], ..Request::default() };
    let id = run_id(6_000);
    let forged = early_record(&id, "reference", 9).to_string();
    keep(&world, &id, forged.as_bytes()).await;
    let told = |plan: &Plan| {
        let mut warnings = plan.warnings.iter();
        warnings.any(|warning| {
            warning.code == WarningCode::RecordNotBelieved
                && warning.message.to_string().contains(&id)
        })
    };
    let lost = |plan: &Plan| {
        let mut findings = reference(plan).findings.iter();
        findings.any(|finding| finding.code == FindingCode::LedgerLost)
    };
    // Whoever asks for no signature believes it.
    let plan = world.plan().await;
    assert!(lost(&plan) && !told(&plan), "{:?}", plan.warnings);
    let plan = world.plan_with(asked()).await;
    assert!(!lost(&plan) && told(&plan), "{:?}", plan.warnings);
    world.record_keys = vec![keys.pk.to_base64()];
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.newest_cuts["east"]["reference"], 1, "{:?}", record.newest_cuts);
    // The same bytes with the runner's signature beside them.
    let signature = minisign::sign(None, &keys.sk, forged.as_bytes(), Some("a record"), None);
    let name = format!("{id}.run.json.minisig");
    let text = signature.unwrap().into_string();
    world.regions().secondary.location.keep_evidence(&name, text.as_bytes()).await.unwrap();
    let plan = world.plan_with(asked()).await;
    assert!(lost(&plan) && !told(&plan), "{:?}", plan.warnings);
}
