//! How all groups stand, in one line.

use super::entries;
use crate::figures::{plural, span};
use crate::harmless::name;
use crate::layout::{first_line, has_room};
use crate::ledger::RowStatus;
use crate::plan::status::{GroupStatus, Rpo, StatusDocument, WorkspaceStatus};
use crate::plan::{Decision, ReasonCode};
use crate::render::away::{self, UnseenRegions};
use crate::render::sections::plan::just_pending;
use crate::sentence::Sentence;

pub(super) fn verdict(status: &StatusDocument) -> String {
    let lost = entries(status).filter(|(_, group)| {
        let mut findings = group.findings.iter();
        findings
            .any(|finding| finding.code == crate::plan::FindingCode::LedgerLost && finding.blocks())
    });
    let line = match entries(status).filter(|(_, group)| group.failed_over.is_some()).count() {
        0 => {
            let (line, goes_on) = standing(status, true);
            first_line(line, goes_on)
        }
        over => over_and_others(status, over),
    };
    match lost.count() {
        0 => line,
        lost => format!("The cut log lost cuts of {} (ledger_lost); {line}", plural(lost, "group")),
    }
}

/// How many groups another side is active of, and how those at home stand.
fn over_and_others(status: &StatusDocument, over: usize) -> String {
    let whither = side(status).map_or(String::new(), |side| format!(" to {}", name(side)));
    let line = format!("{} failed over{whither} and copied nowhere", plural(over, "group"));
    let others = at_home(status).count();
    let away: Vec<UnseenRegions> = status.workspaces.iter().map(UnseenRegions::of_status).collect();
    let (clause, further) = match (others, away::sentence(&away, false)) {
        (0, Some(which)) => (which, vec![]),
        (0, None) => return line,
        (_, Some(_)) if primary_away(status) => {
            let ready =
                at_home(status).filter(|(workspace, group)| can_be_brought(workspace, group));
            (format!("{} of {} can go to a cut", ready.count(), plural(others, "other")), vec![])
        }
        (_, _) => standing(status, false),
    };
    let clause = format!("; {clause}");
    // Further clauses go on from this one: where it has no room they would seem to go on from the line.
    let further = if has_room(&line, &clause) { further } else { vec![] };
    first_line(line, [clause].into_iter().chain(further))
}

/// Whether a group can be brought to a cut as far as the secondary tells.
fn can_be_brought(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    workspace.regions.secondary.reachable && group.restorable()
}

/// The side that is active of groups that were failed over; `None`: there are none, or not all to one.
fn side(status: &StatusDocument) -> Option<&str> {
    let mut sides = entries(status).filter_map(|(_, group)| group.failed_over.as_ref());
    let first = sides.next()?.active.as_str();
    sides.all(|over| over.active == first).then_some(first)
}

/// Groups that no other side is active of.
fn at_home(status: &StatusDocument) -> impl Iterator<Item = (&WorkspaceStatus, &GroupStatus)> {
    entries(status).filter(|(_, group)| group.failed_over.is_none())
}

/// How the groups at home stand, and what that goes on to say; `begins`: nothing is said before it.
fn standing(status: &StatusDocument, begins: bool) -> (String, Vec<String>) {
    let all = at_home(status).count();
    let other = if all < entries(status).count() { "other group" } else { "group" };
    let number = |counts: &dyn Fn(&WorkspaceStatus, &GroupStatus) -> bool| {
        let groups = at_home(status);
        groups.filter(|(workspace, group)| counts(workspace, group)).count()
    };
    let away: Vec<UnseenRegions> = status.workspaces.iter().map(UnseenRegions::of_status).collect();
    let which = away::sentence(&away, begins).unwrap_or_default();
    if nothing_known(status) {
        return (format!("{which}: nothing is known"), vec![]);
    }
    if primary_away(status) {
        let ready = number(&can_be_brought);
        let line =
            format!("{which}; {ready} of {} can be brought to a cut right now", plural(all, other));
        return (line, vec![]);
    }
    let secondary = status.workspaces.iter().all(|workspace| workspace.regions.secondary.reachable);
    let guarded = number(&|_, group| group.protected);
    let line = match (secondary, guarded == all) {
        (false, _) => format!(
            "{which}; {} of {} have a cut",
            number(&|_, group| group.last_cut.is_some()),
            plural(all, other)
        ),
        (true, true) => format!("{} protected", plural(all, other)),
        // "0 of 1 group protected" reads as if one were.
        (true, false) => format!("{guarded} of {all} {other}s protected"),
    };
    let never = number(&|workspace, group| {
        secondary
            && group.last_cut.is_none()
            && !is_blocked(workspace, group)
            && !is_failed(workspace, group)
    });
    let mut goes_on: Vec<String> = vec![];
    for (number, word) in [
        (number(&is_blocked), "blocked"),
        (number(&is_failed), "failed"),
        (never, "never synchronized"),
    ] {
        if number > 0 {
            goes_on.push(format!(", {number} {word}"));
        }
    }
    goes_on.extend(lag_or_pending(status));
    goes_on.extend(objectives(status));
    (line, goes_on)
}

/// How far behind the groups at home are.
fn lag_or_pending(status: &StatusDocument) -> Option<String> {
    let lag = at_home(status).filter_map(|(_, group)| group.lag_seconds).max();
    let known = at_home(status).all(|(_, group)| group.lag_seconds.is_some());
    // Of the groups that have a lag: one that was never synchronized is told apart.
    let pending = at_home(status)
        .filter(|(_, group)| group.lag_seconds.is_some())
        .filter_map(|(_, group)| group.pending_commits);
    match lag? {
        ..=0 => match pending.fold(0, u64::saturating_add) {
            0 if known => Some("; nothing pending".to_owned()),
            0 => None,
            pending => Some(format!("; {}", just_pending(pending))),
        },
        lag => Some(format!("; worst lag {}", span(lag))),
    }
}

/// Whether the groups at home are within their objectives.
fn objectives(status: &StatusDocument) -> Option<String> {
    let breached: Vec<String> = at_home(status)
        .filter(|(_, group)| group.rpo == Rpo::Breached)
        .map(|(_, group)| name(&group.name))
        .collect();
    match breached.as_slice() {
        [] if at_home(status).count() > 0
            && at_home(status).all(|(workspace, group)| {
                group.protected && !is_blocked(workspace, group) && group.rpo == Rpo::Met
            }) =>
        {
            Some(", RPO met by all".to_owned())
        }
        [] => None,
        [one] => Some(format!(", {one} breaches its RPO")),
        many => Some(format!(", {} groups breach their RPO", many.len())),
    }
}

/// A primary that is not seen tells of no lag; what counts then is what can be brought to a cut.
pub(super) fn primary_away(status: &StatusDocument) -> bool {
    status.workspaces.iter().any(|workspace| !workspace.regions.primary.reachable)
}

/// No region of any workspace is seen.
pub(super) fn nothing_known(status: &StatusDocument) -> bool {
    let gone = |workspace: &WorkspaceStatus| {
        !workspace.regions.primary.reachable && !workspace.regions.secondary.reachable
    };
    !status.workspaces.is_empty() && status.workspaces.iter().all(gone)
}

/// Something but a region that cannot be looked at stands in its way.
pub(super) fn is_blocked(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    let away = UnseenRegions::of_status(workspace);
    let mut findings = group.findings.iter();
    findings.any(|finding| finding.blocks() && !away.says(finding.code))
}

/// Its last sync failed, and nothing is known that will make the next one fail.
pub(super) fn is_failed(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    !is_blocked(workspace, group) && group.status == Some(RowStatus::Failed)
}

/// Why it is paused.
pub(super) fn paused(group: &GroupStatus) -> Option<&Sentence> {
    let paused =
        group.decision == Some(Decision::Waiting) && group.reason_code == Some(ReasonCode::Paused);
    group.reason.as_ref().filter(|_| paused)
}
