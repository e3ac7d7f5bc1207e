//! What is to be said of a group, decided once: a screen, a comment and a report tell more or less of the same, in one order.

mod facts;
mod head;
mod seen;
mod ways;

pub(super) use facts::changing;
pub(super) use ways::{all_the_same, own_causes, risks};

use super::steps;
use crate::plan::document::{Drift, SourceMaintenance};
use crate::plan::{Decision, Finding, GroupPlan, Plan, ReasonCode, Step};
use crate::render::page::{Below, Block, Copied, Fact, PageEntry, Phrase, Section, Steps, Tone};
use crate::render::shown::{self, Labelled};

/// How much of a group is told; each has all that is told with less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// A line, what happens to its tables, and the way out.
    Line,
    /// What helps to decide what is to be done.
    Short,
    /// Everything.
    Full,
}

/// One thing that is to be said of a group.
pub(super) enum GroupItem<'a> {
    /// The reason of its decision, by its code.
    Code(ReasonCode),
    /// Where it is brought and why now, or what it waits for.
    Head(Phrase),
    /// What was found of it. A screen and a comment tell that by its causes, over all groups.
    Findings(&'a [Finding]),
    /// What is known of it, and from which depth on that is told.
    Fact(Verbosity, Fact),
    /// What happens to its tables.
    Steps(Steps),
    /// What is pinned of every table.
    Pins(&'a GroupPlan),
    /// What will be run. A comment has the statements of all groups together.
    Statements(&'a [Step]),
    /// Commits on replicas that are not drsync's.
    Drift(&'a [Drift]),
    /// Maintenance on sources whose rows were not compared.
    Maintenance(&'a [SourceMaintenance]),
    /// The command that brings it on all the same.
    WayOut(Copied),
    /// The same of one that is blocked, and what the configuration may say of it. A screen and a comment tell that with its causes.
    WayOn(Copied),
}

impl GroupItem<'_> {
    /// From which depth on it is told.
    fn depth(&self) -> Verbosity {
        match self {
            GroupItem::Head(_) | GroupItem::Steps(_) | GroupItem::WayOut(_) => Verbosity::Line,
            GroupItem::Fact(depth, _) => *depth,
            GroupItem::Code(_)
            | GroupItem::Findings(_)
            | GroupItem::Pins(_)
            | GroupItem::Statements(_)
            | GroupItem::Drift(_)
            | GroupItem::Maintenance(_)
            | GroupItem::WayOn(_) => Verbosity::Full,
        }
    }
}

/// Everything that is to be said of a group, in its order.
pub(super) fn items<'a>(plan: &Plan, of: &Labelled<'a>, depth: Verbosity) -> Vec<GroupItem<'a>> {
    let Labelled { label, workspace: _, group, place: _ } = of;
    let facts = facts::facts(plan, group, depth);
    let seen = [GroupItem::Drift(&group.drift), GroupItem::Maintenance(&group.source_maintenance)];
    let findings = GroupItem::Findings(&group.findings);
    match group.decision {
        Decision::Sync => {
            let steps = [
                GroupItem::Steps(steps::list_steps(label, &group.steps)),
                GroupItem::Pins(group),
                GroupItem::Statements(&group.steps),
            ];
            let head = [GroupItem::Head(head::to(group)), findings];
            head.into_iter().chain(facts).chain(steps).chain(seen).collect()
        }
        Decision::Waiting => {
            let head = [
                GroupItem::Code(group.reason.code),
                GroupItem::Head(head::reason(group)),
                findings,
            ];
            let way_out = head::way_out(group).map(GroupItem::WayOut);
            head.into_iter().chain(seen).chain(facts).chain(way_out).collect()
        }
        Decision::Blocked | Decision::UpToDate => {
            let ways_on = ways::ways_on(of).into_iter().map(GroupItem::WayOn);
            [findings].into_iter().chain(ways_on).chain(seen).chain(facts).collect()
        }
    }
}

/// What is known of a group, so far.
pub(super) fn facts_below(
    plan: &Plan,
    of: &Labelled<'_>,
    depth: Verbosity,
) -> impl Iterator<Item = Below> {
    let group = of.group;
    let told = facts::facts(plan, group, depth).filter(move |item| item.depth() <= depth);
    told.filter_map(|item| match item {
        GroupItem::Fact(_, fact) => Some(Below::Fact(fact)),
        _ => None,
    })
}

/// A group so far, in a list.
pub(super) fn entry(plan: &Plan, of: &Labelled<'_>, depth: Verbosity) -> PageEntry {
    entry_of_items(of, items(plan, of, depth), depth)
}

/// The same of some things.
pub(super) fn entry_of_items<'a>(
    of: &Labelled<'_>,
    items: impl IntoIterator<Item = GroupItem<'a>>,
    depth: Verbosity,
) -> PageEntry {
    let mut says = Phrase::default();
    let (mut below, mut details): (Vec<Below>, Vec<Block>) = (vec![], vec![]);
    for item in items.into_iter().filter(|item| item.depth() <= depth) {
        match item {
            GroupItem::Code(code) => says = Phrase::name(spelled(code)).and(" "),
            GroupItem::Head(head) => says = says.and(head),
            GroupItem::Fact(_, fact) if depth < Verbosity::Full => below.push(Below::Fact(fact)),
            GroupItem::Fact(_, fact) => match details.last_mut() {
                Some(Block::Facts(facts)) => facts.push(fact),
                Some(_) | None => details.push(Block::Facts(vec![fact])),
            },
            GroupItem::Steps(steps) if depth < Verbosity::Full => below.push(Below::Steps(steps)),
            GroupItem::Steps(steps) => details.push(Block::Steps(steps)),
            GroupItem::WayOut(copied) if depth < Verbosity::Full => {
                below.push(Below::Copied(copied))
            }
            GroupItem::WayOut(copied) | GroupItem::WayOn(copied) => {
                details.push(Block::Copied(copied))
            }
            GroupItem::Findings(all) => details.push(Block::Notes(seen::findings(of, all))),
            GroupItem::Pins(group) => details.push(Block::Table(seen::pins(&of.label, group))),
            GroupItem::Statements(all) => details.push(Block::Statements(steps::statements(all))),
            GroupItem::Drift(drift) => details.push(Block::Table(seen::table_of_drift(drift))),
            GroupItem::Maintenance(all) => details.push(seen::maintenance(all)),
        }
    }
    let mut entry = shown::entry(of.group.decision, Phrase::name(&of.label), says);
    // What waits for the clock alone calls for nobody, unless it is late.
    if of.group.waits_in_good_order() {
        entry.tone = (depth == Verbosity::Full).then_some(Tone::Good);
    }
    PageEntry { below, details: Section::of(details).blocks, ..entry }
}

/// A reason's code as documents spell it.
fn spelled(reason: ReasonCode) -> String {
    let code = serde_json::to_value(reason).unwrap_or_default();
    code.as_str().unwrap_or_default().to_owned()
}
