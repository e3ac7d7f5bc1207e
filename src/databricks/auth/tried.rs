//! What was tried to sign in, where nothing led to it.

use std::fmt;

use crate::sentence::Sentence;

/// Nobody could be signed in: what was tried, and why each failed. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInError {
    /// The workspace's address.
    pub workspace: String,
    /// Each method that was tried, with what came of it.
    pub tried: Vec<Tried>,
}

/// A way to sign in that was tried, and failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which, or what of the environment it begins with.
    pub method: String,
    /// What came of it, which goes on after the method.
    pub why: Sentence,
}

impl Tried {
    /// What came of a method.
    pub(in super::super) fn new(method: impl Into<String>, why: impl Into<Sentence>) -> Tried {
        Tried { method: method.into(), why: why.into() }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SignInError { workspace, tried } = self;
        write!(f, "sign in to {workspace}")?;
        for (place, Tried { method, why }) in tried.iter().enumerate() {
            write!(f, "{} {method} {why}", if place == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for SignInError {}
