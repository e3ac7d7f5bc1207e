//! Flags that every command has, and what the environment adds to them.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::clock::Clock;
use super::log::{self, LogFormat};
use super::output::AlreadySaid;
use super::{ExitStatus, Failure, output};
use crate::databricks::Timing;
use crate::plan::document::Selection;
use crate::render::writers::Form;
use crate::render::{self, Style};

/// Common flags.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common flags")]
pub(super) struct Flags {
    /// The configuration: a file, or a directory of which every *.json is read
    ///
    /// A sync location, or the address of a workspace, is searched for what the last apply kept there, to look and not to apply.
    /// Without it ./drsync.json is taken, or the nearest one above it up to the root of the git repository.
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATH",
        env = "DRSYNC_CONFIG",
        hide_env_values = true
    )]
    pub(super) config: Option<PathBuf>,
    /// How to print what was found
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        conflicts_with = "json"
    )]
    format: Format,
    /// The same as --format json: one document on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Bytes that Markdown may have; what does not fit is counted, and nothing blocked or dangerous is left out
    #[arg(long, global = true, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(render::writers::BUDGET_MIN as i64..))]
    budget: Option<u32>,
    /// Only this group (or WORKSPACE/GROUP), or those that a pattern with * fits; may be given again
    #[arg(long, global = true, value_name = "GROUP")]
    only: Vec<String>,
    /// Not this group, or those that a pattern with * fits; may be given again
    #[arg(long, global = true, value_name = "GROUP")]
    exclude: Vec<String>,
    /// Tables that are cloned at once
    #[arg(long, global = true, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// Never ask, even on a terminal
    #[arg(long, global = true)]
    no_input: bool,
    /// No progress and no remarks on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Everything there is, instead of what matters
    #[arg(short, long, global = true)]
    verbose: bool,
    /// How lines on stderr are written: for people, or as an object a line
    ///
    /// DRSYNC_LOG=http adds a line for every request to a workspace.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// Colours, beside words and symbols that say the same
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For comments under a change; of plan, apply, validate, status, check, diff, show and history.
    Markdown,
    /// One file for a browser; of plan, apply, validate, status, check, diff, show and history.
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Flags {
    pub(super) fn json(&self) -> bool {
        self.json || self.format == Format::Json
    }

    /// The configuration that the caller named on the command line, which printed commands name, too.
    pub(super) fn named_configuration(&self) -> Option<String> {
        let there = std::env::var_os("DRSYNC_CONFIG");
        let named =
            self.config.as_deref().filter(|path| there.as_deref() != Some(path.as_os_str()));
        named.map(|path| path.display().to_string())
    }
}

/// Flags and environment, read once.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) config: Option<PathBuf>,
    pub(super) json: bool,
    /// Markdown is asked for, of so many bytes at most.
    pub(super) markdown: Option<usize>,
    /// One HTML file is asked for.
    pub(super) html: bool,
    pub(super) quiet: bool,
    pub(super) style: Style,
    pub(super) selection: Selection,
    pub(super) parallelism: usize,
    /// A person is there and may be asked.
    pub(super) can_ask: bool,
    pub(super) clock: Clock,
    /// `apply --verify rows`: rows are counted on both sides after each clone.
    pub(super) verify_rows: bool,
    /// Nobody looks on: what an apply does is told a line a transition, on a terminal too.
    pub(super) unattended: bool,
    /// What is said once and no more, however often a round finds it so.
    pub(super) said: Arc<AlreadySaid>,
    /// How time passes for services: commands that only look do not wait for ever.
    pub(super) timing: Timing,
}

impl Context {
    /// Reads what the environment adds.
    pub(super) fn of(flags: Flags) -> Result<Context, Failure> {
        let (json, named) = (flags.json(), flags.named_configuration());
        let Flags {
            config,
            format,
            json: _,
            budget,
            only,
            exclude,
            parallelism,
            no_input,
            quiet,
            verbose,
            log_format,
            color,
        } = flags;
        let markdown = match (format, budget) {
            (Format::Markdown, None) => Some(render::writers::BUDGET),
            (Format::Markdown, Some(bytes)) => Some(usize::try_from(bytes).unwrap_or(usize::MAX)),
            (Format::Text | Format::Json | Format::Html, None) => None,
            (Format::Text | Format::Json | Format::Html, Some(_)) => {
                let message = "--budget goes with --format markdown";
                return Err(Failure::new(ExitStatus::Usage, message));
            }
        };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let color = match color {
            Color::Auto => output::stdout_is_terminal() && !plain,
            Color::Always => true,
            Color::Never => false,
        };
        let clock = Clock::from_environment()?;
        log::begin(log_format, clock)?;
        // Said once, and as long as the process lives.
        let named = named.map(|path| &*String::leak(path));
        Ok(Context {
            config,
            json,
            markdown,
            html: format == Format::Html,
            // Whoever reads a document reads no remarks beside it.
            quiet: quiet || json,
            style: Style {
                width: columns_asked().unwrap_or(COLUMNS),
                color,
                verbose,
                config: named,
            },
            selection: Selection { only, exclude, changed: false },
            parallelism: usize::from(parallelism),
            can_ask: !no_input && output::can_ask(),
            clock,
            verify_rows: false,
            unattended: false,
            said: Arc::default(),
            timing: Timing::looking(),
        })
    }

    /// The form in which a page is asked for; JSON is no page.
    pub(super) fn form(&self) -> Form {
        match (self.html, self.markdown) {
            (true, _) => Form::Html,
            (false, Some(budget)) => Form::Markdown(budget),
            (false, None) => Form::Text(self.style),
        }
    }

    /// A remark on stderr, once, unless nobody wants any.
    pub(super) fn remark(&self, text: &str) {
        if !self.quiet && self.said.first(text) {
            output::note(text);
        }
    }
}

/// Columns of text where nothing says how many there are.
pub(super) const COLUMNS: usize = 80;

/// What COLUMNS says, within bounds.
pub(super) fn columns_asked() -> Option<usize> {
    let asked = std::env::var("COLUMNS").ok()?;
    asked.parse().ok().map(|columns: usize| columns.clamp(60, 240))
}
