//! Groups that an apply leaves as they are: what its record says of them.

use crate::ledger::{Cut, Cuts};
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, FailedOver, Finding, FindingCode, GroupPlan, JobSeen, LossReceipt};
use crate::record::{Ending, GroupRecord};
use crate::sentence::Sentence;

/// The record of a group that the plan leaves as it is; `cuts`: as they were when the apply began, where they were read.
///
/// Of what the plan tells of it only what its effect has is kept: the plan itself says the rest.
pub(super) fn not_due(
    workspace: &WorkspacePlan,
    group: &GroupPlan,
    cuts: Option<&Cuts>,
    planned_now: bool,
) -> GroupRecord {
    let (ending, message) = match group.decision {
        Decision::Blocked => (Ending::blocked(&group.findings), Some(blocking(group))),
        Decision::Waiting => (Ending::Waiting, None),
        Decision::UpToDate => (Ending::UpToDate, None),
        Decision::Sync => (Ending::NotStarted, Some("the apply ended before its turn".into())),
    };
    // Of a log that is not one chain nobody knows which cut the group keeps.
    let last = cuts.filter(|cuts| cuts.is_one_chain(&group.name));
    let last = last.and_then(|cuts| cuts.newest(&group.name));
    let diverged = |finding: &Finding| finding.code == FindingCode::LedgerDiverged;
    // Of a round that read no cuts anew the plan tells which it saw.
    let seen = planned_now && cuts.is_none() && !group.findings.iter().any(diverged);
    let planned = group.last_cut.as_ref().filter(|_| seen);
    let looked = match group.decision {
        // What a stored plan says of an earlier moment is no look of this run.
        Decision::Waiting | Decision::UpToDate => group.checked.filter(|_| planned_now),
        Decision::Blocked | Decision::Sync => None,
    };
    let kept = last.map(|cut| cut.cut_number).or(planned.map(|cut| cut.number));
    GroupRecord {
        workspace: workspace.name.clone(),
        name: group.name.clone(),
        outcome: ending.outcome(),
        ending: Some(ending),
        message,
        cut: kept,
        recovery_point: last
            .map(|cut| cut.recovery_point)
            .or(planned.map(|cut| cut.recovery_point)),
        checked: looked,
        loss: match last {
            Some(cut) => loss(group, Some(cut), planned_now),
            None => kept.and_then(|cut| group.loss_beyond(cut).cloned()),
        },
        lost_with: group.failed_over.as_ref().and_then(FailedOver::receipt),
        jobs: jobs(group, planned_now),
        grants: group.grants.clone().filter(|_| planned_now),
        tables: Vec::new(),
    }
}

/// What would be lost of a group beyond a cut that it keeps: as this run saw it, or by what a stored plan pins, which says no more
/// that is looked at when it is approved.
pub(super) fn loss(group: &GroupPlan, cut: Option<&Cut>, planned_now: bool) -> Option<LossReceipt> {
    let cut = cut?;
    if planned_now {
        group.loss_beyond(cut.cut_number).cloned()
    } else {
        LossReceipt::of_pins(group, cut)
    }
}

/// The jobs of a group, where this run saw them: what a stored plan says of an earlier moment is no look of its.
pub(super) fn jobs(group: &GroupPlan, planned_now: bool) -> Vec<JobSeen> {
    if planned_now { group.jobs.clone() } else { Vec::new() }
}

/// What blocks a group: every finding, with the table that it is about.
pub(super) fn blocking(group: &GroupPlan) -> Sentence {
    let findings = group.findings.iter().filter(|finding| finding.blocks());
    let texts: Vec<String> = findings
        .map(|finding| match &finding.table {
            Some(table) => format!("{}: {table}", finding.code.as_str()),
            None => finding.code.as_str().to_owned(),
        })
        .collect();
    texts.join("; ").into()
}
