//! What is wrong with a region as a whole: it is away, its sync location, its metadata tables.

use super::{Finding, FindingCode, PRIMARY_AWAY, finding};
use crate::plan::observed::WorkspaceObserved;
use crate::region::{RegionErrorKind, WriteAccess};

pub(super) fn region_findings(workspace: &WorkspaceObserved) -> Vec<Finding> {
    let WorkspaceObserved {
        primary, secondary, ..
    } = workspace;
    let answer = primary.answer(secondary);
    answer
        .map(|answer| {
            finding(
                FindingCode::PrimaryNotAvailable,
                None,
                format!("{PRIMARY_AWAY}: {answer}"),
            )
            .remedy(
                primary
                    .repair(secondary)
                    .unwrap_or_else(|| "drsync status".to_owned()),
            )
        })
        .into_iter()
        .collect()
}

pub(super) fn location_findings(workspace: &WorkspaceObserved) -> Option<Finding> {
    let location = &workspace.secondary.location;
    match workspace.write_access.as_ref()? {
        Ok(WriteAccess::Allowed | WriteAccess::NotProved(_)) => None,
        Ok(WriteAccess::Refused(denied)) => Some(Finding {
            remedy: denied.remedy.clone(),
            ..finding(FindingCode::LocationNotWritable, None, denied.message.clone())
        }),
        // What could not be asked is told where it was asked.
        Err(error) if error.kind != RegionErrorKind::NotFound => None,
        Err(error) => Some(
            finding(FindingCode::LocationNotFound, None, format!("{location}: {}", error.detail)).remedy(format!(
                "add {location} as an external location of the primary's catalog, with WRITE FILES for the principal"
            )),
        ),
    }
}

/// Whether a metadata table of either region belongs to somebody else: then nothing of it is changed.
pub(in crate::plan) fn ledger_is_foreign(workspace: &WorkspaceObserved) -> bool {
    !foreign_claims(workspace).is_empty()
}

/// The metadata tables that another workspace claims, or none, each as a fragment.
fn foreign_claims(workspace: &WorkspaceObserved) -> Vec<String> {
    let mut foreign = Vec::new();
    for region in [&workspace.primary, &workspace.secondary] {
        let copy = region.copy();
        let claims = [
            copy.metadata.map(|table| table.workspace),
            copy.cuts.map(|table| table.workspace),
        ];
        let other = claims
            .into_iter()
            .flatten()
            .find(|claim| claim.as_deref() != Some(workspace.workspace.name.as_str()));
        if let Some(claim) = other {
            let whose = claim.map_or("no workspace of drsync".to_owned(), |name| {
                format!("workspace {name}")
            });
            foreign.push(format!("{} belongs to {whose}", region.location));
        }
    }
    foreign
}

pub(super) fn ledger_findings(workspace: &WorkspaceObserved, group: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let foreign = foreign_claims(workspace);
    if !foreign.is_empty() {
        found.push(
            finding(FindingCode::LedgerNotOurs, None, foreign.join(", "))
                .remedy("give every configuration sync locations of its own"),
        );
    }
    if let Some(divergence) = workspace.ledger.cuts.divergence(group) {
        found.push(
            finding(
                FindingCode::LedgerDiverged,
                None,
                format!(
                    "the two copies of the cut log part at cut {}: runs {}",
                    divergence.cut_number,
                    divergence.runs.join(", ")
                ),
            )
            .remedy("docs/planning.md#ledger_diverged"),
        );
    }
    found
}
