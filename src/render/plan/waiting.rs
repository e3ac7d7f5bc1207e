//! What waits: a line a group; a failed workflow with all that helps to decide.

use super::blocked;
use super::verdict::{is_held, named};
use crate::ledger::cut_label;
use crate::plan::{CRASH_CONSISTENT, Decision, GroupPlan, ReasonCode, risk};
use crate::render::Page;
use crate::render::clean::{clean, name};
use crate::render::figures::{minute, plural, span};
use crate::render::shown::Shown;

/// Groups with a line of their own.
const LINES_MAX: usize = 8;
/// Groups whose failed workflow is told in full.
const FAILED_MAX: usize = 1;

/// Groups that wait for something else than the clock.
pub(super) fn held(shown: &Shown<'_>, page: &mut Page) {
    told(shown, page, is_held);
}

/// Every group that waits.
pub(super) fn blocks(shown: &Shown<'_>, page: &mut Page) {
    told(shown, page, |_| true);
}

fn told(shown: &Shown<'_>, page: &mut Page, tells: impl Fn(&GroupPlan) -> bool) {
    let failed = |group: &GroupPlan| group.reason.code == ReasonCode::WorkflowFailed;
    let mut told = 0;
    let mut lines = vec![];
    let mut named_here = 0;
    let mut left_out = vec![];
    let waiting = shown.decided(Decision::Waiting);
    for entry in waiting.filter(|entry| tells(entry.group)) {
        if failed(entry.group) && told < shown.room(FAILED_MAX) {
            told += 1;
            let mut block = shown.line(Decision::Waiting, &entry.label, "workflow_failed");
            block.extend(failed_workflow(shown, entry.group));
            page.block(block);
        } else if shown.style.verbose || named_here < LINES_MAX {
            named_here += 1;
            lines.extend(shown.line(Decision::Waiting, &entry.label, &reason(entry.group)));
            lines.extend(way_out(shown, entry.group));
        } else {
            left_out.push(entry.label.clone());
        }
    }
    if !left_out.is_empty() {
        let label = format!("{} more groups", left_out.len());
        lines.extend(shown.line(Decision::Waiting, &label, &named(&left_out)));
    }
    if shown.style.verbose {
        for entry in shown.decided(Decision::UpToDate) {
            lines.extend(shown.line(Decision::UpToDate, &entry.label, &kept(entry.group)));
        }
    }
    page.block(lines);
}

/// The command for whoever prefers newer to whole, where a workflow stands between its commits and the next sync.
fn way_out(shown: &Shown<'_>, group: &GroupPlan) -> Option<String> {
    let workflow =
        matches!(group.reason.code, ReasonCode::WorkflowFailed | ReasonCode::WorkflowActive);
    (workflow && group.pending_commits != Some(0))
        .then(|| blocked::accept(shown, vec![risk(CRASH_CONSISTENT, &name(&group.name))]))
}

/// `3 commits pending, lag 41m, next due 12:00Z`.
pub(in crate::render) fn reason(group: &GroupPlan) -> String {
    let said = clean(&group.reason.message);
    match group.pending_commits {
        Some(pending @ 1..) => {
            let commits = plural(usize::try_from(pending).unwrap_or(usize::MAX), "commit");
            match group.lag_seconds {
                Some(lag @ 1..) => format!("{commits} pending, lag {}, {said}", span(lag)),
                Some(_) | None => format!("{commits} pending, {said}"),
            }
        }
        Some(0) | None => said,
    }
}

fn kept(group: &GroupPlan) -> String {
    match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => clean(&group.reason.message),
    }
}

fn failed_workflow(shown: &Shown<'_>, group: &GroupPlan) -> Vec<String> {
    let mut lines = blocked::fact(shown, "workflow run", &clean(&group.reason.message));
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    lines.extend(blocked::fact(shown, "keeps", &keeps));
    if let Some(pending @ 1..) = group.pending_commits {
        let commits = plural(usize::try_from(pending).unwrap_or(usize::MAX), "commit");
        let yet = match group.crash_consistent_from {
            Some(_) => " yet",
            None => "",
        };
        let text = format!("{commits}: maybe half of a run, so they are not copied{yet}");
        lines.extend(blocked::fact(shown, "pending", &text));
    }
    lines.extend(blocked::lag(shown, group));
    let later = group.crash_consistent_from.map_or(String::new(), |from| {
        format!(" or, not tied to a finished run, from {} on (sync_max_lag_minutes)", minute(from))
    });
    let text = format!(
        "with the next successful run{later}. Only if you prefer newer to whole (crash-consistent, recorded):"
    );
    lines.extend(blocked::fact(shown, "synchronized", &text));
    lines.push(blocked::accept(shown, vec![risk(CRASH_CONSISTENT, &name(&group.name))]));
    lines
}
