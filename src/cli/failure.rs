//! What is wrong with this run: a message, the exit status it leads to, and what to do about it.

use serde_json::json;

use super::{ExitStatus, output};
use crate::config::{Configuration, Mistake};
use crate::databricks::SignInError;
use crate::plan::{Digest, Digests};
use crate::render::{self, Style, clean};

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub(super) struct Failure {
    exit: ExitStatus,
    message: String,
    /// More lines under the message.
    details: String,
    /// A command to copy.
    remedy: Option<String>,
    mistakes: Vec<Mistake>,
    /// Of a plan that was altered: what it states beside what was computed.
    digests: Option<Box<Digests>>,
}

impl Failure {
    /// A failure that says what is so.
    pub(super) fn new(exit: ExitStatus, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
            details: String::new(),
            remedy: None,
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
        let mut details = String::new();
        for (place, (method, why)) in tried.iter().enumerate() {
            let begin = if place == 0 { "tried" } else { "" };
            let line = clean(&format!("{method} {why}"));
            details.push_str(&format!("  {begin:<5}  {line}\n"));
        }
        Failure {
            details,
            ..Failure::new(
                ExitStatus::Authentication,
                clean(&format!("not signed in to {workspace}")),
            )
        }
    }

    /// The same with a line under it.
    pub(super) fn detail(self, line: &str) -> Failure {
        let details = match line {
            "" => self.details,
            line => format!("{}  {}\n", self.details, clean(line)),
        };
        Failure { details, ..self }
    }

    /// The same with a command that repairs it.
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Failure {
        Failure { remedy: Some(remedy.into()), ..self }
    }

    /// A plan that was altered: where it shows, and each digest that is not that of what stands there.
    pub(super) fn altered(message: String, digests: Digests) -> Failure {
        let Digests { effect_sha256, document_sha256 } = &digests;
        let both = [("effect_sha256", effect_sha256), ("document_sha256", document_sha256)];
        let differing = both.into_iter().filter(|(_, digest)| !digest.agrees());
        let failure = differing.fold(
            Failure::new(ExitStatus::Altered, message),
            |failure, (name, Digest { stated, computed })| {
                let none = || "none".to_owned();
                let stated = stated.clone().unwrap_or_else(none);
                let computed = computed.clone().unwrap_or_else(none);
                failure
                    .detail(&format!("{name} stated {stated}"))
                    .detail(&format!("{name} computed {computed}"))
            },
        );
        Failure { digests: Some(Box::new(digests)), ..failure }
    }

    /// The mistakes of a configuration of which nothing can be used.
    pub(super) fn configuration(configuration: &Configuration, style: &Style) -> Failure {
        Failure {
            details: render::config::mistakes(configuration, style),
            mistakes: configuration.mistakes.clone(),
            ..Failure::new(ExitStatus::Configuration, render::config::headline(configuration))
        }
    }

    /// How the program ends.
    pub(super) fn status(&self) -> ExitStatus {
        self.exit
    }

    /// What is so, without more lines and a remedy.
    pub(super) fn message(&self) -> String {
        self.message.clone()
    }

    /// Its lines, where it is not the end.
    pub(super) fn shown(&self) -> String {
        format!("  {}\n{}", self.message, self.details).trim_end().to_owned()
    }

    /// Says it: on stderr, and with `json` as a document on stdout.
    pub(super) fn told(self, json: bool) -> ExitStatus {
        let Failure { exit, message, details, remedy, mistakes, digests } = self;
        let mut text = format!("drsync: {message}\n{details}");
        if let Some(remedy) = &remedy {
            text.push_str(&format!("{}\n", render::command(remedy)));
        }
        output::note(text.trim_end());
        if json {
            let mut document = json!({
                "kind": "drsync.error",
                "exit": exit.document(),
                "message": message,
                "remedy": remedy,
                "mistakes": mistakes,
            });
            if let Some(digests) = digests {
                document["digests"] = json!(digests);
            }
            // Nobody is left to be told that stdout is gone.
            let _ = output::json(&document);
        }
        exit
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::of(ExitStatus::Failed, error)
    }
}
