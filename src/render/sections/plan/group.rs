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
use crate::render::page::{Below, Block, Copied, Entry, Fact, Phrase, Section, Steps, Tone};
use crate::render::shown::{self, Labelled};

/// How much of a group is told; each has all that is told with less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// A line, what happens to its tables, and the way out.
    Line,
    /// What helps to decide what is to be done.
    Short,
    /// Everything.
    Full,
}

/// One thing that is to be said of a group.
pub(super) enum Item<'a> {
    /// The reason of its decision, by its code.
    Code(ReasonCode),
    /// Where it is brought and why now, or what it waits for.
    Head(Phrase),
    /// What was found of it. A screen and a comment tell that by its causes, over all groups.
    Findings(&'a [Finding]),
    /// What is known of it, and from which depth on that is told.
    Fact(Depth, Fact),
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

impl Item<'_> {
    /// From which depth on it is told.
    fn depth(&self) -> Depth {
        match self {
            Item::Head(_) | Item::Steps(_) | Item::WayOut(_) => Depth::Line,
            Item::Fact(depth, _) => *depth,
            Item::Code(_)
            | Item::Findings(_)
            | Item::Pins(_)
            | Item::Statements(_)
            | Item::Drift(_)
            | Item::Maintenance(_)
            | Item::WayOn(_) => Depth::Full,
        }
    }
}

/// Everything that is to be said of a group, in its order.
pub(super) fn items<'a>(plan: &Plan, of: &Labelled<'a>, depth: Depth) -> Vec<Item<'a>> {
    let Labelled { label, workspace: _, group, place: _ } = of;
    let facts = facts::facts(plan, group, depth);
    let seen = [Item::Drift(&group.drift), Item::Maintenance(&group.source_maintenance)];
    let findings = Item::Findings(&group.findings);
    match group.decision {
        Decision::Sync => {
            let steps = [
                Item::Steps(steps::list_steps(label, &group.steps)),
                Item::Pins(group),
                Item::Statements(&group.steps),
            ];
            let head = [Item::Head(head::to(group)), findings];
            head.into_iter().chain(facts).chain(steps).chain(seen).collect()
        }
        Decision::Waiting => {
            let head = [Item::Code(group.reason.code), Item::Head(head::reason(group)), findings];
            let way_out = head::way_out(group).map(Item::WayOut);
            head.into_iter().chain(seen).chain(facts).chain(way_out).collect()
        }
        Decision::Blocked | Decision::UpToDate => {
            let ways_on = ways::ways_on(of).into_iter().map(Item::WayOn);
            [findings].into_iter().chain(ways_on).chain(seen).chain(facts).collect()
        }
    }
}

/// What is known of a group, so far.
pub(super) fn facts_below(
    plan: &Plan,
    of: &Labelled<'_>,
    depth: Depth,
) -> impl Iterator<Item = Below> {
    let group = of.group;
    let told = facts::facts(plan, group, depth).filter(move |item| item.depth() <= depth);
    told.filter_map(|item| match item {
        Item::Fact(_, fact) => Some(Below::Fact(fact)),
        _ => None,
    })
}

/// A group so far, in a list.
pub(super) fn entry(plan: &Plan, of: &Labelled<'_>, depth: Depth) -> Entry {
    entry_of_items(of, items(plan, of, depth), depth)
}

/// The same of some things.
pub(super) fn entry_of_items<'a>(
    of: &Labelled<'_>,
    items: impl IntoIterator<Item = Item<'a>>,
    depth: Depth,
) -> Entry {
    let mut says = Phrase::default();
    let (mut below, mut details): (Vec<Below>, Vec<Block>) = (vec![], vec![]);
    for item in items.into_iter().filter(|item| item.depth() <= depth) {
        match item {
            Item::Code(code) => says = Phrase::name(spelled(code)).and(" "),
            Item::Head(head) => says = says.and(head),
            Item::Fact(_, fact) if depth < Depth::Full => below.push(Below::Fact(fact)),
            Item::Fact(_, fact) => match details.last_mut() {
                Some(Block::Facts(facts)) => facts.push(fact),
                Some(_) | None => details.push(Block::Facts(vec![fact])),
            },
            Item::Steps(steps) if depth < Depth::Full => below.push(Below::Steps(steps)),
            Item::Steps(steps) => details.push(Block::Steps(steps)),
            Item::WayOut(copied) if depth < Depth::Full => below.push(Below::Copied(copied)),
            Item::WayOut(copied) | Item::WayOn(copied) => details.push(Block::Copied(copied)),
            Item::Findings(all) => details.push(Block::Notes(seen::findings(of, all))),
            Item::Pins(group) => details.push(Block::Table(seen::pins(&of.label, group))),
            Item::Statements(all) => details.push(Block::Statements(steps::statements(all))),
            Item::Drift(drift) => details.push(Block::Table(seen::table_of_drift(drift))),
            Item::Maintenance(all) => details.push(seen::maintenance(all)),
        }
    }
    let mut entry = shown::entry(of.group.decision, Phrase::name(&of.label), says);
    // What waits for the clock alone calls for nobody, unless it is late.
    if of.group.waits_in_good_order() {
        entry.tone = (depth == Depth::Full).then_some(Tone::Good);
    }
    Entry { below, details: Section::of(details).blocks, ..entry }
}

/// A reason's code as documents spell it.
fn spelled(reason: ReasonCode) -> String {
    let code = serde_json::to_value(reason).unwrap_or_default();
    code.as_str().unwrap_or_default().to_owned()
}
