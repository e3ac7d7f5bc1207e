//! A plan as its screens go through it: every group with its label, in columns of one width.

use super::clean::name;
use super::layout::{hanging, pad, width};
use super::page::{Columns, Section};
use super::writers::text;
use super::{Page, Style, Tone};
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, GroupPlan, Plan};

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

    /// Says a section among the lines of a screen.
    pub(super) fn say(&self, section: &Section, page: &mut Page) {
        for lines in self.lines(section) {
            page.block(lines);
        }
    }

    /// The lines of a section's blocks.
    pub(super) fn lines(&self, section: &Section) -> Vec<Vec<String>> {
        text::section(section, self.columns(), &self.style)
    }

    /// Where the columns of its lists begin.
    pub(super) fn columns(&self) -> Columns {
        Columns { word: DECISION, name: self.names, aside: DECISION + self.names }
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
    label_among(plan.workspaces.len() > 1, workspace, group)
}

/// The same where it is known whether there are several workspaces.
pub(super) fn label_among(several: bool, workspace: &str, group: &str) -> String {
    if several { format!("{}/{}", name(workspace), name(group)) } else { name(group) }
}
