//! A configuration that cannot be used names whoever is to hear of that: by itself, or as an apply of this machine last used it.

use serde_json::{Value, json};

use super::{FIRST, Receivers, World, stderr};

/// The demo's world, told over the open server.
fn world(receivers: &Receivers) -> World {
    let world = World::new(receivers);
    world.apply(FIRST);
    let open = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    world.tell("ops@example.com", "boss@example.com", open);
    world
}

/// The subjects of what `ops@example.com` heard of beginnings of a workspace, sorted: what ended comes first.
fn heard(receivers: &Receivers, workspace: &str) -> Vec<String> {
    let start = format!("ops@example.com: [drsync] {workspace}: ");
    let mails = receivers.mails().into_iter();
    mails.filter_map(|mail| mail.strip_prefix(&start).map(str::to_owned)).collect()
}

/// Applies and expects an exit status.
fn applies(world: &World, expected: i32) {
    let ended = world.command(&["apply", "--auto-approve"]).output();
    assert_eq!(ended.status.code(), Some(expected), "{}", stderr(&ended));
}

fn config(world: &World) -> Value {
    serde_json::from_slice(&std::fs::read(world.path("drsync.json")).unwrap()).unwrap()
}

fn write(world: &World, text: &str) {
    std::fs::write(world.path("drsync.json"), text).unwrap();
}

#[test]
fn whom_a_mistaken_workspace_names_hears_of_it_once_and_of_its_end() {
    let Some(receivers) = Receivers::start() else { return };
    let world = world(&receivers);
    // A runner that keeps nothing has nothing but the file.
    std::fs::remove_dir_all(world.path(".drsync")).unwrap();
    let whole = config(&world);
    let mut mistaken = whole.clone();
    mistaken["workspaces"][0]["sync_default_schedule"] = "61 * * * *".into();
    // One address that is none silences no other.
    mistaken["workspaces"][0]["sync_failure_notification"] = "nobody, ops@example.com".into();
    write(&world, &mistaken.to_string());
    for _ in 0..2 {
        applies(&world, 78);
        let [told] = heard(&receivers, "east").try_into().unwrap();
        assert!(told.ends_with(": configuration_unusable"), "{told}");
    }
    let came = receivers.came();
    let mail = came.iter().rfind(|it| it["mail"][0] == "ops@example.com").unwrap();
    let text = mail["plain"].as_str().unwrap().replace("\n            ", " ");
    assert!(text.contains("\"nobody\" is not an address; 1 other mistake"), "{text}");
    write(&world, &whole.to_string());
    applies(&world, 4);
    let [ended, _] = heard(&receivers, "east").try_into().unwrap();
    assert!(ended.starts_with("applies begin again after"), "{ended}");
}

#[test]
fn a_file_that_is_no_configuration_is_told_to_whom_the_last_apply_knew() {
    let Some(receivers) = Receivers::start() else { return };
    let world = world(&receivers);
    applies(&world, 4);
    let whole = config(&world);
    for broken in ["{\"workspaces\": [", "[]", ""] {
        write(&world, broken);
        applies(&world, 78);
        let [told] = heard(&receivers, "east").try_into().unwrap();
        assert!(told.ends_with(": configuration_unusable"), "{told}");
    }
    // Nor is one that is gone.
    std::fs::remove_file(world.path("drsync.json")).unwrap();
    applies(&world, 78);
    assert_eq!(heard(&receivers, "east").len(), 1);
    write(&world, &whole.to_string());
    applies(&world, 4);
    let [ended, _] = heard(&receivers, "east").try_into().unwrap();
    assert!(ended.starts_with("applies begin again after"), "{ended}");
}

#[test]
fn a_workspace_that_is_left_out_is_no_good_end_and_is_told_although_others_are_applied() {
    let Some(receivers) = Receivers::start() else { return };
    let world = world(&receivers);
    let whole = config(&world);
    let mut two = whole.clone();
    let mut other = whole["workspaces"][0].clone();
    other["workspace_name"] = "north".into();
    other["sync_groups"] = json!([]);
    let named = |other: &mut Value, url: &str, primary: &str, secondary: &str| {
        other["workspace_instance_url"] = url.into();
        other["sync_location_primary"] = primary.into();
        other["sync_location_secondary"] = secondary.into();
        other["warehouse_id"] = "0123456789abcdef".into();
    };
    // One that nobody is signed in to: it has no mistake.
    named(&mut other, "https://north.example.com", "s3://north/sync", "s3://south/sync");
    two["workspaces"].as_array_mut().unwrap().push(other.clone());
    write(&world, &two.to_string());
    for _ in 0..2 {
        applies(&world, 4);
        assert_eq!(heard(&receivers, "north").len(), 1);
    }
    // One with a mistake is the same incident.
    two["workspaces"][1]["sync_groups"] = "none".into();
    write(&world, &two.to_string());
    applies(&world, 4);
    assert_eq!(heard(&receivers, "north").len(), 1);
    assert_eq!(heard(&receivers, "east"), [""; 0], "it went on");
}
