//! What a configuration changes of the protection: every setting, weakened and strengthened, told wherever a plan is read.

use std::collections::BTreeSet;

use drsync::plan::{
    ComparedWith, Direction, Plan, Setting, SettingChange, Settings, SettingsBefore,
};
use drsync::render::sections::plan::{comment, report};
use drsync::render::writers::BUDGET;
use drsync::render::writers::{Form, write};
use serde_json::{Value, json};

use super::world::World;

/// One setting: where it stands, a stronger value and a weaker one, and what of it changes.
struct Case {
    at: &'static str,
    strong: Value,
    weak: Value,
    changes: &'static [Setting],
}

const REFERENCE: &str = "/sync_groups/1";

fn case(at: &'static str, strong: Value, weak: Value, changes: &'static [Setting]) -> Case {
    Case { at, strong, weak, changes }
}

fn of_groups() -> Vec<Case> {
    let (daily, yearly) = (json!("0 2 * * *"), json!("0 2 1 1 *"));
    let owners = [json!("a@example.com, b@example.com"), json!("B@example.com")];
    let ends = [json!("2026-12-01"), json!("2027-11-01T06:00:00Z")];
    let table = json!({"main.shop.lines": "too big"});
    vec![
        case(
            "sync_schedule",
            daily,
            yearly,
            &[Setting::Schedule, Setting::Objective, Setting::MaxLag],
        ),
        case("sync_rpo_minutes", json!(720), json!(499_680), &[Setting::Objective]),
        case("sync_max_lag_minutes", json!(1_440), json!(2_880), &[Setting::MaxLag]),
        case("sync_max_lag_minutes", json!(1_440), json!(0), &[Setting::MaxLag]),
        case("sync_min_interval_minutes", json!(30), json!(600), &[Setting::MinInterval]),
        case("sync_receipt_minutes", json!(60), json!(1_440), &[Setting::Receipt]),
        case("sync_replica_retention_days", json!(30), json!(1), &[Setting::ReplicaRetention]),
        case("sync_shrink_percent", json!(50), json!(0), &[Setting::ShrinkGuard]),
        case("sync_max_retries", json!(3), json!(0), &[Setting::Retries]),
        case("paused", Value::Null, json!("the move"), &[Setting::Paused]),
        case("paused_until", ends[0].clone(), ends[1].clone(), &[Setting::Paused]),
        case("paused_until", ends[0].clone(), Value::Null, &[Setting::Paused]),
        case("unprotected_tables", Value::Null, table, &[Setting::Unprotected]),
        case("group_owner_email", owners[0].clone(), owners[1].clone(), &[Setting::Owners]),
    ]
}

fn of_the_workspace() -> Vec<Case> {
    let told = |more: Value| {
        let mut told = json!({"smtp": {"host": "smtp.example.com"}});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told
    };
    let hook = |events: Value| {
        told(json!({"webhooks": [{"kind": "slack", "url_secret": "slack-dr", "events": events}]}))
    };
    let two = json!("ops@example.com, oncall@example.com");
    let west = json!("/world/west");
    let beat = told(json!({"heartbeat": {"url_secret": "heartbeat"}}));
    let at = "notifications";
    vec![
        case("sync_failure_notification", two, json!("ops@example.com"), &[Setting::FailureMail]),
        case(at, told(json!({})), Value::Null, &[Setting::MailServer]),
        case(at, hook(json!(["failing", "recovered"])), told(json!({})), &[Setting::Webhooks]),
        case(
            at,
            hook(json!(["failing", "recovered"])),
            hook(json!(["recovered"])),
            &[Setting::Webhooks],
        ),
        case(at, beat, told(json!({})), &[Setting::Heartbeat]),
        case(at, told(json!({})), told(json!({"reminder_hours": 240})), &[Setting::Reminder]),
        case("secondary_workspace_instance_url", west, Value::Null, &[Setting::SecondaryWorkspace]),
        case("plan_max_age_hours", json!(72), json!(8_760), &[Setting::PlanMaxAge]),
    ]
}

/// The world of a configuration with a key set in an object of its workspace.
fn world(object: &str, key: &str, value: &Value) -> World {
    World::with(|config| {
        let workspace = &mut config["workspaces"][0];
        // So that every table is not unprotected at once, the group of two tables is the one that is changed.
        let groups = workspace["sync_groups"].as_array_mut().unwrap();
        groups.reverse();
        let of = workspace.pointer_mut(object).unwrap();
        if key == "paused_until" {
            of["paused"] = "the move".into();
        }
        match value {
            Value::Null => drop(of.as_object_mut().unwrap().remove(key)),
            value => of[key] = value.clone(),
        }
    })
}

fn settings(world: &World) -> Settings {
    Settings::of(&world.observed.workspaces[0].workspace)
}

/// The plan of a world, compared with the settings of another.
fn compared(mut world: World, before: &World) -> Plan {
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    world.workspace().settings_before = Some(SettingsBefore { of, settings: settings(before) });
    world.request.selection.changed = true;
    world.plan()
}

fn changed(plan: &Plan) -> (BTreeSet<Setting>, BTreeSet<Direction>) {
    let changes: &Vec<SettingChange> = &plan.workspaces[0].settings_changes;
    let settings = changes.iter().map(|change| change.setting).collect();
    (settings, changes.iter().map(|change| change.direction).collect())
}

fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    let groups = of_groups().into_iter().map(|case| (REFERENCE, case));
    groups.chain(of_the_workspace().into_iter().map(|case| ("", case)))
}

#[test]
fn each_setting_that_protects_less_is_a_danger_and_has_another_effect() {
    for (object, Case { at, strong, weak, changes }) in cases() {
        let (before, after) = (world(object, at, &strong), world(object, at, &weak));
        let same = compared(world(object, at, &strong), &before);
        assert_eq!(changed(&same), Default::default(), "{at}");
        let plan = compared(after, &before);
        let expected = (changes.iter().copied().collect(), BTreeSet::from([Direction::Weaker]));
        assert_eq!(changed(&plan), expected, "{at}");
        assert_ne!(plan.effect_sha256, same.effect_sha256, "{at}");
        let whole = (compared(world(object, at, &weak), &before), &before);
        assert_eq!(whole.0.effect_sha256, plan.effect_sha256, "{at}");
        let whom = if object.is_empty() { "east" } else { "orders" };
        let comment = write(&comment(&plan), Form::Markdown(BUDGET));
        let weakens = format!("### drsync: weakens the protection of {whom}; copies nothing");
        assert!(comment.contains(&weakens), "{at}: {comment}");
        let dangers = comment.split("**Dangers**").nth(1).expect(at);
        assert!(dangers.contains(&format!("| `{whom}` |")), "{at}: {comment}");
        let text = super::screen_of(&plan);
        assert!(text.starts_with(&format!("This weakens the protection of {whom}; ")), "{text}");
        let page = write(&report(&plan.stored(), &[], plan.created_at), Form::Html);
        assert!(page.contains("Protection that changes"), "{at}");
    }
}

#[test]
fn each_setting_that_protects_more_is_told_and_no_danger() {
    for (object, Case { at, strong, weak, changes }) in cases() {
        let (before, after) = (world(object, at, &weak), world(object, at, &strong));
        let plan = compared(after, &before);
        let expected = (changes.iter().copied().collect(), BTreeSet::from([Direction::Stronger]));
        assert_eq!(changed(&plan), expected, "{at}");
        let comment = write(&comment(&plan), Form::Markdown(BUDGET));
        assert!(!comment.contains("**Dangers**"), "{at}: {comment}");
        assert!(comment.contains("**Settings that change otherwise**"), "{at}: {comment}");
        let text = super::screen_of(&plan);
        assert!(text.contains("stronger"), "{at}: {text}");
    }
}

#[test]
fn whoever_is_replaced_hears_less() {
    let at = "group_owner_email";
    let before = world(REFERENCE, at, &json!("a@example.com"));
    let plan = compared(world(REFERENCE, at, &json!("b@example.com")), &before);
    let expected = (BTreeSet::from([Setting::Owners]), BTreeSet::from([Direction::Weaker]));
    assert_eq!(changed(&plan), expected);
}

#[test]
fn whoever_hears_of_no_success_any_more_is_not_protected_less() {
    let at = "sync_success_notification";
    let before = world("", at, &json!("boss@example.com"));
    let plan = compared(world("", at, &json!("ops@example.com, other@example.com")), &before);
    let expected = (BTreeSet::from([Setting::SuccessMail]), BTreeSet::from([Direction::Other]));
    assert_eq!(changed(&plan), expected);
}

#[test]
fn only_groups_whose_settings_change_are_part_of_a_plan_of_what_changes() {
    let at = "sync_shrink_percent";
    let before = world(REFERENCE, at, &json!(50));
    let plan = compared(world(REFERENCE, at, &json!(10)), &before);
    let names: Vec<&str> = plan.groups().map(|(_, group)| group.name.as_str()).collect();
    assert_eq!(names, ["orders"]);
    assert_eq!(plan.workspaces[0].groups[0].settings.as_ref().unwrap().shrink_percent, 10);
    // One that is left out by name is not spoken of, whatever changes of it.
    let mut world = world(REFERENCE, at, &json!(10));
    world.request.selection.only = vec!["reference".to_owned()];
    let plan = compared(world, &before);
    assert_eq!(plan.workspaces[0].settings_changes, []);
}

#[test]
fn a_name_that_is_only_written_another_way_changes_nothing() {
    let at = |name: &str| {
        let mut world = world(REFERENCE, "unprotected_tables", &json!({(name): "too big"}));
        world.workspace().workspace.default_catalog = Some("main".to_owned());
        world
    };
    for name in ["shop.lines", "main.SHOP.Lines"] {
        let plan = compared(at(name), &at("main.shop.lines"));
        assert_eq!(changed(&plan), Default::default(), "{name}");
    }
}

#[test]
fn a_pause_that_is_over_protects_neither_more_nor_less() {
    let with = |until: &str| world(REFERENCE, "paused_until", &json!(until));
    let none = || world(REFERENCE, "paused", &Value::Null);
    let over = "2026-11-20";
    let direction = |after: World, before: World| changed(&compared(after, &before)).1;
    assert_eq!(direction(with(over), none()), BTreeSet::from([Direction::Other]));
    assert_eq!(direction(none(), with(over)), BTreeSet::from([Direction::Other]));
    assert_eq!(direction(with("2026-12-20"), with(over)), BTreeSet::from([Direction::Weaker]));
    assert_eq!(direction(with(over), with("2026-12-20")), BTreeSet::from([Direction::Stronger]));
}

#[test]
fn where_no_record_tells_settings_nothing_is_compared() {
    let plan = World::new().plan();
    assert_eq!(plan.workspaces[0].settings_compared_with, None);
    assert!(plan.workspaces[0].settings.is_some());
    assert!(plan.groups().all(|(_, group)| group.settings.is_some()));
}
