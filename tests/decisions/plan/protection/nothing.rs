//! Where there is nothing to compare settings with.

use std::collections::BTreeMap;

use drsync::plan::{
    Base, ComparedWith, NotComparedWhy, Plan, ProtectedBefore, RecordHere, RecordsSeen, WarningCode,
};
use drsync::region::LedgerCopy;
use drsync::render::sections::plan::{comment, report};
use drsync::render::writers::{BUDGET, Form, write};

use super::super::world::World;
use super::settings;

/// A world without any record of an apply, and without anything that an apply leaves.
fn new_estate() -> World {
    let mut world = World::new();
    let workspace = world.workspace();
    for region in [&mut workspace.primary, &mut workspace.secondary] {
        region.ledger = Ok(LedgerCopy::default());
    }
    for table in workspace.groups.iter_mut().flat_map(|group| &mut group.tables) {
        table.replica = Some(Ok(None));
    }
    workspace.records = Some(RecordsSeen::default());
    world.merge();
    world
}

pub(super) fn texts(plan: &Plan) -> [String; 3] {
    [
        super::super::screen_of(plan),
        write(&comment(plan), Form::Markdown(BUDGET)),
        write(&report(&plan.stored(), &[], plan.created_at), Form::Html),
    ]
}

#[test]
fn a_first_plan_of_a_new_estate_says_in_one_line_that_nothing_was_compared() {
    let plan = new_estate().plan();
    let nothing = plan.workspaces[0].settings_not_compared.as_ref().unwrap();
    assert_eq!((nothing.why, nothing.hides(false)), (NotComparedWhy::NoRecord, false));
    assert_eq!(nothing.looked_in, ["/world/east/sync", "/world/west/sync"]);
    assert!(plan.warnings.iter().all(|it| it.code != WarningCode::SettingsNotCompared));
    let [text, comment, page] = texts(&plan);
    assert!(!text.contains("compare"), "{text}");
    assert!(!comment.contains("Dangers"), "{comment}");
    for text in [comment, page] {
        assert_eq!(text.matches("Settings are compared with nothing").count(), 1, "{text}");
    }
}

/// A checkout of a pull request has no records of its own: where both sync locations are others now, nothing of before is seen.
#[test]
fn whoever_asks_what_changes_is_told_aloud_that_nothing_could_be_compared() {
    let mut world = new_estate();
    world.request.selection.changed = true;
    assert_eq!(hidden(&world), (NotComparedWhy::NoRecord, vec![]));
    let text = texts(&world.plan()).map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    for text in &text {
        assert!(text.contains("both sync locations are others now"), "{text}");
        assert!(!text.contains("groups were protected before"), "{text}");
    }
    let document = String::from_utf8(world.plan().stored().bytes).unwrap();
    assert!(document.contains("\"settings_not_compared\""), "{document}");
    world.workspace().records = Some(RecordsSeen { found: 0, unseen: true });
    assert_eq!(hidden(&world), (NotComparedWhy::NotSeen, vec![]));
}

/// What a plan of a world says that has nothing to compare with although something was protected.
fn hidden(world: &World) -> (NotComparedWhy, Vec<ProtectedBefore>) {
    let plan = world.plan();
    let nothing = plan.workspaces[0].settings_not_compared.clone().unwrap();
    let warned = plan.warnings.iter().filter(|it| it.code == WarningCode::SettingsNotCompared);
    assert_eq!(warned.count(), 1, "{:?}", plan.warnings);
    let [text, comment, page] = texts(&plan);
    let dangers = comment.split("**Dangers**").nth(1).unwrap_or_else(|| panic!("{comment}"));
    assert!(dangers.contains("nothing to compare settings with"), "{comment}");
    for text in [text, comment, page] {
        // Long lines are broken where they end.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("settings_not_compared"), "{text}");
        assert!(text.contains("--base FILE") || text.contains("give the file"), "{text}");
    }
    (nothing.why, nothing.signs)
}

#[test]
fn where_something_tells_of_protection_before_a_plan_says_that_it_could_not_compare() {
    let mut moved = new_estate();
    let ended_at = "2026-11-22T06:00:00Z".parse().unwrap();
    moved.workspace().record_here = Some(RecordHere {
        run_id: "01M81BWTBG0000000000000000".to_owned(),
        ended_at,
        replicas: Some("/world/before/sync".to_owned()),
    });
    let here = ProtectedBefore::KeptHere {
        run_id: "01M81BWTBG0000000000000000".to_owned(),
        ended_at,
        replicas: Some("/world/before/sync".to_owned()),
    };
    assert_eq!(hidden(&moved), (NotComparedWhy::NoRecord, vec![here]));

    let mut without_evidence = World::new();
    without_evidence.workspace().records = Some(RecordsSeen::default());
    let cuts = vec![ProtectedBefore::Cuts { groups: 2 }];
    assert_eq!(hidden(&without_evidence), (NotComparedWhy::NoRecord, cuts));

    let mut other_keys = new_estate();
    other_keys.workspace().records = Some(RecordsSeen { found: 3, unseen: false });
    other_keys.request.record_keys = vec!["KEY-2".to_owned()];
    let records = vec![ProtectedBefore::Records { records: 3, unsigned: true }];
    assert_eq!(hidden(&other_keys), (NotComparedWhy::NoneTells, records));

    let mut copied = new_estate();
    let seen = World::new();
    copied.workspace().groups = seen.observed.workspaces[0].groups.clone();
    let replicas = vec![ProtectedBefore::Replicas { tables: 3 }];
    assert_eq!(hidden(&copied), (NotComparedWhy::NoRecord, replicas));
}

#[test]
fn a_configuration_of_before_that_has_another_workspace_alone_is_no_comparison() {
    let mut world = new_estate();
    let north = World::with(|config| {
        let workspace = &mut config["workspaces"][0];
        workspace["workspace_instance_url"] = "/world/north".into();
        workspace["sync_location_primary"] = "/world/north/sync".into();
        workspace["sync_location_secondary"] = "/world/south/sync".into();
    });
    let settings = settings(&north);
    let of = ComparedWith::Configuration { source: "main.json".into(), sha256: "41c0".into() };
    world.request.base = Some(Base {
        of,
        settings: [("north".to_owned(), settings)].into(),
        tables: BTreeMap::new(),
    });
    let others = ProtectedBefore::OtherWorkspaces { workspaces: vec!["north".to_owned()] };
    assert_eq!(hidden(&world), (NotComparedWhy::NotInBase, vec![others]));
    // One that only comes is no danger.
    world.request.base.as_mut().unwrap().settings.clear();
    let plan = world.plan();
    assert!(!plan.workspaces[0].settings_not_compared.as_ref().unwrap().hides(true));
}
