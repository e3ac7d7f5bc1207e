//! A region that is a folder or bucket of Delta tables, embedded in drsync.

pub mod delta;
