//! Writing answers down at what they are about. Pure.

use std::collections::HashMap;

use super::{ByTable, TableQuestions, WatchAnswers};
use crate::plan::observed::{Answer, SecretSeen, TableObserved, WorkspaceObserved};
use crate::region::{
    CloneProof, Commit, ContentAnswer, ContentQuestion, LookDepth, Pin, Replica, Source,
    TableRights,
};

/// What was answered to [`super::Questions`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// What is at work in the secondary's workspace.
    pub watch: Option<WatchAnswers>,
    /// Histories of sources.
    pub sources: ByTable<Answer<Source>>,
    /// What came to sources.
    pub came: ByTable<Answer<Vec<Commit>>>,
    /// Replicas.
    pub replicas: ByTable<Answer<Option<Replica>>>,
    /// Whether replicas stand.
    pub stand: ByTable<Answer<bool>>,
    /// What was found of replicas beyond what their logs say.
    pub contents: ByTable<Answer<ContentAnswer>>,
    /// Whether replicas have a name.
    pub registered: ByTable<bool>,
    /// Sources at their pins.
    pub pins: ByTable<Answer<Pin>>,
    /// Who may use tables, in the primary and in the secondary.
    pub rights: ByTable<[Answer<TableRights>; 2]>,
    /// Whether anything runs SQL in the secondary.
    pub compute: Option<Answer<()>>,
    /// The secrets that could be looked for in both scopes.
    pub secrets: Option<Vec<SecretSeen>>,
}

impl<Q> TableQuestions<Q> {
    /// The same of answers in which nothing is refused: what none stands for is `false`.
    pub fn answered_plainly(self, answers: &[bool]) -> ByTable<bool> {
        self.places.map(|place| answers.get(place).copied().unwrap_or(false))
    }

    /// The same of what both sides say.
    pub fn answered_by_both<T: Clone>(
        self,
        primary: Vec<Answer<T>>,
        secondary: Vec<Answer<T>>,
    ) -> ByTable<[Answer<T>; 2]>
    where
        Q: Clone,
    {
        let mut secondary = self.clone().answered(secondary);
        let mut both = ByTable::default();
        for (group, tables) in self.answered(primary).0 {
            let there = secondary.of_group(&group);
            let of_group: &mut HashMap<_, _> = both.of_group(&group);
            for (table, answer) in tables {
                if let Some(other) = there.remove(&table) {
                    of_group.insert(table, [answer, other]);
                }
            }
        }
        both
    }
}

impl TableQuestions<ContentQuestion> {
    /// What was found of replicas; of a clone that a cut names all the same only what refutes it counts.
    pub fn answered_of_contents(
        self,
        answers: Vec<Answer<ContentAnswer>>,
    ) -> ByTable<Answer<ContentAnswer>> {
        let believed = |question: &ContentQuestion| question.unproved.is_some_and(|it| it.named);
        let asked = self.questions.iter().map(believed).chain(std::iter::repeat(false));
        let answers = answers.into_iter().zip(asked).map(|(answer, believed)| {
            let told = answer?;
            let unknown = matches!(told.proof, CloneProof::Unknown { .. });
            let proof = if believed && unknown { CloneProof::NotAsked } else { told.proof };
            Ok(ContentAnswer { proof, ..told })
        });
        let answers = answers.collect();
        self.answered(answers)
    }
}

/// Writes an answer down where there is one.
fn put<T: Clone>(place: &mut Option<T>, answer: Option<&T>) {
    if let Some(answer) = answer {
        *place = Some(answer.clone());
    }
}

impl WorkspaceObserved {
    /// Writes down what was answered.
    pub fn take(&mut self, answers: Answers) {
        if let Some(watch) = answers.watch.clone() {
            self.take_watch(watch);
        }
        put(&mut self.compute, answers.compute.as_ref());
        put(&mut self.secrets, answers.secrets.as_ref());
        for group in &mut self.groups {
            let Some(valid) = group.entry.valid() else {
                continue;
            };
            for table in &mut group.tables {
                table.take(&valid.name, &answers);
            }
        }
    }
}

impl TableObserved {
    fn take(&mut self, group: &str, answers: &Answers) {
        let Answers { sources, came, replicas, stand, registered, pins, rights, .. } = answers;
        put(&mut self.source, sources.get(group, &self.name));
        put(&mut self.came, came.get(group, &self.name));
        put(&mut self.replica, replicas.get(group, &self.name));
        put(&mut self.stands, stand.get(group, &self.name));
        put(&mut self.registered, registered.get(group, &self.name));
        put(&mut self.pin, pins.get(group, &self.name));
        put(&mut self.rights, rights.get(group, &self.name));
        if let Some(answer) = answers.contents.get(group, &self.name) {
            self.take_contents(answer.clone());
        }
    }

    fn take_contents(&mut self, answer: Answer<ContentAnswer>) {
        self.looked_into = true;
        match (answer, &mut self.replica) {
            (Ok(ContentAnswer { content, proof, compared }), Some(Ok(Some(replica)))) => {
                // Of files that were written anew since nothing tells what their rows were: that they are there was looked at.
                if content.is_some() && compared {
                    replica.depth = LookDepth::ContentRead;
                }
                (replica.content, replica.proof) = (content, proof);
            }
            // What could not be read of it is told as of a replica that could not be looked at.
            (Err(refused), replica) => *replica = Some(Err(refused)),
            (Ok(_), Some(Ok(None) | Err(_)) | None) => {}
        }
    }
}
