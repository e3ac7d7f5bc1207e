//! What changed between two plans.

use drsync::plan::{FindingCode, Plan};
use drsync::render::diff::PlanDifference;
use drsync::render::sections::diff::page;

use crate::builders::*;

fn before() -> Plan {
    plan(vec![
        sync(
            "orders",
            vec![update("main.shop.orders", 4, 6, GIB, 96), no_op("main.shop.lines", 3)],
        ),
        group("quiet"),
        blocked("crm", vec![not_readable("main.crm.contacts")]),
    ])
    .sealed()
}

fn shown(before: &Plan, after: &Plan) -> String {
    written(&page(&PlanDifference::of(before, after)), &narrow())
}

#[test]
fn the_same_effect_is_one_line_whatever_changes_in_every_plan() {
    let mut after = before();
    after.plan_id = "01JDFFFFFFFFFFFFFFFFFFFFFF".to_owned();
    after.created_at = at("2026-11-22T11:59:36Z");
    after.expires_at = at("2026-11-25T11:59:36Z");
    after.observed_clock.now = after.created_at;
    let groups = &mut after.workspaces[0].groups;
    groups[0].reason.message = "said otherwise".into();
    groups[0].lag_seconds = Some(9_999);
    groups[0].steps[0].source.head_version = 99;
    groups[0].steps[0].estimate = None;
    let after = after.sealed();
    let effect = &after.effect_sha256[..8];
    assert_eq!(shown(&before(), &after), format!("Same effect {effect}: both plans do the same\n"));
}

#[test]
fn what_changed_is_shown_part_by_part() {
    let mut after = before();
    let groups = &mut after.workspaces[0].groups;
    groups[0].steps[0] = update("main.shop.orders", 4, 7, GIB, 96);
    groups.pop();
    groups.push(first_sync("new", vec![create("main.new.a", 0, 1, 1)]));
    let after = after.sealed();
    let (old, new) = (before().effect_sha256, after.effect_sha256.clone());
    assert_eq!(
        shown(&before(), &after),
        format!(
            "3 parts changed, 2 the same; effect {} became {}\n\n\
             changed  east/orders\n\
             \x20 - update  main.shop.orders  v4 -> v6\n\
             \x20 + update  main.shop.orders  v4 -> v7\n\n\
             new      east/new\n\
             \x20 + sync, workflow new_job run 98231, workflow-consistent, its first cut\n\
             \x20 + create  main.new.a  v0\n\n\
             gone     east/crm\n\
             \x20 - blocked\n\
             \x20 - ! table_not_readable main.crm.contacts\n",
            &old[..8],
            &new[..8]
        )
    );
}

#[test]
fn a_new_finding_is_told_and_is_another_effect() {
    let mut after = before();
    after.workspaces[0].groups[2].findings.push(finding(
        FindingCode::SourceShrank,
        Some("main.crm.contacts"),
        "lost rows",
        None,
    ));
    let shown = shown(&before(), &after.sealed());
    assert!(shown.starts_with("1 part changed, "), "{shown}");
    assert!(shown.contains("\n  + ! source_shrank main.crm.contacts\n"), "{shown}");
}

#[test]
fn everything_that_an_apply_acts_on_is_compared() {
    type Edit = (&'static str, fn(&mut Plan));
    let edits: [Edit; 5] = [
        ("statement", |plan| {
            step(plan).statement = Some("DROP TABLE x".to_owned());
        }),
        ("location", |plan| step(plan).replica.location.push('x')),
        ("id", |plan| step(plan).source.table_id.push('x')),
        ("address", |plan| {
            plan.workspaces[0].observed.primary.workspace = Some("https://evil.test".to_owned());
        }),
        ("secret", |plan| {
            plan.workspaces[0].connection.pat_key = Some("other".to_owned());
        }),
    ];
    for (what, edit) in edits {
        let mut after = before();
        edit(&mut after);
        let difference = PlanDifference::of(&before(), &after.sealed());
        assert!(!difference.same_effect, "{what}");
        assert_eq!(difference.parts.len(), 1, "{what}: {difference:#?}");
    }
}

fn step(plan: &mut Plan) -> &mut drsync::plan::Step {
    &mut plan.workspaces[0].groups[0].steps[0]
}

#[test]
fn plans_of_many_tables_are_compared_in_time_and_name_what_differs() {
    let many = |from: usize| -> Plan {
        let steps =
            (from..from + 20_000).map(|n| update(&format!("main.shop.t{n:05}"), 4, 6, 1, 1));
        plan(vec![sync("orders", steps.collect())]).sealed()
    };
    let difference = PlanDifference::of(&many(0), &many(20_001));
    let [part] = &difference.parts[..] else { panic!("{:?}", difference.parts.len()) };
    assert!(part.gone.len() >= 20_000 && part.gone.len() == part.new.len());
    assert!(part.gone.iter().any(|line| line.contains("main.shop.t00000")));
    assert!(part.new.iter().any(|line| line.contains("main.shop.t40000")));
    // What differs in nothing but the order of its lines says so.
    let mut turned = many(0);
    turned.workspaces[0].groups[0].steps.reverse();
    let difference = PlanDifference::of(&many(0), &turned.sealed());
    assert!(difference.parts[0].gone.is_empty());
    let shown = written(&page(&difference), &narrow());
    assert!(shown.contains("the same lines in another order"), "{shown}");
}
