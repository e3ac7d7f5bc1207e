//! What is asked next of both regions, from what was seen so far: nothing, once enough is known. Pure.
//!
//! Planning asks [`next`] until it asks nothing more, what an apply looks at once more of a group is in [`again`], and [`ask_of_entry`]
//! is what a runbook asks of a cut: what is asked of a table, and from which version on, is decided here and nowhere else. What a
//! region looks at before it changes something itself is its own business.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};

use super::observed::{Answer, WorkspaceObserved};
use super::request::Request;
use crate::config::{TableName, WorkflowRef};
use crate::region::{
    ContentQuestion, PinQuestion, RegionError, RegionErrorKind, ReplicaQuestion, SinceQuestion,
    SourceQuestion,
};

pub mod again;
mod ahead;
mod answers;
mod contents;
mod every_group;
mod histories;
mod looks;
mod pins;
mod readiness;
mod watch;

pub use ahead::groups_ahead_of_their_log;
pub use answers::Answers;
pub use every_group::{CatalogAnswers, CatalogQuestions, catalog_questions, groups_as_listed};
pub use histories::ask_of_entry;
pub use looks::{GroupLook, Looks};
pub use readiness::SecretsQuestion;
pub use watch::WatchAnswers;

/// What is asked at once of both regions of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Questions {
    /// The secondary's workspace: these workflows, and whatever runs there; `None`: it is not asked.
    pub watch: Option<Vec<WorkflowRef>>,
    /// The primary: histories of sources.
    pub sources: TableQuestions<SourceQuestion>,
    /// The primary: what came to sources since cuts.
    pub came: TableQuestions<SinceQuestion>,
    /// The secondary: replicas with their histories.
    pub replicas: TableQuestions<ReplicaQuestion>,
    /// The secondary: whether replicas are as cuts left them.
    pub stand: TableQuestions<ReplicaQuestion>,
    /// The secondary: what the files of replicas hold, and whether clones are what they say.
    pub contents: TableQuestions<ContentQuestion>,
    /// The secondary: whether replicas have a name in its catalog, each by that name and where it lies.
    pub registered: TableQuestions<(TableName, String)>,
    /// The primary: sources at the versions that the plan will pin.
    pub pins: TableQuestions<PinQuestion>,
    /// Both: who may use tables.
    pub rights: TableQuestions<TableName>,
    /// The secondary: whether anything runs SQL there.
    pub compute: bool,
    /// Both: whether the secrets by which people are told are there; `None`: nobody looks for them.
    pub secrets: Option<SecretsQuestion>,
}

impl Questions {
    /// Enough is known.
    pub fn is_empty(&self) -> bool {
        *self == Questions::default()
    }
}

/// What is asked next; `looks` is how deeply each group is looked at.
///
/// What is asked follows from what was seen alone, and what was answered is never asked again.
pub fn next(
    seen: &WorkspaceObserved,
    looks: &Looks,
    request: &Request,
    now: DateTime<Utc>,
) -> Questions {
    let mut asked = histories::questions(seen, looks);
    asked.watch = watch::questions(seen);
    if !asked.is_empty() {
        return asked;
    }
    asked.contents = contents::contents(seen, request.content);
    if !asked.is_empty() {
        return asked;
    }
    // Contents come before pins: they may say that a replica is damaged, which makes its group due.
    asked.registered = contents::registered(seen);
    asked.pins = pins::questions(seen, request, now);
    readiness::add(&mut asked, seen, request, now);
    asked
}

/// Something of each of some tables, by group and table.
#[derive(Debug, Clone, PartialEq)]
pub struct ByTable<T>(HashMap<String, HashMap<TableName, T>>);

impl<T> Default for ByTable<T> {
    fn default() -> Self {
        ByTable(HashMap::new())
    }
}

impl<T> ByTable<T> {
    /// That of one table of a group.
    pub fn get(&self, group: &str, table: &TableName) -> Option<&T> {
        self.0.get(group)?.get(table)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TableName, &T)> {
        let groups = self.0.iter();
        groups.flat_map(|(group, tables)| {
            tables.iter().map(move |(table, it)| (group.as_str(), table, it))
        })
    }

    fn of_group(&mut self, group: &str) -> &mut HashMap<TableName, T> {
        if !self.0.contains_key(group) {
            self.0.insert(group.to_owned(), HashMap::new());
        }
        self.0.get_mut(group).expect("it was put there")
    }

    fn map<U>(self, mut of: impl FnMut(T) -> U) -> ByTable<U> {
        let groups = self.0.into_iter().map(|(group, tables)| {
            (group, tables.into_iter().map(|(table, it)| (table, of(it))).collect())
        });
        ByTable(groups.collect())
    }
}

/// Questions of one kind in the order of the configuration, each about one table of a group; none is there twice.
#[derive(Debug, Clone, PartialEq)]
pub struct TableQuestions<Q> {
    places: ByTable<usize>,
    questions: Vec<Q>,
}

impl<Q> Default for TableQuestions<Q> {
    fn default() -> Self {
        TableQuestions { places: ByTable::default(), questions: Vec::new() }
    }
}

impl<Q> TableQuestions<Q> {
    /// The questions, as a region takes them.
    pub fn questions(&self) -> &[Q] {
        &self.questions
    }

    /// Nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// The question about one table of a group.
    pub fn of(&self, group: &str, table: &TableName) -> Option<&Q> {
        self.questions.get(*self.places.get(group, table)?)
    }

    /// The tables that are asked about, in no order.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &TableName)> {
        self.places.iter().map(|(group, table, _)| (group, table))
    }

    /// Asks about a table; one that a group names twice is asked about once.
    fn ask(&mut self, group: &str, table: &TableName, question: Q) {
        if let Entry::Vacant(place) = self.places.of_group(group).entry(table.clone()) {
            place.insert(self.questions.len());
            self.questions.push(question);
        }
    }

    /// Puts answers, in the order of the questions, at the tables that they are about.
    pub fn answered<T: Clone>(self, answers: Vec<Answer<T>>) -> ByTable<Answer<T>> {
        let answers = one_each(Ok(answers), self.questions.len());
        let mut answers: Vec<Option<Answer<T>>> = answers.into_iter().map(Some).collect();
        self.places.map(|place| match answers.get_mut(place).and_then(Option::take) {
            Some(answer) => answer,
            None => Err(not_answered(0, 1)),
        })
    }
}

/// The refusal of a whole question as the answer to each part of it; so is a number of answers that is not that of the questions.
fn one_each<T: Clone>(
    answers: Result<Vec<Answer<T>>, RegionError>,
    asked: usize,
) -> Vec<Answer<T>> {
    match answers {
        Ok(answers) if answers.len() == asked => answers,
        Ok(answers) => vec![Err(not_answered(answers.len(), asked)); asked],
        Err(error) => vec![Err(error); asked],
    }
}

fn not_answered(answers: usize, asked: usize) -> RegionError {
    let detail = format!("{answers} answers to {asked} questions");
    RegionError::new(RegionErrorKind::Other, "read the region's answers", detail)
}
