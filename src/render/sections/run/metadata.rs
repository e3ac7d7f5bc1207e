//! What an apply did to the metadata tables, beside what became of its groups.

use crate::plan::{LedgerAction, Role};
use crate::record::{MetadataRecord, RunRecord};
use crate::render::sections::metadata::count_rows_and_cuts;

/// What an apply did to the metadata tables.
pub(super) struct MetadataWritten {
    /// `created`, `cloned`, `updated`.
    verb: &'static str,
    /// Which rows, and in which regions.
    how: String,
    /// Rows are named, and not regions alone.
    rows: bool,
}

impl MetadataWritten {
    /// `Metadata tables updated: 1 row retired, 2 changed in both regions`.
    pub(super) fn sentence(&self) -> String {
        format!("{}{}", self.what(), self.how())
    }

    /// `Metadata tables updated`.
    pub(super) fn what(&self) -> String {
        format!("Metadata tables {}", self.verb)
    }

    /// What may be said after that.
    pub(super) fn how(&self) -> String {
        if self.rows { format!(": {}", self.how) } else { format!(" {}", self.how) }
    }
}

/// What was done to them; `None`: nothing.
pub(super) fn metadata_written(record: &RunRecord) -> Option<MetadataWritten> {
    let verb = record.metadata.iter().map(|one| one.action).fold(
        None,
        |before: Option<&'static str>, action| match action {
            LedgerAction::Create => Some("created"),
            LedgerAction::Clone => before.filter(|verb| *verb == "created").or(Some("cloned")),
            LedgerAction::Merge => before.or(Some("updated")),
            LedgerAction::None => before,
        },
    )?;
    let [primary, secondary] =
        [Role::Primary, Role::Secondary].map(|role| count_rows(record, role));
    let places = match (primary, secondary) {
        (Some(primary), Some(secondary)) if primary == secondary => {
            vec![(primary, "in both regions")]
        }
        (primary, secondary) => {
            let each = [(primary, "in the primary"), (secondary, "in the secondary")];
            each.into_iter().filter_map(|(said, place)| Some((said?, place))).collect()
        }
    };
    let rows = places.first().is_some_and(|(said, _)| !said.is_empty());
    let how: Vec<String> = places.iter().map(|(said, place)| placed(said, place)).collect();
    Some(MetadataWritten { verb, how: how.join("; "), rows })
}

fn placed(said: &str, place: &str) -> String {
    if said.is_empty() { place.to_owned() } else { format!("{said} {place}") }
}

/// What was written in one region, over all workspaces; empty: tables without rows were made.
fn count_rows(record: &RunRecord, role: Role) -> Option<String> {
    let of_role = || record.metadata.iter().filter(|one| one.region == role);
    of_role().next()?;
    let sum = |of: fn(&MetadataRecord) -> usize| of_role().map(of).sum::<usize>();
    let rows = [
        (sum(|one| one.rows_added), "added"),
        (sum(|one| one.rows_changed), "changed"),
        (sum(|one| one.rows_retired), "retired"),
    ];
    let cuts = sum(|one| one.cuts_copied);
    Some(count_rows_and_cuts(rows, (cuts, "copied")).join(", "))
}
