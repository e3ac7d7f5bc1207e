//! `drsync help`: of a command, or of a topic.

use clap::Args;

use super::{ExitStatus, Failure, described, output, selection};
use crate::render::hanging;

/// The one topic that is no command.
const EXIT_CODES: &str = "exit-codes";

/// Show help of a command, or of the topic exit-codes
#[derive(Debug, Args)]
pub(super) struct Help {
    /// A command or a topic
    topic: Option<String>,
}

impl Help {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let mut whole = described();
        whole.build();
        let text = match self.topic.as_deref() {
            None => whole.render_long_help().to_string(),
            Some(EXIT_CODES) => exit_codes(),
            Some(topic) => match whole.find_subcommand_mut(topic) {
                Some(command) => command.render_long_help().to_string(),
                None => return Err(unknown(&whole, topic)),
            },
        };
        output::data(&text)?;
        Ok(ExitStatus::Ok)
    }
}

fn unknown(whole: &clap::Command, topic: &str) -> Failure {
    let known = whole.get_subcommands().map(clap::Command::get_name);
    let near = selection::nearest(topic, known.chain([EXIT_CODES]));
    let hint = near.map_or(String::new(), |near| format!("; nearest: {near}"));
    Failure::new(ExitStatus::Usage, format!("no help for {topic}{hint}"))
}

fn exit_codes() -> String {
    let widths = ExitStatus::ALL.into_iter().map(|status| status.name().len());
    let name = widths.max().unwrap_or_default();
    let lines = ExitStatus::ALL.into_iter().flat_map(|status| {
        let head = format!("{:>4}  {:<name$}  ", status.code(), status.name());
        hanging(&head, status.meaning(), 80)
    });
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("Exit status, named by the last line on stderr where it is not 0\n\n{lines}")
}
