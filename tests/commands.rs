//! Commands from outside: what they print where, and how they end.

#[path = "commands/answers.rs"]
mod answers;
#[path = "commands/away.rs"]
mod away;
#[path = "commands/demo.rs"]
mod demo;
#[path = "plan/edits.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the helper of several tests")]
mod edits;
#[path = "commands/gate.rs"]
mod gate;
#[path = "commands/mistakes.rs"]
mod mistakes;
#[path = "commands/mounts.rs"]
mod mounts;
#[path = "commands/output.rs"]
mod output;
#[path = "commands/places.rs"]
mod places;
#[path = "commands/program.rs"]
mod program;
#[path = "commands/sinks.rs"]
#[allow(clippy::unwrap_used, reason = "a panic is a test's verdict")]
mod sinks;
#[path = "commands/stored.rs"]
mod stored;
