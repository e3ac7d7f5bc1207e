//! The configuration that the last apply kept, as a file: for whoever has nothing but the address of the other side.

use std::path::PathBuf;

use super::next;
use crate::cli::configuration::{FILE, environment};
use crate::cli::flags::Context;
use crate::cli::recover::{self, ConfigurationSource, Recovered};
use crate::cli::{ExitStatus, Failure, keep, look, output, signature};
use crate::command::{Command, Verb};
use crate::config::{Connection, WorkspaceAddress, WorkspaceConfig, token_variable};
use crate::harmless;
use crate::render::clean;
use crate::text::plural;

/// Finds it and writes it, or prints it.
pub(super) fn write(
    context: &Context,
    given: &str,
    signed_by: Option<&str>,
    stdout: bool,
) -> Result<ExitStatus, Failure> {
    let source = ConfigurationSource::of_text(given).map_err(|why| {
        let message = format!("--from {given}: {why}");
        Failure::new(ExitStatus::Usage, clean(&message))
    })?;
    let keys = signed_by.map(signature::runners_keys).transpose()?.unwrap_or_default();
    let path = path(context);
    if !stdout && path.symlink_metadata().is_ok() {
        let message = format!("{} is there already and stays as it is", path.display());
        let command = Command::new(Verb::Init).word("--from").word(given).word("--stdout");
        return Err(Failure::new(ExitStatus::Refused, message).with_help(command));
    }
    let recovered = look::block_on(recover::recover(context, &environment(), &source, &keys))?;
    let bytes = recover::as_one(&recovered)?;
    if stdout {
        output::document(&bytes)?;
        return Ok(ExitStatus::Ok);
    }
    keep::new(&path, &harmless::json_bytes(bytes))?;
    let next = next(context, &path, Verb::Status);
    let text = describe_recovered(context, &path.display().to_string(), &recovered);
    output::data(&format!("{text}\nNext\n{next}\n"))?;
    Ok(ExitStatus::Ok)
}

/// Where it is written: one that lies in a workspace, or beside the evidence, is not written over.
fn path(context: &Context) -> PathBuf {
    let named = context.config.clone().filter(|path| {
        let text = path.to_string_lossy();
        !text.contains(':') && !path.is_dir()
    });
    named.unwrap_or_else(|| PathBuf::from(FILE))
}

fn describe_recovered(context: &Context, path: &str, recovered: &[Recovered]) -> String {
    let now = context.clock.now();
    let mut text = String::new();
    for one in recovered {
        let Recovered { place, tables, found, configuration } = one;
        let groups = configuration.workspaces.iter().map(|workspace| workspace.groups.len()).sum();
        let head = format!(
            "Wrote {path}: {}, {}, sha256 {}…\n",
            one.used(now),
            plural(groups, "group"),
            found.sha256.get(..8).unwrap_or_default()
        );
        text.push_str(&clean(&head));
        let by = match tables {
            Some(0) => ", an external location".to_owned(),
            Some(1) => ", where 1 table of the workspace lies".to_owned(),
            Some(tables) => format!(", where {tables} tables of the workspace lie"),
            None => String::new(),
        };
        let mut lines = vec![("found", format!("{place}{by}"))];
        for workspace in &configuration.workspaces {
            lines.extend(sides(workspace));
        }
        match &found.named_by {
            Some(named) => {
                let at = crate::moment::text(named.ended_at);
                lines.push(("record", format!("{} of {at}", named.run_id)));
                let signed = match &named.signed_by {
                    Some(key) => format!("by {key}"),
                    None => "no: whoever may write there can have written it".to_owned(),
                };
                lines.push(("signed", signed));
            }
            None => lines.push(("record", "none names it: look at it with care".to_owned())),
        }
        for mistake in &configuration.mistakes {
            lines.push(("mistake", format!("{}: {}", mistake.path_with_group(), mistake.message)));
        }
        text.push('\n');
        for (label, line) in lines {
            text.push_str(&format!("  {label:<8} {}\n", clean(&line)));
        }
    }
    text
}

/// Where both sides of a workspace are, which is where tokens will be sent.
fn sides(workspace: &WorkspaceConfig) -> Vec<(&'static str, String)> {
    let side = |name: &str, address: &WorkspaceAddress| match address {
        WorkspaceAddress::Databricks(_) => {
            format!("{name}, {address}; its token: {} or as usual", token_variable(name))
        }
        WorkspaceAddress::Lakehouse(_) => format!("{name}, {address}"),
    };
    let mut lines = vec![("side", side(&workspace.name, &workspace.address))];
    if let Some(secondary) = &workspace.secondary {
        let name = workspace.sides().other;
        lines.push(("side", side(&name, secondary)));
    }
    let Connection { secret_scope, pat_key, secondary_pat_key, .. } = &workspace.connection;
    let keys: Vec<&str> = pat_key.iter().chain(secondary_pat_key).map(String::as_str).collect();
    if let (Some(scope), false) = (secret_scope, keys.is_empty()) {
        lines.push(("secrets", format!("{} of the scope {scope}", keys.join(", "))));
    }
    lines
}
