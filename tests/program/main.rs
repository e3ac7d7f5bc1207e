//! The program as a process: its commands, the demo, a workspace that asks who is there, the guides, places that start it,
//! packages, auditors, and who is told.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod audit;
mod commands;
mod demo;
mod deploy;
mod guides;
mod notifications;
mod packages;
#[path = "../support/mod.rs"]
mod support;
mod workspace;
