//! A plan: the verdict, then what is blocked, what is synchronized, what waits, and what else there is to know.

mod blocked;
mod changes;
mod comment;
mod drift;
mod first;
mod group;
mod metadata;
mod notes;
mod report;
mod saved;
mod size;
mod steps;
mod sync;
mod tally;
mod verdict;
mod waiting;

pub use comment::{comment, comment_stored};
pub use report::report;
pub use saved::saved;
pub(super) use verdict::just_pending;

use super::away;
use crate::plan::{GroupPlan, Plan};
use crate::render::page::{Block, Page};
use crate::render::shown::Shown;
use verdict::{nothing_to_tell, verdict, verdict_above};

/// The whole plan; where there is nothing to do and not everything was asked for one line, and what waits for more than the clock.
pub fn screen(plan: &Plan, verbose: bool) -> Page {
    let shown = Shown::of(plan, verbose);
    let short = !verbose && nothing_to_tell(plan);
    let warnings = if short { notes::telling(plan) } else { plan.warnings.len() };
    let mut page = begun(&shown, verdict_above(plan, warnings));
    if short {
        waiting::add_waiting(&shown, &mut page, GroupPlan::waits_for_more_than_time);
        page.say(notes::section_of_told_warnings(plan));
        page.say(Block::Asides(notes::unprotected_count(plan)));
        page.say(Block::Asides(notes::left_out(plan)));
        return page;
    }
    page.say(notes::weaker(plan));
    page.say(away::regions(plan));
    page.say(away::groups(plan));
    blocked::add_blocked(&shown, &mut page);
    sync::add_syncs(&shown, &mut page);
    waiting::add_waiting(&shown, &mut page, |_| true);
    page.say(metadata::in_short(plan));
    if verbose {
        page.say(metadata::rows(plan));
    }
    page.say(notes::section_of_notes(&shown));
    if verbose {
        page.say(notes::source(plan));
    }
    page
}

/// The verdict, a line a group that is blocked, and what is synchronized.
pub fn outline(plan: &Plan, verbose: bool) -> Page {
    let shown = Shown::of(plan, verbose);
    let mut page = begun(&shown, verdict(plan));
    page.say(notes::weaker(plan));
    page.say(blocked::heads(&shown));
    sync::add_syncs(&shown, &mut page);
    page.say(metadata::in_short(plan));
    page
}

fn begun(shown: &Shown<'_>, verdict: String) -> Page {
    let workspaces = shown.plan.workspaces.iter().map(|workspace| &workspace.name);
    let page = Page::new("plan", "drsync plan", verdict).of(workspaces);
    Page { columns: shown.columns(), ..page }
}
