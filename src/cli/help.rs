//! `drsync help`: of a command, or of a topic; and what is added to the help of every command.

use clap::{Args, CommandFactory as _};

use super::examples::{self, Example};
use super::{Cli, ExitStatus, Failure, described, flags, output, selection};
use crate::command::{Command, Verb};
use crate::render::hanging;

/// The topics that are no commands.
const EXIT_CODES: &str = "exit-codes";
const FLAGS: &str = "flags";
/// Columns of help at most: longer lines are hard to read.
const WIDTH_MAX: usize = 100;
/// And at least, however narrow the terminal is.
const WIDTH_MIN: usize = 40;

/// Show help of a command, or of a topic: flags, exit-codes
#[derive(Debug, Args)]
pub(super) struct HelpArguments {
    /// A command or a topic
    topic: Option<String>,
}

impl HelpArguments {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let mut whole = for_people();
        whole.build();
        let text = match self.topic.as_deref() {
            None => whole.render_long_help().to_string(),
            Some(EXIT_CODES) => exit_codes(width()),
            Some(FLAGS) => common_in_full(width()),
            Some(topic) => match whole.find_subcommand_mut(topic) {
                Some(command) => command.render_long_help().to_string(),
                None => return Err(unknown(&whole, topic)),
            },
        };
        output::data(&text)?;
        Ok(ExitStatus::Ok)
    }
}

/// Columns of help: as COLUMNS says, else of the terminal that shows it; where there is none as many as other text has.
fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let terminal = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let columns = flags::columns_asked().or(terminal).unwrap_or(flags::COLUMNS);
    columns.clamp(WIDTH_MIN, WIDTH_MAX)
}

/// The command line as its help shows it: every command with examples, and flags that all have by name only.
pub(super) fn for_people() -> clap::Command {
    let width = width();
    let whole = described().term_width(width);
    let common = common(&whole, width);
    let names: Vec<String> = whole.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let end = format!("{common}\n\n{}", whole.get_after_help().cloned().unwrap_or_default());
    let whole = whole.mut_args(|argument| {
        let hidden = argument.is_global_set();
        argument.hide(hidden)
    });
    let whole = names.into_iter().fold(whole, |whole, name| {
        whole.mut_subcommand(&name, |command| {
            let nested: Vec<String> =
                command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
            let command = nested.into_iter().fold(command, |command, inner| {
                let shown = examples::examples_of(&format!("{name} {inner}"));
                command.mut_subcommand(inner, |it| it.after_help(after(shown, &common, width)))
            });
            command.after_help(after(examples::examples_of(&name), &common, width))
        })
    });
    whole.after_help(end)
}

/// What stands below the flags of a command.
fn after(shown: &[Example], common: &str, width: usize) -> String {
    format!("Examples:\n{}\n{common}", lines(shown, width))
}

/// Examples with what they are for, beside them where that fits.
fn lines(shown: &[Example], width: usize) -> String {
    let fits = |line: &str, meaning: &str| 2 + line.len() + 2 + meaning.len() <= width;
    let all_fit = shown.iter().all(|(line, meaning)| fits(line, meaning));
    let widest = shown.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
    let aligned = shown.iter().all(|(_, meaning)| 2 + widest + 2 + meaning.len() <= width);
    let each =
        shown.iter().map(|(line, meaning)| match (all_fit && aligned, fits(line, meaning)) {
            (true, _) => format!("  {line:<widest$}  {meaning}\n"),
            (false, true) => format!("  {line}  {meaning}\n"),
            (false, false) => format!("  {line}\n      {meaning}\n"),
        });
    each.collect()
}

/// The flags that every command has, by name.
fn common(whole: &clap::Command, width: usize) -> String {
    let global = whole.get_arguments().filter(|argument| argument.is_global_set());
    let names: Vec<String> =
        global.filter_map(|it| Some(format!("--{}", it.get_long()?))).collect();
    let command = Command::new(Verb::Help).word(FLAGS);
    let text = format!("{}: {command}", names.join(", "));
    hanging("Common flags: ", &text, width).join("\n")
}

/// What every command takes, in full.
fn common_in_full(width: usize) -> String {
    let whole = Cli::command();
    let bare = clap::Command::new("drsync")
        .help_template("Flags of every command\n\n{all-args}")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .term_width(width);
    let global = whole.get_arguments().filter(|argument| argument.is_global_set()).cloned();
    let text = global.fold(bare, clap::Command::arg).render_long_help().to_string();
    format!("{}\n", text.trim_end())
}

fn unknown(whole: &clap::Command, topic: &str) -> Failure {
    let known = whole.get_subcommands().map(clap::Command::get_name);
    let near = selection::nearest(topic, known.chain([EXIT_CODES, FLAGS]));
    let hint = near.map_or(String::new(), |near| format!("; nearest: {near}"));
    Failure::new(ExitStatus::Usage, format!("no help for {topic}{hint}"))
}

fn exit_codes(width: usize) -> String {
    let widths = ExitStatus::ALL.into_iter().map(|status| status.name().len());
    let name = widths.max().unwrap_or_default();
    let lines = ExitStatus::ALL.into_iter().flat_map(|status| {
        let head = format!("{:>4}  {:<name$}  ", status.code(), status.name());
        hanging(&head, status.meaning(), width)
    });
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("Exit status, named by the last line on stderr where it is not 0\n\n{lines}")
}
