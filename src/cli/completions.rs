//! `drsync completions`: what a shell needs to complete commands and flags.

use clap::Args;
use clap_complete::Shell;

use super::{ExitStatus, Failure, described, output};

/// Print completions for a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let mut text = vec![];
        clap_complete::generate(self.shell, &mut described(), "drsync", &mut text);
        output::verbatim(&String::from_utf8_lossy(&text))?;
        Ok(ExitStatus::Ok)
    }
}
