//! Finds and reads the configuration.

use std::path::{Path, PathBuf};

use super::flags::Context;
use super::{ExitStatus, Failure, output};
use crate::config::{self, Configuration};
use crate::render;

/// The file that is looked for.
pub(super) const FILE: &str = "drsync.json";

/// A configuration and where drsync keeps its own files beside it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) configuration: Configuration,
    pub(super) folder: PathBuf,
}

/// Reads the configuration that was named, or the nearest one.
pub(super) fn read(context: &Context) -> Result<Found, Failure> {
    let path = match &context.config {
        Some(path) => named(path)?,
        None => nearest()?,
    };
    let configuration =
        config::load(&path).map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    Ok(Found {
        configuration,
        folder,
    })
}

/// Where records of a stored plan's applies may lie on this machine: here, beside the plan, beside the configuration.
pub(super) fn folders(context: &Context, plan: &Path) -> Vec<PathBuf> {
    let beside = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
    let configured = context.config.clone().or_else(|| nearest().ok());
    let mut folders = vec![PathBuf::new(), beside(plan)];
    folders.extend(configured.map(|path| match path.is_dir() {
        true => path,
        false => beside(&path),
    }));
    folders
}

/// Reads the configuration and tells every mistake of it on stderr; nothing usable is a failure.
///
/// Even `--quiet` does not silence it: a mistake can keep a group or a workspace out of everything that follows.
pub(super) fn usable(context: &Context) -> Result<Found, Failure> {
    let found = read(context)?;
    let configuration = &found.configuration;
    if configuration.workspaces.is_empty() {
        return Err(Failure::configuration(configuration, &context.style));
    }
    if !configuration.mistakes.is_empty() {
        let lines = render::config::mistakes(configuration, &context.style);
        let headline = render::config::headline(configuration);
        output::note(&format!(
            "drsync: {headline}: only what is valid goes on\n{}",
            lines.trim_end()
        ));
    }
    Ok(found)
}

fn named(path: &Path) -> Result<PathBuf, Failure> {
    let remote = path.to_str().and_then(|text| {
        ["workspace:", "volume:"]
            .into_iter()
            .find(|scheme| text.starts_with(scheme))
    });
    match remote {
        None => Ok(path.to_path_buf()),
        Some(scheme) => Err(Failure::new(
            ExitStatus::Configuration,
            format!(
                "a configuration in {scheme} is not read by this version; give a file or a directory"
            ),
        )),
    }
}

/// `./drsync.json`, or that of a parent folder up to the root of the git repository.
fn nearest() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(|error| {
        Failure::new(
            ExitStatus::Configuration,
            format!("no current folder: {error}"),
        )
    })?;
    let mut up = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(FILE).is_file() {
            return Ok(up.join(FILE));
        }
        if folder.join(".git").exists() {
            break;
        }
        up.push("..");
    }
    Err(Failure::new(
        ExitStatus::Configuration,
        format!("no {FILE} here or above; --config names another, and this writes one to fill in"),
    )
    .remedy("drsync init"))
}
