//! Finds and reads the configuration.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::flags::Context;
use super::{ExitStatus, Failure, output, regions};
use crate::config::{self, Configuration};
use crate::databricks::Timing;
use crate::databricks::files::{self, Files, FilesError};
use crate::region::RegionErrorKind;
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
pub(super) async fn read(context: &Context) -> Result<Found, Failure> {
    let path = match &context.config {
        Some(path) => match path.to_str().filter(|source| files::is_remote(source)) {
            Some(source) => return remote(source).await,
            None => path.clone(),
        },
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

/// Reads the configuration that was named, or the nearest one if there is any: a stored plan can do without.
pub(super) async fn read_if_any(context: &Context) -> Result<Option<Found>, Failure> {
    if context.config.is_none() && nearest().is_err() {
        return Ok(None);
    }
    read(context).await.map(Some)
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
pub(super) async fn usable(context: &Context) -> Result<Found, Failure> {
    let found = read(context).await?;
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

/// Reads `workspace:/…` or `volume:/Volumes/…` with the ambient identity; drsync's own files then lie in the current folder.
async fn remote(source: &str) -> Result<Found, Failure> {
    let here = std::env::current_dir().context("find the current folder")?;
    let read = files::read(source, &regions::environment(), &Timing::real()).await;
    let configuration = match read.map_err(|error| unread(source, error))? {
        Files::File { name, bytes } => config::read_text(&name, &bytes, &here),
        Files::Folder(files) => config::read_files(source, &files, &here),
    };
    Ok(Found {
        configuration,
        folder: PathBuf::new(),
    })
}

/// Why a configuration in a workspace was not read, and what would help.
fn unread(source: &str, error: FilesError) -> Failure {
    let refused = match error {
        FilesError::SignIn(error) => return Failure::sign_in(&error),
        FilesError::Refused(refused) => refused,
    };
    let volume = source.strip_prefix("volume:/Volumes/");
    let hint = match (refused.kind, volume) {
        (RegionErrorKind::NotFound, _) => {
            "what is not shared with whoever is signed in is not found either".to_owned()
        }
        (RegionErrorKind::Denied, None) => "whoever is signed in needs CAN READ on it".to_owned(),
        (RegionErrorKind::Denied, Some(path)) => {
            let parts: Vec<&str> = path.split('/').take(3).collect();
            let volume = parts.join(".");
            format!("whoever is signed in needs READ VOLUME on {volume}, and USE on its parents")
        }
        _ => String::new(),
    };
    let exit = match refused.kind {
        RegionErrorKind::Unavailable => ExitStatus::PrimaryAway,
        _ => ExitStatus::Configuration,
    };
    Failure::of(exit, refused).detail(&hint)
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
