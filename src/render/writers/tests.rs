//! Every kind of block in every form: what others named, said or wrote is text in it, and nothing more.

mod guide;

use std::collections::BTreeSet;

use comrak::{Options, markdown_to_html};
use scraper::Html;

use super::{Form, write};
use crate::command::{Command, Verb};
use crate::figures::Ends;
use crate::harmless::is_unseen;
use crate::plan::Action;
use crate::render::Style;
use crate::render::page::*;

/// What somebody could be called who wants to be more than a name; each is seen as something by whoever reads it.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "a<b>c</b>",
        "</code></pre></details></td></table><script>alert(1)</script>",
        "<!-- drsync:plan scope=other --> -->",
        "a|b\\|c",
        "a`b``c```d",
        "x\n\n# heading\n\n- item\n\n```\nfence\n```\n| a | b |\n|---|---|",
        "x\r\nDROP TABLE t\u{2028}DROP TABLE u",
        "x\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{0}y",
        "gold\u{202e}dlog\u{2066}x\u{200b}y\u{feff}",
        "**loud** __low__ ~~gone~~ [link](https://evil.test) ![i](https://evil.test/i.png)",
        "@team #12 https://evil.test www.evil.test a@evil.test $x$ :tada:",
        "\" onload=\"alert(1)",
        "##vso[task.uploadfile]/etc/passwd",
        "---",
        "1. one",
        "> said",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend(["x".repeat(600), "|".repeat(600), "`".repeat(600)]);
    all
}

/// A phrase of every part that there is.
fn phrase(text: &str) -> Phrase {
    let all = [
        PhrasePart::Words(format!("words {text}")),
        PhrasePart::Said(text.to_owned()),
        PhrasePart::Quoted(text.to_owned()),
        PhrasePart::Name(text.to_owned()),
        PhrasePart::Names(vec![text.to_owned(), text.to_owned()], 1),
        PhrasePart::Tables(vec![text.to_owned(), text.to_owned()], 1),
        PhrasePart::Digest(text.to_owned()),
        PhrasePart::Id(text.to_owned(), Ends::of([text])),
        PhrasePart::Mark("weaker", Tone::Bad),
        PhrasePart::Address(format!("http://{text}")),
        PhrasePart::Moment("2026-11-22T10:00:00Z".parse().unwrap()),
        PhrasePart::Command(Command::new(Verb::Plan).word(text)),
        PhrasePart::Line(text.to_owned()),
    ];
    for part in &all {
        // A new part finds its place above.
        match part {
            PhrasePart::Words(_)
            | PhrasePart::Said(_)
            | PhrasePart::Quoted(_)
            | PhrasePart::Name(_) => {}
            PhrasePart::Names(..)
            | PhrasePart::Tables(..)
            | PhrasePart::Digest(_)
            | PhrasePart::Id(..) => {}
            PhrasePart::Mark(..)
            | PhrasePart::Address(_)
            | PhrasePart::Moment(_)
            | PhrasePart::Command(_) => {}
            PhrasePart::Line(_) => {}
        }
    }
    Phrase::join(all.map(Phrase::from), " and ")
}

fn fact(text: &str) -> Fact {
    Fact { lines: vec![phrase(text)], ..Fact::new(format!("label {text}"), phrase(text)) }
}

fn copied(text: &str) -> Copied {
    Copied::line(CodeLanguage::Sql, text).after(phrase(text))
}

fn steps(text: &str) -> Steps {
    let of = |action| PlannedStep {
        action,
        table: text.to_owned(),
        held: Some(1),
        version: 2,
        copies: Some(CopySize { bytes: 3, files: 4 }),
        files: Some(5),
        newer: 6,
        columns: Some(phrase(text)),
    };
    let told = [Action::Create, Action::Update, Action::NoOp].map(of).to_vec();
    let counted = vec![Counted { action: Action::Update, tables: 7, copies: None }];
    Steps { of: text.to_owned(), told, counted }
}

/// Everything that belongs to an entry.
fn below(text: &str) -> Vec<Below> {
    let grid = Grid { under: true, rows: vec![vec![phrase(text), phrase(text)]], numbers: &[] };
    let all = vec![
        Below::Trouble(phrase(text)),
        Below::Seen(phrase(text)),
        Below::Note(phrase(text)),
        Below::Further(phrase(text)),
        Below::Copied(copied(text)),
        Below::Cause(phrase(text)),
        Below::Fact(fact(text)),
        Below::Grid(grid),
        Below::Steps(steps(text)),
    ];
    for below in &all {
        match below {
            Below::Trouble(_) | Below::Seen(_) | Below::Note(_) | Below::Further(_) => {}
            Below::Copied(_) | Below::Cause(_) | Below::Fact(_) => {}
            Below::Grid(_) | Below::Steps(_) => {}
        }
    }
    all
}

/// A block of every kind, each with this text wherever a text of others can stand.
fn blocks(text: &str) -> Vec<Block> {
    let name = || text.to_owned();
    let entry = PageEntry {
        below: below(text),
        details: vec![Block::Words(phrase(text))],
        ..PageEntry::new("blocked", Tone::Bad, phrase(text), phrase(text))
    };
    let note = Note {
        word: Some(("blocks", Tone::Bad)),
        code: Some(name()),
        subject: Some(name()),
        about: vec![name(), name()],
        says: phrase(text),
        below: below(text),
    };
    let named = NameNote { name: name(), group: Some(name()), why: Some(phrase(text)) };
    let mut table = PageTable::new(format!("caption {text}"), "row", &["first", "#second"]);
    table.label = Some(phrase(text));
    table.after = vec![phrase(text)];
    let (cells, more) = (vec![phrase(text), phrase(text)], vec![phrase(text)]);
    table.rows.push(PageRow { cells, below: more.clone(), further: more, quiet: false });
    let changed = |sign| Changed { sign, text: name(), further: false };
    let setting = ChangedSetting {
        word: "weaker",
        weaker: true,
        who: name(),
        setting: phrase(text),
        before: name(),
        after: name(),
    };
    let obstacle = ShownCause {
        code: "table_not_readable",
        about: phrase(text),
        tables: vec![name(), name()],
        groups: vec![name()],
        seen: vec![phrase(text)],
        remedy: below(text),
    };
    let all = vec![
        Block::Facts(vec![fact(text), fact(text).under()]),
        Block::Entries(Entries::new("group", vec![entry.clone()])),
        Block::Entries(Entries::chosen("group", vec![entry])),
        Block::Notes(ShownNotes { word: "note", notes: vec![note], alike_max: 3 }),
        Block::Notes(ShownNotes::of("note", [phrase(text)])),
        Block::Names(NamesInRow {
            word: "left",
            noun: "table",
            names: vec![named],
            few: 3,
            says: Some(phrase(text)),
        }),
        Block::Table(table.clone()),
        Block::Table(PageTable { folded: Some(format!("folded {text}")), ..table }),
        Block::Words(phrase(text)),
        Block::Copied(copied(text)),
        Block::Changes(LineChanges {
            word: "changed",
            label: phrase(text),
            lines: vec![changed('+'), changed('-')],
            otherwise: "the same",
            under: false,
        }),
        Block::Changes(LineChanges {
            word: "row",
            label: phrase(text),
            lines: vec![changed('+')],
            otherwise: "the same",
            under: true,
        }),
        Block::Asides(vec![fact(text)]),
        Block::Settings(vec![setting]),
        Block::Steps(steps(text)),
        Block::Obstacles(Obstacles {
            title: Some("Causes"),
            groups: vec![name()],
            causes: vec![obstacle],
        }),
        Block::Statements(vec![PlannedStatement { table: name(), text: name() }]),
        Block::Apart(below(text)),
        Block::Located(vec![Located {
            file: Some(name()),
            line: 7,
            place: name(),
            says: phrase(text),
        }]),
    ];
    // Of every kind there is one: a new kind finds its place above and here.
    let kinds: BTreeSet<u8> = all
        .iter()
        .map(|block| match block {
            Block::Facts(_) => 0,
            Block::Entries(_) => 1,
            Block::Notes(_) => 2,
            Block::Names(_) => 3,
            Block::Table(_) => 4,
            Block::Words(_) => 5,
            Block::Copied(_) => 6,
            Block::Changes(_) => 7,
            Block::Asides(_) => 8,
            Block::Settings(_) => 9,
            Block::Steps(_) => 10,
            Block::Obstacles(_) => 11,
            Block::Statements(_) => 12,
            Block::Apart(_) => 13,
            Block::Located(_) => 14,
        })
        .collect();
    assert_eq!(kinds, (0..15).collect());
    all
}

fn page(block: Block, text: &str) -> Page {
    let mut page = Page::new("plan", "drsync plan", format!("verdict {text}"));
    page.workspaces = vec![text.to_owned()];
    page.figures = Some("3 s".to_owned());
    page.columns = Columns { word: 9, name: 17, aside: 26 };
    page.say(Section::titled(format!("title {text}"), vec![block]));
    page
}

/// What a page is made of: its elements in their order, and what their attributes do.
fn structure(html: &str) -> Vec<String> {
    let document = Html::parse_document(html);
    let elements = document.root_element().descendent_elements();
    let told = elements.map(|element| {
        let value = element.value();
        let attributes = value.attrs().filter(|(name, _)| {
            // Labels, and the places that links lead to, have names in them.
            !matches!(*name, "aria-label" | "aria-labelledby" | "id" | "content")
        });
        let attributes = attributes.map(|(name, value)| match (name, value) {
            ("href", place) if place.starts_with('#') => "href=#".to_owned(),
            (name, value) => format!("{name}={value}"),
        });
        format!("{} {}", value.name(), attributes.collect::<Vec<_>>().join(" "))
    });
    told.collect()
}

/// As a service shows a comment.
fn render_markdown(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.render.r#unsafe = true;
    markdown_to_html(markdown, &options)
}

/// Bytes in which a comment has room for everything.
const ROOM: usize = 10_000_000;

/// What is wrong with a page in the forms of a screen.
fn wrong_on_screen(page: &Page) -> Option<String> {
    // Wide enough that no line is broken: what begins a line was meant to.
    for width in [80, 60_000] {
        for verbose in [false, true] {
            let text = write(page, Form::Text(Style { width, verbose, ..Style::default() }));
            let bad = |c: char| (c.is_control() && c != '\n') || is_unseen(c);
            let forged = |line: &str| line.trim_start().starts_with("DROP TABLE");
            let begun = width > 80 && text.lines().any(forged);
            if text.contains(bad) || text.contains("##vso[") || begun {
                return Some(text);
            }
        }
    }
    None
}

/// What is wrong with a page as HTML and as a comment: it is made of something else than one of plain names.
fn wrong_elsewhere(page: &Page, plain: &Page) -> Option<String> {
    let html = write(page, Form::Html);
    if structure(&html) != structure(&write(plain, Form::Html)) {
        return Some(html);
    }
    let comment = write(page, Form::Markdown(ROOM));
    let plain = write(plain, Form::Markdown(ROOM));
    let made = render_markdown(&comment);
    let whole = !comment.contains("Left out") && made.matches("<!--").count() == 1;
    let same = structure(&made) == structure(&render_markdown(&plain));
    (!whole || !same).then(|| format!("{comment}\n{made}\n{}", render_markdown(&plain)))
}

#[test]
fn nothing_in_any_block_is_more_than_text_in_any_form() {
    let plain = blocks("plain");
    let mut wrong = vec![];
    for evil in hostile() {
        let about: String = evil.chars().take(40).collect();
        for (at, (block, plain)) in blocks(&evil).into_iter().zip(&plain).enumerate() {
            let (evil, plain) = (page(block, &evil), page(plain.clone(), "plain"));
            let found = wrong_on_screen(&evil).or_else(|| wrong_elsewhere(&evil, &plain));
            wrong.extend(found.map(|found| format!("{about:?} in block {at}:\n{found}")));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}
