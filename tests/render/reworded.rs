//! The words of remedies are others: what is one cause stays one, and nothing but these words changes on any screen.

use drsync::plan::{Acceptance, Advice, Deed, FindingCode, Plan, Remedy};
use drsync::render::sections::validate;
use drsync::render::writers::BUDGET;

use crate::builders::{self, *};

/// Groups with remedies of every kind, several of which say the same to do.
fn stuck() -> Plan {
    use FindingCode::{
        DuplicateTarget, LedgerLost, ReplicaChanged, TableNotFound, UnsupportedTable,
        WorkflowNotFound,
    };
    let no_job = || to_do(Deed::CorrectWorkflow, "correct the name or create the job");
    let no_table = || to_do(Deed::CorrectTable, "correct the name or create the table");
    let out = || to_do(Deed::LeaveTableOut, "leave it out with a reason");
    let once = || to_do(Deed::NameTableOnce, "name it in one group only");
    let moved = |place: &str| {
        let deed = Deed::MoveReplica { location: place.to_owned() };
        to_do(deed, &format!("move {place} away and it is cloned again"))
    };
    let lost = |group: &str| {
        let words = "put the newer copy back or go on without it".into();
        let advice = Advice { deed: Some(Deed::PutCutLogBack), words };
        let accepted = Acceptance { code: LedgerLost, scope: group.to_owned() };
        Some(Remedy::AdviceElse(advice, accepted))
    };
    let of_table =
        |code, table: &str, remedy| finding(code, Some(table), "something is odd", remedy);
    let core = vec![
        finding(WorkflowNotFound, None, "no job has the name core", no_job()),
        of_table(TableNotFound, "main.core.gold", no_table()),
        of_table(TableNotFound, "main.core.silver", no_table()),
        of_table(DuplicateTarget, "main.core.bronze", once()),
        of_table(ReplicaChanged, "main.core.one", moved("there")),
        of_table(ReplicaChanged, "main.core.two", moved("elsewhere")),
        not_readable("main.core.three"),
    ];
    let crm = vec![
        finding(WorkflowNotFound, None, "no job has the name crm", no_job()),
        of_table(TableNotFound, "main.crm.contacts", no_table()),
        of_table(DuplicateTarget, "main.core.bronze", once()),
        of_table(UnsupportedTable, "main.crm.first", out()),
        of_table(UnsupportedTable, "main.crm.second", out()),
    ];
    let log = |group: &str| vec![finding(LedgerLost, None, "a cut is gone", lost(group))];
    let groups = [
        blocked("core", core),
        blocked("crm", crm),
        blocked("hr", log("hr")),
        blocked("it", log("it")),
    ];
    builders::plan(groups.into())
}

/// The same with other words of every remedy, no two of which are alike; each with the words that it had.
fn reworded(mut plan: Plan) -> (Plan, Vec<(String, String)>) {
    let mut told = vec![];
    for finding in
        plan.workspaces.iter_mut().flat_map(|of| &mut of.groups).flat_map(|of| &mut of.findings)
    {
        if let Some(Remedy::Advice(advice) | Remedy::AdviceElse(advice, _)) = &mut finding.remedy {
            let words = format!("words{:03}", told.len());
            told.push((words.clone(), advice.words.to_string()));
            advice.words = words.into();
        }
    }
    (plan, told)
}

#[test]
fn reworded_remedies_are_the_causes_that_they_were() {
    let plan = stuck();
    let (otherwise, told) = reworded(plan.clone());
    assert_eq!(told.len(), 13, "{told:?}");
    let forms = |plan: &Plan| {
        [
            ("text", plan_text(plan, &narrow())),
            ("all of the text", plan_text(plan, &verbose())),
            ("validate", validate_text(plan, &narrow())),
            ("the script", validate::sql(plan)),
            ("Markdown", plan_comment(plan, BUDGET)),
            ("HTML", plan_report(plan, &[])),
        ]
    };
    // Lines are wrapped at other places, and at the end of a report stands the document itself, with its digest.
    let plain = |shown: &str| {
        let told = shown.split("id=\"provenance\"").next().unwrap_or_default();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for ((form, shown), (_, other)) in forms(&plan).into_iter().zip(forms(&otherwise)) {
        let mut restored = other.clone();
        for (words, before) in &told {
            restored = restored.replace(words, before);
        }
        assert!(restored != other, "{form} tells no remedy: {other}");
        assert_eq!(plain(&restored), plain(&shown), "{form}");
    }
}
