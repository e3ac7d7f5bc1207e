//! What repairs a finding: data, until a writer makes it a line to be copied or a sentence. Pure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::{Advice, Deed};
use super::finding_code::FindingCode;
use crate::command::{Arg, Command};
use crate::region::{Grant, Repair};
use crate::sentence::Sentence;

/// What repairs a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// A statement to run in the workspace, as it is.
    Sql(String),
    /// A command to run in a shell, as it is.
    Shell(String),
    /// A command of drsync.
    Command(Command),
    /// A right to be given.
    Grant(Grant),
    /// The finding may be let through for a plan.
    Acceptance(Acceptance),
    /// Something for people to do; only where it cannot be done, the finding may be let through.
    AdviceElse(Advice, Acceptance),
    /// Something for people to do.
    Advice(Advice),
    /// A text of a plan that was made before remedies had kinds: words, for all that is known.
    Untold(Sentence),
}

/// The kinds of remedies, as a document names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    /// A statement to run in the workspace, as it is.
    Sql,
    /// A command to run in a shell, as it is; of one of drsync's own `remedy_command` has the parts.
    Shell,
    /// A right to be given; `remedy_grant` has its parts.
    Grant,
    /// The finding may be let through for a plan; `remedy_acceptance` has its parts.
    Acceptance,
    /// Something to do, in words, and what `remedy_deed` has as data; where `remedy_acceptance` is there, the finding may be let
    /// through when it cannot be done.
    Words,
}

/// A finding that may be let through for a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Which.
    pub code: FindingCode,
    /// Of which table or group.
    pub scope: String,
}

impl Acceptance {
    /// `CODE:SCOPE`.
    pub fn risk(&self) -> Arg {
        risk(self.code.as_str(), &self.scope)
    }

    /// The command that lets it through.
    pub fn command(&self) -> Command {
        Command::accept([self.risk()])
    }
}

/// `CODE:SCOPE`, as an argument.
pub fn risk(code: &str, scope: &str) -> Arg {
    Arg::Risk { code: code.to_owned(), scope: scope.to_owned() }
}

/// Its command.
impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command().fmt(f)
    }
}

/// The text that a plan keeps, and that rows of a ledger quote.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Sql(text) | Remedy::Shell(text) => f.write_str(text),
            Remedy::Advice(advice) => advice.words.fmt(f),
            Remedy::Untold(text) => text.fmt(f),
            Remedy::Grant(grant) => grant.fmt(f),
            Remedy::Command(command) => command.fmt(f),
            Remedy::Acceptance(acceptance) => acceptance.fmt(f),
            Remedy::AdviceElse(advice, acceptance) => write!(f, "{}: {acceptance}", advice.words),
        }
    }
}

impl From<Deed> for Remedy {
    fn from(deed: Deed) -> Remedy {
        Remedy::Advice(deed.into())
    }
}

impl From<Repair> for Remedy {
    fn from(repair: Repair) -> Remedy {
        match repair {
            Repair::Grant(grant) => Remedy::Grant(grant),
            Repair::Shell(command) => Remedy::Shell(command),
        }
    }
}

/// A remedy as a document has it.
#[derive(Debug, Default)]
pub(super) struct StoredRemedy {
    pub(super) text: Option<String>,
    pub(super) kind: Option<RemedyKind>,
    pub(super) words: Option<Sentence>,
    pub(super) deed: Option<Deed>,
    pub(super) command: Option<Command>,
    pub(super) grant: Option<Grant>,
    pub(super) acceptance: Option<Acceptance>,
}

impl From<Remedy> for StoredRemedy {
    fn from(remedy: Remedy) -> StoredRemedy {
        let stored = StoredRemedy { text: Some(remedy.to_string()), ..StoredRemedy::default() };
        match remedy {
            Remedy::Sql(_) => StoredRemedy { kind: Some(RemedyKind::Sql), ..stored },
            Remedy::Shell(_) => StoredRemedy { kind: Some(RemedyKind::Shell), ..stored },
            Remedy::Advice(Advice { deed, words: _ }) => {
                StoredRemedy { kind: Some(RemedyKind::Words), deed, ..stored }
            }
            Remedy::Command(command) => {
                StoredRemedy { kind: Some(RemedyKind::Shell), command: Some(command), ..stored }
            }
            Remedy::Grant(grant) => {
                StoredRemedy { kind: Some(RemedyKind::Grant), grant: Some(grant), ..stored }
            }
            Remedy::Acceptance(acceptance) => StoredRemedy {
                kind: Some(RemedyKind::Acceptance),
                acceptance: Some(acceptance),
                ..stored
            },
            Remedy::AdviceElse(Advice { deed, words }, acceptance) => StoredRemedy {
                kind: Some(RemedyKind::Words),
                words: Some(words),
                deed,
                acceptance: Some(acceptance),
                ..stored
            },
            Remedy::Untold(_) => stored,
        }
    }
}

impl StoredRemedy {
    /// The remedy. Of what has parts they alone count: its text was made of them.
    ///
    /// # Errors
    /// A sentence: the parts of its kind are not there.
    pub(super) fn remedy(self) -> Result<Option<Remedy>, String> {
        let StoredRemedy { text, kind, words, deed, command, grant, acceptance } = self;
        let Some(text) = text else {
            return Ok(None);
        };
        let lacks =
            |part: &str| format!("a finding's remedy_kind asks for {part}, which is missing");
        Ok(Some(match kind {
            None => Remedy::Untold(text.into()),
            Some(RemedyKind::Sql) => Remedy::Sql(text),
            Some(RemedyKind::Shell) => command.map_or(Remedy::Shell(text), Remedy::Command),
            Some(RemedyKind::Words) => match (words, acceptance) {
                (Some(words), Some(acceptance)) => {
                    Remedy::AdviceElse(Advice { deed, words }, acceptance)
                }
                (_, _) => Remedy::Advice(Advice { deed, words: text.into() }),
            },
            Some(RemedyKind::Grant) => Remedy::Grant(grant.ok_or_else(|| lacks("remedy_grant"))?),
            Some(RemedyKind::Acceptance) => {
                Remedy::Acceptance(acceptance.ok_or_else(|| lacks("remedy_acceptance"))?)
            }
        }))
    }
}
