//! A page as text: what is aligned stands in columns, sentences are wrapped, what is copied stands alone on its line and is never
//! broken.

mod entries;
mod lists;
mod steps;
mod table;

use super::super::Style;
use super::super::page::{
    Block, CAUSE, Columns, Copied, Fact, LineChanges, Page, Phrase, PhrasePart, Section, ToldIn,
    Tone,
};
use crate::figures::{moment, short};
use crate::harmless::{clean, command, line, name};
use crate::layout::{few, hanging, pad, pad_left, width};

/// Lines of one part that changed which are shown.
const CHANGES_MAX: usize = 20;

/// The whole page.
pub(super) fn text(page: &Page, style: &Style) -> String {
    let mut blocks = vec![];
    if !page.verdict.is_empty() {
        blocks.push(vec![style.paint(Tone::Strong, &verdict(page, style))]);
    }
    let sections = if page.brief && !style.verbose { &[] } else { page.sections.as_slice() };
    for section in sections.iter().filter(|section| style.verbose || section.told != ToldIn::InFull)
    {
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
    let blocks: Vec<Vec<String>> = blocks.filter(|lines| !lines.is_empty()).collect();
    if section.dense && !blocks.is_empty() { vec![blocks.concat()] } else { blocks }
}

/// The lines of a block.
pub(in crate::render) fn block(block: &Block, columns: Columns, style: &Style) -> Vec<String> {
    match block {
        Block::Facts(facts) => facts.iter().flat_map(|fact| self::fact(fact, style)).collect(),
        Block::Entries(entries) => entries::lines(entries, columns, style),
        Block::Notes(notes) => lists::notes(notes, columns, style),
        Block::Names(names) => lists::names(names, columns, style),
        Block::Table(table) => table::lines(table, style),
        Block::Words(words) => hanging("", &phrase(words, style), style.width),
        Block::Copied(copied) => self::copied(copied, style),
        Block::Changes(changes) => self::changes(changes, style),
        Block::Asides(facts) => {
            let said = |fact: &Fact| {
                let head = aside(columns, &line(&fact.label));
                hanging(&head, &phrase(&fact.says, style), style.width)
            };
            facts.iter().flat_map(said).collect()
        }
        Block::Settings(settings) => lists::settings(settings, columns, style),
        Block::Steps(steps) => steps::lines(steps, style),
        Block::Obstacles(obstacles) => entries::obstacles(obstacles, columns, style),
        Block::Statements(statements) => {
            statements.iter().map(|statement| command(&statement.text)).collect()
        }
        Block::Apart(below) => entries::below(below, style),
        Block::Located(all) => lists::located(all, style),
    }
}

/// A phrase as it is shown.
pub(in crate::render) fn phrase(phrase: &Phrase, style: &Style) -> String {
    phrase.parts().iter().map(|part| self::part(part, style)).collect()
}

fn part(part: &PhrasePart, style: &Style) -> String {
    match part {
        PhrasePart::Words(text) => line(text),
        PhrasePart::Said(text) | PhrasePart::Address(text) => clean(text),
        PhrasePart::Mark(word, _) => (*word).to_owned(),
        PhrasePart::Quoted(text) => format!("\"{}\"", clean(text)),
        PhrasePart::Name(text) => name(text),
        PhrasePart::Names(names, most) | PhrasePart::Tables(names, most) => {
            let names: Vec<String> = names.iter().map(name).collect();
            few(&names, if style.verbose { usize::MAX - 1 } else { *most })
        }
        PhrasePart::Digest(digest) if style.verbose => name(digest),
        PhrasePart::Digest(digest) => format!("{}…", short(&name(digest))),
        PhrasePart::Id(id, ends) => ends.end(&name(id)).to_owned(),
        PhrasePart::Moment(at) => moment(*at),
        PhrasePart::Command(command) => style.unbroken_command(command),
        PhrasePart::Line(text) => command(text),
    }
}

fn fact(fact: &Fact, style: &Style) -> Vec<String> {
    let label = line(&fact.label);
    let label = if fact.under { format!("  {label}") } else { label };
    let head = if label.is_empty() { "  ".to_owned() } else { format!("  {} ", pad(&label, 11)) };
    let mut lines = hanging(&head, &phrase(&fact.says, style), style.width);
    lines.extend(fact.lines.iter().map(|line| format!("    {}", phrase(line, style))));
    lines
}

/// A word in its colour, and a name after it, up to where the rest begins.
fn head(
    columns: Columns,
    word: &str,
    tone: Option<Tone>,
    label: Option<&str>,
    style: &Style,
) -> String {
    let painted = tone.map_or(word.to_owned(), |tone| style.paint(tone, word));
    if word == CAUSE {
        let head = format!("  {painted} {}", label.unwrap_or_default());
        return format!("{}   ", pad(&head, columns.name + 1));
    }
    let head = format!("{}  ", pad(&painted, columns.word.saturating_sub(2)));
    let Some(label) = label else {
        return head;
    };
    let head = format!("{head}{label}");
    // The label goes as far as its column, and two blanks are between it and the rest.
    let to = (columns.word + columns.name).max(width(&head) + 2);
    pad(&head, to)
}

/// A word of no entry, up to where the rest begins.
fn aside(columns: Columns, word: &str) -> String {
    format!("{}  ", pad(word, columns.aside.saturating_sub(2)))
}

fn copied(copied: &Copied, style: &Style) -> Vec<String> {
    let intro = copied.intro.as_ref().map(|intro| hanging("", &phrase(intro, style), style.width));
    let lines = copied.lines.iter().map(|part| line_of(part, *style));
    intro.into_iter().flatten().chain(lines).collect()
}

/// A line that is copied, whole.
pub(super) fn line_of(part: &PhrasePart, style: Style) -> String {
    match part {
        PhrasePart::Command(command) => style.command(command),
        PhrasePart::Words(text)
        | PhrasePart::Said(text)
        | PhrasePart::Quoted(text)
        | PhrasePart::Address(text)
        | PhrasePart::Name(text)
        | PhrasePart::Digest(text)
        | PhrasePart::Id(text, _)
        | PhrasePart::Line(text) => command(text),
        PhrasePart::Names(names, _) | PhrasePart::Tables(names, _) => command(&names.join(", ")),
        PhrasePart::Mark(word, _) => (*word).to_owned(),
        PhrasePart::Moment(at) => moment(*at),
    }
}

fn changes(changes: &LineChanges, style: &Style) -> Vec<String> {
    let label = phrase(&changes.label, style);
    let (margin, head) = if changes.under {
        ("    ", format!("  {} {label}", changes.word))
    } else {
        ("  ", format!("{}  {label}", pad(changes.word, 7)))
    };
    let mut lines = vec![head];
    if changes.lines.is_empty() {
        lines.push(format!("    {}", changes.otherwise));
    }
    let shown: Vec<_> =
        changes.lines.iter().filter(|line| style.verbose || !line.further).collect();
    let limit =
        if style.verbose || shown.len() <= CHANGES_MAX + 1 { shown.len() } else { CHANGES_MAX };
    for changed in &shown[..limit] {
        let tone = if changed.sign == '+' { Tone::Good } else { Tone::Bad };
        let head = format!("{margin}{} ", changed.sign);
        let text = line(&changed.text);
        let told =
            if changes.under { hanging(&head, &text, style.width) } else { vec![head + &text] };
        lines.extend(told.iter().map(|line| style.paint(tone, line)));
    }
    if limit < shown.len() {
        lines.push(format!("    and {} more lines: -v shows all", shown.len() - limit));
    }
    lines
}
