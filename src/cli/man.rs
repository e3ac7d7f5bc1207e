//! `drsync man`: the manual page.

use anyhow::Context as _;
use clap::Args;

use super::{ExitStatus, Failure, described, output};

/// Print the manual page, or that of a command
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let mut whole = described();
        whole.build();
        let page = match &self.command {
            None => whole,
            Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::new(ExitStatus::Usage, format!("{name} is no command of drsync"))
            })?,
        };
        let mut text = vec![];
        clap_mangen::Man::new(page)
            .render(&mut text)
            .context("write the manual page")?;
        output::data(&String::from_utf8_lossy(&text))?;
        Ok(ExitStatus::Ok)
    }
}
