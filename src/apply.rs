//! Carries out a plan, emits events, commits cuts.

mod event;
mod record;

pub use event::{Event, What};
pub use record::{
    Exit, FORMAT_VERSION, GroupOutcome, GroupRecord, KIND, RunRecord, RunSummary, TableOutcome, TableRecord,
    VerifiedRecord,
};
