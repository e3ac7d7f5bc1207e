//! What an apply said and could not write: it is no reason to stop, and none to call it a success. Types alone.

use std::fmt;

use crate::sentence::Sentence;

/// Output that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostOutput {
    /// Events: the first that could not be written, and all after it.
    Events {
        /// Where they went.
        to: String,
        /// Why not, in the system's words.
        why: Sentence,
    },
    /// The text or document on stdout.
    Text {
        /// Whoever read it stopped doing so, as `head` does.
        reader_left: bool,
        /// Why not, in the system's words.
        why: Sentence,
    },
}

impl LostOutput {
    /// Whether an apply that lost it did not do all it was asked for. Who stops reading text has read enough of it.
    pub fn counts(&self) -> bool {
        match self {
            LostOutput::Events { .. } => true,
            LostOutput::Text { reader_left, .. } => !reader_left,
        }
    }
}

impl fmt::Display for LostOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LostOutput::Events { to, why } => {
                write!(f, "events are lost: {to} cannot be written ({why})")
            }
            LostOutput::Text { why, .. } => {
                write!(f, "text is lost: stdout cannot be written ({why})")
            }
        }
    }
}
