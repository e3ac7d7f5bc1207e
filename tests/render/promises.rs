//! What is found is told wherever a plan is: a finding or a warning that is added in one place is in every form.

use drsync::plan::{Finding, FindingCode, Plan, Severity, WarningCode};
use drsync::render::schema;
use drsync::render::writers::BUDGET;
use serde_json::Value;

use crate::builders::{self, *};

/// Every code that a schema knows of a kind.
fn codes(schema: &Value, kind: &str) -> Vec<String> {
    let of = &schema["$defs"][kind];
    let one = |value: &Value| value["const"].as_str().map(str::to_owned);
    let each = of["oneOf"].as_array().into_iter().flatten().filter_map(one);
    let listed = of["enum"].as_array().into_iter().flatten();
    each.chain(listed.filter_map(|value| value.as_str().map(str::to_owned))).collect()
}

/// Every form that a plan has.
fn forms(plan: &Plan) -> [(&'static str, String); 5] {
    let plan = plan.clone().sealed();
    [
        ("text", plan_text(&plan, &narrow())),
        ("all of the text", plan_text(&plan, &verbose())),
        ("Markdown", plan_comment(&plan, BUDGET)),
        ("HTML", plan_report(&plan, &[])),
        ("JSON", String::from_utf8(plan.stored().bytes).expect("JSON")),
    ]
}

#[test]
fn every_finding_is_in_every_form_with_what_was_seen() {
    for code in FindingCode::ALL {
        let found = Finding {
            code,
            severity: Severity::Block,
            table: Some("main.core.gold".to_owned()),
            message: "something odd was seen".into(),
            remedy: words("turn it round"),
        };
        let plan = builders::plan(vec![blocked("core", vec![found]), group("quiet")]);
        for (form, shown) in forms(&plan) {
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [code.as_str(), "main.core.gold", "something odd was seen"] {
                assert!(shown.contains(told), "{told} of {} in {form}: {shown}", code.as_str());
            }
        }
    }
}

#[test]
fn every_warning_is_in_every_form_with_its_words_and_in_the_documentation() {
    let schema = schema::plan();
    let codes = codes(&schema, "WarningCode");
    assert!(codes.len() > 20, "{codes:?}");
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/planning.md");
    let docs = std::fs::read_to_string(docs).expect("docs/planning.md");
    for code in codes {
        let of: WarningCode = serde_json::from_value(code.clone().into()).expect("a code");
        // Something is to be done: where nothing is, what is only about how a workspace is set up is told with -v.
        let core = sync("core", vec![update("main.core.gold", 1, 2, 1, 1)]);
        let mut plan = builders::plan(vec![core]);
        plan.warnings = vec![warning(of, "core", "something odd was seen")];
        for (form, shown) in forms(&plan) {
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            for told in [code.as_str(), "something odd was seen"] {
                assert!(shown.contains(told), "{told} of {code} in {form}: {shown}");
            }
        }
        assert!(docs.contains(&format!("`{code}`")), "{code} is not in docs/planning.md");
    }
}
