//! The metadata tables of one region, brought up to what both regions say together.

use std::collections::BTreeMap;

use crate::apply::record::MetadataRecord;
use crate::ledger::{Cuts, Row};
use crate::plan::{LedgerAction, Role};
use crate::region::{LedgerCopy, Region, RegionError};

/// Clones the metadata tables that only the other region has, and creates those that neither has; says which it did.
pub(super) async fn make(
    region: &dyn Region,
    copy: Result<LedgerCopy, RegionError>,
    other: &LedgerCopy,
    other_location: &str,
    workspace: &str,
) -> Result<(LedgerAction, LedgerCopy), RegionError> {
    let copy = copy?;
    let lacks_metadata = copy.metadata.is_none();
    let lacks_cuts = copy.cuts.is_none();
    if !lacks_metadata && !lacks_cuts {
        return Ok((LedgerAction::None, copy));
    }
    let mut action = LedgerAction::None;
    if (lacks_metadata && other.metadata.is_some()) || (lacks_cuts && other.cuts.is_some()) {
        region.clone_ledger(other_location).await?;
        action = LedgerAction::Clone;
    }
    if (lacks_metadata && other.metadata.is_none()) || (lacks_cuts && other.cuts.is_none()) {
        region.create_ledger(workspace).await?;
        action = LedgerAction::Create;
    }
    Ok((action, region.ledger().await?))
}

/// What a copy lacked, and was given.
pub(super) struct Healed {
    added: usize,
    changed: usize,
    retired: usize,
    cuts: usize,
}

/// Brings one region's copy up to what both say together.
pub(super) async fn heal(
    region: &dyn Region,
    copy: &LedgerCopy,
    rows: &BTreeMap<String, Row>,
    cuts: &Cuts,
) -> Result<Healed, RegionError> {
    let here: Vec<_> = copy.all_cuts().iter().cloned().collect();
    let missing = cuts.missing_from(&here);
    if !missing.is_empty() {
        region.copy_cuts(&missing).await?;
    }
    let mut healed = Healed {
        added: 0,
        changed: 0,
        retired: 0,
        cuts: missing.len(),
    };
    let here = copy.rows_by_group();
    let mut changed: Vec<Row> = Vec::new();
    for row in rows.values() {
        match here.get(&row.group_name) {
            Some(before) if before == row => continue,
            None => healed.added += 1,
            Some(before) if row.is_retired() && !before.is_retired() => healed.retired += 1,
            Some(_) => healed.changed += 1,
        }
        changed.push(row.clone());
    }
    if !changed.is_empty() {
        region.write_rows(&changed).await?;
    }
    Ok(healed)
}

/// What the record says of a region's metadata tables; nothing where nothing was done to them.
pub(super) fn metadata_record(
    workspace: &str,
    region: Role,
    made: LedgerAction,
    healed: Healed,
) -> Option<MetadataRecord> {
    let Healed {
        added,
        changed,
        retired,
        cuts,
    } = healed;
    let action = match (made, added + changed + retired + cuts) {
        (LedgerAction::None, 0) => return None,
        (LedgerAction::None, _) => LedgerAction::Merge,
        (made, _) => made,
    };
    Some(MetadataRecord {
        workspace: workspace.to_owned(),
        region,
        action,
        rows_added: added,
        rows_changed: changed,
        rows_retired: retired,
        cuts_copied: cuts,
    })
}
