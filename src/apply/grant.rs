//! What a group was refused, told with the statement that repairs it.

use crate::config::TableName;
use crate::plan::GroupPlan;
use crate::plan::document::WorkspacePlan;
use crate::region::{Grant, Regions};

/// What was told of a group, with the statement that gives whoever asked the right whose lack it tells of, where that is one that
/// the group needs: on its tables, or on the external locations of both sync locations.
pub(super) async fn with_grant(
    regions: &Regions,
    workspace: &WorkspacePlan,
    group: &GroupPlan,
    principal: Option<&str>,
    told: String,
) -> String {
    let Some(principal) = principal else {
        return told;
    };
    let tables = group.steps.iter().map(|step| &step.table);
    let to_read = tables.clone();
    let mut needed: Vec<Grant> =
        to_read.flat_map(|table| Grant::to_read(table, principal)).collect();
    if Grant::is_of_location(&told) {
        let seen = &workspace.observed;
        for place in [&seen.primary.location, &seen.secondary.location] {
            let name = regions.primary.external_location(place).await;
            needed.extend(name.map(|name| Grant::to_write(&name, principal)));
        }
    }
    let named = Grant::named(&told, &needed).cloned();
    // Of another right, or on another thing, whoever asked needs the one on the table that was being read.
    let own = || {
        let read = |table: &&TableName| told.contains(&format!("{table}: "));
        let table = tables.clone().find(read)?;
        Grant::to_read_where_lacking(&told, table, principal)
            .filter(|_| !Grant::is_of_location(&told))
    };
    match named.or_else(own) {
        Some(grant) => format!("{told}; {grant}"),
        None => told,
    }
}
