//! The metadata table and the cut log: records, allowed status changes, how two copies become one. Pure.
//!
//! The log decides, the rows tell: `sync_cuts` is what is true of a group, `sync_metadata` what people read about it.

use chrono::{DateTime, Utc};

mod append;
mod columns;
mod copies;
mod cut;
mod cuts;
mod kind;
mod odd;
mod role;
pub mod row;

pub use append::Appended;
pub use columns::{ColumnKind, CutColumn, LaterColumns, columns_appended};
pub use copies::{Ledger, merge_rows, newer_row};
pub use cut::{AcceptedRisk, Consistency, Cut, CutTableEntry};
pub use cuts::{Cuts, Divergence};
pub use kind::CutKind;
pub use odd::{CutRow, OddCut};
pub use role::{NEEDS_PROPERTY, NewRole, Roles, need_of_later_version};
pub use row::{Row, RowStatus};

/// Folder of drsync's own files under a sync location.
pub const FOLDER: &str = "_drsync";
/// Name of the metadata table: one row per group.
pub const SYNC_METADATA: &str = "sync_metadata";
/// Name of the cut log: one row per committed cut.
pub const SYNC_CUTS: &str = "sync_cuts";
/// Folder of stored plans and run records.
pub const EVIDENCE: &str = "evidence";
/// How long the metadata tables keep commits and replaced files: longer than anybody reads yesterday's version.
pub const KEPT: &str = "interval 2 days";
/// Property that claims a sync location for a workspace.
pub const WORKSPACE_PROPERTY: &str = "drsync.workspace";

/// A cut on screen: its number and its moment, `cut 42 (2026-11-22 09:41:07Z)`.
pub fn cut_label(number: u64, recovery_point: DateTime<Utc>) -> String {
    format!("cut {number} ({})", recovery_point.format("%Y-%m-%d %H:%M:%SZ"))
}
