//! How all groups stand, in one line.

use super::entries;
use crate::ledger::Status as RowStatus;
use crate::plan::status::{GroupStatus, Rpo, Status, WorkspaceStatus};
use crate::plan::{Decision, ReasonCode};
use crate::render::away::{self, Away};
use crate::render::clean::name;
use crate::render::figures::{plural, span};
use crate::render::layout::first_line;
use crate::render::sections::plan::just_pending;

pub(super) fn verdict(status: &Status) -> String {
    let lost = entries(status).filter(|(_, group)| {
        let mut findings = group.findings.iter();
        findings
            .any(|finding| finding.code == crate::plan::FindingCode::LedgerLost && finding.blocks())
    });
    let line = match entries(status).filter(|(_, group)| group.failed_over.is_some()).count() {
        0 => standing(status),
        over => {
            format!("{} failed over (failed_over); {}", plural(over, "group"), standing(status))
        }
    };
    match lost.count() {
        0 => line,
        lost => format!("The cut log lost cuts of {} (ledger_lost); {line}", plural(lost, "group")),
    }
}

/// How the groups stand, in one line.
fn standing(status: &Status) -> String {
    let all = entries(status).count();
    let number = |counts: &dyn Fn(&WorkspaceStatus, &GroupStatus) -> bool| {
        let groups = entries(status);
        groups.filter(|(workspace, group)| counts(workspace, group)).count()
    };
    let away: Vec<Away> = status.workspaces.iter().map(Away::of_status).collect();
    let which = away::sentence(&away).unwrap_or_default();
    if nothing_known(status) {
        return format!("{which}: nothing is known");
    }
    if primary_away(status) {
        let ready =
            number(&|workspace, group| workspace.regions.secondary.reachable && group.restorable());
        return format!(
            "{which}; {ready} of {} can be brought to a cut right now",
            plural(all, "group")
        );
    }
    let secondary = status.workspaces.iter().all(|workspace| workspace.regions.secondary.reachable);
    let guarded = number(&|_, group| group.protected);
    let line = match (secondary, guarded == all) {
        (false, _) => format!(
            "{which}; {} of {} have a cut",
            number(&|_, group| group.last_cut.is_some()),
            plural(all, "group")
        ),
        (true, true) => format!("{} protected", plural(all, "group")),
        // "0 of 1 group protected" reads as if one were.
        (true, false) => format!("{guarded} of {all} groups protected"),
    };
    let never = number(&|workspace, group| {
        secondary
            && group.last_cut.is_none()
            && !blocked(workspace, group)
            && !failed(workspace, group)
    });
    let mut goes_on: Vec<String> = vec![];
    for (number, word) in
        [(number(&blocked), "blocked"), (number(&failed), "failed"), (never, "never synchronized")]
    {
        if number > 0 {
            goes_on.push(format!(", {number} {word}"));
        }
    }
    let lag = entries(status).filter_map(|(_, group)| group.lag_seconds).max();
    let breached: Vec<String> = entries(status)
        .filter(|(_, group)| group.rpo == Rpo::Breached)
        .map(|(_, group)| name(&group.name))
        .collect();
    let known = entries(status).all(|(_, group)| group.lag_seconds.is_some());
    // Of the groups that have a lag: one that was never synchronized is told apart.
    let pending = entries(status)
        .filter(|(_, group)| group.lag_seconds.is_some())
        .filter_map(|(_, group)| group.pending_commits);
    goes_on.extend(match lag {
        Some(..=0) => match pending.fold(0, u64::saturating_add) {
            0 if known => Some("; nothing pending".to_owned()),
            0 => None,
            pending => Some(format!("; {}", just_pending(pending))),
        },
        Some(lag) => Some(format!("; worst lag {}", span(lag))),
        None => None,
    });
    goes_on.extend(match breached.as_slice() {
        [] if all > 0
            && entries(status).all(|(workspace, group)| {
                group.protected && !blocked(workspace, group) && group.rpo == Rpo::Met
            }) =>
        {
            Some(", RPO met by all".to_owned())
        }
        [] => None,
        [one] => Some(format!(", {one} breaches its RPO")),
        many => Some(format!(", {} groups breach their RPO", many.len())),
    });
    first_line(line, goes_on)
}

/// A primary that is not seen tells of no lag; what counts then is what can be brought to a cut.
pub(super) fn primary_away(status: &Status) -> bool {
    status.workspaces.iter().any(|workspace| !workspace.regions.primary.reachable)
}

/// No region of any workspace is seen.
pub(super) fn nothing_known(status: &Status) -> bool {
    let gone = |workspace: &WorkspaceStatus| {
        !workspace.regions.primary.reachable && !workspace.regions.secondary.reachable
    };
    !status.workspaces.is_empty() && status.workspaces.iter().all(gone)
}

/// Something but a region that cannot be looked at stands in its way.
pub(super) fn blocked(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    let away = Away::of_status(workspace);
    let mut findings = group.findings.iter();
    findings.any(|finding| finding.blocks() && !away.says(finding.code))
}

/// Its last sync failed, and nothing is known that will make the next one fail.
pub(super) fn failed(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    !blocked(workspace, group) && group.status == Some(RowStatus::Failed)
}

/// Why it is paused.
pub(super) fn paused(group: &GroupStatus) -> Option<&str> {
    let paused =
        group.decision == Some(Decision::Waiting) && group.reason_code == Some(ReasonCode::Paused);
    group.reason.as_deref().filter(|_| paused)
}
