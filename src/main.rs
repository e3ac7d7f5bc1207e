//! The drsync command.
fn main() {}
