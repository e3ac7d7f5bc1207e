//! What an apply, or a check of a stored plan, looks at once more of a group before it goes on: the same questions as planning asks,
//! of what the plan names. One question a step, in their order. Pure.

use super::histories::replica_question;
use super::pins::pin_question;
use crate::config::TableName;
use crate::ledger::CutTableEntry;
use crate::plan::document::{GroupPlan, Step};
use crate::region::{PinQuestion, ReplicaQuestion, SourceQuestion, Table};

/// The tables that are looked up in the catalog again: what a plan says of them is data, and a right may have been taken away.
pub fn tables(plan: &GroupPlan) -> Vec<TableName> {
    plan.steps.iter().map(|step| step.table.clone()).collect()
}

/// Histories of the sources, from what the plan pins on.
pub fn sources(plan: &GroupPlan) -> Vec<SourceQuestion> {
    let asked = plan.steps.iter().map(|step| SourceQuestion {
        table: source_table(step),
        from_version: Some(step.source.version),
    });
    asked.collect()
}

/// The replicas, each since what the newest cut says of it.
pub fn replicas(plan: &GroupPlan, in_cuts: &[Option<&CutTableEntry>]) -> Vec<ReplicaQuestion> {
    let steps = plan.steps.iter().zip(in_cuts);
    steps.map(|(step, entry)| replica_question(step.replica.path.clone(), *entry)).collect()
}

/// A source at the version that is pinned, which is no longer its newest, as it would be copied over its replica.
pub fn pin(step: &Step, replica_version: Option<u64>) -> PinQuestion {
    let (table, location) = (source_table(step), step.replica.location.clone());
    pin_question(table, step.source.version, false, location, replica_version)
}

/// The source of a step as the catalog listed it.
fn source_table(step: &Step) -> Table {
    Table {
        name: step.table.clone(),
        table_id: step.source.catalog_id.clone(),
        location: step.source.location.clone(),
        unsupported: None,
        denied: None,
    }
}
