//! The metadata tables of one region, brought up to what both regions say together.
//! Only this file makes metadata tables, and puts them aside.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::Sides;
use crate::ledger::{Cut, Cuts, Row, SYNC_METADATA};
use crate::plan::document::{GroupPlan, MetadataAction, WorkspacePlan};
use crate::plan::{LedgerAction, Role, aside_name, row_after};
use crate::record::MetadataRecord;
use crate::region::{
    LedgerCopy, LedgerTable, Location, RegionError, RegionErrorKind, TableTrouble,
};

/// What became of the metadata tables of one region.
pub(super) struct Made {
    /// What was done.
    pub(super) action: LedgerAction,
    /// What they say now.
    pub(super) copy: LedgerCopy,
    /// Why no row can be written there although cuts can; a row decides nothing, so nothing else stops.
    pub(super) without_rows: Option<RegionError>,
}

impl Made {
    /// Of a region that refused.
    pub(super) fn nothing() -> Made {
        Made { action: LedgerAction::None, copy: LedgerCopy::default(), without_rows: None }
    }
}

/// Puts aside what cannot be read, as planned, clones the metadata tables that only the other region has, and creates those
/// that neither has; says which it did.
pub(super) async fn make(
    location: &dyn Location,
    copy: Result<LedgerCopy, RegionError>,
    other: &LedgerCopy,
    other_location: &str,
    workspace: &str,
    planned: Option<(&MetadataAction, &str)>,
) -> Result<Made, RegionError> {
    let mut copy = copy?;
    let mut without_rows = None;
    for trouble in &copy.troubles {
        let done = tend(location, trouble, planned).await;
        match (trouble.table, done) {
            (_, Ok(())) => {}
            (LedgerTable::Metadata, Err(refusal)) if is_of_the_table(&refusal) => {
                without_rows = Some(refusal);
            }
            (LedgerTable::Metadata | LedgerTable::Cuts, Err(refusal)) => return Err(refusal),
        }
    }
    let lacks_metadata = copy.metadata.is_none() && without_rows.is_none();
    let lacks_cuts = copy.cuts.is_none();
    let mut action = LedgerAction::None;
    if lacks_metadata || lacks_cuts {
        let made = async {
            if (lacks_metadata && other.metadata.is_some()) || (lacks_cuts && other.cuts.is_some())
            {
                location.clone_ledger(other_location).await?;
                action = LedgerAction::Clone;
            }
            if (lacks_metadata && other.metadata.is_none()) || (lacks_cuts && other.cuts.is_none())
            {
                location.create_ledger(workspace).await?;
                action = LedgerAction::Create;
            }
            Ok(())
        };
        let made: Result<(), RegionError> = made.await;
        copy = if other.heads_only {
            location.ledger_heads().await?
        } else {
            location.ledger().await?
        };
        match made {
            Err(refusal) if copy.cuts.is_some() && is_of_the_table(&refusal) => {
                without_rows = Some(refusal);
            }
            made => made?,
        }
        if lacks_metadata && copy.metadata.is_none() && without_rows.is_none() {
            let left = copy.unreadable(LedgerTable::Metadata).cloned();
            without_rows = Some(left.unwrap_or_else(|| {
                let doing = format!("make {SYNC_METADATA}");
                let detail = "it is not there after it was made";
                RegionError::new(RegionErrorKind::Other, doing, detail)
            }));
        }
    }
    Ok(Made { action, copy, without_rows })
}

/// Puts a table aside that cannot be read, or writes one anew that was read around damage.
async fn tend(
    location: &dyn Location,
    trouble: &TableTrouble,
    planned: Option<(&MetadataAction, &str)>,
) -> Result<(), RegionError> {
    let table = trouble.table;
    let mut asides = planned.into_iter().flat_map(|(planned, plan_id)| {
        let asides = planned.put_aside.iter();
        asides.map(move |aside| (&aside.table, plan_id))
    });
    match asides.find(|(aside, _)| *aside == table.name()) {
        // The name follows from the plan's id: no file says where anything is moved to.
        Some((_, plan_id)) if trouble.unreadable => {
            let name = aside_name(table.name(), plan_id);
            location.put_aside(table, &name).await
        }
        // It became unreadable after the plan was made: the next one puts it aside.
        None if trouble.unreadable => Err(trouble.error.clone()),
        Some(_) | None => location.mend(table).await,
    }
}

/// The refusal is about what a table is, not about the region or who asks.
fn is_of_the_table(refusal: &RegionError) -> bool {
    match refusal.kind {
        RegionErrorKind::NotFound | RegionErrorKind::Unsupported | RegionErrorKind::Other => {
            !refusal.transient
        }
        RegionErrorKind::Denied
        | RegionErrorKind::Unavailable
        | RegionErrorKind::SignedOut
        | RegionErrorKind::Conflict => false,
    }
}

/// The rows that a plan leaves behind before any group is begun: those of both copies, with its own.
///
/// What a plan says of times and messages is not taken from it: a row is derived again from what the ledger says now.
pub(in crate::apply) fn planned_rows(
    plan: &WorkspacePlan,
    mut rows: BTreeMap<String, Row>,
    cuts: &Cuts,
    created_at: DateTime<Utc>,
) -> BTreeMap<String, Row> {
    let groups = plan.groups.iter().rev();
    let groups: BTreeMap<&str, &GroupPlan> =
        groups.map(|group| (group.name.as_str(), group)).collect();
    for change in &plan.rows {
        let name = &change.after.group_name;
        let before = rows.get(name);
        // A row that has moved since the plan was made knows better.
        if before.is_some_and(|row| row.date_updated > created_at) {
            continue;
        }
        let group = groups.get(name.as_str()).copied();
        let after = row_after(change, group, before, cuts.newest(name), created_at);
        rows.extend(after.map(|row| (name.clone(), row)));
    }
    rows
}

/// A group whose cuts a region did not take although it takes those of others.
pub(super) struct CutsRefused {
    /// The group.
    pub(super) group: String,
    /// Why.
    pub(super) refusal: RegionError,
}

/// What a copy lacks of what both say together.
pub(in crate::apply) struct Lacking {
    rows: Vec<Row>,
    cuts: Vec<Cut>,
    added: usize,
    changed: usize,
    retired: usize,
}

impl Lacking {
    /// Compares one region's copy with all rows and cuts.
    pub(in crate::apply) fn of(
        copy: &LedgerCopy,
        rows: &BTreeMap<String, Row>,
        cuts: &Cuts,
        sides: &Sides,
    ) -> Lacking {
        let mut lacking = Lacking {
            rows: Vec::new(),
            cuts: cuts.owed_to(&copy.all_cuts(), sides),
            added: 0,
            changed: 0,
            retired: 0,
        };
        let here = copy.rows_by_group();
        for row in rows.values() {
            match here.get(&row.group_name) {
                Some(before) if before == row => continue,
                None => lacking.added += 1,
                Some(before) if row.is_retired() && !before.is_retired() => lacking.retired += 1,
                Some(_) => lacking.changed += 1,
            }
            lacking.rows.push(row.clone());
        }
        lacking
    }

    /// It lacks nothing.
    pub(in crate::apply) fn is_nothing(&self) -> bool {
        self.rows.is_empty() && self.cuts.is_empty()
    }

    /// Gives it to the region, its rows only where they can be written, and says of which groups it did not take the cuts.
    ///
    /// # Errors
    /// The region's refusal.
    pub(super) async fn write(
        &mut self,
        location: &dyn Location,
        rows: bool,
    ) -> Result<Vec<CutsRefused>, RegionError> {
        let mut refused = Vec::new();
        if !self.cuts.is_empty() {
            match location.copy_cuts(&self.cuts).await {
                Err(refusal) if is_of_the_table(&refusal) => {
                    refused = self.copy_by_group(location, refusal).await?;
                }
                copied => copied?,
            }
        }
        if rows && !self.rows.is_empty() {
            location.write_rows(&self.rows).await?;
        }
        Ok(refused)
    }

    /// Gives it the cuts of each group alone after it refused them together: what one of them says stops no other.
    async fn copy_by_group(
        &mut self,
        location: &dyn Location,
        together: RegionError,
    ) -> Result<Vec<CutsRefused>, RegionError> {
        let mut refused = Vec::new();
        let groups = self.cuts.chunk_by(|one, other| one.group_name == other.group_name);
        for cuts in groups.clone() {
            match location.copy_cuts(cuts).await {
                Err(refusal) if is_of_the_table(&refusal) => {
                    refused.push(CutsRefused { group: cuts[0].group_name.clone(), refusal });
                }
                copied => copied?,
            }
        }
        // If the cuts of every group are refused, it is the table that is at fault: one error stands for all.
        if refused.len() > 1 && refused.len() == groups.count() {
            return Err(together);
        }
        self.cuts.retain(|cut| refused.iter().all(|refused| refused.group != cut.group_name));
        Ok(refused)
    }

    /// What the record says of it; nothing where nothing was done to the tables.
    pub(super) fn record(
        &self,
        workspace: &str,
        region: Role,
        made: LedgerAction,
    ) -> Option<MetadataRecord> {
        let action = match made {
            LedgerAction::None if self.is_nothing() => return None,
            LedgerAction::None => LedgerAction::Merge,
            LedgerAction::Create | LedgerAction::Clone | LedgerAction::Merge => made,
        };
        Some(MetadataRecord {
            workspace: workspace.to_owned(),
            region,
            action,
            rows_added: self.added,
            rows_changed: self.changed,
            rows_retired: self.retired,
            cuts_copied: self.cuts.len(),
        })
    }
}
