//! `drsync demo`: two regions with real Delta tables, and the whole flow over them.

use std::path::PathBuf;

use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure};

/// See it work: two regions with real Delta tables in a folder, validated, planned, applied
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The folder, which is made; one that an earlier demo made is made again
    #[arg(long, value_name = "DIR", default_value = "drsync-demo")]
    dir: PathBuf,
}

impl Demo {
    pub(super) fn run(self, _context: &Context) -> Result<ExitStatus, Failure> {
        Err(Failure::new(
            ExitStatus::Failed,
            format!("{}: not yet", self.dir.display()),
        ))
    }
}
