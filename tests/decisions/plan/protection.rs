//! What a configuration changes of the protection: every setting, weakened and strengthened, told wherever a plan is read.

mod cases;
mod leaving;
mod nothing;

use std::collections::BTreeSet;

use drsync::config::{Compared, KEYS, WrittenKeys};
use drsync::plan::{
    ComparedWith, Direction, Plan, ProtectionSettings, Setting, SettingChange, SettingsBefore,
};
use drsync::render::sections::plan::{comment, report};
use drsync::render::writers::{BUDGET, Form, write};
use serde_json::{Value, json};

use super::world::World;
use cases::{
    Case, FILE, REFERENCE, WORKSPACE, as_written, of_groups, of_the_file, of_the_workspace,
    otherwise,
};

/// The world of a configuration with a key set in an object of its workspace.
fn world(object: &str, key: &str, value: &Value) -> World {
    let mut world = World::with(|config| {
        let workspace = &mut config["workspaces"][0];
        // So that every table is not unprotected at once, the group of two tables is the one that is changed.
        let groups = workspace["sync_groups"].as_array_mut().unwrap();
        groups.reverse();
        let of = config.pointer_mut(object).unwrap();
        if key == "paused_until" {
            of["paused"] = "the move".into();
        }
        if key.starts_with("secondary_w") && key != "secondary_workspace_instance_url" {
            of["secondary_workspace_instance_url"] = "/world/west".into();
        }
        match value {
            Value::Null => drop(of.as_object_mut().unwrap().remove(key)),
            value => of[key] = value.clone(),
        }
        // What names a secret needs a scope.
        if key.ends_with("_pat_key") {
            config["secret_scope"] = "dr".into();
        }
    });
    // As their keys are read beside the configuration.
    let keys = |name: &str| -> Vec<String> {
        let given = value.as_str().filter(|_| key == name);
        given.into_iter().flat_map(|keys| keys.split(", ")).map(str::to_owned).collect()
    };
    let (plans, records) = (keys("require_signature"), keys("require_signed_records"));
    world.request.signers = Some(WrittenKeys { plans, records });
    world
}

fn settings(world: &World) -> ProtectionSettings {
    let workspace = &world.observed.workspaces[0].workspace;
    ProtectionSettings::of(workspace, world.request.signers.as_ref(), Some(&[&workspace.name]))
}

/// The plan of a world, compared with the settings of another.
fn compared(mut world: World, before: &World) -> Plan {
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    world.workspace().settings_before =
        Some(SettingsBefore { of, settings: settings(before), tables: None });
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
    let workspace = of_the_workspace().into_iter().map(|case| (WORKSPACE, case));
    groups.chain(workspace).chain(of_the_file().into_iter().map(|case| (FILE, case)))
}

#[test]
fn every_key_of_the_configuration_is_compared_or_says_why_not() {
    let with_cases = cases().flat_map(|(_, case)| match case.keys {
        [] => vec![case.at],
        keys => keys.to_vec(),
    });
    let others = otherwise().into_iter().map(|(_, at, _, setting)| match setting {
        Setting::SuccessNews => "success",
        Setting::Heartbeat => "url_secret",
        _ => at,
    });
    let mut looked_at: BTreeSet<&str> = with_cases.chain(others).collect();
    looked_at.insert("sync_success_notification");
    // Tests of their own.
    looked_at.extend(["workspaces", "sync_groups", "group_name", "tables", "secret_key"]);
    let (mut by_setting, mut written) = (BTreeSet::new(), BTreeSet::new());
    for key in KEYS {
        match key.compared {
            Compared::BySetting => _ = by_setting.insert(key.name),
            Compared::AsWritten => _ = written.insert(key.called()),
            Compared::ByItsKeys => {
                let within = KEYS.iter().any(|other| {
                    other.called().starts_with(&format!("{}.", key.name))
                        || key.name == "sync_groups"
                });
                assert!(within, "nothing stands in {}", key.name);
            }
            Compared::Not(why) => assert!(!why.is_empty(), "say why {} is not told", key.name),
        }
    }
    let forgotten: Vec<&&str> = by_setting.difference(&looked_at).collect();
    assert!(forgotten.is_empty(), "say of {forgotten:?} whether a weaker value protects less");
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    let gone: Vec<&&str> = looked_at.difference(&known).collect();
    assert!(gone.is_empty(), "there is no key {gone:?}");
    let cases: BTreeSet<String> =
        as_written().into_iter().map(|(called, ..)| called.to_owned()).collect();
    assert_eq!(written, cases);
}

#[test]
fn a_key_that_says_how_something_is_reached_is_told_as_it_is_written() {
    for (called, object, key, [one, other]) in as_written() {
        let before = world(object, key, &one);
        let plan = compared(world(object, key, &other), &before);
        let changes = &plan.workspaces[0].settings_changes;
        let change = changes.iter().find(|change| change.key.as_deref() == Some(called));
        let change = change.unwrap_or_else(|| panic!("{called}: {changes:#?}"));
        assert_eq!((change.setting, change.direction), (Setting::Key, Direction::Other));
        assert_ne!(change.before, change.after, "{called}");
        let same = compared(world(object, key, &one), &before);
        assert_eq!(changed(&same), Default::default(), "{called}");
        assert_ne!(plan.effect_sha256, same.effect_sha256, "{called}");
        let comment = write(&comment(&plan), Form::Markdown(BUDGET));
        assert!(comment.contains(&format!("`{called}`")), "{called}: {comment}");
        let text = super::screen_of(&plan);
        assert!(text.contains(called), "{called}: {text}");
        let page = write(&report(&plan.stored(), &[], plan.created_at), Form::Html);
        assert!(page.contains(called), "{called}");
    }
}

#[test]
fn what_a_version_before_did_not_tell_is_no_change() {
    let before = world(FILE, "secret_scope", &json!("dr"));
    let mut settings = settings(&before);
    settings.workspace.configured.clear();
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    let mut after = world(FILE, "secret_scope", &json!("other"));
    after.workspace().settings_before = Some(SettingsBefore { of, settings, tables: None });
    assert_eq!(after.plan().workspaces[0].settings_changes, []);
}

#[test]
fn a_setting_of_which_no_value_is_the_weaker_is_told_as_another() {
    for (object, at, [one, other], setting) in otherwise() {
        let before = world(object, at, &one);
        let plan = compared(world(object, at, &other), &before);
        let expected = (BTreeSet::from([setting]), BTreeSet::from([Direction::Other]));
        assert_eq!(changed(&plan), expected, "{at}");
        let same = compared(world(object, at, &one), &before);
        assert_ne!(plan.effect_sha256, same.effect_sha256, "{at}");
        let comment = write(&comment(&plan), Form::Markdown(BUDGET));
        assert!(comment.contains("**Settings that change otherwise**"), "{at}: {comment}");
        assert!(!comment.contains("**Dangers**"), "{at}: {comment}");
    }
}

#[test]
fn who_is_no_longer_asked_cannot_decide() {
    let at = "failover_approvers";
    let before = world(WORKSPACE, at, &json!("cto@example.com, data@example.com"));
    for fewer in ["data@example.com", "data@example.com, new@example.com"] {
        let plan = compared(world(WORKSPACE, at, &json!(fewer)), &before);
        let expected = BTreeSet::from([Setting::FailoverApprovers]);
        assert_eq!(changed(&plan), (expected, BTreeSet::from([Direction::Weaker])), "{fewer}");
    }
}

#[test]
fn a_signature_that_is_asked_of_fewer_is_stronger_and_what_is_not_known_is_not_compared() {
    let two = world(FILE, "require_signature", &json!("KEY-1, KEY-2"));
    let plan = compared(world(FILE, "require_signature", &json!("KEY-1")), &two);
    assert_eq!(changed(&plan).1, BTreeSet::from([Direction::Stronger]));
    let plan = compared(world(FILE, "require_signature", &json!("KEY-3")), &two);
    assert_eq!(changed(&plan).1, BTreeSet::from([Direction::Weaker]), "another may sign");
    let mut unread = world(FILE, "require_signature", &json!("KEY-1"));
    unread.request.signers = None;
    assert_eq!(changed(&compared(unread, &two)), Default::default());
}

#[test]
fn another_secret_of_a_webhook_or_a_heartbeat_is_told() {
    let told = |key: &str, check: &str| {
        let hook = json!({"kind": "pagerduty", "url_secret": "pd", "secret_key": key});
        json!({"webhooks": [hook], "heartbeat": {"url_secret": check}})
    };
    let before = world(WORKSPACE, "notifications", &told("pd-key", "check"));
    let of = |key: &str, check: &str| {
        changed(&compared(world(WORKSPACE, "notifications", &told(key, check)), &before))
    };
    let one = |setting, direction| (BTreeSet::from([setting]), BTreeSet::from([direction]));
    assert_eq!(of("pd-key", "check"), Default::default());
    // Whoever was called is called no more; a check that hears nothing says so by itself.
    assert_eq!(of("other-key", "check"), one(Setting::WebhookKeys, Direction::Weaker));
    assert_eq!(of("pd-key", "other"), one(Setting::Heartbeat, Direction::Other));
}

/// Whose protection a case is of: without a schedule of its own each group has the workspace's.
fn whom(at: &str, object: &str) -> &'static str {
    match (at, object) {
        ("sync_default_schedule", _) => "2 groups",
        (_, REFERENCE) => "orders",
        (_, _) => "east",
    }
}

#[test]
fn each_setting_that_protects_less_is_a_danger_and_has_another_effect() {
    for (object, Case { at, strong, weak, changes, keys: _ }) in cases() {
        let (before, after) = (world(object, at, &strong), world(object, at, &weak));
        let same = compared(world(object, at, &strong), &before);
        assert_eq!(changed(&same), Default::default(), "{at}");
        let plan = compared(after, &before);
        let expected = (changes.iter().copied().collect(), BTreeSet::from([Direction::Weaker]));
        assert_eq!(changed(&plan), expected, "{at}");
        assert_ne!(plan.effect_sha256, same.effect_sha256, "{at}");
        let whole = (compared(world(object, at, &weak), &before), &before);
        assert_eq!(whole.0.effect_sha256, plan.effect_sha256, "{at}");
        let whom = whom(at, object);
        let comment = write(&comment(&plan), Form::Markdown(BUDGET));
        let weakens = format!("### drsync: weakens the protection of {whom}; copies nothing");
        assert!(comment.contains(&weakens), "{at}: {comment}");
        let dangers = comment.split("**Dangers**").nth(1).expect(at);
        let row = if whom == "2 groups" { "orders" } else { whom };
        assert!(dangers.contains(&format!("| `{row}` |")), "{at}: {comment}");
        let text = super::screen_of(&plan);
        assert!(text.starts_with(&format!("This weakens the protection of {whom}; ")), "{text}");
        assert!(text.lines().next().unwrap().chars().count() <= 80, "{text}");
        let page = write(&report(&plan.stored(), &[], plan.created_at), Form::Html);
        assert!(page.contains("Protection that changes"), "{at}");
    }
}

#[test]
fn each_setting_that_protects_more_is_told_and_no_danger() {
    for (object, Case { at, strong, weak, changes, keys: _ }) in cases() {
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
    let before = world(WORKSPACE, at, &json!("boss@example.com"));
    let plan =
        compared(world(WORKSPACE, at, &json!("ops@example.com, other@example.com")), &before);
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
