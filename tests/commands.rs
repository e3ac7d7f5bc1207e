//! Commands from outside: what they print where, and how they end.

#[path = "commands/answers.rs"]
mod answers;
#[path = "commands/away.rs"]
mod away;
#[path = "commands/demo.rs"]
mod demo;
#[path = "commands/mistakes.rs"]
mod mistakes;
#[path = "commands/output.rs"]
mod output;
#[path = "commands/program.rs"]
mod program;
#[path = "commands/stored.rs"]
mod stored;
