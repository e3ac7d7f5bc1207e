//! Mistakes that come together, and those that only two groups, workspaces or files can make.

use std::path::Path;

use drsync::config::read_files;

use super::{VALID, edited, read, required, said, said_of};

#[test]
fn several_mistakes_are_listed_together_in_the_order_of_the_file() {
    let text = edited(&[
        ("\"secret_scope\"", "\"secret_scop\""),
        ("\"workspace_name\": \"east\"", "\"workspace_name\": null"),
        ("https://adb-111", "http://adb-111"),
        ("s3://west/dr", "s3://east/dr/below"),
        ("\"ops@example.com\"", "\"ops@example.com; \""),
        ("0 */12 * * *", "*/45 * * * *"),
        ("\"sync_max_retries\"", "\"sync_max_retrys\""),
        ("\"core_job\"", "\"\""),
        ("\"raw\"", "\"raw\", \"RAW\", \"a.b.c.d\""),
        ("\"other_raw\"", "\"default.Gold\""),
        ("\"group_name\": \"other\"", "\"name\": \"other\""),
    ]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 2: secret_scop: unknown key: did you mean secret_scope?
drsync.json line 5: workspaces[0].workspace_name: is null: write "workspace_name": "east"
drsync.json line 6: workspaces[0].workspace_instance_url: would send tokens unencrypted: write https://adb-111.azuredatabricks.net
drsync.json line 9: workspaces[0].sync_location_secondary: lies in sync_location_primary, or holds it: write a folder of its own, in the other region
drsync.json line 10: workspaces[0].sync_failure_notification: "ops@example.com;" is not an address: write one address, or several parted by commas
drsync.json line 12: workspaces[0].sync_default_schedule: fires at 00:45 and 01:00, 15 minutes apart: leave at least 30 minutes between two firings
drsync.json line 13: workspaces[0].sync_max_retrys: unknown key: did you mean sync_max_retries?
drsync.json line 18: workspaces[0].sync_groups[0].workflow: is empty: leave it out, or write a text
drsync.json line 19: workspaces[0].sync_groups[0].tables[1]: RAW is the same table as tables[0]: keep one of them
drsync.json line 19: workspaces[0].sync_groups[0].tables[2]: has 4 parts: write catalog.schema.table, with backticks around a part that has a dot in it
drsync.json line 19: workspaces[0].sync_groups[0].tables[3]: gold is also in the group of line 21: keep it in one group; a table has one recovery point
drsync.json line 21: workspaces[0].sync_groups[1].group_name: is missing: add "group_name": "core_product"
drsync.json line 22: workspaces[0].sync_groups[1].name: unknown key: remove it; the nearest known key is group_name
drsync.json line 24: workspaces[0].sync_groups[1].tables[0]: default.Gold is also in core (line 15): keep it in one group; a table has one recovery point
= incomplete
"#
    );
}

#[test]
fn two_groups_of_one_name_or_with_one_table_are_both_invalid() {
    let text =
        edited(&[("\"other\"", "\"core\""), ("\"other_raw\"", "\"other_raw\", \"Default.GOLD\"")]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 16: workspaces[0].sync_groups[0].group_name: is the name of another group too, in line 22: give every group its own name
drsync.json line 19: workspaces[0].sync_groups[0].tables[1]: gold is also in core (line 21): keep it in one group; a table has one recovery point
drsync.json line 22: workspaces[0].sync_groups[1].group_name: is the name of another group too, in line 16: give every group its own name
drsync.json line 24: workspaces[0].sync_groups[1].tables[1]: Default.GOLD is also in core (line 15): keep it in one group; a table has one recovery point
= east: core!2, core!2
"#
    );
    let text = edited(&[("\"other_raw\"", "\"main.default.gold\"")]);
    assert_eq!(said_of(&text), "= east: core, other\n");
    let text =
        text.replacen("\"sync_groups\"", "\"default_catalog\": \"Main\", \"sync_groups\"", 1);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 19: workspaces[0].sync_groups[0].tables[1]: gold is also in other (line 21): keep it in one group; a table has one recovery point
drsync.json line 24: workspaces[0].sync_groups[1].tables[0]: main.default.gold is also in core (line 15): keep it in one group; a table has one recovery point
= east: core!1, other!1
"#
    );
}

#[test]
fn a_group_that_is_no_object_or_has_no_name_leaves_its_workspace_incomplete() {
    let text = edited(&[("\"group_name\": \"other\"", "\"group_nam\": \"other\"")]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 22: workspaces[0].sync_groups[1].group_nam: unknown key: did you mean group_name?
= east (incomplete): core, ?!1
"#
    );
    let text = edited(&[("\"sync_groups\": [", "\"sync_groups\": [7,")]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 14: workspaces[0].sync_groups[0]: is a number, not an object: write a group: {"group_name": …, "tables": […]}
= east (incomplete): ?!1, core, other
"#
    );
}

#[test]
fn files_of_a_directory_are_one_configuration_and_meet_in_names_and_locations() {
    let other = edited(&[
        ("\"east\"", "\"EAST\""),
        ("s3://east/dr", "S3://East/"),
        ("s3://west/dr", "s3://third"),
    ]);
    let files = [
        ("b.json".to_string(), other.into_bytes()),
        ("c.json".to_string(), b"{ not json".to_vec()),
        ("a.json".to_string(), VALID.as_bytes().to_vec()),
    ];
    let read = read_files("conf", &files, Path::new("/srv/config"));
    assert_eq!(
        said(&read),
        r#"a.json line 5: workspaces[0].workspace_name: meets EAST (b.json line 5) in DRSYNC_TOKEN_EAST: give every workspace its own name
a.json line 8: workspaces[0].sync_location_primary: lies in, or holds, a location of another workspace, in b.json line 8: give every workspace its own folders
b.json line 5: workspaces[0].workspace_name: meets east (a.json line 5) in DRSYNC_TOKEN_EAST: give every workspace its own name
b.json line 8: workspaces[0].sync_location_primary: lies in, or holds, a location of another workspace, in a.json line 8: give every workspace its own folders
c.json line 1: $: is not JSON: a key without quotes: write " around keys
= incomplete
"#
    );
    let files = [files[2].clone(), files[1].clone()];
    let read = read_files("conf", &files, Path::new("/srv/config"));
    assert_eq!(
        said(&read),
        r#"c.json line 1: $: is not JSON: a key without quotes: write " around keys
= east: core, other
= incomplete
"#
    );
    let read = read_files("conf", &[], Path::new("/srv/config"));
    assert_eq!(
        said(&read),
        r#"conf line 1: $: has no *.json file in it: write one, or name another directory
= incomplete
"#
    );
}

#[test]
fn the_secondary_may_be_another_entrys_primary_but_not_share_its_token_otherwise() {
    let with = |name: &str, url: &str| {
        let secondary = format!(
            "\"secondary_workspace_name\": \"{name}\", \"secondary_workspace_instance_url\": \"{url}\", \"sync_groups\""
        );
        edited(&[("\"sync_groups\"", secondary.as_str())])
    };
    assert_eq!(
        said_of(&with("west", "https://adb-222.azuredatabricks.net")),
        "= east: core, other\n"
    );
    assert_eq!(
        said_of(&with("east", "https://adb-222.azuredatabricks.net")),
        r#"drsync.json line 14: workspaces[0].secondary_workspace_name: meets east (line 5) in DRSYNC_TOKEN_EAST, at another address: give every workspace its own name
= incomplete
"#
    );
}

#[test]
fn no_secret_is_repeated() {
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    let text = edited(&[
        ("\"east-pat\"", &format!("\"{token}\"")),
        ("https://adb-111", "https://me:s3cret@adb-111"),
        ("s3://east/dr", "s3://s3cret:s3cret@east/dr"),
    ]);
    let said = said_of(&text);
    assert_eq!(said.lines().filter(|line| line.starts_with("drsync.json")).count(), 3);
    assert!(!said.contains("s3cret") && !said.contains(&token), "{said}");
}

#[test]
fn any_text_with_a_hole_in_it_is_read_without_panic_and_no_key_is_lost_silently() {
    let keys = |text: &str| -> usize {
        required().iter().map(|key| text.matches(&format!("\"{key}\":")).count()).sum()
    };
    for at in (0..VALID.len()).step_by(2) {
        let text = format!("{}{}", &VALID[..at], &VALID[at + 1..]);
        let configuration = read(&text);
        let lost =
            keys(&text) < keys(VALID) || serde_json::from_str::<serde_json::Value>(&text).is_err();
        assert!(!lost || !configuration.mistakes.is_empty(), "{at}");
    }
}
