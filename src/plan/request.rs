//! What a plan is asked for, beside what was seen.

use super::document::Selection;
use super::provenance::Provenance;
use crate::ledger::AcceptedRisk;

/// What the person or pipeline asks of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// A fresh ULID.
    pub plan_id: String,
    /// Who asks, and where.
    pub provenance: Provenance,
    /// Which groups.
    pub selection: Selection,
    /// Risks accepted for this plan only, `code`, `scope` and `reason`.
    pub accepted: Vec<AcceptedRisk>,
    /// Groups taken as due.
    pub take_as_due: Vec<String>,
    /// Histories are looked at for every group, due or not.
    pub full: bool,
}

impl Request {
    /// Whether a finding about a group, or about one of its tables, was accepted.
    pub fn accepts(&self, code: &str, group: &str, table: Option<&str>) -> bool {
        let about =
            |scope: &str| scope == group || table.is_some_and(|table| same_name(scope, table));
        self.accepted
            .iter()
            .any(|risk| risk.code == code && about(&risk.scope))
    }

    /// Whether a group is part of what was asked for.
    pub fn selects(&self, group: &str) -> bool {
        let Selection {
            only,
            exclude,
            changed: _,
        } = &self.selection;
        (only.is_empty() || only.iter().any(|name| name == group))
            && !exclude.iter().any(|name| name == group)
    }
}

/// Whether two texts name the same table: names are compared without case.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
