//! Delta tables that others made, from a seed, from a collection, or damaged.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod delta_tables;
mod foreign;
mod logs;
#[path = "../support/mod.rs"]
mod support;
