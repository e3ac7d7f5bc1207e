//! What belongs to something that is told: what was seen, facts, what is copied, and causes with what repairs them.

use std::borrow::Cow;

use super::phrase::{Phrase, PhrasePart};
use super::planned::{Grid, Steps};
use crate::command::Command;

/// What belongs to an entry.
#[derive(Debug, Clone)]
pub(in crate::render) enum Below {
    /// What is wrong with a part of it.
    Trouble(Phrase),
    /// What was seen; of many the first is enough where not everything was asked for.
    Seen(Phrase),
    /// What else there is to say, or what is to be done, in words.
    Note(Phrase),
    /// What says more about it, where there is room.
    Further(Phrase),
    /// What is copied.
    Copied(Copied),
    /// One of several causes; what comes after it is of it.
    Cause(Phrase),
    /// What that means for the entry.
    Fact(Fact),
    /// Cells under one another.
    Grid(Grid),
    /// What happens to its tables.
    Steps(Steps),
}

/// What is copied, a line each.
#[derive(Debug, Clone)]
pub(in crate::render) struct Copied {
    /// What it is for, before it.
    pub(in crate::render) intro: Option<Phrase>,
    pub(in crate::render) language: CodeLanguage,
    pub(in crate::render) lines: Vec<PhrasePart>,
}

/// What a line that is copied is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum CodeLanguage {
    Sql,
    Shell,
    Plain,
}

/// Something that is known.
#[derive(Debug, Clone)]
pub(in crate::render) struct Fact {
    pub(in crate::render) label: Cow<'static, str>,
    pub(in crate::render) says: Phrase,
    /// It is of the one before it; without a label it goes on with what that says.
    pub(in crate::render) under: bool,
    /// What it consists of, a line each.
    pub(in crate::render) lines: Vec<Phrase>,
}

/// What is in the way, each cause once for all that it blocks.
#[derive(Debug, Clone, Default)]
pub(in crate::render) struct Obstacles {
    /// What they have in common, where it is to be said.
    pub(in crate::render) title: Option<&'static str>,
    /// Every group that is blocked, where they are named before the causes.
    pub(in crate::render) groups: Vec<String>,
    pub(in crate::render) causes: Vec<ShownCause>,
}

/// One cause.
#[derive(Debug, Clone)]
pub(in crate::render) struct ShownCause {
    pub(in crate::render) code: &'static str,
    /// What it is about; empty: whole groups.
    pub(in crate::render) about: Phrase,
    pub(in crate::render) tables: Vec<String>,
    pub(in crate::render) groups: Vec<String>,
    pub(in crate::render) seen: Vec<Phrase>,
    pub(in crate::render) remedy: Vec<Below>,
}

impl Fact {
    /// A fact under its label.
    pub(in crate::render) fn new(
        label: impl Into<Cow<'static, str>>,
        says: impl Into<Phrase>,
    ) -> Fact {
        Fact { label: label.into(), says: says.into(), under: false, lines: vec![] }
    }

    /// The same of the fact before it.
    pub(in crate::render) fn under(self) -> Fact {
        Fact { under: true, ..self }
    }
}

impl Copied {
    /// A line of somebody else.
    pub(in crate::render) fn line(language: CodeLanguage, text: impl Into<String>) -> Copied {
        Copied { intro: None, language, lines: vec![PhrasePart::Line(text.into())] }
    }

    /// One command of drsync.
    pub(in crate::render) fn command(command: Command) -> Copied {
        Copied {
            intro: None,
            language: CodeLanguage::Shell,
            lines: vec![PhrasePart::Command(command)],
        }
    }

    /// The same after what it is for.
    pub(in crate::render) fn after(self, intro: impl Into<Phrase>) -> Copied {
        Copied { intro: Some(intro.into()), ..self }
    }
}
