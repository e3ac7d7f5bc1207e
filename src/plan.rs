//! `Observed` in, `Plan` out: triggers, recovery points, decisions, findings; and the stored plan document.

pub mod document;
mod finding;
mod observed;
pub mod status;

pub use document::{Action, Decision, GroupPlan, LedgerAction, Plan, ReasonCode, Role, Step, TriggerKind};
pub use finding::{CRASH_CONSISTENT, Finding, FindingCode, Severity, Warning, WarningCode};
pub use observed::{
    Answer, GroupObserved, Observed, RegionObserved, TableObserved, WorkspaceObserved, merge_copies,
};
