//! The metadata tables of one region, as read.

use std::collections::BTreeMap;

use crate::config::TableName;
use crate::ledger::{Cut, Cuts, Row};

/// Both metadata tables of one region, as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LedgerCopy {
    /// `sync_metadata`; `None`: it is not there.
    pub metadata: Option<MetadataTable>,
    /// `sync_cuts`; `None`: it is not there.
    pub cuts: Option<CutTable>,
}

impl LedgerCopy {
    /// Its rows by group name.
    pub fn rows_by_group(&self) -> BTreeMap<String, Row> {
        let rows = self.metadata.iter().flat_map(|table| &table.rows);
        rows.map(|row| (row.group_name.clone(), row.clone()))
            .collect()
    }

    /// Its cuts.
    pub fn all_cuts(&self) -> Cuts {
        Cuts::new(
            self.cuts
                .iter()
                .flat_map(|table| table.cuts.iter().cloned()),
        )
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
}

/// What came of registering replicas in a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// Tables that are new in the catalog.
    pub tables: Vec<TableName>,
    /// What stood in the way of which others, in words.
    pub refused: Vec<String>,
}

/// What came of appending a cut, decided by reading back.
#[derive(Debug, Clone, PartialEq)]
pub enum Appended {
    /// The cut is in the log.
    Committed,
    /// Another cut has the number, after the same predecessor: a lost race.
    Lost(Box<Cut>),
    /// The log's newest cut of the group is not the one this cut follows.
    Diverged(Option<Box<Cut>>),
}
