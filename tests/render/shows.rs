//! A stored plan as an auditor meets it.

use drsync::apply::GroupOutcome;
use drsync::plan::{Plan, Provenance};

use crate::builders::*;

fn reviewed() -> Plan {
    let mut plan =
        plan(vec![sync("core_product", vec![update("main.core.gold", 1029, 1041, GIB, 96)])]);
    plan.provenance = Provenance {
        actor: "ci:github acme/dr-config run 7".to_owned(),
        started_by: Some("octo".to_owned()),
        ci_run_url: Some("https://github.test/acme/dr-config/actions/runs/7".to_owned()),
        git_commit: Some("f1e2d3c4b5a697887766554433221100ffeeddcc".to_owned()),
        change: Some("pull 418".to_owned()),
    };
    plan.sealed()
}

#[test]
fn provenance_comes_first_and_names_pipeline_commit_and_apply() {
    let applied = run(vec![ended("core_product", GroupOutcome::Synchronized, None)], 0, "ok");
    let shown = show_text(&reviewed(), &[applied], at("2026-12-01T00:00:00Z"), &narrow());
    let head: Vec<&str> = shown.lines().take(8).collect();
    assert_eq!(
        head,
        [
            "Plan XBCEF0, unaltered, expired; applied by JDA2C7 on 2026-11-22 11:08Z",
            "",
            "  made        2026-11-22 10:59:36Z by ci:github acme/dr-config run 7, pull 418,",
            "              started by octo",
            "              commit f1e2d3c4b5a697887766554433221100ffeeddcc, drsync 0.1.0,",
            "              clock not overridden",
            "              https://github.test/acme/dr-config/actions/runs/7",
            "  applied     2026-11-22 11:08:44Z by user:someone, run JDA2C7",
        ]
    );
}

#[test]
fn the_apply_that_did_it_is_named_and_one_that_failed_says_so() {
    let failed = run(vec![ended("core_product", GroupOutcome::Failed, None)], 1, "failed");
    let mut did = run(vec![ended("core_product", GroupOutcome::Synchronized, None)], 0, "ok");
    did.run_id = "01JD0000000000000001JDB000".to_owned();
    let verdict = |applies: &[drsync::apply::RunRecord]| {
        let shown = show_text(&reviewed(), applies, at("2026-11-22T12:00:00Z"), &narrow());
        shown.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(verdict(&[]), "Plan XBCEF0, unaltered, can be applied until 2026-11-25 10:59Z");
    assert_eq!(
        verdict(std::slice::from_ref(&failed)),
        "Plan XBCEF0, unaltered; applied by JDA2C7 on 2026-11-22 11:08Z (failed)"
    );
    assert_eq!(
        verdict(&[failed, did]),
        "Plan XBCEF0, unaltered; applied by JDB000 on 2026-11-22 11:08Z"
    );
}

#[test]
fn who_made_a_plan_is_not_part_of_what_it_does() {
    let mut other = reviewed();
    other.provenance = Provenance::of_actor("user:someone");
    let (one, other) = (reviewed(), other.sealed());
    assert_eq!(one.effect_sha256, other.effect_sha256);
    assert_ne!(one.document_sha256, other.document_sha256);
}
