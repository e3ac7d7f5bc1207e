//! Questions and answers: on stderr and stdin, or from a script.

use std::path::Path;

use url::Url;

use super::saved_answers::SavedAnswers;
use crate::cli::{Failure, output};
use crate::render::clean;

/// How often the same question is asked.
const TIMES: usize = 3;

/// A conversation with whoever is there.
pub(super) trait Talk {
    /// Says a line or more.
    fn tell(&mut self, text: &str);

    /// Asks and gives the answer without blanks around it; empty where there was none.
    fn answer(&mut self, question: &str) -> Result<String, Failure>;

    /// What was answered to a question in a conversation that led to nothing.
    fn before(&mut self, question: &str) -> Option<String>;

    /// Keeps an answer for another conversation.
    fn keep(&mut self, question: &str, answer: String);

    /// Asks until the answer is understood; no answer is the one of last time, or the default, where there is one. `None`: nobody
    /// gives an answer.
    fn ask<T: Meant>(
        &mut self,
        question: &str,
        default: Option<&str>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let before = self.before(question).filter(|said| understand(said).is_ok());
        let default = before.as_deref().or(default);
        let line = match default {
            Some(default) => format!("{question} [{}]:", clean(default)),
            None => format!("{question}:"),
        };
        for _ in 0..TIMES {
            let said = self.answer(&line)?;
            let meant = match said.as_str() {
                "" => default.unwrap_or_default(),
                said => said,
            };
            match understand(meant) {
                Ok(understood) => {
                    self.keep(question, understood.as_answer());
                    return Ok(Some(understood));
                }
                Err(why) => self.tell(&format!("  {}", clean(&why))),
            }
        }
        Ok(None)
    }
}

/// What an answer was understood as.
pub(super) trait Meant {
    /// The answer that means it, whatever else is offered next time.
    fn as_answer(&self) -> String;
}

/// What is answered where there is nothing.
const NONE: &str = "none";

impl Meant for String {
    fn as_answer(&self) -> String {
        self.clone()
    }
}

impl Meant for Option<Url> {
    fn as_answer(&self) -> String {
        self.as_ref().map_or(NONE, Url::as_str).to_owned()
    }
}

/// A name and an address, of which the address was the answer.
impl Meant for Option<(String, String)> {
    fn as_answer(&self) -> String {
        self.as_ref().map_or(NONE, |(_, address)| address).to_owned()
    }
}

/// The terminal, and what was answered on it about a workspace.
#[derive(Debug)]
pub(super) struct Terminal {
    kept: SavedAnswers,
    offered: bool,
}

impl Terminal {
    /// A conversation about a workspace, of which a configuration shall come.
    pub(super) fn about(workspace: &str, configuration: &Path) -> Terminal {
        Terminal { kept: SavedAnswers::of(configuration, workspace), offered: false }
    }
}

impl Talk for Terminal {
    fn tell(&mut self, text: &str) {
        output::note(text);
    }

    fn answer(&mut self, question: &str) -> Result<String, Failure> {
        Ok(output::ask(question)?)
    }

    fn before(&mut self, question: &str) -> Option<String> {
        let before = self.kept.before(question)?;
        if !std::mem::replace(&mut self.offered, true) {
            self.tell("What you answered last time stands in […]: Enter takes it");
        }
        Some(before)
    }

    fn keep(&mut self, question: &str, answer: String) {
        self.kept.keep(question, answer);
    }
}
