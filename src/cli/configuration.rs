//! Finds and reads the configuration.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use super::flags::Context;
pub(super) use super::recover::FILE;
use super::recover::{self, ConfigurationSource, recover};
use super::{ExitStatus, Failure, output};
use crate::command::{Command, Verb};
use crate::config::{self, Configuration};
use crate::databricks::files::{self as remote_files, Files, FilesError};
use crate::databricks::{Environment, Timing};
use crate::files;
use crate::plan::{ConfiguredIn, Role};
use crate::region::RegionErrorKind;
use crate::render::writers::{Form, write};
use crate::render::{clean, sections};
use crate::secrets;

/// A configuration and where drsync keeps its own files beside it.
#[derive(Debug)]
pub(super) struct LoadedConfiguration {
    pub(super) configuration: Configuration,
    pub(super) folder: PathBuf,
    /// It is one that applies kept beside their evidence: the word of whoever may write there.
    pub(super) kept_in: Option<String>,
    /// Where it was read.
    pub(super) read_in: ConfiguredIn,
}

/// Reads the configuration that was named, or the nearest one.
pub(super) async fn read(context: &Context) -> Result<LoadedConfiguration, Failure> {
    let path = match &context.config {
        Some(path) => match path.to_str().filter(|source| remote_files::is_remote(source)) {
            Some(source) => return remote(source, &context.timing).await,
            None => match ConfigurationSource::of_config(path) {
                Some(source) => return recover_found(&source, context).await,
                None => path.clone(),
            },
        },
        None => named(nearest()?, context),
    };
    let configuration =
        config::load(&path).map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
    withhold(&configuration);
    let folder =
        if path.is_dir() { path } else { path.parent().map(Path::to_path_buf).unwrap_or_default() };
    let read_in = std::fs::canonicalize(folder_of(&folder)).map(ConfiguredIn::Folder);
    let read_in = read_in.unwrap_or_default();
    Ok(LoadedConfiguration { configuration, folder, kept_in: None, read_in })
}

/// A folder as it can be opened: the current one has a name, too.
fn folder_of(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Sees to it that nothing says a secret that stands in a configuration, where it does not belong; of a key, no line of it.
fn withhold(configuration: &Configuration) {
    for secret in &configuration.secrets {
        let secret = secret.expose_secret();
        secrets::register(secret);
        secret.lines().for_each(secrets::register);
    }
}

/// Reads the configuration that was named, or the nearest one if there is any: a stored plan can do without.
pub(super) async fn read_if_any(context: &Context) -> Result<Option<LoadedConfiguration>, Failure> {
    if context.config.is_none() && nearest().is_err() {
        return Ok(None);
    }
    read(context).await.map(Some)
}

/// Where drsync's own files lie beside the configuration that is named or looked for, whether or not that can be read.
pub(super) fn folder(context: &Context) -> PathBuf {
    match context.config.clone().or_else(|| nearest().ok()) {
        Some(path) if path.to_str().is_some_and(remote_files::is_remote) => PathBuf::new(),
        Some(path) if path.is_dir() => path,
        Some(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        None => PathBuf::new(),
    }
}

/// A configuration that was found above is named: it may not be the one that was thought of.
fn named(path: PathBuf, context: &Context) -> PathBuf {
    if path.parent() != Some(Path::new("")) {
        context.remark(&clean(&format!("drsync: {} is used", path.display())));
    }
    path
}

/// Where records of a stored plan's applies may lie on this machine: here, beside the plan, beside the configuration.
pub(super) fn folders(context: &Context, plan: &Path) -> Vec<PathBuf> {
    let beside = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
    let configured = context.config.clone().or_else(|| nearest().ok());
    let mut folders = vec![PathBuf::new(), beside(plan)];
    folders.extend(configured.map(|path| if path.is_dir() { path } else { beside(&path) }));
    folders
}

/// Reads the configuration and tells every mistake of it on stderr; nothing usable is a failure.
///
/// Even `--quiet` does not silence it: a mistake can keep a group or a workspace out of everything that follows.
pub(super) async fn usable(context: &Context) -> Result<LoadedConfiguration, Failure> {
    let found = read(context).await?;
    let configuration = &found.configuration;
    if configuration.workspaces.is_empty() {
        return Err(Failure::configuration(configuration, &context.style));
    }
    if !configuration.mistakes.is_empty() {
        let lines = write(&sections::config::mistakes(configuration), Form::Text(context.style));
        let headline = sections::config::headline(configuration);
        let told = format!("drsync: {headline}: only what is valid goes on\n{}", lines.trim_end());
        if context.said.first(&told) {
            output::note(&told);
        }
    }
    Ok(found)
}

/// Reads `workspace:/…` or `volume:/Volumes/…` with the ambient identity; drsync's own files then lie in the current folder.
async fn remote(source: &str, timing: &Timing) -> Result<LoadedConfiguration, Failure> {
    let here = std::env::current_dir().context("find the current folder")?;
    let read = remote_files::read(source, &environment(), timing).await;
    let configuration = match read.map_err(|error| unread(source, error))? {
        Files::File { name, bytes } => config::read_text(&name, &bytes, &here),
        Files::Folder(files) => config::read_files(source, &files, &here),
    };
    withhold(&configuration);
    let read_in = remote_files::workspace_of(&environment());
    let read_in = read_in.map_or(ConfiguredIn::Elsewhere, ConfiguredIn::Workspace);
    Ok(LoadedConfiguration { configuration, folder: PathBuf::new(), kept_in: None, read_in })
}

/// Reads the configuration that applies kept; drsync's own files then lie in the current folder.
async fn recover_found(
    source: &ConfigurationSource,
    context: &Context,
) -> Result<LoadedConfiguration, Failure> {
    let recovered = recover(context, &environment(), source, &[]).await?;
    let bytes = recover::as_one(&recovered)?;
    let places: Vec<&str> = recovered.iter().map(|one| one.place.as_str()).collect();
    let places = places.join(", ");
    let configuration = config::read_text(&places, &bytes, Path::new("/nowhere"));
    withhold(&configuration);
    let used = recovered.iter().map(|one| one.used(context.clock.now()));
    let used: Vec<String> = used.collect();
    context.remark(&clean(&format!(
        "drsync: the configuration is what was kept in {places}, {}; whoever may write there may change it",
        used.join("; ")
    )));
    let kept_in = Some(source.describe_source());
    let read_in = ConfiguredIn::Elsewhere;
    Ok(LoadedConfiguration { configuration, folder: PathBuf::new(), kept_in, read_in })
}

/// Refuses a configuration that was kept beside the evidence for what changes something, or sends secrets to servers that it names.
pub(super) fn require_own(found: LoadedConfiguration) -> Result<LoadedConfiguration, Failure> {
    let Some(source) = &found.kept_in else {
        return Ok(found);
    };
    let message = format!(
        "nothing is done with a configuration out of {source}: whoever may write there may change it; write it into a file, and look at it"
    );
    let command = Command::new(Verb::Init).word("--from").word(source.as_str());
    Err(Failure::new(ExitStatus::Refused, clean(&message)).with_help(command))
}

/// Why a configuration in a workspace was not read, and what would help.
fn unread(source: &str, error: FilesError) -> Failure {
    let refused = match error {
        FilesError::SignIn(error) => return Failure::sign_in(&error),
        FilesError::Mistaken(error) => return Failure::of(ExitStatus::Configuration, error),
        FilesError::Refused(refused) => refused,
    };
    let volume = source.strip_prefix("volume:/Volumes/");
    let hint = match (refused.kind, volume) {
        (RegionErrorKind::NotFound, _) => {
            Some("what is not shared with whoever is signed in is not found either".to_owned())
        }
        (RegionErrorKind::Denied, None) => {
            Some("whoever is signed in needs CAN READ on it".to_owned())
        }
        (RegionErrorKind::Denied, Some(path)) => {
            let parts: Vec<&str> = path.split('/').take(3).collect();
            let volume = parts.join(".");
            Some(format!(
                "whoever is signed in needs READ VOLUME on {volume}, and USE on its parents"
            ))
        }
        _ => None,
    };
    let failure = Failure::of(ExitStatus::of_refusal(refused.kind, Role::Primary), refused);
    match hint {
        Some(hint) => failure.with_line(&hint),
        None => failure,
    }
}

/// `./drsync.json`, or that of a parent folder: up to the root of the git repository or the home folder, and no further than
/// folders that nobody else writes to. Secrets go where a configuration says, so nobody else's is taken unasked.
pub(super) fn nearest() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(|error| {
        Failure::new(ExitStatus::Configuration, format!("no current folder: {error}"))
    })?;
    let home = std::env::home_dir();
    let mut up = PathBuf::new();
    let mut strange = None;
    for folder in here.ancestors() {
        let climbed = !up.as_os_str().is_empty();
        let found = folder.join(FILE);
        let why = climbed.then(|| of_strangers(folder, &found, &here)).flatten();
        if let Some(why) = why {
            let there = found.symlink_metadata().is_ok();
            strange = there.then(|| format!("{} is there and not taken: {why}", found.display()));
            break;
        }
        match files::look_named(&found) {
            Ok(()) => return Ok(up.join(FILE)),
            // What has its name and is something else is no reason to take another, further above.
            Err(error) if found.symlink_metadata().is_ok() => return Err(odd(&up, &error)),
            Err(_) => {}
        }
        if folder.join(".git").exists() || home.as_deref() == Some(folder) {
            break;
        }
        up.push("..");
    }
    let failure = Failure::new(
        ExitStatus::Configuration,
        format!("no {FILE} here or above; --config names another, and this writes one to fill in"),
    );
    let failure = match &strange {
        Some(told) => failure.with_line(&clean(told)),
        None => failure,
    };
    let from = Command::new(Verb::Init).word("--from");
    let failure = failure.with_line(&format!(
        "every apply keeps a copy beside the replicas, which {from} finds by the address of the other workspace or sync location"
    ));
    Err(failure.with_help(Command::new(Verb::Init)))
}

/// Something has the name of the configuration and cannot be read as a file.
fn odd(folder: &Path, error: &io::Error) -> Failure {
    let shown = folder.join(FILE);
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it is a link that leads nowhere".to_owned(),
        _ => error.to_string(),
    };
    let message = format!("{} is not read: {why}; --config names another", shown.display());
    Failure::new(ExitStatus::Configuration, clean(&message))
}

/// Why a configuration above is not taken unasked: somebody else may have written it, or may write it.
fn of_strangers(folder: &Path, file: &Path, here: &Path) -> Option<String> {
    let me = rustix::process::geteuid().as_raw();
    // In a container the checkout may belong to another user: whoever owns the current folder counts as its own.
    let owner = here.metadata().map_or(me, |here| here.uid());
    for path in [folder, file] {
        // A link counts as itself: whoever may make one chooses where it leads.
        let Ok(there) = path.symlink_metadata() else {
            continue;
        };
        let shown = path.display();
        if there.uid() != me && there.uid() != owner {
            return Some(format!("{shown} belongs to another user"));
        }
        if there.mode() & 0o002 != 0 && !there.is_symlink() {
            return Some(format!("everybody may write to {shown}"));
        }
    }
    None
}

/// What signing in takes from its surroundings.
pub(super) fn environment() -> Environment {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Environment::new(variables, std::env::home_dir())
}
