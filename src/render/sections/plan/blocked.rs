//! What is blocked: a cause of many groups once, then every group with what blocks it alone.

use super::drift;
use super::group::{self, Verbosity, all_the_same, changing, own_causes, risks};
use crate::command::{Arg, Command, Verb};
use crate::figures::plural;
use crate::plan::{Decision, GroupPlan};
use crate::render::away;
use crate::render::causes::{FindingCause, ShownRemedy, causes};
use crate::render::page::{
    Below, Block, Entries, Obstacles, Page, PageEntry, Phrase, PhrasePart, Section,
};
use crate::render::sections::acceptances::accept;
use crate::render::sections::causes::{about, entry_of_configuration, obstacle, remedy};
use crate::render::shown::{Labelled, Shown, entry};

/// Groups shown with all there is to say; further ones get a line.
const DETAILED_MAX: usize = 3;
/// Groups that get a line; further ones are counted.
const LINES_MAX: usize = 12;
/// Causes of one group told in full.
const CAUSES_MAX: usize = 4;
/// Groups whose acceptances fit one command.
const TOGETHER_MAX: usize = 12;
/// Names of tables under one cause.
const TABLES_NAMED: usize = 3;

pub(super) fn add_blocked(shown: &Shown<'_>, page: &mut Page) {
    let entries: Vec<&Labelled<'_>> = shown
        .decided(Decision::Blocked)
        .filter(|entry| !away::only_away(entry.workspace, entry.group))
        .collect();
    let all = causes(entries.iter().flat_map(|entry| {
        let blocking = away::blocking(entry.workspace, entry.group);
        blocking.map(|finding| entry.found(finding))
    }));
    let (shared, own): (Vec<FindingCause>, Vec<FindingCause>) =
        all.into_iter().partition(|cause| cause.groups.len() > 1);
    for cause in shared {
        let causes = vec![obstacle(cause)];
        page.say(Block::Obstacles(Obstacles { causes, ..Obstacles::default() }));
    }
    let of_each = entries.into_iter().map(|entry| {
        let theirs = |cause: &&FindingCause| cause.groups.contains(&entry.label);
        (entry, own.iter().filter(theirs).collect::<Vec<_>>())
    });
    let (alone, with_others): (Vec<_>, Vec<_>) =
        of_each.partition(|(_, causes)| !causes.is_empty());
    // All that blocks these has been said.
    let lines = changing(with_others.into_iter().map(|(entry, _)| entry));
    let lines = lines.map(|(label, says)| entry(Decision::Blocked, label, says)).collect();
    page.say(Block::Entries(Entries::chosen("group", lines)));
    let room = shown.room(DETAILED_MAX);
    let detailed = if alone.len() <= room + 1 { alone.len() } else { room };
    for (of, causes) in &alone[..detailed] {
        page.say(Block::Entries(Entries::chosen("group", vec![detailed_entry(shown, of, causes)])));
    }
    let rest = &alone[detailed..];
    let mut lines: Vec<PageEntry> = rest
        .iter()
        .take(LINES_MAX)
        .map(|(of, causes)| {
            entry(Decision::Blocked, Phrase::name(&of.label), in_short(of.group, causes))
        })
        .collect();
    if let Some(more @ 1..) = rest.len().checked_sub(LINES_MAX) {
        let all = Phrase::from("every cause with its remedy: ")
            .and(Phrase::command(Command::new(Verb::Validate)));
        lines.push(entry(Decision::Blocked, format!("{more} more groups"), all));
    }
    page.say(Block::Entries(Entries::chosen("group", lines)));
    let all: Vec<Vec<Arg>> = alone
        .iter()
        .map(|(entry, causes)| risks(entry, causes))
        .filter(|risks| !risks.is_empty())
        .collect();
    if (2..=TOGETHER_MAX).contains(&all.len()) {
        let intro = format!("To go on all the same with all {} groups", all.len());
        page.say(Block::Copied(accept(all.concat()).after(intro)));
    }
}

/// A line for every group.
pub(super) fn heads(shown: &Shown<'_>) -> Section {
    let lines = shown.decided(Decision::Blocked).map(|of| {
        let all = own_causes(of);
        let text = headline(of.group, &all.iter().collect::<Vec<_>>());
        entry(Decision::Blocked, Phrase::name(&of.label), text)
    });
    Block::Entries(Entries::chosen("group", lines.collect())).into()
}

fn detailed_entry(shown: &Shown<'_>, of: &Labelled<'_>, causes: &[&FindingCause]) -> PageEntry {
    let group = of.group;
    let mut told_of = entry(Decision::Blocked, Phrase::name(&of.label), headline(group, causes));
    let below = &mut told_of.below;
    let (told, more) = if shown.verbose || causes.len() <= CAUSES_MAX + 1 {
        (causes, 0)
    } else {
        (&causes[..CAUSES_MAX], causes.len() - CAUSES_MAX)
    };
    for cause in told {
        if causes.len() > 1 || !cause.tables.is_empty() {
            below.push(Below::Cause(what(cause)));
        }
        if !drift::has_commits_to_tell(group, cause) {
            below.extend(list_messages(cause));
        }
        below.extend(drift::commits(group, cause));
        match &cause.remedy {
            // The command that lets it through follows, with those of the group's other causes.
            Some(ShownRemedy::ToDoElse(to_do, _)) => {
                below.push(Below::Note(Phrase::from_others(&to_do.words)))
            }
            Some(_) if cause.acceptable => {}
            Some(repair) => below.extend(remedy(repair)),
            None => {}
        }
        below.extend(entry_of_configuration(cause).map(Below::Copied));
    }
    if more > 0 {
        let [validate, plan] = [Command::new(Verb::Validate), Command::new(Verb::Plan).word("-v")]
            .map(Phrase::command);
        let says = Phrase::from(format!("and {more} more causes: ")).and(validate);
        below.push(Below::Note(says.and(", or ").and(plan)));
    }
    below.extend(group::facts_below(shown.plan, of, Verbosity::Short));
    below.extend(drift::ways_out(of, told).into_iter().map(Below::Copied));
    below.extend(all_the_same(of, told).map(Below::Copied));
    told_of
}

/// How much of a group is blocked.
fn headline(group: &GroupPlan, causes: &[&FindingCause]) -> String {
    let tables: usize = affected(causes);
    if tables == 0 {
        return codes(causes);
    }
    let whole = plural(group.tables.max(tables), "table");
    if causes.iter().all(|cause| drift::is_drift(cause)) {
        format!("{tables} of {whole}: someone else wrote to the replica")
    } else {
        format!("{tables} of {whole}; a group is synchronized as a whole")
    }
}

fn in_short(group: &GroupPlan, causes: &[&FindingCause]) -> String {
    match affected(causes) {
        0 => codes(causes),
        tables => {
            format!("{tables} of {}: {}", plural(group.tables.max(tables), "table"), codes(causes))
        }
    }
}

fn affected(causes: &[&FindingCause]) -> usize {
    let mut tables: Vec<&String> = causes.iter().flat_map(|cause| &cause.tables).collect();
    tables.sort();
    tables.dedup();
    tables.len()
}

fn codes(causes: &[&FindingCause]) -> String {
    let mut codes: Vec<&str> = causes.iter().map(|cause| cause.code.as_str()).collect();
    codes.dedup();
    codes.join(", ")
}

/// What was seen: the table and the code.
fn what(cause: &FindingCause) -> Phrase {
    let between = if cause.tables.is_empty() { "" } else { "   " };
    about(cause).and(between).and(Phrase::name(cause.code.as_str()))
}

/// The words under it; where many tables have the same, the first of these.
fn list_messages(cause: &FindingCause) -> Vec<Below> {
    let seen = cause.messages.iter().map(|message| Below::Seen(Phrase::from_others(message)));
    let mut seen: Vec<Below> = seen.collect();
    if let ([_], [_, _, ..]) = (cause.messages.as_slice(), cause.tables.as_slice()) {
        seen.push(Below::Note(PhrasePart::Names(cause.tables.clone(), TABLES_NAMED).into()));
    }
    seen
}
