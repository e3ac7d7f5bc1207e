//! What waits: a line a group; a failed workflow with all that helps to decide.

use super::blocked::{accept, keeps, lag};
use super::verdict::named;
use crate::figures::{minute, plural_of, span};
use crate::harmless::name;
use crate::ledger::cut_label;
use crate::plan::{CRASH_CONSISTENT, Decision, GroupPlan, Plan, ReasonCode, risk};
use crate::render::page::{Below, Block, Copied, Entries, Entry, Fact, Page, Phrase};
use crate::render::shown::{Labelled, Shown, entry};

/// Groups with a line of their own.
const LINES_MAX: usize = 8;
/// Groups whose failed workflow is told in full.
const FAILED_MAX: usize = 1;

/// The groups that wait, of these the ones that pass; where everything is asked for those that are up to date, too.
pub(super) fn say(shown: &Shown<'_>, page: &mut Page, passes: impl Fn(&GroupPlan) -> bool) {
    let failed = |group: &GroupPlan| group.reason.code == ReasonCode::WorkflowFailed;
    let mut told = 0;
    let mut lines: Vec<Entry> = vec![];
    let mut left_out = vec![];
    for of in shown.decided(Decision::Waiting).filter(|of| passes(of.group)) {
        if failed(of.group) && told < shown.room(FAILED_MAX) {
            told += 1;
            let entry = failed_workflow(shown.plan, of);
            page.say(Block::Entries(Entries::chosen("group", vec![entry])));
        } else if shown.verbose || lines.len() < LINES_MAX {
            let mut line = entry(Decision::Waiting, Phrase::name(&of.label), reason(of.group));
            // What waits for the clock alone calls for nobody, unless it is late.
            if for_the_clock(of.group) {
                line.tone = None;
            }
            line.below.extend(way_out(of.group).map(Below::Copied));
            lines.push(line);
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
fn way_out(group: &GroupPlan) -> Option<Copied> {
    let after = "Only if you prefer newer to whole (crash-consistent, recorded):";
    group.may_go_unfinished().then(|| crash_consistent(group).after(after))
}

fn crash_consistent(group: &GroupPlan) -> Copied {
    accept(vec![risk(CRASH_CONSISTENT, &name(&group.name))])
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

fn failed_workflow(plan: &Plan, of: &Labelled<'_>) -> Entry {
    let group = of.group;
    let run = Phrase::said(&group.reason.message);
    let mut facts = vec![Fact::new("workflow run", run), keeps(group)];
    if let Some(pending @ 1..) = group.pending_commits {
        let yet = if group.crash_consistent_from.is_some() { " yet" } else { "" };
        let text = format!(
            "{}: maybe half of a run, so they are not copied{yet}",
            plural_of(pending, "commit")
        );
        facts.push(Fact::new("pending", text));
    }
    facts.extend(lag(plan, group));
    let later = group.crash_consistent_from.map_or(String::new(), |from| {
        format!(" or, not tied to a finished run, from {} on (sync_max_lag_minutes)", minute(from))
    });
    let text = format!(
        "with the next successful run{later}. Only if you prefer newer to whole (crash-consistent, recorded):"
    );
    facts.push(Fact::new("synchronized", text));
    let mut entry = entry(Decision::Waiting, Phrase::name(&of.label), "workflow_failed");
    entry.below = facts.into_iter().map(Below::Fact).collect();
    entry.below.push(Below::Copied(crash_consistent(group)));
    entry
}
