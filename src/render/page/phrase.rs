//! What is said in one go: words of ours, and among them what others named, said or wrote, each as what it is.

use chrono::{DateTime, Utc};

use crate::command::Command;
use crate::figures::Ends;
use crate::harmless::{clean, name};
use crate::layout;

/// Words of ours with those of others among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::render) struct Phrase(Vec<PhrasePart>);

/// A part of a phrase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::render) enum PhrasePart {
    /// Words of ours.
    Words(String),
    /// What a service or somebody else said.
    Said(String),
    /// The same in somebody's own words, in quotes where there are quotes.
    Quoted(String),
    /// A name of a table, a group, a place; a code.
    Name(String),
    /// Names in a row; so many of them where not everything is asked for.
    Names(Vec<String>, usize),
    /// Tables in a row; where there is no room for a name their number stands for them.
    Tables(Vec<String>, usize),
    /// A digest, of which a beginning is enough where there is little room.
    Digest(String),
    /// The id of a plan or an apply, of which the end is enough there: as much as tells it from the others of the page.
    Id(String, Ends),
    /// A word of ours that says how something stands.
    Mark(&'static str, Tone),
    /// An address that a person may follow.
    Address(String),
    /// A moment.
    Moment(DateTime<Utc>),
    /// A command of drsync.
    Command(Command),
    /// A line of somebody else to copy, a statement for example.
    Line(String),
}

/// What a colour stands for; the words beside it say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::render) enum Tone {
    Strong,
    Good,
    Bad,
    Wait,
}

impl Phrase {
    /// What a service or somebody else said.
    pub(in crate::render) fn from_others(text: impl ToString) -> Phrase {
        PhrasePart::Said(text.to_string()).into()
    }

    /// A name of a table, a group, a place.
    pub(in crate::render) fn name(text: impl ToString) -> Phrase {
        PhrasePart::Name(text.to_string()).into()
    }

    /// Words of ours in which what stands between two backticks is a name: of a setting, of a column, of what a program prints.
    pub(in crate::render) fn coded(ours: &'static str) -> Phrase {
        let parts = ours.split('`').enumerate().map(|(at, part)| match at % 2 {
            0 => Phrase::from(part),
            _ => Phrase::name(part),
        });
        Phrase::join(parts, "")
    }

    /// A command within a sentence.
    pub(in crate::render) fn command(command: Command) -> Phrase {
        PhrasePart::Command(command).into()
    }

    /// A word of ours that says how something stands.
    pub(in crate::render) fn mark(word: &'static str, tone: Tone) -> Phrase {
        PhrasePart::Mark(word, tone).into()
    }

    /// The same and more.
    #[must_use]
    pub(in crate::render) fn and(mut self, more: impl Into<Phrase>) -> Phrase {
        for part in more.into().0 {
            match (self.0.last_mut(), part) {
                (Some(PhrasePart::Words(words)), PhrasePart::Words(more)) => words.push_str(&more),
                (_, part) => self.0.push(part),
            }
        }
        self
    }

    /// All of them, with so many words between two.
    pub(in crate::render) fn join(
        phrases: impl IntoIterator<Item = Phrase>,
        between: &str,
    ) -> Phrase {
        let mut all = Phrase::default();
        for (at, phrase) in phrases.into_iter().enumerate() {
            if at > 0 {
                all = all.and(between);
            }
            all = all.and(phrase);
        }
        all
    }

    /// The first few of many: `a, b, c, 4 more`.
    pub(in crate::render) fn few(phrases: Vec<Phrase>, limit: usize) -> Phrase {
        let shown = if phrases.len().saturating_sub(1) <= limit { phrases.len() } else { limit };
        let more = phrases.len() - shown;
        let all = Phrase::join(phrases.into_iter().take(shown), ", ");
        match more {
            0 => all,
            more => all.and(format!(", {more} more")),
        }
    }

    pub(in crate::render) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::render) fn parts(&self) -> &[PhrasePart] {
        &self.0
    }

    /// Columns that it takes on a screen.
    pub(in crate::render) fn width(&self) -> usize {
        let parts = self.0.iter().map(|part| match part {
            PhrasePart::Words(text) | PhrasePart::Line(text) => layout::width(text),
            PhrasePart::Mark(word, _) => layout::width(word),
            PhrasePart::Said(text) | PhrasePart::Quoted(text) | PhrasePart::Address(text) => {
                layout::width(&clean(text))
            }
            PhrasePart::Name(text) | PhrasePart::Digest(text) | PhrasePart::Id(text, _) => {
                layout::width(&name(text))
            }
            PhrasePart::Names(names, most) | PhrasePart::Tables(names, most) => {
                layout::width(&layout::few(names, *most))
            }
            PhrasePart::Moment(_) => 20,
            PhrasePart::Command(command) => layout::width(&command.to_string()),
        });
        parts.sum()
    }
}

impl From<PhrasePart> for Phrase {
    fn from(part: PhrasePart) -> Phrase {
        Phrase(vec![part])
    }
}

impl From<&str> for Phrase {
    fn from(words: &str) -> Phrase {
        Phrase::from(words.to_owned())
    }
}

impl From<String> for Phrase {
    fn from(words: String) -> Phrase {
        if words.is_empty() { Phrase::default() } else { Phrase(vec![PhrasePart::Words(words)]) }
    }
}

impl From<DateTime<Utc>> for Phrase {
    fn from(at: DateTime<Utc>) -> Phrase {
        PhrasePart::Moment(at).into()
    }
}
