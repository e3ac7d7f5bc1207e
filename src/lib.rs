//! drsync keeps groups of Delta tables synchronized to a second region.

pub mod apply;
pub mod canonical;
pub mod config;
pub mod lakehouse;
pub mod ledger;
pub mod moment;
pub mod observe;
pub mod plan;
pub mod region;
pub mod sandbox;
pub mod schedule;
