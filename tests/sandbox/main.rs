//! The sandbox over real sockets: what it answers, how it refuses, how it misbehaves.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod alter;
mod catalog;
mod faults;
mod files;
mod guard;
mod identity;
mod jobs;
mod queries;
mod sdk;
mod sql;
mod statements;
#[path = "../support/mod.rs"]
mod support;
mod upkeep;
mod values;
mod warehouses;
mod world;
