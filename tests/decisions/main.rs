//! What is decided, without a region or a process: the configuration, plans, stored plans, documents, and the rules of the house.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod architecture;
mod commands;
mod configuration;
mod dependencies;
mod finished;
mod heads;
mod lengths;
mod names;
mod opens;
mod plan;
mod sayings;
mod schemas;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
