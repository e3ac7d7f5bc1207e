//! The metadata tables of one region, as read. Pure.

use std::collections::BTreeMap;

use super::{LedgerTable, RegionError};
use crate::config::TableName;
use crate::ledger::{Cut, Cuts, OddCut, Row};
use crate::sentence::Sentence;

/// Both metadata tables of one region, as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LedgerCopy {
    /// `sync_metadata`; `None`: it is not there.
    pub metadata: Option<MetadataTable>,
    /// `sync_cuts`; `None`: it is not there.
    pub cuts: Option<CutTable>,
    /// What is wrong with them although the region answers.
    pub troubles: Vec<TableTrouble>,
    /// Of the cuts only those were read that a plan needs.
    pub heads_only: bool,
}

/// What is wrong with a metadata table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTrouble {
    /// The table.
    pub table: LedgerTable,
    /// What is wrong.
    pub error: RegionError,
    /// Nothing of it could be read, as if it were not there. Otherwise it was read, and other readers would stumble.
    pub unreadable: bool,
}

impl LedgerCopy {
    /// Why a table could not be read.
    pub fn unreadable(&self, table: LedgerTable) -> Option<&RegionError> {
        let mut troubles = self.troubles.iter();
        let found = troubles.find(|trouble| trouble.table == table && trouble.unreadable)?;
        Some(&found.error)
    }

    /// Whether a table was read around damage, or a row of it is not what it was.
    pub fn is_damaged(&self, table: LedgerTable) -> bool {
        let told = self.troubles.iter().any(|trouble| trouble.table == table);
        told || table == LedgerTable::Cuts && self.all_cuts().is_doubtful()
    }

    /// Its rows by group name.
    pub fn rows_by_group(&self) -> BTreeMap<String, Row> {
        let rows = self.metadata.iter().flat_map(|table| &table.rows);
        rows.map(|row| (row.group_name.clone(), row.clone())).collect()
    }

    /// Its cuts.
    pub fn all_cuts(&self) -> Cuts {
        let tables = self.cuts.iter();
        let odd = tables.clone().flat_map(|table| &table.odd);
        let cuts = Cuts::new(tables.flat_map(|table| table.cuts.iter().cloned()));
        let cuts = cuts.with_odd(odd.filter_map(|odd| odd.group_name.clone()));
        if self.heads_only { cuts.of_heads() } else { cuts }
    }
}

/// Whether two copies say the same of the newest cut of every group, as far as they were read.
pub fn heads_agree(one: &LedgerCopy, other: &LedgerCopy) -> bool {
    let heads = |copy: &LedgerCopy| -> BTreeMap<String, (u64, String)> {
        let cuts = copy.all_cuts();
        let newest = cuts.newest_of_each();
        newest.map(|cut| (cut.group_name.clone(), (cut.cut_number, cut.sha256()))).collect()
    };
    heads(one) == heads(other)
}

/// A cut log that cannot be read is healed from a whole copy beside it; without one its region does not answer.
pub fn refuse_without_a_copy(
    one: &mut Result<LedgerCopy, RegionError>,
    other: &mut Result<LedgerCopy, RegionError>,
) {
    let whole = |copy: &Result<LedgerCopy, RegionError>| {
        copy.as_ref().is_ok_and(|copy| copy.cuts.is_some())
    };
    let (whole_one, whole_other) = (whole(one), whole(other));
    for (copy, beside) in [(one, whole_other), (other, whole_one)] {
        let refusal = copy.as_ref().ok();
        let refusal = refusal.and_then(|copy| copy.unreadable(LedgerTable::Cuts).cloned());
        if let Some(refusal) = refusal.filter(|_| !beside) {
            *copy = Err(refusal);
        }
    }
}

/// `sync_metadata` as read.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataTable {
    /// Its newest version.
    pub version: u64,
    /// The workspace that claims the location (`drsync.workspace`).
    pub workspace: Option<String>,
    /// Its rows, sorted by group name.
    pub rows: Vec<Row>,
}

/// `sync_cuts` as read.
#[derive(Debug, Clone, PartialEq)]
pub struct CutTable {
    /// Its newest version.
    pub version: u64,
    /// The workspace that claims the location.
    pub workspace: Option<String>,
    /// Its cuts, sorted by group and number.
    pub cuts: Vec<Cut>,
    /// Its rows that are no cuts; where there is one the table was read whole.
    pub odd: Vec<OddCut>,
}

/// What came of registering replicas in a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// Tables that are new in the catalog.
    pub tables: Vec<TableName>,
    /// What stood in the way of which others.
    pub refused: Vec<Unregistered>,
}

/// Tables that were not registered in a catalog, for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unregistered {
    /// Which.
    pub tables: Vec<TableName>,
    /// Why, in words that name them.
    pub why: Sentence,
}
