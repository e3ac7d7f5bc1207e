//! Documents become text: one verdict first, what is meant to be copied alone on its line, and nothing a region says can harm the screen.

mod away;
pub mod card;
mod causes;
mod clean;
pub mod config;
pub mod diff;
mod figures;
pub mod history;
pub mod html;
mod layout;
mod leaving;
pub mod markdown;
pub mod page;
pub mod plan;
pub mod progress;
mod protection;
pub mod schema;
pub mod sections;
pub mod show;
mod shown;
pub mod writers;

use crate::command::Command;
pub(crate) use clean::name as clean_name;
pub use clean::{clean, command};
pub(crate) use figures::{bytes, minute, moment, plural};
pub(crate) use layout::{columns, few, hanging};
use page::Tone;
pub(crate) use protection::sentence as setting_changed;

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
        clean::command(&command.line(self.config))
    }

    /// A command within a sentence: one word of it, because nobody can copy what is broken into lines.
    fn said(self, command: &Command) -> String {
        self.command(command).replace(' ', layout::UNBROKEN)
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

/// Blocks of lines with an empty line between them.
#[derive(Debug, Default)]
struct Page {
    blocks: Vec<Vec<String>>,
}

impl Page {
    fn block(&mut self, lines: Vec<String>) {
        if !lines.is_empty() {
            self.blocks.push(lines);
        }
    }

    /// The lines alone, for what stands between other text.
    fn lines(self) -> Vec<String> {
        self.blocks.iter().flatten().map(|line| line.trim_end().to_owned()).collect()
    }

    fn text(self) -> String {
        let blocks: Vec<String> = self
            .blocks
            .iter()
            .map(|lines| lines.iter().map(|line| format!("{}\n", line.trim_end())).collect())
            .collect();
        blocks.join("\n")
    }
}
