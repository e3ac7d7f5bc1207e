//! The contract of `Workspace` and `Location`, and who keeps it; statements and requests that go to Databricks.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod budget;
mod contract;
mod databricks;
mod lakehouse;
mod served;
mod sql;
#[path = "../support/mod.rs"]
mod support;
