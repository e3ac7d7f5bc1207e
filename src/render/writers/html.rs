//! A page as one HTML file: everything that there is to say, under headings that its navigation leads to.

mod planned;
mod sheet;

use maud::{Markup, PreEscaped, Render, html};

use super::super::Style;
use super::super::page::{
    Below, Block, CAUSE, Copied, Entries, Fact, Grid, LineChanges, NamesInRow, Note, Page,
    PageEntry, PageRow, PageTable, Phrase, PhrasePart, Section, ShownNotes, ToldIn, Tone,
};
use super::text::line_of;
use crate::canonical;
use crate::figures::count;
use crate::harmless::{clean, line, name};
use crate::text::capital;
use sheet::{Sheet, WrittenInPlace, code, time};

/// The page as a file.
pub(super) fn html(page: &Page) -> String {
    let mut parts: Vec<(String, String)> = vec![];
    let sections: Vec<Markup> = page
        .sections
        .iter()
        .filter(|section| section.told != ToldIn::InBrief)
        .map(|section| part(section, &mut parts))
        .collect();
    let body = WrittenInPlace(|to| {
        html! { @if let Some(figures) = &page.figures { p.soft { (figures) } } }.render_to(to);
        sections.iter().for_each(|section| section.render_to(to));
        if let Some(document) = &page.document {
            let digest = canonical::sha256_of_bytes(&document.bytes);
            sheet::document(document, &digest, page.kind).render_to(to);
        }
    });
    if page.document.is_some() {
        parts.push(("document".to_owned(), "The document".to_owned()));
    }
    Sheet { what: page.what, verdict: &line(&page.verdict), parts, body }.text()
}

/// A section; what it says under a title is a part of the page.
fn part(section: &Section, parts: &mut Vec<(String, String)>) -> Markup {
    let head = section.title.as_ref().map(|title| {
        let title = &line(title);
        let shown = match number(section) {
            0 => title.clone(),
            number => format!("{title} ({})", count(number as u64)),
        };
        (begin(title, &shown, parts), shown)
    });
    let mut blocks = String::new();
    section.blocks.iter().for_each(|block| self::block(block, parts, &mut blocks));
    let blocks = PreEscaped(blocks);
    match head {
        None => blocks,
        Some((id, shown)) => html! {
            section aria-labelledby=(id) {
                h2 id=(id) { (shown) }
                (blocks)
            }
        },
    }
}

/// Begins a part of the page; its id leads to it from the navigation.
fn begin(title: &str, shown: &str, parts: &mut Vec<(String, String)>) -> String {
    let id = id_of(title, parts);
    parts.push((id.clone(), shown.to_owned()));
    id
}

/// What a part of the page is found by, which no other part has.
fn id_of(title: &str, parts: &[(String, String)]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = title.chars().map(plain).collect();
    let taken = |id: &String| parts.iter().any(|(other, _)| other == id);
    if taken(&id) { format!("{id}-{}", parts.len()) } else { id }
}

/// How many things a section tells of, where it tells of things.
fn number(section: &Section) -> usize {
    if section.uncounted {
        return 0;
    }
    let blocks = section.blocks.iter().map(|block| match block {
        Block::Notes(notes) => notes.notes.len(),
        Block::Names(names) => names.names.len(),
        Block::Table(table) => table.rows.len(),
        Block::Entries(entries) if entries.chosen => entries.entries.len(),
        Block::Settings(settings) => settings.len(),
        Block::Entries(_)
        | Block::Facts(_)
        | Block::Words(_)
        | Block::Copied(_)
        | Block::Changes(_)
        | Block::Asides(_)
        | Block::Steps(_)
        | Block::Obstacles(_)
        | Block::Statements(_)
        | Block::Apart(_) => 0,
        Block::Located(all) => all.len(),
    });
    blocks.sum()
}

/// Writes a block.
fn block(block: &Block, parts: &mut Vec<(String, String)>, to: &mut String) {
    let told = match block {
        Block::Entries(entries) if entries.chosen => {
            entries.entries.iter().for_each(|entry| self::entry(entry).render_to(to));
            return;
        }
        Block::Entries(entries) => self::entries(entries, parts),
        Block::Facts(facts) => self::facts(facts),
        Block::Notes(notes) => self::notes(notes),
        Block::Names(names) => self::names(names),
        Block::Table(table) => self::table(table),
        Block::Words(words) => html! { p { (phrase(words)) } },
        Block::Copied(copied) => self::copied(copied),
        Block::Changes(changes) => self::changes(changes),
        Block::Asides(facts) => self::facts(facts),
        Block::Settings(settings) => planned::settings(settings),
        Block::Steps(steps) => planned::steps(steps),
        Block::Obstacles(obstacles) => planned::obstacles(obstacles),
        Block::Statements(statements) => planned::statements(statements),
        Block::Apart(below) => html! { @for below in below { (self::below(below)) } },
        Block::Located(all) => self::notes(&ShownNotes::located(all)),
    };
    told.render_to(to);
}

/// A phrase whose names are code.
fn phrase(phrase: &Phrase) -> impl Render {
    WrittenInPlace(|to| phrase.parts().iter().for_each(|part| write_part(part, to)))
}

/// Writes a part of a phrase.
fn write_part(part: &PhrasePart, to: &mut String) {
    match part {
        PhrasePart::Words(words) => line(words).render_to(to),
        PhrasePart::Said(text) | PhrasePart::Quoted(text) => clean(text).render_to(to),
        PhrasePart::Name(name)
        | PhrasePart::Digest(name)
        | PhrasePart::Id(name, _)
        | PhrasePart::Line(name) => code(name).render_to(to),
        PhrasePart::Names(names, _) | PhrasePart::Tables(names, _) => {
            for (at, name) in names.iter().enumerate() {
                if at > 0 {
                    to.push_str(", ");
                }
                code(name).render_to(to);
            }
        }
        PhrasePart::Mark(word, tone) => {
            html! { span class={ "word " (class(Some(*tone))) } { (word) } }.render_to(to)
        }
        PhrasePart::Address(text) => sheet::address(text).render_to(to),
        PhrasePart::Moment(at) => time(*at).render_to(to),
        PhrasePart::Command(command) => code(command).render_to(to),
    }
}

/// The class of what stands so.
fn class(tone: Option<Tone>) -> &'static str {
    match tone {
        Some(Tone::Bad) => "bad",
        Some(Tone::Good) => "good",
        Some(Tone::Wait) => "wait",
        Some(Tone::Strong) | None => "",
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl.facts {
            @for fact in facts {
                div {
                    dt { (capital(&line(&fact.label))) }
                    dd {
                        (phrase(&fact.says))
                        @for line in &fact.lines { p { (phrase(line)) } }
                    }
                }
            }
        }
    }
}

/// A word of an entry; what begins with a mark in text says here what that means.
fn word(word: &'static str) -> &'static str {
    if word == CAUSE { "blocks" } else { word }
}

/// Entries by their words, what is wrong first, each word a part of the page.
fn entries(entries: &Entries, parts: &mut Vec<(String, String)>) -> Markup {
    let rank = |tone: Option<Tone>| match tone {
        Some(Tone::Bad) => 0,
        Some(Tone::Wait) => 1,
        Some(Tone::Good | Tone::Strong) | None => 2,
    };
    let mut words: Vec<(u8, &'static str)> = vec![];
    let told = || entries.entries.iter().filter(|entry| entry.told != ToldIn::InBrief);
    for entry in told() {
        if !words.iter().any(|(_, word)| *word == entry.word) {
            words.push((rank(entry.tone), entry.word));
        }
    }
    words.sort_by_key(|(rank, _)| *rank);
    let sections = words.into_iter().map(|(_, word)| {
        let alike = || told().filter(|entry| entry.word == word);
        let shown = format!("{} ({})", capital(self::word(word)), count(alike().count() as u64));
        let id = begin(self::word(word), &shown, parts);
        html! {
            section aria-labelledby=(id) {
                h2 id=(id) { (shown) }
                @for entry in alike() { (self::entry(entry)) }
            }
        }
    });
    let sections: Vec<Markup> = sections.collect();
    html! { @for section in sections { (section) } }
}

fn entry(entry: &PageEntry) -> Markup {
    html! {
        article class=(class(entry.tone)) {
            h3 {
                span class={ "word " (class(entry.tone)) } { (word(entry.word)) } " "
                bdi { (plain(&entry.label)) }
            }
            @if !entry.says.is_empty() { p { (phrase(&entry.says)) } }
            @for below in &entry.below { (self::below(below)) }
            (WrittenInPlace(|to| entry.details.iter().for_each(|it| block(it, &mut vec![], to))))
        }
    }
}

/// A phrase without what makes a name of a name.
fn plain(phrase: &Phrase) -> String {
    super::text::phrase(phrase, &Style { verbose: true, ..Style::default() })
}

fn below(below: &Below) -> Markup {
    match below {
        Below::Trouble(says)
        | Below::Seen(says)
        | Below::Note(says)
        | Below::Further(says)
        | Below::Cause(says) => html! { p { (phrase(says)) } },
        Below::Copied(copied) => self::copied(copied),
        Below::Fact(fact) => self::facts(std::slice::from_ref(fact)),
        Below::Grid(Grid { under: _, rows, numbers: _ }) => html! {
            @for row in rows { p { @for cell in row { (phrase(cell)) " " } } }
        },
        Below::Steps(steps) => planned::steps(steps),
    }
}

fn notes(notes: &ShownNotes) -> Markup {
    html! {
        ul.plain {
            @for note in &notes.notes { (self::note(notes.word, note)) }
        }
    }
}

fn note(word: &'static str, note: &Note) -> Markup {
    let (word, tone) = note.word.unwrap_or((word, Tone::Wait));
    html! {
        li {
            span class={ "word " (class(Some(tone))) } { (word) } " "
            @match &note.code {
                None => (phrase(&note.says)),
                Some(of) => {
                    (code(of))
                    @for about in &note.about { " " (code(about)) }
                    p { (phrase(&note.says)) }
                },
            }
            @for below in &note.below { (self::below(below)) }
        }
    }
}

fn names(names: &NamesInRow) -> Markup {
    let groups = names.names.iter().any(|one| one.group.is_some());
    let why = names.names.iter().any(|one| one.why.is_some());
    let noun = capital(names.noun);
    let heads = [(true, noun.as_str()), (groups, "Group"), (why, "Why")];
    let heads: Vec<&str> =
        heads.into_iter().filter(|(told, _)| *told).map(|(_, head)| head).collect();
    html! {
        @if let Some(says) = &names.says { p { (phrase(says)) } }
        @if groups || why {
            (sheet::table(&capital(names.word), &heads, html! {
                @for one in &names.names {
                    tr {
                        th scope="row" { (code(&one.name)) }
                        @if groups { td { @if let Some(group) = &one.group { (name(group)) } } }
                        @if why { td { @if let Some(why) = &one.why { (phrase(why)) } } }
                    }
                }
            }))
        } @else {
            ul.plain {
                @for one in &names.names {
                    li { span.word.wait { (names.noun) } " " (code(&one.name)) }
                }
            }
        }
    }
}

fn table(table: &PageTable) -> Markup {
    let heads: Vec<String> = table.heads.iter().map(|head| capital(&head.name)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows =
        WrittenInPlace(|to| table.rows.iter().for_each(|row| self::row(row, table).render_to(to)));
    let rows = sheet::table(&line(&table.caption), &heads, rows);
    html! {
        @if let Some(folded) = &table.folded {
            details { summary { bdi { (line(folded)) } } (rows) }
        } @else {
            @if let Some(label) = &table.label { p { (phrase(label)) ":" } }
            (rows)
        }
        @for after in &table.after { p { (phrase(after)) } }
    }
}

/// A row of a table, and what belongs to it in one below.
fn row(row: &PageRow, table: &PageTable) -> Markup {
    html! {
        tr {
            @for (at, (cell, head)) in row.cells.iter().zip(&table.heads).enumerate() {
                @match (at, head.number) {
                    (0, _) => th scope="row" { (phrase(cell)) },
                    (_, true) => td.number { (phrase(cell)) },
                    (_, false) => td { (phrase(cell)) },
                }
            }
        }
        @if !row.below.is_empty() {
            tr {
                td colspan=(table.heads.len()) {
                    @for below in &row.below { p { (phrase(below)) } }
                }
            }
        }
    }
}

fn copied(copied: &Copied) -> Markup {
    html! {
        @if let Some(intro) = &copied.intro { p { (phrase(intro)) } }
        @for part in &copied.lines { (sheet::write_copied(&line_of(part, Style::default()))) }
    }
}

fn changes(changes: &LineChanges) -> Markup {
    let head = html! { span.word { (changes.word) } " " bdi { (plain(&changes.label)) } };
    let lines = html! {
        @if changes.lines.is_empty() {
            p { (changes.otherwise) }
        } @else {
            pre {
                code {
                    @for changed in &changes.lines {
                        (changed.sign) " " (line(&changed.text)) "\n"
                    }
                }
            }
        }
    };
    html! {
        @if changes.under {
            details { summary { (head) } (lines) }
        } @else {
            article { h3 { (head) } (lines) }
        }
    }
}
