//! Lists of one kind of thing: notes by their codes, names in a row, settings.

use super::entries::below;
use super::{aside, phrase};
use crate::harmless::{clean, name};
use crate::layout::{few, hanging, pad_left, width};
use crate::render::Style;
use crate::render::page::{
    ChangedSetting, Columns, Located, NameNote, NamesInRow, Note, ShownNotes,
};

/// Subjects of notes of one code that are named.
const SUBJECTS_NAMED: usize = 3;

/// Notes by their codes, in the order of the first of each: few of a code one by one, many as a count.
pub(super) fn notes(notes: &ShownNotes, columns: Columns, style: &Style) -> Vec<String> {
    let mut lines = vec![];
    for (code, alike) in notes.by_code() {
        let each = style.verbose || alike.len() <= notes.alike_max || code.is_none();
        if each {
            for note in alike {
                let word = note.word.map_or(notes.word, |(word, _)| word);
                lines.extend(hanging(&aside(columns, word), &one(note, style), style.width));
                lines.extend(below(&note.below, style));
            }
        } else {
            let subjects: Vec<String> = alike.iter().map(|note| subject(note)).collect();
            let text = format!(
                "{}: {} times: {}",
                code.unwrap_or_default(),
                alike.len(),
                few(&subjects, SUBJECTS_NAMED)
            );
            lines.extend(hanging(&aside(columns, notes.word), &text, style.width));
        }
    }
    lines
}

/// What is wrong, under one another: the place and what is wrong there on one line where both fit.
pub(super) fn located(all: &[Located], style: &Style) -> Vec<String> {
    let digits = all.iter().map(|one| one.line.to_string().len()).max().unwrap_or(1);
    let told = |one: &Located| {
        let Located { file, line, place, says } = one;
        let file = file.as_ref().map_or(String::new(), |file| format!("{} ", clean(file)));
        let head = format!("  {file}line {}  ", pad_left(&line.to_string(), digits));
        let (place, says) = (clean(place), phrase(says, style));
        if place.is_empty() {
            return hanging(&head, &says, style.width);
        }
        if width(&head) + width(&place) + 2 + width(&says) <= style.width {
            return vec![format!("{head}{place}  {says}")];
        }
        let below = hanging(&" ".repeat(width(&head)), &says, style.width);
        [format!("{head}{place}")].into_iter().chain(below).collect()
    };
    all.iter().flat_map(told).collect()
}

fn subject(note: &Note) -> String {
    note.subject.as_ref().map_or(String::new(), name)
}

fn one(note: &Note, style: &Style) -> String {
    let says = phrase(&note.says, style);
    match (note.code.as_ref().map(name), subject(note)) {
        (None, _) => says,
        (Some(code), subject) if subject.is_empty() => format!("{code}: {says}"),
        (Some(code), subject) => format!("{code} {subject}: {says}"),
    }
}

pub(super) fn names(names: &NamesInRow, columns: Columns, style: &Style) -> Vec<String> {
    let all: Vec<String> = names.names.iter().map(|one| named(one, style)).collect();
    let limit = if style.verbose { usize::MAX - 1 } else { names.few };
    let mut text = few(&all, limit);
    if let Some(says) = &names.says {
        text = format!("{text}: {}", phrase(says, style));
    }
    hanging(&aside(columns, names.word), &text, style.width)
}

fn named(one: &NameNote, style: &Style) -> String {
    match &one.why {
        Some(why) => format!("{} ({})", name(&one.name), phrase(why, style)),
        None => name(&one.name),
    }
}

/// A line a setting.
pub(super) fn settings(
    settings: &[ChangedSetting],
    columns: Columns,
    style: &Style,
) -> Vec<String> {
    let told = |told: &ChangedSetting| {
        let says = format!("{}  {}", name(&told.who), phrase(&told.says(), style));
        hanging(&aside(columns, told.word), &says, style.width)
    };
    settings.iter().flat_map(told).collect()
}
