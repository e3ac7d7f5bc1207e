//! What is told one by one: how it stands, its name, what there is to say, and what belongs to it.

use std::collections::BTreeMap;

use super::{copied, head, phrase, steps};
use crate::figures::plural;
use crate::harmless::line;
use crate::layout::{columns as aligned, few, hanging, indented};
use crate::render::Style;
use crate::render::page::{
    Below, Columns, Entries, Fact, Grid, Obstacles, PageEntry, Phrase, PhrasePart, ShownCause,
    ToldIn, Tone,
};

/// Entries of one word that are shown.
const ENTRIES_MAX: usize = 15;
/// The same where nothing is wrong with them.
const GOOD_ENTRIES_MAX: usize = 10;
/// Troubles of one entry that are shown.
const TROUBLES_MAX: usize = 3;
/// Entries of one cause that are named.
const ALIKE_NAMED: usize = 5;
/// Tables and groups of one cause that are named.
const NAMED_MAX: usize = 3;
const GROUPS_NAMED: usize = 5;

pub(super) fn lines(entries: &Entries, columns: Columns, style: &Style) -> Vec<String> {
    let told = entries.entries.iter().filter(|entry| match entry.told {
        ToldIn::Always => true,
        ToldIn::InFull => style.verbose,
        ToldIn::InBrief => !style.verbose,
    });
    let told: Vec<Vec<&PageEntry>> = alike(told.collect());
    let of_word = |word: &str| told.iter().filter(|alike| alike[0].word == word).count();
    // Lines of a word, and entries that got none.
    let mut numbers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut order: Vec<&str> = vec![];
    let mut lines = vec![];
    for alike in &told {
        let entry = alike[0];
        if !order.contains(&entry.word) {
            order.push(entry.word);
        }
        let limit = match entry.tone {
            Some(Tone::Good) => GOOD_ENTRIES_MAX,
            Some(Tone::Bad | Tone::Wait | Tone::Strong) | None => ENTRIES_MAX,
        };
        let limit = if of_word(entry.word) <= limit + 1 { limit + 1 } else { limit };
        let (shown, hidden) = numbers.entry(entry.word).or_default();
        if !style.verbose && !entries.apart && !entries.chosen && *shown == limit {
            *hidden += alike.len();
            continue;
        }
        *shown += 1;
        if entries.apart && !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self::entry(alike, entries.noun, columns, style));
    }
    for word in order {
        if let Some((_, hidden @ 1..)) = numbers.get(word) {
            let more = plural(*hidden, &format!("more {}", entries.noun));
            lines.push(format!("{}{more}", head(columns, word, None, None, style)));
        }
    }
    lines
}

/// Entries of one cause together, every other alone.
fn alike(entries: Vec<&PageEntry>) -> Vec<Vec<&PageEntry>> {
    let mut all: Vec<Vec<&PageEntry>> = vec![];
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for entry in entries {
        let place = entry.cause.map(|cause| *places.entry(cause).or_insert(all.len()));
        match place.and_then(|at| all.get_mut(at)) {
            Some(others) => others.push(entry),
            None => all.push(vec![entry]),
        }
    }
    all
}

fn entry(alike: &[&PageEntry], noun: &str, columns: Columns, style: &Style) -> Vec<String> {
    let entry = alike[0];
    let (label, says) = match alike {
        [_] => (phrase(&entry.label, style), phrase(&entry.says, style)),
        many => {
            let labels: Vec<String> =
                many.iter().map(|entry| phrase(&entry.label, style)).collect();
            let says = phrase(&entry.says, style);
            (plural(many.len(), noun), format!("{}: {says}", few(&labels, ALIKE_NAMED)))
        }
    };
    let head = head(columns, entry.word, entry.tone, Some(&label), style);
    let mut lines = hanging(&head, &says, style.width);
    lines.extend(below(&entry.below, style));
    lines
}

/// What belongs to an entry; of many troubles, and of many things that were seen at once, the first.
pub(super) fn below(all: &[Below], style: &Style) -> Vec<String> {
    let seen = |below: &Below| matches!(below, Below::Seen(_));
    let troubles = all.iter().filter(|below| matches!(below, Below::Trouble(_))).count();
    let worst = if style.verbose { troubles } else { troubles.min(TROUBLES_MAX) };
    let mut told = 0;
    let mut lines = vec![];
    for alike in all.chunk_by(|one, other| seen(one) && seen(other)) {
        match &alike[0] {
            Below::Trouble(says) => {
                told += 1;
                if told <= worst {
                    lines.extend(hanging("  ! ", &phrase(says, style), style.width));
                }
                if told == troubles && worst < troubles {
                    lines.push(format!("    and {} more", troubles - worst));
                }
            }
            Below::Seen(_) => {
                let most =
                    if style.verbose || alike.len() <= TROUBLES_MAX { alike.len() } else { 1 };
                for below in &alike[..most] {
                    if let Below::Seen(says) = below {
                        lines.extend(indented(6, &phrase(says, style), style.width));
                    }
                }
                if let more @ 1.. = alike.len() - most {
                    lines.push(format!("      and {more} more like it"));
                }
            }
            Below::Further(_) if !style.verbose => {}
            Below::Note(says) | Below::Further(says) => {
                lines.extend(indented(6, &phrase(says, style), style.width))
            }
            Below::Copied(copied) => lines.extend(self::copied(copied, style)),
            // Names are copied: they stay on one line.
            Below::Cause(says) => lines.push(format!("  ! {}", phrase(says, style))),
            Below::Fact(fact) => lines.extend(self::fact(fact, style)),
            Below::Grid(grid) => lines.extend(self::grid(grid, style)),
            Below::Steps(steps) => lines.extend(steps::lines(steps, style)),
        }
    }
    lines
}

fn fact(fact: &Fact, style: &Style) -> Vec<String> {
    hanging(&format!("    {:<20}", line(&fact.label)), &phrase(&fact.says, style), style.width)
}

fn grid(grid: &Grid, style: &Style) -> Vec<String> {
    let cells = |row: &Vec<Phrase>| row.iter().map(|cell| phrase(cell, style)).collect();
    let rows: Vec<Vec<String>> = grid.rows.iter().map(cells).collect();
    aligned(&rows, grid.numbers, if grid.under { 6 } else { 2 }, 2)
}

/// Causes, each with the groups that it blocks.
pub(super) fn obstacles(obstacles: &Obstacles, columns: Columns, style: &Style) -> Vec<String> {
    obstacles.causes.iter().flat_map(|cause| obstacle(cause, columns, style)).collect()
}

fn obstacle(cause: &ShownCause, columns: Columns, style: &Style) -> Vec<String> {
    let ShownCause { code, about, tables, groups, seen, remedy } = cause;
    let colon = if about.is_empty() { "" } else { ": " };
    let says = Phrase::name(code).and(colon).and(about.clone());
    let label = plural(groups.len(), "group");
    let mut entry = PageEntry::new("blocked", Tone::Bad, label, says);
    entry.below = seen.iter().cloned().map(Below::Seen).collect();
    if let ([_], [_, _, ..]) = (seen.as_slice(), tables.as_slice()) {
        entry.below.push(Below::Note(PhrasePart::Names(tables.clone(), NAMED_MAX).into()));
    }
    entry.below.extend(remedy.iter().cloned());
    let groups = PhrasePart::Names(groups.clone(), GROUPS_NAMED);
    entry.below.push(Below::Fact(Fact::new("groups", groups)));
    self::entry(&[&entry], "group", columns, style)
}
