//! What stands in a group's way, in short.

use crate::plan::GroupPlan;
use crate::plan::document::WorkspacePlan;
use crate::render::away;
use crate::render::page::Phrase;

/// Findings that are told of a group.
const FINDINGS_TOLD: usize = 2;

/// What blocks a group of a plan, in short; that a region is away has been said.
pub(in crate::render) fn blocking(
    workspace: &WorkspacePlan,
    planned: &GroupPlan,
) -> Option<Phrase> {
    let findings: Vec<Phrase> = away::blocking(workspace, planned)
        .map(|finding| match &finding.table {
            Some(table) => Phrase::name(table).and(" ").and(Phrase::name(finding.code.as_str())),
            None => Phrase::name(finding.code.as_str())
                .and(": ")
                .and(Phrase::from_others(&finding.message)),
        })
        .collect();
    (!findings.is_empty()).then(|| Phrase::few(findings, FINDINGS_TOLD))
}
