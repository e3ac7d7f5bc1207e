//! `drsync init`: a configuration, filled in with what a workspace has or to fill in, and on request the folders it names.

mod conversation;
mod folder;
mod found;
mod from;
mod proposal;
mod saved_answers;
mod talk;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::configuration::{self, FILE};
use super::flags::Context;
use super::{ExitStatus, Failure, keep, look, output};
use crate::command::{Command, Verb};
use crate::render;
use crate::text::plural;
use proposal::InitAnswers;

/// What a new configuration begins as.
const STARTER: &str = include_str!("../../fixtures/configuration/starter.json");
/// What stands for the workspace's address in it.
const PLACEHOLDER: &str = "https://<workspace>.azuredatabricks.net";

/// Write a configuration: from what a workspace has, or to fill in
///
/// On a terminal and with the address of a Databricks workspace it looks there and asks what it has to know.
#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The workspace: an address, or the folder of a lakehouse
    workspace: Option<String>,
    /// Print it instead of writing drsync.json
    #[arg(long, conflicts_with = "make_locations")]
    stdout: bool,
    /// Make the folders of the sync locations that the configuration names on this machine
    #[arg(long, conflicts_with = "workspace")]
    make_locations: bool,
    /// Write the configuration that the last apply kept: the address of the other workspace, or of a sync location
    ///
    /// For the day on which nobody has the configuration any more. It is looked for beside the evidence.
    #[arg(long, value_name = "WORKSPACE|LOCATION", conflicts_with_all = ["workspace", "make_locations"])]
    from: Option<String>,
    /// Take it only if a run record names it that one of these minisign public keys signed, those of the runners
    #[arg(long, value_name = "KEYS", requires = "from")]
    signed_by: Option<String>,
}

impl InitArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        if self.make_locations {
            return make_locations(context);
        }
        if let Some(source) = &self.from {
            return from::write(context, source, self.signed_by.as_deref(), self.stdout);
        }
        if self.stdout {
            output::document(starter(self.workspace.as_deref()).as_bytes())?;
            return Ok(ExitStatus::Ok);
        }
        let path = context.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
        if path.symlink_metadata().is_ok() {
            let message = format!("{} is there already and stays as it is", path.display());
            return Err(Failure::new(ExitStatus::Refused, message)
                .with_help(Command::new(Verb::Init).word("--stdout")));
        }
        let given = self.workspace.as_deref();
        if let Some(folder) = given.map(Path::new).filter(|it| folder::is_lakehouse(it)) {
            let shown = as_named_in(&path, folder)?;
            let mut terminal = talk::Terminal::about(&shown, &path);
            let answers = folder::configuration(context, &mut terminal, folder, &shown);
            return written(context, &path, &look::block_on(answers)?);
        }
        let asked = given.filter(|_| context.can_ask);
        match asked.map(conversation::pasted) {
            Some(Ok(address)) => {
                let mut terminal = talk::Terminal::about(address.as_str(), &path);
                let answers = conversation::configuration(context, &mut terminal, &address);
                return written(context, &path, &look::block_on(answers)?);
            }
            // What was meant as an address is not written into a file as it stands.
            Some(Err(why)) if asked.is_some_and(conversation::is_meant_as_address) => {
                let message = format!("{}: {why}", asked.unwrap_or_default());
                return Err(Failure::new(ExitStatus::Usage, render::clean(&message)));
            }
            Some(Err(_)) | None => {}
        }
        keep::new(&path, starter(given).as_bytes())?;
        keep_schema(&path)?;
        output::data(&format!(
            "Wrote {}: fill in what stands in <…>\nNext: {}\n",
            path.display(),
            next(context, &path, Verb::Validate)
        ))?;
        Ok(ExitStatus::Ok)
    }
}

/// The command that comes next, with the configuration that was written where another one is named, or is found first.
fn next(context: &Context, path: &Path, verb: Verb) -> String {
    let named = (context.config.is_some() || path.as_os_str() != FILE).then(|| path.display());
    Command::new(verb).line(named.map(|path| path.to_string()).as_deref())
}

/// A folder as a configuration in another place names it: paths in it start at its own folder.
fn as_named_in(configuration: &Path, folder: &Path) -> Result<String, Failure> {
    let here = configuration.parent().is_none_or(|above| above.as_os_str().is_empty());
    let named = if here {
        folder.to_path_buf()
    } else {
        std::path::absolute(folder).context("find the folder")?
    };
    let named = named.display().to_string();
    Ok(match named.trim_end_matches('/') {
        "" => named,
        plain => plain.to_owned(),
    })
}

/// Writes what came of the questions; what nobody answered is a placeholder, and the answers that there are are kept.
fn written(context: &Context, path: &Path, answers: &InitAnswers) -> Result<ExitStatus, Failure> {
    keep::new(path, proposal::configuration(answers).as_bytes())?;
    keep::forget_answers(path.parent().unwrap_or(Path::new("")));
    keep_schema(path)?;
    let groups = plural(answers.groups.len(), "group");
    let tables = answers.groups.iter().map(|group| group.tables.len()).sum();
    let tables = plural(tables, "table");
    let shown = path.display();
    let next = next(context, path, Verb::Validate);
    if !answers.said.is_whole() {
        output::data(&format!(
            "\nWrote {shown} ({groups}, {tables}) with what is known: fill in what stands in <…>\n\
             Next: {next}\n"
        ))?;
        return Ok(ExitStatus::Ok);
    }
    output::data(&format!(
        "\nWrote {shown} ({groups}, {tables}; every 12 hours, 3 retries)\nNext: {next}\n"
    ))?;
    Ok(ExitStatus::Ok)
}

/// Writes the schema beside a configuration, where its `$schema` says that it is.
fn keep_schema(configuration: &Path) -> Result<(), Failure> {
    let folder = configuration.parent().unwrap_or(Path::new(""));
    let schema = output::json_text(&render::schema::configuration())?;
    Ok(keep::schema(folder, schema.as_bytes())?)
}

fn starter(workspace: Option<&str>) -> String {
    match workspace {
        None => STARTER.to_owned(),
        Some(address) => {
            // As a JSON string: an address may hold anything.
            let text = serde_json::Value::from(address.trim_end_matches('/')).to_string();
            STARTER.replacen(&format!("\"{PLACEHOLDER}\""), &text, 1)
        }
    }
}

/// Roots of sync locations are made here and nowhere else: a missing one is how a region is seen to be away.
fn make_locations(context: &Context) -> Result<ExitStatus, Failure> {
    let found = look::block_on(configuration::usable(context))?;
    let mut text = String::new();
    for workspace in &found.configuration.workspaces {
        for location in [&workspace.location_primary, &workspace.location_secondary] {
            let Some(folder) = location.is_local() else {
                text.push_str(&format!("not on this machine  {location}\n"));
                continue;
            };
            let there = folder.is_dir();
            std::fs::create_dir_all(folder)
                .with_context(|| format!("make {}", folder.display()))?;
            let done = if there { "there already" } else { "made" };
            text.push_str(&format!("{done:<20} {}\n", folder.display()));
        }
    }
    output::data(&text)?;
    Ok(ExitStatus::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_put_where_the_placeholder_stands() {
        assert!(STARTER.contains(PLACEHOLDER));
        let filled = starter(Some("https://adb-1.test/"));
        assert!(filled.contains("\"workspace_instance_url\": \"https://adb-1.test\""));
        let odd = starter(Some(r#"C:\"x""#));
        assert!(serde_json::from_str::<serde_json::Value>(&odd).is_ok());
    }
}
