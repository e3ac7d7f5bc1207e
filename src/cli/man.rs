//! `drsync man`: the manual page.

use anyhow::Context as _;
use clap::Args;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{ExitStatus, Failure, described, examples, output};

/// Print the manual page, or that of a command
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// A command
    command: Option<String>,
}

/// Variables that drsync reads, and what each is for.
const ENVIRONMENT: [(&str, &str); 16] = [
    ("DRSYNC_CONFIG", "the configuration, as --config"),
    (
        "DRSYNC_TOKEN_<WORKSPACE>",
        "the token of a workspace; its name in capitals, anything but letters and digits as _",
    ),
    ("DRSYNC_SIGN_RECORD_WITH", "minisign's secret key for run records, as --sign-record-with"),
    ("DRSYNC_SIGN_PASSWORD", "the password of that key"),
    ("DRSYNC_SMTP_PASSWORD", "the password at the mail server, if no secret scope has it"),
    ("DRSYNC_SMTP_CLIENT_SECRET", "the secret of the client that gets tokens for it, likewise"),
    ("DRSYNC_HEARTBEAT_URL", "the address of the heartbeat, likewise"),
    ("DRSYNC_LOG", "http: a line on stderr for every request to a workspace"),
    (
        "DRSYNC_NOW",
        "a moment, or @FILE that holds one, in place of the clock; where all workspaces are lakehouse folders",
    ),
    ("DRSYNC_JOB_ID", "the job of a workspace that drsync runs as; its launcher sets it"),
    ("DRSYNC_JOB_RUN_ID", "the run of that job, likewise"),
    ("DRSYNC_COMPLETE", "the shell that asks for completions; drsync completions sets it"),
    ("DATABRICKS_*, ARM_*", "how to sign in, as Databricks' own tools read them"),
    ("HTTPS_PROXY, NO_PROXY", "the proxy to workspaces"),
    ("NO_COLOR", "no colours"),
    ("COLUMNS", "the width of text, 80"),
];

/// Files that drsync reads or writes, and what each is.
const FILES: [(&str, &str); 7] = [
    ("drsync.json", "the configuration: here, or above up to the root of the git repository"),
    (".drsync/runs/", "run records and plans of applies, beside the configuration; safe to delete"),
    (
        ".drsync/owed/",
        "notes of run records that regions have yet to get; safe to delete when empty",
    ),
    (".drsync/runbook-<workspace>.md", "the newest runbook"),
    (".drsync/config.schema.json", "the schema of the configuration, for editors"),
    ("<sync location>/_drsync/", "the metadata tables, and the evidence of every apply"),
    ("~/.databrickscfg", "profiles to sign in with"),
];

impl ManArguments {
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
    // What every command takes stands in the page of drsync.
    let page = match command {
        Some(_) => page.mut_args(|it| {
            let common = it.is_global_set();
            it.hide(common)
        }),
        None => page,
    };
    let inner = page.get_subcommands().next().is_some();
    let man = clap_mangen::Man::new(page)
        .title(title)
        .source(format!("drsync {}", env!("CARGO_PKG_VERSION")));
    let mut text = vec![];
    let mut write = || {
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
        if inner {
            man.render_subcommands_section(&mut text)?;
        }
        sections(command).to_writer(&mut text)
    };
    write().context("write the manual page")?;
    Ok(with_usage(&String::from_utf8_lossy(&text), &usage))
}

/// What every page ends with.
fn sections(command: Option<&str>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for status in ExitStatus::ALL {
        let head = vec![bold(status.code().to_string()), roman(" "), italic(status.name())];
        entry(&mut roff, head, status.meaning());
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in ENVIRONMENT {
        entry(&mut roff, vec![bold(name)], meaning);
    }
    roff.control("SH", ["FILES"]);
    for (name, meaning) in FILES {
        entry(&mut roff, vec![italic(name)], meaning);
    }
    roff.control("SH", ["EXAMPLES"]);
    let every_day = ["demo", "init", "validate", "plan", "apply", "status"];
    let of = command.map_or(every_day.to_vec(), |command| vec![command]);
    for (line, meaning) in of.into_iter().flat_map(examples::examples_of) {
        entry(&mut roff, vec![bold(*line)], meaning);
    }
    if command.is_some() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("drsync"), roman("(1), which has the flags of every command")]);
    }
    roff
}

/// A term, and what it means.
fn entry(roff: &mut Roff, head: Vec<Inline>, meaning: &str) {
    roff.control("TP", []);
    roff.text(head);
    roff.text([roman(meaning)]);
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
