//! Answers that have led to no configuration yet: kept as they come, so that whoever stopped in between is offered them again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::keep;

/// The answers about one workspace, by their questions.
#[derive(Debug)]
pub(super) struct SavedAnswers {
    /// The folder of the configuration that is being made.
    folder: PathBuf,
    notes: Notes,
    /// Questions that were asked in this conversation: an answer that led to the same question again is no answer to offer.
    asked: BTreeSet<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    workspace: String,
    answers: BTreeMap<String, String>,
}

impl SavedAnswers {
    /// Those that were given about a workspace before; none of what was said about another.
    pub(super) fn of(configuration: &Path, workspace: &str) -> SavedAnswers {
        let folder = configuration.parent().unwrap_or(Path::new("")).to_path_buf();
        let known = keep::answers(&folder).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let known = known.filter(|notes: &Notes| notes.workspace == workspace);
        let none = || Notes { workspace: workspace.to_owned(), ..Notes::default() };
        SavedAnswers { folder, notes: known.unwrap_or_else(none), asked: BTreeSet::new() }
    }

    /// What was answered to a question that is asked for the first time now.
    pub(super) fn before(&mut self, question: &str) -> Option<String> {
        let first = self.asked.insert(question.to_owned());
        self.notes.answers.get(question).filter(|_| first).cloned()
    }

    /// Keeps an answer; where that is not possible it is asked for once more next time.
    pub(super) fn keep(&mut self, question: &str, answer: String) {
        self.notes.answers.insert(question.to_owned(), answer);
        let bytes = serde_json::to_vec_pretty(&self.notes).unwrap_or_default();
        let _ = keep::keep_answers(&self.folder, &bytes);
    }
}
