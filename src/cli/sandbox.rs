//! `drsync sandbox`: a world of lakehouse folders, served as two Databricks workspaces on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, keep, look, output, place};
use crate::lakehouse::demo;
use crate::sandbox::{self, Fault, Options, Quirks, Served, World};

/// Where the world is made if none is named.
const MADE: &str = "drsync-sandbox";

/// Serve two lakehouse folders as two Databricks workspaces on localhost
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// A folder with a drsync.json, or with two lakehouse folders; without it one is made as `demo` does
    #[arg(long, value_name = "DIR")]
    world: Option<PathBuf>,
    /// Port of the primary; the secondary answers on the next; 0 takes free ones
    #[arg(long, value_name = "N", default_value_t = 8471)]
    port: u16,
    /// Make it misbehave: 'METHOD /path nth status|delay|drop-before|drop-after …'; may be given again
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Make it differ as workspaces do: no-history-queries, enforce-retention, time-zone=UTC …; may be given again
    #[arg(long, value_name = "QUIRK")]
    quirk: Vec<String>,
}

impl Sandbox {
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
            let world = World::find(&folder)
                .with_context(|| format!("find the world in {}", folder.display()))
                .map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
            let options = Options {
                port: self.port,
                faults,
                quirks,
                clock: context.clock.function(),
                ..Options::new(world)
            };
            let mut running = sandbox::serve(options)
                .await
                .map_err(|error| Failure::new(ExitStatus::Failed, format!("serve: {error}")))?;
            let file = place::for_sandbox(&folder);
            keep::whole(&file, running.configuration.as_bytes())
                .map_err(|error| Failure::of(ExitStatus::Failed, error))?;
            output::data(&told(&running.primary, &running.secondary, &file))?;
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

fn told(primary: &Served, secondary: &Served, configuration: &Path) -> String {
    let workspace = |role: &str, served: &Served| {
        format!(
            "  {role}  {}   warehouse {}\n             service principal {}   secret {}\n",
            served.url, served.warehouse_id, served.client_id, served.client_secret
        )
    };
    let tokens: Vec<String> = [primary, secondary]
        .iter()
        .map(|served| format!("export {}={}\n", served.token_variable, served.token))
        .collect();
    format!(
        "Two workspaces on this machine, until Ctrl-C\n{}{}\nTokens, for the shell in which drsync runs\n{}\n\
         Next: drsync plan --config {}\n",
        workspace("primary  ", primary),
        workspace("secondary", secondary),
        tokens.concat(),
        configuration.display()
    )
}
