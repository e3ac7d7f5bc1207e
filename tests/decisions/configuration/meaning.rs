//! What a valid configuration comes to: defaults, comments, digests, and the page that says so.

use drsync::config::{GroupEntry, KEYS, Level};

use super::{VALID, edited, read, said, said_of};

#[test]
fn comments_and_the_schema_are_ignored_at_any_level() {
    let text = edited(&[
        ("\"secret_scope\"", "\"$schema\": 1, \"//\": [], \"//\": {}, \"secret_scope\""),
        ("\"workspace_name\"", "\"// a\": null, \"workspace_name\""),
        ("\"group_name\"", "\"//group_name\": 7, \"$schema\": true, \"group_name\""),
    ]);
    assert_eq!(said_of(&text), "= east: core, other\n");
    assert_eq!(read(&text).effective_sha256, read(VALID).effective_sha256);
    assert_ne!(read(&text).sha256, read(VALID).sha256);
}

#[test]
fn the_effective_digest_knows_meaning_and_not_spelling() {
    let digest = |edits: &[(&str, &str)]| read(&edited(edits)).effective_sha256;
    let same = digest(&[]);
    assert_eq!(digest(&[("\"3\"", "3")]), same);
    assert_eq!(digest(&[("s3://east/dr", "S3://East/dr/")]), same);
    assert_eq!(
        digest(&[("\"sync_groups\"", "\"sync_shrink_percent\": \"50\", \"sync_groups\"")]),
        same
    );
    assert_eq!(digest(&[("\"sync_groups\"", "\"sync_rpo_minutes\": 720, \"sync_groups\"")]), same);
    assert_ne!(digest(&[("\"3\"", "4")]), same);
    assert_ne!(digest(&[("\"raw\"", "\"raw2\"")]), same);
    assert_ne!(digest(&[("\"ops@", "\"ops2@")]), same);
    assert_ne!(digest(&[("\"core_job\"", "\"id:7\"")]), same);
}

#[test]
fn defaults_come_from_the_schedule_and_a_groups_own_keys_win() {
    let text = edited(&[
        (
            "\"sync_groups\"",
            "\"sync_timezone\": \"America/New_York\", \"sync_shrink_percent\": 0, \"sync_groups\"",
        ),
        (
            "\"workflow\"",
            "\"sync_schedule\": \"0 2 * * *\", \"sync_timezone\": \"UTC\", \"sync_max_lag_minutes\": 0, \"sync_max_retries\": \"7\", \"workflow\"",
        ),
    ]);
    let configuration = read(&text);
    assert_eq!(said(&configuration), "= east: core, other\n");
    let groups: Vec<String> = configuration.workspaces[0]
        .groups
        .iter()
        .filter_map(|entry| match entry {
            GroupEntry::Valid(group) => Some(format!(
                "{} {} rpo {} max lag {:?} retries {} shrink {}",
                group.name,
                group.schedule,
                group.rpo.num_minutes(),
                group.max_lag.map(|lag| lag.num_minutes()),
                group.max_retries,
                group.shrink_percent
            )),
            GroupEntry::Invalid { .. } => None,
        })
        .collect();
    assert_eq!(
        groups,
        [
            "core 0 2 * * * UTC rpo 1440 max lag None retries 7 shrink 0",
            "other 0 */12 * * * America/New_York rpo 780 max lag Some(1560) retries 3 shrink 0",
        ]
    );
}

#[test]
fn an_unprotected_table_goes_by_the_name_in_tables_and_is_not_synchronized() {
    let text = edited(&[(
        "\"workflow\"",
        "\"unprotected_tables\": {\"default.RAW\": \"a view\", \"elsewhere.t\": \"streaming\"}, \"workflow\"",
    )]);
    let configuration = read(&text);
    let GroupEntry::Valid(group) = &configuration.workspaces[0].groups[0] else {
        panic!("invalid")
    };
    let unprotected: Vec<_> =
        group.unprotected.iter().map(|(table, why)| format!("{table}: {why}")).collect();
    assert_eq!(unprotected, ["elsewhere.t: streaming", "raw: a view"]);
    let protected: Vec<_> = group.protected().map(ToString::to_string).collect();
    assert_eq!(protected, ["gold"]);
    assert_eq!(group.tables.len(), 2);
}

#[test]
fn every_key_has_a_row_in_the_documentation() {
    let page = include_str!("../../../docs/configuration.md");
    let rows: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(rows, keys);
    let keyed = page.lines().filter(|line| {
        let key = line.strip_prefix("| `").and_then(|rest| rest.split('`').next());
        key.is_some_and(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    });
    for (key, row) in KEYS.iter().zip(keyed) {
        let default = match (key.required, key.level) {
            (true, Level::WorkspaceOrGroup) => "required in the workspace",
            (true, _) => "required",
            (false, _) => key.default.unwrap_or_default(),
        };
        assert!(row.contains(&format!("| {default} |")), "{row} has not the default {default}");
    }
}

#[test]
fn fields_of_a_schedule_may_be_parted_by_tabs() {
    let scheduled = |parted: &str| {
        let schedule = format!("\"sync_schedule\": \"{parted}\", \"workflow\"");
        edited(&[("\"workflow\"", &schedule)])
    };
    let (tabs, blanks) = (scheduled("0\\t2\\t*\\t*\\t*"), scheduled("0 2 * * *"));
    assert_eq!(said_of(&tabs), "= east: core, other\n");
    let effective = |text: &str| read(text).effective_sha256;
    assert_eq!(effective(&tabs), effective(&blanks));
}

#[test]
fn a_pause_has_a_reason_and_its_end_is_a_day_or_a_moment() {
    let of = |keys: &str| said_of(&edited(&[("\"workflow\"", &format!("{keys}, \"workflow\""))]));
    assert_eq!(
        of(r#""paused": "the move", "paused_until": "2026-12-15""#),
        "= east: core, other\n"
    );
    let at = "drsync.json line 18: workspaces[0].sync_groups[0].paused_until";
    let without = "is given without paused: add paused with the reason, or leave this out";
    let group = "= east: core!1, other\n";
    assert_eq!(of(r#""paused_until": "2026-12-15""#), format!("{at}: {without}\n{group}"));
    let odd = "write a day, 2026-12-15, or a moment, 2026-12-15T06:00:00Z";
    assert_eq!(
        of(r#""paused": "the move", "paused_until": "soon""#),
        format!("{at}: \"soon\" is no day and no moment: {odd}\n{group}")
    );
}
