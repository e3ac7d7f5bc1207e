//! A page as a comment: never longer than it may be, and nothing in it is more than text.

pub(super) mod budget;
mod escape;
pub(super) mod guide;
mod planned;

use super::super::Style;
use super::super::page::{
    Below, Block, CAUSE, CodeLanguage, Copied, Entries, Fact, Grid, LineChanges, NamesInRow, Page,
    PageEntry, PageRow, PageTable, Phrase, PhrasePart, Section, ShownNotes, ToldIn, Tone,
};
use super::text::line_of;
use crate::figures::{moment, plural};
use crate::harmless::line;
use crate::layout::few;
use budget::{Comment, NameBudget, fitted, heading, hidden};
use escape::{code, fence, sentence, text};

/// Facts that are told where sentences are told at all.
const FACTS_MIN: usize = 6;

/// The page as a comment of at most `budget` bytes.
pub(super) fn markdown(page: &Page, budget: usize) -> String {
    fitted(budget, |empty, detail| comment(empty, page, detail))
}

fn comment(mut comment: Comment, page: &Page, detail: NameBudget) -> Comment {
    let workspaces = page.workspaces.iter().map(String::as_str);
    comment.text = format!("{}\n", hidden(page.kind, workspaces));
    let figures = page.figures.as_ref().map_or(String::new(), |figures| format!(" ({figures})"));
    comment.block(&format!("### drsync: {}", ours(&format!("{}{figures}", page.verdict))));
    for section in page.sections.iter().filter(|section| section.told != ToldIn::InFull) {
        self::section(&mut comment, section, detail);
        if comment.is_too_long_with(0) {
            break;
        }
    }
    comment
}

/// What a section says, under its title.
fn section(comment: &mut Comment, section: &Section, detail: NameBudget) {
    let title = section.title.as_deref();
    let blocks = section.blocks.iter().map(|block| self::block(comment, block, title, detail));
    let blocks: Vec<String> = blocks.filter(|lines| !lines.is_empty()).collect();
    if blocks.is_empty() {
        return;
    }
    let mut told = title.map_or(String::new(), |title| heading(&ours(title)));
    for (at, block) in blocks.iter().enumerate() {
        // What is a list of its own in text is one here: nothing stands between its items.
        let list = |block: &String| block.starts_with("- ");
        let before = at.checked_sub(1).map(|at| &blocks[at]);
        told.push_str(match before {
            None => "",
            Some(before) if list(before) && list(block) => "",
            Some(_) => "\n",
        });
        told.push_str(block);
    }
    comment.block(&told);
}

/// The lines of a block.
fn block(comment: &mut Comment, block: &Block, title: Option<&str>, detail: NameBudget) -> String {
    match block {
        Block::Facts(facts) => self::facts(comment, facts, detail),
        Block::Entries(entries) => self::entries(comment, entries, detail),
        Block::Notes(notes) => self::notes(comment, notes, title, detail),
        Block::Names(names) => self::names(comment, names, detail),
        Block::Table(table) => self::table(comment, table, detail),
        Block::Words(words) => format!("{}\n", phrase(words)),
        Block::Copied(copied) if detail.messages => self::copied(copied),
        Block::Copied(copied) => {
            comment.leave_out(copied.lines.len(), "command");
            String::new()
        }
        Block::Changes(changes) => self::changes(comment, changes, detail),
        Block::Asides(facts) => self::facts(comment, facts, detail),
        Block::Settings(settings) => planned::settings(comment, settings, detail),
        Block::Steps(steps) => {
            planned::groups(comment, &[(Phrase::name(&steps.of), steps)], detail)
        }
        Block::Obstacles(obstacles) => planned::obstacles(comment, obstacles, detail),
        Block::Statements(statements) => planned::statements(comment, statements, detail),
        Block::Apart(below) => self::below(comment, below, detail),
        Block::Located(all) => self::notes(comment, &ShownNotes::located(all), title, detail),
    }
}

/// A phrase in which nothing is Markdown but what makes a name of a name.
fn phrase(phrase: &Phrase) -> String {
    phrase_within(phrase, usize::MAX)
}

/// The same where so many names in a row have room.
fn phrase_within(phrase: &Phrase, room: usize) -> String {
    phrase.parts().iter().map(|part| self::part(part, room)).collect()
}

/// Words of ours, in which there may be names of others.
fn ours(words: &str) -> String {
    sentence(&line(words))
}

fn part(part: &PhrasePart, room: usize) -> String {
    match part {
        PhrasePart::Words(words) => ours(words),
        PhrasePart::Said(said) | PhrasePart::Quoted(said) | PhrasePart::Address(said) => text(said),
        PhrasePart::Names(names, most) => {
            let names: Vec<String> = names.iter().map(code).collect();
            few(&names, *most)
        }
        PhrasePart::Tables(names, most) => {
            let shown: Vec<String> = names.iter().take(room.min(*most)).map(code).collect();
            match names.len() - shown.len() {
                0 => shown.join(", "),
                more if shown.is_empty() => plural(more, "table"),
                more => format!("{} and {more} more", shown.join(", ")),
            }
        }
        PhrasePart::Mark(word, _) => format!("**{word}**"),
        PhrasePart::Name(name)
        | PhrasePart::Digest(name)
        | PhrasePart::Id(name, _)
        | PhrasePart::Line(name) => code(name),
        PhrasePart::Moment(at) => moment(*at),
        PhrasePart::Command(command) => code(command),
    }
}

fn facts(comment: &mut Comment, facts: &[Fact], detail: NameBudget) -> String {
    let most = if detail.messages { detail.groups.max(FACTS_MIN) } else { 0 };
    comment.leave_out(facts.len().saturating_sub(most), "fact");
    let lines = facts.iter().take(most).map(|fact| {
        let says = phrase(&fact.says);
        let label = ours(&fact.label);
        let colon = if label.is_empty() { "" } else { ": " };
        let margin = if fact.under { "  " } else { "" };
        let further = fact.lines.iter().map(|line| format!("{margin}  - {}\n", phrase(line)));
        format!("{margin}- {label}{colon}{says}\n{}", further.collect::<String>())
    });
    lines.collect()
}

/// What is wrong is told as long as anything is; all is counted.
fn entries(comment: &mut Comment, entries: &Entries, detail: NameBudget) -> String {
    if let Some(groups) = planned::steps_of(&entries.entries) {
        return planned::groups(comment, &groups, detail);
    }
    let mut lines = String::new();
    let mut counts: Vec<(&str, usize)> = vec![];
    let mut count = |word| match counts.iter_mut().find(|(of, _)| *of == word) {
        Some((_, number)) => *number += 1,
        None => counts.push((word, 1)),
    };
    let (mut told, mut left_out) = (0, 0);
    let mut quiet: Vec<&PageEntry> = vec![];
    for entry in &entries.entries {
        let most = match entry.tone {
            Some(Tone::Bad) => detail.groups.max(detail.named),
            Some(Tone::Good | Tone::Wait | Tone::Strong) | None => detail.groups,
        };
        if entry.told == ToldIn::InBrief {
            continue;
        } else if entry.told == ToldIn::InFull && entry.tone != Some(Tone::Bad) {
            quiet.push(entry);
        } else if told >= most {
            left_out += 1;
            count(entry.word);
        } else {
            told += 1;
            lines.push_str(&self::entry(comment, entry, detail));
        }
    }
    comment.leave_out(left_out, entries.noun);
    let more = if told > 0 { format!("more {}", entries.noun) } else { entries.noun.to_owned() };
    for (word, number) in counts {
        let word = if word.is_empty() { String::new() } else { format!("**{word}**: ") };
        lines.push_str(&format!("- {word}{}\n", plural(number, &more)));
    }
    for alike in quiet.chunk_by(|one, other| one.word == other.word) {
        let number = plural(alike.len(), entries.noun);
        lines.push_str(&format!("- {}: {number}\n", alike[0].word));
    }
    lines
}

fn entry(comment: &mut Comment, entry: &PageEntry, detail: NameBudget) -> String {
    let word = match entry.word {
        CAUSE | "" => String::new(),
        word => format!("**{word}** "),
    };
    let mut lines = format!("- {word}{}", phrase(&entry.label));
    if detail.messages && !entry.says.is_empty() {
        lines.push_str(&format!(": {}", phrase(&entry.says)));
    }
    lines.push('\n');
    lines.push_str(&below(comment, &entry.below, detail));
    lines
}

/// What belongs to an entry, as far as there is room.
fn below(comment: &mut Comment, all: &[Below], detail: NameBudget) -> String {
    let mut lines = String::new();
    let most = detail.named.min(detail.groups);
    for (at, below) in all.iter().enumerate() {
        if at >= most || !detail.messages {
            comment.leave_out(all.len() - at, "detail");
            break;
        }
        lines.push_str(&match below {
            Below::Trouble(says)
            | Below::Seen(says)
            | Below::Note(says)
            | Below::Further(says)
            | Below::Cause(says) => format!("  - {}\n", phrase(says)),
            Below::Copied(copied) => format!("\n{}\n", self::copied(copied)),
            Below::Fact(fact) => format!("  - {}: {}\n", ours(&fact.label), phrase(&fact.says)),
            Below::Grid(Grid { under: _, rows, numbers: _ }) => {
                let rows = rows.iter().map(|row| row.iter().map(phrase).collect::<Vec<_>>());
                rows.map(|cells| format!("  - {}\n", cells.join(" "))).collect()
            }
            Below::Steps(steps) => {
                format!("\n{}", planned::groups(comment, &[(Phrase::default(), steps)], detail))
            }
        });
    }
    lines
}

/// Notes by their codes: each as long as there are few of a code and there is room, else a count.
///
/// Under another title than their own each says what it is.
fn notes(
    comment: &mut Comment,
    notes: &ShownNotes,
    title: Option<&str>,
    detail: NameBudget,
) -> String {
    let own = title.is_some_and(|title| title.to_lowercase().starts_with(notes.word));
    let word = if own { String::new() } else { format!("{} ", notes.word) };
    let mut lines = String::new();
    let (mut told, mut left_out) = (0, 0);
    for (code, alike) in notes.by_code() {
        let Some(code) = code.map(escape::code) else {
            if told < detail.named {
                lines.push_str(&format!("- {}\n", phrase(&alike[0].says)))
            } else {
                left_out += 1
            }
            told += 1;
            continue;
        };
        let few = detail.messages && alike.len() <= notes.alike_max;
        let (each, rest) = alike.split_at(if few { alike.len().min(detail.named) } else { 0 });
        for note in each {
            let subject = note.subject.as_ref().map(|of| format!(" {}", escape::code(of)));
            let subject = subject.unwrap_or_default();
            let word = note.word.map_or(word.clone(), |(word, _)| format!("{word} "));
            lines.push_str(&format!("- {word}{code}{subject}: {}\n", phrase(&note.says)));
            lines.push_str(&below(comment, &note.below, detail));
        }
        if !rest.is_empty() {
            let time = if each.is_empty() { "time" } else { "more time" };
            let subjects: Vec<String> =
                rest.iter().filter_map(|note| note.subject.clone()).collect();
            let said = budget::names(comment, &subjects, detail.named.min(10), "subject");
            let colon = if said.is_empty() { "" } else { ": " };
            lines.push_str(&format!("- {word}{code} {}{colon}{said}\n", plural(rest.len(), time)));
        }
    }
    comment.leave_out(left_out, notes.word);
    lines
}

fn names(comment: &mut Comment, names: &NamesInRow, detail: NameBudget) -> String {
    let all: Vec<String> = names.names.iter().map(|one| one.name.clone()).collect();
    if all.is_empty() {
        return format!("- {}\n", names.word);
    }
    let whys = detail.messages && names.names.iter().any(|one| one.why.is_some());
    let said = if whys {
        reasoned(comment, names, detail.named)
    } else {
        budget::names(comment, &all, detail.named, names.noun)
    };
    let says = names.says.as_ref().map_or(String::new(), |says| format!(": {}", phrase(says)));
    format!("- {}: {said}{says}\n", names.word)
}

/// Names with what is said of each alone, as many as have room.
fn reasoned(comment: &mut Comment, names: &NamesInRow, most: usize) -> String {
    let all = &names.names;
    let told = all.iter().take(most).map(|one| match &one.why {
        Some(why) => format!("{} ({})", code(&one.name), phrase(why)),
        None => code(&one.name),
    });
    let mut told: Vec<String> = told.collect();
    let more = all.len() - told.len();
    comment.leave_out(more, "name");
    if more > 0 {
        told.push(plural(more, &format!("more {}", names.noun)));
    }
    told.join(", ")
}

fn table(comment: &mut Comment, table: &PageTable, detail: NameBudget) -> String {
    let (quiet, told): (Vec<&PageRow>, Vec<&PageRow>) =
        table.rows.iter().partition(|row| row.quiet);
    let most = detail.groups.max(detail.named);
    let shown: Vec<&PageRow> =
        told.iter().take(most).chain(quiet.iter().take(detail.groups)).copied().collect();
    let mut lines =
        table.label.as_ref().map_or(String::new(), |label| format!("{}:\n\n", phrase(label)));
    if !shown.is_empty() {
        let heads: Vec<String> = table.heads.iter().map(|head| ours(&head.name)).collect();
        let ruled = table.heads.iter().map(|head| if head.number { "--:|" } else { "---|" });
        lines.push_str(&format!("| {} |\n|{}\n", heads.join(" | "), ruled.collect::<String>()));
    }
    for row in &shown {
        let cells = row.cells.iter().map(|cell| phrase_within(cell, detail.named));
        let cells: Vec<String> = cells.collect();
        lines.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    let below = shown.iter().flat_map(|row| {
        let first = row.cells.first().map(phrase).unwrap_or_default();
        row.below.iter().map(move |below| format!("- {first}: {}\n", phrase(below)))
    });
    let below: Vec<String> = below.take(if detail.messages { detail.named } else { 0 }).collect();
    if !below.is_empty() {
        lines.push_str(&format!("\n{}", below.concat()));
    }
    for after in &table.after {
        lines.push_str(&format!("\n{}\n", phrase(after)));
    }
    let says = table.quiet.map_or(String::new(), |(_, says)| format!(": {says}"));
    for (more, says) in [
        (told.len().saturating_sub(most), String::new()),
        (quiet.len().saturating_sub(detail.groups), says),
    ] {
        if more > 0 {
            let more_of = format!("more {}", table.noun);
            let noun = if shown.is_empty() { table.noun } else { &more_of };
            lines.push_str(&format!("\n{}{says}\n", plural(more, noun)));
            comment.leave_out(more, table.noun);
        }
    }
    lines
}

/// What is copied, in a fence that nothing in it can close.
fn copied(copied: &Copied) -> String {
    let language = match copied.language {
        CodeLanguage::Sql => "sql",
        CodeLanguage::Shell => "shell",
        CodeLanguage::Plain => "text",
    };
    let lines: Vec<String> =
        copied.lines.iter().map(|part| line_of(part, Style::default())).collect();
    let intro =
        copied.intro.as_ref().map_or(String::new(), |intro| format!("{}\n\n", phrase(intro)));
    format!("{intro}{}", fence(language, &lines))
}

fn changes(comment: &mut Comment, changes: &LineChanges, detail: NameBudget) -> String {
    let head = format!("**{}** {}\n", changes.word, phrase(&changes.label));
    if changes.lines.is_empty() {
        return format!("{head}\n{}\n", changes.otherwise);
    }
    let shown = changes.lines.iter().filter(|line| !line.further || detail.tables == usize::MAX);
    let shown: Vec<String> = shown
        .take(detail.tables.max(detail.named.min(5)))
        .map(|line| format!("{} {}", line.sign, line.text))
        .collect();
    comment.leave_out(changes.lines.len() - shown.len(), "line");
    if shown.is_empty() { head } else { format!("{head}\n{}", fence("diff", &shown)) }
}
