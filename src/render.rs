//! Documents become text: one verdict first, what is meant to be copied alone on its line, and nothing a region says can harm the screen.

mod away;
pub mod card;
mod causes;
pub mod cut_history;
pub mod diff;
pub mod error;
mod leaving;
pub mod page;
pub mod progress;
mod protection;
pub mod schema;
pub mod sections;
mod shown;
pub mod validation;
pub mod writers;

use crate::command::Command;
pub(crate) use crate::figures::plural;
pub use crate::harmless::{clean, command, shell};
use crate::layout::UNBROKEN;
pub(crate) use crate::layout::hanging;
use page::Tone;

/// How text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the screen; commands and names may be longer.
    pub width: usize,
    /// ANSI colours, beside words and symbols that say the same.
    pub color: bool,
    /// Everything there is, instead of what matters.
    pub verbose: bool,
    /// The configuration that the caller named; commands that are printed name it, too. It lives as long as the process.
    pub config: Option<&'static str>,
}

impl Default for Style {
    fn default() -> Style {
        Style { width: 80, color: false, verbose: false, config: None }
    }
}

impl Style {
    /// A command on a line of its own.
    pub fn command(self, command: &Command) -> String {
        crate::harmless::command(&command.line(self.config))
    }

    /// A command within a sentence: one word of it, because nobody can copy what is broken into lines.
    fn unbroken_command(self, command: &Command) -> String {
        self.command(command).replace(' ', UNBROKEN)
    }

    /// Colours text that is already padded.
    fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Wait => "33",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
