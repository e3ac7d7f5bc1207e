//! What is wrong with this run: a message, the exit status it leads to, and what to do about it.

use super::{ExitStatus, output};
use crate::command::Command;
use crate::config::{Configuration, Mistake};
use crate::databricks::{SignInError, Tried};
use crate::plan::{Digests, StatedDigest};
use crate::render::error::ErrorDocument;
use crate::render::page::Page;
use crate::render::sections::config;
use crate::render::writers::{Form, write};
use crate::render::{self, Style, clean};
use crate::sentence::Sentence;

/// What to do about a failure.
#[derive(Debug)]
pub(super) enum FailureHelp {
    /// A command of drsync, which names the configuration that the caller named.
    Command(Command),
    /// Something else, to be copied or in words.
    Words(Sentence),
}

impl From<Command> for FailureHelp {
    fn from(command: Command) -> FailureHelp {
        FailureHelp::Command(command)
    }
}

impl From<&str> for FailureHelp {
    fn from(words: &str) -> FailureHelp {
        FailureHelp::Words(words.into())
    }
}

impl From<String> for FailureHelp {
    fn from(words: String) -> FailureHelp {
        FailureHelp::Words(words.into())
    }
}

impl FailureHelp {
    /// The line, for whoever named a configuration with that configuration.
    fn line(&self, config: Option<&str>) -> String {
        match self {
            FailureHelp::Command(command) => command.line(config),
            FailureHelp::Words(words) => words.to_string(),
        }
    }
}

/// What there is to say under a message.
#[derive(Debug)]
enum Below {
    /// A line.
    Line(Sentence),
    /// A way to sign in that was tried, and whether it is the first of them.
    Tried { first: bool, tried: Tried },
    /// A page, as wide as the caller's screen.
    Page(Box<Page>, Style),
}

impl Below {
    /// As it is printed, with its end.
    fn to_text(&self) -> String {
        match self {
            Below::Line(line) => format!("  {line}\n"),
            Below::Tried { first, tried: Tried { method, why } } => {
                let begin = if *first { "tried" } else { "" };
                format!("  {begin:<5}  {}\n", clean(&format!("{method} {why}")))
            }
            Below::Page(page, style) => write(page, Form::Text(*style)),
        }
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub(super) struct Failure {
    exit: ExitStatus,
    message: Sentence,
    /// What there is to say under the message.
    below: Vec<Below>,
    help: Option<FailureHelp>,
    mistakes: Vec<Mistake>,
    /// Of a plan that was altered: what it states beside what was computed.
    digests: Option<Box<Digests>>,
}

impl Failure {
    /// A failure that says what is so.
    pub(super) fn new(exit: ExitStatus, message: impl Into<Sentence>) -> Failure {
        Failure {
            exit,
            message: message.into(),
            below: vec![],
            help: None,
            mistakes: vec![],
            digests: None,
        }
    }

    /// A failure of something that was being done, with its causes: `failed to read plan.json: …`.
    pub(super) fn of(exit: ExitStatus, error: impl Into<anyhow::Error>) -> Failure {
        let error: anyhow::Error = error.into();
        Failure::new(exit, clean(&format!("failed to {error:#}")))
    }

    /// Nobody is signed in: what was tried, one a line.
    pub(super) fn sign_in(error: &SignInError) -> Failure {
        let SignInError { workspace, tried } = error;
        let tried = tried.iter().enumerate();
        let tried = tried.map(|(at, tried)| Below::Tried { first: at == 0, tried: tried.clone() });
        Failure {
            below: tried.collect(),
            ..Failure::new(
                ExitStatus::Authentication,
                clean(&format!("not signed in to {workspace}")),
            )
        }
    }

    /// The same with a line under it.
    pub(super) fn with_line(mut self, line: &(impl ToString + ?Sized)) -> Failure {
        self.below.push(Below::Line(clean(line).into()));
        self
    }

    /// The same with what repairs it.
    pub(super) fn with_help(self, help: impl Into<FailureHelp>) -> Failure {
        Failure { help: Some(help.into()), ..self }
    }

    /// A plan that was altered: where it shows, and each digest that is not that of what stands there.
    pub(super) fn altered(message: impl Into<Sentence>, digests: Digests) -> Failure {
        let Digests { effect_sha256, document_sha256 } = &digests;
        let both = [("effect_sha256", effect_sha256), ("document_sha256", document_sha256)];
        let differing = both.into_iter().filter(|(_, digest)| !digest.agrees());
        let failure = differing.fold(
            Failure::new(ExitStatus::Altered, message),
            |failure, (name, StatedDigest { stated, computed })| {
                let none = || "none".to_owned();
                let stated = stated.clone().unwrap_or_else(none);
                let computed = computed.clone().unwrap_or_else(none);
                failure
                    .with_line(&format!("{name} stated {stated}"))
                    .with_line(&format!("{name} computed {computed}"))
            },
        );
        Failure { digests: Some(Box::new(digests)), ..failure }
    }

    /// The mistakes of a configuration of which nothing can be used.
    pub(super) fn configuration(configuration: &Configuration, style: &Style) -> Failure {
        Failure {
            below: vec![Below::Page(Box::new(config::mistakes(configuration)), *style)],
            mistakes: configuration.mistakes.clone(),
            ..Failure::new(ExitStatus::Configuration, config::headline(configuration))
        }
    }

    /// How the program ends.
    pub(super) fn status(&self) -> ExitStatus {
        self.exit
    }

    /// What is so, without more lines and a remedy.
    pub(super) fn message(&self) -> Sentence {
        self.message.clone()
    }

    /// Its lines, where it is not the end.
    pub(super) fn to_text(&self) -> String {
        format!("  {}\n{}", self.message, join_lines(&self.below)).trim_end().to_owned()
    }

    /// Says it: on stderr, and with `json` as a document on stdout; `config` is the configuration that the caller named.
    pub(super) fn print_and_end(self, json: bool, config: Option<&str>) -> ExitStatus {
        let Failure { exit, message, below, help, mistakes, digests } = self;
        let mut text = format!("drsync: {message}\n{}", join_lines(&below));
        let help = help.map(|help| render::command(&help.line(config)));
        if let Some(line) = &help {
            text.push_str(&format!("{line}\n"));
        }
        output::note(text.trim_end());
        if json {
            // Nobody is left to be told that stdout is gone.
            let _ = output::json(&ErrorDocument {
                remedy: help.map(Sentence::from),
                mistakes,
                digests: digests.map(|digests| *digests),
                ..ErrorDocument::new(exit.document(), message)
            });
        }
        exit
    }
}

fn join_lines(below: &[Below]) -> String {
    below.iter().map(Below::to_text).collect()
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::of(ExitStatus::Failed, error)
    }
}
