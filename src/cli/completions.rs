//! `drsync completions`: what a shell needs to ask drsync itself while a command line is typed.

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use super::{ExitStatus, Failure, output};

/// Print completions for a shell: of commands and flags, groups, tables, codes and runs
#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

impl CompletionsArguments {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell.to_string()).ok_or_else(|| {
            Failure::new(ExitStatus::Usage, format!("no completions for {}", self.shell))
        })?;
        let mut text = vec![];
        shell
            .write_registration(VARIABLE, "drsync", "drsync", "drsync", &mut text)
            .context("write the completions")?;
        output::verbatim(&String::from_utf8_lossy(&text))?;
        Ok(ExitStatus::Ok)
    }
}
