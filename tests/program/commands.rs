//! Commands from outside: what they print where, and how they end.

mod answers;
mod away;
mod demo;
mod first;
mod gate;
mod mistakes;
mod mounts;
mod output;
mod places;
mod program;
#[allow(clippy::unwrap_used, reason = "a panic is a test's verdict")]
mod sinks;
mod standing;
mod stored;
mod watched;
