//! What a section is made of: facts, things told one by one, notes, names, tables, words, what is copied, and what changed.

use std::collections::BTreeMap;

use super::below::{Below, Copied, Fact, Obstacles};
use super::phrase::{Phrase, Tone};
use super::planned::{ChangedSetting, PlannedStatement, Steps};
use crate::command::Command;

/// One thing that is said.
#[derive(Debug, Clone)]
pub(in crate::render) enum Block {
    /// What is known, each under its label.
    Facts(Vec<Fact>),
    /// Groups, or other things that are told one by one.
    Entries(Entries),
    /// What there is to know, by its code.
    Notes(ShownNotes),
    /// Names in a row.
    Names(NamesInRow),
    /// Figures in rows.
    Table(PageTable),
    /// A paragraph.
    Words(Phrase),
    /// What is copied: a line each, and what it is for.
    Copied(Copied),
    /// Lines that came or went.
    Changes(LineChanges),
    /// What is known of nothing that is told one by one, each after its word.
    Asides(Vec<Fact>),
    /// Settings that are others than before.
    Settings(Vec<ChangedSetting>),
    /// What happens to which table.
    Steps(Steps),
    /// Causes of trouble.
    Obstacles(Obstacles),
    /// Statements that will be run.
    Statements(Vec<PlannedStatement>),
    /// What belongs to the entry before, and stands apart from it.
    Apart(Vec<Below>),
    /// What is wrong in a file, each at its place.
    Located(Vec<Located>),
}

/// Things that are told one by one.
#[derive(Debug, Clone)]
pub(in crate::render) struct Entries {
    /// What they are, for their number: `group`.
    pub(in crate::render) noun: &'static str,
    /// Each stands apart from the others.
    pub(in crate::render) apart: bool,
    /// They were chosen: all of them are told, and what they are has been said.
    pub(in crate::render) chosen: bool,
    pub(in crate::render) entries: Vec<PageEntry>,
}

/// Where a section or an entry is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::render) enum ToldIn {
    #[default]
    Always,
    /// Where everything is asked for: nothing calls for attention, or another entry stands for it.
    InFull,
    /// Where not everything is asked for: it stands for others.
    InBrief,
}

/// The word of an entry that is a cause of trouble: in text a mark stands for it.
pub(in crate::render) const CAUSE: &str = "!";

/// One of them.
#[derive(Debug, Clone)]
pub(in crate::render) struct PageEntry {
    /// How it stands, `blocked`.
    pub(in crate::render) word: &'static str,
    pub(in crate::render) tone: Option<Tone>,
    pub(in crate::render) label: Phrase,
    pub(in crate::render) says: Phrase,
    /// What belongs to it, in its order.
    pub(in crate::render) below: Vec<Below>,
    /// What is told of it only where there is room for everything.
    pub(in crate::render) details: Vec<Block>,
    pub(in crate::render) told: ToldIn,
    /// Those of one cause are told together.
    pub(in crate::render) cause: Option<usize>,
}

/// What there is to know, by its code.
#[derive(Debug, Clone)]
pub(in crate::render) struct ShownNotes {
    /// What they are: `warning`.
    pub(in crate::render) word: &'static str,
    pub(in crate::render) notes: Vec<Note>,
    /// So many of one code are told each; more are a count.
    pub(in crate::render) alike_max: usize,
}

/// One thing to know.
#[derive(Debug, Clone)]
pub(in crate::render) struct Note {
    /// A word of its own, where the notes have several.
    pub(in crate::render) word: Option<(&'static str, Tone)>,
    pub(in crate::render) code: Option<String>,
    /// The table or group that it is about.
    pub(in crate::render) subject: Option<String>,
    /// All that it is about, from the workspace down to the table.
    pub(in crate::render) about: Vec<String>,
    pub(in crate::render) says: Phrase,
    /// What is to be done.
    pub(in crate::render) below: Vec<Below>,
}

/// What is wrong at a place of a file.
#[derive(Debug, Clone)]
pub(in crate::render) struct Located {
    /// The file, where there are several.
    pub(in crate::render) file: Option<String>,
    /// From 1.
    pub(in crate::render) line: usize,
    /// What stands there, by its path; empty: the whole file.
    pub(in crate::render) place: String,
    pub(in crate::render) says: Phrase,
}

/// Names in a row, after a word.
#[derive(Debug, Clone)]
pub(in crate::render) struct NamesInRow {
    /// What becomes of them: `not copied`.
    pub(in crate::render) word: &'static str,
    /// What they are, for their number: `table`; nothing where the word says it all.
    pub(in crate::render) noun: &'static str,
    pub(in crate::render) names: Vec<NameNote>,
    /// So many are named where not everything was asked for.
    pub(in crate::render) few: usize,
    /// What holds for all of them.
    pub(in crate::render) says: Option<Phrase>,
}

/// A name, and what is said of it alone.
#[derive(Debug, Clone)]
pub(in crate::render) struct NameNote {
    pub(in crate::render) name: String,
    /// The group that it is of.
    pub(in crate::render) group: Option<String>,
    pub(in crate::render) why: Option<Phrase>,
}

/// Figures in rows under their heads.
#[derive(Debug, Clone)]
pub(in crate::render) struct PageTable {
    /// What it shows, for whoever does not see it.
    pub(in crate::render) caption: String,
    /// What it is of, above it, where there are several tables.
    pub(in crate::render) label: Option<Phrase>,
    /// What stands for it where it is folded away.
    pub(in crate::render) folded: Option<String>,
    /// What its rows are, for their number: `group`.
    pub(in crate::render) noun: &'static str,
    pub(in crate::render) heads: Vec<ColumnHead>,
    pub(in crate::render) rows: Vec<PageRow>,
    /// So many rows are shown on a screen where not everything was asked for.
    pub(in crate::render) most: usize,
    /// Of more rows those that are quiet are counted, with what holds for them.
    pub(in crate::render) quiet: Option<(usize, &'static str)>,
    /// What shows all of them.
    pub(in crate::render) all: Option<Command>,
    /// What is said below it.
    pub(in crate::render) after: Vec<Phrase>,
}

/// The head of a column.
#[derive(Debug, Clone)]
pub(in crate::render) struct ColumnHead {
    pub(in crate::render) name: String,
    /// Its cells are numbers, which stand under one another by their ends.
    pub(in crate::render) number: bool,
}

/// A row, and what belongs to it.
#[derive(Debug, Clone)]
pub(in crate::render) struct PageRow {
    pub(in crate::render) cells: Vec<Phrase>,
    pub(in crate::render) below: Vec<Phrase>,
    /// The same where everything is asked for.
    pub(in crate::render) further: Vec<Phrase>,
    /// Nothing calls for attention.
    pub(in crate::render) quiet: bool,
}

/// What became of one part of a document, line by line.
#[derive(Debug, Clone)]
pub(in crate::render) struct LineChanges {
    /// `changed`.
    pub(in crate::render) word: &'static str,
    pub(in crate::render) label: Phrase,
    pub(in crate::render) lines: Vec<Changed>,
    /// What is said where there is no line.
    pub(in crate::render) otherwise: &'static str,
    /// It is one of several parts of what was told before.
    pub(in crate::render) under: bool,
}

/// A line that came or went.
#[derive(Debug, Clone)]
pub(in crate::render) struct Changed {
    /// `+` or `-`.
    pub(in crate::render) sign: char,
    pub(in crate::render) text: String,
    /// It describes further what another line says.
    pub(in crate::render) further: bool,
}

impl Block {
    /// Whether there is nothing to it.
    pub(in crate::render) fn is_empty(&self) -> bool {
        match self {
            Block::Facts(facts) => facts.is_empty(),
            Block::Entries(entries) => entries.entries.is_empty(),
            Block::Notes(notes) => notes.notes.is_empty(),
            Block::Names(names) => names.names.is_empty() && !names.noun.is_empty(),
            Block::Table(table) => table.rows.is_empty(),
            Block::Words(phrase) => phrase.is_empty(),
            Block::Copied(copied) => copied.lines.is_empty(),
            Block::Changes(_) => false,
            Block::Asides(facts) => facts.is_empty(),
            Block::Settings(settings) => settings.is_empty(),
            Block::Steps(Steps { of: _, told, counted }) => told.is_empty() && counted.is_empty(),
            Block::Obstacles(Obstacles { title: _, groups, causes }) => {
                groups.is_empty() && causes.is_empty()
            }
            Block::Statements(statements) => statements.is_empty(),
            Block::Apart(below) => below.is_empty(),
            Block::Located(all) => all.is_empty(),
        }
    }
}

impl Located {
    /// `line 7: workspaces[0].name  is missing`.
    fn sentence(&self) -> Phrase {
        let Located { file, line, place, says } = self;
        let file = file.as_ref().map(|file| Phrase::name(file).and(" ")).unwrap_or_default();
        let head = file.and(format!("line {line}: "));
        let place = match place.as_str() {
            "" => Phrase::default(),
            place => Phrase::name(place).and("  "),
        };
        head.and(place).and(says.clone())
    }
}

impl Entries {
    /// One by one, line after line.
    pub(in crate::render) fn new(noun: &'static str, entries: Vec<PageEntry>) -> Entries {
        Entries { noun, apart: false, chosen: false, entries }
    }

    /// The same of those that were chosen to be told, and of what has been said.
    pub(in crate::render) fn chosen(noun: &'static str, entries: Vec<PageEntry>) -> Entries {
        Entries { chosen: true, ..Entries::new(noun, entries) }
    }
}

impl PageEntry {
    /// Nothing but how it stands and what there is to say.
    pub(in crate::render) fn new(
        word: &'static str,
        tone: Tone,
        label: impl Into<Phrase>,
        says: impl Into<Phrase>,
    ) -> PageEntry {
        PageEntry {
            word,
            tone: Some(tone),
            label: label.into(),
            says: says.into(),
            below: vec![],
            details: vec![],
            told: ToldIn::Always,
            cause: None,
        }
    }
}

impl PageTable {
    /// A table of nothing, under these heads; one that begins with `#` is of numbers.
    pub(in crate::render) fn new(
        caption: impl Into<String>,
        noun: &'static str,
        heads: &[&str],
    ) -> PageTable {
        let heads = heads.iter().map(|head| match head.strip_prefix('#') {
            Some(name) => ColumnHead { name: name.to_owned(), number: true },
            None => ColumnHead { name: (*head).to_owned(), number: false },
        });
        let heads = heads.collect();
        let caption = caption.into();
        PageTable {
            caption,
            label: None,
            folded: None,
            noun,
            heads,
            rows: vec![],
            most: usize::MAX,
            quiet: None,
            all: None,
            after: vec![],
        }
    }

    /// Adds a row.
    pub(in crate::render) fn row(&mut self, cells: Vec<Phrase>) {
        self.rows.push(PageRow { cells, below: vec![], further: vec![], quiet: false });
    }
}

impl Note {
    /// What there is to know, without a code and of nothing in particular.
    pub(in crate::render) fn new(says: impl Into<Phrase>) -> Note {
        Note {
            word: None,
            code: None,
            subject: None,
            about: vec![],
            says: says.into(),
            below: vec![],
        }
    }
}

impl ShownNotes {
    /// Each of these after a word.
    pub(in crate::render) fn of(
        word: &'static str,
        says: impl IntoIterator<Item = Phrase>,
    ) -> ShownNotes {
        let notes = says.into_iter().map(Note::new).collect();
        ShownNotes { word, notes, alike_max: usize::MAX }
    }

    /// What is wrong in a file, where places are not told under one another.
    pub(in crate::render) fn located(all: &[Located]) -> ShownNotes {
        ShownNotes::of("mistake", all.iter().map(Located::sentence))
    }

    /// Notes of one code together, in the order of the first of each; every note without one alone.
    pub(in crate::render) fn by_code(&self) -> Vec<(Option<&str>, Vec<&Note>)> {
        let mut all: Vec<(Option<&str>, Vec<&Note>)> = vec![];
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for note in &self.notes {
            let code = note.code.as_deref();
            match code.and_then(|code| places.get(code)) {
                Some(at) => all[*at].1.push(note),
                None => {
                    places.extend(code.map(|code| (code, all.len())));
                    all.push((code, vec![note]));
                }
            }
        }
        all
    }
}
