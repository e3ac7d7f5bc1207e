//! What is synchronized: a line a group, and of the tables those that matter.

use std::collections::BTreeSet;

use super::group::{self, GroupItem, Verbosity};
use super::size::{is_big, many_tables};
use super::{first, steps};
use crate::plan::{Action, Decision, Step};
use crate::render::page::{Below, Block, Entries, Page, Steps};
use crate::render::shown::{Labelled, Shown, entry};

/// Groups with a line of their own where tables are not shown.
const GROUPS_MAX: usize = 12;
/// The largest copies are shown among many.
const LARGEST: usize = 5;
/// Tables shown among many, whatever the reason.
const NOTABLE_MAX: usize = 12;

pub(super) fn add_syncs(shown: &Shown<'_>, page: &mut Page) {
    let entries: Vec<&Labelled<'_>> = shown.decided(Decision::Sync).collect();
    let alone = |entry| Block::Entries(Entries::chosen("group", vec![entry]));
    if shown.verbose || !many_tables(shown.plan) {
        for of in &entries {
            page.say(alone(group::entry(shown.plan, of, Verbosity::Line)));
        }
        return;
    }
    if is_big(shown.plan) {
        return first::add_first_sync(&entries, page);
    }
    let notable = notable(shown, &entries);
    let listed = listed(shown.room(GROUPS_MAX), &entries, &notable);
    let mut plain = vec![];
    for at in &listed {
        let of = entries[*at];
        let (told, rest): (Vec<&Step>, Vec<&Step>) =
            of.group.steps.iter().partition(|step| notable.contains(step.id.as_str()));
        let steps = Steps {
            counted: steps::count_steps(&rest),
            ..steps::list_steps(&of.label, told.iter().copied())
        };
        let items =
            group::items(shown.plan, of, Verbosity::Line).into_iter().map(|item| match item {
                GroupItem::Steps(_) => GroupItem::Steps(steps.clone()),
                other => other,
            });
        let entry = group::entry_of_items(of, items, Verbosity::Line);
        if told.is_empty() { plain.push(entry) } else { page.say(alone(entry)) }
    }
    page.say(Block::Entries(Entries::chosen("group", plain)));
    let others: Vec<&Step> = entries
        .iter()
        .enumerate()
        .filter(|(at, _)| !listed.contains(at))
        .flat_map(|(_, entry)| &entry.group.steps)
        .collect();
    if listed.len() < entries.len() {
        let label = format!("{} more groups", entries.len() - listed.len());
        let mut more = entry(Decision::Sync, label, "all tables with -v");
        let counted = steps::count_steps(&others);
        more.below.push(Below::Steps(Steps { counted, ..Steps::default() }));
        page.say(alone(more));
    }
}

/// Tables worth a line among many: new ones in old groups, those with a warning, and the largest copies.
fn notable<'a>(shown: &Shown<'_>, entries: &[&Labelled<'a>]) -> BTreeSet<&'a str> {
    let clones = || {
        entries.iter().flat_map(|entry| {
            let steps = entry.group.steps.iter();
            steps.filter(|step| step.action != Action::NoOp).map(move |step| (entry.group, step))
        })
    };
    let warned: BTreeSet<&str> =
        shown.plan.warnings.iter().filter_map(|warning| warning.table.as_deref()).collect();
    let mut largest: Vec<(u64, &Step)> =
        clones().filter_map(|(_, step)| Some((step.estimate?.copy_bytes, step))).collect();
    largest.sort_by_key(|(bytes, step)| (std::cmp::Reverse(*bytes), step.id.as_str()));
    let largest = largest.into_iter().take(LARGEST).map(|(_, step)| step);
    let added = clones()
        .filter(|(group, step)| step.action == Action::Create && group.follows_cut.is_some())
        .map(|(_, step)| step);
    let warned = clones()
        .filter(|(_, step)| warned.contains(step.table.to_string().as_str()))
        .map(|(_, step)| step);
    let mut notable = BTreeSet::new();
    for step in largest.chain(added).chain(warned) {
        if notable.len() == NOTABLE_MAX {
            break;
        }
        notable.insert(step.id.as_str());
    }
    notable
}

/// Places of the groups that get a line: those with a table to show, then the largest.
fn listed(room: usize, entries: &[&Labelled<'_>], notable: &BTreeSet<&str>) -> BTreeSet<usize> {
    let mut order: Vec<(bool, u64, usize)> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let steps = &entry.group.steps;
            let plain = !steps.iter().any(|step| notable.contains(step.id.as_str()));
            let bytes = steps
                .iter()
                .filter_map(|step| step.estimate)
                .map(|estimate| estimate.copy_bytes)
                .fold(0, u64::saturating_add);
            (plain, u64::MAX - bytes, at)
        })
        .collect();
    order.sort_unstable();
    let limit = if order.len() <= room + 1 { order.len() } else { room };
    order[..limit].iter().map(|(_, _, at)| *at).collect()
}
