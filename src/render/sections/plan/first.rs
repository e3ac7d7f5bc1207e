//! The first big sync: many groups and tables at once, told by size.

use super::size::tables;
use super::steps;
use super::tally::Tally;
use crate::command::{Command, Verb};
use crate::figures::{bytes, bytes_short, count, plural, plural_of, span};
use crate::plan::{Decision, GroupPlan, Plan, Step};
use crate::render::page::{Below, Block, Copied, CopySize, Entries, Fact, Grid, Page, Phrase};
use crate::render::shown::{Labelled, entry};

/// Groups with a line of their own, the largest.
const GROUPS_MAX: usize = 5;

/// Bytes a second, before anything was copied: what storage of another region takes at least.
const ASSUMED_PACE: u64 = 200 << 20;

/// How much it is, and how the other groups stand.
pub(super) fn clauses(plan: &Plan) -> (String, Vec<String>) {
    let all = Tally::of(plan);
    let tables: usize = plan.groups().map(|(_, group)| group.steps.len()).sum();
    let line = format!(
        "First sync of {}: {}, {} to copy",
        plural(all.sync, "group"),
        plural(tables, "table"),
        bytes_short(plan.summary.copy_bytes)
    );
    let others = all.others().into_iter().filter(|(number, _)| *number > 0);
    let goes_on = others.map(|(number, word)| format!("; {number}{word}"));
    (line, goes_on.collect())
}

pub(super) fn add_first_sync(entries: &[&Labelled<'_>], page: &mut Page) {
    let mut by_size: Vec<&Labelled<'_>> = entries.to_vec();
    by_size.sort_by_key(|entry| copy(entry.group));
    let small = if by_size.len() <= GROUPS_MAX + 1 { 0 } else { by_size.len() - GROUPS_MAX };
    let mut rows = vec![["", "", "tables", "copy", "files", "about"].map(Phrase::from).to_vec()];
    if small > 0 {
        let few: Vec<&GroupPlan> = by_size[..small].iter().map(|entry| entry.group).collect();
        rows.push(row("+ create", format!("{small} groups").into(), &few));
    }
    for entry in &by_size[small..] {
        rows.push(row("+ create", Phrase::name(&entry.label), &[entry.group]));
    }
    let all: Vec<&GroupPlan> = entries.iter().map(|entry| entry.group).collect();
    rows.push(row("", "total".into(), &all));
    let mut told = entry(Decision::Sync, plural(entries.len(), "group"), "smallest first");
    let numbers = &[false, false, true, true, true, true];
    told.below.push(Below::Grid(Grid { under: false, rows, numbers }));
    page.say(Block::Entries(Entries::chosen("group", vec![told])));
    page.say(Block::Apart(promises(&by_size)));
}

fn row(action: &str, label: Phrase, groups: &[&GroupPlan]) -> Vec<Phrase> {
    let steps = || groups.iter().flat_map(|group| &group.steps);
    let copies = CopySize::sum(steps().filter_map(steps::size)).unwrap_or_default();
    vec![
        action.into(),
        label,
        count(steps().count() as u64).into(),
        bytes(copies.bytes).into(),
        count(copies.files).into(),
        span((copies.bytes / ASSUMED_PACE) as i64).into(),
    ]
}

fn copy(group: &GroupPlan) -> u64 {
    let estimates = group.steps.iter().filter_map(|step| step.estimate);
    estimates.map(|estimate| estimate.copy_bytes).fold(0, u64::saturating_add)
}

/// What whoever starts it wants to know.
fn promises(by_size: &[&Labelled<'_>]) -> Vec<Below> {
    let all = || by_size.iter().flat_map(|entry| &entry.group.steps);
    let pace = format!("at {} MiB/s, assumed; measured while it runs", ASSUMED_PACE >> 20);
    let mut facts = vec![Fact::new("time", pace)];
    let largest: Option<&Step> =
        all().max_by_key(|step| step.estimate.map_or(0, |estimate| estimate.copy_bytes));
    if let Some(step) = largest {
        let copies = steps::size(step).map_or(String::new(), |copies| {
            format!(" {} in {}", bytes(copies.bytes), plural_of(copies.files, "file"))
        });
        let says = Phrase::name(&step.table).and(copies).and(", one statement");
        facts.push(Fact::new("largest", says));
    }
    facts.push(Fact::new("protected", "each group from its own first cut on, not at the end"));
    let until = all()
        .filter_map(|step| Some((step.source.readable_until?, step)))
        .min_by_key(|(until, _)| *until);
    if let Some((until, step)) = until {
        let version = format!(" v{})", step.source.version);
        let says = Phrase::from("every pinned version until ").and(until).and(" (");
        facts.push(Fact::new("readable", says.and(Phrase::name(&step.table)).and(version)));
    }
    let Some(smallest) = by_size.first().filter(|_| by_size.len() > 1) else {
        return facts.into_iter().map(Below::Fact).collect();
    };
    let says = Phrase::name(&smallest.label).and(format!(", {}", tables(smallest.group)));
    facts.push(Fact::new("smallest", says));
    let only = Command::new(Verb::Plan).word("--only").word(&*smallest.group.name);
    let only = Copied::command(only).after("Or begin with it");
    facts.into_iter().map(Below::Fact).chain([Below::Copied(only)]).collect()
}
