//! What a screen says, before anybody decides how it looks: a verdict and blocks of phrases, of which nothing is escaped yet.

mod below;
mod block;
mod guide;
mod phrase;
mod planned;

use crate::command::Verb;
pub(super) use below::{Below, CodeLanguage, Copied, Fact, Obstacles, ShownCause};
pub(super) use block::{
    Block, CAUSE, Changed, Entries, LineChanges, Located, NameNote, NamesInRow, Note, PageEntry,
    PageRow, PageTable, ShownNotes, ToldIn,
};
pub use guide::Guide;
pub(super) use guide::{
    Chapter, Condition, GuideStep, Instruction, LabeledPoint, RunApart, RunInOrder,
};
pub(super) use phrase::{Phrase, PhrasePart, Tone};
pub(super) use planned::{
    ChangedSetting, CopySize, Counted, Grid, PlannedStatement, PlannedStep, Steps,
};

/// A screen, in whatever format it will be written.
#[derive(Debug, Clone)]
pub struct Page {
    /// What kind of document it is of, `check`; a bot finds its comment by it.
    pub(super) kind: &'static str,
    /// The same for people, `drsync check`.
    pub(super) what: &'static str,
    /// The workspaces it is of.
    pub(super) workspaces: Vec<String>,
    /// What it all comes to, in one line.
    pub(super) verdict: String,
    /// What may be said beside the verdict.
    pub(super) figures: Option<String>,
    /// The verdict says it all where not everything was asked for.
    pub(super) brief: bool,
    /// Where the columns of its lists begin.
    pub(super) columns: Columns,
    pub(super) sections: Vec<Section>,
    /// The document that it shows, which goes with the page where a page can carry it.
    pub(super) document: Option<Document>,
}

/// A document in its own bytes.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) id: String,
    /// The command that shows a file of it; `None`: none of drsync's.
    pub(super) shown_by: Option<Verb>,
}

/// What is told together.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// What it is about; text has words in each of its lines that say so.
    pub(super) title: Option<String>,
    pub(super) blocks: Vec<Block>,
    /// It stands close to the section before it.
    pub(super) close: bool,
    /// Its blocks follow one another without anything between them.
    pub(super) dense: bool,
    /// What it tells of is not what it is called by, so that no number stands beside that.
    pub(super) uncounted: bool,
    /// Where it is told: in full with every format and wish that has room for everything.
    pub(super) told: ToldIn,
}

/// Columns of a list in text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Columns {
    /// Of the word that a line begins with.
    pub(super) word: usize,
    /// Of the name after it; none: the rest follows the name.
    pub(super) name: usize,
    /// Before what is said of no entry, after its word.
    pub(super) aside: usize,
}

impl Page {
    /// A page of a kind of document, and what it all comes to.
    pub(super) fn new(kind: &'static str, what: &'static str, verdict: String) -> Page {
        Page {
            kind,
            what,
            workspaces: vec![],
            verdict,
            figures: None,
            brief: false,
            columns: Columns::default(),
            sections: vec![],
            document: None,
        }
    }

    /// The same of these workspaces.
    pub(super) fn of<'a>(mut self, workspaces: impl IntoIterator<Item = &'a String>) -> Page {
        self.workspaces = workspaces.into_iter().cloned().collect();
        self
    }

    /// Says more; a section of nothing says nothing.
    pub(super) fn say(&mut self, section: impl Into<Section>) {
        let section = section.into();
        if !section.blocks.is_empty() {
            self.sections.push(section);
        }
    }

    /// The names of entries, as wide as they are, within bounds.
    pub(super) fn fit(&mut self, word: usize, least: usize) {
        let entries = self.sections.iter().flat_map(|section| &section.blocks);
        let labels = entries.filter_map(|block| match block {
            Block::Entries(entries) => {
                Some(entries.entries.iter().map(|entry| entry.label.width()))
            }
            Block::Facts(_)
            | Block::Notes(_)
            | Block::Names(_)
            | Block::Table(_)
            | Block::Words(_)
            | Block::Copied(_)
            | Block::Changes(_)
            | Block::Asides(_)
            | Block::Settings(_)
            | Block::Steps(_)
            | Block::Obstacles(_)
            | Block::Statements(_)
            | Block::Apart(_)
            | Block::Located(_) => None,
        });
        let name = labels.flatten().max().unwrap_or(0).clamp(least, 28) + 3;
        self.columns = Columns { word, name, aside: word };
    }
}

impl Section {
    /// What is told under a title.
    pub(super) fn titled(
        title: impl Into<String>,
        blocks: impl IntoIterator<Item = Block>,
    ) -> Section {
        Section { title: Some(title.into()), ..Section::of(blocks) }
    }

    /// What is told together; blocks of nothing say nothing.
    pub(super) fn of(blocks: impl IntoIterator<Item = Block>) -> Section {
        let blocks = blocks.into_iter().filter(|block| !block.is_empty()).collect();
        Section { blocks, ..Section::default() }
    }

    /// What is told line after line.
    pub(super) fn dense(blocks: impl IntoIterator<Item = Block>) -> Section {
        Section { dense: true, ..Section::of(blocks) }
    }

    /// The same, close to what is before it.
    pub(super) fn close(self) -> Section {
        Section { close: true, ..self }
    }

    /// The same, where there is room for everything.
    pub(super) fn in_full(self) -> Section {
        Section { told: ToldIn::InFull, ..self }
    }
}

impl From<Block> for Section {
    fn from(block: Block) -> Section {
        Section::of([block])
    }
}
