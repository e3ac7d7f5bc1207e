//! The first line of a plan: it stands alone in a chat message.

use chrono::{DateTime, Utc};

use super::size::is_big;
use super::tally::Tally;
use super::{first, notes};
use crate::figures::{bytes_short, minute_near, plural, span, tally_parts};
use crate::harmless::name;
use crate::layout;
use crate::plan::{Action, Decision, FindingCode, Plan, WarningCode};
use crate::render::{away, protection};

/// What the plan comes to, in one line.
pub(super) fn verdict(plan: &Plan) -> String {
    verdict_above(plan, notes::telling(plan))
}

/// The same above so many warnings.
pub(super) fn verdict_above(plan: &Plan, warnings: usize) -> String {
    let weakens = protection::weakens(plan);
    let begins = weakens.is_none();
    let (parts, goes_on) = of_groups(plan, warnings, begins);
    let lost = plan.groups().filter(|(_, group)| {
        let mut findings = group.findings.iter();
        findings.any(|finding| finding.code == FindingCode::LedgerLost && finding.blocks())
    });
    let lost = match lost.count() {
        0 => None,
        lost => Some(format!("cut log lost cuts of {} (ledger_lost)", plural(lost, "group"))),
    };
    // What calls for attention comes first, and of what has no room behind it the lines below tell.
    let (line, all) = match (weakens, lost) {
        (None, None) => (parts.join(", "), true),
        (None, Some(lost)) => layout::first_line_after(format!("The {lost}"), &parts),
        (Some(weakens), lost) => {
            let head = [format!("This {weakens}")]
                .into_iter()
                .chain(lost.map(|lost| format!("the {lost}")));
            layout::first_line_after(head.collect::<Vec<_>>().join("; "), &parts)
        }
    };
    let mut all_warnings = plan.warnings.iter();
    let incomplete = all_warnings
        .any(|warning| warning.code == WarningCode::ConfigurationIncomplete)
        .then(|| "; configuration incomplete".to_owned());
    layout::first_line(line, incomplete.into_iter().chain(goes_on.into_iter().filter(|_| all)))
}

/// How the groups stand, part by part, and what may be said after it; `begins`: nothing is said before it.
fn of_groups(plan: &Plan, warnings: usize, begins: bool) -> (Vec<String>, Vec<String>) {
    if let Some((line, goes_on)) = away::clauses(plan) {
        return (vec![line], goes_on);
    }
    let all = Tally::of(plan);
    if plan.selection.changed && plan.groups().next().is_none() && !plan.applyable {
        let nothing = match protection::of_whom(protection::of_plan(plan)) {
            None => format!("{}: the configuration changes no group", nothing_to("do", begins)),
            Some(whom) if begins => {
                let nothing = nothing_to("sync", begins);
                format!("{nothing}: the configuration changes settings of {whom}")
            }
            // Of whom was said before.
            Some(_) => nothing_to("sync", begins),
        };
        return (vec![nothing], vec![]);
    }
    if all.sync == 0 && all.blocked == 0 {
        return standing(plan, warnings, begins);
    }
    if is_big(plan) {
        let (line, goes_on) = first::clauses(plan);
        return (vec![line], goes_on);
    }
    let [(blocked, word), waiting, up_to_date] = all.others();
    let word = if by_drift(plan) { " blocked by drift" } else { word };
    let parts = [(all.sync, " to sync"), (blocked, word), waiting, up_to_date];
    (tally_parts(&parts), vec![format!("; {}", copies(plan))])
}

/// Whether the verdict says it all.
pub(super) fn nothing_to_tell(plan: &Plan) -> bool {
    !plan.applyable
        && protection::of_plan(plan).next().is_none()
        && away::verdict(plan).is_none()
        && plan.decided(Decision::Sync).next().is_none()
        && plan.decided(Decision::Blocked).next().is_none()
        && !plan.groups().any(|(_, group)| group.calls_for_attention())
}

fn nothing_to(what: &str, begins: bool) -> String {
    format!("{} to {what}", if begins { "Nothing" } else { "nothing" })
}

/// How the groups stand where none is to be synchronized and none is blocked.
fn standing(plan: &Plan, warnings: usize, begins: bool) -> (Vec<String>, Vec<String>) {
    let [_, waiting, up_to_date] = Tally::of(plan).others();
    let parts = [up_to_date, waiting];
    let mut says: Vec<String> = vec![];
    let breached: Vec<String> = plan
        .groups()
        .filter(|(_, group)| group.breaches_objective())
        .map(|(_, group)| name(&group.name))
        .collect();
    let more = plan.applyable || notes::telling(plan) > 0;
    let known = plan
        .groups()
        .filter(|(_, group)| group.lag_seconds.is_some() && group.rpo_seconds.is_some())
        .count();
    says.extend(match breached.as_slice() {
        [] => None,
        [one] => Some(format!("{one} breaches its RPO")),
        many => Some(format!("{} groups breach their RPO", many.len())),
    });
    if warnings > 0 {
        says.push(plural(warnings, "warning"));
    }
    if plan.applyable {
        says.push("metadata tables change".to_owned());
    }
    if breached.is_empty() {
        let lags =
            plan.groups().filter_map(|(_, group)| Some((group.lag_seconds?, group.rpo_seconds)));
        let worst = lags.max();
        // Of the groups that have a lag: one that was never synchronized has none.
        let pending = plan
            .groups()
            .filter(|(_, group)| group.lag_seconds.is_some())
            .filter_map(|(_, group)| group.pending_commits)
            .fold(0, u64::saturating_add);
        says.extend(worst.and_then(|(worst, rpo)| match (worst, rpo) {
            (..=0, _) if pending > 0 => Some(just_pending(pending)),
            (..=0, _) if more => None,
            (..=0, _) => Some("nothing pending".to_owned()),
            (worst, Some(rpo)) => Some(format!("worst lag {} of {}", span(worst), span(rpo))),
            (worst, None) => Some(format!("worst lag {}", span(worst))),
        }));
        let late = plan.groups().filter(|(_, group)| group.is_late()).count();
        if late > 0 {
            says.push(format!("{} near {} RPO", late, if late == 1 { "its" } else { "their" }));
        } else if !more && known > 0 && known == plan.groups().count() {
            says.push("RPO met by all".to_owned());
        }
    }
    says.extend(next_due(plan));
    let goes_on = says.iter().enumerate().map(|(at, says)| match at {
        0 => format!("; {says}"),
        _ => format!(", {says}"),
    });
    let what = if nothing_to_tell(plan) { "do" } else { "sync" };
    let mut parts = tally_parts(&parts);
    parts[0] = format!("{}: {}", nothing_to(what, begins), parts[0]);
    (parts, goes_on.collect())
}

/// When the first of the groups that wait is due, where the clock is all that they wait for.
fn next_due(plan: &Plan) -> Option<String> {
    let waiting = plan.decided(Decision::Waiting);
    let due: Option<Vec<DateTime<Utc>>> = waiting.map(|(_, group)| group.next_due_at).collect();
    let first = due?.into_iter().min()?;
    Some(format!("next due {}", minute_near(first, plan.created_at)))
}

/// Commits that came less than a second ago.
pub(in crate::render) fn just_pending(commits: u64) -> String {
    let commits = usize::try_from(commits).unwrap_or(usize::MAX);
    format!("{} pending, lag under 1s", plural(commits, "commit"))
}

/// What is copied, as far as it is known.
pub(super) fn copies(plan: &Plan) -> String {
    let steps = || {
        let groups = plan.decided(Decision::Sync);
        groups.flat_map(|(_, group)| &group.steps).filter(|step| step.action != Action::NoOp)
    };
    let known = steps().filter_map(|step| step.estimate).count();
    let bytes = bytes_short(plan.summary.copy_bytes);
    let files = plural(usize::try_from(plan.summary.copy_files).unwrap_or(usize::MAX), "file");
    match (steps().count(), known) {
        (0, _) => "nothing to copy".to_owned(),
        (tables, 0) => format!("copies {}, size not known", plural(tables, "table")),
        (tables, known) if known < tables => format!("copies at least {bytes} in {files}"),
        _ => format!("copies {bytes} in {files}"),
    }
}

fn by_drift(plan: &Plan) -> bool {
    let mut findings = plan
        .decided(Decision::Blocked)
        .flat_map(|(_, group)| &group.findings)
        .filter(|finding| finding.blocks())
        .peekable();
    findings.peek().is_some()
        && findings
            .all(|finding| finding.code == FindingCode::ReplicaChanged && finding.acceptable())
}

/// Names of groups in a sentence.
pub(super) fn join_names(names: &[String]) -> String {
    layout::few(names, 3)
}
