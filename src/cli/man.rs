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
        output::verbatim(&rendered(page, self.command.as_deref())?)?;
        Ok(ExitStatus::Ok)
    }
}

/// The page; of a command with the title under which its manual is filed.
fn rendered(page: clap::Command, command: Option<&str>) -> Result<String, Failure> {
    let title = command.map_or("drsync".to_owned(), |name| format!("drsync-{name}"));
    let usage = page.clone().render_usage().to_string();
    let mut text = vec![];
    clap_mangen::Man::new(page)
        .title(title)
        .source(format!("drsync {}", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .context("write the manual page")?;
    Ok(with_usage(&String::from_utf8_lossy(&text), &usage))
}

/// The page with its synopsis as `--help` has it: the generated one names flags without their values.
fn with_usage(page: &str, usage: &str) -> String {
    const SYNOPSIS: &str = ".SH SYNOPSIS\n";
    let Some((before, rest)) = page.split_once(SYNOPSIS) else {
        return page.to_owned();
    };
    let after = rest.find("\n.SH ").map_or("", |end| &rest[end..]);
    let usage = usage.trim_start_matches("Usage: ").trim();
    let usage = usage.replace('\\', "\\\\").replace('-', "\\-");
    format!("{before}{SYNOPSIS}{usage}{after}")
}
