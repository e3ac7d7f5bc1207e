//! How a region refuses.

use std::time::Duration;

/// A refusal: what was being done, which kind of refusal, and the words of whoever refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {detail}")]
pub struct RegionError {
    /// What a caller can act on.
    pub kind: RegionErrorKind,
    /// What was being done, for example `read the history of main.core.gold`.
    pub doing: String,
    /// What the region said.
    pub detail: String,
    /// It may succeed when tried again.
    pub transient: bool,
    /// The outcome of a write is not known: look before trying again.
    pub outcome_unknown: bool,
    /// When the region asks to try again.
    pub retry_after: Option<Duration>,
}

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
    /// A refusal that trying again will not change.
    pub fn new(
        kind: RegionErrorKind,
        doing: impl Into<String>,
        detail: impl Into<String>,
    ) -> RegionError {
        RegionError {
            kind,
            doing: doing.into(),
            detail: detail.into(),
            transient: false,
            outcome_unknown: false,
            retry_after: None,
        }
    }

    /// The same refusal, worth another try.
    #[must_use]
    pub fn transient(self) -> RegionError {
        RegionError { transient: true, ..self }
    }
}
