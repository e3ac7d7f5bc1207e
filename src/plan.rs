//! `Observed` in, `Plan` out: triggers, recovery points, decisions, findings; and the stored plan document.

pub mod document;
mod finding;
mod observed;
pub mod status;

pub use document::{
    Action, Decision, GroupPlan, LedgerAction, Plan, ReasonCode, Role, Step, TriggerKind,
};
pub use finding::{CRASH_CONSISTENT, Finding, FindingCode, Severity, Warning, WarningCode};
pub use observed::{
    Answer, GroupObserved, Observed, RegionObserved, TableObserved, WorkspaceObserved, merge_copies,
};

mod effect;
mod request;
mod stored;
pub use request::Request;
pub use stored::{StoredPlan, StoredPlanError};

/// Decides: pure and total, the same input gives the same plan.
pub fn plan(observed: &Observed, request: &Request) -> Plan {
    todo!("{observed:?} {request:?}")
}
