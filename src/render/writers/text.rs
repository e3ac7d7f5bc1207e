//! A page as text: what is aligned stands in columns, sentences are wrapped, what is copied stands alone on its line and is never
//! broken.

use std::collections::BTreeMap;

use super::super::Style;
use super::super::clean::{clean, command, line, name};
use super::super::figures::{moment, plural, short, tail};
use super::super::layout::{self, few, hanging, indented, pad, pad_left, width};
use super::super::page::{
    Below, Block, CAUSE, Changes, Columns, Copied, Entries, Entry, Fact, Named, Names, Note, Notes,
    Page, Part, Phrase, Row, Section, Table, Told, Tone,
};

/// Entries of one word that are shown.
const ENTRIES_MAX: usize = 15;
/// The same where nothing is wrong with them.
const GOOD_ENTRIES_MAX: usize = 10;
/// Troubles of one entry that are shown.
const TROUBLES_MAX: usize = 3;
/// Entries of one cause that are named.
const ALIKE_NAMED: usize = 5;
/// Subjects of notes of one code that are named.
const SUBJECTS_NAMED: usize = 3;
/// Lines of one part that changed which are shown.
const CHANGES_MAX: usize = 20;

/// The whole page.
pub(super) fn text(page: &Page, style: &Style) -> String {
    let mut blocks = vec![];
    if !page.verdict.is_empty() {
        blocks.push(vec![style.paint(Tone::Strong, &verdict(page, style))]);
    }
    let sections = if page.brief && !style.verbose { &[] } else { page.sections.as_slice() };
    for section in sections.iter().filter(|section| style.verbose || section.told != Told::InFull) {
        let mut told = self::section(section, page.columns, style);
        if section.close && !told.is_empty() && blocks.len() > 1 {
            let first = told.remove(0);
            blocks.last_mut().unwrap_or(&mut vec![]).extend(first);
        }
        blocks.append(&mut told);
    }
    let blocks = blocks.iter().map(|lines| {
        let lines = lines.iter().map(|line| format!("{}\n", line.trim_end()));
        lines.collect::<String>()
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The verdict and what is told one by one, without empty lines, for what stands between other text.
pub(super) fn outline(page: &Page, style: &Style) -> Vec<String> {
    let mut lines = vec![style.paint(Tone::Strong, &verdict(page, style))];
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    for block in blocks.filter(|block| matches!(block, Block::Entries(_))) {
        lines.extend(self::block(block, page.columns, style));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The verdict, and at the right margin, where there is room, what may be said beside it.
fn verdict(page: &Page, style: &Style) -> String {
    let verdict = line(&page.verdict);
    let Some(figures) = &page.figures else {
        return verdict;
    };
    let room = style.width.saturating_sub(width(&verdict));
    if width(figures) + 3 <= room {
        format!("{verdict}{}", pad_left(figures, room))
    } else {
        verdict
    }
}

/// The blocks of a section, each as its lines; what says nothing is left out.
pub(in crate::render) fn section(
    section: &Section,
    columns: Columns,
    style: &Style,
) -> Vec<Vec<String>> {
    let blocks = section.blocks.iter().map(|block| self::block(block, columns, style));
    blocks.filter(|lines| !lines.is_empty()).collect()
}

/// The lines of a block.
pub(in crate::render) fn block(block: &Block, columns: Columns, style: &Style) -> Vec<String> {
    match block {
        Block::Facts(facts) => facts.iter().flat_map(|fact| self::fact(fact, style)).collect(),
        Block::Entries(entries) => self::entries(entries, columns, style),
        Block::Notes(notes) => self::notes(notes, columns, style),
        Block::Names(names) => self::names(names, columns, style),
        Block::Table(table) => self::table(table, style),
        Block::Words(words) => hanging("", &phrase(words, style), style.width),
        Block::Copied(copied) => self::copied(copied, style),
        Block::Changes(changes) => self::changes(changes, style),
    }
}

/// A phrase as it is shown.
pub(in crate::render) fn phrase(phrase: &Phrase, style: &Style) -> String {
    phrase.parts().iter().map(|part| self::part(part, style)).collect()
}

fn part(part: &Part, style: &Style) -> String {
    match part {
        Part::Words(text) => line(text),
        Part::Said(text) | Part::Address(text) => clean(text),
        Part::Mark(word, _) => (*word).to_owned(),
        Part::Quoted(text) => format!("\"{}\"", clean(text)),
        Part::Name(text) => name(text),
        Part::Names(names, most) => {
            let names: Vec<String> = names.iter().map(name).collect();
            few(&names, if style.verbose { usize::MAX - 1 } else { *most })
        }
        Part::Digest(digest) if style.verbose => name(digest),
        Part::Digest(digest) => format!("{}…", short(&name(digest))),
        Part::Id(id) => tail(&name(id)).to_owned(),
        Part::Moment(at) => moment(*at),
        Part::Command(command) => style.said(command),
        Part::Line(text) => command(text),
    }
}

fn fact(fact: &Fact, style: &Style) -> Vec<String> {
    let label = if fact.under { format!("  {}", fact.label) } else { fact.label.to_owned() };
    let head = if label.is_empty() { "  ".to_owned() } else { format!("  {}  ", pad(&label, 10)) };
    hanging(&head, &phrase(&fact.says, style), style.width)
}

/// A word, and a name after it, up to where the rest begins.
fn head(columns: Columns, word: &str, label: Option<&str>) -> String {
    if word == CAUSE {
        let head = format!("  ! {}", label.unwrap_or_default());
        return format!("{}   ", pad(&head, columns.name + 1));
    }
    let mut head = format!("{}  ", pad(word, columns.word.saturating_sub(2)));
    if let Some(label) = label {
        head.push_str(label);
        head = pad(&head, columns.word + columns.name);
    }
    if !head.ends_with("  ") {
        head.push_str("  ");
    }
    head
}

/// A word of no entry, up to where the rest begins.
fn aside(columns: Columns, word: &str) -> String {
    format!("{}  ", pad(word, columns.aside.saturating_sub(2)))
}

fn entries(entries: &Entries, columns: Columns, style: &Style) -> Vec<String> {
    let told = entries.entries.iter().filter(|entry| match entry.told {
        Told::Always => true,
        Told::InFull => style.verbose,
        Told::InBrief => !style.verbose,
    });
    let told: Vec<Vec<&Entry>> = alike(told.collect());
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
        if !style.verbose && !entries.apart && *shown == limit {
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
            lines.push(format!("{}{more}", head(columns, word, None)));
        }
    }
    lines
}

/// Entries of one cause together, every other alone.
fn alike(entries: Vec<&Entry>) -> Vec<Vec<&Entry>> {
    let mut all: Vec<Vec<&Entry>> = vec![];
    for entry in entries {
        let same =
            |others: &&mut Vec<&Entry>| entry.cause.is_some() && others[0].cause == entry.cause;
        match all.iter_mut().find(same) {
            Some(others) => others.push(entry),
            None => all.push(vec![entry]),
        }
    }
    all
}

fn entry(alike: &[&Entry], noun: &str, columns: Columns, style: &Style) -> Vec<String> {
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
    let mut lines = hanging(&head(columns, entry.word, Some(&label)), &says, style.width);
    if let (Some(first), Some(tone)) = (lines.first_mut(), entry.tone) {
        *first = first.replacen(entry.word, &style.paint(tone, entry.word), 1);
    }
    lines.extend(below(&entry.below, style));
    lines
}

/// What belongs to an entry; of many troubles, and of many things that were seen, the first.
fn below(all: &[Below], style: &Style) -> Vec<String> {
    let number = |is: fn(&Below) -> bool| all.iter().filter(|below| is(below)).count();
    let (troubles, seen) = (
        number(|below| matches!(below, Below::Trouble(_))),
        number(|below| matches!(below, Below::Seen(_))),
    );
    let most = if style.verbose || seen <= TROUBLES_MAX { seen } else { 1 };
    let worst = if style.verbose { troubles } else { troubles.min(TROUBLES_MAX) };
    let (mut told, mut looked) = (0, 0);
    let mut lines = vec![];
    for below in all {
        match below {
            Below::Trouble(says) => {
                told += 1;
                if told <= worst {
                    lines.extend(hanging("  ! ", &phrase(says, style), style.width));
                }
                if told == troubles && worst < troubles {
                    lines.push(format!("    and {} more", troubles - worst));
                }
            }
            Below::Seen(says) => {
                looked += 1;
                if looked <= most {
                    lines.extend(indented(6, &phrase(says, style), style.width));
                }
                if looked == seen && most < seen {
                    lines.push(format!("      and {} more like it", seen - most));
                }
            }
            Below::Further(_) if !style.verbose => {}
            Below::Note(says) | Below::Further(says) => {
                lines.extend(indented(6, &phrase(says, style), style.width))
            }
            Below::Copied(copied) => lines.extend(self::copied(copied, style)),
        }
    }
    lines
}

/// Notes by their codes, in the order of the first of each: few of a code one by one, many as a count.
fn notes(notes: &Notes, columns: Columns, style: &Style) -> Vec<String> {
    let head = aside(columns, notes.word);
    let mut lines = vec![];
    for (code, alike) in notes.by_code() {
        let each = style.verbose || alike.len() <= notes.alike_max || code.is_none();
        if each {
            for note in alike {
                lines.extend(hanging(&head, &one(note, style), style.width));
            }
        } else {
            let subjects: Vec<String> = alike.iter().map(|note| subject(note)).collect();
            let text = format!(
                "{}: {} times: {}",
                code.unwrap_or_default(),
                alike.len(),
                few(&subjects, SUBJECTS_NAMED)
            );
            lines.extend(hanging(&head, &text, style.width));
        }
    }
    lines
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

fn names(names: &Names, columns: Columns, style: &Style) -> Vec<String> {
    let all: Vec<String> = names.names.iter().map(|one| named(one, style)).collect();
    let limit = if style.verbose { usize::MAX - 1 } else { names.few };
    let mut text = few(&all, limit);
    if let Some(says) = &names.says {
        text = format!("{text}: {}", phrase(says, style));
    }
    hanging(&aside(columns, names.word), &text, style.width)
}

fn named(one: &Named, style: &Style) -> String {
    match &one.why {
        Some(why) => format!("{} ({})", name(&one.name), phrase(why, style)),
        None => name(&one.name),
    }
}

fn table(table: &Table, style: &Style) -> Vec<String> {
    let heads: Vec<&str> = table.heads.iter().map(|head| head.name.as_str()).collect();
    let counts = match table.quiet {
        Some((most, _)) => !style.verbose && table.rows.len() > most,
        None => false,
    };
    let told: Vec<&Row> = table.rows.iter().filter(|row| !(counts && row.quiet)).collect();
    let most = if style.verbose || told.len() <= table.most.saturating_add(1) {
        told.len()
    } else {
        table.most
    };
    let shown = &told[..most];
    let rows = shown.iter().map(|row| {
        let cells = row.cells.iter().map(|cell| phrase(cell, style));
        let further = row.further.iter().filter(|_| style.verbose);
        let below = row.below.iter().chain(further);
        let below = below.flat_map(|says| hanging("       ", &phrase(says, style), style.width));
        (cells.collect::<Vec<_>>(), below.collect())
    });
    let label = table.label.as_ref().map(|label| format!("{}:", phrase(label, style)));
    let mut all: Vec<String> = label.into_iter().collect();
    if !shown.is_empty() {
        all.extend(layout::table(&heads, rows.collect(), style.width));
    }
    if let more @ 1.. = told.len() - most {
        let shows = table.all.as_ref().map(|command| format!(": {}", style.command(command)));
        let more = plural(more, &format!("more {}", table.noun));
        all.push(format!("  {more}{}", shows.unwrap_or_default()));
    }
    if let (more @ 1.., Some((_, says))) = (table.rows.len() - told.len(), table.quiet) {
        all.push(format!("  {}: {says}", plural(more, &format!("more {}", table.noun))));
    }
    all.extend(
        table.after.iter().flat_map(|after| hanging("  ", &phrase(after, style), style.width)),
    );
    all
}

fn copied(copied: &Copied, style: &Style) -> Vec<String> {
    let intro = copied.intro.as_ref().map(|intro| hanging("", &phrase(intro, style), style.width));
    let lines = copied.lines.iter().map(|part| line_of(part, *style));
    intro.into_iter().flatten().chain(lines).collect()
}

/// A line that is copied, whole.
pub(super) fn line_of(part: &Part, style: Style) -> String {
    match part {
        Part::Command(command) => style.command(command),
        Part::Words(text)
        | Part::Said(text)
        | Part::Quoted(text)
        | Part::Address(text)
        | Part::Name(text)
        | Part::Digest(text)
        | Part::Id(text)
        | Part::Line(text) => command(text),
        Part::Names(names, _) => command(&names.join(", ")),
        Part::Mark(word, _) => (*word).to_owned(),
        Part::Moment(at) => moment(*at),
    }
}

fn changes(changes: &Changes, style: &Style) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", pad(changes.word, 7), phrase(&changes.label, style))];
    if changes.lines.is_empty() {
        lines.push(format!("    {}", changes.otherwise));
    }
    let shown: Vec<_> =
        changes.lines.iter().filter(|line| style.verbose || !line.further).collect();
    let limit =
        if style.verbose || shown.len() <= CHANGES_MAX + 1 { shown.len() } else { CHANGES_MAX };
    for changed in &shown[..limit] {
        let tone = if changed.sign == '+' { Tone::Good } else { Tone::Bad };
        lines.push(style.paint(tone, &format!("  {} {}", changed.sign, line(&changed.text))));
    }
    if limit < shown.len() {
        lines.push(format!("    and {} more lines: -v shows all", shown.len() - limit));
    }
    lines
}
