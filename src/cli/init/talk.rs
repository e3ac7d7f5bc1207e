//! Questions and answers: on stderr and stdin, or from a script.

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

    /// Asks until the answer is understood; no answer is the default, where there is one. `None`: nobody gives an answer.
    fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let question = match default {
            Some(default) => format!("{question} [{default}]:"),
            None => format!("{question}:"),
        };
        for _ in 0..TIMES {
            let said = self.answer(&question)?;
            let meant = match said.as_str() {
                "" => default.unwrap_or_default(),
                said => said,
            };
            match understand(meant) {
                Ok(understood) => return Ok(Some(understood)),
                Err(why) => self.tell(&format!("  {}", clean(&why))),
            }
        }
        Ok(None)
    }
}

/// The terminal.
pub(super) struct Terminal;

impl Talk for Terminal {
    fn tell(&mut self, text: &str) {
        output::note(text);
    }

    fn answer(&mut self, question: &str) -> Result<String, Failure> {
        Ok(output::ask(question)?)
    }
}
