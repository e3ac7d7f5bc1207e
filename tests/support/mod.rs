//! What several binaries of tests share; each takes a part of it.

#![allow(dead_code, reason = "every binary takes another part")]

pub(crate) mod able;
pub(crate) mod edits;
pub(crate) mod metrics;
pub(crate) mod readers;
pub(crate) mod remembered;
pub(crate) mod reworded;
pub(crate) mod runner;
pub(crate) mod slept;
pub(crate) mod world;
