//! How a region refuses. Pure.

use std::fmt;
use std::time::Duration;

use super::grant::{Grant, Lack};
use super::ledger_table::LedgerTable;
use crate::pause::TryFailure;
use crate::sentence::Sentence;

/// A refusal: what was being done, which kind of refusal, and the words of whoever refused.
///
/// The words are for people. What can be acted on stands beside them, read where the region's answer arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionError {
    /// What a caller can act on.
    pub kind: RegionErrorKind,
    /// What was being done, for example `read the history of main.core.gold`.
    pub doing: Sentence,
    /// What the region said.
    pub detail: Sentence,
    /// Which answer it is, as the region's protocol names it; `None`: it names none.
    pub answer: Option<Box<AnswerName>>,
    /// The right that is missing, where the region named one.
    pub lack: Option<Box<Lack>>,
    /// What to do about it, in addition.
    pub hints: Box<[Hint]>,
    /// What the region calls this answer, to ask about it: `request 1a2b`.
    pub references: Box<[String]>,
    /// The metadata table that is there and cannot be read, where it was one.
    pub ledger_table: Option<LedgerTable>,
    /// It is of all that was ordered: `doing` says nothing that whoever ordered it does not know.
    pub of_order: bool,
    /// It may succeed when tried again.
    pub transient: bool,
    /// The outcome of a write is not known: look before trying again.
    pub outcome_unknown: bool,
    /// No address is known for the host that was asked.
    pub unresolved: bool,
    /// When the region asks to try again.
    pub retry_after: Option<Duration>,
}

/// What a protocol calls an answer that refuses, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerName {
    /// The status of HTTP, of a request.
    pub status: Option<u16>,
    /// The code or the error class; empty where there is none.
    pub code: Box<str>,
}

/// What to do about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// In words.
    Words(Sentence),
    /// A right to be given.
    Grant(Grant),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::Words(text) => text.fmt(f),
            Hint::Grant(grant) => grant.fmt(f),
        }
    }
}

/// `look up main.core.gold: User does not have …; what to do (request 1a2b)`.
impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.describe_answer())
    }
}

impl std::error::Error for RegionError {}

/// The kinds of refusal a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionErrorKind {
    /// It is not there.
    NotFound,
    /// A right is missing.
    Denied,
    /// The region, or a part of it, does not answer.
    Unavailable,
    /// The region does not, or no longer, take who asks for somebody it knows: it answers nothing.
    SignedOut,
    /// Someone else was faster, or the thing is not as it was looked at.
    Conflict,
    /// This kind of thing cannot be done with it.
    Unsupported,
    /// Everything else.
    Other,
}

impl RegionErrorKind {
    /// The region gave no answer at all; one that refuses is there.
    pub fn is_away(self) -> bool {
        match self {
            RegionErrorKind::Unavailable => true,
            RegionErrorKind::NotFound
            | RegionErrorKind::Denied
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Conflict
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => false,
        }
    }

    /// Nothing is known of what was asked, for a reason that is the whole region's.
    pub fn is_of_region(self) -> bool {
        self.is_away() || self == RegionErrorKind::SignedOut
    }
}

impl RegionError {
    /// How what it refuses failed, for whoever may try it again.
    pub(crate) fn failure(&self) -> TryFailure {
        TryFailure::of(self.transient, self.outcome_unknown)
    }

    /// A refusal that trying again will not change.
    pub fn new(
        kind: RegionErrorKind,
        doing: impl Into<Sentence>,
        detail: impl Into<Sentence>,
    ) -> RegionError {
        RegionError {
            kind,
            doing: doing.into(),
            detail: detail.into(),
            answer: None,
            lack: None,
            hints: Box::default(),
            references: Box::default(),
            ledger_table: None,
            of_order: false,
            transient: false,
            outcome_unknown: false,
            unresolved: false,
            retry_after: None,
        }
    }

    /// What the region said, with what to do about it and what the region calls its answer.
    pub fn describe_answer(&self) -> Sentence {
        join_refusal_words(&self.detail, &self.hints, &self.references)
    }

    /// The same without what the region calls this one answer.
    pub fn told_of_any(&self) -> Sentence {
        join_refusal_words(&self.detail, &self.hints, &[])
    }

    /// Whether another question got the same answer, in whatever words.
    pub fn is_same_answer(&self, other: &RegionError) -> bool {
        let which = |error: &RegionError| {
            let RegionError { kind, answer, lack, unresolved, ledger_table, .. } = error.clone();
            (kind, answer, lack, unresolved, ledger_table)
        };
        which(self) == which(other)
    }

    /// The right to be given that repairs it, and the same as [`RegionError::describe_answer`] without it.
    pub fn apart_from_grant(&self) -> (Sentence, Option<&Grant>) {
        let grant = self.hints.iter().find_map(|hint| match hint {
            Hint::Grant(grant) => Some(grant),
            Hint::Words(_) => None,
        });
        let words = self.hints.iter().filter(|hint| match hint {
            Hint::Words(_) => true,
            Hint::Grant(other) => Some(other) != grant,
        });
        (
            join_refusal_words(&self.detail, &words.cloned().collect::<Vec<_>>(), &self.references),
            grant,
        )
    }

    /// The same with more to do about it.
    #[must_use]
    pub fn hint(self, hint: Hint) -> RegionError {
        let hints = self.hints.into_iter().chain([hint]).collect();
        RegionError { hints, ..self }
    }

    /// The same of all that was ordered.
    #[must_use]
    pub fn of_order(self) -> RegionError {
        RegionError { of_order: true, ..self }
    }

    /// The same refusal, worth another try.
    #[must_use]
    pub fn transient(self) -> RegionError {
        RegionError { transient: true, ..self }
    }
}

/// A refusal in words: what was said, what to do about it, what the answer is called.
pub(crate) fn join_refusal_words(
    detail: &impl fmt::Display,
    hints: &[Hint],
    references: &[String],
) -> Sentence {
    let hints = hints.iter().map(|hint| format!("; {hint}"));
    let references = references.iter().map(|reference| format!(" ({reference})"));
    let text: String = [detail.to_string()].into_iter().chain(hints).chain(references).collect();
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_answer_is_known_by_what_it_is_and_not_by_its_words() {
        let refused = |code: &str, said: &str| RegionError {
            answer: Some(Box::new(AnswerName { status: Some(403), code: code.into() })),
            ..RegionError::new(RegionErrorKind::Denied, "look", said)
        };
        let one = refused("PERMISSION_DENIED", "no right on warehouse 7 (a)");
        assert!(one.is_same_answer(&refused("PERMISSION_DENIED", "no right on warehouse 7 (b)")));
        assert!(!one.is_same_answer(&refused("FEATURE_DISABLED", "no right on warehouse 7 (a)")));
        let away = RegionError { kind: RegionErrorKind::Unavailable, ..one.clone() };
        assert!(!one.is_same_answer(&away));
    }
}
