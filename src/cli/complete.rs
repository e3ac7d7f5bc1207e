//! What a shell is told while a command line is typed: groups, tables, codes and runs, as they are here and now.
//!
//! No region is asked: the configuration on this machine and the records beside it tell.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::CompleteEnv;

use super::selection::NamedGroup;
use super::{configuration, described, explain, selection};
use crate::config::{Configuration, GroupEntry, load};
use crate::plan::{CRASH_CONSISTENT, FindingCode};
use crate::render::clean;
use crate::text::label_group;

/// What a shell sets that asks.
pub(super) const VARIABLE: &str = "DRSYNC_COMPLETE";

/// Answers a shell that asks for completions, and ends; otherwise does nothing.
pub(super) fn answer_shell() {
    CompleteEnv::with_factory(described).var(VARIABLE).complete();
}

/// The command line with what completes its values.
pub(super) fn with_values(whole: Command) -> Command {
    let whole = whole.mut_args(|argument| match argument.get_id().as_str() {
        "only" | "exclude" => argument.add(completer(groups)),
        _ => argument,
    });
    let names: Vec<String> = whole.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    names.into_iter().fold(whole, |whole, name| {
        whole.mut_subcommand(name.clone(), |command| {
            command.mut_args(|argument| match (name.as_str(), argument.get_id().as_str()) {
                ("plan" | "apply", "now") => argument.add(completer(groups)),
                ("plan" | "apply", "accept") => argument.add(completer(risks)),
                ("history", "group") | ("runbook", "groups") => argument.add(completer(groups)),
                ("status", "asked") => argument.add(completer(groups_and_tables)),
                ("show", "table") => argument.add(completer(tables)),
                ("show", "file") => argument.add(ArgValueCompleter::new(Records)),
                ("explain", "code") => argument.add(completer(explain::codes)),
                ("help", "topic") | ("man", "command") => argument.add(completer(commands)),
                _ => argument,
            })
        })
    })
}

/// Completes with the texts that begin like what is typed.
fn completer(known: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| -> Vec<CompletionCandidate> {
        let typed = typed.to_string_lossy();
        let known = known().into_iter().filter(|text| text.starts_with(typed.as_ref()));
        // A name of others is typed by nobody as it stands where a terminal would obey it.
        known.filter(|text| clean(text) == *text).map(CompletionCandidate::new).collect()
    })
}

fn commands() -> Vec<String> {
    described().get_subcommands().map(|it| it.get_name().to_owned()).collect()
}

/// The configuration that the command line names, or that is found; none where it is not on this machine.
fn configured() -> Option<Configuration> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let named = named(&arguments).or_else(|| std::env::var_os("DRSYNC_CONFIG").map(PathBuf::from));
    let path = named.or_else(|| configuration::nearest().ok())?;
    load(&path).ok()
}

/// What follows `--config` or `-c`.
fn named(arguments: &[OsString]) -> Option<PathBuf> {
    arguments.iter().enumerate().find_map(|(at, argument)| {
        let text = argument.to_str()?;
        match text.strip_prefix("--config=") {
            Some(path) => Some(PathBuf::from(path)),
            None if matches!(text, "--config" | "-c") => arguments.get(at + 1).map(PathBuf::from),
            None => None,
        }
    })
}

/// Every group by its name, and with its workspace where several have one of that name.
fn groups() -> Vec<String> {
    let all = configured().map(|it| selection::groups(&it)).unwrap_or_default();
    let names = selection::names(&all).into_iter().map(str::to_owned);
    let alike = |known: &&NamedGroup| {
        let same = all.iter().filter(|other| other.group == known.group);
        same.map(|other| &other.workspace).collect::<BTreeSet<_>>().len() > 1
    };
    let labels = all.iter().filter(alike);
    let labels = labels.map(|known| label_group(true, &known.workspace, &known.group));
    BTreeSet::from_iter(names.chain(labels)).into_iter().collect()
}

fn tables() -> Vec<String> {
    let configuration = configured();
    let workspaces = configuration.iter().flat_map(|it| &it.workspaces);
    let groups = workspaces.flat_map(|workspace| &workspace.groups);
    let valid = groups.filter_map(|entry| match entry {
        GroupEntry::Valid(group) => Some(group),
        GroupEntry::Invalid { .. } => None,
    });
    valid.flat_map(|group| &group.tables).map(ToString::to_string).collect()
}

fn groups_and_tables() -> Vec<String> {
    let mut all = groups();
    all.extend(tables());
    all
}

/// `CODE:SCOPE` of everything that can be accepted.
fn risks() -> Vec<String> {
    let codes = FindingCode::ALL.into_iter().filter(|code| code.acceptable());
    let codes = codes.map(FindingCode::as_str).chain([CRASH_CONSISTENT]);
    let scopes = groups_and_tables();
    codes.flat_map(|code| scopes.iter().map(move |scope| format!("{code}:{scope}"))).collect()
}

/// Files, and the records of applies of this machine, newest first.
struct Records;

impl ValueCompleter for Records {
    fn complete(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let mut found = PathCompleter::file().complete(typed);
        let runs = Path::new(".drsync").join("runs");
        let entries = std::fs::read_dir(&runs).into_iter().flatten().flatten();
        let mut records: Vec<PathBuf> = entries.map(|entry| runs.join(entry.file_name())).collect();
        records.sort();
        let begins = |path: &PathBuf| path.to_string_lossy().starts_with(&*typed.to_string_lossy());
        let plain = |path: &PathBuf| path.to_str().is_some_and(|text| clean(text) == text);
        records.retain(|path| path.extension().is_some_and(|end| end == "json"));
        records.reverse();
        // An apply is named by its id as well, which its record is called by here.
        let id = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            name.strip_suffix(".json").filter(|id| !id.contains('.')).map(PathBuf::from)
        };
        let ids: Vec<PathBuf> = records.iter().filter_map(id).collect();
        let all = ids.into_iter().chain(records).filter(begins).filter(plain);
        found.extend(all.map(|path| CompletionCandidate::new(path.into_os_string())));
        found
    }
}
