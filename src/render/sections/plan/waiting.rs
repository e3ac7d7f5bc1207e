//! What waits: a line a group; a failed workflow with all that helps to decide.

use super::group::{self, Verbosity};
use super::verdict::join_names;
use crate::ledger::cut_label;
use crate::plan::{Decision, GroupPlan};
use crate::render::page::{Block, Entries, Page, PageEntry, Phrase};
use crate::render::shown::{Shown, entry};

/// Groups with a line of their own.
const LINES_MAX: usize = 8;
/// Groups whose failed workflow is told in full.
const FAILED_MAX: usize = 1;

/// The groups that wait, of these the ones that pass; where everything is asked for those that are up to date, too.
pub(super) fn add_waiting(shown: &Shown<'_>, page: &mut Page, passes: impl Fn(&GroupPlan) -> bool) {
    let mut told = 0;
    let mut lines: Vec<PageEntry> = vec![];
    let mut left_out = vec![];
    for of in shown.decided(Decision::Waiting).filter(|of| passes(of.group)) {
        if of.group.waits_for_a_failed_run() && told < shown.room(FAILED_MAX) {
            told += 1;
            let mut entry = group::entry(shown.plan, of, Verbosity::Short);
            // The first of what is known says which run it was.
            entry.says = "workflow_failed".into();
            page.say(Block::Entries(Entries::chosen("group", vec![entry])));
        } else if shown.verbose || lines.len() < LINES_MAX {
            lines.push(group::entry(shown.plan, of, Verbosity::Line));
        } else {
            left_out.push(of.label.clone());
        }
    }
    if !left_out.is_empty() {
        let label = format!("{} more groups", left_out.len());
        lines.push(entry(Decision::Waiting, label, join_names(&left_out)));
    }
    if shown.verbose {
        let kept = shown
            .decided(Decision::UpToDate)
            .map(|of| entry(Decision::UpToDate, Phrase::name(&of.label), cut_or_reason(of.group)));
        lines.extend(kept);
    }
    page.say(Block::Entries(Entries::chosen("group", lines)));
}

fn cut_or_reason(group: &GroupPlan) -> Phrase {
    match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point).into(),
        None => Phrase::from_others(&group.reason.message),
    }
}
