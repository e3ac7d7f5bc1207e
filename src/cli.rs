//! Commands and flags, one file a command: the only place that opens regions and reads flags, environment and clock.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, setrlimit};

mod accept;
mod admit;
mod apply;
mod check;
mod clock;
mod complete;
mod completions;
mod configuration;
mod daemon;
mod dashes;
mod demo;
mod diff;
mod duration;
mod events;
mod examples;
mod exit;
mod explain;
mod failure;
mod flags;
mod help;
mod here;
mod history;
mod init;
mod keep;
mod log;
mod log_line;
mod look;
mod man;
mod metrics;
mod notify;
mod output;
mod place;
mod plan;
mod recover;
mod regions;
mod runbook;
mod sandbox;
mod schema;
mod selection;
mod show;
mod sign;
mod signals;
mod signature;
mod status;
mod tell;
mod validate;
mod who;
mod written;

pub use exit::ExitStatus;
use failure::Failure;
use flags::{Context, Flags};

/// Keeps groups of Delta tables synchronized to a second region.
///
/// drsync looks at both regions, shows a plan, does exactly that plan, and leaves a record.
/// A group arrives whole or not at all.
#[derive(Debug, Parser)]
#[command(
    name = "drsync",
    version,
    disable_help_subcommand = true,
    after_help = "Data goes to stdout, everything else to stderr. Exit status: drsync help exit-codes"
)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArguments),
    Init(init::InitArguments),
    Validate(validate::ValidateArguments),
    Plan(plan::PlanArguments),
    Show(show::ShowArguments),
    Check(check::CheckArguments),
    Diff(diff::DiffArguments),
    Apply(apply::ApplyArguments),
    Status(status::StatusArguments),
    History(history::HistoryArguments),
    Runbook(runbook::RunbookArguments),
    Daemon(daemon::DaemonArguments),
    Notify(notify::NotifyArguments),
    Metrics(metrics::MetricsArguments),
    Completions(completions::CompletionsArguments),
    Sandbox(sandbox::SandboxArguments),
    Schema(schema::SchemaArguments),
    Man(man::ManArguments),
    Explain(explain::ExplainArguments),
    Help(help::HelpArguments),
}

/// Keeps the memory of a process that crashes off the disk: it holds tokens.
fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where it may not be set, nothing is lost.
    let _ = setrlimit(Resource::Core, none);
}

/// Runs the command that the arguments name, and says on stderr how it ended where that is not 0.
pub fn main() -> ExitCode {
    complete::answer_shell();
    crate::foreign::silence_contained_panics();
    forbid_core_dumps();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (json, config, outcome) = match dashes::check(&described(), &arguments) {
        Ok(()) => match parse(&arguments) {
            Ok(cli) => {
                let (json, config) = (cli.flags.json(), cli.flags.named_configuration());
                (json, config, run(cli))
            }
            Err(error) => (asks_for_json(&arguments), None, usage(&error)),
        },
        Err(failure) => (asks_for_json(&arguments), None, Err(failure)),
    };
    let status = match outcome {
        Ok(status) => status,
        Err(failure) => failure.print_and_end(json, config.as_deref()),
    };
    if status.code() != 0 {
        output::note(&format!("drsync: {} (exit {})", status.name(), status.code()));
    }
    ExitCode::from(status.code())
}

/// Reads the command line; what it says of itself is for people.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = help::for_people().try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches)
}

fn run(cli: Cli) -> Result<ExitStatus, Failure> {
    let mut context = Context::of(cli.flags)?;
    if let Command::Apply(_) | Command::Daemon(_) = cli.command {
        context.timing = crate::databricks::Timing::real();
    }
    let page = matches!(
        cli.command,
        Command::Plan(_)
            | Command::Apply(_)
            | Command::Check(_)
            | Command::Diff(_)
            | Command::History(_)
            | Command::Show(_)
            | Command::Status(_)
            | Command::Validate(_)
    );
    if (context.markdown.is_some() || context.html) && !page {
        let message = "--format markdown and html are for plan, apply, validate, status, check, diff, show and history; the other commands have text, most have json";
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    match cli.command {
        Command::Demo(command) => command.run(&context),
        Command::Init(command) => command.run(&context),
        Command::Validate(command) => command.run(&context),
        Command::Plan(command) => command.run(&context),
        Command::Show(command) => command.run(&context),
        Command::Check(command) => command.run(&context),
        Command::Diff(command) => command.run(&context),
        Command::Apply(command) => command.run(&context),
        Command::Status(command) => command.run(&context),
        Command::History(command) => command.run(&context),
        Command::Runbook(command) => command.run(&context),
        Command::Daemon(command) => command.run(&context),
        Command::Notify(command) => command.run(&context),
        Command::Metrics(command) => command.run(&context),
        Command::Completions(command) => command.run(),
        Command::Sandbox(command) => command.run(&context),
        Command::Schema(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Help(command) => command.run(),
    }
}

/// The whole command line as clap describes it, with what completes its values.
fn described() -> clap::Command {
    complete::with_values(Cli::command())
}

/// What clap has to say: help and version are answers, everything else is a mistake in the command line.
fn usage(error: &clap::Error) -> Result<ExitStatus, Failure> {
    if !error.use_stderr() {
        output::data(&error.render().to_string())?;
        return Ok(ExitStatus::Ok);
    }
    let text = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::note(text.trim_end());
        return Ok(ExitStatus::Usage);
    }
    Err(Failure::new(ExitStatus::Usage, text.trim_end().trim_start_matches("error: ")))
}

/// Whether a command line that could not be read asks for JSON all the same.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let mut before = None;
    arguments.iter().any(|argument| {
        let here = argument.to_str();
        let asks = matches!(here, Some("--json" | "--format=json"))
            || (before == Some("--format") && here == Some("json"));
        before = here;
        asks
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        described().debug_assert();
    }

    #[test]
    fn common_flags_stand_before_and_after_the_command() {
        for line in [["drsync", "--json", "plan"], ["drsync", "plan", "--json"]] {
            assert!(Cli::try_parse_from(line).expect("parses").flags.json());
        }
    }

    #[test]
    fn a_reason_goes_with_every_accepted_risk() {
        let risky = ["drsync", "plan", "--accept", "source_shrank:main.a.b"];
        assert!(Cli::try_parse_from(risky).is_err());
    }
}
