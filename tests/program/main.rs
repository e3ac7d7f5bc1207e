//! The program as a process: its commands, the demo, a workspace that asks who is there, the guides, auditors, and who is told.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod audit;
mod commands;
mod demo;
mod guides;
mod notifications;
#[path = "../support/mod.rs"]
mod support;
mod workspace;
