//! Settings that change: the first record under them tells it, and somebody hears of it unless somebody approved it.

use drsync::apply::{Approval, RunRecord};
use drsync::notify::Class;
use drsync::plan::{ComparedWith, Request, Setting};
use serde_json::json;

use crate::support::world::{Form, World, run_id};

/// A world with one record, in which people are told of things.
async fn recorded(form: Form) -> World {
    let mut world = World::of(form).await;
    world.config["workspaces"][0]["notifications"] = json!({"smtp": {"host": "smtp.test"}});
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(record.settings_changed, [], "there was nothing to compare with");
    let settings = &record.settings["east"];
    assert_eq!(settings.groups["reference"].shrink_percent, 50);
    assert_eq!(settings.workspace.mail_server.as_deref(), Some("smtp.test"));
    world.later(31);
    world
}

fn weaken(world: &mut World) {
    let group = &mut world.groups()[0];
    group["sync_shrink_percent"] = 0.into();
    group["sync_rpo_minutes"] = 499_680.into();
}

fn settings(record: &RunRecord) -> Vec<(Setting, bool)> {
    let changed = record.settings_changed.iter();
    changed
        .flat_map(|changed| changed.changes.iter().map(|change| (change.setting, changed.reviewed)))
        .collect()
}

/// Incidents of weakened protection that a record tells of.
fn told(record: &RunRecord) -> Vec<(Option<&str>, usize)> {
    let standings = &record.notified.as_ref().unwrap().standings;
    let incidents = standings.iter().flat_map(|standing| &standing.incidents);
    let weakened = incidents.filter(|incident| incident.class == Class::ProtectionWeakened);
    let now = weakened.filter(|incident| incident.told.by == record.run_id);
    now.map(|incident| (incident.group.as_deref(), incident.weakened.len())).collect()
}

pub(crate) async fn settings_that_changed_without_a_plan_are_told_by_the_first_record_under_them(
    form: Form,
) {
    let mut world = recorded(form).await;
    weaken(&mut world);
    let first = world.apply().await;
    assert_eq!(settings(&first), [(Setting::Objective, false), (Setting::ShrinkGuard, false)]);
    let with = &first.settings_changed[0].compared_with;
    assert!(
        matches!(with, ComparedWith::Record { run_id: of, .. } if *of == run_id(1)),
        "{with:?}"
    );
    assert_eq!(told(&first), [(Some("reference"), 2)]);
    assert!(first.notified.as_ref().unwrap().messages > 0);
    // It is told once, and what holds now is what holds.
    world.later(31);
    let next = world.apply().await;
    assert_eq!((settings(&next), told(&next)), (vec![], vec![]));
    assert_eq!(next.settings["east"].groups["reference"].shrink_percent, 0);
    // Back again: a change, and nobody has to hear of it.
    world.groups()[0]["sync_shrink_percent"] = 50.into();
    world.later(31);
    let back = world.apply().await;
    assert_eq!((settings(&back), told(&back)), (vec![(Setting::ShrinkGuard, false)], vec![]));
}

pub(crate) async fn a_change_that_somebody_approved_is_recorded_and_told_nobody(form: Form) {
    let mut world = recorded(form).await;
    weaken(&mut world);
    world.config["workspaces"][0]["sync_failure_notification"] = "other@example.com".into();
    world.approval = Approval::ExpectedEffect;
    let record = world.apply().await;
    let expected = [Setting::FailureMail, Setting::Objective, Setting::ShrinkGuard];
    assert_eq!(settings(&record), expected.map(|setting| (setting, true)));
    assert_eq!(told(&record), []);
}

pub(crate) async fn a_stored_plan_that_waited_says_nothing_of_settings_that_changed_meanwhile(
    form: Form,
) {
    let mut world = recorded(form).await;
    let stored = world.plan().await;
    weaken(&mut world);
    world.later(31);
    assert_eq!(told(&world.apply().await), [(Some("reference"), 2)]);
    world.later(1);
    world.planned_now = false;
    let record = world.apply_plan(&stored).await;
    assert_eq!(settings(&record), []);
    assert_eq!(record.settings["east"].groups["reference"].shrink_percent, 0);
    world.planned_now = true;
    world.later(31);
    assert_eq!(settings(&world.apply().await), []);
}

pub(crate) async fn groups_that_an_apply_leaves_out_keep_the_settings_that_are_known_of_them(
    form: Form,
) {
    let mut world = World::of(form).await;
    world.make("main.shop.second", "tables/second").await;
    world.add_group("second", None, &["main.shop.second"]);
    world.apply().await;
    weaken(&mut world);
    world.later(31);
    let only = |group: &str| {
        let mut request = Request::default();
        request.selection.only = vec![group.to_owned()];
        request
    };
    let plan = world.plan_with(only("second")).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(settings(&record), []);
    assert_eq!(record.settings["east"].groups["reference"].shrink_percent, 50);
    // Whoever looks at the group itself tells it.
    world.later(31);
    let plan = world.plan_with(only("reference")).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(settings(&record).len(), 2);
    // A group that left is forgotten once the whole configuration is looked at.
    world.groups().pop();
    world.later(31);
    let record = world.apply().await;
    assert_eq!(record.settings["east"].groups.keys().collect::<Vec<_>>(), ["reference"]);
}
