//! What a configuration changes of the protection: every setting, weakened and strengthened, told wherever a plan is read.

use std::collections::{BTreeMap, BTreeSet};

use drsync::config::{KEYS, WrittenKeys};
use drsync::plan::{
    ComparedWith, Direction, Plan, Setting, SettingChange, Settings, SettingsBefore,
    WorkspaceObserved,
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
    /// The keys that it is about, where they stand within another.
    keys: &'static [&'static str],
}

const REFERENCE: &str = "/workspaces/0/sync_groups/1";
const WORKSPACE: &str = "/workspaces/0";
const FILE: &str = "";

fn case(at: &'static str, strong: Value, weak: Value, changes: &'static [Setting]) -> Case {
    Case { at, strong, weak, changes, keys: &[] }
}

impl Case {
    /// The same about keys within the one that it stands at.
    fn of(self, keys: &'static [&'static str]) -> Case {
        Case { keys, ..self }
    }
}

/// Keys that protect nothing by themselves, each with the reason.
const NO_PROTECTION: &[(&str, &str)] = &[
    ("secret_scope", "where tokens are looked up: without one nothing is reached, which is told"),
    ("workspace_name", "a label"),
    ("no_secondary_workspace", "silences a warning that there is none, and changes nothing else"),
    ("workspace_instance_url", "another source is another table, which blocks"),
    ("workspace_pat_key", "who signs in"),
    ("workspace_profile", "who signs in"),
    ("warehouse_id", "what runs statements"),
    ("sync_location_primary", "metadata tables alone; without them nothing is copied less"),
    (
        "default_catalog",
        "names of tables: those that are meant now are told as tables that come and leave",
    ),
    (
        "default_schema",
        "names of tables: those that are meant now are told as tables that come and leave",
    ),
    ("secondary_workspace_name", "a label"),
    ("secondary_workspace_pat_key", "who signs in; what is not seen then is told"),
    ("secondary_workspace_profile", "who signs in; what is not seen then is told"),
    ("secondary_warehouse_id", "what runs statements; without any that is told"),
    (
        "group_name",
        "tables that were of another group are measured by how they were protected there",
    ),
    ("port", "how the mail server is reached: one that is not is told"),
    ("security", "none is taken for this machine alone"),
    ("from", "what mails say of themselves"),
    ("user", "who signs in at the mail server: one that is refused is told"),
    ("password_secret", "who signs in at the mail server: one that is refused is told"),
    ("auth", "how one signs in at the mail server: one that is refused is told"),
    ("oauth", "how one signs in at the mail server: one that is refused is told"),
    ("tenant", "how one signs in at the mail server: one that is refused is told"),
    ("token_url", "how one signs in at the mail server: one that is refused is told"),
    ("client_id", "how one signs in at the mail server: one that is refused is told"),
    ("client_secret_key", "how one signs in at the mail server: one that is refused is told"),
    ("scope", "how one signs in at the mail server: one that is refused is told"),
];

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
        case(
            "workflow",
            json!(["orders_job", "late_job"]),
            json!("orders_job"),
            &[Setting::Workflows],
        ),
        case("workflow", json!("orders_job"), Value::Null, &[Setting::Workflows]),
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
        case(at, told(json!({})), Value::Null, &[Setting::MailServer]).of(&[
            "notifications",
            "smtp",
            "host",
        ]),
        case(at, hook(json!(["failing", "recovered"])), told(json!({})), &[Setting::Webhooks])
            .of(&["webhooks", "kind", "url_secret"]),
        case(
            at,
            hook(json!(["failing", "recovered"])),
            hook(json!(["recovered"])),
            &[Setting::Webhooks],
        )
        .of(&["events"]),
        case(at, beat, told(json!({})), &[Setting::Heartbeat]).of(&["heartbeat", "url_secret"]),
        case(at, told(json!({})), told(json!({"reminder_hours": 240})), &[Setting::Reminder])
            .of(&["reminder_hours"]),
        case("secondary_workspace_instance_url", west, Value::Null, &[Setting::SecondaryWorkspace]),
        case("plan_max_age_hours", json!(72), json!(8_760), &[Setting::PlanMaxAge]),
        case(
            "failover_when",
            json!("east away for 30 minutes"),
            Value::Null,
            &[Setting::FailoverWhen],
        ),
        case(
            "failover_approvers",
            json!("cto@example.com"),
            Value::Null,
            &[Setting::FailoverApprovers],
        ),
        case(
            "sync_default_schedule",
            json!("0 2 * * *"),
            json!("0 2 1 1 *"),
            &[Setting::Schedule, Setting::Objective, Setting::MaxLag],
        ),
    ]
}

fn of_the_file() -> Vec<Case> {
    let (one, two) = (json!("KEY-1"), json!("KEY-1, KEY-2"));
    let at = ["require_signature", "require_signed_records"];
    let signers: [&'static [Setting]; 2] = [&[Setting::PlanSigners], &[Setting::RecordSigners]];
    let cases = at.into_iter().zip(signers).flat_map(|(at, changes)| {
        [
            case(at, one.clone(), Value::Null, changes),
            // Whoever has the other key may let through what nobody could.
            case(at, one.clone(), two.clone(), changes),
        ]
    });
    cases.collect()
}

/// Settings of which neither value is the weaker.
fn otherwise() -> Vec<(&'static str, &'static str, [Value; 2], Setting)> {
    let smtp = |success: &str| json!({"smtp": {"host": "smtp.example.com"}, "success": success});
    let success = [smtp("each"), smtp("off")];
    let places = [json!("/world/west/sync"), json!("/world/north/sync")];
    let beat = |secret: &str| json!({"heartbeat": {"url_secret": secret}});
    vec![
        (WORKSPACE, "notifications", [beat("heartbeat"), beat("other")], Setting::Heartbeat),
        (WORKSPACE, "notifications", success, Setting::SuccessNews),
        (WORKSPACE, "sync_location_secondary", places, Setting::Replicas),
        (REFERENCE, "sync_timezone", [json!("UTC"), json!("Asia/Tokyo")], Setting::Schedule),
        (REFERENCE, "workflow", [json!("orders_job"), json!("other_job")], Setting::Workflows),
        (
            WORKSPACE,
            "failover_when",
            [json!("east away for 30 minutes"), json!("east away for a day")],
            Setting::FailoverWhen,
        ),
        (
            WORKSPACE,
            "failover_approvers",
            [json!("cto@example.com"), json!("cto@example.com, data@example.com")],
            Setting::FailoverApprovers,
        ),
    ]
}

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
        match value {
            Value::Null => drop(of.as_object_mut().unwrap().remove(key)),
            value => of[key] = value.clone(),
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

fn settings(world: &World) -> Settings {
    let workspace = &world.observed.workspaces[0].workspace;
    Settings::of(workspace, world.request.signers.as_ref(), Some(&[&workspace.name]))
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
    let workspace = of_the_workspace().into_iter().map(|case| (WORKSPACE, case));
    groups.chain(workspace).chain(of_the_file().into_iter().map(|case| (FILE, case)))
}

#[test]
fn every_key_of_the_configuration_is_looked_at_here() {
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    let with_cases = cases().flat_map(|(_, case)| match case.keys {
        [] => vec![case.at],
        keys => keys.to_vec(),
    });
    let others = otherwise().into_iter().map(|(_, at, _, setting)| match setting {
        Setting::SuccessNews => "success",
        Setting::Heartbeat => "url_secret",
        _ => at,
    });
    let mut protect: BTreeSet<&str> = with_cases.chain(others).collect();
    protect.insert("sync_success_notification");
    // Tests of their own.
    protect.extend(["workspaces", "sync_groups", "tables", "secret_key"]);
    let none: BTreeSet<&str> = NO_PROTECTION.iter().map(|(key, _)| *key).collect();
    assert_eq!(none.len(), NO_PROTECTION.len());
    assert!(NO_PROTECTION.iter().all(|(_, why)| !why.is_empty()));
    let both: Vec<&&str> = protect.intersection(&none).collect();
    assert!(both.is_empty(), "{both:?} protect, or do not");
    let all: BTreeSet<&str> = protect.union(&none).copied().collect();
    let forgotten: Vec<&&str> = known.difference(&all).collect();
    assert!(forgotten.is_empty(), "say of {forgotten:?} whether a weaker value protects less");
    let gone: Vec<&&str> = all.difference(&known).collect();
    assert!(gone.is_empty(), "there is no key {gone:?}");
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

/// The plan of workspaces of these names, compared with a configuration of three.
fn of_workspaces(names: &[&str]) -> Plan {
    let mut world = World::new();
    let one = world.observed.workspaces[0].clone();
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    let all = ["east", "north", "south"];
    let before = Settings::of(&one.workspace, None, Some(&all));
    world.observed.workspaces = names
        .iter()
        .map(|name| {
            let mut seen = one.clone();
            seen.workspace.name = (*name).to_owned();
            let settings = before.clone();
            WorkspaceObserved {
                settings_before: Some(SettingsBefore { of: of.clone(), settings }),
                ..seen
            }
        })
        .collect();
    world.plan()
}

#[test]
fn a_workspace_that_leaves_the_configuration_is_told_once() {
    for (names, direction) in [
        (&["east", "south"][..], Direction::Weaker),
        (&["east", "south", "west"], Direction::Weaker),
        (&["east", "north", "south", "west"], Direction::Stronger),
    ] {
        let plan = of_workspaces(names);
        let changes = plan.workspaces.iter().flat_map(|it| &it.settings_changes);
        let changes: Vec<&SettingChange> =
            changes.filter(|change| change.setting == Setting::Workspaces).collect();
        assert_eq!(changes.len(), 1, "{names:?}: {changes:?}");
        assert_eq!(changes[0].direction, direction, "{names:?}");
    }
    let all = of_workspaces(&["south", "north", "east"]);
    assert!(all.workspaces.iter().all(|it| it.settings_changes.is_empty()));
    let comment = write(&comment(&of_workspaces(&["east", "south"])), Form::Markdown(BUDGET));
    let dangers = comment.split("**Dangers**").nth(1).unwrap();
    assert!(dangers.contains("workspaces of the configuration"), "{comment}");
}

#[test]
fn what_could_not_be_understood_has_not_left() {
    let mut world = World::new();
    let workspace = world.observed.workspaces[0].workspace.clone();
    let settings = Settings::of(&workspace, None, Some(&["east", "north"]));
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    world.workspace().settings_before = Some(SettingsBefore { of, settings });
    world.observed.incomplete = true;
    assert_eq!(world.plan().workspaces[0].settings_changes, []);
}

#[test]
fn a_workspace_under_another_name_is_compared_with_what_lies_in_the_same_place() {
    let world = World::new();
    let before = Settings::of(&world.observed.workspaces[0].workspace, None, Some(&["east"]));
    let all = BTreeMap::from([("east".to_owned(), before.clone())]);
    assert_eq!(Settings::among(&all, "east", None), Some(&before));
    assert_eq!(Settings::among(&all, "main", Some("/world/west/sync")), Some(&before));
    assert_eq!(Settings::among(&all, "main", Some("/world/north/sync")), None);
    assert_eq!(Settings::among(&all, "main", None), None);
}

/// The plan of a configuration whose groups are others, over the metadata table and the settings of before.
fn moved(change: impl Fn(&mut Value)) -> Plan {
    let before = World::new();
    let mut after = World::with(|config| change(&mut config["workspaces"][0]["sync_groups"]));
    // Both copies of the metadata table are as the last apply left them.
    let seen = before.observed.workspaces[0].clone();
    let workspace = after.workspace();
    (workspace.primary, workspace.secondary) = (seen.primary, seen.secondary);
    after.merge();
    after.request.signers = None;
    compared(after, &before)
}

fn told_of(plan: &Plan, group: &str) -> Vec<(Setting, Direction)> {
    let changes = plan.workspaces[0].settings_changes.iter();
    let own = changes.filter(|change| change.group.as_deref() == Some(group));
    own.map(|change| (change.setting, change.direction)).collect()
}

#[test]
fn a_new_name_hides_nothing_of_what_changes() {
    let plan = moved(|groups| {
        groups[1]["group_name"] = "countries".into();
        groups[1]["sync_shrink_percent"] = 0.into();
        groups[1]["sync_max_retries"] = 5.into();
    });
    let expected = [
        (Setting::Name, Direction::Other),
        (Setting::ShrinkGuard, Direction::Weaker),
        (Setting::Retries, Direction::Stronger),
    ];
    assert_eq!(told_of(&plan, "countries"), expected);
    let comment = write(&comment(&plan), Form::Markdown(BUDGET));
    assert!(comment.contains("weakens the protection of countries"), "{comment}");
}

#[test]
fn a_table_that_moves_to_a_group_that_protects_less_is_told() {
    let plan = moved(|groups| {
        groups[0]["tables"] = json!(["main.shop.orders"]);
        groups[1]["tables"] = json!(["main.shop.countries", "main.shop.lines"]);
        groups[1]["sync_shrink_percent"] = 0.into();
    });
    let weaker = (Setting::ShrinkGuard, Direction::Weaker);
    let told = told_of(&plan, "reference");
    assert!(told.contains(&(Setting::TablesOf, Direction::Other)), "{told:?}");
    // By what the group itself was, and by what the table's group was.
    assert_eq!(told.iter().filter(|it| **it == weaker).count(), 2, "{told:?}");
    assert_eq!(told_of(&plan, "orders"), []);
}

#[test]
fn a_group_that_leaves_the_configuration_protects_nothing_any_more() {
    let plan = moved(|groups| drop(groups.as_array_mut().unwrap().remove(0)));
    let gone = [(Setting::Removed, Direction::Weaker), (Setting::Owners, Direction::Weaker)];
    assert_eq!(told_of(&plan, "orders"), gone);
    let comment = write(&comment(&plan), Form::Markdown(BUDGET));
    assert!(comment.contains("weakens the protection of orders"), "{comment}");
    assert!(comment.contains("no longer configured"), "{comment}");
    // What is only misread, and what was not asked for, has not left.
    let misread = moved(|groups| groups[0]["tables"] = json!([7]));
    assert_eq!(told_of(&misread, "orders"), []);
}

#[test]
fn a_table_that_no_group_has_any_more_is_told_and_one_that_is_left_out_on_purpose_is_told_as_that()
{
    let plan = moved(|groups| groups[0]["tables"] = json!(["main.shop.orders"]));
    let changes = &plan.workspaces[0].settings_changes;
    let of: Vec<(Setting, Option<&str>)> =
        changes.iter().map(|change| (change.setting, change.table.as_deref())).collect();
    assert_eq!(of, [(Setting::Removed, Some("main.shop.lines"))]);
    let left_out = moved(|groups| {
        groups[0]["unprotected_tables"] = json!({"main.shop.lines": "too big"});
    });
    assert_eq!(told_of(&left_out, "orders"), [(Setting::Unprotected, Direction::Weaker)]);
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
