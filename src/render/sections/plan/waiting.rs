//! What waits: a line a group; a failed workflow with all that helps to decide.

use super::blocked::accept;
use super::group::{self, Depth};
use super::verdict::named;
use crate::figures::{minute, plural_of, span};
use crate::harmless::name;
use crate::ledger::cut_label;
use crate::plan::{CRASH_CONSISTENT, Decision, GroupPlan, WaitsFor, risk};
use crate::render::page::{Block, Copied, Entries, Entry, Page, Phrase};
use crate::render::shown::{Shown, entry};

/// Groups with a line of their own.
const LINES_MAX: usize = 8;
/// Groups whose failed workflow is told in full.
const FAILED_MAX: usize = 1;

/// The groups that wait, of these the ones that pass; where everything is asked for those that are up to date, too.
pub(super) fn say(shown: &Shown<'_>, page: &mut Page, passes: impl Fn(&GroupPlan) -> bool) {
    let failed = |group: &GroupPlan| group.waits_for() == WaitsFor::FailedRun;
    let mut told = 0;
    let mut lines: Vec<Entry> = vec![];
    let mut left_out = vec![];
    for of in shown.decided(Decision::Waiting).filter(|of| passes(of.group)) {
        if failed(of.group) && told < shown.room(FAILED_MAX) {
            told += 1;
            let mut entry = group::entry(shown.plan, of, Depth::Short);
            // The first of what is known says which run it was.
            entry.says = "workflow_failed".into();
            page.say(Block::Entries(Entries::chosen("group", vec![entry])));
        } else if shown.verbose || lines.len() < LINES_MAX {
            lines.push(group::entry(shown.plan, of, Depth::Line));
        } else {
            left_out.push(of.label.clone());
        }
    }
    if !left_out.is_empty() {
        let label = format!("{} more groups", left_out.len());
        lines.push(entry(Decision::Waiting, label, named(&left_out)));
    }
    if shown.verbose {
        let kept = shown
            .decided(Decision::UpToDate)
            .map(|of| entry(Decision::UpToDate, Phrase::name(&of.label), kept(of.group)));
        lines.extend(kept);
    }
    page.say(Block::Entries(Entries::chosen("group", lines)));
}

/// Whether a group waits for its next time alone, and is not late.
pub(super) fn for_the_clock(group: &GroupPlan) -> bool {
    group.decision == Decision::Waiting && group.next_due_at.is_some() && !group.is_late()
}

/// The command for whoever prefers newer to whole, after what it means, where it is worth an offer.
pub(super) fn way_out(group: &GroupPlan) -> Option<Copied> {
    let after = "Only if you prefer newer to whole (crash-consistent, recorded):";
    let risks = vec![risk(CRASH_CONSISTENT, &name(&group.name))];
    group.may_go_unfinished().then(|| accept(risks).after(after))
}

/// `3 commits pending, lag 41m, next due 12:00Z`.
pub(super) fn reason(group: &GroupPlan) -> Phrase {
    let said = Phrase::said(&group.reason.message);
    let Some(pending @ 1..) = group.pending_commits else {
        return said;
    };
    let lag = match group.lag_seconds {
        Some(lag @ 1..) => format!(", lag {}", span(lag)),
        Some(_) | None => String::new(),
    };
    Phrase::from(format!("{} pending{lag}, ", plural_of(pending, "commit"))).and(said)
}

fn kept(group: &GroupPlan) -> Phrase {
    match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point).into(),
        None => Phrase::said(&group.reason.message),
    }
}
