//! A plan for people: the verdict, then what is blocked, what is synchronized, what waits.

mod blocked;
mod drift;
mod first;
mod metadata;
mod notes;
mod saved;
mod steps;
mod sync;
mod verdict;
mod waiting;

pub use first::shell;
pub(super) use metadata::rows as row_lines;
pub(super) use notes::due_anyway;
pub(super) use notes::warnings;
pub use saved::saved;
pub(super) use steps::{stays_out as step_stays_out, versions as step_versions};
pub(super) use sync::to as sync_to;
pub(super) use verdict::{just_pending, tally, verdict};
pub(super) use waiting::reason as waiting_reason;

use verdict::nothing_to_tell;

use super::clean::name;
use super::layout::{hanging, pad, width};
use super::{Page, Style, Tone, away};
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, GroupPlan, Plan};

/// The whole plan; where there is nothing to do and not everything was asked for one line, and what waits for more than the clock.
pub fn text(plan: &Plan, style: &Style) -> String {
    let shown = Shown::of(plan, *style);
    let mut page = Page::default();
    let short = !style.verbose && nothing_to_tell(plan);
    let warnings = match short {
        true => notes::telling(plan),
        false => plan.warnings.len(),
    };
    page.block(vec![style.paint(Tone::Strong, &verdict::verdict_above(plan, warnings))]);
    if short {
        waiting::held(&shown, &mut page);
        page.block(notes::told(&shown));
        page.block(notes::unprotected_count(&shown));
        page.block(notes::left_out(&shown));
        return page.text();
    }
    page.block(away::facts(plan, style));
    page.block(away::groups(&shown));
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
    page.block(blocked::heads(&shown));
    sync::blocks(&shown, &mut page);
    page.block(metadata::lines(&shown));
    page.lines()
}

/// A plan, how it is to look, and how wide its column of names is.
pub(super) struct Shown<'a> {
    pub(super) plan: &'a Plan,
    pub(super) style: Style,
    pub(super) groups: Vec<Entry<'a>>,
    names: usize,
}

/// A group with its workspace and its label: the name, with the workspace before it where there are several.
pub(super) struct Entry<'a> {
    pub(super) label: String,
    pub(super) workspace: &'a WorkspacePlan,
    pub(super) group: &'a GroupPlan,
}

/// Columns of the decision before the name.
const DECISION: usize = 9;

impl<'a> Shown<'a> {
    pub(super) fn of(plan: &'a Plan, style: Style) -> Shown<'a> {
        let groups: Vec<Entry<'a>> = plan
            .groups()
            .map(|(workspace, group)| Entry {
                label: label(plan, &workspace.name, &group.name),
                workspace,
                group,
            })
            .collect();
        let named = groups
            .iter()
            .filter(|entry| style.verbose || entry.group.decision != Decision::UpToDate);
        let names = named.map(|entry| width(&entry.label)).max().unwrap_or(0);
        Shown { plan, style, names: names.clamp(14, 28) + 3, groups }
    }

    pub(super) fn decided(&self, decision: Decision) -> impl Iterator<Item = &Entry<'a>> {
        self.groups.iter().filter(move |entry| entry.group.decision == decision)
    }

    /// One line a group: decision, name, and what there is to say, wrapped.
    pub(super) fn line(&self, decision: Decision, name: &str, text: &str) -> Vec<String> {
        let word = decision.as_str();
        let mut head = format!("{}  ", pad(word, DECISION - 2));
        head.push_str(&pad(name, self.names + DECISION - width(&head)));
        if !head.ends_with("  ") {
            head.push_str("  ");
        }
        let mut lines = hanging(&head, text, self.style.width);
        let tone = match decision {
            Decision::Blocked => Tone::Bad,
            Decision::Sync => Tone::Good,
            Decision::Waiting => Tone::Wait,
            Decision::UpToDate => return lines,
        };
        if let Some(first) = lines.first_mut() {
            *first = first.replacen(word, &self.style.paint(tone, word), 1);
        }
        lines
    }

    /// Of a number that fits a plan of few groups, as many as fit one of many.
    pub(super) fn room(&self, few: usize) -> usize {
        const MANY_GROUPS: usize = 20;
        match (self.style.verbose, self.groups.len() > MANY_GROUPS) {
            (true, _) => usize::MAX - 1,
            (false, true) => few / 2 + 1,
            (false, false) => few,
        }
    }

    /// A line that begins where groups do, its text where theirs does.
    pub(super) fn aside(&self, head: &str, text: &str) -> Vec<String> {
        hanging(&format!("{}  ", pad(head, DECISION + self.names - 2)), text, self.style.width)
    }
}

/// A group's name, with its workspace's where the plan has several.
pub(super) fn label(plan: &Plan, workspace: &str, group: &str) -> String {
    match plan.workspaces.len() {
        0 | 1 => name(group),
        _ => format!("{}/{}", name(workspace), name(group)),
    }
}
