//! What an apply did to the metadata tables, beside what became of its groups.

use crate::apply::{MetadataRecord, RunRecord};
use crate::plan::{LedgerAction, Role};
use crate::render::figures::plural;

/// `Metadata tables updated: 1 row retired, 2 changed in both regions`; `None`: nothing was done to them.
pub(in crate::render) fn sentence(record: &RunRecord) -> Option<String> {
    clauses(record).map(|(what, how)| what + &how)
}

/// What was done to them, and in which rows and regions.
pub(super) fn clauses(record: &RunRecord) -> Option<(String, String)> {
    let verb = record.metadata.iter().map(|one| one.action).fold(
        None,
        |before: Option<&str>, action| match action {
            LedgerAction::Create => Some("created"),
            LedgerAction::Clone => before.filter(|verb| *verb == "created").or(Some("cloned")),
            LedgerAction::Merge => before.or(Some("updated")),
            LedgerAction::None => before,
        },
    )?;
    let [primary, secondary] = [Role::Primary, Role::Secondary].map(|role| said(record, role));
    let what = match (primary, secondary) {
        (Some(primary), Some(secondary)) if primary == secondary => {
            placed(&primary, "in both regions")
        }
        (primary, secondary) => {
            let each = [(primary, "in the primary"), (secondary, "in the secondary")];
            let said = each.into_iter().filter_map(|(said, place)| Some(placed(&said?, place)));
            said.collect::<Vec<_>>().join("; ")
        }
    };
    let how = match what.starts_with("in ") {
        true => format!(" {what}"),
        false => format!(": {what}"),
    };
    Some((format!("Metadata tables {verb}"), how))
}

fn placed(said: &str, place: &str) -> String {
    match said.is_empty() {
        true => place.to_owned(),
        false => format!("{said} {place}"),
    }
}

/// What was written in one region, over all workspaces; empty: tables without rows were made.
fn said(record: &RunRecord, role: Role) -> Option<String> {
    let of_role = || record.metadata.iter().filter(|one| one.region == role);
    of_role().next()?;
    let sum = |of: fn(&MetadataRecord) -> usize| of_role().map(of).sum::<usize>();
    let rows = [
        (sum(|one| one.rows_added), "added"),
        (sum(|one| one.rows_changed), "changed"),
        (sum(|one| one.rows_retired), "retired"),
    ];
    let mut says: Vec<String> = vec![];
    for (number, what) in rows.into_iter().filter(|(number, _)| *number > 0) {
        says.push(match says.is_empty() {
            true => format!("{} {what}", plural(number, "row")),
            false => format!("{number} {what}"),
        });
    }
    let cuts = sum(|one| one.cuts_copied);
    if cuts > 0 {
        says.push(format!("{} copied", plural(cuts, "cut")));
    }
    Some(says.join(", "))
}
