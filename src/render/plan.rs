//! A plan for people: the verdict, then what is blocked, what is synchronized, what waits.

mod blocked;
mod drift;
mod first;
mod metadata;
mod notes;
mod saved;
mod size;
mod steps;
mod sync;
mod verdict;
mod waiting;

pub use first::shell;
pub(super) use metadata::rows as row_lines;
pub(super) use notes::due_anyway;
pub use saved::saved;
pub(super) use steps::{stays_out as step_stays_out, versions as step_versions};
pub(super) use sync::to as sync_to;
pub(super) use verdict::{just_pending, verdict};
pub(super) use waiting::reason as waiting_reason;

use verdict::nothing_to_tell;

use super::shown::Shown;
use super::{Page, Style, Tone, sections};
use crate::plan::Plan;

/// The whole plan; where there is nothing to do and not everything was asked for one line, and what waits for more than the clock.
pub fn text(plan: &Plan, style: &Style) -> String {
    let shown = Shown::of(plan, *style);
    let mut page = Page::default();
    let short = !style.verbose && nothing_to_tell(plan);
    let warnings = if short { notes::telling(plan) } else { plan.warnings.len() };
    page.block(vec![style.paint(Tone::Strong, &verdict::verdict_above(plan, warnings))]);
    if short {
        waiting::held(&shown, &mut page);
        shown.say(&notes::told(plan), &mut page);
        page.block(notes::unprotected_count(&shown));
        page.block(notes::left_out(&shown));
        return page.text();
    }
    page.block(notes::weaker(&shown));
    for section in [sections::away::regions(plan), sections::away::groups(plan)] {
        shown.say(&section, &mut page);
    }
    blocked::blocks(&shown, &mut page);
    sync::blocks(&shown, &mut page);
    waiting::blocks(&shown, &mut page);
    page.block(metadata::lines(&shown));
    page.block(metadata::rows(&shown));
    page.block(notes::lines(&shown));
    if style.verbose {
        page.block(notes::source(plan, style));
    }
    page.text()
}

/// The verdict, a line a group that is blocked, and what is synchronized.
pub fn outline(plan: &Plan, style: &Style) -> Vec<String> {
    let shown = Shown::of(plan, *style);
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan))]);
    page.block(notes::weaker(&shown));
    page.block(blocked::heads(&shown));
    sync::blocks(&shown, &mut page);
    page.block(metadata::lines(&shown));
    page.lines()
}
