//! What leaves the configuration: a table, a group, a workspace, and over what people were told; whoever heard of it hears that once.

use serde_json::{Value, json};

use super::{FIRST, Receivers, World, stderr};

fn config(world: &World) -> Value {
    serde_json::from_slice(&std::fs::read(world.path("drsync.json")).unwrap()).unwrap()
}

fn write(world: &World, config: &Value) {
    std::fs::write(world.path("drsync.json"), config.to_string()).unwrap();
}

/// What came in an apply: `address: subject`, sorted, without what every subject begins with.
fn applied(world: &World, receivers: &Receivers, now: &str) -> Vec<String> {
    let before = receivers.came().len();
    let run = world.apply(now);
    assert!([0, 4].contains(&run.status.code().unwrap()), "{}", stderr(&run));
    let mut heard: Vec<String> = receivers.came()[before..]
        .iter()
        .map(|mail| {
            let to = mail["mail"][0].as_str().unwrap().replace("@example.com", "");
            let subject = mail["headers"]["Subject"].as_str().unwrap();
            format!("{to}: {}", subject.replace("[drsync] ", ""))
        })
        .collect();
    heard.sort();
    heard
}

fn group(config: &Value, name: &str) -> usize {
    let groups = config["workspaces"][0]["sync_groups"].as_array().unwrap();
    groups.iter().position(|group| group["group_name"] == name).unwrap()
}

/// The demo's world of which people are told, beside another one of another team, `north`.
fn two(receivers: &Receivers) -> World {
    let world = World::new(receivers);
    world.apply(FIRST);
    let open = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    world.tell("ops@example.com", "boss@example.com", json!({"success": "off"}));
    let made = world.drsync(FIRST, &["demo", "--dir", "other"]);
    assert!(made.status.success(), "{}", stderr(&made));
    // What the demo synchronized is a workspace's of another name.
    for side in ["other/east/sync", "other/west/sync"] {
        std::fs::remove_dir_all(world.path(side)).unwrap();
        std::fs::create_dir(world.path(side)).unwrap();
    }
    let mut all = config(&world);
    all["workspaces"][0].as_object_mut().unwrap().shift_remove("notifications");
    let other = std::fs::read(world.path("other/drsync.json")).unwrap();
    let other: Value = serde_json::from_slice(&other).unwrap();
    let mut north = other["workspaces"][0].clone();
    let groups = north["sync_groups"].as_array_mut().unwrap();
    groups.retain(|group| group["group_name"] != "reference_data");
    for (key, value) in [
        ("workspace_name", "north"),
        ("workspace_instance_url", "other/east"),
        ("secondary_workspace_name", "south"),
        ("secondary_workspace_instance_url", "other/west"),
        ("sync_location_primary", "other/east/sync"),
        ("sync_location_secondary", "other/west/sync"),
        ("sync_failure_notification", "north-ops@example.com"),
        ("sync_success_notification", "north-boss@example.com"),
    ] {
        north[key] = value.into();
    }
    let told = json!({"smtp": open["smtp"], "success": "off"});
    all["workspaces"].as_array_mut().unwrap().push(north);
    all["notifications"] = told;
    write(&world, &all);
    world
}

#[test]
fn whatever_leaves_the_configuration_is_told_once_to_whoever_heard_of_it() {
    let Some(receivers) = Receivers::start() else { return };
    let world = two(&receivers);
    let first = applied(&world, &receivers, "2026-11-22T11:30:00Z");
    // Both workspaces have a group of that name, and neither is to be taken for the other.
    let failing = |whose: &str| {
        format!("{whose}/customer_360 failing since 2026-11-22 11:30Z: table_not_readable")
    };
    for (to, whose) in [("ops", "east"), ("north-ops", "north")] {
        assert!(first.contains(&format!("{to}: {}", failing(whose))), "{first:#?}");
    }
    assert_eq!(applied(&world, &receivers, "2026-11-22T12:00:00Z"), [""; 0]);

    // A table, and a group that fails.
    let mut fewer = config(&world);
    let at = group(&fewer, "reference_data");
    fewer["workspaces"][0]["sync_groups"][at]["tables"] = json!(["ref.countries"]);
    let at = group(&fewer, "customer_360");
    fewer["workspaces"][0]["sync_groups"].as_array_mut().unwrap().remove(at);
    write(&world, &fewer);
    let told = applied(&world, &receivers, "2026-11-22T12:30:00Z");
    assert_eq!(
        told,
        [
            "crm-team: east/customer_360 no longer configured after 1h",
            "data-team: reference_data protected less since 2026-11-22 12:30Z: removed",
            "ops: reference_data protected less since 2026-11-22 12:30Z: removed",
        ]
    );
    let came = receivers.came();
    let crm = came.iter().rfind(|mail| mail["mail"][0] == "crm-team@example.com").unwrap();
    let text = crm["plain"].as_str().unwrap();
    assert!(
        text.contains("east/customer_360 left the configuration at 2026-11-22 12:30Z"),
        "{text}"
    );
    assert!(text.contains("east/customer_360 left the configuration; its replicas stay"), "{text}");
    assert!(!text.contains("ops@"), "{text}");
    assert_eq!(applied(&world, &receivers, "2026-11-22T13:00:00Z"), [""; 0]);

    // A workspace, over the server of the one that stays.
    fewer["workspaces"].as_array_mut().unwrap().pop();
    write(&world, &fewer);
    let told = applied(&world, &receivers, "2026-11-22T13:30:00Z");
    let to = |name: &str| told.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!((to("north-ops: "), to("shop-team: "), to("crm-team: ")), (1, 1, 1), "{told:#?}");
    assert_eq!((to("ops: "), told.len()), (0, 3), "{told:#?}");
    let came = receivers.came();
    let ops = came.iter().rfind(|mail| mail["mail"][0] == "north-ops@example.com").unwrap();
    let text = ops["plain"].as_str().unwrap();
    assert!(text.contains("north left the configuration at 2026-11-22 13:30Z"), "{text}");
    assert!(text.contains("customer_360 left the configuration; its replicas stay"), "{text}");
    assert_eq!(applied(&world, &receivers, "2026-11-22T14:00:00Z"), [""; 0]);

    // Over what people are told.
    let with = config(&world);
    let mut silent = with.clone();
    silent.as_object_mut().unwrap().shift_remove("notifications");
    write(&world, &silent);
    let told = applied(&world, &receivers, "2026-11-22T14:30:00Z");
    assert_eq!(
        told,
        ["data-team", "ops", "shop-team"]
            .map(|to| format!("{to}: east protected less since 2026-11-22 14:30Z: mail_server"))
    );
    assert_eq!(applied(&world, &receivers, "2026-11-22T15:00:00Z"), [""; 0]);
    // Nothing was forgotten meanwhile.
    write(&world, &with);
    assert_eq!(applied(&world, &receivers, "2026-11-22T15:30:00Z"), [""; 0]);
}

#[test]
fn who_was_taken_out_while_both_sync_locations_moved_hears_it_of_the_machine_that_knows() {
    let Some(receivers) = Receivers::start() else { return };
    let world = World::new(&receivers);
    let smtp = receivers.smtp("open", json!({"security": "none"}));
    world.tell("ops@example.com", "boss@example.com", json!({"smtp": smtp, "success": "off"}));
    applied(&world, &receivers, FIRST);
    let mut all = config(&world);
    for (key, place) in
        [("sync_location_primary", "east/new"), ("sync_location_secondary", "west/new")]
    {
        std::fs::create_dir(world.path(place)).unwrap();
        all["workspaces"][0][key] = place.into();
    }
    all["workspaces"][0]["sync_failure_notification"] = "new@example.com".into();
    write(&world, &all);
    let heard = applied(&world, &receivers, "2026-11-22T11:40:00Z");
    let mut former = heard.iter().filter(|it| it.starts_with("ops: "));
    assert!(
        former.any(|it| it.contains("protected less") && it.contains("failure_mail")),
        "{heard:?}"
    );
}
