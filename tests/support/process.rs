//! drsync as a process over the world of a story.

use std::process::{Command, Stdio};

use crate::support::world::World;

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_drsync");

/// A command at the world's moment; what it says of trouble is kept, and what becomes of the rest is the caller's to say.
pub(crate) fn drsync(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .current_dir(world.path(""))
        .env("DRSYNC_NOW", world.now.to_rfc3339())
        .stderr(Stdio::piped());
    command
}
