//! A plan as its screens go through it: every group with its label, in columns of one width.

use std::collections::BTreeMap;

use super::causes::{LocatedFinding, RemedyWorkspace};
use super::page::{Columns, PageEntry, Phrase, Tone};
use crate::harmless::name;
use crate::layout::width;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, Finding, GroupPlan, Plan};
use crate::text::label_group;

/// A plan, how much of it is asked for, and how wide its column of names is.
pub(super) struct Shown<'a> {
    pub(super) plan: &'a Plan,
    pub(super) verbose: bool,
    pub(super) groups: Vec<Labelled<'a>>,
    names: usize,
}

/// A group with its workspace and its label: the name, with the workspace before it where there are several.
pub(super) struct Labelled<'a> {
    pub(super) label: String,
    pub(super) workspace: &'a WorkspacePlan,
    pub(super) group: &'a GroupPlan,
    /// Where its remedies are carried out.
    pub(super) place: Option<RemedyWorkspace>,
}

impl Labelled<'_> {
    /// A finding of the group, for its causes.
    pub(super) fn found<'a>(&'a self, finding: &'a Finding) -> LocatedFinding<'a> {
        LocatedFinding { group: &self.label, place: self.place.as_ref(), finding }
    }
}

/// The groups of a plan by their names, for whoever has something to say of each that is told elsewhere.
pub(super) struct PlannedGroups<'a>(
    BTreeMap<(&'a str, &'a str), (&'a WorkspacePlan, &'a GroupPlan)>,
);

impl<'a> PlannedGroups<'a> {
    pub(super) fn of(plan: &'a Plan) -> PlannedGroups<'a> {
        let mut all = BTreeMap::new();
        for (workspace, group) in plan.groups() {
            all.entry((workspace.name.as_str(), group.name.as_str())).or_insert((workspace, group));
        }
        PlannedGroups(all)
    }

    /// The group of a workspace that is called so.
    pub(super) fn find(
        &self,
        workspace: &str,
        group: &str,
    ) -> Option<(&'a WorkspacePlan, &'a GroupPlan)> {
        self.0.get(&(workspace, group)).copied()
    }
}

/// Columns of the decision before the name.
const DECISION: usize = 9;

impl<'a> Shown<'a> {
    pub(super) fn of(plan: &'a Plan, verbose: bool) -> Shown<'a> {
        let groups: Vec<Labelled<'a>> = plan
            .workspaces
            .iter()
            .flat_map(|workspace| {
                let place = RemedyWorkspace::of(workspace);
                workspace.groups.iter().map(move |group| Labelled {
                    label: label(plan, &workspace.name, &group.name),
                    place: place.clone(),
                    workspace,
                    group,
                })
            })
            .collect();
        let named =
            groups.iter().filter(|entry| verbose || entry.group.decision != Decision::UpToDate);
        let names = named.map(|entry| width(&entry.label)).max().unwrap_or(0);
        Shown { plan, verbose, names: names.clamp(14, 28) + 3, groups }
    }

    /// Where the columns of its lists begin.
    pub(super) fn columns(&self) -> Columns {
        Columns { word: DECISION, name: self.names, aside: DECISION + self.names }
    }

    pub(super) fn decided(&self, decision: Decision) -> impl Iterator<Item = &Labelled<'a>> {
        self.groups.iter().filter(move |entry| entry.group.decision == decision)
    }

    /// Of a number that fits a plan of few groups, as many as fit one of many.
    pub(super) fn room(&self, few: usize) -> usize {
        const MANY_GROUPS: usize = 20;
        match (self.verbose, self.groups.len() > MANY_GROUPS) {
            (true, _) => usize::MAX - 1,
            (false, true) => few / 2 + 1,
            (false, false) => few,
        }
    }
}

/// A group, or several, of which so was decided.
pub(super) fn entry(
    decision: Decision,
    label: impl Into<Phrase>,
    says: impl Into<Phrase>,
) -> PageEntry {
    let tone = match decision {
        Decision::Blocked => Some(Tone::Bad),
        Decision::Sync => Some(Tone::Good),
        Decision::Waiting => Some(Tone::Wait),
        Decision::UpToDate => None,
    };
    PageEntry { tone, ..PageEntry::new(decision.as_str(), Tone::Good, label, says) }
}

/// A group's name, with its workspace's where the plan has several.
pub(super) fn label(plan: &Plan, workspace: &str, group: &str) -> String {
    label_among(plan.workspaces.len() > 1, workspace, group)
}

/// The same where it is known whether there are several workspaces.
pub(super) fn label_among(several: bool, workspace: &str, group: &str) -> String {
    label_group(several, &name(workspace), &name(group))
}
