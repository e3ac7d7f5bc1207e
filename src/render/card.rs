//! One table of a plan as a document: what was decided of its group, what is pinned, what was found.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::plan::document::{Certificate, Unprotected, WorkspacePlan};
use crate::plan::{Decision, Finding, GroupPlan, Plan, Step};
use crate::sentence::Sentence;
use crate::text::names_table;

/// A table where a group of the plan names it.
#[derive(Debug, Serialize)]
pub struct Card<'a> {
    /// Its workspace.
    pub workspace: &'a str,
    /// Its group.
    pub group: &'a str,
    /// What was decided for the group.
    pub decision: Decision,
    /// The table.
    pub table: String,
    /// The moment the group is brought to.
    #[serde(with = "crate::moment::OptionalMoment")]
    pub recovery_point: Option<DateTime<Utc>>,
    /// What proves it, over all tables of the group.
    pub certificate: Option<&'a Certificate>,
    /// What happens to it; absent: nothing.
    pub step: Option<&'a Step>,
    /// What was found of it.
    pub findings: Vec<&'a Finding>,
    /// Why it is not synchronized, where the configuration leaves it out.
    pub unprotected: Option<&'a Sentence>,
}

/// The cards of a table, by its name or the end of it, without case.
pub fn cards<'a>(plan: &'a Plan, asked: &str) -> Vec<Card<'a>> {
    let mut cards: Vec<Card<'a>> = vec![];
    for (workspace, group) in plan.groups() {
        for table in tables(plan, workspace, group) {
            if !names_table(asked, &table) {
                continue;
            }
            let step = group.steps.iter().find(|step| step.table.to_string() == table);
            let about = |finding: &&Finding| finding.table.as_deref() == Some(table.as_str());
            let left_out =
                |one: &&Unprotected| one.is_of(&workspace.name, &group.name) && one.table == table;
            cards.push(Card {
                workspace: &workspace.name,
                group: &group.name,
                decision: group.decision,
                recovery_point: group.recovery_point,
                certificate: group.certificate.as_ref(),
                step,
                findings: group.findings.iter().filter(about).collect(),
                unprotected: plan.unprotected.iter().find(left_out).map(|one| &one.reason),
                table,
            });
        }
    }
    cards
}

/// Every table that the plan says something of.
pub fn names(plan: &Plan) -> Vec<String> {
    let mut names: Vec<String> =
        plan.groups().flat_map(|(workspace, group)| tables(plan, workspace, group)).collect();
    names.sort();
    names.dedup();
    names
}

fn tables(plan: &Plan, workspace: &WorkspacePlan, group: &GroupPlan) -> Vec<String> {
    let mut tables: Vec<String> = group.steps.iter().map(|step| step.table.to_string()).collect();
    tables.extend(group.findings.iter().filter_map(|finding| finding.table.clone()));
    tables.extend(group.drift.iter().map(|drift| drift.table.to_string()));
    let left_out = plan.unprotected.iter().filter(|one| one.is_of(&workspace.name, &group.name));
    tables.extend(left_out.map(|one| one.table.clone()));
    tables.sort();
    tables.dedup();
    tables
}
