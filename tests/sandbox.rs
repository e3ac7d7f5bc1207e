//! The sandbox over real sockets: what it answers, how it refuses, how it misbehaves.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

#[path = "python/able.rs"]
mod able;
#[path = "sandbox/catalog.rs"]
mod catalog;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/files.rs"]
mod files;
#[path = "sandbox/guard.rs"]
mod guard;
#[path = "sandbox/identity.rs"]
mod identity;
#[path = "sandbox/jobs.rs"]
mod jobs;
#[path = "sandbox/queries.rs"]
mod queries;
#[path = "sandbox/sdk.rs"]
mod sdk;
#[path = "sandbox/sql.rs"]
mod sql;
#[path = "sandbox/statements.rs"]
mod statements;
#[path = "sandbox/values.rs"]
mod values;
#[path = "sandbox/warehouses.rs"]
mod warehouses;
#[path = "sandbox/world.rs"]
mod world;
