//! Configurations with every kind of mistake, and all that is said of them, as whole texts.

use std::path::Path;

use drsync::config::{Configuration, GroupEntry, KEYS, read_text};

mod meaning;
mod notifications;
mod together;

/// A valid configuration with every required key on a line of its own.
const VALID: &str = r#"{
  "secret_scope": "dr-scope",
  "workspaces": [
    {
      "workspace_name": "east",
      "workspace_instance_url": "https://adb-111.azuredatabricks.net",
      "workspace_pat_key": "east-pat",
      "sync_location_primary": "s3://east/dr",
      "sync_location_secondary": "s3://west/dr",
      "sync_failure_notification": "ops@example.com",
      "sync_success_notification": "ops@example.com",
      "sync_default_schedule": "0 */12 * * *",
      "sync_max_retries": "3",
      "sync_groups": [
        {
          "group_name": "core",
          "group_owner_email": "core@example.com",
          "workflow": "core_job",
          "tables": ["raw", "gold"]
        },
        {
          "group_name": "other",
          "group_owner_email": "other@example.com",
          "tables": ["other_raw"]
        }
      ]
    }
  ]
}
"#;

fn read(text: &str) -> Configuration {
    read_text("drsync.json", text.as_bytes(), Path::new("/srv/config"))
}

/// The valid configuration with some of its text replaced.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(VALID.to_string(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1)
    })
}

/// What is said of it, a mistake a line, and what of it can be used.
fn said(configuration: &Configuration) -> String {
    let mut out = String::new();
    for mistake in &configuration.mistakes {
        out += &format!("{mistake}\n");
    }
    out += &used(configuration);
    out
}

fn used(configuration: &Configuration) -> String {
    let mut out = String::new();
    for workspace in &configuration.workspaces {
        let groups: Vec<String> = workspace
            .groups
            .iter()
            .map(|group| match group {
                GroupEntry::Valid(group) => group.name.clone(),
                GroupEntry::Invalid { name, mistakes, .. } => {
                    format!("{}!{}", name.as_deref().unwrap_or("?"), mistakes.len())
                }
            })
            .collect();
        let incomplete = if workspace.incomplete { " (incomplete)" } else { "" };
        out += &format!("= {}{incomplete}: {}\n", workspace.name, groups.join(", "));
    }
    if configuration.incomplete {
        out += "= incomplete\n";
    }
    out
}

fn said_of(text: &str) -> String {
    said(&read(text))
}

/// The line of the first of its keys, without the comma before or after it.
fn without_key(key: &str) -> String {
    let mut tree: serde_json::Value = serde_json::from_str(VALID).expect("is JSON");
    let workspace = "/workspaces/0";
    let group = "/workspaces/0/sync_groups/0";
    for place in ["", workspace, group] {
        if let Some(object) = tree.pointer_mut(place).and_then(|at| at.as_object_mut())
            && object.shift_remove(key).is_some()
        {
            return serde_json::to_string_pretty(&tree).expect("is JSON");
        }
    }
    panic!("{key} is not in the valid configuration");
}

fn required() -> Vec<&'static str> {
    let outer = KEYS.iter().filter(|key| key.required && !key.level.of_notifications());
    outer.map(|key| key.name).collect()
}

/// Every required key in turn, changed as `change` says, and what is said of it.
fn of_every_required_key(change: impl Fn(&str) -> String) -> String {
    required().into_iter().map(|key| format!("# {key}\n{}", said_of(&change(key)))).collect()
}

/// Compares with a text of fixtures/configuration; `DRSYNC_BLESS=1 cargo test` writes it anew.
fn agrees(name: &str, said: &str) {
    let path = format!("{}/fixtures/configuration/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("DRSYNC_BLESS").is_some() {
        std::fs::write(&path, said).expect("written");
    }
    assert_eq!(said, std::fs::read_to_string(&path).expect("a text"), "{path}");
}

#[test]
fn a_valid_configuration_has_no_mistakes() {
    assert_eq!(said_of(VALID), "= east: core, other\n");
}

#[test]
fn the_example_is_valid_and_the_starter_lacks_only_what_only_its_owner_knows() {
    let example = include_str!("../../fixtures/configuration/example.json");
    assert_eq!(
        said_of(example),
        "= dr_test_east_workspace: core_product, example_group_1, scheduled_sync\n"
    );
    let starter = include_str!("../../fixtures/configuration/starter.json");
    assert_eq!(
        said_of(starter),
        r#"drsync.json line 9: workspaces[0].workspace_instance_url: still the placeholder <workspace>: write the address of the workspace
drsync.json line 12: workspaces[0].sync_location_primary: still the placeholder <container>: write a folder of this region that drsync may write to
drsync.json line 13: workspaces[0].sync_location_secondary: still the placeholder <container>: write a folder of this region that drsync may write to
= incomplete
"#
    );
    let filled = starter
        .replace("<workspace>", "adb-111")
        .replace("<container>", "dr")
        .replace("<primary-account>", "eastacct")
        .replace("<secondary-account>", "westacct");
    assert_eq!(said_of(&filled), "= east: core_product, reference_data\n");
}

#[test]
fn every_placeholder_is_named_and_nothing_else_is_said_of_it() {
    let text = edited(&[
        ("https://adb-111.azuredatabricks.net", "https://<workspace-1>.databricks.com"),
        ("s3://east/dr", "abfss://container@storageaccount.dfs.core.windows.net/"),
        ("s3://west/dr", "abfss://container@storageaccount.dfs.core.windows.net/"),
    ]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 6: workspaces[0].workspace_instance_url: still the placeholder <workspace-1>: write the address of the workspace
drsync.json line 8: workspaces[0].sync_location_primary: still the placeholder abfss://container@storageaccount…: write a folder of this region that drsync may write to
drsync.json line 9: workspaces[0].sync_location_secondary: still the placeholder abfss://container@storageaccount…: write a folder of this region that drsync may write to
= incomplete
"#
    );
}

#[test]
fn every_required_key_that_is_missing_is_said_with_an_example() {
    agrees("missing", &of_every_required_key(without_key));
}

#[test]
fn every_misspelled_key_names_the_nearest_and_is_not_missing_besides() {
    let slip = |key: &str| VALID.replacen(&format!("\"{key}\""), &format!("\"{key}s_\""), 1);
    agrees("misspelled", &of_every_required_key(slip));
}

#[test]
fn every_key_of_the_wrong_type_says_what_it_is_and_what_to_write() {
    let mistyped = |key: &str| with_value(key, "true");
    agrees("mistyped", &of_every_required_key(mistyped));
}

#[test]
fn every_key_that_is_null_is_a_mistake() {
    agrees("null", &of_every_required_key(|key| with_value(key, "null")));
}

#[test]
fn every_key_that_is_empty_is_a_mistake_but_the_secrets() {
    let empty = |key: &str| match key {
        "workspaces" | "sync_groups" | "tables" => with_value(key, "[]"),
        key => with_value(key, "\"\""),
    };
    agrees("empty", &of_every_required_key(empty));
}

#[test]
fn every_key_that_comes_twice_is_a_mistake_with_both_lines() {
    let twice = |key: &str| {
        let at = VALID.find(&format!("\"{key}\"")).expect("a key");
        format!("{}\"{key}\": 1,\n{}", &VALID[..at], &VALID[at..])
    };
    agrees("twice", &of_every_required_key(twice));
}

/// The valid configuration with another value, as JSON, for the first key of that name.
fn with_value(key: &str, value: &str) -> String {
    let mut tree: serde_json::Value = serde_json::from_str(VALID).expect("is JSON");
    for place in ["", "/workspaces/0", "/workspaces/0/sync_groups/0"] {
        if let Some(slot) = tree.pointer_mut(place).and_then(|at| at.get_mut(key)) {
            *slot = serde_json::from_str(value).expect("is JSON");
            return serde_json::to_string_pretty(&tree).expect("is JSON");
        }
    }
    panic!("{key} is not in the valid configuration");
}

#[test]
fn optional_keys_are_checked_as_the_required_ones_are() {
    let workspace = r#""sync_max_retries": 21,
      "default_catalog": "",
      "warehouse_id": 7,
      "plan_max_age_hours": 0,
      "sync_timezone": "America/NewYork",
      "sync_rpo_minutes": true,
      "sync_shrink_percent": "101",
      "sync_min_interval_minutes": 30.5,
      "secondary_workspace_name": "west",
      "notifications": {"smtp": [], "webhook": []},"#;
    let text = edited(&[("\"sync_max_retries\": \"3\",", workspace)]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 13: workspaces[0].sync_max_retries: is out of range: write a whole number from 0 to 20
drsync.json line 14: workspaces[0].default_catalog: is empty: leave it out, or write "default_catalog": "main"
drsync.json line 15: workspaces[0].warehouse_id: is a number, not text: write "warehouse_id": "1234567890abcdef"
drsync.json line 16: workspaces[0].plan_max_age_hours: is out of range: write a whole number from 1 to 8760
drsync.json line 17: workspaces[0].sync_timezone: "America/NewYork" is not a time zone: did you mean America/New_York?
drsync.json line 18: workspaces[0].sync_rpo_minutes: is true, not a number: write "sync_rpo_minutes": 720
drsync.json line 19: workspaces[0].sync_shrink_percent: is out of range: write a whole number from 0 to 100
drsync.json line 20: workspaces[0].sync_min_interval_minutes: is not a whole number: write a whole number from 0 to 525600
drsync.json line 21: workspaces[0].secondary_workspace_name: is given without secondary_workspace_instance_url: add secondary_workspace_instance_url, or leave this out
drsync.json line 22: workspaces[0].notifications.webhook: unknown key: did you mean webhooks?
drsync.json line 22: workspaces[0].notifications.smtp: is a list, not an object: write "smtp": {"host": "smtp.example.com"}
= incomplete
"#
    );
}

#[test]
fn keys_of_a_group_are_checked_and_stop_only_that_group() {
    let group = r#""workflow": ["core_job", "id:x", "core_job", 7],
          "paused": " ",
          "sync_schedule": "5/15 * * * *",
          "sync_max_lag_minutes": "-1",
          "workspace_name": "east",
          "foo": 1,
          "unprotected_tables": {"a_view": "", "raw": "a", "default.RAW": "b", "x..y": "c", "raw": "d"},"#;
    let text = edited(&[("\"workflow\": \"core_job\",", group)]);
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 18: workspaces[0].sync_groups[0].workflow[1]: has no job id after `id:`: put the number of the job there, for example id:1016
drsync.json line 18: workspaces[0].sync_groups[0].workflow[2]: is given twice: keep one of them
drsync.json line 18: workspaces[0].sync_groups[0].workflow[3]: is a number, not text: write a job's name, id:<job id>, or a list of them; leave it out for a group by schedule
drsync.json line 19: workspaces[0].sync_groups[0].paused: is empty: leave it out, or write "paused": "until the migration is done"
drsync.json line 20: workspaces[0].sync_groups[0].sync_schedule: has the minute field "5/15", which steps from a number without an end: write 5-59/15
drsync.json line 21: workspaces[0].sync_groups[0].sync_max_lag_minutes: is out of range: write a whole number from 0 to 5256000
drsync.json line 22: workspaces[0].sync_groups[0].workspace_name: does not belong in a sync group: move it to the workspace
drsync.json line 23: workspaces[0].sync_groups[0].foo: unknown key: remove it; the nearest known key is workflow
drsync.json line 24: workspaces[0].sync_groups[0].unprotected_tables.raw: is given twice, first in line 24: keep one of them
drsync.json line 24: workspaces[0].sync_groups[0].unprotected_tables.a_view: gives no reason: write in a few words why
drsync.json line 24: workspaces[0].sync_groups[0].unprotected_tables["default.RAW"]: is the same table as raw: keep one of them
drsync.json line 24: workspaces[0].sync_groups[0].unprotected_tables["x..y"]: has an empty part: write table, schema.table or catalog.schema.table
= east: core!12, other
"#
    );
}

#[test]
fn a_secret_anywhere_in_a_configuration_is_a_mistake_with_its_place_and_is_read_by_nobody() {
    use secrecy::ExposeSecret as _;
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    let text = edited(&[
        ("  \"workspaces\"", &format!("  \"// old\": \"{token}\",\n  \"workspaces\"")),
        ("\"east-pat\"", &format!("\"{token}\"")),
        (
            "\"workflow\": \"core_job\"",
            "\"unprotected_tables\": {\"raw\": \"https://dr:hunter2-secret@git.test/7\"}",
        ),
    ]);
    let configuration = read(&text);
    let told: Vec<(usize, &str, String)> = configuration
        .mistakes
        .iter()
        .map(|it| (it.line, it.path.as_str(), it.message.to_string()))
        .collect();
    let token_told = || "looks like a token, which belongs in no configuration".to_owned();
    let password_told =
        "holds a password in an address, which belongs in no configuration".to_owned();
    let path = "workspaces[0].sync_groups[0].unprotected_tables.raw";
    assert_eq!(
        told,
        [
            (3, "[\"// old\"]", token_told()),
            (8, "workspaces[0].workspace_pat_key", token_told()),
            (19, path, password_told),
        ]
    );
    let found: Vec<&str> = configuration.secrets.iter().map(|it| it.expose_secret()).collect();
    assert_eq!(found, [token.as_str(), token.as_str(), "hunter2-secret"]);
    let everything = format!("{configuration:?}");
    for secret in [token.as_str(), "hunter2-secret"] {
        assert!(!everything.contains(secret), "{everything}");
    }
    assert!(configuration.incomplete, "nothing is retired");
    assert!(configuration.workspaces.is_empty(), "no secret is sent anywhere as a name");
    // A file that is no JSON is told by its line; what looks like a secret in it is known all the same.
    let broken = read(&format!("{{ \"secret_scope\": \"{token}\", "));
    assert_eq!(broken.secrets.len(), 1);
}
