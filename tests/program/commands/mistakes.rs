//! Mistakes of people, and what is said of them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::program::{code, drsync, drsync_at, stderr, stdout, world};

/// The demo's configuration with a group whose name cannot be read.
fn mistaken(folder: &Path) {
    let path = folder.join("drsync.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let groups = &mut configuration["workspaces"][0]["sync_groups"];
    groups[2] = json!({"group_nam": "customer_360", "tables": ["crm.accounts"]});
    std::fs::write(path, format!("{configuration:#}")).expect("written");
}

#[test]
fn a_mistake_that_makes_a_group_disappear_is_always_told() {
    let world = world();
    let folder = world.path();
    mistaken(folder);
    for (arguments, ends) in [
        (vec!["plan"], 0),
        (vec!["plan", "--quiet", "--detailed-exitcode"], 3),
        (vec!["plan", "--only", "reference_data", "--detailed-exitcode"], 3),
        (vec!["status", "--quiet"], 0),
        (vec!["apply", "--auto-approve"], 4),
        (vec!["apply", "--auto-approve", "--quiet"], 4),
    ] {
        let output = drsync(folder, &arguments);
        let told = stderr(&output);
        assert_eq!(code(&output), ends, "{arguments:?} {told}");
        assert!(told.starts_with("drsync: drsync.json has "), "{told}");
        assert!(
            told.contains(" line ") && told.contains("workspaces[0].sync_groups[2]"),
            "{arguments:?} {told}"
        );
    }
    let printed = drsync(folder, &["plan", "--json"]);
    let plan: Value = serde_json::from_str(&stdout(&printed)).expect("JSON");
    assert_eq!(plan["kind"], "drsync.plan");
}

#[test]
fn a_record_says_the_status_that_its_process_ends_with_also_where_a_group_is_mistaken() {
    let world = world();
    let folder = world.path();
    let path = folder.join("drsync.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    configuration["workspaces"][0]["sync_groups"][2]["group_ownr_email"] = json!("a@example.com");
    std::fs::write(path, format!("{configuration:#}")).expect("written");
    let arguments = ["apply", "--auto-approve", "--only", "reference_data", "--json"];
    let output = drsync(folder, &arguments);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    let record: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(record["exit"], json!({"code": 4, "name": "partial"}));
}

#[test]
fn detailed_exit_codes_tell_blocked_from_changed() {
    let world = world();
    let ends = |arguments: &[&str]| code(&drsync(world.path(), arguments));
    assert_eq!(ends(&["plan", "--detailed-exitcode"]), 3);
    assert_eq!(ends(&["plan", "--detailed-exitcode", "--only", "orders"]), 2);
    assert_eq!(ends(&["plan", "--detailed-exitcode", "--only", "reference_data"]), 0);
    assert_eq!(ends(&["validate"]), 3);
    assert_eq!(ends(&["validate", "--offline"]), 0);
}

#[test]
fn a_group_that_is_not_there_is_a_mistake_and_the_nearest_is_named() {
    let world = world();
    for arguments in
        [["plan", "--only", "ordres"], ["plan", "--exclude", "ordres"], ["plan", "--now", "ordres"]]
    {
        let output = drsync(world.path(), &arguments);
        assert_eq!(code(&output), 64);
        assert!(stderr(&output).contains("nearest: orders"), "{}", stderr(&output));
    }
}

#[test]
fn remedies_are_one_script() {
    let world = world();
    let script = stdout(&drsync(world.path(), &["validate", "--sql"]));
    assert_eq!(
        script,
        "-- table_not_readable main.crm.contacts customer_360\n\
         GRANT SELECT ON TABLE main.crm.contacts TO `dr-sync@example.com`;\n"
    );
}

#[test]
fn a_new_configuration_is_written_once_and_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ends = |arguments: &[&str]| code(&drsync(folder.path(), arguments));
    assert_eq!(ends(&["plan"]), 78);
    assert_eq!(ends(&["init"]), 0);
    assert_eq!(ends(&["init"]), 7);
    let checked = drsync(folder.path(), &["validate"]);
    assert_eq!(code(&checked), 78);
    assert!(
        stdout(&checked).contains("workspaces[0].workspace_instance_url"),
        "{}",
        stdout(&checked)
    );
    assert_eq!(stdout(&drsync(folder.path(), &["init", "--stdout"])).lines().next(), Some("{"));
}

/// A configuration of a Databricks workspace.
fn databricks(folder: &Path) {
    let configuration = json!({
        "secret_scope": "",
        "workspaces": [{
            "workspace_name": "east",
            "workspace_instance_url": "https://adb-1.test",
            "workspace_pat_key": "",
            "sync_location_primary": "abfss://dr@east.test/sync",
            "sync_location_secondary": "abfss://dr@west.test/sync",
            "sync_failure_notification": "ops@example.com",
            "sync_success_notification": "ops@example.com",
            "sync_default_schedule": "0 */12 * * *",
            "sync_max_retries": 3,
            "sync_groups": [{
                "group_name": "g", "group_owner_email": "o@example.com", "tables": ["main.a.b"],
            }],
        }],
    });
    std::fs::write(folder.join("drsync.json"), configuration.to_string()).expect("written");
}

#[test]
fn a_databricks_workspace_without_credentials_is_not_signed_in_to_and_keeps_its_own_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    databricks(folder.path());
    let refused = drsync_at("", folder.path(), &["plan"]);
    assert_eq!(code(&refused), 77, "{}", stderr(&refused));
    let said = stderr(&refused);
    assert!(said.contains("DRSYNC_TOKEN_EAST is not set"), "{said}");
    let clock = drsync(folder.path(), &["plan"]);
    assert_eq!(code(&clock), 64);
    assert!(stderr(&clock).contains("DRSYNC_NOW"));
}

#[cfg(unix)]
#[test]
fn two_sync_locations_that_a_link_makes_one_are_refused() {
    let world = world();
    let folder = world.path();
    std::fs::remove_dir_all(folder.join("west/sync")).expect("removed");
    std::os::unix::fs::symlink("../east/sync", folder.join("west/sync")).expect("linked");
    for arguments in [vec!["plan"], vec!["apply", "--auto-approve"]] {
        let output = drsync(folder, &arguments);
        assert_eq!(code(&output), 78, "{}", stderr(&output));
        assert!(
            stderr(&output).contains("one of them is a link into the other"),
            "{}",
            stderr(&output)
        );
    }
}

/// Adds a workspace `north` that has the same group, with locations of its own.
fn add_north(folder: &Path) {
    for location in ["north/east", "north/west"] {
        fs::create_dir_all(folder.join(location)).expect("made");
    }
    let path = folder.join("drsync.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let mut other = configuration["workspaces"][0].clone();
    other["workspace_name"] = json!("north");
    other["sync_location_primary"] = json!("north/east");
    other["sync_location_secondary"] = json!("north/west");
    let workspaces = configuration["workspaces"].as_array_mut();
    workspaces.expect("workspaces").push(other);
    std::fs::write(path, format!("{configuration:#}")).expect("written");
}

#[test]
fn of_groups_of_one_name_that_of_one_workspace_is_named_to_every_command() {
    let world = world();
    let folder = world.path();
    add_north(folder);
    let of = |arguments: &[&str]| -> Vec<String> {
        let output = drsync(folder, arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let workspaces = document["workspaces"].as_array().expect("workspaces");
        let named = workspaces.iter().flat_map(|workspace| {
            let parts = ["groups", "cuts"].into_iter().filter_map(|key| workspace[key].as_array());
            let groups = parts.flatten().map(|it| it.get("name").unwrap_or(&it["group_name"]));
            groups.map(|group| format!("{}/{group}", workspace["name"]).replace('"', ""))
        });
        let mut named: Vec<String> = named.collect();
        named.dedup();
        named
    };
    for (pattern, known) in [
        ("north/orders", vec!["north/orders"]),
        ("*/orders", vec!["east/orders", "north/orders"]),
        ("orders", vec!["east/orders", "north/orders"]),
    ] {
        assert_eq!(of(&["plan", "--json", "--only", pattern]), known);
        assert_eq!(of(&["status", "--json", "--only", pattern]), known);
    }
    let east = ["east/orders", "east/reference_data", "east/customer_360"];
    assert_eq!(of(&["plan", "--json", "--exclude", "north/*"]), east);
    assert_eq!(of(&["status", "--json", "orders", "--exclude", "no*/ord*"]), ["east/orders"]);
    assert_eq!(of(&["status", "--json", "north/orders"]), ["north/orders"]);

    let applied = drsync(folder, &["apply", "--auto-approve", "--only", "orders"]);
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    assert_eq!(of(&["history", "--json", "north/orders"]), ["north/orders"]);
    assert_eq!(of(&["history", "--json", "orders"]), ["east/orders", "north/orders"]);
    let due = drsync(folder, &["plan", "--json", "--now", "north/orders"]);
    let plan: Value = serde_json::from_slice(&due.stdout).expect("JSON");
    let decided = |at: usize| plan["workspaces"][at]["groups"][0]["reason"].to_string();
    assert!(decided(0).contains("not_due") && !decided(1).contains("not_due"), "{plan}");
    for arguments in
        [vec!["runbook", "north/orders"], vec!["runbook", "--to-cut", "north/orders:1"]]
    {
        let page = drsync(folder, &arguments);
        assert_eq!(code(&page), 0, "{}", stderr(&page));
        let page = stdout(&page);
        assert!(page.contains("north/west") && !page.contains("/world/west"), "{page}");
    }
    for arguments in [
        vec!["plan", "--only", "south/orders"],
        vec!["plan", "--now", "south/orders"],
        vec!["history", "south/orders"],
        vec!["runbook", "south/orders"],
        vec!["status", "south/orders"],
    ] {
        let refused = drsync(folder, &arguments);
        assert_eq!(code(&refused), 64, "{arguments:?}");
        assert!(stderr(&refused).contains("nearest:"), "{}", stderr(&refused));
    }
}

#[test]
fn a_risk_is_accepted_in_one_workspace() {
    let world = world();
    let folder = world.path();
    add_north(folder);
    let accept = |scope: &str| {
        let risk = format!("source_shrank:{scope}");
        let output = drsync(folder, &["plan", "--accept", &risk, "--reason", "purged"]);
        (code(&output), stderr(&output))
    };
    let (ends, told) = accept("orders");
    assert_eq!(ends, 64, "{told}");
    assert!(
        told.contains("write source_shrank:east/orders or source_shrank:north/orders"),
        "{told}"
    );
    assert_eq!(accept("east/orders").0, 0);
}

#[test]
fn a_configuration_above_is_taken_unless_everybody_may_write_it() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let folder = world.path();
    let inner = folder.join("a/b");
    std::fs::create_dir_all(&inner).expect("made");
    assert_eq!(code(&drsync(&inner, &["status"])), 0);
    let file = folder.join("drsync.json");
    for (open, mode, usual) in [(folder, 0o777, 0o700), (&file, 0o666, 0o644)] {
        let mode_of = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(open, mode).expect("its mode is set");
        };
        mode_of(mode);
        let refused = drsync(&inner, &["status"]);
        let told = stderr(&refused);
        assert_eq!(code(&refused), 78, "{told}");
        assert!(told.contains("is there and not taken: everybody may write to "), "{told}");
        // Who stands in its folder, or names it, means it.
        assert_eq!(code(&drsync(folder, &["status"])), 0);
        assert_eq!(code(&drsync(&inner, &["status", "--config", "../../drsync.json"])), 0);
        mode_of(usual);
    }
    assert_eq!(code(&drsync(&inner, &["status"])), 0);
}

#[test]
fn a_configuration_that_is_no_file_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("drsync.json");
    let said = |is: &str| format!("drsync: drsync.json is not read: {is}; --config names another");
    let refused = |is: &str| {
        let output = drsync(folder.path(), &["plan"]);
        assert_eq!(code(&output), 78, "{}", stderr(&output));
        assert!(stderr(&output).replace("\n", " ").contains(&said(is)), "{}", stderr(&output));
    };
    let made = std::process::Command::new("mkfifo").arg(&file).status().expect("runs");
    assert!(made.success());
    refused("it is no regular file but a pipe");
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("a folder");
    refused("it is no regular file but a folder");
    fs::remove_dir(&file).expect("removed");
    std::os::unix::fs::symlink("/dev/null", &file).expect("a link");
    refused("it is no regular file but a device");
    fs::remove_file(&file).expect("removed");
    std::os::unix::fs::symlink("nowhere", &file).expect("a link");
    refused("it is a link that leads nowhere");
}
