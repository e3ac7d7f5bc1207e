//! The statement that repairs what a group was refused.

use crate::config::TableName;
use crate::plan::GroupPlan;
use crate::plan::document::WorkspacePlan;
use crate::region::{Grant, Lack, RegionError, Regions};
use crate::sentence::Sentence;

/// A right whose lack stopped a group.
#[derive(Debug, Clone)]
pub(super) struct Missing(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    /// What the region said is missing.
    lack: Lack,
    /// The table that was being read, where it was one.
    table: Option<TableName>,
}

impl Missing {
    /// What a refusal says is missing, of a table or of none; `None`: it says so of nothing.
    pub(super) fn of(refusal: &RegionError, table: Option<&TableName>) -> Option<Missing> {
        let lack = refusal.lack.as_deref()?.clone();
        Some(Missing(Box::new(Told { lack, table: table.cloned() })))
    }
}

/// What was told of a group, with the statement that gives whoever asked the right that is missing, where that is one that the group
/// needs: on its tables, or on the external locations of both sync locations.
pub(super) async fn grant_for(
    regions: &Regions,
    workspace: &WorkspacePlan,
    group: &GroupPlan,
    principal: Option<&str>,
    missing: Option<&Missing>,
) -> Option<Grant> {
    let (principal, Told { lack, table }) = (principal?, &*missing?.0);
    let tables = group.steps.iter().map(|step| &step.table);
    let mut needed: Vec<Grant> =
        tables.flat_map(|table| Grant::to_read(table, principal)).collect();
    if let Some(own) = regions.primary.workspace.as_ref().filter(|_| lack.is_of_location()) {
        let seen = &workspace.observed;
        for place in [&seen.primary.location, &seen.secondary.location] {
            let name = own.external_location(place).await;
            needed.extend(name.map(|name| Grant::to_write(&name, principal)));
        }
    }
    // Of another right, or on another thing, whoever asked needs the one on the table that was being read.
    let own = || {
        let table = table.as_ref().filter(|_| !lack.is_of_location())?;
        Some(lack.grant_for_reading(table, principal))
    };
    lack.among(&needed).cloned().or_else(own)
}

/// A text with the statement that repairs what it tells of, where there is one.
pub(super) fn with_grant(text: Sentence, grant: Option<&Grant>) -> Sentence {
    match grant {
        Some(grant) => format!("{text}; {grant}").into(),
        None => text,
    }
}
