//! `drsync sandbox`: a world of lakehouse folders, served as two Databricks workspaces on this machine.

use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use rustix::fs::Mode;

use super::flags::Context;
use super::{ExitStatus, Failure, keep, look, output, place};
use crate::command::{Command, Verb};
use crate::lakehouse::demo;
use crate::sandbox::{self, Fault, Quirks, SandboxOptions, WorkspaceEndpoint, World, WorldSide};
use crate::{files, limits};

/// Where the world is made if none is named.
const MADE: &str = "drsync-sandbox";

/// Serve two lakehouse folders as two Databricks workspaces on localhost
#[derive(Debug, Args)]
pub(super) struct SandboxArguments {
    /// A folder with a drsync.json, or with two lakehouse folders; without it one is made as `demo` does
    #[arg(long, value_name = "DIR")]
    world: Option<PathBuf>,
    /// Port of the primary; the secondary answers on the next; 0 takes free ones
    #[arg(long, value_name = "N", default_value_t = 8471)]
    port: u16,
    /// A folder outside of the world that statements may name too; may be given again
    #[arg(long, value_name = "DIR")]
    allow: Vec<PathBuf>,
    /// Let a folder be changed that neither `demo` nor `init` made
    #[arg(long)]
    writable: bool,
    /// Make it misbehave: '[primary|secondary] METHOD /path nth status|delay|drop-before|drop-after …'; may be given again
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Nobody answers for this workspace: with primary the day on which its region is gone
    #[arg(long, value_name = "SIDE")]
    away: Option<Away>,
    /// Make it differ as workspaces do: no-history-queries, enforce-retention, time-zone=UTC …; may be given again
    #[arg(long, value_name = "QUIRK")]
    quirk: Vec<String>,
}

/// Which workspace is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Away {
    /// The one that is copied from.
    Primary,
    /// The one that is copied to; its storage is there.
    Secondary,
}

impl From<Away> for WorldSide {
    fn from(away: Away) -> WorldSide {
        match away {
            Away::Primary => WorldSide::Primary,
            Away::Secondary => WorldSide::Secondary,
        }
    }
}

impl SandboxArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let faults: Vec<Fault> = self
            .fault
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::new(ExitStatus::Usage, format!("--fault: {error}")))?;
        let mut quirks = Quirks::default();
        for text in &self.quirk {
            let added = quirks.add(text);
            added.map_err(|why| Failure::new(ExitStatus::Usage, format!("--quirk: {why}")))?;
        }
        look::block_on(async {
            let folder = match &self.world {
                Some(folder) => folder.clone(),
                None => made(context).await?,
            };
            let secret =
                Kept::of(&folder).map_err(|error| Failure::of(ExitStatus::Failed, error))?;
            let world = World::find(&folder)
                .with_context(|| format!("find the world in {}", folder.display()))
                .map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
            let options = SandboxOptions {
                port: self.port,
                faults,
                away: self.away.map(WorldSide::from),
                quirks,
                secret: secret.secret.clone(),
                allow: self.allow.clone(),
                writable: self.writable || is_ours(&folder),
                clock: context.clock.function(),
                ..SandboxOptions::new(world)
            };
            let mut running = sandbox::serve(options)
                .await
                .map_err(|error| Failure::new(ExitStatus::Failed, format!("serve: {error}")))?;
            let file = place::for_sandbox(&folder);
            keep::write_whole(&file, running.configuration.as_bytes())
                .map_err(|error| Failure::of(ExitStatus::Failed, error))?;
            let tokens = tokens(&running.primary, &running.secondary);
            secret.keep(&tokens).map_err(|error| Failure::of(ExitStatus::Failed, error))?;
            output::data(&describe_sandbox(
                &running.primary,
                &running.secondary,
                self.away,
                &tokens,
                &secret.file,
                &file,
            ))?;
            tokio::select! {
                ended = running.wait() => {
                    ended.context("serve").map_err(|error| Failure::of(ExitStatus::Failed, error))?;
                }
                _ = tokio::signal::ctrl_c() => running.stop(),
            }
            Ok(ExitStatus::Ok)
        })
    }
}

/// Makes the world of `demo`; one that is there already is served as it is.
async fn made(context: &Context) -> Result<PathBuf, Failure> {
    let folder = PathBuf::from(MADE);
    if !folder.join(demo::CONFIGURATION).exists() {
        demo::build(&folder, context.clock.now())
            .await
            .map_err(|error| Failure::of(ExitStatus::Refused, error))?;
    }
    Ok(folder)
}

/// Whether `demo` or `init` made a folder: each leaves a configuration.
fn is_ours(folder: &Path) -> bool {
    folder.join(demo::MARKER).is_file() || folder.join(demo::CONFIGURATION).is_file()
}

/// The file with the tokens of a world, which only its owner may read, and the secret that they are made of.
struct Kept {
    file: PathBuf,
    secret: String,
}

/// What the line with the secret begins with.
const SECRET: &str = "# made of ";

impl Kept {
    /// Finds the secret of a world that was served before, or makes one.
    fn of(folder: &Path) -> anyhow::Result<Kept> {
        let file = files::resolve_folder(folder).join("sandbox.env");
        let opened = match files::open_regular(&file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = sandbox::new_secret();
                return Ok(Kept { file, secret });
            }
            Err(error) => {
                let what = format!("read the sandbox's tokens in {}", file.display());
                return Err(anyhow::Error::new(error).context(what));
            }
        };
        let owner = opened.metadata()?.mode() & 0o077 == 0;
        let bytes = files::read(opened, &limits::SMALL_FILE)?;
        let text = String::from_utf8_lossy(&bytes);
        let kept = text.lines().find_map(|line| line.strip_prefix(SECRET));
        match kept.filter(|_| owner) {
            Some(secret) => Ok(Kept { secret: secret.to_owned(), file }),
            None => anyhow::bail!(
                "{} is no file of a sandbox's tokens that only its owner may read: remove it, and new tokens are made",
                file.display()
            ),
        }
    }

    /// Writes the tokens down for whoever may read the file.
    fn keep(&self, tokens: &str) -> anyhow::Result<()> {
        let Kept { file, secret } = self;
        let aside = file.with_extension(format!("env.{}", std::process::id()));
        let content = format!("{SECRET}{secret}\n{tokens}");
        let written = files::create_new(&aside, Mode::RUSR | Mode::WUSR)
            .and_then(|mut made| made.write_all(content.as_bytes()))
            .and_then(|()| files::rename(&aside, file));
        if written.is_err() {
            let _ = files::remove_file(&aside);
        }
        written.with_context(|| format!("write {}", file.display()))
    }
}

/// The tokens of both workspaces, for a shell.
fn tokens(primary: &WorkspaceEndpoint, secondary: &WorkspaceEndpoint) -> String {
    let line =
        |served: &WorkspaceEndpoint| format!("export {}={}\n", served.token_variable, served.token);
    line(primary) + &line(secondary)
}

fn describe_sandbox(
    primary: &WorkspaceEndpoint,
    secondary: &WorkspaceEndpoint,
    away: Option<Away>,
    tokens: &str,
    kept: &Path,
    configuration: &Path,
) -> String {
    let workspace = |role: &str, served: &WorkspaceEndpoint| {
        format!(
            "  {role}  {}   warehouse {}\n             service principal {}   secret {}\n",
            served.url, served.warehouse_id, served.client_id, served.client_secret
        )
    };
    let (away, next) = match away {
        None => ("", Verb::Plan),
        Some(Away::Primary) => ("  primary    is away: nobody answers for it\n", Verb::Status),
        Some(Away::Secondary) => {
            ("  secondary  is away: its storage is there, nobody answers for it\n", Verb::Status)
        }
    };
    format!(
        "Two workspaces on this machine, until Ctrl-C\n{}{}{away}\nTokens, for the shell in which drsync runs; they are in {} too\n{}\n\
         Next: {}\n",
        workspace("primary  ", primary),
        workspace("secondary", secondary),
        kept.display(),
        tokens,
        Command::new(next).line(Some(&configuration.display().to_string()))
    )
}
