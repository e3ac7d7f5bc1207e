//! What people follow by hand, step by step: what they decide, what they run with what it must answer, and what is run only in some
//! case.

use super::phrase::Phrase;
use crate::runbook::Language;

/// A page that people follow, in its chapters, which are numbered by whoever writes it.
#[derive(Debug, Clone)]
pub struct Guide {
    pub(in crate::render) title: Phrase,
    /// What is to be known before the first chapter.
    pub(in crate::render) head: Vec<Instruction>,
    pub(in crate::render) chapters: Vec<Chapter>,
}

/// What is done together, before the next chapter is begun.
#[derive(Debug, Clone)]
pub(in crate::render) struct Chapter {
    pub(in crate::render) title: Phrase,
    pub(in crate::render) says: Vec<Instruction>,
    /// Its own steps in their order.
    pub(in crate::render) stages: Vec<GuideStep>,
}

/// A step of a chapter.
#[derive(Debug, Clone)]
pub(in crate::render) struct GuideStep {
    pub(in crate::render) title: Phrase,
    pub(in crate::render) says: Vec<Instruction>,
}

/// One thing that is said, asked, or run.
#[derive(Debug, Clone)]
pub(in crate::render) enum Instruction {
    /// Sentences, a line each.
    Sentences(Vec<Phrase>),
    /// A sentence, and what it tells of, one by one.
    Listed(Phrase, Vec<Phrase>),
    /// A sentence that nobody may miss.
    Strong(Phrase),
    /// What has to be known before anything is run; it stands apart.
    Warning(Phrase),
    /// What has to be so before anything else is done.
    Conditions(Vec<Condition>),
    /// What is done one after the other.
    Numbered(Vec<Phrase>),
    /// What there is to do or to know, each under its label.
    Points(Vec<LabeledPoint>),
    /// What is run in the order of the page.
    Run(RunInOrder),
    /// What is run only in some case, or apart from the others.
    RunApart(RunApart),
}

/// What has to be so, and is ticked off.
#[derive(Debug, Clone)]
pub(in crate::render) enum Condition {
    /// In words of ours.
    Known(Phrase),
    /// In the words of whoever wrote the configuration, in which there may be addresses to write to.
    Written(String),
}

/// What there is to do or to know under one label.
#[derive(Debug, Clone)]
pub(in crate::render) struct LabeledPoint {
    /// `Rights`; empty: what is said says it itself.
    pub(in crate::render) label: &'static str,
    pub(in crate::render) says: Phrase,
    /// What is run if whoever reads it wants so.
    pub(in crate::render) run: Option<String>,
    /// What else there is to say under the label.
    pub(in crate::render) also: Option<Phrase>,
}

/// What is run as it stands, when its turn comes.
#[derive(Debug, Clone)]
pub(in crate::render) struct RunInOrder {
    pub(in crate::render) language: Language,
    /// What it does, or what is waited for before it.
    pub(in crate::render) before: Option<Phrase>,
    /// What it must answer.
    pub(in crate::render) answers: Phrase,
    /// What to do if it does not.
    pub(in crate::render) otherwise: Option<Phrase>,
    /// All of that is told in one line.
    pub(in crate::render) in_one_line: bool,
    /// What is run, one after the other.
    pub(in crate::render) blocks: Vec<String>,
}

/// What is not run when its turn comes.
#[derive(Debug, Clone)]
pub(in crate::render) struct RunApart {
    /// In which case, and what it does then.
    pub(in crate::render) says: Phrase,
    pub(in crate::render) block: String,
}

impl LabeledPoint {
    /// What there is to say under a label.
    pub(in crate::render) fn new(label: &'static str, says: impl Into<Phrase>) -> LabeledPoint {
        LabeledPoint { label, says: says.into(), run: None, also: None }
    }
}

impl RunInOrder {
    /// What is said of it, in its order.
    pub(in crate::render) fn says(&self) -> Vec<&Phrase> {
        let RunInOrder { language: _, before, answers, otherwise, in_one_line: _, blocks: _ } =
            self;
        before.iter().chain([answers]).chain(otherwise).collect()
    }
}
