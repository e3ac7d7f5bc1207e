//! drsync keeps groups of Delta tables synchronized to a second region.

pub mod lakehouse;
