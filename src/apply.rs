//! Carries out a plan, emits events, commits cuts.

mod event;
mod record;

pub use event::{Event, What};
pub use record::{
    Exit, FORMAT_VERSION, GroupOutcome, GroupRecord, KIND, RunRecord, RunSummary, TableOutcome,
    TableRecord, VerifiedRecord,
};

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};

use crate::plan::StoredPlan;
use crate::region::Regions;

/// How an apply is to work.
#[derive(Clone)]
pub struct Options {
    /// A fresh ULID.
    pub run_id: String,
    /// Who runs it.
    pub actor: String,
    /// Clones at once.
    pub parallelism: usize,
    /// Set to stop starting work (first Ctrl-C or SIGTERM).
    pub stop: Arc<AtomicBool>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// `DRSYNC_NOW` replaced the clock.
    pub clock_overridden: bool,
}

/// Carries out a plan, no more and no less (`regions` in the order of its workspaces), and returns the record of it.
///
/// Every event goes to `tell`; the last is the summary. Nothing is refused here: expiry, digests and approval are the caller's.
pub async fn apply(
    stored: &StoredPlan,
    regions: &[Regions],
    options: &Options,
    tell: &(dyn Fn(Event) + Send + Sync),
) -> RunRecord {
    let _ = (stored, regions, options.parallelism, tell);
    todo!()
}
