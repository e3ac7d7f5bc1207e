//! Which of the two metadata tables is meant. Pure.

use crate::ledger::{SYNC_CUTS, SYNC_METADATA};

/// One of the two metadata tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerTable {
    /// `sync_metadata`.
    Metadata,
    /// `sync_cuts`.
    Cuts,
}

impl LedgerTable {
    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            LedgerTable::Metadata => SYNC_METADATA,
            LedgerTable::Cuts => SYNC_CUTS,
        }
    }

    /// The table of that name.
    pub fn named(name: &str) -> Option<LedgerTable> {
        [LedgerTable::Metadata, LedgerTable::Cuts].into_iter().find(|table| table.name() == name)
    }
}
